//! Takes secrets out of text that came from outside: a proxy's error page likes to repeat the URL.

/// `text` without any of `secrets`, however a URL, JSON or HTML would spell them.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let secrets: Vec<_> = secrets.iter().filter(|secret| !secret.is_empty()).map(|secret| secret.as_bytes()).collect();
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = secrets.iter().filter_map(|secret| spelt(rest.as_bytes(), secret)).max();
        match found {
            Some(length) => {
                clean.push_str("***");
                rest = &rest[length..];
            }
            None => {
                clean.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    clean
}

/// How many bytes the secret takes at the beginning of `text`, if it stands there in any spelling.
fn spelt(text: &[u8], secret: &[u8]) -> Option<usize> {
    let Some((&byte, others)) = secret.split_first() else { return Some(0) };
    let plain = (text.first() == Some(&byte)).then_some(1);
    let lengths = [escaped(text, byte), plain];
    lengths.into_iter().flatten().find_map(|length| Some(length + spelt(&text[length..], others)?))
}

/// How many bytes a byte takes there as an escape.
fn escaped(text: &[u8], byte: u8) -> Option<usize> {
    let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    match text {
        [b'%', high, low, ..] if hex(&[*high, *low]) == Some(byte) => Some(3),
        [b'\\', b'u', b'0', b'0', high, low, ..] if hex(&[*high, *low]) == Some(byte) => Some(6),
        [b'\\', b'x', high, low, ..] if hex(&[*high, *low]) == Some(byte) => Some(4),
        [b'\\', escaped, ..] if *escaped == byte => Some(2),
        [b'&', ..] => entity(text, byte),
        _ => None,
    }
}

fn entity(text: &[u8], byte: u8) -> Option<usize> {
    let end = memchr::memchr(b';', &text[..text.len().min(8)])?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let named = match name {
        "amp" => Some(b'&'),
        "lt" => Some(b'<'),
        "gt" => Some(b'>'),
        "quot" => Some(b'"'),
        "apos" => Some(b'\''),
        _ => match name.strip_prefix('#')?.strip_prefix(['x', 'X']) {
            Some(digits) => u8::from_str_radix(digits, 16).ok(),
            None => name[1..].parse().ok(),
        },
    };
    (named == Some(byte)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_goes_in_each_of_its_spellings() {
        let text = r#"a+/&="b a%2B%2f%26%3D%22b a+\/&=\"b a+/&amp;=&quot;b a+/\u0026=\x22b a&#43;&#x2F;&amp;=&#34;b"#;
        assert_eq!(redact(text, &["a+/&=\"b", ""]), "*** *** *** *** *** ***");
        assert_eq!(redact("nothing here 中文 %", &["secret"]), "nothing here 中文 %");
        assert_eq!(redact("secretsecret", &["secret"]), "******");
    }

    proptest! {
        #[test]
        fn no_way_to_spell_it_gets_through(secret in "[!-~]{8,40}", before in ".{0,20}", after in ".{0,20}", ways in prop::collection::vec(0..4usize, 40)) {
            let spelt: String = secret.chars().zip(ways).map(|(c, way)| match way {
                0 => format!("%{:02X}", c as u32),
                1 => format!("\\u{:04x}", c as u32),
                2 => format!("&#{};", c as u32),
                _ => c.to_string(),
            }).collect();
            let clean = redact(&format!("{before}{spelt}{after}"), &[&secret]);
            prop_assert!(clean.contains("***"), "{spelt} -> {clean}");
        }

        #[test]
        fn any_text_survives_without_a_secret_in_it(text in ".*") {
            prop_assert_eq!(redact(&text, &["\u{1}never\u{1}"]), text);
        }
    }
}
