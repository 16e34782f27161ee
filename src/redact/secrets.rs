//! The secrets of a client.

use std::collections::VecDeque;

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};

use super::Redactor;

/// The present token, the last one, and one that a long call may still carry.
const TOKENS: usize = 3;
/// What calls to other APIs carried last.
const CARRIED: usize = 16;

/// The AppSecret, the tokens that were handed out last, and what calls to other APIs carried under the name of a secret.
/// Shared by all clients of an account: a gateway repeats to one what another has sent.
#[derive(Default)]
pub(crate) struct Secrets {
    fixed: Mutex<Vec<SecretString>>,
    tokens: Mutex<VecDeque<SecretString>>,
    carried: Mutex<VecDeque<SecretString>>,
}

impl Secrets {
    /// What never changes, like the AppSecret.
    pub(crate) fn keep(&self, secret: &SecretString) {
        let mut fixed = self.fixed.lock();
        if !fixed.iter().any(|other| other.expose_secret() == secret.expose_secret()) {
            fixed.push(secret.clone());
        }
    }

    /// A token was handed out.
    pub(crate) fn learn_token(&self, token: &str) {
        learn(&self.tokens, token, TOKENS);
    }

    /// A request carries this.
    pub(crate) fn learn_carried(&self, secret: &str) {
        learn(&self.carried, secret, CARRIED);
    }

    /// For one answer: all that is known, and what its own request carried.
    pub(crate) fn redactor(&self, own: &[&str]) -> Redactor {
        let (fixed, tokens, carried) = (self.fixed.lock(), self.tokens.lock(), self.carried.lock());
        let known = fixed.iter().chain(tokens.iter()).chain(carried.iter()).map(ExposeSecret::expose_secret);
        Redactor::new(known.chain(own.iter().copied()))
    }
}

/// Puts it first, and forgets what is old.
fn learn(known: &Mutex<VecDeque<SecretString>>, secret: &str, most: usize) {
    let mut known = known.lock();
    if known.front().is_some_and(|first| first.expose_secret() == secret) {
        return;
    }
    known.retain(|other| other.expose_secret() != secret);
    known.push_front(secret.into());
    known.truncate(most);
}
