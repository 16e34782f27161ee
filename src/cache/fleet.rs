//! The codes of a whole fleet, in Redis. One process asks WeChat and the others wait for what it brings. The lock is a
//! courtesy: whoever goes without it costs one request more and harms nobody.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::Value;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval_at, sleep};

use crate::backoff::poll_pause;
use crate::deadline::Deadline;
use crate::error::{Result, WaitedFor};
use crate::link::{Scripts, Step, down};
use crate::seal::{Seal, random};
use crate::wechat::codes::Identity;

/// Whoever dies while it asks is replaced after this.
const LOCK: Duration = Duration::from_secs(6);
/// And whoever lives says so.
const RENEWAL: Duration = Duration::from_secs(2);
/// Nothing lies there for longer, so that a Redis does not fill up with what nobody asks for.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Pictures are large: more of them on the way at once would keep each other waiting beyond Redis' time.
const AT_ONCE: usize = 16;
/// Slots of a cluster over which an account's codes are spread.
const SPREAD: u8 = 64;

const LOOK: &str = include_str!("look.lua");
const KEEP: &str = include_str!("keep.lua");

pub struct FleetCodes {
    scripts: Arc<dyn Scripts>,
    seal: Seal,
    /// What every key begins with: `<keyPrefix>` and, in braces, the account.
    prefix: String,
    account: String,
    life: Duration,
    max_entry_bytes: usize,
    lanes: Semaphore,
}

/// What Redis says to a question.
enum Look {
    /// And how long it will lie there.
    Code(Bytes, Duration),
    Lead,
    Wait(Duration),
}

impl FleetCodes {
    pub fn new(
        scripts: Arc<dyn Scripts>,
        secret: &SecretString,
        prefix: String,
        account: String,
        ttl: Option<Duration>,
        max_entry_bytes: usize,
    ) -> Self {
        Self {
            scripts,
            seal: Seal::new(secret, "code"),
            prefix,
            account,
            life: ttl.unwrap_or(LONGEST).min(LONGEST),
            max_entry_bytes,
            lanes: Semaphore::new(AT_ONCE),
        }
    }

    /// A code from Redis with what is left of its time, or by `ask` where it is this process's turn or Redis is out of
    /// reach.
    pub async fn get(
        self: Arc<Self>,
        identity: &Identity,
        deadline: &Deadline,
        ask: impl Future<Output = Result<Bytes>> + Send,
    ) -> Result<(Bytes, Option<Duration>)> {
        let mut turn = Turn { keys: self.keys(identity), owner: random(), codes: self, leads: false };
        if let Some((image, left)) = deadline.hold(WaitedFor::Answer, || None, turn.wait()).await? {
            return Ok((image, Some(left)));
        }
        let image = turn.hold_while(ask).await?;
        turn.keep(&image);
        Ok((image, None))
    }

    /// Of a code and its lock, in one slot.
    pub(super) fn keys(&self, identity: &Identity) -> [String; 2] {
        let name = self.seal.name(identity);
        let slot = u8::from_str_radix(&name[..2], 16).unwrap_or_default() % SPREAD;
        let place = format!("{}{{{}:code:{slot:02}}}:{name}", self.prefix, self.account);
        [format!("{place}:code"), format!("{place}:lock")]
    }
}

/// One process's way to one code.
struct Turn {
    codes: Arc<FleetCodes>,
    keys: [String; 2],
    owner: String,
    leads: bool,
}

impl Turn {
    /// Waits for the code, or until it is this process's turn to ask for it: then there is none. A Redis that cannot be
    /// asked makes nobody wait.
    async fn wait(&mut self) -> Option<(Bytes, Duration)> {
        for polls in 0.. {
            match self.look().await {
                Ok(Look::Code(image, left)) => return Some((image, left)),
                Ok(Look::Lead) => {
                    self.leads = true;
                    return None;
                }
                Ok(Look::Wait(left)) => sleep(poll_pause(polls, fastrand::f64()).min(left)).await,
                Err(_) => return None,
            }
        }
        None
    }

    async fn look(&self) -> Result<Look> {
        let lane = self.codes.lanes.acquire().await;
        let step = self.step(LOOK).arg(LOCK.as_millis());
        let answer = self.codes.scripts.run(step).await?;
        drop(lane);
        let Value::Array(row) = answer else { return Err(strange()) };
        match &row[..] {
            [word, Value::BulkString(sealed), Value::Int(left)] if is(word, "code") => {
                // What somebody without the AppSecret has put there is no code, and this one asks and replaces it.
                let image = self.codes.seal.open(sealed, &self.keys[0]);
                Ok(image.map_or(Look::Lead, |image| Look::Code(image.into(), millis(*left))))
            }
            [word, Value::Int(left)] if is(word, "wait") => Ok(Look::Wait(millis(*left))),
            [word] if is(word, "lead") => Ok(Look::Lead),
            _ => Err(strange()),
        }
    }

    /// The others wait for as long as this process lives, however long the work waits for its turn at WeChat.
    async fn hold_while<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.renew() => match never {},
        }
    }

    async fn renew(&self) -> Infallible {
        let mut renewal = interval_at(Instant::now() + RENEWAL, RENEWAL);
        loop {
            renewal.tick().await;
            if self.leads {
                let _ = self.look().await;
            }
        }
    }

    /// Beside the caller, who has what it wanted.
    fn keep(mut self, image: &Bytes) {
        let fits = image.len() <= self.codes.max_entry_bytes;
        let sealed = fits.then(|| self.codes.seal.close(image, &self.keys[0])).flatten();
        if std::mem::take(&mut self.leads) {
            self.hand_over(sealed.unwrap_or_default());
        }
    }

    fn hand_over(&self, sealed: Vec<u8>) {
        let step = self.step(KEEP).bytes(sealed).arg(self.codes.life.as_millis().max(1)).unhurried();
        let codes = self.codes.clone();
        tokio::spawn(async move {
            let _lane = codes.lanes.acquire().await;
            let _ = codes.scripts.run(step).await;
        });
    }

    fn step(&self, script: &'static str) -> Step {
        Step::new(script, self.keys.to_vec()).arg(&self.owner)
    }
}

/// Whoever fails or is given up lets the next one try at once.
impl Drop for Turn {
    fn drop(&mut self) {
        if self.leads && tokio::runtime::Handle::try_current().is_ok() {
            self.hand_over(Vec::new());
        }
    }
}

fn is(word: &Value, text: &str) -> bool {
    matches!(word, Value::BulkString(bytes) if bytes == text.as_bytes())
}

/// A key without an end has -1.
fn millis(left: i64) -> Duration {
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

fn strange() -> crate::error::Error {
    down("an answer of no known form")
}
