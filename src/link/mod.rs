//! The way to the Redis that a fleet shares: scripts as data, one timeout for everything, and a breaker, so that a dead
//! Redis is paid for once.

mod nodes;
mod trouble;
mod way;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::error::{Error, RedisFault, Result};
use crate::event::{Channel, Event, Hub};
use crate::wechat::invalid::Invalid;
use nodes::{Node, Nodes, Numbered, account_of};
use trouble::Trouble;
use way::Way;

/// For connecting and the command together, where a caller waits for it and nobody has said otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(250);
/// The same where nobody waits, at least.
const UNHURRIED: Duration = Duration::from_secs(2);
/// The first and the longest pause between two looks at a Redis that is down.
const FIRST_PROBE: Duration = Duration::from_millis(100);
const LATER_PROBE: Duration = Duration::from_secs(2);
/// A Redis that was up for less is not believed to be well: the pauses go on growing.
const STEADY: Duration = Duration::from_secs(10);
/// Refused by a replica, and by a Redis whose memory is full. It writes beside the key that was asked for in vain, which
/// leads to the same node of a cluster; that its account may not write there is an answer, too.
const PROBE: &str = "return redis.call('SET', KEYS[1], '1', 'PX', 1000)";
/// How long until a cluster that moves keys is asked again.
const MOVING: Duration = Duration::from_millis(20);
/// And how long nobody waits for keys that took too long.
const MOVING_FOR: Duration = Duration::from_secs(1);
/// A cluster that sends us round in circles is moving slots.
const REDIRECTIONS: u32 = 3;
/// Nobody looks after a Redis that nobody has wanted for so long.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Somebody's own trouble is told again after this.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

/// A script, which Redis runs as one step, with what it is run on. It may be run twice without harm.
#[derive(Clone)]
pub struct Step {
    pub script: &'static str,
    pub keys: Vec<String>,
    pub args: Vec<Vec<u8>>,
    /// Whether a caller waits for it.
    pub hurried: bool,
}

impl Step {
    pub fn new(script: &'static str, keys: Vec<String>) -> Self {
        Self { script, keys, args: Vec::new(), hurried: true }
    }

    pub fn arg(mut self, arg: impl ToString) -> Self {
        self.args.push(arg.to_string().into_bytes());
        self
    }

    pub fn bytes(mut self, arg: Vec<u8>) -> Self {
        self.args.push(arg);
        self
    }

    /// For a step that nobody waits for.
    pub fn unhurried(self) -> Self {
        Self { hurried: false, ..self }
    }

    /// The script itself is sent, not its hash: it is short, and a Redis that did not know the hash would cost a second
    /// way there and back.
    async fn invoke(&self, connection: &mut impl ConnectionLike) -> Result<Value, RedisError> {
        let mut command = redis::cmd("EVAL");
        command.arg(self.script).arg(self.keys.len()).arg(&self.keys);
        for arg in &self.args {
            command.arg(arg.as_slice());
        }
        command.query_async(connection).await
    }
}

/// Something that runs scripts. What it cannot do in the step's time is an `Error::Redis`.
pub trait Scripts: Send + Sync {
    fn run(&self, step: Step) -> BoxFuture<'_, Result<Value>>;

    /// Resolves when it is worth asking.
    fn recovered(&self) -> BoxFuture<'_, ()>;

    fn is_up(&self) -> bool;

    /// The longest that a caller waits for a step.
    fn timeout(&self) -> Duration;

    /// `guest` is told from now on.
    fn invite(&self, guest: Weak<dyn Guest>);
}

/// Who has something to put right when Redis was away: it may have come back empty.
pub trait Guest: Send + Sync {
    fn store_is_back(self: Arc<Self>);
}

/// One connection to a Redis, for all accounts that meet there.
pub struct Link {
    me: Weak<Link>,
    way: Way,
    timeout: Duration,
    nodes: Nodes,
    health: watch::Sender<Health>,
    hub: Arc<Hub>,
    guests: Mutex<Vec<Weak<dyn Guest>>>,
    /// Of whom it was told lately that Redis does not do what they ask, and why.
    told: Mutex<HashMap<(String, String), Instant>>,
}

#[derive(Clone, Debug)]
struct Health {
    up: bool,
    /// When it went up, or down.
    since: Instant,
    /// While it is down: when it was wanted last, and whether somebody looks after it.
    wanted: Instant,
    watched: bool,
    /// How often it went down without having been steady.
    failures: u32,
    /// One beside that which was asked for in vain.
    key: Option<String>,
}

impl Link {
    /// `redis://`, `rediss://`, `unix://` or `redis-sentinel://`. Touches no network.
    pub fn open(url: &str, ca: Option<&[u8]>, timeout: Duration, hub: Arc<Hub>) -> Result<Arc<Self>, Invalid> {
        let way = Way::parse(url, ca)?;
        let now = Instant::now();
        let health = Health { up: true, since: now, wanted: now, watched: false, failures: 0, key: None };
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            way,
            timeout,
            nodes: Nodes::default(),
            health: watch::Sender::new(health),
            hub,
            guests: Mutex::default(),
            told: Mutex::default(),
        }))
    }

    /// A cluster names the node where the keys lie, and while it moves them it takes a moment until one node has all.
    async fn attempt(&self, step: &Step, moving: &AtomicBool) -> Result<Value, Trouble> {
        let key = step.keys.first().map_or("", String::as_str);
        let mut redirections = 0;
        loop {
            let result = self.at(&self.nodes.home(key), step).await;
            let Err(Trouble::Answer(error)) = &result else { return result };
            match error.kind() {
                ErrorKind::Server(ServerErrorKind::Ask | ServerErrorKind::TryAgain) => {
                    moving.store(true, Ordering::Relaxed);
                    sleep(MOVING).await;
                }
                ErrorKind::Server(ServerErrorKind::Moved) if redirections < REDIRECTIONS => {
                    self.nodes.moved(key, error.redirect_node().map(|(node, _)| node.to_owned()));
                    redirections += 1;
                }
                _ => return result,
            }
        }
    }

    /// A connection that Redis closed in the meantime fails at its first use, so a failed one is replaced once.
    async fn at(&self, node: &Node, step: &Step) -> Result<Value, Trouble> {
        let used = self.nodes.connection(node);
        if let Some(mut used) = used.clone() {
            match step.invoke(&mut used.connection).await {
                Err(error) if error.is_io_error() => {}
                result => return result.map_err(Trouble::Answer),
            }
        }
        let mut connection = self.replace(node, used.as_ref()).await.map_err(Trouble::Connecting)?.connection;
        step.invoke(&mut connection).await.map_err(Trouble::Answer)
    }

    /// Connects, unless somebody else has done so since `broken` broke.
    async fn replace(&self, node: &Node, broken: Option<&Numbered>) -> Result<Numbered, RedisError> {
        let door = self.nodes.door(node);
        let _alone = door.lock().await;
        if let Some(new) = self.nodes.after(node, broken) {
            return Ok(new);
        }
        let new = self.nodes.keep(node, self.way.connect(node.as_deref()).await?);
        if broken.is_some() {
            self.tell_guests();
        }
        Ok(new)
    }

    /// Whether to ask: it is up, or nobody looks after it any more and this one finds out.
    fn admits(&self) -> bool {
        let mut admitted = true;
        self.health.send_if_modified(|health| {
            health.wanted = Instant::now();
            admitted = health.up || !health.watched;
            false
        });
        admitted
    }

    /// `asked`: when it was asked what it did not answer.
    fn fall(&self, reason: &str, key: Option<&String>, asked: Instant) {
        let mut unwatched = false;
        let fell = self.health.send_if_modified(|health| {
            if !health.up {
                unwatched = !std::mem::replace(&mut health.watched, true);
                return false;
            }
            let now = Instant::now();
            // It was away and is back since.
            if asked < health.since {
                return false;
            }
            let failures = if now >= health.since + STEADY { 0 } else { health.failures + 1 };
            let key = key.map(|key| format!("{key}:probe"));
            *health = Health { up: false, since: now, wanted: now, watched: true, failures, key };
            true
        });
        if fell || unwatched {
            self.nodes.forget();
            self.watch();
        }
        if fell {
            let error = down(reason);
            self.hub.warnings.begin(self.way.name(), || outage(self.way.name(), reason));
            self.tell("redis.down", |event| Event { message: Some(error.to_string()), ..event });
        }
    }

    fn rise(&self) {
        let mut outage = Duration::ZERO;
        let rose = self.health.send_if_modified(|health| {
            if health.up {
                return false;
            }
            let now = Instant::now();
            outage = now - health.since;
            *health = Health { up: true, since: now, watched: false, ..health.clone() };
            true
        });
        if rose {
            self.hub.warnings.end(self.way.name());
            self.tell_guests();
            self.tell("redis.up", |event| Event { outage: Some(outage), ..event });
        }
    }

    fn tell_guests(&self) {
        let guests = self.guests.lock().clone();
        for guest in guests.iter().filter_map(Weak::upgrade) {
            guest.store_is_back();
        }
    }

    /// Looks when it is back, so that no caller has to find out.
    fn watch(&self) {
        let me = self.me.clone();
        let mut pauses = self.health.borrow().failures;
        let mut looks = 0;
        tokio::spawn(async move {
            loop {
                sleep(probe_pause(pauses)).await;
                let Some(link) = me.upgrade() else { return };
                // Ever more time: what was sent into a hole must not hold up the next look for long.
                let limit = link.timeout.saturating_mul(2u32.saturating_pow(looks)).min(link.timeout.max(UNHURRIED));
                pauses += 1;
                looks += 1;
                if timeout(limit, link.probe()).await == Ok(true) {
                    return link.rise();
                }
                if link.health.borrow().wanted.elapsed() > FORGOTTEN {
                    link.health.send_if_modified(|health| {
                        health.watched = false;
                        false
                    });
                    return;
                }
            }
        });
    }

    /// Whether it takes writes, and in the time that callers have. To connect may take longer.
    async fn probe(&self) -> bool {
        let key = self.health.borrow().key.clone().unwrap_or_default();
        let step = Step::new(PROBE, vec![key]);
        let moving = AtomicBool::new(false);
        let answers = |result: Result<Value, Trouble>| result.err().is_none_or(|trouble| !trouble.is_of_the_server());
        answers(self.attempt(&step, &moving).await)
            && timeout(self.timeout, self.attempt(&step, &moving)).await.is_ok_and(answers)
    }

    /// Redis is well and does not do what one account asks: its own trouble, which is no reason to leave others alone.
    fn tell_own(&self, key: &str, error: &Error, reason: &str) {
        let (account, now) = (account_of(key), Instant::now());
        let mut told = self.told.lock();
        told.retain(|_, at| now < *at + TOLD_AGAIN);
        let is_new = told.insert((account.to_owned(), reason.to_owned()), now).is_none();
        drop(told);
        if !is_new {
            return;
        }
        self.hub.warnings.once(&format!("{} {reason}", self.way.name()), || error.to_string());
        self.tell("redis.error", |event| Event { appid: Some(account.into()), error: Some(error.clone()), ..event });
    }

    fn tell(&self, name: &'static str, fill: impl FnOnce(Event) -> Event) {
        self.hub.tell(Channel::Redis, name, |event| fill(Event { host: Some(self.way.name().to_owned()), ..event }));
    }
}

impl Scripts for Link {
    fn run(&self, step: Step) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let key = step.keys.first();
            if !self.admits() {
                return Err(down("not asked again yet"));
            }
            if key.is_some_and(|key| self.nodes.is_moving(key)) {
                return Err(down(MOVING_SLOT));
            }
            let asked = Instant::now();
            let limit = if step.hurried { self.timeout } else { self.timeout.max(UNHURRIED) };
            let moving = AtomicBool::new(false);
            let reason = match timeout(limit, self.attempt(&step, &moving)).await {
                Ok(Ok(value)) => {
                    self.rise();
                    return Ok(value);
                }
                // It is well, and other accounts lie elsewhere.
                Err(_) if moving.into_inner() => {
                    self.nodes.keep_moving(key.map_or("", String::as_str));
                    return Err(down(MOVING_SLOT));
                }
                Ok(Err(trouble)) if !trouble.is_of_the_server() => {
                    self.rise();
                    let key = key.map_or("", String::as_str);
                    let error = trouble.of_one(key);
                    self.tell_own(key, &error, trouble.reason());
                    return Err(error);
                }
                Ok(Err(trouble)) => trouble.reason().to_owned(),
                Err(_) => format!("no answer within {} ms", limit.as_millis()),
            };
            self.fall(&reason, key, asked);
            Err(down(&reason))
        })
    }

    fn recovered(&self) -> BoxFuture<'_, ()> {
        let mut health = self.health.subscribe();
        Box::pin(async move {
            let _ = health.wait_for(|health| health.up).await;
        })
    }

    fn is_up(&self) -> bool {
        self.health.borrow().up
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn invite(&self, guest: Weak<dyn Guest>) {
        let mut guests = self.guests.lock();
        guests.retain(|guest| guest.strong_count() > 0);
        guests.push(guest);
    }
}

/// Whoever is gone has no outage any more.
impl Drop for Link {
    fn drop(&mut self) {
        if !self.health.borrow().up {
            self.hub.warnings.end(self.way.name());
        }
    }
}

fn probe_pause(pauses: u32) -> Duration {
    FIRST_PROBE.saturating_mul(2u32.saturating_pow(pauses)).min(LATER_PROBE).mul_f64(0.75 + fastrand::f64() / 4.0)
}

const MOVING_SLOT: &str = "the cluster is moving this slot";

pub fn down(reason: &str) -> Error {
    Error::Redis { reason: reason.to_owned(), fault: RedisFault::Down }
}

/// What a process is warned of when its Redis goes down.
fn outage(host: &str, reason: &str) -> String {
    format!(
        "Redis at {host} cannot be used ({reason}). Until it can, each process counts and fetches for itself, and with \
         token 'classic' nobody fetches a token. Check the URL given as redis, its login and the network; stats().redis \
         tells how it is. | 无法使用 {host} 的 Redis（{reason}）。在恢复之前各进程各自计数、各自获取令牌，\
         classic 模式下不会获取令牌。请检查 redis 的地址、密码与网络；stats().redis 给出当前状态。"
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::runtime::Handle;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// A Redis that answers all commands alike, and counts those that are connected.
    async fn server(answer: &'static str) -> (String, watch::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (connected, count) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let connected = connected.clone();
                tokio::spawn(async move {
                    connected.send_modify(|count| *count += 1);
                    let mut bytes = [0; 4096];
                    while let Ok(length @ 1..) = socket.read(&mut bytes).await {
                        // Arrays begin with a star, and nothing in these tests holds another one.
                        let commands = bytes[..length].iter().filter(|byte| **byte == b'*').count();
                        if socket.write_all(answer.repeat(commands).as_bytes()).await.is_err() {
                            break;
                        }
                    }
                    connected.send_modify(|count| *count -= 1);
                });
            }
        });
        (url, count)
    }

    fn link(url: &str, hub: &Arc<Hub>) -> Arc<Link> {
        Link::open(url, None, LIMIT, hub.clone()).ok().unwrap()
    }

    fn step(key: &str) -> Step {
        Step::new("return 1", vec![key.to_owned()])
    }

    #[tokio::test]
    async fn with_the_last_who_uses_it_its_connection_closes() {
        let (url, mut count) = server("+OK\r\n").await;
        let link = link(&url, &Arc::default());
        let other = link.clone();
        link.run(step("a")).await.unwrap();
        assert_eq!(*count.borrow(), 1);
        drop(link);
        other.run(step("a")).await.unwrap();
        drop(other);
        timeout(LIMIT, count.wait_for(|count| *count == 0)).await.expect("it stays").unwrap();
    }

    #[tokio::test]
    async fn nobody_looks_after_a_redis_that_is_down_and_that_nobody_uses() {
        let (url, mut count) = server("-LOADING Redis is loading\r\n").await;
        let hub = Arc::<Hub>::default();
        let link = link(&url, &hub);
        assert!(link.run(step("a")).await.is_err() && !link.is_up());
        assert_eq!(hub.warnings.take().len(), 1);
        drop(link);
        // The server and what is left of its connections.
        let only_the_server = async {
            count.wait_for(|count| *count == 0).await.unwrap();
            while Handle::current().metrics().num_alive_tasks() > 1 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, only_the_server).await.expect("somebody still looks");
    }

    #[tokio::test]
    async fn what_redis_refuses_one_account_is_nobody_elses_outage() {
        for answer in ["-NOPERM no access to one of the keys\r\n", "-WRONGTYPE Operation against a key\r\n"] {
            let (url, _) = server(answer).await;
            let hub = Arc::<Hub>::default();
            let ear = Arc::new(crate::event::testing::Ear::default());
            hub.add(ear.clone());
            let link = link(&url, &hub);
            for _ in 0..3 {
                let refused = link.run(step("p:{wx1:stable:f}:token")).await;
                assert!(matches!(refused, Err(Error::Redis { fault, .. }) if fault != RedisFault::Down));
                assert!(link.is_up());
            }
            // Told once for each account.
            let _ = link.run(step("p:{wx2:stable:f}:token")).await;
            let heard = ear.0.lock().iter().map(|event| (event.name, event.appid.clone())).collect::<Vec<_>>();
            assert_eq!(heard, [("redis.error", Some("wx1".into())), ("redis.error", Some("wx2".into()))]);
            assert_eq!(hub.warnings.take().len(), 1);
            // To a probe it is an answer, whoever's key it is.
            link.fall("a time-out", Some(&"p:{wx1:stable:f}:token".to_owned()), Instant::now());
            timeout(LIMIT, link.recovered()).await.expect("it stays down");
        }
    }
}
