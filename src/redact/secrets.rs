//! The secrets of a client.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};

use super::Redactor;

/// The current token, the one before, and one that a long call may still send.
const MAX_TOKENS: usize = 3;
/// How many secrets of requests to other APIs are remembered.
const MAX_REQUEST_SECRETS: usize = 16;

/// The AppSecret, the last tokens, and the last values that requests to other APIs sent under the name of a secret. All
/// clients of an account share them: a gateway repeats to one client what another has sent.
#[derive(Default)]
pub(crate) struct Secrets {
    permanent: Mutex<Vec<SecretString>>,
    tokens: Mutex<VecDeque<SecretString>>,
    from_requests: Mutex<VecDeque<SecretString>>,
    /// The secrets of the platform, of a merchant's account.
    platform: OnceLock<Arc<Self>>,
}

impl Secrets {
    /// Adds a secret that never changes, like the AppSecret.
    pub(crate) fn add_permanent(&self, secret: &SecretString) {
        let mut permanent = self.permanent.lock();
        if !permanent.iter().any(|other| other.expose_secret() == secret.expose_secret()) {
            permanent.push(secret.clone());
        }
    }

    /// Adds a token; the oldest is forgotten.
    pub(crate) fn add_token(&self, token: &str) {
        add_recent(&self.tokens, token, MAX_TOKENS);
    }

    /// Adds a secret that a request sends; the oldest is forgotten.
    pub(crate) fn add_request_secret(&self, secret: &str) {
        add_recent(&self.from_requests, secret, MAX_REQUEST_SECRETS);
    }

    /// Adds the secrets of the platform that calls for this account.
    pub(crate) fn include(&self, platform: Arc<Self>) {
        let _ = self.platform.set(platform);
    }

    /// A redactor for one response, with all secrets and those of its own request.
    pub(crate) fn redactor(&self, own: &[&str]) -> Redactor {
        let mut known = self.known();
        known.extend(self.platform.get().map(|platform| platform.known()).unwrap_or_default());
        Redactor::new(known.iter().map(ExposeSecret::expose_secret).chain(own.iter().copied()))
    }

    fn known(&self) -> Vec<SecretString> {
        let (permanent, tokens, from_requests) = (self.permanent.lock(), self.tokens.lock(), self.from_requests.lock());
        permanent.iter().chain(tokens.iter()).chain(from_requests.iter()).cloned().collect()
    }
}

/// Puts `secret` first, and drops those beyond `max`.
fn add_recent(known: &Mutex<VecDeque<SecretString>>, secret: &str, max: usize) {
    let mut known = known.lock();
    if known.front().is_some_and(|first| first.expose_secret() == secret) {
        return;
    }
    known.retain(|other| other.expose_secret() != secret);
    known.push_front(secret.into());
    known.truncate(max);
}
