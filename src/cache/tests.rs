use std::collections::HashMap;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use redis::Value;
use tokio::time::{Instant, advance, sleep, timeout};

use super::*;
use crate::event::testing::RecordingListener;
use crate::event::{EventBus, EventSource};
use crate::redis::{ReconnectListener, ScriptCall, ScriptRunner, unavailable};
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::image::tests::jpeg;

const SECOND: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    Limits { max_bytes: 1 << 20, ttl: None, fleet: None }
}

fn alone() -> Arc<QrCodeCache> {
    Arc::new(QrCodeCache::new(&limits(), None))
}

fn identity(name: &str) -> Identity {
    name.as_bytes().into()
}

fn seconds(seconds: u64) -> Deadline {
    Deadline::new(Duration::from_secs(seconds), Some(Endpoint::GetUnlimitedQrCode))
}

fn refusal(errcode: i64) -> Error {
    let refusal = Refusal { errcode, errmsg: "invalid page".into(), rid: Some("1-2-3".into()), hint: None };
    Error::Api { endpoint: Endpoint::GetUnlimitedQrCode, refusal, subject: None }
}

/// A WeChat that takes so long, and counts.
#[derive(Clone, Default)]
struct WeChat {
    takes: Duration,
    asked: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
    refuses: Option<i64>,
}

impl WeChat {
    fn taking(takes: Duration) -> Self {
        Self { takes, ..Self::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn ask(&self) -> impl Future<Output = Result<Bytes>> + Send + 'static + use<> {
        let me = self.clone();
        async move {
            me.asked.fetch_add(1, Ordering::Relaxed);
            sleep(me.takes).await;
            me.answered.fetch_add(1, Ordering::Relaxed);
            match me.refuses {
                Some(errcode) => Err(refusal(errcode)),
                None if me.fails.load(Ordering::Relaxed) => Err(Error::Closed),
                None => Ok(jpeg().into()),
            }
        }
    }

    async fn code(&self, cache: &Arc<QrCodeCache>, name: &str, deadline: &Deadline) -> Result<CacheOutcome> {
        cache.get(identity(name), RouteId::default(), deadline, || self.ask()).await.map(|(_, found)| found)
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_by_a_dead_way_is_not_joined_by_those_who_go_another() {
    let (cache, dead, well) = (alone(), WeChat::taking(60 * SECOND), WeChat::taking(SECOND));
    let (short, long) = (seconds(5), seconds(10));
    let waits = timeout(5 * SECOND, cache.get(identity("a"), RouteId::nth(1), &short, || dead.ask()));
    let finds = async {
        let (_, found) = cache.get(identity("a"), RouteId::nth(2), &long, || well.ask()).await.unwrap();
        assert_eq!((found, long.left()), (CacheOutcome::Miss, 9 * SECOND));
    };
    assert!(tokio::join!(waits, finds).0.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_once_and_then_answered_here() {
    let (cache, wechat) = (alone(), WeChat::taking(SECOND));
    assert_eq!(wechat.code(&cache, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert_eq!(wechat.code(&cache, "a", &seconds(10)).await.unwrap(), CacheOutcome::Memory);
    assert_eq!(cache.cached(&identity("a")).unwrap(), jpeg());
    assert_eq!(wechat.code(&cache, "b", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert_eq!(wechat.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn those_who_ask_at_the_same_time_share_one_request() {
    let (cache, wechat) = (alone(), WeChat::taking(SECOND));
    let deadline = seconds(10);
    let found = join_all((0..100).map(|_| wechat.code(&cache, "a", &deadline))).await;
    assert_eq!(wechat.asked(), 1);
    let count = |place| found.iter().filter(|found| *found.as_ref().unwrap() == place).count();
    assert_eq!((count(CacheOutcome::Miss), count(CacheOutcome::Coalesced)), (1, 99));
}

#[tokio::test(start_paused = true)]
async fn an_error_goes_to_those_who_waited_for_it_and_is_not_kept() {
    let (cache, wechat) = (alone(), WeChat::taking(SECOND));
    wechat.fails.store(true, Ordering::Relaxed);
    let deadline = seconds(10);
    let found = join_all((0..10).map(|_| wechat.code(&cache, "a", &deadline))).await;
    assert!(found.iter().all(Result::is_err));
    assert_eq!(wechat.asked(), 1);
    wechat.fails.store(false, Ordering::Relaxed);
    assert_eq!(wechat.code(&cache, "a", &deadline).await.unwrap(), CacheOutcome::Miss);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_leaves_the_others_alone() {
    // The first of all, or another.
    for leaves in [0, 3] {
        let (cache, wechat) = (alone(), WeChat::taking(SECOND));
        let deadline = seconds(10);
        let callers = (0..5).map(|n| {
            let call = wechat.code(&cache, "a", &deadline);
            timeout(if n == leaves { SECOND / 2 } else { 5 * SECOND }, call)
        });
        let ended = join_all(callers).await;
        assert_eq!(ended.iter().filter(|end| end.is_err()).count(), 1);
        assert!(ended.into_iter().flatten().all(|found| found.is_ok()));
        assert_eq!(wechat.asked(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_last_caller_the_request_ends() {
    let (cache, wechat) = (alone(), WeChat::taking(SECOND));
    let deadline = seconds(10);
    let callers = (0..3).map(|_| timeout(SECOND / 2, wechat.code(&cache, "a", &deadline)));
    assert!(join_all(callers).await.iter().all(Result::is_err));
    sleep(5 * SECOND).await;
    assert_eq!((wechat.asked(), wechat.answered.load(Ordering::Relaxed)), (1, 0));
    assert!(cache.flights.is_empty());
    assert_eq!(wechat.code(&cache, "a", &deadline).await.unwrap(), CacheOutcome::Miss);
}

#[tokio::test(start_paused = true)]
async fn one_who_comes_after_the_last_has_gone_gets_a_request_of_its_own() {
    let (cache, wechat) = (alone(), WeChat::taking(SECOND));
    let deadline = seconds(10);
    let mut first = Box::pin(wechat.code(&cache, "a", &deadline));
    assert!(first.as_mut().now_or_never().is_none());
    drop(first);
    // Before the first flight has noticed that nobody is in it.
    assert_eq!(wechat.code(&cache, "a", &deadline).await.unwrap(), CacheOutcome::Miss);
    assert!(cache.flights.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_with_more_time_goes_on_where_the_first_ran_out_of_it() {
    let (cache, wechat) = (alone(), WeChat::taking(3 * SECOND));
    let (short, long) = (seconds(1), seconds(10));
    // As every request is bounded by the deadline of whoever began it.
    let hasty = cache.get(identity("a"), RouteId::default(), &short, || {
        let (ask, short) = (wechat.ask(), short.clone());
        async move { short.hold(TimeoutPhase::Answer, || None, ask).await? }
    });
    let (hasty, patient) = tokio::join!(hasty, wechat.code(&cache, "a", &long));
    assert!(matches!(hasty, Err(Error::Timeout { .. })));
    assert_eq!(patient.unwrap(), CacheOutcome::Miss);
    assert_eq!(wechat.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_follower_waits_no_longer_than_its_own_time() {
    let (cache, wechat) = (alone(), WeChat::taking(5 * SECOND));
    let (long, short) = (seconds(10), seconds(1));
    let begun = Instant::now();
    let follower = async {
        let result = wechat.code(&cache, "a", &short).await;
        (result, begun.elapsed())
    };
    let (leader, (result, took)) = tokio::join!(wechat.code(&cache, "a", &long), follower);
    assert!(leader.is_ok());
    assert!(matches!(result, Err(Error::Timeout { .. })) && took < 2 * SECOND, "{took:?}");
}

/// A Redis for codes: what the two scripts do, in Rust. Real ones are run against a real Redis by the tests of the whole.
#[derive(Default)]
struct Fleet {
    codes: Mutex<HashMap<String, (Vec<u8>, Instant)>>,
    locks: Mutex<HashMap<String, (Vec<u8>, Instant)>>,
    is_down: AtomicBool,
    /// How long it takes; a millisecond if nothing is said.
    takes: Option<Duration>,
    bus: Arc<EventBus>,
}

fn number(arg: &[u8]) -> u64 {
    String::from_utf8_lossy(arg).parse().unwrap()
}

const LOOK: &str = include_str!("get_or_lock.lua");

impl Fleet {
    fn look(&self, step: &ScriptCall) -> Value {
        let now = Instant::now();
        let word = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        if let Some((code, dies)) = self.codes.lock().get(&step.keys[0]).filter(|(_, dies)| now < *dies) {
            let left = (*dies - now).as_millis() as i64;
            return Value::Array(vec![word("code"), Value::BulkString(code.clone()), Value::Int(left)]);
        }
        let mut locks = self.locks.lock();
        let holder = locks.get(&step.keys[1]).filter(|(owner, dies)| now < *dies && *owner != step.args[0]);
        if let Some((owner, dies)) = holder {
            return Value::Array(match owner.strip_prefix(b"!") {
                Some(note) => vec![word("note"), Value::BulkString(note.to_vec())],
                None => {
                    let left = (*dies - now).as_millis() as i64;
                    vec![word("wait"), Value::Int(left), Value::BulkString(owner.clone())]
                }
            });
        }
        if step.args[4] != b"1" {
            return Value::Array(vec![word("go")]);
        }
        let dies = now + Duration::from_millis(number(&step.args[1]));
        locks.insert(step.keys[1].clone(), (step.args[0].clone(), dies));
        Value::Array(vec![word("lead")])
    }

    fn keep(&self, step: &ScriptCall) -> Value {
        let after = |ms: &[u8]| Instant::now() + Duration::from_millis(number(ms));
        let [owner, code, life, note, stays] = &step.args[..] else { panic!("{} arguments", step.args.len()) };
        if !code.is_empty() {
            self.codes.lock().insert(step.keys[0].clone(), (code.clone(), after(life)));
        }
        let mut locks = self.locks.lock();
        if locks.get(&step.keys[1]).is_some_and(|(holder, _)| holder == owner) {
            locks.remove(&step.keys[1]);
            if !note.is_empty() {
                let note = [b"!", &owner[..], &note[..]].concat();
                locks.insert(step.keys[1].clone(), (note, after(stays)));
            }
        }
        Value::Int(0)
    }
}

impl ScriptRunner for Fleet {
    fn run(&self, step: ScriptCall) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            sleep(self.takes.unwrap_or(Duration::from_millis(1))).await;
            if self.is_down.load(Ordering::Relaxed) {
                return Err(unavailable("gone"));
            }
            Ok(if step.script == LOOK { self.look(&step) } else { self.keep(&step) })
        })
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn is_up(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(250)
    }

    fn subscribe(&self, _: Weak<dyn ReconnectListener>) {}
}

fn process(fleet: &Arc<Fleet>, ttl: Option<Duration>, secret: &str, max_entry: usize) -> Arc<QrCodeCache> {
    let place = KeySpace { prefix: "p:".into(), account: "wx:print".into() };
    let events = EventSource::new(fleet.bus.clone(), "wx", Some("stable"));
    let codes = SharedQrCodes::new(fleet.clone(), &secret.into(), place, events, ttl, max_entry);
    Arc::new(QrCodeCache::new(&Limits { ttl, ..limits() }, Some(codes)))
}

fn processes(fleet: &Arc<Fleet>, count: usize) -> Vec<Arc<QrCodeCache>> {
    (0..count).map(|_| process(fleet, None, "s", 1 << 20)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_fleet_asks_once() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    let (fleet, deadline) = (processes(&fleet, 8), seconds(10));
    let calls = fleet.iter().flat_map(|process| (0..5).map(|_| wechat.code(process, "a", &deadline)));
    let found: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let count = |place| found.iter().filter(|found| **found == place).count();
    assert_eq!(wechat.asked(), 1);
    assert_eq!((count(CacheOutcome::Miss), count(CacheOutcome::Redis), count(CacheOutcome::Coalesced)), (1, 7, 32));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_waits_long_for_its_turn_keeps_the_others_waiting_for_a_part_of_their_time() {
    for (takes, asked, most) in [(19, 1, 20), (50, 3, 71)] {
        let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(takes * SECOND));
        let (fleet, deadline) = (processes(&fleet, 3), seconds(100));
        let begun = Instant::now();
        let found = join_all(fleet.iter().map(|process| wechat.code(process, "a", &deadline))).await;
        assert!(found.iter().all(Result::is_ok));
        assert_eq!(wechat.asked(), asked);
        assert!(begun.elapsed() < most * SECOND, "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_or_is_given_up_lets_the_next_one_try_at_once() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    let (fleet, deadline) = (processes(&fleet, 2), seconds(10));
    wechat.fails.store(true, Ordering::Relaxed);
    assert!(wechat.code(&fleet[0], "a", &deadline).await.is_err());
    assert!(timeout(SECOND / 2, wechat.code(&fleet[0], "b", &deadline)).await.is_err());
    wechat.fails.store(false, Ordering::Relaxed);
    let begun = Instant::now();
    for name in ["a", "b"] {
        assert_eq!(wechat.code(&fleet[1], name, &deadline).await.unwrap(), CacheOutcome::Miss);
    }
    assert!(begun.elapsed() < SECOND * 5 / 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_who_died_while_asking_is_replaced() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    let survivor = process(&fleet, None, "s", 1 << 20);
    let turn = survivor.fleet.as_ref().unwrap().keys(&identity("a"));
    let step = ScriptCall::new(LOOK, turn.to_vec()).arg("the dead").arg(6000).arg(1).arg(1).arg(1);
    fleet.run(step).await.unwrap();
    let begun = Instant::now();
    assert_eq!(wechat.code(&survivor, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert!((2 * SECOND..SECOND * 7 / 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_redis_each_process_asks_for_itself() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    let both = processes(&fleet, 2);
    fleet.is_down.store(true, Ordering::Relaxed);
    for process in &both {
        assert_eq!(wechat.code(process, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
        assert_eq!(wechat.code(process, "a", &seconds(10)).await.unwrap(), CacheOutcome::Memory);
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_in_redis_shows_nothing_and_opens_for_its_own_secret_only() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    let (ours, others) = (process(&fleet, None, "s", 1 << 20), process(&fleet, None, "t", 1 << 20));
    wechat.code(&ours, "scene=c4nary", &seconds(10)).await.unwrap();
    sleep(SECOND).await;
    let lies = fleet.codes.lock().iter().map(|(key, (code, _))| (key.clone(), code.clone())).collect::<Vec<_>>();
    let [(key, code)] = &lies[..] else { panic!("{}", lies.len()) };
    assert!(key.starts_with("p:{wx:print:code:") && !key.contains("c4nary"), "{key}");
    assert!(!code.windows(4).any(|window| window == &jpeg()[..4]));
    assert_eq!(wechat.code(&others, "scene=c4nary", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    // What somebody else has put in its place is no code.
    for (forged, _) in fleet.codes.lock().values_mut() {
        *forged = jpeg();
    }
    let fresh = process(&fleet, None, "s", 1 << 20);
    assert_eq!(wechat.code(&fresh, "scene=c4nary", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    sleep(SECOND).await;
    let fresh = process(&fleet, None, "s", 1 << 20);
    assert_eq!(
        wechat.code(&fresh, "scene=c4nary", &seconds(10)).await.unwrap(),
        CacheOutcome::Redis,
        "it was replaced"
    );
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_is_too_large_stays_out_of_redis_and_holds_nobody_up() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    for _ in 0..2 {
        let process = process(&fleet, None, "s", jpeg().len() - 1);
        let begun = Instant::now();
        assert_eq!(wechat.code(&process, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
        assert!(begun.elapsed() < SECOND * 3 / 2);
    }
    assert!(fleet.codes.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_code_has_one_time_to_live_wherever_it_lies() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(Duration::ZERO));
    let ttl = Some(10 * SECOND);
    let [first, second] = [(); 2].map(|()| process(&fleet, ttl, "s", 1 << 20));
    wechat.code(&first, "a", &seconds(5)).await.unwrap();
    sleep(SECOND).await;
    advance(5 * SECOND).await;
    assert_eq!(wechat.code(&second, "a", &seconds(5)).await.unwrap(), CacheOutcome::Redis);
    advance(6 * SECOND).await;
    assert_eq!(wechat.code(&second, "a", &seconds(5)).await.unwrap(), CacheOutcome::Miss);
}

/// What came of one code that so many processes ask for at once, and how long it took them.
async fn crowd(wechat: &WeChat, max_entry: usize) -> (Vec<Result<CacheOutcome>>, Duration) {
    let fleet = Arc::new(Fleet::default());
    let crowd: Vec<_> = (0..14).map(|_| process(&fleet, None, "s", max_entry)).collect();
    let (begun, deadline) = (Instant::now(), seconds(10));
    let ends = join_all(crowd.iter().map(|process| wechat.code(process, "a", &deadline))).await;
    (ends, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_code_that_wechat_refuses_is_asked_for_once_and_refused_to_all_who_wait() {
    let wechat = WeChat { refuses: Some(41030), ..WeChat::taking(SECOND * 9 / 10) };
    let (ends, took) = crowd(&wechat, 1 << 20).await;
    for end in ends {
        let Err(Error::Api { endpoint, refusal, .. }) = end else { panic!("{end:?}") };
        assert_eq!((endpoint, refusal.errcode), (Endpoint::GetUnlimitedQrCode, 41030));
        assert_eq!((refusal.errmsg.as_str(), refusal.rid.as_deref()), ("invalid page", Some("1-2-3")));
    }
    assert_eq!(wechat.asked(), 1);
    assert!(took < SECOND * 6 / 5, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_one_that_cannot_help_them_go_all_at_once() {
    // A refusal of the account's, a failure, a picture that is not put into Redis.
    let refused = WeChat { refuses: Some(45009), ..WeChat::taking(SECOND) };
    let failing = WeChat { fails: Arc::new(true.into()), ..WeChat::taking(SECOND) };
    for (wechat, max_entry) in [(refused, 1 << 20), (failing, 1 << 20), (WeChat::taking(SECOND), 10)] {
        let (ends, took) = crowd(&wechat, max_entry).await;
        assert_eq!((ends.len(), wechat.asked()), (14, 14));
        assert!(took < SECOND * 5 / 2, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_for_those_who_waited_and_nobody_who_comes_later() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat { refuses: Some(41030), ..WeChat::taking(SECOND) });
    let both = processes(&fleet, 2);
    assert!(wechat.code(&both[0], "a", &seconds(10)).await.is_err());
    let mended = WeChat::taking(SECOND);
    assert_eq!(mended.code(&both[1], "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
}

#[tokio::test(start_paused = true)]
async fn a_note_that_somebody_has_kept_or_made_up_tells_nobody_anything() {
    let (fleet, refusing) = (Arc::new(Fleet::default()), WeChat { refuses: Some(41030), ..WeChat::taking(SECOND) });
    let (leader, other) = (process(&fleet, None, "s", 1 << 20), process(&fleet, None, "s", 1 << 20));
    assert!(refusing.code(&leader, "a", &seconds(10)).await.is_err());
    sleep(SECOND / 10).await;
    let lock = other.fleet.as_ref().unwrap().keys(&identity("a"))[1].clone();
    let kept = fleet.locks.lock()[&lock].0.clone();
    let made_up = [b"!".to_vec(), [b"!", &[b'x'; 32][..], b"sealed by nobody"].concat(), vec![b'!'; 4000]];
    for note in made_up.into_iter().chain([kept]) {
        let dies = Instant::now() + 1000 * SECOND;
        // Somebody leads, is waited for, and then the note is put in its place.
        fleet.locks.lock().insert(lock.clone(), (vec![b'y'; 32], dies));
        let (wechat, deadline, begun) = (WeChat::taking(SECOND), seconds(10), Instant::now());
        let waits = wechat.code(&other, "a", &deadline);
        let replaced = async {
            sleep(SECOND / 2).await;
            fleet.locks.lock().insert(lock.clone(), (note, dies));
        };
        let (found, ()) = tokio::join!(waits, replaced);
        assert_eq!(found.unwrap(), CacheOutcome::Miss);
        assert!(begun.elapsed() < 2 * SECOND);
        sleep(SECOND).await;
        fleet.codes.lock().clear();
        *other.memory.lock() = Memory::new(1 << 20, None);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_for_one_who_is_stuck_than_a_part_of_its_time_and_for_each_code_once() {
    let (fleet, well) = (Arc::new(Fleet::default()), WeChat::taking(SECOND / 5));
    let (stuck, healthy) = (process(&fleet, None, "s", 1 << 20), process(&fleet, None, "s", 1 << 20));
    let nowhere = WeChat::taking(1000 * SECOND);
    let limit = seconds(10);
    let lost = |name| {
        let (stuck, nowhere, limit) = (stuck.clone(), nowhere.clone(), limit.clone());
        async move {
            let ask = || {
                let (ask, limit) = (nowhere.ask(), limit.clone());
                async move { limit.hold(TimeoutPhase::Answer, || None, ask).await? }
            };
            stuck.get(identity(name), RouteId::default(), &limit, ask).await
        }
    };
    tokio::spawn(lost("a"));
    sleep(SECOND / 10).await;
    let begun = Instant::now();
    assert_eq!(well.code(&healthy, "a", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert!(begun.elapsed() < SECOND * 5 / 2, "{:?}", begun.elapsed());
    // It is found in Redis from now on, though its lock is somebody else's.
    sleep(SECOND / 10).await;
    let third = process(&fleet, None, "s", 1 << 20);
    assert_eq!(well.code(&third, "a", &seconds(10)).await.unwrap(), CacheOutcome::Redis);
    // When the stuck one knows that it is, it takes nobody's turn any more.
    sleep(10 * SECOND).await;
    tokio::spawn(lost("b"));
    sleep(SECOND / 10).await;
    let begun = Instant::now();
    assert_eq!(well.code(&healthy, "b", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    assert!(begun.elapsed() < SECOND / 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_who_can_ask_again_asks_for_the_others_again() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    let [first, second] = [(); 2].map(|()| process(&fleet, None, "s", 1 << 20));
    wechat.fails.store(true, Ordering::Relaxed);
    assert!(wechat.code(&first, "a", &seconds(10)).await.is_err());
    wechat.fails.store(false, Ordering::Relaxed);
    assert_eq!(wechat.code(&first, "b", &seconds(10)).await.unwrap(), CacheOutcome::Miss);
    let (deadline, before) = (seconds(10), wechat.asked());
    let leads = wechat.code(&first, "c", &deadline);
    let follows = async {
        sleep(SECOND / 10).await;
        wechat.code(&second, "c", &deadline).await
    };
    let (led, followed) = tokio::join!(leads, follows);
    assert_eq!((led.unwrap(), followed.unwrap()), (CacheOutcome::Miss, CacheOutcome::Redis));
    assert_eq!(wechat.asked(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn to_wait_for_a_slow_redis_takes_no_longer_than_redis_may() {
    for takes in [20, 100, 240] {
        let takes = Some(Duration::from_millis(takes));
        let (fleet, wechat) = (Arc::new(Fleet { takes, ..Fleet::default() }), WeChat::taking(SECOND));
        let process = process(&fleet, None, "s", 1 << 20);
        let (begun, deadline) = (Instant::now(), seconds(10));
        let names: Vec<_> = (0..600).map(|n| n.to_string()).collect();
        let found = join_all(names.iter().map(|name| wechat.code(&process, name, &deadline))).await;
        assert!(found.iter().all(|found| *found.as_ref().unwrap() == CacheOutcome::Miss));
        assert!(begun.elapsed() <= SECOND + Duration::from_millis(260), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_wait_for_another_process() {
    let (fleet, wechat) = (Arc::new(Fleet::default()), WeChat::taking(SECOND));
    let ear = Arc::new(RecordingListener::default());
    fleet.bus.add(ear.clone());
    let process = process(&fleet, None, "s", 1 << 20);
    let lock = process.fleet.as_ref().unwrap().keys(&identity("a"))[1].clone();
    fleet.locks.lock().insert(lock, (vec![b'x'; 32], Instant::now() + 1000 * SECOND));
    let (long, short) = (seconds(10), seconds(1));
    let (found, hasty) = tokio::join!(wechat.code(&process, "a", &long), wechat.code(&process, "a", &short));
    assert_eq!(found.unwrap(), CacheOutcome::Miss);
    let Err(error @ Error::Timeout { waited_for: TimeoutPhase::Peer, .. }) = hasty else { panic!("{hasty:?}") };
    let text = error.to_string();
    assert!(text.contains("another process") && !text.contains("DNS"), "{text}");
    let heard = ear.take();
    assert_eq!(heard, [("qr_code_lock.wait", None), ("qr_code_lock.skip", Some("timeout"))]);
}
