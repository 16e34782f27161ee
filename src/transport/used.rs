//! How many codes an account has used, in the head of an answer.
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html>

use reqwest::header::{HeaderMap, HeaderName};

const NUM_USED: HeaderName = HeaderName::from_static("num-used");

/// The number, unless the header is missing, is no number, or is there twice.
pub(super) fn used_in(headers: &HeaderMap) -> Option<u32> {
    let mut values = headers.get_all(NUM_USED).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?.trim();
    let is_number = (1..=9).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { value.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn only_one_whole_number_is_read() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("Num-Used", HeaderValue::from_static(value));
            }
            used_in(&headers)
        };
        assert_eq!(read(&["0"]), Some(0));
        assert_eq!(read(&["71234"]), Some(71_234));
        assert_eq!(read(&["999999999"]), Some(999_999_999));
        for odd in ["", "-1", "+1", "1.0", "1e5", "1,000", "0x10", "12345678901", "1 2", "NaN", "１"] {
            assert_eq!(
                used_in(&HeaderMap::from_iter([(NUM_USED, HeaderValue::from_str(odd).unwrap())])),
                None,
                "{odd}"
            );
        }
        assert_eq!(read(&["1", "1"]), None);
        assert_eq!(read(&[]), None);
    }
}
