//! What is done with a push. It is done when what the push brought is saved; codes are exchanged after that.

use std::sync::Arc;

use super::Platform;
use super::push::PlatformEvent;
use crate::error::Result;

impl Platform {
    /// Takes what a push says.
    pub(crate) async fn receive(self: &Arc<Self>, event: &PlatformEvent) -> Result<()> {
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
