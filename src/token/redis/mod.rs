//! A token that a fleet shares through Redis. Each step is one script; the lock is a courtesy between processes, and
//! generations see to it that a late writer loses.

pub mod link;
pub mod seal;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::{Script, ScriptInvocation, Value};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use super::clock::Now;
use super::flight::LEAD_LIMIT;
use super::state::{Fetched, Token};
use super::store::{Acquired, DAY, FORCED_A_DAY, FORCED_APART, GivenUp, Lease, Seen, Store};
use crate::error::Result;
use link::{Link, down};
use seal::{Seal, hex};

/// Longer than anybody fetches, so that a lock is lost only by who has died or sleeps.
const LOCK: Duration = LEAD_LIMIT.saturating_add(Duration::from_secs(5));
/// A token with less life than this is worth replacing at once.
const WORTH_KEEPING: Duration = Duration::from_secs(30);
/// And with less than this it is not handed out.
const WORTHLESS: Duration = Duration::from_secs(16);
const COOL_DOWN: Duration = Duration::from_secs(30);

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));
static PUBLISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("publish.lua")));
static GIVE_UP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("give_up.lua")));
static LOOK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("look.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));
static SPEND_FORCED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("spend_forced.lua")));

/// One account's place in Redis.
pub struct Redis {
    link: Arc<Link>,
    seal: Seal,
    /// `<keyPrefix>{appid:mode:print}`: the braces keep all keys of an account in one slot of a cluster.
    place: String,
}

impl Redis {
    pub fn new(link: Arc<Link>, secret: &SecretString, place: String) -> Self {
        Self { link, seal: Seal::new(secret), place }
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.place)
    }

    fn print(&self, token: Option<&Token>) -> String {
        token.map_or_else(String::new, |token| self.seal.fingerprint(token.expose()))
    }

    /// `sealed, epoch, generation, life in ms` of a token that a script gave. One that cannot be opened is not there.
    fn fetched(&self, row: &[Value], now: Now) -> Option<Fetched> {
        let [Value::BulkString(sealed), _, _, Value::Int(left)] = row else { return None };
        let left = Duration::from_millis(u64::try_from(*left).ok()?);
        let value = self.seal.open(sealed, &self.place)?;
        (left > WORTHLESS).then(|| Fetched { value, expires_in: Some(left.as_secs() as i64), asked: now, ahead: true })
    }

    async fn run(&self, script: &mut ScriptInvocation<'_>) -> Result<(String, Vec<Value>)> {
        let mut row: Vec<Value> = self.link.run(script).await?;
        if row.is_empty() {
            return Err(down("an answer of no known form"));
        }
        let rest = row.split_off(1);
        Ok((text(&row[0]).unwrap_or_default(), rest))
    }
}

impl Store for Redis {
    fn acquire<'a>(
        &'a self,
        attempt: &'a str,
        seen: Option<&'a Token>,
        refused: bool,
        now: Now,
    ) -> BoxFuture<'a, Result<Acquired>> {
        Box::pin(async move {
            let mut script = ACQUIRE.key(self.key("token"));
            script.key(self.key("lock")).key(self.key("fence")).key(self.key("cool"));
            script.arg(attempt).arg(ms(LOCK)).arg(self.print(seen));
            script.arg(ms(WORTH_KEEPING)).arg(ms(WORTHLESS)).arg(random()).arg(u8::from(refused));
            let (word, row) = self.run(&mut script).await?;
            match (word.as_str(), &row[..]) {
                ("token", row) => {
                    self.fetched(row, now).map(Acquired::Token).ok_or_else(|| down("a token that cannot be opened"))
                }
                ("lead", [epoch, generation]) => {
                    let lease = text(epoch).zip(text(generation));
                    let lease = lease.map(|(epoch, generation)| Lease { epoch, generation });
                    lease.map(Acquired::Lead).ok_or_else(|| down("an answer of no known form"))
                }
                ("stands", _) => Ok(Acquired::Stands),
                ("wait", [Value::Int(left)]) => Ok(Acquired::Wait(Duration::from_millis(left.unsigned_abs()))),
                _ => Err(down("an answer of no known form")),
            }
        })
    }

    fn publish<'a>(
        &'a self,
        attempt: &'a str,
        lease: &'a Lease,
        fetched: &'a Fetched,
        now: Now,
    ) -> BoxFuture<'a, Result<Option<Fetched>>> {
        Box::pin(async move {
            let value = fetched.value.expose_secret();
            let sealed = self.seal.close(value, &self.place).ok_or_else(|| down("no randomness"))?;
            let spent = now.mono.saturating_sub(fetched.asked.mono);
            let life = fetched.life().saturating_sub(spent);
            let mut script = PUBLISH.key(self.key("token"));
            script.key(self.key("lock")).key(self.key("fence"));
            script.arg(attempt).arg(&lease.epoch).arg(&lease.generation);
            script.arg(sealed).arg(self.seal.fingerprint(value)).arg(ms(life).max(1));
            let (word, row) = self.run(&mut script).await?;
            Ok(if word == "token" { self.fetched(&row, now) } else { None })
        })
    }

    fn release<'a>(
        &'a self,
        attempt: &'a str,
        seen: Option<&'a Token>,
        now: Now,
    ) -> BoxFuture<'a, Result<Option<Fetched>>> {
        Box::pin(async move {
            let mut script = RELEASE.key(self.key("token"));
            script.key(self.key("lock")).arg(attempt).arg(self.print(seen));
            let (word, row) = self.run(&mut script).await?;
            Ok(if word == "token" { self.fetched(&row, now) } else { None })
        })
    }

    fn give_up<'a>(&'a self, token: &'a Token) -> BoxFuture<'a, Result<GivenUp>> {
        Box::pin(async move {
            let mut script = GIVE_UP.key(self.key("token"));
            script.key(self.key("cool")).arg(self.print(Some(token))).arg(ms(COOL_DOWN));
            let word: String = self.link.run(&script).await?;
            Ok(if word == "cooling" { GivenUp::Cooling } else { GivenUp::Gone })
        })
    }

    fn look<'a>(&'a self, held: &'a Token, now: Now) -> BoxFuture<'a, Result<Seen>> {
        Box::pin(async move {
            let (word, row) = self.run(LOOK.key(self.key("token")).arg(self.print(Some(held)))).await?;
            Ok(match word.as_str() {
                "empty" => Seen::Nothing,
                "token" => self.fetched(&row, now).map_or(Seen::Same, Seen::Token),
                _ => Seen::Same,
            })
        })
    }

    fn spend_forced(&self, _: Now) -> BoxFuture<'_, Result<Option<Duration>>> {
        Box::pin(async move {
            let mut script = SPEND_FORCED.key(self.key("forced"));
            script.key(self.key("forced-day")).arg(ms(FORCED_APART)).arg(FORCED_A_DAY).arg(ms(DAY));
            let wait: i64 = self.link.run(&script).await?;
            Ok((wait > 0).then(|| Duration::from_millis(wait.unsigned_abs())))
        })
    }

    fn patience(&self) -> Duration {
        LOCK
    }
}

fn ms(time: Duration) -> u64 {
    time.as_millis() as u64
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A name that no other process draws.
pub fn random() -> String {
    let mut bytes = [0; 16];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => hex(&bytes),
        Err(_) => format!("{:032x}", fastrand::u128(..)),
    }
}
