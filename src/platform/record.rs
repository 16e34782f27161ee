//! What a platform must not lose: its ticket, and its merchants with their refresh tokens.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A record in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Record {
    /// The platform's ticket.
    Ticket(Ticket),
    /// A merchant that has authorised the platform.
    Authorizer(Authorizer),
    /// A merchant that the caller has removed: it is not looked up at WeChat.
    Removed {
        /// In seconds since 1970.
        at: u64,
    },
    /// A merchant that has withdrawn its authorisation. Never stored: the record is deleted.
    Withdrawn {
        /// In seconds since 1970.
        at: u64,
    },
}

/// The ticket that was pushed last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ticket {
    #[serde(with = "secret")]
    pub(crate) value: SecretString,
    /// When WeChat made the push, in seconds since 1970.
    pub(crate) create_time: u64,
    /// When the push came, in seconds since 1970.
    pub(crate) received_at: u64,
    /// WeChat has refused it since.
    #[serde(default)]
    pub(crate) refused: bool,
}

/// What a merchant's tokens come from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Authorizer {
    /// The refresh token; none before the first authorization code was exchanged.
    #[serde(with = "secret_option", default)]
    pub(crate) refresh_token: Option<SecretString>,
    /// An authorization code that was pushed and not exchanged yet.
    #[serde(with = "secret_option", default)]
    pub(crate) code: Option<SecretString>,
    /// The hash of the code that was exchanged last.
    #[serde(default)]
    pub(crate) exchanged: Option<String>,
    /// When the merchant authorised, in seconds since 1970.
    pub(crate) authorized_at: u64,
    /// When this process asked WeChat for the refresh token, in milliseconds since 1970, and later than that of the one before it,
    /// whatever the clock says. Of two refresh tokens of one authorisation the later one is valid: WeChat has replaced the other.
    #[serde(default)]
    pub(crate) obtained_at: u64,
}

impl Authorizer {
    /// The time of a refresh token that follows on this record's, and that was asked for at `time`.
    pub(crate) fn next_time(&self, time: u64) -> u64 {
        time.max(self.obtained_at + 1)
    }

    /// The later authorisation, then the later refresh token.
    pub(super) fn age(&self) -> (u64, u64) {
        (self.authorized_at, self.obtained_at)
    }

    /// What holds of two versions: the later refresh token, and the code of the later authorisation. One process may have got the
    /// one, and another process the other. Where both are as late, this version holds.
    pub(super) fn merged(&self, other: &Self) -> Self {
        let tokens = if other.obtained_at > self.obtained_at { other } else { self };
        let authorisation = if other.age() > self.age() { other } else { self };
        let refresh_token = [tokens, authorisation].iter().find_map(|version| version.refresh_token.clone());
        Self { refresh_token, obtained_at: tokens.obtained_at, ..authorisation.clone() }
    }
}

/// Whether both are the same secret.
pub(crate) fn is_same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        is_same(Some(&self.value), Some(&other.value))
            && (self.create_time, self.refused) == (other.create_time, other.refused)
    }
}

impl PartialEq for Authorizer {
    fn eq(&self, other: &Self) -> bool {
        is_same(self.refresh_token.as_ref(), other.refresh_token.as_ref())
            && is_same(self.code.as_ref(), other.code.as_ref())
            && (&self.exchanged, self.age()) == (&other.exchanged, other.age())
    }
}

mod secret {
    use super::{Deserialize, Deserializer, ExposeSecret, SecretString, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.expose_secret())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
        String::deserialize(deserializer).map(SecretString::from)
    }
}

mod secret_option {
    use super::{Deserialize, Deserializer, ExposeSecret, SecretString, Serialize, Serializer};

    #[allow(clippy::ref_option, reason = "serde calls it like this")]
    pub(super) fn serialize<S: Serializer>(value: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
    }
}

impl Record {
    /// What holds of two versions of a record. Where both are as late, this one does.
    pub(super) fn merged(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Authorizer(this), Self::Authorizer(other)) => Self::Authorizer(this.merged(other)),
            _ if other.age() > self.age() => other.clone(),
            _ => self.clone(),
        }
    }

    fn age(&self) -> (u64, u64) {
        match self {
            Self::Ticket(ticket) => (ticket.create_time, u64::from(ticket.refused)),
            Self::Authorizer(authorizer) => authorizer.age(),
            Self::Removed { at } | Self::Withdrawn { at } => (*at, u64::MAX),
        }
    }
}
