//! JPEG or PNG, and whether the image is whole.

use memchr::memmem;

use super::body::Body;

/// The two formats in which WeChat sends images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageType {
    /// `image/jpeg`.
    Jpeg,
    /// `image/png`: a QR code with a transparent background.
    Png,
}

impl ImageType {
    /// The type, by magic bytes. WeChat labels a transparent PNG `image/jpeg`, so no header is used.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(PNG_MAGIC) {
            Some(Self::Png)
        } else {
            None
        }
    }

    /// The media type.
    pub(crate) fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// The type of a body, if it is an image.
    pub(crate) fn of(body: &Body) -> Option<Self> {
        body.frames().first().and_then(|first| Self::from_bytes(first))
    }

    /// Whether `body`, which begins as this type, runs up to the image's own end marker.
    pub(crate) fn is_complete(self, body: &Body) -> bool {
        match self {
            Self::Jpeg => jpeg_is_complete(body),
            Self::Png => png_is_complete(body),
        }
    }
}

const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A start of scan, and an end of image somewhere behind it. The headers are walked first because a
/// thumbnail inside them has end markers of its own.
fn jpeg_is_complete(body: &Body) -> bool {
    let (mut reader, mut at) = (body.reader(), 2);
    loop {
        let Some([0xFF, marker, high, low]) = reader.array(at) else {
            return false;
        };
        match marker {
            0xFF => at += 1, // fill byte
            0xDA => return has_jpeg_end(body, at + 4),
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
}

/// Whether an end of image (FF D9) lies behind `start`, perhaps in two frames. Searched from the end, where it is.
fn has_jpeg_end(body: &Body, start: usize) -> bool {
    let (mut end, mut next) = (body.len(), None);
    for frame in body.frames().iter().rev() {
        let begin = end - frame.len();
        let scan = &frame[start.saturating_sub(begin).min(frame.len())..];
        if memmem::rfind(scan, &[0xFF, 0xD9]).is_some() || (scan.last() == Some(&0xFF) && next == Some(0xD9)) {
            return true;
        }
        (end, next) = (begin, scan.first().copied());
    }
    false
}

/// Chunk by chunk (length, type, data, checksum) up to a whole `IEND`.
fn png_is_complete(body: &Body) -> bool {
    let (mut reader, mut at) = (body.reader(), PNG_MAGIC.len());
    loop {
        let Some([a, b, c, d, kind @ ..]) = reader.array::<8>(at) else {
            return false;
        };
        let end = u64::from(u32::from_be_bytes([a, b, c, d])) + at as u64 + 12;
        if end > body.len() as u64 {
            return false;
        }
        if kind == *b"IEND" {
            return true;
        }
        at = end as usize;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    /// Headers, a thumbnail that has an end marker too, a scan with a stuffed FF, the end marker.
    pub(crate) fn jpeg() -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8];
        bytes.extend([0xFF, 0xE0, 0, 8, 0xFF, 0xD8, 1, 2, 0xFF, 0xD9]);
        bytes.extend([0xFF, 0xFF, 0xDB, 0, 4, 1, 1]);
        bytes.extend([0xFF, 0xDA, 0, 3, 1, 7, 0xFF, 0x00, 9, 9]);
        bytes.extend([0xFF, 0xD9]);
        bytes
    }

    pub(crate) fn png() -> Vec<u8> {
        let mut bytes = PNG_MAGIC.to_vec();
        for (kind, data) in [(b"IHDR", &[1u8; 13][..]), (b"IDAT", b"..IEND.."), (b"IEND", b"")] {
            bytes.extend((data.len() as u32).to_be_bytes());
            bytes.extend(kind);
            bytes.extend(data);
            bytes.extend([0; 4]);
        }
        bytes
    }

    #[test]
    fn only_an_untruncated_image_is_complete() {
        for whole in [jpeg(), png()] {
            let kind = ImageType::from_bytes(&whole).unwrap();
            assert!(kind.is_complete(&whole[..].into()));
            for end in 0..whole.len() {
                assert!(!kind.is_complete(&whole[..end].into()), "{kind:?} cut at {end} of {}", whole.len());
            }
        }
    }

    /// In frames of so many bytes, however small.
    fn in_frames(bytes: &[u8], size: usize) -> Body {
        Body::of_frames(bytes.chunks(size).map(Bytes::copy_from_slice).collect())
    }

    #[test]
    fn an_image_is_complete_in_whatever_frames_it_arrived() {
        for whole in [jpeg(), png()] {
            let kind = ImageType::from_bytes(&whole).unwrap();
            for size in 1..=whole.len() {
                assert!(kind.is_complete(&in_frames(&whole, size)), "{kind:?} in frames of {size}");
                for end in 3..whole.len() {
                    let cut = in_frames(&whole[..end], size);
                    assert!(!kind.is_complete(&cut), "{kind:?} cut at {end}, in frames of {size}");
                }
            }
        }
    }

    #[test]
    fn only_the_end_of_the_scan_is_the_end_of_a_jpeg() {
        let thumbnail = [&[0xFF, 0xD8, 0xFF, 0xE0, 0, 6, 0xFF, 0xD9, 0xFF, 0xD9][..], &[0xFF, 0xDA, 0, 3]].concat();
        for size in 1..=thumbnail.len() {
            assert!(!ImageType::Jpeg.is_complete(&in_frames(&thumbnail, size)), "in frames of {size}");
        }
    }

    #[test]
    fn an_image_is_recognized_by_its_first_bytes() {
        let mime = |bytes: &[u8]| ImageType::from_bytes(bytes).map(ImageType::mime);
        assert_eq!((mime(&jpeg()), mime(&png())), (Some("image/jpeg"), Some("image/png")));
        assert_eq!((mime(b"GIF89a"), mime(b"")), (None, None));
    }

    #[test]
    fn bytes_behind_the_end_are_ignored() {
        for mut whole in [jpeg(), png()] {
            let kind = ImageType::from_bytes(&whole).unwrap();
            whole.extend(b"\r\n");
            assert!(kind.is_complete(&whole[..].into()));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_behind_the_magic_never_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
            for magic in [&[0xFF, 0xD8, 0xFF][..], PNG_MAGIC] {
                let bytes = [magic, &tail].concat();
                let kind = ImageType::from_bytes(&bytes).unwrap();
                let _ = kind.is_complete(&bytes[..].into());
            }
        }
    }
}
