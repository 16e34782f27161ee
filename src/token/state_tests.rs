use super::*;
use crate::error::{Budget, Trouble, WaitedFor};
use crate::wechat::answer::{Refusal, Unexpected};
use crate::wechat::endpoint::Endpoint;
use proptest::prelude::*;

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn at(seconds: f64) -> Now {
    Now { mono: secs(seconds), wall: secs(1_000_000.0 + seconds) }
}

fn fetched(value: &str, life: i64, asked: Now) -> Result<Brought> {
    Ok(Brought::Token(Fetched { value: value.into(), expires_in: Some(life), asked, ahead: true }))
}

fn network() -> Error {
    let endpoint = Endpoint::StableToken;
    Error::Network { endpoint, trouble: Trouble::Unreachable, host: "h".into(), proxy: None, detail: "d".into() }
}

fn api(errcode: i64) -> Error {
    let refusal = Refusal { errcode, errmsg: String::new(), rid: None, hint: None };
    Error::Api { endpoint: Endpoint::StableToken, refusal }
}

/// A state that got `value` at 0 s, with the soft deadline in the middle of its range.
fn holding(value: &str, life: i64) -> State {
    let mut state = State::new(Rules::STABLE);
    let order = started(state.ask(at(0.0)));
    state.landed(order.flight, fetched(value, life, at(0.0)), at(0.1), 0.5).unwrap();
    state
}

fn started(decision: Decision) -> Order {
    match decision {
        Decision::Join { start: Some(order) } => order,
        other => panic!("{other:?}"),
    }
}

fn served(decision: Decision) -> (String, Option<Order>) {
    match decision {
        Decision::Serve { token, refresh, .. } => (token.expose().to_owned(), refresh),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_caller_starts_a_flight_and_the_others_join_it() {
    let mut state = State::new(Rules::STABLE);
    assert!(matches!(state.ask(at(0.0)), Decision::Join { start: Some(_) }));
    for _ in 0..100 {
        assert!(matches!(state.ask(at(0.1)), Decision::Join { start: None }));
    }
}

#[test]
fn between_soft_and_hard_deadline_one_flight_runs_and_nobody_waits() {
    let mut state = holding("T1", 7200);
    assert!(served(state.ask(at(6944.9))).1.is_none());
    let (token, refresh) = served(state.ask(at(6945.0)));
    assert_eq!(token, "T1");
    let order = refresh.expect("a flight at the soft deadline");
    assert!(served(state.ask(at(7184.9))).1.is_none(), "one flight at a time");
    assert!(matches!(state.ask(at(7185.0)), Decision::Join { start: None }), "the hard deadline");
    state.landed(order.flight, fetched("T2", 7200, at(7180.0)), at(7186.0), 0.5).unwrap();
    assert_eq!(served(state.ask(at(7186.0))).0, "T2");
}

#[test]
fn the_soft_deadline_is_spread_over_its_range() {
    for (rules, earliest, latest) in [(Rules::STABLE, 6915.0, 6975.0), (Rules::CLASSIC, 6540.0, 6660.0)] {
        for (dice, due) in [(0.0, latest), (1.0, earliest)] {
            let mut state = State::new(rules);
            let order = started(state.ask(at(0.0)));
            state.landed(order.flight, fetched("T", 7200, at(0.0)), at(0.1), dice).unwrap();
            assert!(served(state.ask(at(due - 0.1))).1.is_none());
            assert!(served(state.ask(at(due + 0.1))).1.is_some());
        }
    }
}

#[test]
fn a_thousand_lives_make_a_thousand_requests_each_inside_its_window() {
    let mut state = State::new(Rules::STABLE);
    let (mut now, mut asked, mut starts, mut seed) = (0.0, 0.0, 0, 1u32);
    while starts < 1000 {
        // A busy backend: somebody asks about every second.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let dice = f64::from(seed >> 8) / f64::from(1 << 24);
        now += 0.5 + dice;
        let order = match state.ask(at(now)) {
            Decision::Join { start: Some(order) } if starts == 0 => order,
            Decision::Serve { refresh: Some(order), .. } => order,
            Decision::Serve { refresh: None, .. } => continue,
            other => panic!("nobody waits after the first: {other:?}"),
        };
        if starts > 0 {
            assert!((6914.9..6977.0).contains(&(now - asked)), "after {} s", now - asked);
        }
        (asked, starts) = (now, starts + 1);
        state.landed(order.flight, fetched(&format!("T{starts}"), 7200, at(now)), at(now + 0.2), dice).unwrap();
    }
}

#[test]
fn a_failing_refresh_is_invisible_until_the_hard_deadline_and_pauses_between_attempts() {
    let mut state = holding("T1", 7200);
    let mut now = 6945.0;
    let mut failures = 0;
    let mut last_start = 0.0;
    while now < 7184.9 {
        let (token, refresh) = served(state.ask(at(now)));
        assert_eq!(token, "T1");
        if let Some(order) = refresh {
            assert!(now - last_start >= secs(0.5).as_secs_f64() * f64::from(1u32 << failures.min(6)).min(120.0) / 2.0);
            last_start = now;
            failures += 1;
            assert!(state.landed(order.flight, Err(network()), at(now), 1.0).is_err());
        }
        now += 0.5;
    }
    assert!((4..15).contains(&failures), "{failures} attempts in 240 s");
    match state.ask(at(7185.0)) {
        Decision::Pause { error: Error::Network { .. }, .. } | Decision::Join { start: Some(_) } => {}
        other => panic!("the last error surfaces: {other:?}"),
    }
}

#[test]
fn a_failed_flight_is_followed_by_a_pause_that_grows() {
    let mut state = State::new(Rules::STABLE);
    let mut now = 0.0;
    for pause in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
        let order = started(state.ask(at(now)));
        state.landed(order.flight, Err(network()), at(now), 1.0).unwrap_err();
        match state.ask(at(now + pause - 0.01)) {
            Decision::Pause { at, .. } => assert_eq!(at, secs(now + pause)),
            other => panic!("{other:?}"),
        }
        now += pause;
    }
    let order = started(state.ask(at(now)));
    state.landed(order.flight, fetched("T", 7200, at(now)), at(now), 0.5).unwrap();
    let (_, _) = served(state.ask(at(now)));
}

#[test]
fn a_refusal_is_remembered_for_a_minute_and_then_one_caller_asks_again() {
    for errcode in [40013, 40125, 40164, 50004, 50007, 89503, 40001, 45009] {
        let mut state = State::new(Rules::STABLE);
        let order = started(state.ask(at(0.0)));
        state.landed(order.flight, Err(api(errcode)), at(0.0), 0.0).unwrap_err();
        match state.ask(at(59.9)) {
            Decision::Refuse(Error::Api { refusal, .. }) => assert_eq!(refusal.errcode, errcode),
            other => panic!("{errcode}: {other:?}"),
        }
        let probe = started(state.ask(at(60.0)));
        assert!(matches!(state.ask(at(60.0)), Decision::Join { start: None }), "one prober");
        state.landed(probe.flight, fetched("T", 7200, at(60.0)), at(60.1), 0.5).unwrap();
        assert_eq!(served(state.ask(at(60.2))).0, "T");
    }
}

#[test]
fn an_answer_that_makes_no_sense_is_not_asked_for_again_within_10_s() {
    let html = Error::Answer {
        endpoint: Endpoint::StableToken,
        status: 200,
        problem: crate::error::Problem::Body(Unexpected::Html),
        excerpt: String::new(),
    };
    for error in [html, api(123_456)] {
        let mut state = State::new(Rules::STABLE);
        let order = started(state.ask(at(0.0)));
        state.landed(order.flight, Err(error), at(0.0), 0.0).unwrap_err();
        assert!(matches!(state.ask(at(9.9)), Decision::Pause { .. }));
        started(state.ask(at(10.0)));
    }
}

#[test]
fn only_the_present_token_can_be_refused_and_only_once() {
    let mut state = holding("T1", 7200);
    assert_eq!(state.refused("T0", 40001, at(100.0)), Verdict::Replaced);
    assert_eq!(served(state.ask(at(100.0))).0, "T1", "an old token's refusal changes nothing");
    assert_eq!(state.refused("T1", 42001, at(100.0)), Verdict::GivenUp);
    assert_eq!(state.refused("T1", 40001, at(100.0)), Verdict::Replaced, "the second to notice joins");
    let order = started(state.ask(at(100.0)));
    match order.errand {
        Errand::Ordinary { held: Some(token), refused: Some(42001) } => assert_eq!(token.expose(), "T1"),
        other => panic!("{other:?}"),
    }
    state.landed(order.flight, fetched("T2", 7200, at(100.0)), at(100.1), 0.5).unwrap();
    assert_eq!(state.refused("T1", 40001, at(100.2)), Verdict::Replaced, "somebody has replaced it already");
    assert_eq!(served(state.ask(at(100.2))).0, "T2");
}

#[test]
fn an_api_that_refuses_every_token_costs_one_refresh_in_30_s() {
    let mut state = holding("T1", 7200);
    assert_eq!(state.refused("T1", 40001, at(100.0)), Verdict::GivenUp);
    let order = started(state.ask(at(100.0)));
    state.landed(order.flight, fetched("T2", 7200, at(100.0)), at(100.0), 0.5).unwrap();
    assert_eq!(state.refused("T2", 40001, at(129.9)), Verdict::Believe);
    assert_eq!(served(state.ask(at(129.9))).0, "T2", "still served: it is the API's fault");
    assert_eq!(state.refused("T2", 40001, at(130.0)), Verdict::GivenUp);
}

#[test]
fn a_providers_refused_token_is_asked_for_again_at_once() {
    let mut state = State::new(Rules::PROVIDER);
    for n in 0..5 {
        let order = started(state.ask(at(0.0)));
        state.landed(order.flight, fetched(&format!("T{n}"), 7200, at(0.0)), at(0.0), 0.5).unwrap();
        assert_eq!(state.refused(&format!("T{n}"), 40001, at(0.0)), Verdict::GivenUp);
    }
}

#[test]
fn a_token_that_comes_back_is_the_same_token() {
    let mut state = holding("T1", 7200);
    let before = state.present().unwrap().clone();
    state.refused("T1", 40001, at(100.0));
    let order = started(state.ask(at(100.0)));
    let after = state.landed(order.flight, fetched("T1", 7100, at(100.0)), at(100.1), 0.5).unwrap();
    assert!(after.is(&before));
    assert_eq!(after.first_seen(), before.first_seen());
    assert_eq!(served(state.ask(at(100.2))).0, "T1");
}

#[test]
fn a_refresh_that_began_before_a_refusal_does_not_make_the_token_good_again() {
    let mut state = holding("T1", 7200);
    let refresh = served(state.ask(at(6950.0))).1.unwrap();
    assert_eq!(state.refused("T1", 40001, at(6950.1)), Verdict::GivenUp);
    assert!(matches!(state.ask(at(6950.1)), Decision::After), "it may bring the same one");
    state.landed(refresh.flight, fetched("T1", 250, at(6950.0)), at(6950.2), 0.5).unwrap();
    let replace = started(state.ask(at(6950.2)));
    assert!(matches!(replace.errand, Errand::Ordinary { refused: Some(40001), .. }));
    state.landed(replace.flight, fetched("T2", 7200, at(6950.2)), at(6950.3), 0.5).unwrap();
    assert_eq!(served(state.ask(at(6950.4))).0, "T2");
}

#[test]
fn in_a_fleet_a_good_token_is_compared_every_minute() {
    let mut state = State::new(Rules::STABLE.shared());
    let order = started(state.ask(at(0.0)));
    state.landed(order.flight, fetched("T1", 7200, at(0.0)), at(0.0), 0.5).unwrap();
    let mut compared = |seconds| matches!(state.ask(at(seconds)), Decision::Serve { compare: true, .. });
    assert!(!compared(59.9));
    assert!(compared(60.0));
    assert!(!compared(60.1), "once");
    assert!(!compared(119.9) && compared(120.0));
}

#[test]
fn another_processs_token_is_taken_only_if_it_is_another_and_later() {
    let mut state = holding("T1", 7200);
    let offered = |value, life, seconds| match fetched(value, life, at(seconds)).unwrap() {
        Brought::Token(fetched) => fetched,
        Brought::Nothing => unreachable!(),
    };
    assert!(state.offer(offered("T0", 100, 100.0), 0.5).is_none(), "it is older");
    state.refused("T1", 40001, at(100.0));
    assert!(state.offer(offered("T1", 7200, 100.0), 0.5).is_none(), "it is the one that was refused");
    assert!(state.offer(offered("T2", 7200, 100.0), 0.5).is_some());
    assert!(state.offer(offered("T1", 7200, 100.5), 0.5).is_none(), "the refused one still lies in the store");
    assert_eq!(served(state.ask(at(100.0))).0, "T2");
}

#[test]
fn a_flight_that_knew_of_the_refusal_and_brings_nothing_makes_the_token_good_again() {
    let mut state = holding("T1", 7200);
    state.refused("T1", 40001, at(100.0));
    let order = started(state.ask(at(100.0)));
    let kept = state.landed(order.flight, Ok(Brought::Nothing), at(100.1), 0.5).unwrap();
    assert_eq!(kept.expose(), "T1");
    assert_eq!(served(state.ask(at(100.2))).0, "T1");
}

#[test]
fn a_forced_flight_waits_for_an_ordinary_one_and_is_shared() {
    let mut state = State::new(Rules::STABLE);
    let ordinary = started(state.ask(at(0.0)));
    assert!(matches!(state.ask_forced(at(0.0)), Decision::After));
    state.landed(ordinary.flight, fetched("T1", 7200, at(0.0)), at(0.1), 0.5).unwrap();
    let forced = started(state.ask_forced(at(1.0)));
    assert!(matches!(forced.errand, Errand::Forced { .. }));
    assert!(matches!(state.ask_forced(at(1.0)), Decision::Join { start: None }));
    assert_eq!(served(state.ask(at(1.0))).0, "T1", "others go on with the present one");
    let spent = Error::Budget { endpoint: Endpoint::StableToken, budget: Budget::ForcedRefresh, wait: secs(1.0) };
    state.landed(forced.flight, Err(spent), at(1.1), 0.5).unwrap_err();
    started(state.ask_forced(at(1.1)));
}

#[test]
fn a_late_landing_does_not_clear_a_newer_flight() {
    let mut state = State::new(Rules::STABLE);
    let first = started(state.ask(at(0.0)));
    state.landed(first.flight, Err(Error::Closed), at(0.0), 0.5).unwrap_err();
    let _second = started(state.ask(at(0.0)));
    state.landed(first.flight, Err(Error::Closed), at(0.0), 0.5).unwrap_err();
    assert!(matches!(state.ask(at(0.0)), Decision::Join { start: None }));
}

#[test]
fn either_clock_ends_a_life_and_a_jump_back_does_not_lengthen_it() {
    let jump = |mono: f64, wall: f64| Now { mono: secs(mono), wall: secs(1_000_000.0 + wall) };
    let mut state = holding("T1", 7200);
    assert!(matches!(state.ask(jump(100.0, 7200.0)), Decision::Join { .. }), "a suspend stops the monotonic clock");
    let mut state = holding("T1", 7200);
    assert!(matches!(state.ask(jump(7200.0, 100.0)), Decision::Join { .. }), "the wall clock was set back");
    let mut state = holding("T1", 7200);
    assert!(served(state.ask(jump(100.0, 3700.0))).1.is_none(), "an hour forward costs nothing");
    assert!(served(state.ask(jump(100.0, -3500.0))).1.is_none(), "an hour back costs nothing");
}

#[test]
fn a_servers_numbers_are_not_believed() {
    for (expires_in, hard) in [
        (None, 54.0),
        (Some(0), 54.0),
        (Some(-7200), 54.0),
        (Some(i64::MIN), 54.0),
        (Some(1), 13.5),
        (Some(300), 285.0),
        (Some(7200), 7185.0),
        (Some(1_000_000_000), 7185.0),
        (Some(i64::MAX), 7185.0),
    ] {
        let mut state = State::new(Rules::STABLE);
        let order = started(state.ask(at(0.0)));
        let fetched = Fetched { value: "T".into(), expires_in, asked: at(0.0), ahead: true };
        state.landed(order.flight, Ok(Brought::Token(fetched)), at(0.1), 0.5).unwrap();
        let (_, refresh) = served(state.ask(at(hard - 0.1)));
        assert!(refresh.is_some(), "{expires_in:?}");
        assert!(matches!(state.ask(at(hard)), Decision::Join { .. }), "{expires_in:?}");
    }
}

#[test]
fn a_bare_token_of_a_provider_is_kept_for_60_s() {
    let mut state = State::new(Rules::PROVIDER);
    let order = started(state.ask(at(0.0)));
    let bare = Fetched { value: "T".into(), expires_in: None, asked: at(0.0), ahead: false };
    state.landed(order.flight, Ok(Brought::Token(bare)), at(0.1), 0.5).unwrap();
    assert!(served(state.ask(at(59.9))).1.is_none());
    started(state.ask(at(60.0)));
}

#[test]
fn a_token_is_not_printed() {
    let state = holding("c4nary", 7200);
    assert!(!format!("{:?}", state.present()).contains("c4nary"));
}

// The model: callers, one WeChat that answers or fails as it likes, clocks that jump.

#[derive(Clone, Debug)]
enum Event {
    Ask,
    AskForced,
    Lands(Outcome),
    Refused,
    OldRefused,
    Passes(f64),
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
    prop_oneof![
        6 => Just(Event::Ask),
        1 => Just(Event::AskForced),
        4 => outcome.prop_map(Event::Lands),
        1 => Just(Event::Refused),
        1 => Just(Event::OldRefused),
        4 => prop_oneof![0.0..2.0, 0.0..100.0, 0.0..8000.0].prop_map(Event::Passes),
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
        _ => Error::Timeout { endpoint: None, waited_for: WaitedFor::Token, limit: secs(1.0), cause: None },
    }
}

/// What the state machine is held against: the same facts, kept in the plainest way.
struct Model {
    state: State,
    mono: f64,
    wall: f64,
    flight: Option<(Order, Now)>,
    /// Value, when it was asked for, life.
    token: Option<(String, Now, f64)>,
    first_seen: Now,
    refused: bool,
    values: u32,
    given_up: Vec<f64>,
}

impl Model {
    fn new() -> Self {
        Self {
            state: State::new(Rules::STABLE),
            mono: 0.0,
            wall: 1e6,
            flight: None,
            token: None,
            first_seen: at(0.0),
            refused: false,
            values: 0,
            given_up: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now { mono: secs(self.mono), wall: secs(self.wall) }
    }

    fn left(&self) -> f64 {
        self.token.as_ref().map_or(0.0, |(_, asked, life)| {
            let mono = self.mono - asked.mono.as_secs_f64();
            let wall = self.wall - asked.wall.as_secs_f64();
            life - mono.max(wall)
        })
    }

    fn age(&self) -> f64 {
        self.mono - self.first_seen.mono.as_secs_f64()
    }

    fn takes_off(&mut self, order: Order) {
        assert!(self.flight.is_none(), "two flights in the air");
        self.flight = Some((order, self.now()));
    }

    fn asks(&mut self, forced: bool) {
        let decision = if forced { self.state.ask_forced(self.now()) } else { self.state.ask(self.now()) };
        let hard = self.token.as_ref().map_or(0.0, |(_, _, life)| (life * 0.1).min(15.0));
        match decision {
            Decision::Serve { token, refresh, .. } => {
                let (value, ..) = self.token.as_ref().expect("only a token that was given is served");
                assert_eq!(token.expose(), value);
                assert!(!self.refused, "a refused token is not served");
                assert!(self.left() > hard - 0.01 || self.age() < 10.0, "served with {} s left", self.left());
                if let Some(order) = refresh {
                    assert!(self.left() < 0.9 * 7200.0);
                    self.takes_off(order);
                }
            }
            Decision::Join { start } => {
                assert!(forced || self.refused || self.left() < hard + 0.01, "waited with {} s left", self.left());
                match start {
                    Some(order) => self.takes_off(order),
                    None => assert!(self.flight.is_some(), "joined nothing"),
                }
            }
            Decision::After => assert!((forced || self.refused) && self.flight.is_some()),
            Decision::Pause { at, .. } => {
                assert!(at.as_secs_f64() > self.mono && at.as_secs_f64() <= self.mono + 60.01)
            }
            Decision::Refuse(error) => assert_eq!(error.code(), "ERR_WXA_API"),
        }
    }

    fn lands(&mut self, outcome: Outcome, dice: f64) {
        let Some((order, asked)) = self.flight.take() else { return };
        let same = self.token.as_ref().map(|(value, ..)| value.clone());
        let (value, life) = match (outcome, same) {
            (Outcome::Fails(kind), _) => {
                let before = self.state.present().map(|token| token.expose().to_owned());
                self.state.landed(order.flight, Err(failure(kind)), self.now(), dice).unwrap_err();
                assert_eq!(self.state.present().map(|token| token.expose().to_owned()), before);
                return;
            }
            (Outcome::Same, Some(value)) => (value, Some(300)),
            (Outcome::New(life), _) => (self.new_value(), life),
            (Outcome::Same, None) => (self.new_value(), Some(7200)),
        };
        let fetched = Fetched { value: value.as_str().into(), expires_in: life, asked, ahead: true };
        let token = self.state.landed(order.flight, Ok(Brought::Token(fetched)), self.now(), dice).unwrap();
        assert_eq!(token.expose(), value);
        let believed = life.filter(|&life| life > 0).map_or(60.0, |life| (life as f64).clamp(15.0, 7200.0));
        if self.token.as_ref().is_none_or(|(old, ..)| *old != value) {
            self.first_seen = asked;
        }
        assert_eq!(token.first_seen(), self.first_seen);
        let same = self.token.as_ref().is_some_and(|(old, ..)| *old == value);
        let knew = !matches!(order.errand, Errand::Ordinary { refused: None, .. });
        self.refused = self.refused && same && !knew;
        self.token = Some((value, asked, believed));
    }

    fn new_value(&mut self) -> String {
        self.values += 1;
        format!("T{}", self.values)
    }

    fn is_refused(&mut self) {
        let Some((value, ..)) = &self.token else { return };
        let was = self.refused;
        match self.state.refused(&value.clone(), 40001, self.now()) {
            Verdict::GivenUp => {
                assert!(!was);
                self.refused = true;
                self.given_up.push(self.mono);
            }
            Verdict::Replaced => assert!(was),
            Verdict::Believe => assert!(self.given_up.last().is_some_and(|last| self.mono - last < 30.01)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_events_breaks_a_promise(events in prop::collection::vec((event(), 0.0f64..1.0), 1..120)) {
        let mut model = Model::new();
        for (event, dice) in events {
            match event {
                Event::Ask => model.asks(false),
                Event::AskForced => model.asks(true),
                Event::Lands(outcome) => model.lands(outcome, dice),
                Event::Refused => model.is_refused(),
                Event::OldRefused => {
                    prop_assert_eq!(model.state.refused("T0", 40001, model.now()), Verdict::Replaced);
                }
                Event::Passes(time) => {
                    model.mono += time;
                    model.wall += time;
                }
                Event::WallJumps(time) => model.wall = (model.wall + time).max(0.0),
            }
        }
        for pair in model.given_up.windows(2) {
            prop_assert!(pair[1] - pair[0] > 29.99, "two tokens given up within 30 s");
        }
    }

    #[test]
    fn whatever_a_server_says_of_lives_it_is_not_asked_twice_in_10_s(lives in prop::collection::vec(any::<Option<i64>>(), 1..20), steps in prop::collection::vec(0.0f64..5.0, 200)) {
        let mut state = State::new(Rules::STABLE);
        let (mut now, mut lives, mut starts) = (0.0, lives.into_iter().cycle(), Vec::new());
        for step in steps {
            now += step;
            let order = match state.ask(at(now)) {
                Decision::Serve { refresh: Some(order), .. } | Decision::Join { start: Some(order) } => order,
                _ => continue,
            };
            starts.push(now);
            let fetched = Fetched { value: format!("T{now}").into(), expires_in: lives.next().flatten(), asked: at(now), ahead: true };
            state.landed(order.flight, Ok(Brought::Token(fetched)), at(now), step / 5.0).unwrap();
        }
        for pair in starts.windows(2) {
            prop_assert!(pair[1] - pair[0] >= 9.999, "{pair:?}");
        }
    }
}
