//! Merchants come and go: authorisations that were pushed, completed by the caller, imported or removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};

use super::Platform;
use super::authorizer::{AuthorizerSource, not_authorized};
use super::changes::ChangeNotice;
use super::codes::code_hash;
use super::merchant::{Merchant, WaitingToken};
use super::records::{Authorizer, Change, Record, is_outage, is_same};
use super::store::RecordKey;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::Result;
use crate::event::PlatformNotice;
use crate::task;
use crate::token::source::{SourceToken, TokenSource};
use crate::token::state::ReceivedToken;
use crate::wechat::endpoint::Endpoint;

/// How long the exchange of a code that was pushed may wait for a component token.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an authorization code can be exchanged.
const CODE_LIFE: Duration = Duration::from_secs(600);
/// The pause between looks at a store that does not answer.
pub(super) const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

impl Platform {
    /// A merchant has authorised the platform, or changed that. The code is saved; it is exchanged in the background, and calls for
    /// the merchant wait for that.
    pub(crate) async fn receive_authorization(
        self: &Arc<Self>,
        appid: &str,
        code: SecretString,
        create_time: u64,
    ) -> Result<()> {
        let hash = code_hash(&code);
        let saved = self.update(appid, |current| {
            let known = match current {
                // A replay, or older than what is known.
                Some(Record::Authorizer(known)) if known.authorized_at >= create_time => return Change::Keep,
                // The merchant's page was faster.
                Some(Record::Authorizer(known)) if known.exchanged.as_ref() == Some(&hash) => return Change::Keep,
                Some(Record::Removed { at } | Record::Withdrawn { at }) if *at > create_time => return Change::Keep,
                Some(Record::Authorizer(known)) => known.clone(),
                _ => Authorizer::default(),
            };
            let code = Some(code.clone());
            Change::Put(Record::Authorizer(Authorizer { code, authorized_at: create_time, ..known }))
        });
        let saved = saved.await;
        let is_kept = matches!(&saved, Ok(Some(Record::Authorizer(known)))
            if known.authorized_at == create_time && is_same(known.code.as_ref(), Some(&code)));
        if saved.is_err() || is_kept {
            let merchant = self.core.merchant(appid);
            let is_forgotten = self.renew(&merchant).await;
            let stop = self.core.stopped();
            let completed = self.clone().complete_in_background(merchant, code, is_forgotten);
            task::spawn_in_background(async move {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    () = completed => {}
                }
            });
        }
        saved.map(drop)
    }

    /// Exchanges the saved code as a refresh does. During an outage of the store it waits as long as the code is valid: perhaps no
    /// call comes in that time, and WeChat pushes the code only a few times.
    async fn complete_in_background(
        self: Arc<Self>,
        merchant: Arc<Merchant>,
        code: SecretString,
        mut is_forgotten: bool,
    ) {
        let _in_use = merchant.cache.attach();
        let begun = clock::monotonic();
        let source: Arc<dyn TokenSource> =
            Arc::new(AuthorizerSource { platform: self.clone(), merchant: merchant.clone() });
        loop {
            let completed = async {
                if !is_forgotten {
                    // With the token of the authorisation before, nobody would exchange the code.
                    merchant.cache.forget(None).await?;
                    is_forgotten = true;
                }
                let deadline = Deadline::new(COMPLETION_TIMEOUT, Some(Endpoint::QueryAuth));
                merchant.cache.get(&source, &deadline).await
            };
            match completed.await {
                // A refresh that had begun before the push has brought this token, and leaves the code to the next one.
                Ok(_) if self.is_pending(&merchant, &code).await && begun.elapsed() < CODE_LIFE => is_forgotten = false,
                Ok(_) => return,
                Err(error) if is_outage(&error) && begun.elapsed() < CODE_LIFE => {
                    tokio::time::sleep(OUTAGE_PAUSE).await;
                }
                Err(error) => return merchant.events.platform(|| PlatformNotice::AuthorizationFailed { error }),
            }
        }
    }

    /// Whether a code is saved and not exchanged.
    async fn is_pending(&self, merchant: &Merchant, code: &SecretString) -> bool {
        let saved = self.core.records.read(&RecordKey::Authorizer(merchant.appid.to_string())).await;
        matches!(saved, Ok(Some(Record::Authorizer(known))) if is_same(known.code.as_ref(), Some(code)))
    }

    /// A merchant has withdrawn its authorisation.
    pub(crate) async fn receive_withdrawal(&self, appid: &str, create_time: u64) -> Result<()> {
        let saved = self.update(appid, |current| match current {
            Some(Record::Authorizer(known)) if known.authorized_at > create_time => Change::Keep,
            Some(Record::Removed { .. }) => Change::Keep,
            _ => Change::Put(Record::Withdrawn { at: create_time }),
        });
        let saved = saved.await;
        if !matches!(saved, Ok(Some(Record::Authorizer(_)))) {
            self.end(&self.core.merchant(appid), "withdrawn").await;
        }
        saved.map(drop)
    }

    /// Exchanges a code that the merchant brought. Returns its appid and the permission sets that it has granted.
    pub(crate) async fn complete_authorization(
        self: &Arc<Self>,
        code: &SecretString,
        deadline: &Deadline,
    ) -> Result<(String, Vec<i64>)> {
        let granted = self.query_auth_once(code, deadline).await?;
        let (appid, now) = (granted.appid.clone(), self.core.seconds());
        let (tokens, hash) = (granted.tokens.clone(), code_hash(code));
        let is_kept = Mutex::new(false);
        let saved = self.update(&appid, |current| {
            let known = match current {
                Some(Record::Authorizer(known)) => known.clone(),
                _ => Authorizer::default(),
            };
            // The push has brought the same code, here or to another process, and it was exchanged.
            *is_kept.lock() = known.exchanged.as_ref() == Some(&hash);
            if *is_kept.lock() {
                return Change::Keep;
            }
            Change::Put(Record::Authorizer(Authorizer {
                obtained_at: known.next_time(tokens.asked_at),
                refresh_token: tokens.refresh_token.clone().or(known.refresh_token),
                code: known.code.filter(|pushed| !is_same(Some(pushed), Some(code))),
                exchanged: Some(hash.clone()),
                authorized_at: now.max(known.authorized_at),
            }))
        });
        let saved = saved.await;
        let merchant = self.core.merchant(&appid);
        let life = tokens.expires_in.and_then(|life| u64::try_from(life).ok()).unwrap_or_default();
        match saved {
            Ok(_) if is_kept.into_inner() => {
                // Another process has exchanged it, and tells that soon: a refusal that is remembered here is over.
                if merchant.cache.current().is_none() {
                    merchant.cache.forget_here(None);
                }
                Ok((appid, granted.permissions.clone()))
            }
            Ok(_) => {
                self.renew(&merchant).await;
                let received = ReceivedToken {
                    value: tokens.access_token,
                    expires_in: tokens.expires_in,
                    requested_at: granted.requested_at,
                    refresh_early: true,
                };
                // A Redis that does not answer has the token later, from this process.
                let _ = merchant.cache.adopt(received).await;
                merchant.events.platform(|| PlatformNotice::AuthorizationCompleted);
                Ok((appid, granted.permissions.clone()))
            }
            Err(error) => {
                let token =
                    SourceToken { value: tokens.access_token, expires_in: tokens.expires_in, refresh_early: true };
                let expires = granted.requested_at.mono + Duration::from_secs(life);
                merchant.keep_waiting(WaitingToken { token, expires });
                Err(error)
            }
        }
    }

    /// Takes over a merchant from another program. Asks WeChat nothing.
    pub(crate) async fn import_authorizer(&self, appid: &str, refresh_token: SecretString) -> Result<()> {
        let (now, asked_at) = (self.core.seconds(), self.core.clock.now().unix_millis());
        let is_kept = AtomicBool::new(false);
        let imported = |current: Option<&Record>| match current {
            Some(Record::Authorizer(known)) if is_same(known.refresh_token.as_ref(), Some(&refresh_token)) => {
                is_kept.store(true, Ordering::Relaxed);
                Change::Keep
            }
            Some(Record::Authorizer(known)) => Change::Put(Record::Authorizer(Authorizer {
                refresh_token: Some(refresh_token.clone()),
                authorized_at: now.max(known.authorized_at),
                obtained_at: known.next_time(asked_at),
                ..Authorizer::default()
            })),
            _ => Change::Put(Record::Authorizer(Authorizer {
                refresh_token: Some(refresh_token.clone()),
                authorized_at: now,
                obtained_at: asked_at,
                ..Authorizer::default()
            })),
        };
        self.update(appid, imported).await?;
        let merchant = self.core.merchant(appid);
        if !is_kept.into_inner() {
            self.renew(&merchant).await;
        } else if merchant.cache.current().is_none() {
            // A service may import all its merchants at each start: their tokens are good. A refusal that is remembered is over.
            merchant.cache.forget_here(None);
        }
        Ok(())
    }

    /// Forgets a merchant for good.
    pub(crate) async fn remove_authorizer(&self, appid: &str) -> Result<()> {
        let at = self.core.seconds();
        let saved = self.update(appid, |_| Change::Put(Record::Removed { at })).await;
        // In a store that is another process's, or damaged, the merchant is still there.
        if saved.as_ref().err().is_none_or(is_outage) {
            self.end(&self.core.merchant(appid), "removed").await;
        }
        saved.map(drop)
    }

    async fn update(
        &self,
        appid: &str,
        change: impl Fn(Option<&Record>) -> Change + Send + Sync,
    ) -> Result<Option<Record>> {
        self.update_merchant(&self.core.merchant(appid), change).await
    }

    /// Changes the record of a merchant, and remembers what it is now, saved or not.
    pub(crate) async fn update_merchant(
        &self,
        merchant: &Merchant,
        change: impl Fn(Option<&Record>) -> Change + Send + Sync,
    ) -> Result<Option<Record>> {
        let key = RecordKey::Authorizer(merchant.appid.to_string());
        let saved = self.core.records.update(&key, merchant.known().as_ref(), change).await;
        match &saved {
            Ok(record) => merchant.set_known(record.clone()),
            Err(_) => {
                if let Some(kept) = self.core.records.unsaved_of(&key) {
                    merchant.set_known(Some(kept));
                }
            }
        }
        saved
    }

    /// Drops a merchant's access token, in the whole fleet: the next one comes from its new authorisation. Returns whether the
    /// token that the fleet shares is gone. The other processes are told as soon as Redis answers.
    async fn renew(&self, merchant: &Merchant) -> bool {
        let is_forgotten = merchant.cache.forget(None).await.is_ok();
        self.core.tell(ChangeNotice::Renewed(merchant.appid.to_string())).await;
        is_forgotten
    }

    /// Drops a merchant's tokens, in the whole fleet.
    async fn end(&self, merchant: &Arc<Merchant>, reason: &'static str) {
        merchant.take_waiting();
        if merchant.cache.forget(Some(&not_authorized())).await.is_err() {
            self.core.forget_stored_token(merchant.clone());
        }
        merchant.events.platform(|| PlatformNotice::AuthorizationEnded { reason });
        self.core.tell(ChangeNotice::Ended(merchant.appid.to_string())).await;
    }

    /// The URL of the page on which a merchant authorises the platform.
    pub(crate) async fn authorization_url(&self, page: &AuthorizationPage, deadline: &Deadline) -> Result<String> {
        let code = self.preauth_code(deadline).await?;
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if page.mobile {
            query.append_pair("action", "bindcomponent").append_pair("no_scan", "1");
        }
        query
            .append_pair("component_appid", &self.core.appid)
            .append_pair("pre_auth_code", code.expose_secret())
            .append_pair("redirect_uri", &page.redirect_uri);
        if let Some(auth_type) = page.auth_type {
            query.append_pair("auth_type", &auth_type.to_string());
        }
        if let Some(appid) = &page.biz_appid {
            query.append_pair("biz_appid", appid);
        }
        let query = query.finish();
        Ok(match page.mobile {
            true => format!("https://open.weixin.qq.com/wxaopen/safe/bindcomponent?{query}#wechat_redirect"),
            false => format!("https://mp.weixin.qq.com/cgi-bin/componentloginpage?{query}"),
        })
    }
}

/// The page on which a merchant authorises.
pub(crate) struct AuthorizationPage {
    pub(crate) redirect_uri: String,
    /// Which accounts the page offers.
    pub(crate) auth_type: Option<u32>,
    pub(crate) biz_appid: Option<String>,
    /// For a browser inside WeChat.
    pub(crate) mobile: bool,
}
