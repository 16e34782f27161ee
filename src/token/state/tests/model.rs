//! The model: callers on two routes, one WeChat that answers or fails as it likes, clocks that jump.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    Request(RouteId),
    ForcedRequest(RouteId),
    Completes(RouteId, Outcome),
    Rejected,
    OldRejected,
    TimePasses(f64),
    WallJumps(f64),
}

#[derive(Clone, Debug)]
enum Outcome {
    New(Option<i64>),
    Same,
    Fails(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let life = prop_oneof![
        Just(None),
        Just(Some(7200)),
        Just(Some(300)),
        any::<i64>().prop_map(Some),
        (-5i64..400).prop_map(Some)
    ];
    let outcome =
        prop_oneof![3 => life.prop_map(Outcome::New), 1 => Just(Outcome::Same), 3 => (0u8..6).prop_map(Outcome::Fails)];
    let route = || prop::sample::select(vec![ONE, OTHER]);
    prop_oneof![
        6 => route().prop_map(Event::Request),
        1 => route().prop_map(Event::ForcedRequest),
        4 => (route(), outcome).prop_map(|(route, outcome)| Event::Completes(route, outcome)),
        1 => Just(Event::Rejected),
        1 => Just(Event::OldRejected),
        4 => prop_oneof![0.0..0.3, 0.0..2.0, 0.0..100.0, 0.0..8000.0].prop_map(Event::TimePasses),
        1 => (-4000.0..4000.0).prop_map(Event::WallJumps),
    ]
}

fn failure(kind: u8) -> Error {
    match kind {
        0 => network(),
        1 => api(40125),
        2 => api(-1),
        3 => api(987_654),
        4 => Error::Closed,
        _ => Error::Timeout { endpoint: None, waited_for: TimeoutPhase::Token, limit: secs(1.0), cause: None },
    }
}

/// The model of the state machine: the same facts in the simplest form.
struct Model {
    state: State,
    mono: f64,
    wall: f64,
    in_flight: HashMap<RouteId, (RefreshRequest, Timestamp)>,
    /// The refresh that brought the token.
    brought_by: u64,
    /// Value, when it was requested, lifetime.
    token: Option<(String, Timestamp, f64)>,
    first_seen: Timestamp,
    rejected: bool,
    values: u32,
    last_rejected: Vec<f64>,
}

impl Model {
    fn new() -> Self {
        Self {
            state: State::new(RefreshPolicy::STABLE),
            mono: 0.0,
            wall: 1e6,
            in_flight: HashMap::new(),
            brought_by: 0,
            token: None,
            first_seen: at(0.0),
            rejected: false,
            values: 0,
            last_rejected: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp { mono: secs(self.mono), wall: secs(self.wall) }
    }

    fn left(&self) -> f64 {
        self.token.as_ref().map_or(0.0, |(_, requested_at, life)| {
            let mono = self.mono - requested_at.mono.as_secs_f64();
            let wall = self.wall - requested_at.wall.as_secs_f64();
            life - mono.max(wall)
        })
    }

    fn age(&self) -> f64 {
        self.mono - self.first_seen.mono.as_secs_f64()
    }

    fn start_refresh(&mut self, request: RefreshRequest, route: RouteId) {
        let join_timeout = RefreshPolicy::STABLE.join_timeout.as_secs_f64();
        for (other, (_, begun)) in &self.in_flight {
            assert_ne!(*other, route, "two refreshes on one route");
            assert!(self.mono > begun.mono.as_secs_f64() + join_timeout - 0.01, "another route's has just begun");
        }
        self.in_flight.insert(route, (request, self.now()));
    }

    /// A refresh that callers join is running; on another route they join it briefly.
    fn assert_joins(&self, refresh_id: u64, until: Option<Duration>, route: RouteId) {
        let of = self.in_flight.iter().find(|(_, (request, _))| request.id == refresh_id).expect("a running refresh");
        assert_eq!(*of.0 == route, until.is_none());
        assert!(until.is_none_or(|until| until.as_secs_f64() <= self.mono + 0.26));
    }

    fn requests(&mut self, forced: bool, route: RouteId) {
        let now = self.now();
        let decision =
            if forced { self.state.on_forced_request(now, route) } else { self.state.on_request(now, route) };
        let expire_before = self.token.as_ref().map_or(0.0, |(_, _, life)| (life * 0.1).min(15.0));
        match decision {
            Decision::Serve { token, refresh, .. } => {
                let (value, ..) = self.token.as_ref().expect("only a token that was given is served");
                assert_eq!(token.expose(), value);
                assert!(!self.rejected, "a rejected token is not served");
                assert!(self.left() > expire_before - 0.01 || self.age() < 10.0, "served with {} s left", self.left());
                if let Some(request) = refresh {
                    assert!(self.left() < 0.9 * 7200.0);
                    self.start_refresh(request, route);
                }
            }
            Decision::Join { start, refresh, until } => {
                assert!(
                    forced || self.rejected || self.left() < expire_before + 0.01,
                    "waited with {} s left",
                    self.left()
                );
                match start {
                    Some(request) => self.start_refresh(request, route),
                    None => self.assert_joins(refresh, until, route),
                }
            }
            Decision::RetryAfterRefresh { refresh, until } => {
                assert!(forced || self.rejected);
                self.assert_joins(refresh, until, route);
            }
            Decision::Backoff { at, .. } => {
                assert!(at.as_secs_f64() > self.mono && at.as_secs_f64() <= self.mono + 60.01);
            }
            Decision::Fail(error) => assert_eq!(error.code(), "ERR_WXA_API"),
        }
    }

    fn complete_refresh(&mut self, route: RouteId, outcome: Outcome, jitter: f64) {
        let Some((request, requested_at)) = self.in_flight.remove(&route) else { return };
        let same = self.token.as_ref().map(|(value, ..)| value.clone());
        let (value, life) = match (outcome, same) {
            (Outcome::Fails(kind), _) => {
                let before = self.state.current().map(|token| token.expose().to_owned());
                self.state.on_refresh_done(request.id, Err(failure(kind)), self.now(), jitter).unwrap_err();
                assert_eq!(self.state.current().map(|token| token.expose().to_owned()), before);
                return;
            }
            (Outcome::Same, Some(value)) => (value, Some(300)),
            (Outcome::New(life), _) => (self.new_value(), life),
            (Outcome::Same, None) => (self.new_value(), Some(7200)),
        };
        let fetched =
            ReceivedToken { value: value.as_str().into(), expires_in: life, requested_at, refresh_early: true };
        let is_overtaken = self.state.is_usable(self.now()) && self.brought_by > request.id;
        let token =
            self.state.on_refresh_done(request.id, Ok(RefreshOutcome::Token(fetched)), self.now(), jitter).unwrap();
        if is_overtaken {
            assert_eq!(Some(token.expose()), self.token.as_ref().map(|(held, ..)| held.as_str()));
            return;
        }
        assert_eq!(token.expose(), value);
        self.brought_by = request.id;
        let believed = life.filter(|&life| life > 0).map_or(60.0, |life| (life as f64).clamp(15.0, 7200.0));
        if self.token.as_ref().is_none_or(|(old, ..)| *old != value) {
            self.first_seen = requested_at;
        }
        assert_eq!(token.first_seen(), self.first_seen);
        let same = self.token.as_ref().is_some_and(|(old, ..)| *old == value);
        let aware_of_rejection = !matches!(request.kind, RefreshKind::Renew { .. });
        self.rejected = self.rejected && same && !aware_of_rejection;
        self.token = Some((value, requested_at, believed));
    }

    fn new_value(&mut self) -> String {
        self.values += 1;
        format!("T{}", self.values)
    }

    fn reject_current(&mut self) {
        let Some((value, ..)) = &self.token else { return };
        let was = self.rejected;
        match self.state.on_rejected(&value.clone(), 40001, self.now()) {
            Invalidation::Invalidated => {
                assert!(!was);
                self.rejected = true;
                self.last_rejected.push(self.mono);
            }
            Invalidation::AlreadyReplaced => assert!(was),
            Invalidation::Suppressed => assert!(self.last_rejected.last().is_some_and(|last| self.mono - last < 30.01)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_for_every_order_of_events(events in prop::collection::vec((event(), 0.0f64..1.0), 1..120)) {
        let mut model = Model::new();
        for (event, jitter) in events {
            match event {
                Event::Request(route) => model.requests(false, route),
                Event::ForcedRequest(route) => model.requests(true, route),
                Event::Completes(route, outcome) => model.complete_refresh(route, outcome, jitter),
                Event::Rejected => model.reject_current(),
                Event::OldRejected => {
                    prop_assert_eq!(model.state.on_rejected("T0", 40001, model.now()), Invalidation::AlreadyReplaced);
                }
                Event::TimePasses(time) => {
                    model.mono += time;
                    model.wall += time;
                }
                Event::WallJumps(time) => model.wall = (model.wall + time).max(0.0),
            }
        }
        for pair in model.last_rejected.windows(2) {
            prop_assert!(pair[1] - pair[0] > 29.99, "two tokens invalidated within 30 s");
        }
    }

    #[test]
    fn any_lifetime_from_a_server_leaves_10_s_between_requests(lives in prop::collection::vec(any::<Option<i64>>(), 1..20), steps in prop::collection::vec(0.0f64..5.0, 200)) {
        let mut state = State::new(RefreshPolicy::STABLE);
        let (mut now, mut lives, mut starts) = (0.0, lives.into_iter().cycle(), Vec::new());
        for step in steps {
            now += step;
            let (Decision::Serve { refresh: Some(request), .. } | Decision::Join { start: Some(request), .. }) =
                state.on_request(at(now), ONE)
            else {
                continue;
            };
            starts.push(now);
            let fetched = ReceivedToken { value: format!("T{now}").into(), expires_in: lives.next().flatten(), requested_at: at(now), refresh_early: true };
            state.on_refresh_done(request.id, Ok(RefreshOutcome::Token(fetched)), at(now), step / 5.0).unwrap();
        }
        for pair in starts.windows(2) {
            prop_assert!(pair[1] - pair[0] >= 9.999, "{pair:?}");
        }
    }
}
