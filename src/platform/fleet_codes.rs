//! Authorization codes in a fleet: one process exchanges a code, and the others get through Redis what it was exchanged for.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::calls::{Granted, MerchantTokens};
use super::codes::KEPT_FOR;
use crate::backoff::poll_pause;
use crate::clock::{self, Clock, Timestamp};
use crate::error::Result;
use crate::redis::{ScriptCall, ScriptRunner};
use crate::seal::{Seal, random_id};

const CLAIM: &str = include_str!("claim_code.lua");
const TELL: &str = include_str!("tell_code.lua");
/// How long other processes wait for one that exchanges a code, before they try it themselves: longer than WeChat takes, and short
/// for those who follow one that has died. They wait as long again when WeChat says that the code was used.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The exchanges of one platform's fleet.
pub(crate) struct FleetCodes {
    scripts: Arc<dyn ScriptRunner>,
    seal: Seal,
    clock: Clock,
    prefix: String,
    /// Names this process.
    owner: String,
}

/// Who exchanges a code.
pub(crate) enum Claim {
    /// This process.
    Ours,
    /// This process: another one has begun, and said nothing for long.
    Overtaken,
    /// Another process has.
    Told(Granted),
}

enum Look {
    Ours,
    Wait,
    Told(Box<Granted>),
}

/// What Redis keeps, sealed, of an exchange.
#[derive(Serialize, Deserialize)]
struct Told {
    /// When the code was exchanged, in milliseconds since 1970.
    at: u64,
    appid: String,
    permissions: Vec<i64>,
    access_token: String,
    expires_in: Option<i64>,
    refresh_token: Option<String>,
}

impl FleetCodes {
    /// `prefix` is that of the platform's keys in Redis.
    pub(crate) fn new(scripts: Arc<dyn ScriptRunner>, secret: &SecretString, clock: Clock, prefix: String) -> Self {
        Self { scripts, seal: Seal::new(secret, "authorization code"), clock, prefix, owner: random_id() }
    }

    /// Takes the exchange of a code, unless another process has it: then waits for what that one tells. Without Redis each process
    /// exchanges for itself.
    pub(crate) async fn claim(&self, code: &SecretString) -> Claim {
        let mut has_waited = false;
        let mut is_ours = |look: &Look| {
            has_waited |= matches!(look, Look::Wait);
            matches!(look, Look::Ours)
        };
        match self.look_until(code, &mut is_ours).await {
            Some(granted) => Claim::Told(granted),
            None if has_waited => Claim::Overtaken,
            None => Claim::Ours,
        }
    }

    /// What another process has exchanged a code for, of which WeChat says to this one that it was used.
    pub(crate) async fn told(&self, code: &SecretString, was_overtaken: bool) -> Option<Granted> {
        self.look_until(code, &mut |look| matches!(look, Look::Ours) && !was_overtaken).await
    }

    /// Looks until there is a result, or it is no use to wait.
    async fn look_until(
        &self,
        code: &SecretString,
        is_enough: &mut (dyn FnMut(&Look) -> bool + Send),
    ) -> Option<Granted> {
        let begun = clock::monotonic();
        let mut polls = 0;
        loop {
            match self.look(code).await.ok()? {
                Look::Told(granted) => return Some(*granted),
                look if is_enough(&look) || begun.elapsed() >= MAX_WAIT => return None,
                Look::Ours | Look::Wait => tokio::time::sleep(poll_pause(polls, fastrand::f64())).await,
            }
            polls += 1;
        }
    }

    /// Tells the others what this process has exchanged a code for. To those that do not hear of it WeChat says that the code is
    /// invalid.
    pub(crate) async fn tell(&self, code: &SecretString, granted: &Granted) {
        let MerchantTokens { access_token, expires_in, refresh_token, asked_at: _ } = &granted.tokens;
        let told = Told {
            at: granted.requested_at.unix_millis(),
            appid: granted.appid.clone(),
            permissions: granted.permissions.clone(),
            access_token: access_token.expose_secret().to_owned(),
            expires_in: *expires_in,
            refresh_token: refresh_token.as_ref().map(|token| token.expose_secret().to_owned()),
        };
        let name = self.name(code);
        let sealed = serde_json::to_vec(&told).ok().and_then(|json| self.seal.seal(&json, &name));
        self.end(name, sealed.unwrap_or_default()).await;
    }

    /// Lets others exchange the code.
    pub(crate) async fn give_back(&self, code: &SecretString) {
        self.end(self.name(code), Vec::new()).await;
    }

    /// Where that fails, the others wait in vain, and exchange the code themselves.
    async fn end(&self, name: String, sealed: Vec<u8>) {
        let call = ScriptCall::new(TELL, vec![name]).arg(&self.owner).bytes(sealed).arg(KEPT_FOR.as_millis());
        let _ = self.scripts.run(call).await;
    }

    async fn look(&self, code: &SecretString) -> Result<Look> {
        let name = self.name(code);
        let call = ScriptCall::new(CLAIM, vec![name.clone()]).arg(&self.owner).arg(MAX_WAIT.as_millis());
        let Value::Array(row) = self.scripts.run(call).await? else { return Ok(Look::Ours) };
        Ok(match row.as_slice() {
            [Value::BulkString(kind)] if kind == b"wait" => Look::Wait,
            [_, Value::BulkString(sealed)] => {
                self.opened(sealed, &name).map_or(Look::Ours, |granted| Look::Told(Box::new(granted)))
            }
            _ => Look::Ours,
        })
    }

    fn opened(&self, sealed: &[u8], name: &str) -> Option<Granted> {
        let told: Told = self.seal.open_json(sealed, name)?;
        let (now, wall) = (self.clock.now(), Duration::from_millis(told.at));
        let age = now.wall.saturating_sub(wall);
        Some(Granted {
            requested_at: Timestamp { mono: now.mono.saturating_sub(age), wall },
            appid: told.appid,
            permissions: told.permissions,
            tokens: MerchantTokens {
                asked_at: told.at,
                access_token: told.access_token.into(),
                expires_in: told.expires_in,
                refresh_token: told.refresh_token.map(SecretString::from),
            },
        })
    }

    fn name(&self, code: &SecretString) -> String {
        format!("{}:code:{}", self.prefix, self.seal.opaque_key(code.expose_secret().as_bytes()))
    }
}
