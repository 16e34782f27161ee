//! The body of a response, in the frames in which it arrived: a picture is copied once, into the caller's Buffer.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

/// Smaller frames are copied together: each frame keeps the whole read buffer alive that it lies in.
const MIN_FRAME_BYTES: usize = 4 << 10;

/// The body of a response.
#[derive(Clone, Default)]
pub struct Body {
    frames: Vec<Bytes>,
    len: usize,
}

/// Collects the frames of a body.
#[derive(Default)]
pub struct BodyBuilder {
    body: Body,
    /// Small frames, which follow those of `body`.
    small: BytesMut,
}

impl BodyBuilder {
    /// Adds a frame.
    pub fn push(&mut self, frame: Bytes) {
        self.body.len += frame.len();
        if frame.len() < MIN_FRAME_BYTES {
            self.small.extend_from_slice(&frame);
        } else {
            self.flush();
            self.body.frames.push(frame);
        }
    }

    /// The bytes so far.
    pub fn len(&self) -> usize {
        self.body.len
    }

    /// Whether no byte has arrived.
    pub fn is_empty(&self) -> bool {
        self.body.len == 0
    }

    /// The body, when the last frame has arrived.
    pub fn finish(mut self) -> Body {
        self.flush();
        self.body
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.body.frames.push(self.small.split().freeze());
        }
    }
}

impl Body {
    /// The bytes in all.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The frames, none of which is empty.
    pub fn frames(&self) -> &[Bytes] {
        &self.frames
    }

    /// All bytes in one place, copied only if they arrived in several frames.
    pub fn contiguous(&self) -> Cow<'_, [u8]> {
        match self.frames.as_slice() {
            [] => Cow::Borrowed(&[]),
            [frame] => Cow::Borrowed(frame),
            frames => Cow::Owned(frames.concat()),
        }
    }

    /// A copy in memory of its own, for whoever keeps it: a frame keeps its whole read buffer alive.
    pub(crate) fn to_bytes(&self) -> Bytes {
        self.frames.concat().into()
    }

    /// A body of just these frames.
    #[cfg(test)]
    pub(crate) fn of_frames(frames: Vec<Bytes>) -> Self {
        let len = frames.iter().map(Bytes::len).sum();
        Self { frames, len }
    }

    /// A reader that goes forward.
    pub(crate) fn reader(&self) -> ForwardReader<'_> {
        ForwardReader { frames: &self.frames, begin: 0 }
    }
}

/// Reads at positions that only grow, so that a body of many frames is passed through once.
pub(crate) struct ForwardReader<'a> {
    frames: &'a [Bytes],
    /// The position of the first of `frames`.
    begin: usize,
}

impl ForwardReader<'_> {
    /// The bytes from `at` on, if there are so many.
    pub(crate) fn array<const N: usize>(&mut self, at: usize) -> Option<[u8; N]> {
        while let [passed, rest @ ..] = self.frames
            && at >= self.begin + passed.len()
        {
            (self.begin, self.frames) = (self.begin + passed.len(), rest);
        }
        let (first, rest) = self.frames.split_first()?;
        let first = first.get(at - self.begin..)?;
        if let Some(bytes) = first.first_chunk() {
            return Some(*bytes);
        }
        let mut bytes = [0; N];
        let mut read = first.iter().chain(rest.iter().flat_map(|frame| frame.iter()));
        for byte in &mut bytes {
            *byte = *read.next()?;
        }
        Some(bytes)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let len = bytes.len();
        Self { frames: if len == 0 { Vec::new() } else { vec![bytes] }, len }
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(frames: &[&[u8]]) -> Body {
        let mut body = BodyBuilder::default();
        frames.iter().for_each(|frame| body.push(Bytes::copy_from_slice(frame)));
        body.finish()
    }

    #[test]
    fn a_large_frame_is_kept_where_it_lies() {
        let frame = Bytes::from(vec![7; MIN_FRAME_BYTES]);
        let mut body = BodyBuilder::default();
        body.push(frame.clone());
        let body = body.finish();
        assert_eq!((body.len(), body.frames().len()), (MIN_FRAME_BYTES, 1));
        assert_eq!(body.frames()[0].as_ptr(), frame.as_ptr());
        assert!(matches!(body.contiguous(), Cow::Borrowed(_)));
        assert_ne!(body.to_bytes().as_ptr(), frame.as_ptr());
    }

    #[test]
    fn small_frames_are_copied_together() {
        let mut body = BodyBuilder::default();
        (0..100_000).for_each(|_| body.push(Bytes::from_static(b"x")));
        let body = body.finish();
        assert_eq!((body.len(), body.frames().len()), (100_000, 1));
        let large = [1; MIN_FRAME_BYTES];
        let body = self::body(&[b"a", b"", b"b", &large, b"c", &large, b""]);
        assert_eq!(body.frames().iter().map(Bytes::len).collect::<Vec<_>>(), [2, large.len(), 1, large.len()]);
    }

    #[test]
    fn a_body_without_a_byte_has_no_frame() {
        let body = body(&[b""]);
        assert!(body.is_empty() && body.frames().is_empty() && body.contiguous().is_empty());
        assert_eq!(body.reader().array::<1>(0), None);
    }

    proptest! {
        #[test]
        fn the_frames_of_a_body_are_its_bytes(sizes in prop::collection::vec(0..3 * MIN_FRAME_BYTES, 0..6)) {
            let bytes: Vec<u8> = (0..sizes.iter().sum()).map(|n: usize| (n * 31 % 251) as u8).collect();
            let mut rest = bytes.as_slice();
            let mut whole = BodyBuilder::default();
            for size in sizes {
                let (frame, behind) = rest.split_at(size);
                whole.push(Bytes::copy_from_slice(frame));
                rest = behind;
            }
            prop_assert_eq!((whole.len(), whole.is_empty()), (bytes.len(), bytes.is_empty()));
            let whole = whole.finish();
            prop_assert_eq!(whole.contiguous(), bytes.as_slice());
            prop_assert_eq!(&whole.to_bytes()[..], bytes.as_slice());
            prop_assert!(whole.frames().iter().all(|frame| !frame.is_empty()));
            let mut reader = whole.reader();
            for at in (0..=bytes.len()).step_by(3) {
                let expected = bytes.get(at..at + 5).map(|five| five.try_into().unwrap());
                prop_assert_eq!(reader.array::<5>(at), expected);
            }
        }
    }
}
