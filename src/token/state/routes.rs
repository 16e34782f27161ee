//! What happened on each route to WeChat: clients of one account may use different proxies.

use std::collections::HashMap;
use std::time::Duration;

use super::SHORTEST_GAP;
use super::setback::Setback;
use crate::error::Error;
use crate::identity::RouteId;
use crate::token::clock::Now;

/// So many are kept before those are dropped of which nothing matters any more.
const MANY: usize = 8;

#[derive(Default)]
pub struct Routes(HashMap<RouteId, Route>);

#[derive(Default)]
struct Route {
    last_start: Option<Duration>,
    setback: Option<Setback>,
}

impl Routes {
    pub fn last_start(&self, route: RouteId) -> Option<Duration> {
        self.0.get(&route)?.last_start
    }

    /// The failure after which nobody on this route flies yet.
    pub fn setback(&self, route: RouteId, now: Now) -> Option<&Setback> {
        self.0.get(&route)?.setback.as_ref().filter(|setback| setback.lasts(now))
    }

    pub fn started(&mut self, route: RouteId, now: Now) {
        if self.0.len() >= MANY {
            self.0.retain(|_, route| route.matters(now));
        }
        self.0.entry(route).or_default().last_start = Some(now.mono);
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn succeeded(&mut self, route: RouteId) {
        if let Some(route) = self.0.get_mut(&route) {
            route.setback = None;
        }
    }

    pub fn failed(&mut self, route: RouteId, error: &Error, now: Now, dice: f64) {
        let route = self.0.entry(route).or_default();
        if let Some(setback) = Setback::after(route.setback.as_ref(), error, now, dice) {
            route.setback = Some(setback);
        }
    }
}

impl Route {
    fn matters(&self, now: Now) -> bool {
        let recent = self.last_start.is_some_and(|start| now.mono < start + SHORTEST_GAP);
        recent || self.setback.as_ref().is_some_and(|setback| setback.lasts(now))
    }
}
