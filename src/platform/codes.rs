//! Authorization codes: each can be exchanged once, and both the push and the page that the merchant returns to bring it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Platform;
use super::calls::Granted;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::event::attempt;
use crate::wechat::endpoint::Endpoint;

/// How long the result of an exchange is remembered: a merchant returns to the page within a moment.
const KEPT_FOR: Duration = Duration::from_secs(600);
const MAX_KEPT: usize = 256;
/// The time of one exchange, whoever waits for it.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(6);

type Outcome = Option<Result<Arc<Granted>>>;

/// The exchanges of this process, which run or have succeeded.
#[derive(Default)]
pub(crate) struct ExchangedCodes(Mutex<VecDeque<Exchange>>);

struct Exchange {
    at: Instant,
    hash: Vec<u8>,
    outcome: watch::Receiver<Outcome>,
}

impl ExchangedCodes {
    fn join(&self, code: &SecretString) -> (watch::Receiver<Outcome>, Option<watch::Sender<Outcome>>) {
        let hash = digest(&SHA256, code.expose_secret().as_bytes()).as_ref().to_vec();
        let mut exchanges = self.0.lock();
        exchanges.retain(|exchange| exchange.at.elapsed() < KEPT_FOR && !exchange.has_failed());
        if let Some(exchange) = exchanges.iter().find(|exchange| exchange.hash == hash) {
            return (exchange.outcome.clone(), None);
        }
        let (sender, outcome) = watch::channel(None);
        exchanges.truncate(MAX_KEPT - 1);
        exchanges.push_front(Exchange { at: clock::monotonic(), hash, outcome: outcome.clone() });
        (outcome, Some(sender))
    }
}

impl Exchange {
    fn has_failed(&self) -> bool {
        match &*self.outcome.borrow() {
            None => self.outcome.has_changed().is_err(),
            Some(outcome) => outcome.is_err(),
        }
    }
}

impl Platform {
    /// Exchanges a code, or gives what this process has exchanged it for.
    pub(crate) async fn query_auth_once(
        self: &Arc<Self>,
        code: &SecretString,
        deadline: &Deadline,
    ) -> Result<Arc<Granted>> {
        let (mut outcome, sender) = self.core.codes.join(code);
        if let Some(sender) = sender {
            let (platform, code) = (self.clone(), code.clone());
            tokio::spawn(attempt::inherited(async move {
                let deadline = Deadline::new(EXCHANGE_TIMEOUT, Some(Endpoint::QueryAuth));
                let granted = platform.query_auth(code.expose_secret(), &deadline).await;
                sender.send_replace(Some(granted.map(Arc::new)));
            }));
        }
        let done = async {
            let done = outcome.wait_for(Option::is_some).await.map_err(|_| Error::Closed)?;
            done.clone().unwrap_or(Err(Error::Closed))
        };
        deadline.timeout(TimeoutPhase::Answer, || None, done).await?
    }
}
