//! A provider outside, behind its breaker. Every answer that is asked of one goes through here; its list of models does not: that is
//! how the catalogue sees whether it is there.

use super::{Ask, Embedded, Fault, FaultKind, Model, Passes, Pieces, Provider, Timeouts, Titles, breaker::Breaker};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use platform::Platform;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A provider that is left alone while it is away.
pub struct Guarded<P> {
    inner: P,
    breaker: Arc<Breaker>,
}

impl<P: Provider> Guarded<P> {
    /// Behind a breaker of its own.
    pub fn new(inner: P, platform: &Platform) -> Self {
        let breaker = Breaker::new(inner.name(), platform.ids.clone(), platform.metrics.clone());
        Self { inner, breaker }
    }
}

#[async_trait]
impl<P: Provider> Provider for Guarded<P> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        self.inner.models().await
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        let call = self.breaker.begin(ask.attempt == 1)?;
        match self.inner.stream(ask).await {
            Ok(pieces) => {
                let mut call = Some(call);
                // judged by its first piece; the others only pass
                let judge = move |piece: &Result<_, Fault>| {
                    if let Some(call) = call.take() {
                        call.judge(piece.as_ref().err());
                    }
                };
                Ok(pieces.inspect(judge).boxed())
            }
            Err(fault) => {
                call.judge(Some(&fault));
                Err(fault)
            }
        }
    }

    fn first_byte(&self) -> Duration {
        self.inner.first_byte()
    }

    fn passes(&self) -> Option<&dyn Passes> {
        self.inner.passes().map(|_| self as &dyn Passes)
    }

    async fn embed(&self, model: &str, texts: Vec<String>, dimensions: Option<u64>) -> Result<Embedded, Fault> {
        let call = self.breaker.begin(true)?;
        let outcome = self.inner.embed(model, texts, dimensions).await;
        call.judge(outcome.as_ref().err());
        outcome
    }

    fn titles(&self, question: &str) -> Titles {
        self.inner.titles(question)
    }

    fn breaker(&self) -> Option<&Breaker> {
        Some(&self.breaker)
    }
}

/// Only asked for where the provider inside passes requests on.
#[async_trait]
impl<P: Provider> Passes for Guarded<P> {
    fn called(&self) -> &str {
        self.inner.name()
    }

    fn timeouts(&self) -> Timeouts {
        self.inner.passes().map_or_else(Timeouts::default, Passes::timeouts)
    }

    fn counts(&self) -> bool {
        self.inner.passes().is_some_and(Passes::counts)
    }

    /// The head of the answer is the sign of life here: what follows is passed on unread.
    async fn pass(
        &self,
        path: &str,
        body: Vec<u8>,
        without: Option<&(dyn Fn() -> Option<Vec<u8>> + Sync)>,
        deadline: Instant,
    ) -> Result<reqwest::Response, Fault> {
        let missing = || Fault::new(FaultKind::BadRequest, format!("{} takes no such requests.", self.name()));
        let inner = self.inner.passes().ok_or_else(missing)?;
        let call = self.breaker.begin(true)?;
        let outcome = inner.pass(path, body, without, deadline).await;
        call.judge(outcome.as_ref().err());
        outcome
    }
}
