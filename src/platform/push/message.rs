//! What a push says.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::xml::Fields;
use crate::error::{PushError, PushPart, PushXmlProblem};

/// What WeChat pushed. Times are seconds since 1970.
#[derive(Clone, Debug)]
pub enum PlatformEvent {
    /// The platform's ticket, every ten minutes.
    ComponentVerifyTicket {
        /// The ticket.
        ticket: SecretString,
        /// When WeChat made the push.
        create_time: u64,
    },
    /// A merchant has authorised the platform.
    Authorized(Authorization),
    /// A merchant has changed its authorisation.
    UpdateAuthorized(Authorization),
    /// A merchant has withdrawn its authorisation.
    Unauthorized {
        /// The merchant's.
        authorizer_appid: String,
        /// When WeChat made the push.
        create_time: u64,
    },
    /// Any other push.
    Other {
        /// `InfoType`, else `Event`, else `MsgType`; a message may have none.
        kind: Option<String>,
        /// The whole message, by WeChat's names.
        fields: Fields,
    },
}

/// What an authorisation brings.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// The merchant's.
    pub authorizer_appid: String,
    /// Exchanged once for the merchant's tokens.
    pub authorization_code: SecretString,
    /// When the code expires, if the push says it.
    pub code_expires: Option<u64>,
    /// Of the URL by which the merchant authorised, if the push says it.
    pub pre_auth_code: Option<SecretString>,
    /// When WeChat made the push.
    pub create_time: u64,
}

/// The last second of the year 9999: a later one is no time.
const MAX_TIME: u64 = 253_402_300_799;
/// `AuthorizationCodeExpiredTime` is a time in pushes that were seen, and a number of seconds in samples. Ten years are no lifetime.
const MAX_LIFETIME: u64 = 10 * 365 * 86_400;
const MAX_APPID_BYTES: usize = 64;

impl PlatformEvent {
    pub(super) fn of(fields: Fields) -> Result<Self, PushError> {
        let Some(info_type) = fields.get("InfoType").map(|_| text(&fields, "InfoType")).transpose()? else {
            let kind = fields.text("Event").or_else(|| fields.text("MsgType")).map(str::to_owned);
            return Ok(Self::Other { kind, fields });
        };
        Ok(match info_type {
            "component_verify_ticket" => Self::ComponentVerifyTicket {
                ticket: text(&fields, "ComponentVerifyTicket")?.into(),
                create_time: create_time(&fields)?,
            },
            "authorized" => Self::Authorized(Authorization::of(&fields)?),
            "updateauthorized" => Self::UpdateAuthorized(Authorization::of(&fields)?),
            "unauthorized" => {
                Self::Unauthorized { authorizer_appid: authorizer_appid(&fields)?, create_time: create_time(&fields)? }
            }
            other => Self::Other { kind: Some(other.to_owned()), fields },
        })
    }

    /// As JavaScript gets it: times in milliseconds since 1970, and no ticket.
    pub fn to_json(&self) -> Value {
        match self {
            Self::ComponentVerifyTicket { create_time, .. } => {
                json!({ "type": "component_verify_ticket", "createTime": create_time * 1000 })
            }
            Self::Authorized(authorization) => authorization.to_json("authorized"),
            Self::UpdateAuthorized(authorization) => authorization.to_json("updateauthorized"),
            Self::Unauthorized { authorizer_appid, create_time } => json!({
                "type": "unauthorized",
                "createTime": create_time * 1000,
                "authorizerAppid": authorizer_appid,
            }),
            Self::Other { kind, fields } => present(json!({ "type": kind, "fields": fields })),
        }
    }
}

impl Authorization {
    fn of(fields: &Fields) -> Result<Self, PushError> {
        let create_time = create_time(fields)?;
        Ok(Self {
            authorizer_appid: authorizer_appid(fields)?,
            authorization_code: text(fields, "AuthorizationCode")?.into(),
            code_expires: time(fields, "AuthorizationCodeExpiredTime")
                .map(|expires| if expires < MAX_LIFETIME { create_time + expires } else { expires }),
            pre_auth_code: fields.text("PreAuthCode").map(SecretString::from),
            create_time,
        })
    }

    fn to_json(&self, event_type: &str) -> Value {
        present(json!({
            "type": event_type,
            "createTime": self.create_time * 1000,
            "authorizerAppid": self.authorizer_appid,
            "authorizationCode": self.authorization_code.expose_secret(),
            "authorizationCodeExpiresAt": self.code_expires.map(|seconds| seconds * 1000),
            "preAuthCode": self.pre_auth_code.as_ref().map(ExposeSecret::expose_secret),
        }))
    }
}

/// The object without what is null.
fn present(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|_, value| !value.is_null());
    }
    object
}

fn wrong(name: &'static str) -> PushError {
    PushError::Xml { part: PushPart::Message, problem: PushXmlProblem::Element(name) }
}

fn text<'a>(fields: &'a Fields, name: &'static str) -> Result<&'a str, PushError> {
    fields.text(name).ok_or(wrong(name))
}

fn time(fields: &Fields, name: &str) -> Option<u64> {
    fields.text(name)?.parse().ok().filter(|&seconds| seconds <= MAX_TIME)
}

fn create_time(fields: &Fields) -> Result<u64, PushError> {
    time(fields, "CreateTime").ok_or(wrong("CreateTime"))
}

/// It becomes part of names under which tokens are stored.
fn authorizer_appid(fields: &Fields) -> Result<String, PushError> {
    let appid = text(fields, "AuthorizerAppid")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match appid.len() <= MAX_APPID_BYTES && appid.bytes().all(is_name) {
        true => Ok(appid.to_owned()),
        false => Err(wrong("AuthorizerAppid")),
    }
}
