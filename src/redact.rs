//! Takes secrets out of text that came from outside: a proxy's error page likes to repeat the URL.

use url::form_urlencoded::byte_serialize;

/// `text` without any of `secrets`, plain or as a URL, JSON or HTML would spell it.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let forms = secrets.iter().filter(|secret| !secret.is_empty()).flat_map(|secret| forms(secret));
    forms.fold(text.to_owned(), |text, form| if text.contains(&form) { text.replace(&form, "***") } else { text })
}

fn forms(secret: &str) -> [String; 5] {
    let encoded: String = byte_serialize(secret.as_bytes()).collect();
    let lower = encoded.split('%').enumerate().map(|(n, part)| match (n, part.split_at_checked(2)) {
        (1.., Some((hex, rest))) => format!("%{}{rest}", hex.to_ascii_lowercase()),
        _ => part.to_owned(),
    });
    let lower = lower.collect();
    [secret.to_owned(), encoded, lower, secret.replace('/', "\\/"), secret.replace('&', "&amp;")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_in_each_of_its_spellings() {
        let text = "a+/&=b a%2B%2F%26%3Db a%2b%2f%26%3db a+\\/&=b a+/&amp;=b";
        assert_eq!(redact(text, &["a+/&=b", ""]), "*** *** *** *** ***");
        assert_eq!(redact("nothing here", &["secret"]), "nothing here");
    }
}
