//! How a suite runs: named checks over a harness that makes an adapter fresh and opens it again, and random
//! histories against a model.

use futures_util::future::BoxFuture;
use proptest::{
    collection::vec,
    strategy::Strategy,
    test_runner::{Config, TestCaseError, TestRunner},
};
use std::{fmt::Debug, io::Write as _, panic::Location, time::Duration};

/// A check that takes longer hangs, which is a failure too; a broken adapter need not wait so long.
const DEADLINE: Duration = Duration::from_secs(20);
const BROKEN_DEADLINE: Duration = Duration::from_secs(2);

pub struct Check<H: ?Sized + 'static> {
    pub name: &'static str,
    pub run: for<'a> fn(&'a H) -> BoxFuture<'a, anyhow::Result<()>>,
}

impl<H: ?Sized> Check<H> {
    /// Why the check failed, with its name.
    async fn failure(&self, harness: &H, deadline: Duration) -> Option<String> {
        match tokio::time::timeout(deadline, (self.run)(harness)).await {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(format!("{}: {why:#}", self.name)),
            Err(_) => Some(format!("{}: hangs", self.name)),
        }
    }
}

/// Runs every check on a harness of its own and reports all that fail.
pub async fn passes<H: ?Sized>(checks: &[Check<H>], fresh: impl Fn() -> anyhow::Result<Box<H>>) -> anyhow::Result<()> {
    let mut failures = Vec::new();
    for check in checks {
        failures.extend(check.failure(&*fresh()?, DEADLINE).await);
    }
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Runs the one check that an adapter broken in this way must not pass.
pub async fn fails<H: ?Sized>(checks: &[Check<H>], name: &str, broken: &H) -> anyhow::Result<()> {
    let check = checks.iter().find(|check| check.name == name);
    let check = check.ok_or_else(|| anyhow::anyhow!("there is no check {name}"))?;
    let failure = check.failure(broken, BROKEN_DEADLINE).await;
    let failure = failure.ok_or_else(|| anyhow::anyhow!("a broken adapter passes {name}"))?;
    // shown by `--nocapture`: whether it fails for the reason that was meant
    writeln!(std::io::stderr(), "{failure}")?;
    Ok(())
}

/// So many random histories of at most so many steps; one that fails is made as short as it can be, and kept in
/// `proptest-regressions`, where the next run begins.
#[track_caller]
pub fn histories<S: Debug>(
    cases: u32,
    longest: usize,
    step: impl Strategy<Value = S>,
    run: impl AsyncFn(Vec<S>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let config = Config { cases, source_file: Some(Location::caller().file()), ..Config::default() };
    let tested = TestRunner::new(config).run(&vec(step, 1..longest), |steps| {
        let ran = runtime.block_on(run(steps));
        ran.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    tested.map_err(|failure| anyhow::anyhow!("{failure}"))
}

/// A table of checks from the names of their functions.
macro_rules! checks {
    ($($check:ident),* $(,)?) => {
        [$(crate::suite::Check { name: stringify!($check), run: |harness| Box::pin($check(harness)) }),*]
    };
}
pub(crate) use checks;
