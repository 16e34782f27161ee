//! One call: token and permit, transport, response, and the single replay with another token.

use std::time::Duration;

use parking_lot::Mutex;

use super::stats::Counters;
use super::{Client, Tokens};
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::rate_limit::{Permit, RedisAvailability};
use crate::redact;
use crate::token::state::Token;
use crate::transport::{HttpRequest, OnUsed, RetryPolicy};
use crate::wechat::answer::{AnswerError, AnswerKind};
use crate::wechat::body::Body;
use crate::wechat::request::ApiRequest;

/// A request with its deadline and retries.
pub(crate) struct TimedRequest<'a> {
    pub(crate) request: &'a ApiRequest,
    pub(crate) deadline: &'a Deadline,
    pub(crate) retries: u32,
    /// The time of one attempt; `None` for all that is left.
    pub(crate) attempt_timeout: Option<Duration>,
}

/// Reads the body of a response.
pub(crate) type Read<'a> = &'a (dyn Fn(&Body) -> Result<AnswerKind, AnswerError> + Sync);

impl Client {
    /// Gives the bytes of the response and what `read` made of them. When WeChat says that the minute is used up, waits for the
    /// next minute if the deadline allows it.
    pub(super) async fn send_within_rate_limit(
        &self,
        call: &TimedRequest<'_>,
        read: Read<'_>,
    ) -> Result<(Body, AnswerKind)> {
        loop {
            match self.send_with_token(call, read).await {
                Err(error) if error.is_rate_limited() && call.deadline.outlasts(self.rate_limiter.pause().await) => {}
                answer => return answer,
            }
        }
    }

    async fn send_with_token(&self, call: &TimedRequest<'_>, read: Read<'_>) -> Result<(Body, AnswerKind)> {
        let Some(tokens) = &self.tokens else {
            let permit = self.acquire_permit(call, RedisAvailability::Reachable).await?;
            return self.send(call, None, permit.as_ref(), read).await;
        };
        let Tokens { cache, source, .. } = tokens;
        // Token and permits at the same time, so that a call waits for a slow Redis once. A permit is taken when there is something to send.
        let (mut token, redis) = tokio::try_join!(cache.get(source, call.deadline), self.prefetch_permits(call))?;
        let permit = self.acquire_permit(call, redis).await?;
        if permit.as_ref().is_some_and(|permit| permit.waited) {
            token = cache.get(source, call.deadline).await?;
        }
        let answer = self.send_with_replay(call, tokens, &token, permit.as_ref(), read).await;
        answer.inspect_err(|error| source.on_refusal(error))
    }

    async fn send_with_replay(
        &self,
        call: &TimedRequest<'_>,
        Tokens { cache, source, .. }: &Tokens,
        token: &Token,
        permit: Option<&Permit<'_>>,
        read: Read<'_>,
    ) -> Result<(Body, AnswerKind)> {
        let answer = self.send(call, Some(token), permit, read).await;
        let Some(errcode) = answer.as_ref().err().and_then(Error::rejected_token) else { return answer };
        match cache.replace(token, errcode, source, call.deadline).await? {
            Some(other) => {
                Counters::add(&self.stats.replays);
                self.send(call, Some(&other), permit, read).await
            }
            None => answer,
        }
    }

    async fn prefetch_permits(&self, call: &TimedRequest<'_>) -> Result<RedisAvailability> {
        match call.request.endpoint.counts_by_the_minute() {
            true => Ok(self.rate_limiter.prefetch().await),
            false => Ok(RedisAvailability::Reachable),
        }
    }

    /// Waits for a permit, if WeChat counts this endpoint by the minute.
    async fn acquire_permit(
        &self,
        TimedRequest { request, deadline, .. }: &TimedRequest<'_>,
        redis: RedisAvailability,
    ) -> Result<Option<Permit<'_>>> {
        if !request.endpoint.counts_by_the_minute() {
            return Ok(None);
        }
        self.rate_limiter.acquire(&request.endpoint, deadline, redis).await.map(Some)
    }

    async fn send(
        &self,
        call: &TimedRequest<'_>,
        token: Option<&Token>,
        permit: Option<&Permit<'_>>,
        read: Read<'_>,
    ) -> Result<(Body, AnswerKind)> {
        let ApiRequest { endpoint, query, body } = call.request;
        let token = token.map(Token::expose);
        let auth_param = match (token, &self.from_appid) {
            (Some(token), _) => Some(("access_token", token)),
            (None, Some(appid)) => Some(("from_appid", appid.as_str())),
            (None, None) => None,
        };
        let more = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query: Vec<_> = auth_param.into_iter().chain(more).collect();
        let sent = permit.map(Permit::sent);
        // The body of a component call has tokens of a merchant.
        let text = body.as_deref().filter(|_| endpoint.returns_token()).and_then(|body| std::str::from_utf8(body).ok());
        let secrets: Vec<_> = token.into_iter().chain(redact::named_values(text.unwrap_or_default())).collect();
        let record = |used, duration| self.lifetime_quota.record(used, duration);
        let on_used: Option<&OnUsed<'_>> = if endpoint.counts_for_life() { Some(&record) } else { None };
        let (endpoint, body) = (endpoint.clone(), body.clone());
        let http_request = HttpRequest { endpoint, query: &query, body, secrets: &secrets, sent, on_used };
        // No harm is done when WeChat makes the same QR code twice.
        let repeatable = http_request.endpoint.returns_qr_code() || call.retries > 0;
        let policy = RetryPolicy { retries: call.retries, attempt_timeout: call.attempt_timeout, repeatable };
        Counters::add(&self.stats.requests);
        let last_failure = Mutex::new(None);
        let on_retry = |error: Error| {
            permit.iter().for_each(|permit| permit.record_extra());
            Counters::add(&self.stats.requests);
            if !error.is_of_idle_connection() {
                *last_failure.lock() = Some(error);
            }
        };
        let last = || last_failure.lock().take();
        let answer = self.transport.send_with_retries(&http_request, policy, call.deadline, &on_retry, read);
        let answer = call.deadline.timeout(TimeoutPhase::Answer, last, answer).await?;
        if answer.as_ref().err().is_none_or(Error::accepts_token) {
            self.rate_limiter.mark_authenticated();
        }
        answer
    }
}
