//! A process of a third-party platform without sockets, for the simulated fleet of `tests/fleet`: what it sends goes through a
//! [`Carrier`], a [`ScriptRunner`] and [`StoreFunctions`] of the simulation, and all else is as in the addon.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use secrecy::SecretString;

use crate::client::Client;
use crate::clock::Clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::event::{Event, EventBus, Listener};
use crate::options::platform::{MerchantOptions, OpenPlatform, PlatformOptions};
use crate::platform::core::{Core, PlatformKey, Shared, StoreChoice};
use crate::platform::push::PlatformEvent;
pub use crate::platform::store::StoreFunctions;
use crate::redis::ScriptRunner;
pub use crate::transport::Carrier;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::qr_code::QrCodeRequest;

/// What a process is made of.
pub struct Setup {
    /// Of the platform.
    pub appid: String,
    /// Of the platform.
    pub secret: SecretString,
    /// The clock of its runtime.
    pub clock: Clock,
    /// The Redis of its fleet.
    pub redis: Option<Arc<dyn ScriptRunner>>,
    /// Its durable store; `None` for Redis.
    pub store: Option<Arc<dyn StoreFunctions>>,
    /// What carries its requests to WeChat.
    pub carrier: Arc<dyn Carrier>,
    /// Gets the name of every event, and all that is in it.
    pub on_event: EventFunction,
}

/// Gets events.
pub type EventFunction = Box<dyn Fn(&'static str, &str) + Send + Sync>;

/// A process with one platform and a client of each merchant that it has called for.
pub struct PlatformProcess {
    open: OpenPlatform,
    clients: Mutex<BTreeMap<String, Arc<Client>>>,
}

struct Events(EventFunction);

impl Listener for Events {
    fn on_event(&self, event: &Event) {
        self.0(event.kind.name(), &format!("{event:?}"));
    }
}

impl PlatformProcess {
    /// Starts a process, on the runtime of the caller.
    ///
    /// # Errors
    ///
    /// [`Error::Params`] for an appid or a secret that is none.
    pub fn start(setup: Setup) -> Result<Self> {
        let Setup { appid, secret, clock, redis, store, carrier, on_event } = setup;
        let is_own = store.is_some();
        let options = PlatformOptions {
            appid,
            secret: Some(secret),
            store: (!is_own).then(|| "memory".to_owned()),
            functions: store,
            carrier: Some(carrier),
            ..PlatformOptions::default()
        };
        let event_bus = Arc::new(EventBus::new(clock.clone()));
        event_bus.add(Arc::new(Events(on_event)));
        let of_core = event_bus.clone();
        let open = options.open_on(event_bus, |_: &mut _, key: &PlatformKey, functions| {
            let mut key = key.clone();
            if !is_own {
                key.store = StoreChoice::Redis;
            }
            Ok(Core::new(&key, Shared { clock, event_bus: of_core, scripts: redis, functions }))
        })?;
        Ok(Self { open, clients: Mutex::default() })
    }

    /// Takes a push. The answer to WeChat is `success` if this is `Ok`.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if what the push brought could not be saved.
    pub async fn receive(&self, push: &PlatformEvent) -> Result<()> {
        self.open.platform.receive(push).await
    }

    /// Makes a QR code for a merchant.
    ///
    /// # Errors
    ///
    /// What the call of a client fails with.
    pub async fn call(&self, merchant: &str, timeout: Duration) -> Result<()> {
        let client = self.client(merchant)?;
        let endpoint = Endpoint::GetQrCode;
        let parsed = QrCodeRequest::parse(&endpoint, r#"{"path":"pages/index"}"#);
        let request = parsed.map_err(|invalid| Error::Params { endpoint: Some(endpoint), invalid })?;
        client.qr_code(&request, Some(timeout)).await.map(drop)
    }

    /// Exchanges the authorization code that a merchant has brought. Returns the merchant's appid.
    ///
    /// # Errors
    ///
    /// WeChat's refusal, or [`Error::Store`].
    pub async fn complete_authorization(&self, code: &SecretString, timeout: Duration) -> Result<String> {
        let deadline = Deadline::new(timeout, Some(Endpoint::QueryAuth));
        self.open.platform.complete_authorization(code, &deadline).await.map(|(appid, _)| appid)
    }

    /// Forgets a merchant for good.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn remove_authorizer(&self, merchant: &str) -> Result<()> {
        self.open.platform.remove_authorizer(merchant).await
    }

    /// Closes the platform and its clients.
    pub async fn close(&self) {
        self.open.close();
        let clients = std::mem::take(&mut *self.clients.lock());
        clients.values().for_each(|client| client.dispose());
        self.open.platform.release().await;
    }

    fn client(&self, merchant: &str) -> Result<Arc<Client>> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(merchant) {
            return Ok(client.clone());
        }
        let client = Arc::new(self.open.client(merchant, &MerchantOptions::default())?);
        clients.insert(merchant.to_owned(), client.clone());
        Ok(client)
    }
}
