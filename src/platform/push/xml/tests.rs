use super::*;

fn json(text: &str) -> String {
    serde_json::to_string(&parse(text.as_bytes()).unwrap()).unwrap()
}

#[test]
fn elements_become_texts_nested_elements_maps_and_repeated_ones_lists() {
    let cases = [
        ("<xml><A>1</A><B/><C></C></xml>", r#"{"A":"1","B":"","C":""}"#),
        ("<xml><B>2</B><A>1</A></xml>", r#"{"A":"1","B":"2"}"#),
        (
            "<xml><info><name>店</name><code_type>1</code_type></info></xml>",
            r#"{"info":{"code_type":"1","name":"店"}}"#,
        ),
        ("<xml><A>1</A><B>x</B><A>2</A><A/></xml>", r#"{"A":["1","2",""],"B":"x"}"#),
        ("<xml><A><B>1</B></A><A>2</A></xml>", r#"{"A":[{"B":"1"},"2"]}"#),
        (
            "<xml><List>\n<item><A>1</A></item>\n<item><A>2</A></item></List></xml>",
            r#"{"List":{"item":[{"A":"1"},{"A":"2"}]}}"#,
        ),
        ("<xml a=\"1\"><A b='2'>x</A></xml>", r#"{"A":"x"}"#),
        ("<xml><__proto__>x</__proto__></xml>", r#"{"__proto__":"x"}"#),
        ("<xml></xml>", "{}"),
        ("<xml/>", "{}"),
    ];
    for (text, wanted) in cases {
        assert_eq!(json(text), wanted, "{text}");
    }
}

#[test]
fn text_is_what_sections_references_and_characters_make_together() {
    let cases = [
        ("<![CDATA[a<b&amp;c]]>", "a<b&amp;c"),
        ("<![CDATA[]]>", ""),
        ("\n  <![CDATA[ a ]]>\n  ", " a "),
        ("<![CDATA[a]]><![CDATA[]]><![CDATA[b]]>", "ab"),
        ("a<![CDATA[ b]]>", "a b"),
        ("&#32;<![CDATA[a]]>", " a"),
        ("[CDATA[good luck]]", "[CDATA[good luck]]"),
        ("a &lt;&gt;&amp;&quot;&apos; b", "a <>&\"' b"),
        ("&#24494;&#x5FAE;&#x1F600;&#9;", "微微😀\t"),
        (" a ", " a "),
        ("a<!-- no -->b<?no?>c", "abc"),
        ("a\r\nb", "a\nb"),
    ];
    for (content, wanted) in cases {
        let fields = parse(format!("<xml><A>{content}</A></xml>").as_bytes()).unwrap();
        assert_eq!(fields.get("A"), Some(&Field::Text(wanted.to_owned())), "{content}");
        assert_eq!(fields.text("A"), Some(wanted.trim()).filter(|text| !text.is_empty()), "{content}");
    }
}

#[test]
fn only_the_text_of_one_element_is_a_text() {
    let fields = parse(b"<xml><A>1</A><A>1</A><B><C>1</C></B><D> </D></xml>").unwrap();
    assert_eq!(["A", "B", "C", "D"].map(|name| fields.text(name)), [None; 4]);
}

#[test]
fn a_declaration_a_byte_order_mark_comments_and_blanks_may_stand_around_the_root() {
    for text in [
        "\u{FEFF}<xml><A>1</A></xml>",
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml><A>1</A></xml>\n",
        "<?xml version='1.0'?><xml><A>1</A></xml>",
        "<?xml version='1.0' encoding='utf8'?><xml><A>1</A></xml>",
        "<!-- a --> <xml><A>1</A></xml> <!-- b -->\r\n",
    ] {
        assert_eq!(json(text), r#"{"A":"1"}"#, "{text}");
    }
}

#[test]
fn a_document_type_is_refused_wherever_it_stands_with_all_that_it_could_define() {
    for text in [
        "<!DOCTYPE xml><xml/>",
        "<!doctype xml><xml/>",
        "<?xml version='1.0'?>\n<!DOCTYPE xml SYSTEM 'file:///etc/passwd'><xml/>",
        "<!DOCTYPE xml [<!ENTITY a 'b'>]><xml><A>&a;</A></xml>",
        "<!DOCTYPE xml [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><xml><A>&a;</A></xml>",
        "<xml><!DOCTYPE xml><A>1</A></xml>",
        "<xml><A>1</A></xml><!DOCTYPE xml>",
    ] {
        assert_eq!(parse(text.as_bytes()), Err(PushXmlProblem::Doctype), "{text}");
    }
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY lol{n} \"{}\">", format!("&lol{};", n - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE lol [<!ENTITY lol0 \"lol\">{laughs}]><xml><A>&lol9;</A></xml>");
    assert_eq!(parse(bomb.as_bytes()), Err(PushXmlProblem::Doctype));
}

#[test]
fn entities_and_characters_that_xml_does_not_know_are_refused() {
    for content in
        ["&nbsp;", "&a;", "&lol9;", "&#0;", "&#x1F;", "&#xD800;", "&#x110000;", "&#65534;", "&#;", "&#-1;", "&;"]
    {
        let text = format!("<xml><A>{content}</A></xml>");
        assert_eq!(parse(text.as_bytes()), Err(PushXmlProblem::Entity), "{content}");
    }
}

#[test]
fn elements_nest_sixteen_deep_at_most() {
    let nested = |depth: usize| format!("<xml>{}{}</xml>", "<a>".repeat(depth - 1), "</a>".repeat(depth - 1));
    assert!(parse(nested(16).as_bytes()).is_ok());
    assert_eq!(parse(nested(17).as_bytes()), Err(PushXmlProblem::Depth));
    assert_eq!(parse(format!("<xml>{}", "<a>".repeat(20_000)).as_bytes()), Err(PushXmlProblem::Depth));
    assert_eq!(parse(nested(16).replace("<a></a>", "<a><b/></a>").as_bytes()), Err(PushXmlProblem::Depth));
}

#[test]
fn what_is_not_a_whole_xml_element_is_refused() {
    for text in [
        "",
        " ",
        "\u{FEFF}",
        "{\"Encrypt\":\"a\"}",
        "<html><A>1</A></html>",
        "<XML><A>1</A></XML>",
        "<xml>",
        "<xml><A>1</A>",
        "<xml><A>1</B></xml>",
        "<xml><A>1</xml>",
        "</xml>",
        "<xml/><xml/>",
        "<xml/>text",
        "text<xml/>",
        "<xml/><![CDATA[a]]>",
        "&lt;<xml/>",
        "<xml><A>1<B>2</B></A></xml>",
        "<xml><A><B>2</B><![CDATA[1]]></A></xml>",
        "<xml>text<A>1</A></xml>",
        "<xml><A><![CDATA[1</A></xml>",
        "<xml><A>1</A><!-- </xml>",
        "<xml><A>a & b</A></xml>",
        "<xml><?xml version='1.0'?></xml>",
        "<xml/><?xml version='1.0'?>",
    ] {
        assert_eq!(parse(text.as_bytes()), Err(PushXmlProblem::Syntax), "{text}");
    }
}

#[test]
fn only_utf_8_is_read() {
    let utf_16: Vec<u8> = "\u{FEFF}<xml/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let gbk = b"<?xml version='1.0' encoding='GBK'?><xml/>";
    for bytes in [utf_16.as_slice(), gbk, b"<xml><A>\xD6\xD0</A></xml>", b"\xFF"] {
        assert_eq!(parse(bytes), Err(PushXmlProblem::Encoding), "{bytes:?}");
    }
}

#[test]
fn what_fields_show_are_names_alone() {
    let fields = parse(b"<xml><A>S3CRET</A><B><C>S3CRET</C></B><D>S3CRET</D><D>S3CRET</D></xml>").unwrap();
    let shown = format!("{fields:?} {:?} {:?} {:?}", fields.get("A"), fields.get("B"), fields.get("D"));
    assert!(shown.starts_with(r#"{"A", "B", "D"}"#) && !shown.contains("S3CRET"), "{shown}");
}
