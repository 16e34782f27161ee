use tokio::time::advance;

use super::*;
use crate::error::{Error, RedisErrorKind};

async fn eval(redis: &FakeRedis, script: &'static str) -> Result<Value> {
    redis.run(ScriptCall::new(script, vec!["{a}:key".to_owned()])).await
}

#[tokio::test(start_paused = true)]
async fn keys_expire_by_the_clock_of_tokio() {
    let redis = FakeRedis::default();
    eval(&redis, "return redis.call('SET', KEYS[1], 'x', 'PX', 1000)").await.unwrap();
    assert_eq!(redis.database().text("{a}:key").as_deref(), Some("x"));
    advance(Duration::from_millis(999)).await;
    assert_eq!(eval(&redis, "return redis.call('PTTL', KEYS[1])").await.unwrap(), Value::Int(-2));
    assert!(redis.database().keys().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_script_runs_after_the_latency_and_sees_the_time_of_its_run() {
    let redis = FakeRedis::with_latency(Duration::from_millis(40));
    let begun = Instant::now();
    let time = eval(&redis, "return redis.call('TIME')").await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(40));
    let text = |text: &str| Value::BulkString(text.into());
    assert_eq!(time, Value::Array(vec![text("1700000000"), text("40000")]));
    assert_eq!(redis.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_server_fails_calls_and_keeps_its_keys() {
    let redis = Arc::new(FakeRedis::default());
    redis.database().put("{a}:key", "kept");
    redis.set_up(false);
    let error = eval(&redis, "return redis.call('GET', KEYS[1])").await;
    assert!(!redis.is_up() && matches!(error, Err(Error::Redis { kind: RedisErrorKind::Down, .. })));
    redis.set_up(true);
    let value = eval(&redis, "return redis.call('GET', KEYS[1])").await.unwrap();
    assert_eq!(value, Value::BulkString("kept".into()));
}

#[tokio::test(start_paused = true)]
async fn errors_are_those_of_the_real_client() {
    let redis = FakeRedis::default();
    redis.fail_with(Some("OOM command not allowed when used memory > 'maxmemory'."));
    let Err(Error::Redis { reason, kind: RedisErrorKind::Down }) = eval(&redis, "return 1").await else { panic!() };
    assert_eq!(reason, "OOM");
    redis.fail_with(Some("NOPERM this user has no permissions to access one of the keys"));
    assert!(matches!(eval(&redis, "return 1").await, Err(Error::Redis { kind: RedisErrorKind::Denied { .. }, .. })));
    redis.fail_with(None);
    redis.database().put("{a}:key", "a text");
    let wrong = eval(&redis, "return redis.call('HGETALL', KEYS[1])").await;
    assert!(matches!(wrong, Err(Error::Redis { kind: RedisErrorKind::WrongType { .. }, .. })), "{wrong:?}");
}
