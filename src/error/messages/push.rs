//! What an operator checks when pushes are refused.

use crate::error::explanation::{Bilingual, Explanation};
use crate::error::{PushError, PushPart, PushQueryProblem, PushXmlProblem};

pub(crate) fn push(error: &PushError) -> Explanation {
    let (cause, fix) = match *error {
        PushError::Query { name, problem } => (query(name, problem), from_the_query(problem)),
        PushError::Size => (
            Bilingual::new("推送的内容超过 64 KiB", "the push is larger than 64 KiB"),
            Bilingual::new(
                "微信的推送只有几 KiB：查看是谁在向这个 URL 发请求，以及网关是否改写了请求体",
                "WeChat's pushes have a few KiB: find out who posts to this URL, and whether a gateway changes the body",
            ),
        ),
        PushError::Xml { part, problem } => (xml(part, problem), from_the(part)),
        PushError::Signature { is_addressed_elsewhere: true } => (
            Bilingual::new(
                "msg_signature 与推送的内容不符，而且推送的 AppId 不是这个第三方平台的",
                "msg_signature does not match the push, and the push is addressed to another AppId than this platform's",
            ),
            another_platform(),
        ),
        PushError::Signature { is_addressed_elsewhere: false } => (
            Bilingual::new("msg_signature 与推送的内容不符", "msg_signature does not match the content of the push"),
            Bilingual::new(
                "核对 pushToken 与微信开放平台后台的“消息校验 Token”是否一致，并确认反向代理和请求体解析器没有改动请求体；也可能是有人伪造推送",
                "Compare pushToken with 消息校验 Token on open.weixin.qq.com, and make sure that no reverse proxy or body parser \
                 changes the body; it may also be a forged push",
            ),
        ),
        PushError::Decrypt => (
            Bilingual::new(
                "签名正确，但 encodingAESKey 解不开推送的内容",
                "the signature is right, but encodingAESKey does not decrypt the push",
            ),
            Bilingual::new(
                "核对 encodingAESKey 与微信开放平台后台的“消息加解密 Key”是否一致；更换期间传 [新的, 旧的]",
                "Compare encodingAESKey with 消息加解密 Key on open.weixin.qq.com; while it is being changed, pass [new, old]",
            ),
        ),
        PushError::Appid => (
            Bilingual::new(
                "推送解密后，其中的 appid 不是这个第三方平台的",
                "the decrypted push is for another appid than this platform's",
            ),
            another_platform(),
        ),
    };
    Explanation { cause, fix }
}

fn another_platform() -> Bilingual {
    Bilingual::new(
        "核对 appid（component_appid）；是否有另一个第三方平台的授权事件或消息接收 URL 填成了这个地址",
        "Check appid (component_appid), and whether another platform has this address as its URL for events or messages",
    )
}

fn query(name: &str, problem: PushQueryProblem) -> Bilingual {
    match problem {
        PushQueryProblem::Missing => {
            Bilingual::new(format!("推送的查询参数缺少 {name}"), format!("the query of the push has no {name}"))
        }
        PushQueryProblem::Repeated => Bilingual::new(
            format!("推送的查询参数中 {name} 出现了多次"),
            format!("the query of the push has {name} more than once"),
        ),
        PushQueryProblem::Malformed => Bilingual::new(
            format!("推送的查询参数 {name} 不是微信的格式"),
            format!("{name} in the query of the push is not as WeChat sends it"),
        ),
        PushQueryProblem::NotEncrypted => Bilingual::new(
            format!("推送的查询参数 {name} 不是 aes：内容没有加密"),
            format!("{name} in the query of the push is not aes: its content is not encrypted"),
        ),
    }
}

fn from_the_query(problem: PushQueryProblem) -> Bilingual {
    match problem {
        PushQueryProblem::NotEncrypted => Bilingual::new(
            "第三方平台的推送总是加密的：确认这个 URL 收到的是第三方平台的推送，而不是明文模式的消息推送",
            "Pushes to a platform are always encrypted: make sure that this URL gets those, and not messages in plain text mode",
        ),
        _ => Bilingual::new(
            "把请求 URL 的查询参数原样传入（timestamp、nonce、msg_signature），并确认反向代理没有去掉或改写它们",
            "Pass the query of the request's URL as it is (timestamp, nonce, msg_signature), and make sure that no reverse proxy \
             drops or rewrites it",
        ),
    }
}

fn xml(part: PushPart, problem: PushXmlProblem) -> Bilingual {
    let (what_zh, what_en) = match part {
        PushPart::Envelope => ("推送的请求体", "the body of the push"),
        PushPart::Message => ("推送解密后的消息", "the decrypted message of the push"),
    };
    let (zh, en) = match problem {
        PushXmlProblem::Encoding => ("不是 UTF-8".to_owned(), "is not UTF-8".to_owned()),
        PushXmlProblem::Doctype => ("含有 DOCTYPE".to_owned(), "has a DOCTYPE".to_owned()),
        PushXmlProblem::Entity => {
            ("含有 XML 未定义的实体或字符".to_owned(), "has an entity or a character that XML does not know".to_owned())
        }
        PushXmlProblem::Depth => ("嵌套过深".to_owned(), "is nested too deeply".to_owned()),
        PushXmlProblem::Syntax => ("不是完整的 <xml>…</xml>".to_owned(), "is not a complete <xml>...</xml>".to_owned()),
        PushXmlProblem::Element(name) => (
            format!("没有 <{name}>，或者它为空、重复、不是文本"),
            format!("has no <{name}>, or it is empty, repeated or not text"),
        ),
    };
    Bilingual::new(format!("{what_zh}{zh}"), format!("{what_en} {en}"))
}

fn from_the(part: PushPart) -> Bilingual {
    match part {
        PushPart::Envelope => Bilingual::new(
            "传入未经改动的请求体，即微信发来的 XML；确认没有被反向代理改写，也没有被其他中间件先读取",
            "Pass the request's body unchanged, which is XML from WeChat; make sure that no reverse proxy rewrites it and no other \
             middleware has read it before",
        ),
        PushPart::Message => Bilingual::new(
            "消息确实来自持有密钥的一方，但不是已知的格式：若持续出现，请连同推送的类型反馈给 wxacode",
            "It comes from someone who has the keys, but in an unknown format: if it persists, report it to wxacode with the kind \
             of push",
        ),
    }
}
