//! A token that a fleet shares through Redis. Each step is one script; the lock is a courtesy between processes, and
//! generations see to it that a late writer loses.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use redis::Value;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep_until};

use super::clock::Now;
use super::fingerprint::Prints;
use super::source::LEAD_LIMIT;
use super::state::{Fetched, Token};
use super::store::{Acquired, Alone, DAY, FORCED_A_DAY, FORCED_APART, Lease, Seen, Store};
use crate::error::{Error, RedisFault, Result};
use crate::event::{Channel, Event, Voice};
use crate::link::{Guest, Scripts, Step, down};
use crate::seal::{Seal, hex, random};

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
/// A token has 4096 bytes at most, sealed some more. Nobody of ours has put there what is longer.
const LONGEST: usize = 4224;
/// A fence outlives every token, and whoever has slept with a lease.
const FENCE: Duration = Duration::from_secs(30 * 24 * 3600);
/// So often one question meets values that cannot be opened before it is given up.
const UNUSABLE: usize = 3;
/// What nobody waits for is not tried again sooner where Redis did not do it for this account.
const AGAIN: Duration = Duration::from_secs(2);

const ACQUIRE: &str = include_str!("acquire.lua");
const PUBLISH: &str = include_str!("publish.lua");
const LOOK: &str = include_str!("look.lua");
const RELEASE: &str = include_str!("release.lua");
const SPEND_FORCED: &str = include_str!("spend_forced.lua");
const REPAIR: &str = include_str!("repair.lua");

/// One account's place in Redis.
pub struct Redis {
    scripts: Arc<dyn Scripts>,
    seal: Seal,
    prints: Prints,
    /// `<keyPrefix>{appid:mode:print}`: the braces keep all keys of an account in one slot of a cluster.
    place: String,
    voice: Voice,
    /// When Redis, which is well, last did not do what this account asked, unless it has since.
    failed: Mutex<Option<Instant>>,
    /// Keeps the budget of forced refreshes while there is no Redis.
    alone: Alone,
}

impl Redis {
    pub fn new(scripts: Arc<dyn Scripts>, secret: &SecretString, place: String, voice: Voice) -> Self {
        let (seal, prints) = (Seal::new(secret, "token"), Prints::new(secret));
        Self { scripts, seal, prints, place, voice, failed: Mutex::default(), alone: Alone::default() }
    }

    fn step(&self, script: &'static str, keys: &[&str]) -> Step {
        Step::new(script, keys.iter().map(|name| format!("{}:{name}", self.place)).collect())
    }

    fn print(&self, token: Option<&str>) -> String {
        token.map_or_else(String::new, |token| self.prints.of(token))
    }

    /// What a script gave, as `sealed, epoch, generation, life in ms, fingerprint`. What cannot be opened, or is not what its
    /// fingerprint says, nobody of ours has put there.
    fn read(&self, row: &[Value], now: Now) -> Read {
        let [Value::BulkString(sealed), _, _, Value::Int(left), print] = row else { return Read::Worthless };
        let opened = self.seal.open(sealed, &self.place).and_then(|value| String::from_utf8(value).ok());
        let ours = opened.filter(|value| text(print).as_deref() == Some(&*self.prints.of(value)));
        let Some(value) = ours else {
            return Read::Unusable(hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, sealed).as_ref()));
        };
        let left = Duration::from_millis(u64::try_from(*left).unwrap_or_default());
        if left <= WORTHLESS {
            return Read::Worthless;
        }
        let expires_in = Some(left.as_secs() as i64);
        Read::Token(Fetched { value: value.into(), expires_in, asked: now, ahead: true })
    }

    fn fetched(&self, row: &[Value], now: Now) -> Option<Fetched> {
        match self.read(row, now) {
            Read::Token(fetched) => Some(fetched),
            Read::Worthless | Read::Unusable(_) => None,
        }
    }

    /// Runs a step, once more where a key of this account's was of another kind.
    async fn run(&self, step: Step) -> Result<Value> {
        let mut result = self.scripts.run(step.clone()).await;
        if let Err(Error::Redis { fault: RedisFault::WrongType { .. }, .. }) = result {
            let repair = self.step(REPAIR, &["token", "fence", "lock", "cool", "forced", "forced-day"]);
            if let Ok(Value::Int(1..)) = self.scripts.run(repair).await {
                self.tell_corrupt();
                result = self.scripts.run(step).await;
            }
        }
        *self.failed.lock() = match &result {
            Err(Error::Redis { fault, .. }) if *fault != RedisFault::Down => Some(Instant::now()),
            _ => None,
        };
        result
    }

    fn tell_corrupt(&self) {
        let corrupt = |event| Event { message: Some(CORRUPT.to_owned()), ..event };
        self.voice.tell(Channel::Redis, "redis.corrupt", corrupt);
    }

    /// What a script answers: a word, and what goes with it.
    async fn ask(&self, step: Step) -> Result<(String, Vec<Value>)> {
        let Value::Array(mut row) = self.run(step).await? else { return Err(strange()) };
        if row.is_empty() {
            return Err(strange());
        }
        let rest = row.split_off(1);
        Ok((text(&row[0]).unwrap_or_default(), rest))
    }
}

/// What lies there.
enum Read {
    Token(Fetched),
    /// One that is about to end.
    Worthless,
    /// Something else, by the name under which it can be taken away.
    Unusable(String),
}

const CORRUPT: &str = "what lies in Redis at the place of the access token is none of ours (torn, restored from elsewhere, \
    or written by somebody else); it is replaced. | Redis 中存放令牌的键里不是本程序写入的内容（损坏、从别处恢复或被他人写入），将被替换。";

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
            .arg(ms(COOL_DOWN))
            .arg(LONGEST);
        Box::pin(async move {
            let mut unusable = String::new();
            for _ in 0..UNUSABLE {
                let (word, row) = self.ask(step.clone().arg(&unusable).arg(ms(FENCE))).await?;
                if word != "token" {
                    return acquired(&word, &row);
                }
                match self.read(&row, now) {
                    Read::Token(fetched) => return Ok(Acquired::Token(fetched)),
                    Read::Worthless => return Err(strange()),
                    Read::Unusable(name) => unusable = name,
                }
                self.tell_corrupt();
            }
            // Somebody puts it there faster than it is taken away.
            Err(Error::Redis { reason: "a token that cannot be opened".to_owned(), fault: RedisFault::Script })
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
                .arg(LONGEST)
                .arg(ms(FENCE))
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
        let step = self.step(RELEASE, &["token", "lock"]).arg(attempt).arg(self.print(seen)).arg(LONGEST).unhurried();
        Box::pin(async move {
            let (word, row) = self.ask(step).await?;
            Ok(if word == "token" { self.fetched(&row, now) } else { None })
        })
    }

    fn look<'a>(&'a self, held: &'a Token, now: Now) -> BoxFuture<'a, Result<Seen>> {
        let step = self.step(LOOK, &["token"]).arg(self.print(Some(held.expose()))).arg(LONGEST).unhurried();
        Box::pin(async move {
            let (word, row) = self.ask(step).await?;
            Ok(match word.as_str() {
                "empty" => Seen::Nothing,
                "token" => match self.read(&row, now) {
                    Read::Token(theirs) => Seen::Token(theirs),
                    Read::Worthless => Seen::Same,
                    Read::Unusable(_) => Seen::Nothing,
                },
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
            let Value::Int(wait) = self.run(step).await? else { return Err(strange()) };
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
        Box::pin(async move {
            let failed = *self.failed.lock();
            if let Some(failed) = failed {
                sleep_until(failed + AGAIN).await;
            }
            self.scripts.recovered().await;
        })
    }

    fn is_up(&self) -> Option<bool> {
        Some(self.scripts.is_up() && self.failed.lock().is_none())
    }

    fn patience(&self) -> Duration {
        LOCK + TURNS
    }

    fn courtesy(&self) -> Duration {
        self.scripts.timeout()
    }
}

fn acquired(word: &str, row: &[Value]) -> Result<Acquired> {
    match (word, row) {
        ("lead", [epoch, generation]) => {
            let lease = text(epoch).zip(text(generation));
            let lease = lease.map(|(epoch, generation)| Lease { epoch, generation });
            lease.map(Acquired::Lead).ok_or_else(strange)
        }
        ("stands", _) => Ok(Acquired::Stands),
        // A negative time is none.
        ("wait", [Value::Int(left)]) => Ok(Acquired::Wait(u64::try_from(*left).map_or(LOCK, Duration::from_millis))),
        _ => Err(strange()),
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
