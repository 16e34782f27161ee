//! A secret in a text. The bytes are the length of the secret, the encoding of each character, and the text around it.

use wxacode::redact::redact;

const MAX_BYTES: usize = 48;

pub(crate) fn run(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    // Any text that is the secret itself.
    let part: String = text.chars().take(usize::from(length)).collect();
    let clean = redact(&text, &[&part]).into_owned();
    if part.len() >= 8 {
        assert!(!clean.contains(&part), "{part:?} is left in {clean:?}");
    }

    let length = 8 + usize::from(length) % (MAX_BYTES - 8);
    let Some((secret, rest)) = rest.split_at_checked(length) else { return };
    let Some((ways, around)) = rest.split_at_checked(length) else { return };
    let secret = without_escapes(secret.iter().map(|byte| char::from(b'!' + byte % 94)).collect());
    let encoded: String = secret.chars().zip(ways).map(|(char, way)| encoded(char, *way)).collect();
    let around = String::from_utf8_lossy(around);
    let middle = around.char_indices().map(|(at, _)| at).nth(around.chars().count() / 2).unwrap_or(0);
    let (before, behind) = around.split_at(middle);
    let clean = redact(&format!("{before}{encoded}{behind}"), &[&secret]).into_owned();
    // The text around it may take one character at either end, and may itself have what is left of a secret of zeros.
    let inner = &encoded[encoded.len() / 3..];
    let inner = &inner[..inner.len() / 2];
    let is_around = before.contains(inner) || behind.contains(inner);
    assert!(length < 16 || is_around || !clean.contains(inner), "{secret:?} as {encoded:?} is left in {clean:?}");
}

/// `\x41` in a secret is `A` where the text has it as it is, and `x41` where its digits are encoded. A secret that has it several
/// times, now so and now so, has as many forms as there are ways to mix them. No secret of WeChat's has a backslash.
fn without_escapes(mut secret: String) -> String {
    for escape in ["\\x", "\\X", "\\u", "\\U"] {
        secret = secret.replace(escape, "/x");
    }
    secret
}

fn encoded(char: char, way: u8) -> String {
    let code = char as u32;
    match way % 10 {
        0 => format!("%{code:02X}"),
        1 => format!("\\u{code:04x}"),
        2 => format!("&#{code};"),
        3 => format!("%25{code:02x}"),
        4 => format!("&#x000{code:X};"),
        5 => format!("\\\\\\u{code:04X}"),
        6 => format!("\\x{code:02x}"),
        7 if char.is_ascii_punctuation() => format!("\\\\\\{char}"),
        _ => char.to_string(),
    }
}
