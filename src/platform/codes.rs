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
use super::fleet_codes::Claim;
use crate::clock;
use crate::deadline::Deadline;
use crate::error::{Error, Result, TimeoutPhase};
use crate::seal::hex;
use crate::task;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::errcode::INVALID_AUTHORIZATION_CODE;

/// How long the result of an exchange is remembered: a merchant returns to the page within a moment.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(600);
const MAX_KEPT: usize = 256;
/// The time of one exchange, whoever waits for it.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(6);

type Outcome = Option<Result<Arc<Granted>>>;

/// The exchanges of this process, which run or have succeeded, and the codes that WeChat has refused.
#[derive(Default)]
pub(crate) struct ExchangedCodes {
    exchanges: Mutex<VecDeque<Exchange>>,
    refused: Mutex<VecDeque<RefusedCode>>,
}

/// A code that was used or has expired. It is not sent again: in an outage its record cannot be changed, and still has it.
struct RefusedCode {
    at: Instant,
    hash: String,
    error: Error,
}

struct Exchange {
    at: Instant,
    hash: String,
    outcome: watch::Receiver<Outcome>,
}

impl ExchangedCodes {
    fn join(&self, code: &SecretString) -> (watch::Receiver<Outcome>, Option<watch::Sender<Outcome>>) {
        let hash = code_hash(code);
        let mut exchanges = self.exchanges.lock();
        exchanges.retain(|exchange| exchange.at.elapsed() < KEPT_FOR && !exchange.has_failed());
        if let Some(exchange) = exchanges.iter().find(|exchange| exchange.hash == hash) {
            return (exchange.outcome.clone(), None);
        }
        let (sender, outcome) = watch::channel(None);
        exchanges.truncate(MAX_KEPT - 1);
        exchanges.push_front(Exchange { at: clock::monotonic(), hash, outcome: outcome.clone() });
        (outcome, Some(sender))
    }

    /// What WeChat has said of a code that is good for nothing.
    fn refusal(&self, code: &SecretString) -> Option<Error> {
        let hash = code_hash(code);
        let mut refused = self.refused.lock();
        refused.retain(|refused| refused.at.elapsed() < KEPT_FOR);
        refused.iter().find(|refused| refused.hash == hash).map(|refused| refused.error.clone())
    }

    /// Remembers a refusal, if another request would be refused too.
    fn note_refusal(&self, code: &SecretString, error: &Error) {
        if is_refused_for_good(error) {
            let mut refused = self.refused.lock();
            refused.truncate(MAX_KEPT - 1);
            refused.push_front(RefusedCode { at: clock::monotonic(), hash: code_hash(code), error: error.clone() });
        }
    }
}

/// Whether WeChat says of an authorization code that it was used or has expired.
pub(super) fn is_refused_for_good(error: &Error) -> bool {
    error.errcode().is_some_and(|errcode| INVALID_AUTHORIZATION_CODE.contains(&errcode))
}

/// Names a code without giving it away.
pub(crate) fn code_hash(code: &SecretString) -> String {
    hex(&digest(&SHA256, code.expose_secret().as_bytes()).as_ref()[..16])
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
    /// Exchanges a code, or gives what this process, or another one of the fleet, has exchanged it for.
    pub(crate) async fn query_auth_once(
        self: &Arc<Self>,
        code: &SecretString,
        deadline: &Deadline,
    ) -> Result<Arc<Granted>> {
        let (mut outcome, sender) = self.core.codes.join(code);
        if let Some(sender) = sender {
            let (platform, code) = (self.clone(), code.clone());
            task::spawn_for_call(async move {
                let granted = platform.query_auth_in_fleet(&code).await;
                sender.send_replace(Some(granted.map(Arc::new)));
            });
        }
        let done = async {
            let done = outcome.wait_for(Option::is_some).await.map_err(|_| Error::Closed)?;
            done.clone().unwrap_or(Err(Error::Closed))
        };
        deadline.timeout(TimeoutPhase::Answer, || None, done).await?
    }

    async fn query_auth_in_fleet(&self, code: &SecretString) -> Result<Granted> {
        let exchange = async || {
            if let Some(error) = self.core.codes.refusal(code) {
                return Err(error);
            }
            let deadline = Deadline::new(EXCHANGE_TIMEOUT, Some(Endpoint::QueryAuth));
            let granted = self.query_auth(code.expose_secret(), &deadline).await;
            granted.inspect_err(|error| self.core.codes.note_refusal(code, error))
        };
        let Some(fleet) = &self.core.fleet_codes else { return exchange().await };
        let was_overtaken = match fleet.claim(code).await {
            Claim::Told(granted) => return Ok(granted),
            Claim::Overtaken => true,
            Claim::Ours => false,
        };
        match exchange().await {
            Ok(granted) => {
                fleet.tell(code, &granted).await;
                Ok(granted)
            }
            Err(error) => {
                if is_refused_for_good(&error)
                    && let Some(granted) = fleet.told(code, was_overtaken).await
                {
                    return Ok(granted);
                }
                fleet.give_back(code).await;
                Err(error)
            }
        }
    }
}
