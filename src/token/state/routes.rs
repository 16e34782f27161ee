//! What happened on each route to WeChat: clients of one account may use different proxies.

use std::collections::HashMap;
use std::time::Duration;

use super::MIN_REFRESH_INTERVAL;
use super::backoff::RefreshBackoff;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::keys::RouteId;

/// From this number on, routes without a recent refresh or backoff are dropped.
const PRUNE_AT: usize = 8;

/// The last refresh and the backoff of each route.
#[derive(Default)]
pub(crate) struct Routes(HashMap<RouteId, Route>);

#[derive(Default)]
struct Route {
    last_start: Option<Duration>,
    backoff: Option<RefreshBackoff>,
}

impl Routes {
    /// When a refresh last began on this route, on the monotonic clock.
    pub(crate) fn last_start(&self, route: RouteId) -> Option<Duration> {
        self.0.get(&route)?.last_start
    }

    /// The failure after which no refresh starts on this route yet.
    pub(crate) fn backoff(&self, route: RouteId, now: Timestamp) -> Option<&RefreshBackoff> {
        self.0.get(&route)?.backoff.as_ref().filter(|backoff| backoff.is_active(now))
    }

    /// A refresh begins on this route.
    pub(crate) fn started(&mut self, route: RouteId, now: Timestamp) {
        if self.0.len() >= PRUNE_AT {
            self.0.retain(|_, route| route.matters(now));
        }
        self.0.entry(route).or_default().last_start = Some(now.mono);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A refresh has succeeded on this route: its backoff is over.
    pub(crate) fn succeeded(&mut self, route: RouteId) {
        if let Some(route) = self.0.get_mut(&route) {
            route.backoff = None;
        }
    }

    /// A refresh has failed on this route. `jitter` is from 0 to 1.
    pub(crate) fn failed(&mut self, route: RouteId, error: &Error, now: Timestamp, jitter: f64) {
        let route = self.0.entry(route).or_default();
        if let Some(backoff) = RefreshBackoff::after(route.backoff.as_ref(), error, now, jitter) {
            route.backoff = Some(backoff);
        }
    }
}

impl Route {
    fn matters(&self, now: Timestamp) -> bool {
        let recent = self.last_start.is_some_and(|start| now.mono < start + MIN_REFRESH_INTERVAL);
        recent || self.backoff.as_ref().is_some_and(|backoff| backoff.is_active(now))
    }
}
