//! Why a push was refused.

/// Why a push to the platform's event URL was refused. It has nothing of what the push contains: its URL is open to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// A parameter of the query is not as WeChat sends it.
    Query {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it.
        problem: PushQueryProblem,
    },
    /// More bytes than any push of WeChat's has.
    Size,
    /// The body, or the message in it, is not XML as WeChat sends it.
    Xml {
        /// Which of the two.
        part: PushPart,
        /// What is wrong with it.
        problem: PushXmlProblem,
    },
    /// `msg_signature` does not belong to this content and `pushToken`.
    Signature {
        /// Whether the body is addressed to another appid than the platform's.
        is_addressed_elsewhere: bool,
    },
    /// Signed, but no `encodingAESKey` decrypts it.
    Decrypt,
    /// Signed and decrypted, but for another appid than the platform's.
    Appid,
}

impl PushError {
    /// The `reason` that JavaScript sees.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Query { .. } => "query",
            Self::Size => "size",
            Self::Xml { .. } => "xml",
            Self::Signature { .. } => "signature",
            Self::Decrypt => "decrypt",
            Self::Appid => "appid",
        }
    }
}

/// What is wrong with a parameter of a push's query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushQueryProblem {
    /// Absent or empty.
    Missing,
    /// There more than once.
    Repeated,
    /// Longer than WeChat's, or with characters that WeChat does not send.
    Malformed,
    /// `encrypt_type` is not `aes`.
    NotEncrypted,
}

/// A push has XML twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushPart {
    /// The body of the request, which has the encrypted message.
    Envelope,
    /// The decrypted message.
    Message,
}

/// What is wrong with the XML of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushXmlProblem {
    /// Not UTF-8.
    Encoding,
    /// It has a DOCTYPE, which could define entities.
    Doctype,
    /// It has an entity other than the five that XML knows, or a reference to a character that XML does not allow.
    Entity,
    /// Elements are nested too deeply.
    Depth,
    /// It is not well-formed, has no root `<xml>`, or text beside elements.
    Syntax,
    /// This element is absent, empty, not text, or there more than once.
    Element(&'static str),
}
