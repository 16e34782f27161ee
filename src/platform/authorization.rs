//! Merchants come and go: authorisations that were pushed, completed by the caller, imported or removed.

use std::sync::Arc;
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
use crate::deadline::Deadline;
use crate::error::Result;
use crate::event::{PlatformNotice, attempt};
use crate::token::source::{SourceToken, TokenSource};
use crate::token::state::ReceivedToken;
use crate::wechat::endpoint::Endpoint;

/// How long the exchange of a code that was pushed may wait for a component token.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(60);

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
            self.renew(&merchant).await;
            tokio::spawn(attempt::in_background(self.clone().complete_in_background(merchant)));
        }
        saved.map(drop)
    }

    /// Exchanges the saved code as a refresh does.
    async fn complete_in_background(self: Arc<Self>, merchant: Arc<Merchant>) {
        let _in_use = merchant.cache.attach();
        let source: Arc<dyn TokenSource> =
            Arc::new(AuthorizerSource { platform: self.clone(), merchant: merchant.clone() });
        let deadline = Deadline::new(COMPLETION_TIMEOUT, Some(Endpoint::QueryAuth));
        if let Err(error) = merchant.cache.get(&source, &deadline).await {
            merchant.events.platform(|| PlatformNotice::AuthorizationFailed { error });
        }
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
        let imported = |current: Option<&Record>| match current {
            Some(Record::Authorizer(known)) if is_same(known.refresh_token.as_ref(), Some(&refresh_token)) => {
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
        self.renew(&self.core.merchant(appid)).await;
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
        let key = RecordKey::Authorizer(appid.to_owned());
        let merchant = self.core.merchant(appid);
        let saved = self.core.records.update(&key, merchant.known().as_ref(), change).await;
        if let Ok(record) = &saved {
            merchant.set_known(record.clone());
        }
        saved
    }

    /// Drops a merchant's access token, in the whole fleet: the next one comes from its new authorisation.
    async fn renew(&self, merchant: &Merchant) {
        // A Redis that does not answer is told by `changes`.
        let _ = merchant.cache.forget(None).await;
        self.core.tell(ChangeNotice::Renewed(merchant.appid.to_string())).await;
    }

    /// Drops a merchant's tokens, in the whole fleet.
    async fn end(&self, merchant: &Merchant, reason: &'static str) {
        merchant.take_waiting();
        let _ = merchant.cache.forget(Some(&not_authorized())).await;
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
