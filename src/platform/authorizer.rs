//! The authorizer access token: a token source whose requests need a component access token and the merchant's refresh token. A
//! refresh token that comes back is saved before anybody gets the access token that came with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use super::Platform;
use super::calls::MerchantTokens;
use super::codes::{code_hash, is_refused_for_good};
use super::merchant::{Merchant, WaitingToken};
use super::records::{Authorizer, Change, Record, Restore, is_same};
use super::store::RecordKey;
use super::tickets::TICKET_TIMEOUT;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::event::PlatformNotice;
use crate::keys::RouteId;
use crate::task;
use crate::token::source::{SourceToken, TokenRequest, TokenSource};
use crate::wechat::answer::Refusal;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::{INVALID_REFRESH_TOKEN, NOT_AUTHORIZED};

/// How long a component token may take in all.
const PREPARATION_TIMEOUT: Duration = Duration::from_secs(30).saturating_add(TICKET_TIMEOUT);
/// A waiting token with less time left is not worth using.
const MIN_LIFE: Duration = Duration::from_secs(60);
/// The life of a token of which WeChat says none.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);

/// Whether nobody waits for a refresh any more.
type IsCancelled<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// Fetches the access tokens of one merchant.
#[derive(Clone)]
pub(crate) struct AuthorizerSource {
    pub(crate) platform: Arc<Platform>,
    pub(crate) merchant: Arc<Merchant>,
}

impl TokenSource for AuthorizerSource {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint::AuthorizerToken)
    }

    fn route(&self) -> RouteId {
        self.platform.component.transport.route()
    }

    /// Where WeChat has replaced the refresh token and its response was lost, the list has the new one.
    fn retries(&self) -> u32 {
        4
    }

    fn preparation_timeout(&self) -> Duration {
        PREPARATION_TIMEOUT
    }

    fn prepare<'a>(&'a self, on_wait: &'a (dyn Fn(Error) + Send + Sync)) -> Option<BoxFuture<'a, Result<()>>> {
        Some(Box::pin(async move {
            let deadline = Deadline::new(PREPARATION_TIMEOUT, Some(Endpoint::ComponentToken));
            let mut waiting = self.platform.core.tickets.waiting();
            let token = self.platform.component.token(&deadline);
            tokio::pin!(token);
            loop {
                if let Some(missing) = waiting.borrow_and_update().clone() {
                    on_wait(missing);
                }
                tokio::select! {
                    biased;
                    token = &mut token => return token.map(drop),
                    Ok(()) = waiting.changed() => {}
                }
            }
        }))
    }

    fn on_refusal(&self, error: &Error) {
        if error.errcode() == Some(NOT_AUTHORIZED) {
            let (merchant, error) = (self.merchant.clone(), error.clone());
            // The store of the fleet is told in the background.
            task::spawn(async move { merchant.cache.forget(Some(&error)).await });
        }
    }

    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        // A task of its own: who cancels the refresh must not lose a refresh token that is on its way. What was not sent by then
        // is not sent any more: the lock may be another process's.
        let (source, deadline) = (self.clone(), request.deadline);
        let (sender, fetched) = oneshot::channel();
        task::spawn_for_call(async move {
            let result = source.refresh(&deadline, &|| sender.is_closed()).await;
            if let Err(Ok(token)) = sender.send(result) {
                source.keep_waiting(token);
            }
        });
        Box::pin(async move { fetched.await.unwrap_or(Err(Error::Closed)) })
    }
}

impl AuthorizerSource {
    async fn refresh(&self, deadline: &Deadline, is_cancelled: IsCancelled<'_>) -> Result<SourceToken> {
        if let Some(token) = self.waiting_token().await? {
            return Ok(token);
        }
        let mut authorizer = self.authorizer().await?;
        if authorizer.code.is_some() && !is_cancelled() {
            match self.exchange(&authorizer, deadline).await? {
                Ok(token) => return Ok(token),
                Err(without_code) => authorizer = without_code,
            }
        }
        let Some(refresh_token) = authorizer.refresh_token.clone() else { return Err(not_authorized()) };
        let request = |refresh_token: SecretString| async move {
            if is_cancelled() {
                return Err(Error::Closed);
            }
            self.platform.authorizer_token(&self.merchant.appid, refresh_token.expose_secret(), deadline).await
        };
        let tokens = match request(refresh_token).await {
            Err(refused) if refused.errcode() == Some(INVALID_REFRESH_TOKEN) => {
                authorizer = self.other_refresh_token(&authorizer, refused).await?;
                request(authorizer.refresh_token.clone().unwrap_or_default()).await?
            }
            answer => answer?,
        };
        self.save_and_give(&authorizer, tokens).await
    }

    /// The access token of a refresh whose refresh token could not be saved. What is unsaved of the merchant is saved first: its
    /// refresh token may be nowhere else.
    async fn waiting_token(&self) -> Result<Option<SourceToken>> {
        self.platform.core.records.save(&self.key()).await?;
        if !self.merchant.has_waiting() {
            return Ok(None);
        }
        let now = self.platform.core.clock.now().mono;
        let left = |waiting: &WaitingToken| waiting.expires.saturating_sub(now);
        // A later token of another process has made it void.
        let later = self.merchant.cache.current().map(|current| current.expires().mono);
        let is_last = |waiting: &WaitingToken| later.is_none_or(|later| later < waiting.expires);
        let waiting = self.merchant.take_waiting().filter(|waiting| left(waiting) > MIN_LIFE && is_last(waiting));
        Ok(waiting.map(|waiting| {
            let expires_in = Some(left(&waiting).as_secs() as i64);
            SourceToken { expires_in, ..waiting.token }
        }))
    }

    /// The merchant's record, or what WeChat's list has of it.
    async fn authorizer(&self) -> Result<Authorizer> {
        let records = &self.platform.core.records;
        let mut record = records.read(&self.key()).await?;
        if record.is_none()
            && let Some(known @ Record::Authorizer(_)) = self.merchant.known()
        {
            // The store was emptied.
            records.restore(&self.key(), &known, Restore::Older).await?;
            record = records.read(&self.key()).await?;
        }
        self.merchant.set_known(record.clone());
        match record {
            Some(Record::Authorizer(known)) if known.code.is_some() || known.refresh_token.is_some() => Ok(known),
            Some(Record::Removed { .. }) => Err(not_authorized()),
            _ => self.listed().await,
        }
    }

    async fn listed(&self) -> Result<Authorizer> {
        let listed = self.platform.listed(&self.merchant.appid).await?;
        let Some(found) = listed.and_then(|listed| listed.authorizer()) else { return Err(not_authorized()) };
        let is_counted = AtomicBool::new(false);
        let saved = self.update(|current| {
            let record = match current {
                Some(Record::Authorizer(known)) if known.refresh_token.is_none() => Authorizer {
                    authorized_at: found.authorized_at.max(known.authorized_at),
                    obtained_at: known.next_time(found.obtained_at),
                    exchanged: known.exchanged.clone(),
                    ..found.clone()
                },
                Some(Record::Authorizer(_) | Record::Removed { .. }) => return Change::Keep,
                _ => found.clone(),
            };
            // Now: whoever fills the store from the list comes to this record after this change.
            if !is_counted.swap(true, Ordering::Relaxed) {
                self.platform.core.list.note_restored();
            }
            Change::Put(Record::Authorizer(record))
        });
        match saved.await? {
            Some(Record::Authorizer(authorizer)) => {
                self.platform.restore_from_list();
                Ok(authorizer)
            }
            _ => Err(not_authorized()),
        }
    }

    /// The refresh token in WeChat's list, if it is another one than WeChat has just refused.
    async fn other_refresh_token(&self, refused: &Authorizer, error: Error) -> Result<Authorizer> {
        let listed = self.platform.listed(&self.merchant.appid).await?;
        let Some(listed) = listed.filter(|listed| listed.refresh_token.is_some()) else { return Err(error) };
        if is_same(listed.refresh_token.as_ref(), refused.refresh_token.as_ref()) {
            return Err(error);
        }
        let other = Authorizer {
            refresh_token: listed.refresh_token,
            code: None,
            exchanged: refused.exchanged.clone(),
            // Not the list's: a push of that authorisation may bring a code.
            authorized_at: refused.authorized_at,
            obtained_at: refused.next_time(listed.asked_at),
        };
        self.replace(&other).await
    }

    /// Exchanges the code of an authorisation that was pushed. Returns the record without it if the code is good for nothing, but
    /// there is a refresh token of an earlier authorisation.
    async fn exchange(&self, authorizer: &Authorizer, deadline: &Deadline) -> Result<Result<SourceToken, Authorizer>> {
        let Some(code) = &authorizer.code else { return Ok(Err(authorizer.clone())) };
        let error = match self.platform.query_auth_once(code, deadline).await {
            Ok(granted) if *granted.appid == *self.merchant.appid => {
                // That it brings a refresh token is counted where the token is saved.
                let exchanged = Authorizer { code: None, exchanged: Some(code_hash(code)), ..authorizer.clone() };
                let saved = self.save_and_give(&exchanged, granted.tokens_at(self.platform.core.clock.now())).await;
                if saved.is_ok() {
                    self.merchant.events.platform(|| PlatformNotice::AuthorizationCompleted);
                }
                return saved.map(Ok);
            }
            Ok(_) => not_authorized(),
            Err(error) => error,
        };
        if !is_refused_for_good(&error) && error.errcode() != Some(NOT_AUTHORIZED) {
            return Err(error);
        }
        let without = Authorizer { code: None, ..authorizer.clone() };
        let mut kept = self.replace(&without).await?;
        if kept.refresh_token.is_none() {
            // A process that died may have exchanged the code.
            let Ok(listed) = self.listed().await else { return Err(error) };
            kept = listed;
        }
        self.merchant.events.platform(|| PlatformNotice::AuthorizationFailed { error });
        Ok(Err(kept))
    }

    /// Saves the refresh token that came back, then gives the access token. What cannot be saved is kept until it can.
    async fn save_and_give(&self, used: &Authorizer, tokens: MerchantTokens) -> Result<SourceToken> {
        let MerchantTokens { access_token, expires_in, refresh_token, asked_at } = tokens;
        let token = SourceToken { value: access_token, expires_in, refresh_early: true };
        let refresh_token = refresh_token.or_else(|| used.refresh_token.clone());
        let is_new = !is_same(refresh_token.as_ref(), used.refresh_token.as_ref());
        let stored = self.merchant.known();
        let is_stored = matches!(&stored, Some(Record::Authorizer(stored)) if stored == used);
        if !is_new && is_stored {
            return Ok(token);
        }
        let obtained_at = if is_new { used.next_time(asked_at) } else { used.obtained_at };
        let next = Authorizer { refresh_token, obtained_at, ..used.clone() };
        match self.replace(&next).await {
            Ok(_) => Ok(token),
            Err(error) => {
                self.keep_waiting(token);
                self.platform.core.notice(|| PlatformNotice::StoreError { error: error.clone() });
                Err(error)
            }
        }
    }

    /// Keeps an access token for the next refresh.
    fn keep_waiting(&self, token: SourceToken) {
        let life = token.expires_in.and_then(|life| u64::try_from(life).ok());
        let expires = self.platform.core.clock.now().mono + life.map_or(DEFAULT_LIFE, Duration::from_secs);
        self.merchant.keep_waiting(WaitingToken { token, expires });
    }

    /// Saves what a record has become. A later authorisation, or another process's later token, stays.
    async fn replace(&self, next: &Authorizer) -> Result<Authorizer> {
        let saved = self.update(|current| match current {
            Some(Record::Authorizer(current)) => {
                let merged = next.merged(current);
                if merged == *current { Change::Keep } else { Change::Put(Record::Authorizer(merged)) }
            }
            Some(Record::Removed { .. } | Record::Withdrawn { .. }) => Change::Keep,
            _ => Change::Put(Record::Authorizer(next.clone())),
        });
        match saved.await? {
            Some(Record::Authorizer(authorizer)) => Ok(authorizer),
            _ => Err(not_authorized()),
        }
    }

    async fn update(&self, change: impl Fn(Option<&Record>) -> Change + Send + Sync) -> Result<Option<Record>> {
        self.platform.update_merchant(&self.merchant, change).await
    }

    fn key(&self) -> RecordKey {
        RecordKey::Authorizer(self.merchant.appid.to_string())
    }
}

/// WeChat's refusal of a merchant that has not authorised the platform, where it is known without asking.
pub(crate) fn not_authorized() -> Error {
    let errmsg = "component is not authorized by this account".to_owned();
    let refusal = Refusal { errcode: NOT_AUTHORIZED, errmsg, rid: None, hint: None };
    Error::Api { endpoint: Endpoint::AuthorizerToken, refusal, subject: None }
}
