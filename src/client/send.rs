//! One call: token and permit, transport, answer, and the single replay with another token.

use parking_lot::Mutex;

use super::stats::Counters;
use super::{Client, Tokens};
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::rate_limit::{Fleet, Permit};
use crate::token::state::Token;
use crate::transport::body::Body;
use crate::transport::{HttpRequest, RetryPolicy};
use crate::wechat::answer::{AnswerError, AnswerKind};
use crate::wechat::request::ApiRequest;

/// A request with its deadline and retries.
pub struct TimedRequest<'a> {
    pub question: &'a ApiRequest,
    pub deadline: &'a Deadline,
    pub retries: u32,
}

/// What an answer's bytes are.
pub type Read<'a> = &'a (dyn Fn(&[u8]) -> Result<AnswerKind, AnswerError> + Sync);

impl Client {
    /// Gives the bytes of the answer and what `read` made of them. When WeChat says that the minute is full, waits for the next
    /// one if the deadline allows it.
    pub(super) async fn ask_in_turn(&self, ask: &TimedRequest<'_>, read: Read<'_>) -> Result<(Body, AnswerKind)> {
        loop {
            match self.ask_with_token(ask, read).await {
                Err(error) if error.is_rate_limited() && self.turns.pause().await < ask.deadline.left() => {}
                answer => return answer,
            }
        }
    }

    async fn ask_with_token(&self, ask: &TimedRequest<'_>, read: Read<'_>) -> Result<(Body, AnswerKind)> {
        let Some(tokens) = &self.tokens else {
            let turn = self.turn(ask, Fleet::Answers).await?;
            return self.ask(ask, None, turn.as_ref(), read).await;
        };
        let Tokens { cache, source, .. } = tokens;
        // At the same time, so that a call waits for a slow Redis once. A permit is taken when there is something to send.
        let (mut token, fleet) = tokio::try_join!(cache.get(source, ask.deadline), self.prepare(ask))?;
        let turn = self.turn(ask, fleet).await?;
        if turn.as_ref().is_some_and(|turn| turn.waited) {
            token = cache.get(source, ask.deadline).await?;
        }
        let answer = self.ask(ask, Some(&token), turn.as_ref(), read).await;
        let Some(errcode) = answer.as_ref().err().and_then(Error::refused_token) else { return answer };
        match cache.replace(&token, errcode, source, ask.deadline).await? {
            Some(other) => {
                Counters::add(&self.stats.replays);
                self.ask(ask, Some(&other), turn.as_ref(), read).await
            }
            None => answer,
        }
    }

    async fn prepare(&self, ask: &TimedRequest<'_>) -> Result<Fleet> {
        match ask.question.endpoint.counts_by_the_minute() {
            true => Ok(self.turns.prepare().await),
            false => Ok(Fleet::Answers),
        }
    }

    /// Waits for a permit, if WeChat counts this endpoint by the minute.
    async fn turn(
        &self,
        TimedRequest { question, deadline, .. }: &TimedRequest<'_>,
        fleet: Fleet,
    ) -> Result<Option<Permit<'_>>> {
        if !question.endpoint.counts_by_the_minute() {
            return Ok(None);
        }
        self.turns.turn(&question.endpoint, deadline, fleet).await.map(Some)
    }

    async fn ask(
        &self,
        ask: &TimedRequest<'_>,
        token: Option<&Token>,
        turn: Option<&Permit<'_>>,
        read: Read<'_>,
    ) -> Result<(Body, AnswerKind)> {
        let ApiRequest { endpoint, query, body } = ask.question;
        let token = token.map(Token::expose);
        let whose = match (token, &self.from_appid) {
            (Some(token), _) => Some(("access_token", token)),
            (None, Some(appid)) => Some(("from_appid", appid.as_str())),
            (None, None) => None,
        };
        let more = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query: Vec<_> = whose.into_iter().chain(more).collect();
        let sent = turn.map(Permit::sent);
        let secrets = token.as_slice();
        let call = HttpRequest { endpoint: endpoint.clone(), query: &query, body: body.clone(), secrets, sent };
        // Nothing is lost by drawing a code twice.
        let repeatable = endpoint.gives_code() || ask.retries > 0;
        let effort = RetryPolicy { retries: ask.retries, attempt: None, repeatable };
        Counters::add(&self.stats.requests);
        let last_failure = Mutex::new(None);
        let report = |error| {
            turn.iter().for_each(|turn| turn.settle());
            Counters::add(&self.stats.requests);
            *last_failure.lock() = Some(error);
        };
        let last = || last_failure.lock().take();
        let send_with_retries = self.transport.send_with_retries(&call, effort, ask.deadline, &report, read);
        let answer = ask.deadline.hold(TimeoutPhase::Answer, last, send_with_retries).await?;
        if answer.as_ref().err().is_none_or(Error::accepts_token) {
            self.turns.accept();
        }
        answer
    }
}
