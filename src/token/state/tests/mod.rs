mod forgetting;
mod lifetime;
mod model;
mod rejection;
mod routes;

use super::*;
use crate::error::{ExceededLimit, NetworkErrorKind, TimeoutPhase};
use crate::wechat::answer::{Refusal, Unexpected};
use crate::wechat::endpoint::Endpoint;

/// The route of all who do not differ.
const ONE: RouteId = RouteId::nth(1);
const OTHER: RouteId = RouteId::nth(2);

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn at(seconds: f64) -> Timestamp {
    Timestamp { mono: secs(seconds), wall: secs(1_000_000.0 + seconds) }
}

fn fetched(value: &str, life: i64, requested_at: Timestamp) -> Result<RefreshOutcome> {
    Ok(RefreshOutcome::Token(ReceivedToken {
        value: value.into(),
        expires_in: Some(life),
        requested_at,
        refresh_early: true,
    }))
}

fn network() -> Error {
    let endpoint = Endpoint::StableToken;
    Error::Network { endpoint, kind: NetworkErrorKind::Unreachable, host: "h".into(), proxy: None, detail: "d".into() }
}

fn api(errcode: i64) -> Error {
    let refusal = Refusal { errcode, errmsg: String::new(), rid: None, hint: None };
    Error::Api { endpoint: Endpoint::StableToken, refusal, subject: None }
}

/// A state that got `value` at 0 s, with its refresh time in the middle of its range.
fn holding(value: &str, life: i64) -> State {
    let mut state = State::new(RefreshPolicy::STABLE);
    let request = started(state.on_request(at(0.0), ONE));
    state.on_refresh_done(request.id, fetched(value, life, at(0.0)), at(0.1), 0.5).unwrap();
    state
}

fn started(decision: Decision) -> RefreshRequest {
    match decision {
        Decision::Join { start: Some(request), .. } => request,
        other => panic!("{other:?}"),
    }
}

fn served(decision: Decision) -> (String, Option<RefreshRequest>) {
    match decision {
        Decision::Serve { token, refresh, .. } => (token.expose().to_owned(), refresh),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_caller_starts_a_refresh_and_the_others_join_it() {
    let mut state = State::new(RefreshPolicy::STABLE);
    assert!(matches!(state.on_request(at(0.0), ONE), Decision::Join { start: Some(_), .. }));
    for _ in 0..100 {
        assert!(matches!(state.on_request(at(0.1), ONE), Decision::Join { start: None, until: None, .. }));
    }
}

#[test]
fn callers_do_not_wait_for_a_refresh_while_a_refresh_is_due() {
    let mut state = holding("T1", 7200);
    assert!(served(state.on_request(at(6944.9), ONE)).1.is_none());
    let (token, refresh) = served(state.on_request(at(6945.0), ONE));
    assert_eq!(token, "T1");
    let request = refresh.expect("a refresh at the refresh time");
    assert!(served(state.on_request(at(7184.9), ONE)).1.is_none(), "one refresh at a time");
    assert!(
        matches!(state.on_request(at(7185.0), ONE), Decision::Join { start: None, until: None, .. }),
        "the token has expired"
    );
    state.on_refresh_done(request.id, fetched("T2", 7200, at(7180.0)), at(7186.0), 0.5).unwrap();
    assert_eq!(served(state.on_request(at(7186.0), ONE)).0, "T2");
}

#[test]
fn the_refresh_time_is_spread_over_its_range() {
    for (rules, earliest, latest) in [(RefreshPolicy::STABLE, 6915.0, 6975.0), (RefreshPolicy::CLASSIC, 6540.0, 6660.0)]
    {
        for (jitter, due) in [(0.0, latest), (1.0, earliest)] {
            let mut state = State::new(rules);
            let request = started(state.on_request(at(0.0), ONE));
            state.on_refresh_done(request.id, fetched("T", 7200, at(0.0)), at(0.1), jitter).unwrap();
            assert!(served(state.on_request(at(due - 0.1), ONE)).1.is_none());
            assert!(served(state.on_request(at(due + 0.1), ONE)).1.is_some());
        }
    }
}

#[test]
fn a_thousand_lifetimes_make_a_thousand_requests_each_inside_its_window() {
    let mut state = State::new(RefreshPolicy::STABLE);
    let (mut now, mut requested_at, mut starts, mut seed) = (0.0, 0.0, 0, 1u32);
    while starts < 1000 {
        // A busy process requests the token about every second.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let jitter = f64::from(seed >> 8) / f64::from(1 << 24);
        now += 0.5 + jitter;
        let request = match state.on_request(at(now), ONE) {
            Decision::Join { start: Some(request), .. } if starts == 0 => request,
            Decision::Serve { refresh: Some(request), .. } => request,
            Decision::Serve { refresh: None, .. } => continue,
            other => panic!("no caller waits after the first: {other:?}"),
        };
        if starts > 0 {
            assert!((6914.9..6977.0).contains(&(now - requested_at)), "after {} s", now - requested_at);
        }
        (requested_at, starts) = (now, starts + 1);
        state
            .on_refresh_done(request.id, fetched(&format!("T{starts}"), 7200, at(now)), at(now + 0.2), jitter)
            .unwrap();
    }
}

#[test]
fn a_failing_refresh_is_invisible_until_the_token_expires_and_pauses_between_attempts() {
    let mut state = holding("T1", 7200);
    let mut now = 6945.0;
    let mut failures = 0;
    let mut last_start = 0.0;
    while now < 7184.9 {
        let (token, refresh) = served(state.on_request(at(now), ONE));
        assert_eq!(token, "T1");
        if let Some(request) = refresh {
            assert!(now - last_start >= secs(0.5).as_secs_f64() * f64::from(1u32 << failures.min(6)).min(120.0) / 2.0);
            last_start = now;
            failures += 1;
            assert!(state.on_refresh_done(request.id, Err(network()), at(now), 1.0).is_err());
        }
        now += 0.5;
    }
    assert!((4..15).contains(&failures), "{failures} attempts in 240 s");
    match state.on_request(at(7185.0), ONE) {
        Decision::Backoff { error: Error::Network { .. }, .. } | Decision::Join { start: Some(_), .. } => {}
        other => panic!("the last error surfaces: {other:?}"),
    }
}

#[test]
fn a_failed_refresh_is_followed_by_a_pause_that_grows() {
    let mut state = State::new(RefreshPolicy::STABLE);
    let mut now = 0.0;
    for pause in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
        let request = started(state.on_request(at(now), ONE));
        state.on_refresh_done(request.id, Err(network()), at(now), 1.0).unwrap_err();
        match state.on_request(at(now + pause - 0.01), ONE) {
            Decision::Backoff { at, .. } => assert_eq!(at, secs(now + pause)),
            other => panic!("{other:?}"),
        }
        now += pause;
    }
    let request = started(state.on_request(at(now), ONE));
    state.on_refresh_done(request.id, fetched("T", 7200, at(now)), at(now), 0.5).unwrap();
    let (_, _) = served(state.on_request(at(now), ONE));
}

#[test]
fn a_refusal_is_remembered_for_a_minute_and_then_one_caller_asks_again() {
    for errcode in [40013, 40125, 40164, 50004, 50007, 89503, 40001, 45009] {
        let mut state = State::new(RefreshPolicy::STABLE);
        let request = started(state.on_request(at(0.0), ONE));
        state.on_refresh_done(request.id, Err(api(errcode)), at(0.0), 0.0).unwrap_err();
        match state.on_request(at(59.9), ONE) {
            Decision::Fail(Error::Api { refusal, .. }) => assert_eq!(refusal.errcode, errcode),
            other => panic!("{errcode}: {other:?}"),
        }
        let probe = started(state.on_request(at(60.0), ONE));
        assert!(
            matches!(state.on_request(at(60.0), ONE), Decision::Join { start: None, until: None, .. }),
            "one prober"
        );
        state.on_refresh_done(probe.id, fetched("T", 7200, at(60.0)), at(60.1), 0.5).unwrap();
        assert_eq!(served(state.on_request(at(60.2), ONE)).0, "T");
    }
}

#[test]
fn a_request_is_not_repeated_within_10_s_of_an_invalid_answer() {
    let html = Error::Response {
        endpoint: Endpoint::StableToken,
        status: 200,
        problem: crate::error::BadResponse::Body(Unexpected::Html),
        excerpt: String::new(),
    };
    for error in [html, api(123_456)] {
        let mut state = State::new(RefreshPolicy::STABLE);
        let request = started(state.on_request(at(0.0), ONE));
        state.on_refresh_done(request.id, Err(error), at(0.0), 0.0).unwrap_err();
        assert!(matches!(state.on_request(at(9.9), ONE), Decision::Backoff { .. }));
        started(state.on_request(at(10.0), ONE));
    }
}

#[test]
fn a_fleet_compares_a_valid_token_every_minute() {
    let mut state = State::new(RefreshPolicy::STABLE.for_fleet());
    let request = started(state.on_request(at(0.0), ONE));
    state.on_refresh_done(request.id, fetched("T1", 7200, at(0.0)), at(0.0), 0.5).unwrap();
    let mut compared = |seconds| matches!(state.on_request(at(seconds), ONE), Decision::Serve { compare: true, .. });
    assert!(!compared(59.9));
    assert!(compared(60.0));
    assert!(!compared(60.1), "once");
    assert!(!compared(119.9) && compared(120.0));
}

#[test]
fn the_token_of_another_process_is_taken_only_if_it_is_different_and_newer() {
    let mut state = holding("T1", 7200);
    let offered = |value, life, seconds| match fetched(value, life, at(seconds)).unwrap() {
        RefreshOutcome::Token(fetched) => fetched,
        RefreshOutcome::Unchanged => unreachable!(),
    };
    assert!(state.adopt_if_newer(offered("T0", 100, 100.0), 0.5).is_none(), "it is older");
    state.on_rejected("T1", 40001, at(100.0));
    assert!(state.adopt_if_newer(offered("T1", 7200, 100.0), 0.5).is_none(), "it is the one that was rejected");
    assert!(state.adopt_if_newer(offered("T2", 7200, 100.0), 0.5).is_some());
    assert!(state.adopt_if_newer(offered("T1", 7200, 100.5), 0.5).is_none(), "the store still has the rejected token");
    assert_eq!(served(state.on_request(at(100.0), ONE)).0, "T2");
}

#[test]
fn a_forced_refresh_waits_for_an_ordinary_one_and_is_shared() {
    let mut state = State::new(RefreshPolicy::STABLE);
    let ordinary = started(state.on_request(at(0.0), ONE));
    assert!(matches!(state.on_forced_request(at(0.0), ONE), Decision::RetryAfterRefresh { until: None, .. }));
    state.on_refresh_done(ordinary.id, fetched("T1", 7200, at(0.0)), at(0.1), 0.5).unwrap();
    let forced = started(state.on_forced_request(at(1.0), ONE));
    assert!(matches!(forced.kind, RefreshKind::Force { .. }));
    assert!(matches!(state.on_forced_request(at(1.0), ONE), Decision::Join { start: None, until: None, .. }));
    assert_eq!(served(state.on_request(at(1.0), ONE)).0, "T1", "others go on with the current one");
    let spent =
        Error::RateLimit { endpoint: Endpoint::StableToken, limit: ExceededLimit::ForcedRefresh, wait: secs(1.0) };
    state.on_refresh_done(forced.id, Err(spent), at(1.1), 0.5).unwrap_err();
    started(state.on_forced_request(at(1.1), ONE));
}

#[test]
fn a_refresh_that_ends_late_does_not_clear_a_newer_one() {
    let mut state = State::new(RefreshPolicy::STABLE);
    let first = started(state.on_request(at(0.0), ONE));
    state.on_refresh_done(first.id, Err(Error::Closed), at(0.0), 0.5).unwrap_err();
    let _second = started(state.on_request(at(0.0), ONE));
    state.on_refresh_done(first.id, Err(Error::Closed), at(0.0), 0.5).unwrap_err();
    assert!(matches!(state.on_request(at(0.0), ONE), Decision::Join { start: None, until: None, .. }));
}

#[test]
fn a_token_is_not_printed() {
    let state = holding("c4nary", 7200);
    assert!(!format!("{:?}", state.current()).contains("c4nary"));
}
