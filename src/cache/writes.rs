//! Writes in the background, which no call waits for and `close()` does.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The most bytes of images that wait to be written. A tier that is slower than WeChat gets no more of them.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// What a permit stands for: the permits of a semaphore are counted by 32 bits.
const UNIT: usize = 1 << 10;

/// The writes of a cache that have begun, by number.
pub(super) struct Writes {
    state: Mutex<State>,
    ended: watch::Sender<()>,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    last: u64,
    running: BTreeSet<u64>,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            ended: watch::Sender::default(),
            room: Arc::new(Semaphore::new(MAX_WAITING_BYTES / UNIT)),
        }
    }
}

impl Writes {
    /// A write of so many bytes begins; it ends when the result is dropped. `None` if too many bytes wait already.
    pub(super) fn begin(self: &Arc<Self>, bytes: usize) -> Option<Write> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        let room = self.room.clone().try_acquire_many_owned(units).ok()?;
        let mut state = self.state.lock();
        state.last += 1;
        let number = state.last;
        state.running.insert(number);
        Some(Write { writes: self.clone(), number, _room: room })
    }

    /// Waits for the writes that have begun. Later ones are not waited for.
    pub(super) async fn finished(&self) {
        let (mut ended, last) = (self.ended.subscribe(), self.state.lock().last);
        let is_done = |(): &()| self.state.lock().running.first().is_none_or(|first| *first > last);
        // The sender lives as long as `self`.
        let _ = ended.wait_for(is_done).await;
    }
}

/// A write that has begun.
pub(super) struct Write {
    writes: Arc<Writes>,
    number: u64,
    _room: OwnedSemaphorePermit,
}

impl Drop for Write {
    fn drop(&mut self) {
        self.writes.state.lock().running.remove(&self.number);
        self.writes.ended.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn finished_waits_for_what_has_begun_and_for_nothing_later() {
        let writes = Arc::<Writes>::default();
        assert!(writes.finished().now_or_never().is_some());
        let [first, second] = [writes.begin(1), writes.begin(1)];
        let finished = writes.finished();
        tokio::pin!(finished);
        assert!(finished.as_mut().now_or_never().is_none());
        let later = writes.begin(1);
        drop(second);
        assert!(finished.as_mut().now_or_never().is_none());
        drop(first);
        assert!(finished.as_mut().now_or_never().is_some());
        drop(later);
    }

    #[test]
    fn no_more_bytes_wait_than_there_is_room_for() {
        let writes = Arc::<Writes>::default();
        let half = writes.begin(MAX_WAITING_BYTES / 2);
        let rest = writes.begin(MAX_WAITING_BYTES / 2);
        assert!(half.is_some() && rest.is_some() && writes.begin(1).is_none());
        drop(half);
        assert!(writes.begin(MAX_WAITING_BYTES / 2).is_some());
    }
}
