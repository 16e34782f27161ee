mod ages;
mod chain;
mod codes;
mod events;
mod outages;
mod own_stores;
mod stores;
mod wechat;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::ExposeSecret;

use super::core::{Core, Shared, StoreChoice};
use super::store::StoreFunctions;
use super::*;
use crate::client::Client;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::event::EventBus;
use crate::event::testing::RecordingListener;
use crate::options::platform::{MerchantOptions, OpenPlatform, PlatformOptions};
use crate::redis::ScriptRunner;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::qr_code::QrCodeRequest;
use wechat::{PLATFORM, WeChat};

const MERCHANT: &str = "wx00000000000000aa";
const TICKET: &str = "ticket@@@c4nary1";

/// What one process has of the platform.
pub(crate) struct Process {
    pub(crate) open: OpenPlatform,
    pub(crate) platform: Arc<Platform>,
    pub(crate) events: Arc<RecordingListener>,
}

/// Where a process keeps its records.
#[derive(Clone)]
pub(crate) enum Place {
    Memory,
    File(String),
    Own(Arc<dyn StoreFunctions>),
    Redis,
}

impl Process {
    pub(crate) fn start(wechat: &WeChat, place: &Place, redis: Option<Arc<dyn ScriptRunner>>) -> Self {
        let (choice, functions) = match place {
            Place::Memory | Place::Redis => (Some("memory".to_owned()), None),
            Place::File(path) => (Some(format!("file:{path}")), None),
            Place::Own(functions) => (None, Some(functions.clone())),
        };
        let options = PlatformOptions {
            appid: PLATFORM.into(),
            secret: Some("component-s3cret".into()),
            base_urls: vec![wechat.url.clone()],
            store: choice,
            retries: Some(0.0),
            functions,
            ..PlatformOptions::default()
        };
        let bus = Arc::<EventBus>::default();
        let events = Arc::<RecordingListener>::default();
        bus.add(events.clone());
        let is_redis = matches!(place, Place::Redis);
        let open = options.open_on(Arc::default(), |_: &mut _, key: &core::PlatformKey, functions| {
            let mut key = key.clone();
            if is_redis {
                key.store = StoreChoice::Redis;
            }
            let clock = Clock::manual(Duration::from_secs(1_000_000));
            Ok(Core::new(&key, Shared { clock, event_bus: bus, scripts: redis, functions }))
        });
        let open = open.unwrap_or_else(|error| panic!("{error}"));
        Self { platform: open.platform.clone(), open, events }
    }

    pub(crate) fn alone(wechat: &WeChat) -> Self {
        Self::start(wechat, &Place::Memory, None)
    }

    pub(crate) async fn ticket(&self) {
        self.platform.core.receive_ticket(TICKET.into(), 1_000).await.unwrap();
    }

    /// With its ticket, and a merchant that was imported.
    pub(crate) async fn ready(wechat: &WeChat, place: &Place, redis: Option<Arc<dyn ScriptRunner>>) -> Self {
        let process = Self::start(wechat, place, redis);
        process.ticket().await;
        process.platform.import_authorizer(MERCHANT, wechat.merchant(MERCHANT).into()).await.unwrap();
        process
    }

    pub(crate) fn client(&self, appid: &str) -> Arc<Client> {
        Arc::new(self.open.client(appid, &MerchantOptions::default()).ok().unwrap())
    }

    pub(crate) async fn call(&self, appid: &str) -> Result<()> {
        self.call_within(appid, Duration::from_secs(10)).await
    }

    pub(crate) async fn call_within(&self, appid: &str, timeout: Duration) -> Result<()> {
        let request = QrCodeRequest::parse(&Endpoint::GetUnlimitedQrCode, r#"{"scene":"id=1"}"#).unwrap();
        self.client(appid).qr_code(&request, Some(timeout)).await.map(drop)
    }
}

/// Time passes at once.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn code(error: &Error) -> (&'static str, Option<i64>) {
    (error.code(), error.errcode())
}

/// Waits until it is so, for 5 s.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never held");
}
