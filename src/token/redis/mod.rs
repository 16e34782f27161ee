//! A token that a fleet shares through Redis. Each step is one script; the lock is a courtesy between processes, and
//! generations see to it that a late writer loses.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::Value;
use secrecy::{ExposeSecret, SecretString};

use super::clock::Now;
use super::fingerprint::Prints;
use super::source::LEAD_LIMIT;
use super::state::{Fetched, Token};
use super::store::{Acquired, Alone, DAY, FORCED_A_DAY, FORCED_APART, Lease, Seen, Store};
use crate::error::{Error, Result};
use crate::link::{Guest, Scripts, Step, down};
use crate::seal::{Seal, random};

/// Longer than anybody fetches, so that a lock is lost only by who has died or sleeps; and short enough that whoever waits
/// for a dead leader is served within the default `timeoutMs`.
pub const LOCK: Duration = LEAD_LIMIT.saturating_add(Duration::from_secs(2));
/// A token with less life than this is worth replacing at once.
const WORTH_KEEPING: Duration = Duration::from_secs(30);
/// And with less than this it is not handed out.
const WORTHLESS: Duration = Duration::from_secs(16);
/// Time for whoever is next when the lock of somebody who died is gone.
const TURNS: Duration = Duration::from_secs(1);
const COOL_DOWN: Duration = Duration::from_secs(30);

const ACQUIRE: &str = include_str!("acquire.lua");
const PUBLISH: &str = include_str!("publish.lua");
const LOOK: &str = include_str!("look.lua");
const RELEASE: &str = include_str!("release.lua");
const SPEND_FORCED: &str = include_str!("spend_forced.lua");

/// One account's place in Redis.
pub struct Redis {
    scripts: Arc<dyn Scripts>,
    seal: Seal,
    prints: Prints,
    /// `<keyPrefix>{appid:mode:print}`: the braces keep all keys of an account in one slot of a cluster.
    place: String,
    /// Keeps the budget of forced refreshes while there is no Redis.
    alone: Alone,
}

impl Redis {
    pub fn new(scripts: Arc<dyn Scripts>, secret: &SecretString, place: String) -> Self {
        let (seal, prints) = (Seal::new(secret, "token"), Prints::new(secret));
        Self { scripts, seal, prints, place, alone: Alone::default() }
    }

    fn step(&self, script: &'static str, keys: &[&str]) -> Step {
        Step::new(script, keys.iter().map(|name| format!("{}:{name}", self.place)).collect())
    }

    fn print(&self, token: Option<&str>) -> String {
        token.map_or_else(String::new, |token| self.prints.of(token))
    }

    /// `sealed, epoch, generation, life in ms` of a token that a script gave. One that cannot be opened is not there.
    fn fetched(&self, row: &[Value], now: Now) -> Option<Fetched> {
        let [Value::BulkString(sealed), _, _, Value::Int(left)] = row else { return None };
        let left = Duration::from_millis(u64::try_from(*left).ok()?);
        let value = String::from_utf8(self.seal.open(sealed, &self.place)?).ok()?.into();
        (left > WORTHLESS).then(|| Fetched { value, expires_in: Some(left.as_secs() as i64), asked: now, ahead: true })
    }

    /// What a script answers: a word, and what goes with it.
    async fn ask(&self, step: Step) -> Result<(String, Vec<Value>)> {
        let Value::Array(mut row) = self.scripts.run(step).await? else { return Err(strange()) };
        if row.is_empty() {
            return Err(strange());
        }
        let rest = row.split_off(1);
        Ok((text(&row[0]).unwrap_or_default(), rest))
    }
}

impl Store for Redis {
    fn acquire<'a>(
        &'a self,
        attempt: &'a str,
        seen: Option<&'a str>,
        refused: bool,
        now: Now,
    ) -> BoxFuture<'a, Result<Acquired>> {
        let step = self
            .step(ACQUIRE, &["token", "lock", "fence", "cool"])
            .arg(attempt)
            .arg(ms(LOCK))
            .arg(self.print(seen))
            .arg(ms(WORTH_KEEPING))
            .arg(ms(WORTHLESS))
            .arg(random())
            .arg(u8::from(refused))
            .arg(ms(COOL_DOWN));
        Box::pin(async move {
            let (word, row) = self.ask(step).await?;
            match (word.as_str(), &row[..]) {
                ("token", row) => {
                    self.fetched(row, now).map(Acquired::Token).ok_or_else(|| down("a token that cannot be opened"))
                }
                ("lead", [epoch, generation]) => {
                    let lease = text(epoch).zip(text(generation));
                    let lease = lease.map(|(epoch, generation)| Lease { epoch, generation });
                    lease.map(Acquired::Lead).ok_or_else(strange)
                }
                ("stands", _) => Ok(Acquired::Stands),
                ("wait", [Value::Int(left)]) => Ok(Acquired::Wait(Duration::from_millis(left.unsigned_abs()))),
                _ => Err(strange()),
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
            let sealed = self.seal.close(value.as_bytes(), &self.place).ok_or_else(|| down("no randomness"))?;
            let spent = now.mono.saturating_sub(fetched.asked.mono);
            let life = fetched.life().saturating_sub(spent);
            let step = self
                .step(PUBLISH, &["token", "lock", "fence"])
                .arg(attempt)
                .arg(&lease.epoch)
                .arg(&lease.generation)
                .bytes(sealed)
                .arg(self.prints.of(value))
                .arg(ms(life).max(1))
                .unhurried();
            let (word, row) = self.ask(step).await?;
            Ok(if word == "token" { self.fetched(&row, now) } else { None })
        })
    }

    fn release<'a>(
        &'a self,
        attempt: &'a str,
        seen: Option<&'a str>,
        now: Now,
    ) -> BoxFuture<'a, Result<Option<Fetched>>> {
        let step = self.step(RELEASE, &["token", "lock"]).arg(attempt).arg(self.print(seen)).unhurried();
        Box::pin(async move {
            let (word, row) = self.ask(step).await?;
            Ok(if word == "token" { self.fetched(&row, now) } else { None })
        })
    }

    fn look<'a>(&'a self, held: &'a Token, now: Now) -> BoxFuture<'a, Result<Seen>> {
        let step = self.step(LOOK, &["token"]).arg(self.print(Some(held.expose()))).unhurried();
        Box::pin(async move {
            let (word, row) = self.ask(step).await?;
            Ok(match word.as_str() {
                "empty" => Seen::Nothing,
                "token" => self.fetched(&row, now).map_or(Seen::Same, Seen::Token),
                _ => Seen::Same,
            })
        })
    }

    fn spend_forced<'a>(&'a self, attempt: &'a str, _: Now) -> BoxFuture<'a, Result<Option<Duration>>> {
        let step = self
            .step(SPEND_FORCED, &["forced", "forced-day"])
            .arg(ms(FORCED_APART))
            .arg(FORCED_A_DAY)
            .arg(ms(DAY))
            .arg(attempt);
        Box::pin(async move {
            let Value::Int(wait) = self.scripts.run(step).await? else { return Err(strange()) };
            Ok((wait > 0).then(|| Duration::from_millis(wait.unsigned_abs())))
        })
    }

    fn spend_forced_alone(&self, now: Now) -> Option<Duration> {
        self.alone.spend_forced_alone(now)
    }

    fn invite(&self, guest: Weak<dyn Guest>) {
        self.scripts.invite(guest);
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        self.scripts.recovered()
    }

    fn is_up(&self) -> Option<bool> {
        Some(self.scripts.is_up())
    }

    fn patience(&self) -> Duration {
        LOCK + TURNS
    }

    fn courtesy(&self) -> Duration {
        self.scripts.timeout()
    }
}

fn ms(time: Duration) -> u64 {
    time.as_millis() as u64
}

fn strange() -> Error {
    down("an answer of no known form")
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}
