//! The component access token: a token source whose requests need a ticket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use serde_json::json;

use super::core::Core;
use super::tickets::TICKET_TIMEOUT;
use crate::error::{Error, Result};
use crate::keys::RouteId;
use crate::token::source::{ATTEMPT_TIMEOUT, SourceToken, TokenRequest, TokenSource};
use crate::transport::{HttpRequest, RetryPolicy, Transport};
use crate::wechat::answer::read_token;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::INVALID_TICKET;

/// Fetches component access tokens.
pub(crate) struct ComponentSource {
    pub(crate) core: Arc<Core>,
    pub(crate) transport: Arc<Transport>,
}

impl TokenSource for ComponentSource {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint::ComponentToken)
    }

    fn route(&self) -> RouteId {
        self.transport.route()
    }

    /// The platform has thousands of these requests a day.
    fn retries(&self) -> u32 {
        2
    }

    fn preparation_timeout(&self) -> Duration {
        TICKET_TIMEOUT
    }

    fn prepare<'a>(&'a self, on_wait: &'a (dyn Fn(Error) + Send + Sync)) -> Option<BoxFuture<'a, Result<()>>> {
        Some(Box::pin(async move { self.core.usable_ticket(on_wait).await.map(drop) }))
    }

    fn prepares_again_after(&self, error: &Error) -> bool {
        matches!(error, Error::Ticket(_))
    }

    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        Box::pin(async move {
            if self.core.records.is_shared() {
                // Another process may have sent the same ticket while this one waited for the lock. A store that fails now leaves
                // the ticket that this process knows.
                let _ = self.core.reload_ticket().await;
            }
            let ticket = self.core.tickets.current().filter(|ticket| !ticket.refused);
            let Some(ticket) = ticket else { return Err(self.core.ticket_error()) };
            let (secret, value) = (self.core.secret.expose_secret(), ticket.value.expose_secret());
            let body = json!({
                "component_appid": &*self.core.appid,
                "component_appsecret": secret,
                "component_verify_ticket": value,
            });
            let http = HttpRequest {
                endpoint: Endpoint::ComponentToken,
                query: &[],
                body: Some(body.to_string().into_bytes().into()),
                secrets: &[secret, value],
                sent: None,
                on_used: None,
            };
            let policy = RetryPolicy { retries: 0, attempt_timeout: Some(ATTEMPT_TIMEOUT), repeatable: true };
            let sent = self.transport.send_with_retries(&http, policy, &request.deadline, request.on_retry, read_token);
            match sent.await {
                Ok((_, response)) => Ok(SourceToken {
                    value: response.access_token.into(),
                    expires_in: response.expires_in,
                    refresh_early: true,
                }),
                Err(Error::Api { endpoint, refusal, .. }) if INVALID_TICKET.contains(&refusal.errcode) => {
                    Err(self.core.refuse_ticket(&ticket, endpoint, refusal).await)
                }
                Err(error) => Err(error),
            }
        })
    }
}
