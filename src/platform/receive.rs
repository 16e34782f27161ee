//! What is done with a push. It is done when what the push brought is saved; codes are exchanged after that.

use std::sync::Arc;
use std::time::Duration;

use super::Platform;
use super::push::PlatformEvent;
use super::store::failed;
use crate::error::{Error, Result, StoreProblem};
use crate::task;

/// WeChat waits 5 seconds for the answer to a push. A store has its own limit for each operation, of which a push needs several.
const SAVE_TIMEOUT: Duration = Duration::from_secs(4);

impl Platform {
    /// Takes what a push says. After [`SAVE_TIMEOUT`] it fails, so that WeChat sends the push again, and the work goes on.
    pub(crate) async fn receive(self: &Arc<Self>, event: &PlatformEvent) -> Result<()> {
        let (platform, event) = (self.clone(), event.clone());
        let work = task::spawn_for_call(async move { platform.take(&event).await });
        match tokio::time::timeout(SAVE_TIMEOUT, work).await {
            Ok(taken) => taken.unwrap_or(Err(Error::Closed)),
            Err(_) => Err(failed(StoreProblem::PushNotSaved { limit: SAVE_TIMEOUT })),
        }
    }

    async fn take(self: &Arc<Self>, event: &PlatformEvent) -> Result<()> {
        match event {
            PlatformEvent::ComponentVerifyTicket { ticket, create_time } => {
                self.core.receive_ticket(ticket.clone(), *create_time).await.map(drop)
            }
            PlatformEvent::Authorized(given) | PlatformEvent::UpdateAuthorized(given) => {
                let code = given.authorization_code.clone();
                self.receive_authorization(&given.authorizer_appid, code, given.create_time).await
            }
            PlatformEvent::Unauthorized { authorizer_appid, create_time } => {
                self.receive_withdrawal(authorizer_appid, *create_time).await
            }
            PlatformEvent::Other { .. } => Ok(()),
        }
    }
}
