//! Too little memory: a process in a control group that may have next to none meets the kernel's own killer. A
//! limit of the address space would not do, for the allocator has reserved more than it uses.

use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where control groups of memory are, by version, and the file with the limit.
const ROOTS: [(&str, &str); 2] = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
/// From now on; what a process has already is not counted.
const LITTLE: &str = "4096";

/// A group for one process, gone with this value.
pub struct Little(PathBuf);

impl Little {
    /// None where this user may not.
    pub fn new(name: &str) -> Option<Self> {
        ROOTS.iter().find_map(|(root, limit)| {
            let group = Self(Path::new(root).join(format!("taifas-{}-{name}", std::process::id())));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(limit), LITTLE).ok()?;
            Some(group)
        })
    }

    pub fn confine(&self, pid: u32) -> Result<()> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).context("a process in a control group")
    }
}

impl Drop for Little {
    fn drop(&mut self) {
        // a process that was killed is in it for a moment
        for _ in 0..100 {
            match fs::remove_dir(&self.0) {
                Err(why) if why.kind() == std::io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                _ => return,
            }
        }
    }
}
