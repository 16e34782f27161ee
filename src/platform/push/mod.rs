//! Pushes: WeChat posts tickets, authorisations and messages to the platform's URL, encrypted. Pure: no I/O, no clock.
//!
//! The URL is open to everyone, so nothing is believed before the signature is checked. Then come decryption, the appid of
//! the platform that the push is for, and the message.

mod config;
mod crypto;
mod message;
mod query;
mod xml;

pub use config::PushConfig;
pub use message::{Authorization, PlatformEvent};
pub use xml::{Field, Fields};

use query::PushQuery;
use secrecy::ExposeSecret;

use crate::error::{PushError, PushPart, PushXmlProblem};

/// The body of a push in bytes, or its encrypted text. WeChat's pushes have a few KiB.
const MAX_BYTES: usize = 64 << 10;

/// What is left of a push's body.
#[derive(Clone, Copy, Debug)]
pub enum PushBody<'a> {
    /// The body as it came: XML.
    Raw(&'a [u8]),
    /// The text of `<Encrypt>`, which a parser has read already.
    Encrypt(&'a str),
}

/// Checks, decrypts and reads a push. `query` has the names and values of the URL's query.
///
/// # Errors
///
/// If the push is not from WeChat, not for this platform, or unreadable.
pub fn open<N: AsRef<str>, V: AsRef<str>>(
    config: &PushConfig,
    query: &[(N, V)],
    body: PushBody<'_>,
) -> Result<PlatformEvent, PushError> {
    let query = PushQuery::of(query)?;
    let envelope = Envelope::of(body)?;
    let signature = crypto::sign(config.token.expose_secret(), query.timestamp, query.nonce, envelope.encrypt());
    if !crypto::is_same(&signature, query.msg_signature) {
        return Err(PushError::Signature { is_addressed_elsewhere: envelope.is_addressed_elsewhere(&config.appid) });
    }
    let plaintext = decrypt(config, envelope.encrypt())?;
    let fields = parse(PushPart::Message, plaintext.message())?;
    PlatformEvent::of(fields)
}

/// What the first key opens that gives the right appid. Any key may open garbage, by chance: then the next one is tried too.
fn decrypt(config: &PushConfig, encrypt: &str) -> Result<crypto::Plaintext, PushError> {
    let mut error = PushError::Decrypt;
    for key in &config.keys {
        match crypto::decrypt(key.expose_secret(), encrypt) {
            Some(plaintext) if plaintext.appid() == config.appid.as_bytes() => return Ok(plaintext),
            Some(_) => error = PushError::Appid,
            None => {}
        }
    }
    Err(error)
}

/// The encrypted text and, if the body is here, what is beside it.
enum Envelope<'a> {
    Parsed(Fields),
    Encrypt(&'a str),
}

impl<'a> Envelope<'a> {
    fn of(body: PushBody<'a>) -> Result<Self, PushError> {
        let bytes = match body {
            PushBody::Raw(bytes) => bytes,
            PushBody::Encrypt(text) => text.as_bytes(),
        };
        if bytes.len() > MAX_BYTES {
            return Err(PushError::Size);
        }
        let envelope = match body {
            PushBody::Raw(bytes) => Self::Parsed(parse(PushPart::Envelope, bytes)?),
            PushBody::Encrypt(text) => Self::Encrypt(text.trim()),
        };
        match envelope.encrypt() {
            "" => Err(PushError::Xml { part: PushPart::Envelope, problem: PushXmlProblem::Element("Encrypt") }),
            _ => Ok(envelope),
        }
    }

    fn encrypt(&self) -> &str {
        match self {
            Self::Parsed(fields) => fields.text("Encrypt").unwrap_or_default(),
            Self::Encrypt(text) => text,
        }
    }

    /// Nothing vouches for this: it is a hint in an error.
    fn is_addressed_elsewhere(&self, appid: &str) -> bool {
        matches!(self, Self::Parsed(fields) if fields.text("AppId").is_some_and(|other| other != appid))
    }
}

fn parse(part: PushPart, bytes: &[u8]) -> Result<Fields, PushError> {
    xml::parse(bytes).map_err(|problem| PushError::Xml { part, problem })
}

#[cfg(test)]
mod tests;
