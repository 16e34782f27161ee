//! The buffers that pictures are read into. They are reused: new memory costs a page fault for every 4 KiB, and freeing it on
//! another thread costs a lock.

use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;

/// How many buffers are kept, and how large at most: larger pictures are rare.
const MAX_BUFFERS: usize = 64;
const MAX_BUFFER_BYTES: usize = 512 << 10;

/// Used buffers, for the next responses.
#[derive(Default)]
pub(crate) struct BufferPool(Mutex<Vec<Vec<u8>>>);

/// The body of a response. Its buffer returns to the pool when it is dropped.
pub(crate) struct Body {
    pub(super) bytes: Vec<u8>,
    pool: Option<Arc<BufferPool>>,
}

impl BufferPool {
    /// An empty body with room for so many bytes.
    pub(crate) fn body(self: &Arc<Self>, capacity: usize) -> Body {
        let mut bytes = self.0.lock().pop().unwrap_or_default();
        bytes.reserve_exact(capacity);
        Body { bytes, pool: Some(self.clone()) }
    }

    fn take_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut buffers = self.0.lock();
        if buffers.len() < MAX_BUFFERS && (1..=MAX_BUFFER_BYTES).contains(&bytes.capacity()) {
            buffers.push(bytes);
        }
    }
}

impl Body {
    /// A body with a buffer of its own, for a response with a secret.
    pub(crate) fn unpooled(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), pool: None }
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
        if let Some(pool) = &self.pool {
            pool.take_back(std::mem::take(&mut self.bytes));
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
        let many: Vec<_> = (0..2 * MAX_BUFFERS).map(|_| buffers.body(10)).collect();
        drop(many);
        assert_eq!(spare(&buffers).len(), MAX_BUFFERS);
        let buffers = Arc::new(BufferPool::default());
        drop(buffers.body(MAX_BUFFER_BYTES + 1));
        drop(buffers.body(0));
        drop(Body::unpooled(1000));
        assert!(spare(&buffers).is_empty());
    }
}
