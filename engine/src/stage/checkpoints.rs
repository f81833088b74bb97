//! The states from which a stopped execution goes on. The stage type says what a state is; when one is written is decided
//! here, by the clock, so that it costs little and decides nothing.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::memory::Memory;

/// Writing takes at most one part in so many of the time, unless every state is asked for.
const SHARE: u32 = 20;

/// The checkpoints of one execution. A stage asks once whether it can [adopt](Checkpoints::adopt) a state, [offers](Checkpoints::offer)
/// its state whenever it stands at a place to go on from, and [keeps](Checkpoints::keep_final) the last one where its type
/// [continues](super::StageType::CONTINUES).
pub struct Checkpoints<'a> {
    opened: Option<(&'a Memory<'a>, dgpipe_cache::Checkpoints)>,
    begun: Instant,
    /// When it was opened, or something was last written.
    since: Instant,
    /// How long from then on nothing is written.
    rest: Duration,
}

impl<'a> Checkpoints<'a> {
    pub(super) fn new(memory: Option<&'a Memory<'a>>) -> Self {
        let open = |memory: &'a Memory<'a>| {
            memory.has_checkpoints.store(true, Ordering::Relaxed);
            (memory, memory.checkpoints())
        };
        let rest = memory.map_or(Duration::ZERO, |memory| memory.every);
        let begun = Instant::now();
        Self { opened: memory.map(open), begun, since: begun, rest }
    }

    /// Returns what `decode` makes of the state that is furthest, of those that an unfinished execution of this key or a
    /// finished one of less length left. States that it does not take are passed over, so it can check them.
    pub fn adopt<T>(&self, mut decode: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        let (memory, checkpoints) = self.opened.as_ref().filter(|(memory, _)| !memory.afresh)?;
        let adopted = checkpoints.newest(|found| {
            let (state, spent) = found.bytes.split_last_chunk()?;
            Some((decode(state)?, u64::from_le_bytes(*spent)))
        });
        let (state, spent) = adopted.unwrap_or_else(|error| {
            memory.warn("no checkpoint could be read", error);
            None
        })?;
        memory.spent_before.store(spent, Ordering::Relaxed);
        Some(state)
    }

    /// Offers a state that is `done` far, which is written where it is time or the run is being stopped.
    pub fn offer(&mut self, done: u64, state: impl FnOnce() -> Vec<u8>) {
        let Some((memory, checkpoints)) = &mut self.opened else { return };
        if (self.since.elapsed() < self.rest && !memory.cancel.is_cancelled()) || !(memory.unchanged)(None) {
            return;
        }
        let begun = Instant::now();
        let before = Duration::from_millis(memory.spent_before.load(Ordering::Relaxed));
        if let Err(error) = checkpoints.save(done, &with_time(state(), before + self.begun.elapsed())) {
            memory.warn("no checkpoint could be written", error);
        }
        let share = if memory.every.is_zero() { Duration::ZERO } else { begun.elapsed().saturating_mul(SHARE) };
        (self.since, self.rest) = (Instant::now(), memory.every.max(share));
    }

    /// Keeps the state at the end, for executions that differ from this one only in going further.
    pub fn keep_final(&self, done: u64, state: impl FnOnce() -> Vec<u8>) {
        let Some((memory, checkpoints)) = &self.opened else { return };
        if memory.continues.is_some()
            && (memory.unchanged)(None)
            // What it took is in the record of the execution that ended here.
            && let Err(error) = checkpoints.keep_final(done, &with_time(state(), Duration::ZERO))
        {
            memory.warn("the state at the end could not be kept", error);
        }
    }
}

/// A state followed by the time that it took, in milliseconds, as 64 bits in little-endian order: whoever goes on from
/// it adds that to what the rest takes.
fn with_time(mut state: Vec<u8>, time: Duration) -> Vec<u8> {
    state.extend(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_le_bytes());
    state
}
