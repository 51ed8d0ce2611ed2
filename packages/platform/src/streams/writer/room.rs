//! What goes when there is no room or no need: streams that were released or abandoned, and old
//! segments that only long-lived streams still hold.

use super::{Kept, Writer};
use crate::streams::{
    log,
    record::{self, Fact},
    replay::Head,
};
use std::{collections::BTreeMap, io};
use tokio::time::Instant;
use uuid::Uuid;

impl Writer {
    pub(super) fn free(&mut self, stream: Uuid) {
        let Some(kept) = self.kept.remove(&stream) else { return };
        self.count(stream, Some(kept.head), None);
        self.log.release(&kept.segments);
        kept.slot.change(|state| state.live = None);
    }

    /// Frees what was released long enough ago, or what nobody touched for very long: its worker
    /// died and no other one came, so nobody will release it.
    pub(super) fn sweep(&mut self) {
        let now = Instant::now();
        self.swept = now;
        let over = |head: &Head| match head.released {
            Some(released) => released.free_at <= now,
            None => now.duration_since(head.touched) >= self.options.abandoned_after,
        };
        let streams: Vec<_> =
            self.kept.iter().filter(|(_, kept)| over(&kept.head)).map(|(stream, _)| *stream).collect();
        for stream in streams {
            self.free(stream);
        }
        while self.released_bytes > self.options.released_bytes && self.free_oldest_released() {}
    }

    /// False when there is none that this tick does not touch.
    pub(super) fn free_oldest_released(&mut self) -> bool {
        let oldest = self.released.iter().find(|(_, stream)| !self.staged.contains_key(stream));
        let Some((_, stream)) = oldest.copied() else { return false };
        self.free(stream);
        true
    }

    /// Counts what a tick adds; released streams make way for it, unfinished ones never do. Then an
    /// answer must end before anything is free again, so an append is refused for good: whoever has more
    /// than most first, because the last eighth is for the others.
    pub(super) fn make_room(&mut self, added: u64, own: u64) -> bool {
        let most = self.options.kept_bytes;
        let average = self.kept_bytes / (self.kept.len() as u64).max(1);
        let bound = if own > average { most - most / 8 } else { most };
        while self.kept_bytes + self.staged_bytes + added > bound {
            if !self.free_oldest_released() {
                return false;
            }
        }
        self.staged_bytes += added;
        true
    }

    /// Keeps a long-lived stream from holding the log for ever. Whenever a segment begins and
    /// the log is larger than four segments and three times what is kept, the streams that hold the
    /// oldest segment are copied whole to the newest, so that it can go. So the log stays below that
    /// bound and one segment, and copying costs at most half of what is written.
    pub(super) fn carry(&mut self) {
        let bound = (4 * self.options.segment_bytes).max(3 * self.kept_bytes);
        let Some(oldest) = self.log.oldest().filter(|_| self.log.bytes() > bound) else { return };
        if let Err(error) = self.copy_to_newest(|kept| kept.segments.first() == Some(&oldest)) {
            tracing::warn!(%error, "an old streams segment stays longer");
        }
    }

    /// After damage: copies every stream to a new segment, and the old ones go with what is wrong in them.
    pub(super) fn renew(&mut self) {
        let renewed = self.log.begin_anew().and_then(|()| self.copy_to_newest(|_| true));
        if let Err(error) = renewed {
            tracing::warn!(%error, "the damaged streams log stays, and changes the epochs at the next start too");
        }
    }

    fn copy_to_newest(&mut self, is_meant: impl Fn(&Kept) -> bool) -> io::Result<()> {
        let (mut left, mut written) = (Vec::new(), BTreeMap::new());
        let mut copied = Ok(());
        for (stream, kept) in self.kept.iter_mut().filter(|(_, kept)| is_meant(kept)) {
            copy(&mut self.records, *stream, kept);
            match self.log.write(&self.records) {
                Ok(number) => {
                    self.log.hold(number);
                    written.extend(self.log.file().map(|(number, file)| (number, file.clone())));
                    left.extend(std::mem::replace(&mut kept.segments, vec![number]));
                }
                Err(error) => {
                    copied = Err(error);
                    break;
                }
            }
        }
        // the copies must be on the disk, in all the segments they have filled, before the originals go
        for (number, file) in written {
            log::sync(number, &file);
        }
        self.log.release(&left);
        copied
    }
}

/// Writes a whole stream as it is now into `records`.
fn copy(records: &mut Vec<u8>, stream: Uuid, kept: &Kept) {
    records.clear();
    let Head { fence, base, nonce, released, .. } = kept.head;
    record::encode(records, stream, Fact::Created { attempt: fence, base, nonce });
    for (seq, bytes) in (base..).zip(kept.slot.state().live.iter().flat_map(|live| &live.entries)) {
        record::encode(records, stream, Fact::Appended { attempt: fence, seq, bytes });
    }
    if let Some(released) = released {
        record::encode(records, stream, Fact::Released { at: released.at });
    }
}
