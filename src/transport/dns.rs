//! Names to addresses, by the system's own resolver: /etc/hosts, search domains and all. It may hang for half a minute, and
//! there is no way to stop it, so each name has one thread: requests for the same name wait for the same answer, and no other
//! name waits behind it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use lru::LruCache;
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::clock;

/// How long addresses are cached. The system does not give their TTL.
const CACHE_TTL: Duration = Duration::from_secs(10);
/// How long a request waits for a name: less than for a connection, so that the error can tell the two apart.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(2500);
/// How many names may be looked up at the same time. A look-up that hangs costs one thread.
const MAX_THREADS: usize = 1024;
/// The threads of these that are reserved for names that were resolved before.
const RESERVED_THREADS: usize = 128;
/// How many names are cached.
const MAX_CACHED_NAMES: usize = 1024;
const STACK_SIZE: usize = 524_288;

type ResolveFn = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;
type Answer = Result<Arc<[IpAddr]>, Unresolved>;

/// Why a name has no address.
#[derive(Clone, Debug)]
pub(crate) struct Unresolved(Arc<str>);

impl std::fmt::Display for Unresolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unresolved {}

/// Resolves names, and caches their addresses for ten seconds.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<Inner>);

struct Inner {
    resolve: Box<ResolveFn>,
    threads: usize,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    cached: LruCache<Box<str>, CachedName>,
    /// The names that are being looked up.
    lookups: HashMap<Box<str>, Shared<oneshot::Receiver<Answer>>>,
}

struct CachedName {
    addresses: Arc<[IpAddr]>,
    until: Instant,
}

static SYSTEM: LazyLock<Resolver> = LazyLock::new(|| {
    Resolver::new(MAX_THREADS, LOOKUP_TIMEOUT, |name| {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    })
});

impl Resolver {
    /// The resolver of the process.
    pub(crate) fn of_system() -> Self {
        SYSTEM.clone()
    }

    fn new(
        threads: usize,
        timeout: Duration,
        resolve: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        let cached = LruCache::new(NonZeroUsize::MIN.saturating_add(MAX_CACHED_NAMES - 1));
        let state = Mutex::new(State { cached, lookups: HashMap::new() });
        Self(Arc::new(Inner { resolve: Box::new(resolve), threads, timeout, state }))
    }

    /// The addresses of a name, or why there are none. Waits no longer than [`LOOKUP_TIMEOUT`].
    pub(crate) async fn addresses(&self, name: &str) -> Answer {
        let name = name.to_ascii_lowercase();
        if let Some(addresses) = literal_or_localhost(&name) {
            return Ok(addresses);
        }
        let lookup = match self.get_or_start(&name) {
            Lookup::Cached(addresses) => return Ok(addresses),
            Lookup::InFlight(lookup) => lookup,
            Lookup::AtCapacity => return Err(Unresolved("too many other names are being looked up".into())),
        };
        let timeout = self.0.timeout;
        match tokio::time::timeout(timeout, lookup).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(Unresolved("the look-up ended without an answer".into()))),
            Err(_) => Err(Unresolved(format!("no name server answered within {} ms", timeout.as_millis()).into())),
        }
    }

    /// Expires the cached addresses of a name that could not be connected to.
    pub(crate) fn expire(&self, name: &str) {
        if let Some(cached) = self.0.state.lock().cached.peek_mut(name) {
            cached.until = clock::monotonic();
        }
    }

    fn get_or_start(&self, name: &str) -> Lookup {
        let mut state = self.0.state.lock();
        let cached = state.cached.get(name);
        if let Some(cached) = cached.filter(|cached| clock::monotonic() < cached.until) {
            return Lookup::Cached(cached.addresses.clone());
        }
        let reserved = if cached.is_some() { 0 } else { RESERVED_THREADS.min(self.0.threads / 8) };
        if let Some(lookup) = state.lookups.get(name) {
            return Lookup::InFlight(lookup.clone());
        }
        if state.lookups.len() >= self.0.threads - reserved {
            return Lookup::AtCapacity;
        }
        let (answer, lookup) = oneshot::channel();
        let lookup = lookup.shared();
        state.lookups.insert(name.into(), lookup.clone());
        drop(state);
        self.start(name, answer);
        Lookup::InFlight(lookup)
    }

    #[cfg(test)]
    fn is_idle(&self) -> bool {
        self.0.state.lock().lookups.is_empty()
    }

    fn start(&self, name: &str, answer: oneshot::Sender<Answer>) {
        let guard = InFlightGuard { names: self.clone(), name: name.into() };
        let thread = std::thread::Builder::new().name("wxacode-names".into()).stack_size(STACK_SIZE);
        // If no thread can be made, `guard` and `answer` are dropped here, which wakes the waiting requests.
        let _ = thread.spawn(move || {
            let found = guard.resolve();
            drop(guard);
            let _ = answer.send(found);
        });
    }
}

enum Lookup {
    Cached(Arc<[IpAddr]>),
    InFlight(Shared<oneshot::Receiver<Answer>>),
    AtCapacity,
}

/// A name that is being looked up until this is dropped.
struct InFlightGuard {
    names: Resolver,
    name: Box<str>,
}

impl InFlightGuard {
    fn resolve(&self) -> Answer {
        let inner = &self.names.0;
        let found = (inner.resolve)(&self.name).map_err(|error| Unresolved(error.to_string().into()))?;
        if found.is_empty() {
            return Err(Unresolved("the name has no address".into()));
        }
        let addresses: Arc<[IpAddr]> = found.into();
        let cached = CachedName { addresses: addresses.clone(), until: clock::monotonic() + CACHE_TTL };
        inner.state.lock().cached.put(self.name.clone(), cached);
        Ok(addresses)
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.names.0.state.lock().lookups.remove(&self.name);
    }
}

/// The addresses of localhost, whatever a name server says (RFC 6761), and of a name that is an address itself.
fn literal_or_localhost(name: &str) -> Option<Arc<[IpAddr]>> {
    if is_localhost(name) {
        return Some([Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()].into());
    }
    name.parse().ok().map(|address| [address].into())
}

/// `localhost` and the names below it.
pub(crate) fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let addresses = names.addresses(name.as_str()).await?;
            let addresses: Vec<_> = addresses.iter().map(|&address| SocketAddr::new(address, 0)).collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex as StdMutex};

    use super::*;

    /// A name server that does not answer for names that begin with `silent` until the test lets it.
    #[derive(Default)]
    struct Server {
        asked: AtomicUsize,
        speaks: StdMutex<bool>,
        told: Condvar,
    }

    impl Server {
        fn names(self: &Arc<Self>, threads: usize, timeout: Duration) -> Resolver {
            let server = self.clone();
            Resolver::new(threads, timeout, move |name| {
                server.asked.fetch_add(1, Ordering::SeqCst);
                if name.starts_with("silent") {
                    drop(server.told.wait_while(server.speaks.lock().unwrap(), |speaks| !*speaks).unwrap());
                }
                match name.starts_with("unknown") {
                    true => Err(io::Error::other("not known")),
                    false => Ok(vec![Ipv4Addr::new(10, 0, 0, 1).into()]),
                }
            })
        }

        fn count(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        fn speak(&self) {
            *self.speaks.lock().unwrap() = true;
            self.told.notify_all();
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            self.speak();
        }
    }

    /// Looks until it is so.
    async fn eventually(seen: impl Fn() -> bool) {
        while !seen() {
            tokio::task::yield_now().await;
        }
    }

    /// So long that a busy machine does not matter.
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn concurrent_look_ups_of_a_name_share_a_thread_and_its_answer() {
        let server = Arc::new(Server::default());
        let names = server.names(8, LONG);
        let asking: Vec<_> = (0..700)
            .map(|_| {
                let names = names.clone();
                tokio::spawn(async move { names.addresses("Silent.example").await })
            })
            .collect();
        // Others go on meanwhile.
        names.addresses("good.example").await.unwrap();
        eventually(|| server.count() == 2).await;
        server.speak();
        for one in asking {
            one.await.unwrap().unwrap();
        }
        assert_eq!(server.count(), 2);
    }

    #[tokio::test]
    async fn an_answer_is_cached_until_it_expires_or_is_invalidated() {
        let server = Arc::new(Server::default());
        let names = server.names(8, LONG);
        let ask = || async { names.addresses("good.example").await.map(|_| server.count()).unwrap() };
        assert_eq!((ask().await, ask().await), (1, 1));
        names.expire("good.example");
        assert_eq!((ask().await, ask().await), (2, 2));
        tokio::time::pause();
        tokio::time::advance(CACHE_TTL).await;
        tokio::time::resume();
        assert_eq!(ask().await, 3);
    }

    #[tokio::test]
    async fn a_failed_look_up_is_not_cached() {
        let server = Arc::new(Server::default());
        let names = server.names(8, LONG);
        for _ in 0..2 {
            assert_eq!(names.addresses("unknown.example").await.unwrap_err().to_string(), "not known");
        }
        assert_eq!(server.count(), 2);
    }

    #[tokio::test]
    async fn a_late_answer_is_cached_after_its_callers_timed_out() {
        let server = Arc::new(Server::default());
        let names = server.names(8, Duration::from_millis(20));
        for _ in 0..3 {
            let error = names.addresses("silent.example").await.unwrap_err();
            assert!(error.to_string().contains("within 20 ms"), "{error}");
        }
        server.speak();
        eventually(|| names.is_idle()).await;
        names.addresses("silent.example").await.unwrap();
        assert_eq!(server.count(), 1);
    }

    #[tokio::test]
    async fn hanging_names_leave_threads_for_names_with_an_answer() {
        let server = Arc::new(Server::default());
        let names = server.names(16, LONG);
        names.addresses("good.example").await.unwrap();
        names.expire("good.example");
        let (waiting, mut crowded) = (names.clone(), 0);
        let mut asking: tokio::task::JoinSet<_> = (0..20)
            .map(|n| {
                let names = waiting.clone();
                async move { names.addresses(&format!("silent{n}.example")).await }
            })
            .collect();
        while crowded < 6 {
            let error = asking.join_next().await.unwrap().unwrap().unwrap_err();
            assert!(error.to_string().contains("too many"), "{error}");
            crowded += 1;
        }
        assert!(names.addresses("another.example").await.is_err());
        names.addresses("good.example").await.unwrap();
        // Which takes no thread at all.
        for here in ["localhost", "app.localhost", "10.1.2.3", "::1"] {
            names.addresses(here).await.unwrap();
        }
        server.speak();
        while let Some(found) = asking.join_next().await {
            found.unwrap().unwrap();
        }
        names.addresses("another.example").await.unwrap();
    }

    #[tokio::test]
    async fn a_panicking_look_up_is_an_error_and_frees_its_thread() {
        let names = Resolver::new(1, LONG, |_| panic!("on purpose"));
        for _ in 0..2 {
            assert!(names.addresses("any.example").await.is_err());
        }
        eventually(|| names.is_idle()).await;
    }

    #[tokio::test]
    async fn localhost_is_resolved_by_the_system() {
        assert!(Resolver::of_system().addresses("localhost").await.unwrap().iter().all(IpAddr::is_loopback));
        assert!(Resolver::of_system().addresses("nohost.invalid").await.is_err());
    }
}
