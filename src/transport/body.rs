//! The memory that pictures are read into, used again and again: fresh memory costs a page fault for every 4 KiB, and
//! freeing it on another thread than it came from a lock.

use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;

/// How many are kept, and how large at most: larger pictures are rare.
const SPARE: usize = 64;
const LARGEST: usize = 512 << 10;

/// Memory that was used and waits for the next answer.
#[derive(Default)]
pub(crate) struct BufferPool(Mutex<Vec<Vec<u8>>>);

/// The body of an answer. Its memory goes back when it is dropped.
pub(crate) struct Body {
    pub(super) bytes: Vec<u8>,
    home: Option<Arc<BufferPool>>,
}

impl BufferPool {
    /// An empty body with room for so many bytes.
    pub(crate) fn body(self: &Arc<Self>, capacity: usize) -> Body {
        let mut bytes = self.0.lock().pop().unwrap_or_default();
        bytes.reserve_exact(capacity);
        Body { bytes, home: Some(self.clone()) }
    }

    fn take_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut spare = self.0.lock();
        if spare.len() < SPARE && (1..=LARGEST).contains(&bytes.capacity()) {
            spare.push(bytes);
        }
    }
}

impl Body {
    /// For what holds a secret: memory that no picture is read into.
    pub(crate) fn unpooled(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), home: None }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spare(buffers: &Arc<BufferPool>) -> Vec<usize> {
        buffers.0.lock().iter().map(Vec::capacity).collect()
    }

    #[test]
    fn buffers_are_returned_empty_and_reused() {
        let buffers = Arc::new(BufferPool::default());
        let mut body = buffers.body(1000);
        body.bytes.extend_from_slice(&[7; 1000]);
        let place = body.bytes.as_ptr();
        drop(body);
        let again = buffers.body(900);
        assert_eq!((again.len(), again.bytes.as_ptr()), (0, place));
    }

    #[test]
    fn pooled_buffers_are_bounded_and_contain_no_secret() {
        let buffers = Arc::new(BufferPool::default());
        let many: Vec<_> = (0..2 * SPARE).map(|_| buffers.body(10)).collect();
        drop(many);
        assert_eq!(spare(&buffers).len(), SPARE);
        let buffers = Arc::new(BufferPool::default());
        drop(buffers.body(LARGEST + 1));
        drop(buffers.body(0));
        drop(Body::unpooled(1000));
        assert!(spare(&buffers).is_empty());
    }
}
