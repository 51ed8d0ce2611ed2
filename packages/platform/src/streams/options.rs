//! Limits and times of the embedded streams.

use super::record::PAYLOAD_MAX;
use crate::{
    clock::{Clock, SystemClock},
    ids::{Ids, SystemIds},
};
use std::{fs, sync::Arc, time::Duration};
use uuid::Uuid;

/// Limits and times of the embedded streams. The defaults suit one server.
#[derive(Clone)]
pub struct Options {
    /// A segment file is followed by a new one at this size (16 MiB).
    pub segment_bytes: u64,
    /// How long a released stream can still be read (10 minutes).
    pub retention: Duration,
    /// A stream that nobody opens or appends to for this long is freed (24 hours).
    pub abandoned_after: Duration,
    /// Calls that wait for the log (4096) and the bytes of their entries (32 MiB).
    pub queue: usize,
    pub queue_bytes: usize,
    /// One entry (256 KiB, which is also the most), one stream (8 MiB).
    pub entry_bytes: usize,
    pub stream_bytes: u64,
    /// All released streams (64 MiB; the oldest go early) and all kept ones (512 MiB).
    pub released_bytes: u64,
    pub kept_bytes: u64,
    /// How often what was written is synced, beside the appends (1 s); `None` leaves it to the kernel.
    pub sync_every: Option<Duration>,
    /// Which boot of the kernel this is: another one means that unsynced writes may be gone.
    pub boot: Uuid,
    /// When a stream was released is written by this clock.
    pub clock: Arc<dyn Clock>,
    /// Where epochs come from.
    pub ids: Arc<dyn Ids>,
}

impl Options {
    /// Random, of 53 bits, so that a JSON number carries it.
    pub(super) fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.ids.random(&mut bytes);
        u64::from_le_bytes(bytes) >> 11
    }

    /// Milliseconds of the Unix epoch.
    pub(super) fn wall_millis(&self) -> u64 {
        u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0)
    }
}

impl Default for Options {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            segment_bytes: 16 * MIB,
            retention: Duration::from_secs(600),
            abandoned_after: Duration::from_secs(24 * 3600),
            queue: 4096,
            queue_bytes: 32 * 1024 * 1024,
            entry_bytes: PAYLOAD_MAX,
            stream_bytes: 8 * MIB,
            released_bytes: 64 * MIB,
            kept_bytes: 512 * MIB,
            sync_every: Some(Duration::from_secs(1)),
            boot: boot(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        }
    }
}

/// The boot id of the kernel. Where there is none, every start counts as another boot.
fn boot() -> Uuid {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Uuid::parse_str(text.trim()).unwrap_or_else(|_| Uuid::from_u128(rand::random()))
}
