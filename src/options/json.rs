//! Deserializers for options that JSON has no type for: infinite numbers, secrets, PEM.

use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::wechat::params::other_number;

/// A number that JSON does not have is written as text: `"Infinity"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Finite(f64),
    Other(&'a str),
}

/// A number, or one of `"NaN"`, `"Infinity"` and `"-Infinity"`.
pub(crate) fn number<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<f64>, D::Error> {
    match Option::<Number>::deserialize(reader)? {
        None => Ok(None),
        Some(Number::Finite(number)) => Ok(Some(number)),
        Some(Number::Other(name)) => {
            other_number(name).map(Some).ok_or_else(|| D::Error::custom("a text for a number"))
        }
    }
}

/// A text that `Debug` does not show.
pub(crate) fn secret<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(reader)?.map(SecretString::from))
}

/// A text, as its bytes in UTF-8.
pub(crate) fn pem<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Vec<u8>>, D::Error> {
    Ok(Option::<String>::deserialize(reader)?.map(String::into_bytes))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::{Options, TokenChoice};

    fn read(json: &str) -> Result<Options, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn option_names_are_those_of_the_public_interface() {
        let options = read(
            r#"{"appid":"wx1","secret":"s\\","token":"classic","redis":{"url":"redis://r","ca":"PEM","timeoutMs":5,
                "keyPrefix":"k","allowUnsharedRotation":true},"baseUrl":["a","b"],"fromAppid":"wx2","timeoutMs":1,"retries":2,
                "ratePerMinute":"Infinity","cache":{"maxBytes":3,"ttlMs":"Infinity","redis":true,"maxEntryBytes":"NaN"},
                "proxy":"env","ca":"PEM"}"#,
        )
        .unwrap();
        let (redis, cache) = (options.redis.unwrap(), options.cache.unwrap());
        assert_eq!((options.appid.as_str(), options.from_appid.as_deref()), ("wx1", Some("wx2")));
        assert_eq!(options.secret.unwrap().expose_secret(), "s\\");
        assert!(matches!(options.token, TokenChoice::Classic));
        assert_eq!((redis.url.as_str(), redis.ca, redis.timeout_ms), ("redis://r", Some(b"PEM".to_vec()), Some(5.0)));
        assert_eq!((redis.key_prefix.as_deref(), redis.allow_unshared_rotation), (Some("k"), Some(true)));
        assert_eq!((options.base_urls, options.ca), (vec!["a".to_owned(), "b".to_owned()], Some(b"PEM".to_vec())));
        assert_eq!((options.timeout_ms, options.retries), (Some(1.0), Some(2.0)));
        assert_eq!((options.rate_per_minute, cache.ttl_ms), (Some(f64::INFINITY), Some(f64::INFINITY)));
        assert_eq!((cache.max_bytes, cache.redis), (Some(3.0), true));
        assert!(cache.max_entry_bytes.unwrap().is_nan());
        assert_eq!(options.proxy.as_deref(), Some("env"));
    }

    #[test]
    fn a_missing_option_is_none_and_a_text_is_not_a_number() {
        let options = read(r#"{"appid":"wx1","cache":{}}"#).unwrap();
        assert!(options.secret.is_none() && options.timeout_ms.is_none() && options.base_urls.is_empty());
        assert!(matches!(options.token, TokenChoice::Stable) && !options.cache.unwrap().redis);
        for wrong in [r#"{"timeoutMs":"10"}"#, r#"{"token":"provider"}"#, r#"{"retries":true}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
