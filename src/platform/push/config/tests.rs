use super::*;

/// The key of WeChat's samples: 43 times `A`.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn config(token: &str, keys: &[&str]) -> Result<PushConfig, InvalidParam> {
    let keys: Vec<SecretString> = keys.iter().copied().map(SecretString::from).collect();
    PushConfig::new("wx134c8103faa5a59e", token.into(), &keys)
}

fn keys_of(keys: &[&str]) -> Vec<AesKey> {
    config("AAAAA", keys).unwrap().keys.iter().map(|key| *key.expose_secret()).collect()
}

#[test]
fn a_key_is_43_characters_of_base64_whose_last_two_bits_may_be_anything() {
    assert_eq!(keys_of(&[KEY]), [[0; 32]]);
    for last in ["B", "C", "D"] {
        assert_eq!(keys_of(&[&format!("{}{last}", &KEY[1..])]), [[0; 32]], "{last}");
    }
    assert_eq!(keys_of(&["/".repeat(43).as_str(), KEY]), [[0xFF; 32], [0; 32]]);
    let mut counting = [0; 32];
    counting.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
    assert_eq!(keys_of(&["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]), [counting]);
}

#[test]
fn a_wrong_key_is_refused_with_what_is_wrong_and_is_not_repeated() {
    let long = format!("{KEY}=");
    let [dash, padded] = ["-", "="].map(|last| format!("{}{last}", "S3CRET".repeat(7)));
    let chinese = "钥".repeat(43);
    let cases: [(&[&str], &str); 9] = [
        (&[], "one key, or [current, previous]"),
        (&[KEY, KEY, KEY], "one key, or [current, previous]"),
        (&[""], "is empty"),
        (&[KEY, ""], "is empty"),
        (&[&KEY[1..]], "42 characters"),
        (&[&long], "44 characters"),
        (&[&dash], "neither a letter"),
        (&[&padded], "neither a letter"),
        (&[&chinese], "neither a letter"),
    ];
    for (keys, says) in cases {
        let wrong = config("AAAAA", keys).unwrap_err();
        assert!(wrong.explanation.cause.en.contains(says), "{wrong:?}");
        assert_eq!(wrong.param, "encodingAESKey");
        assert!(!format!("{wrong:?}").contains("S3CRET"));
    }
}

#[test]
fn a_token_is_visible_ascii() {
    for right in ["A", "a_b-c.d", &"t".repeat(128)] {
        assert!(config(right, &[KEY]).is_ok(), "{right}");
    }
    let long = "S3CRET".repeat(22);
    for (wrong, says) in
        [("", "is empty"), ("S3CRET ", "white space"), ("S3CRET密", "not ASCII"), (&long, "132 characters")]
    {
        let wrong = config(wrong, &[KEY]).unwrap_err();
        assert_eq!(wrong.param, "pushToken");
        assert!(wrong.explanation.cause.en.contains(says), "{wrong:?}");
        assert!(!format!("{wrong:?}").contains("S3CRET"));
    }
}

#[test]
fn what_a_config_shows_has_no_secret() {
    let shown = format!("{:?}", config("S3CRET", &[&"S".repeat(43)]).unwrap());
    assert!(shown.contains("wx134c8103faa5a59e") && !shown.contains("S3CRET") && !shown.contains("73"), "{shown}");
}
