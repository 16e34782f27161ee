//! The token source of a process, with the attempts, pauses and retries of the crate's `WeChat` and `Transport`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};
use wxacode::backoff::backoff;
use wxacode::error::{Error, NetworkErrorKind, Result};
use wxacode::keys::Mode;
use wxacode::token::source::{FETCH_TIMEOUT, SourceToken, TokenRequest, TokenSource};
use wxacode::wechat::answer::Refusal;
use wxacode::wechat::endpoint::Endpoint;

use crate::wire::{Message, TokenOutbox, TokenResponse};

pub(crate) const ATTEMPT: Duration = Duration::from_secs(4);

pub(crate) struct SimulatedSource {
    pub(crate) mode: Mode,
    pub(crate) outbox: Arc<TokenOutbox>,
}

impl SimulatedSource {
    fn kind(&self) -> Endpoint {
        match self.mode {
            Mode::Stable => Endpoint::StableToken,
            Mode::Classic => Endpoint::ClassicToken,
        }
    }

    fn network(&self, kind: NetworkErrorKind) -> Error {
        Error::Network { endpoint: self.kind(), kind, host: "h".into(), proxy: None, detail: "d".into() }
    }

    async fn attempt(&self, forced: bool, rejected: bool, again: bool) -> Result<SourceToken> {
        let asked = self.outbox.ask(|reply| Message::Token { forced, rejected, again, reply });
        match timeout(ATTEMPT, asked).await {
            Ok(TokenResponse::Token { value, expires_in }) => {
                Ok(SourceToken { value: value.into(), expires_in, refresh_early: true })
            }
            Ok(TokenResponse::Errcode(errcode)) => {
                let refusal = Refusal { errcode, errmsg: String::new(), rid: None, hint: None };
                Err(Error::Api { endpoint: self.kind(), refusal, subject: None })
            }
            Ok(TokenResponse::Unreachable) => Err(self.network(NetworkErrorKind::Unreachable)),
            Err(_) => Err(self.network(NetworkErrorKind::ResponseTimeout)),
        }
    }
}

impl TokenSource for SimulatedSource {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(self.kind())
    }

    fn repeats_tokens(&self) -> bool {
        self.mode == Mode::Stable
    }

    fn works_without_store(&self) -> bool {
        self.mode == Mode::Stable
    }

    fn timeout(&self) -> Duration {
        FETCH_TIMEOUT
    }

    fn fetch<'a>(&'a self, request: TokenRequest<'a>) -> BoxFuture<'a, Result<SourceToken>> {
        Box::pin(async move {
            let retries = if self.mode == Mode::Stable && !request.forced { 4 } else { 0 };
            let mut failures = 0;
            loop {
                let error = match self.attempt(request.forced, request.rejected.is_some(), failures > 0).await {
                    Ok(given) => return Ok(given),
                    Err(error) => error,
                };
                let pause = backoff(failures, fastrand::f64());
                if !error.is_transient() || failures == retries || pause >= request.deadline.remaining() {
                    return Err(error);
                }
                (request.on_retry)(error);
                sleep(pause).await;
                failures += 1;
            }
        })
    }
}
