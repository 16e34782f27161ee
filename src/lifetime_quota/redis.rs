//! What a fleet knows, in Redis.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use crate::error::Result;
use crate::redis::{ScriptCall, ScriptRunner, unavailable};

const RECORD_USAGE: &str = include_str!("record_usage.lua");

/// The usage of an account in Redis.
pub(crate) struct RedisUsage {
    scripts: Arc<dyn ScriptRunner>,
    key: String,
}

/// What the fleet knows after a number was recorded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) used: u32,
    /// How long ago WeChat told it.
    pub(super) age: Duration,
    /// What the fleet knew before.
    pub(super) before: Option<u32>,
    /// Whether the number was news.
    pub(super) changed: bool,
}

impl RedisUsage {
    /// Lies in a key that begins with `key_prefix`.
    pub(crate) fn new(scripts: Arc<dyn ScriptRunner>, key_prefix: &str) -> Self {
        Self { scripts, key: format!("{key_prefix}:usage") }
    }

    /// The number that the fleet knows, and how long ago WeChat told it.
    pub(super) async fn read(&self) -> Result<Option<(u32, Duration)>> {
        let (used, age, ..) = self.run(self.call()).await?;
        Ok(used.map(|used| (used, age)))
    }

    /// WeChat has told a number in the answer to a request that began `since` ago.
    pub(super) async fn record(&self, used: u32, since: Duration) -> Result<Recorded> {
        let call = self.call().arg(used).arg(since.as_millis());
        let (known, age, before, changed) = self.run(call).await?;
        Ok(Recorded { used: known.unwrap_or(used), age, before, changed })
    }

    fn call(&self) -> ScriptCall {
        ScriptCall::new(RECORD_USAGE, vec![self.key.clone()]).background()
    }

    async fn run(&self, call: ScriptCall) -> Result<(Option<u32>, Duration, Option<u32>, bool)> {
        let unexpected = || unavailable("an answer of no known form");
        let Value::Array(row) = self.scripts.run(call).await? else { return Err(unexpected()) };
        let [Value::Int(used), Value::Int(age), Value::Int(before), Value::Int(changed)] = row[..] else {
            return Err(unexpected());
        };
        let age = Duration::from_millis(age.try_into().unwrap_or_default());
        Ok((used.try_into().ok(), age, before.try_into().ok(), changed == 1))
    }
}
