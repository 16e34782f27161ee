//! WeChat: issues tokens by the rules of its two endpoints and accepts them at its APIs until they expire.

use wxacode::keys::Mode;

use crate::simulation::{Millis, SECOND};

const LIFETIME: Millis = 7200 * SECOND;
/// A stable token is renewed in its last five minutes; a classic one stays valid for as long after the next was issued.
pub(crate) const OVERLAP: Millis = 300 * SECOND;
const FORCED_INTERVAL: Millis = 30 * SECOND;

pub(crate) struct IssuedToken {
    pub(crate) value: String,
    pub(crate) expires: Millis,
    pub(crate) invalid_at: Millis,
    pub(crate) cause: Cause,
}

/// Why a token is no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Age,
    /// The fleet fetched another one in classic mode.
    Rotated,
    /// The fleet forced another one.
    Forced,
    /// Another system fetched one.
    Outside,
    /// The API rejects it, and the token endpoint still returns it.
    Condemned,
}

pub(crate) struct WeChat {
    mode: Mode,
    pub(crate) tokens: Vec<IssuedToken>,
    present: Option<usize>,
    forced: Option<Millis>,
}

impl WeChat {
    /// `given` is the remaining lifetime of a token that was issued before the start.
    pub(crate) fn new(mode: Mode, given: Option<Millis>) -> Self {
        let mut new = Self { mode, tokens: Vec::new(), present: None, forced: None };
        if let Some(lifetime) = given {
            new.issue(0, lifetime);
        }
        new
    }

    /// Issues or repeats a token. Returns it with its remaining lifetime.
    pub(crate) fn grant(&mut self, now: Millis, forced: bool, cause: Cause) -> (usize, Millis) {
        let number = match self.mode {
            Mode::Stable => self.stable(now, forced, cause),
            Mode::Classic => self.classic(now, cause),
        };
        (number, self.tokens[number].expires - now)
    }

    /// Another system fetches a token.
    pub(crate) fn intrude(&mut self, now: Millis) {
        self.grant(now, true, Cause::Outside);
    }

    /// The APIs reject the present token from now on.
    pub(crate) fn condemn(&mut self, now: Millis) {
        if let Some(present) = self.present {
            self.end(present, now, Cause::Condemned);
        }
    }

    /// The errcode of an API for a token, 0 if it accepts it.
    pub(crate) fn accepts(&self, value: &str, now: Millis) -> i64 {
        match self.find(value) {
            Some(token) if now < token.invalid_at => 0,
            Some(IssuedToken { cause: Cause::Age, .. }) => 42001,
            _ => 40001,
        }
    }

    pub(crate) fn find(&self, value: &str) -> Option<&IssuedToken> {
        self.tokens.iter().find(|token| token.value == value)
    }

    fn stable(&mut self, now: Millis, forced: bool, cause: Cause) -> usize {
        let too_soon = self.forced.is_some_and(|last| now < last + FORCED_INTERVAL);
        let present = self.present.filter(|&present| self.tokens[present].expires > now + OVERLAP);
        match present {
            Some(present) if !forced || too_soon => present,
            Some(present) => {
                self.forced = Some(now);
                self.end(present, now, cause);
                self.issue(now, LIFETIME)
            }
            None => self.issue(now, LIFETIME),
        }
    }

    fn classic(&mut self, now: Millis, cause: Cause) -> usize {
        if let Some(present) = self.present {
            self.end(present, now + OVERLAP, if cause == Cause::Outside { cause } else { Cause::Rotated });
        }
        self.issue(now, LIFETIME)
    }

    fn issue(&mut self, now: Millis, lifetime: Millis) -> usize {
        let number = self.tokens.len();
        let expires = now + lifetime;
        self.tokens.push(IssuedToken {
            value: format!("c4nary-token-{number}"),
            expires,
            invalid_at: expires,
            cause: Cause::Age,
        });
        self.present = Some(number);
        number
    }

    fn end(&mut self, token: usize, invalid_at: Millis, cause: Cause) {
        let token = &mut self.tokens[token];
        if invalid_at < token.invalid_at {
            (token.invalid_at, token.cause) = (invalid_at, cause);
        }
    }
}
