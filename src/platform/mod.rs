//! A third-party platform (第三方平台): the provider's own app, to which merchants give authority over theirs.
//!
//! | module | what |
//! |---|---|
//! | `core` | what all platforms of a process share that agree on their settings |
//! | `tickets`, `component`, `authorizer` | the three credentials: each is a source of the next one |
//! | `merchant` | a merchant's access token, and what is remembered of its record |
//! | `authorization`, `codes` | merchants authorise, return, are imported, withdraw |
//! | `push`, `receive` | what WeChat pushes: checked, decrypted, read; and what is done with it |
//! | `calls`, `list` | the calls with the component token; WeChat's list of merchants |
//! | `record`, `records`, `store` | what must not be lost, and where it is kept |
//! | `changes`, `fleet`, `fleet_codes` | what processes tell each other through Redis |

mod authorization;
mod authorizer;
mod calls;
mod changes;
mod codes;
mod component;
pub(crate) mod core;
mod fleet;
mod fleet_codes;
mod list;
mod merchant;
pub mod push;
mod receive;
mod record;
mod records;
pub(crate) mod store;
mod tickets;

use std::sync::Arc;

use parking_lot::Mutex;

pub(crate) use authorization::AuthorizationPage;
pub(crate) use authorizer::AuthorizerSource;
pub(crate) use component::ComponentSource;
use core::{Core, CoreHandle};

use crate::client::Client;

#[cfg(test)]
mod tests;

/// The Rust side of one `new WxaPlatform(...)`.
pub(crate) struct Platform {
    pub(crate) core: Arc<Core>,
    /// Makes the component calls.
    pub(crate) component: Arc<Client>,
    in_use: Mutex<Option<CoreHandle>>,
}

impl Platform {
    /// A platform on `core`, whose calls `component` makes.
    pub(crate) fn new(core: Arc<Core>, component: Arc<Client>) -> Arc<Self> {
        let (handle, is_first) = core.attach();
        if is_first {
            core.listen();
        }
        Arc::new(Self { core, component, in_use: Mutex::new(Some(handle)) })
    }

    /// Ends the use of the core, when the last call has ended. Then its file is free.
    pub(crate) async fn release(&self) {
        self.component.dispose();
        let handle = self.in_use.lock().take();
        if let Some(handle) = handle {
            handle.release().await;
        }
    }
}
