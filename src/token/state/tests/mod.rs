mod model;
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
fn only_the_current_token_can_be_rejected_and_only_once() {
    let mut state = holding("T1", 7200);
    assert_eq!(state.on_rejected("T0", 40001, at(100.0)), Invalidation::AlreadyReplaced);
    assert_eq!(served(state.on_request(at(100.0), ONE)).0, "T1", "an old token's rejection changes nothing");
    assert_eq!(state.on_rejected("T1", 42001, at(100.0)), Invalidation::Invalidated);
    assert_eq!(state.on_rejected("T1", 40001, at(100.0)), Invalidation::AlreadyReplaced, "the second to notice joins");
    let request = started(state.on_request(at(100.0), ONE));
    match request.kind {
        RefreshKind::Replace { current: token, errcode: 42001 } => assert_eq!(token.expose(), "T1"),
        other => panic!("{other:?}"),
    }
    state.on_refresh_done(request.id, fetched("T2", 7200, at(100.0)), at(100.1), 0.5).unwrap();
    assert_eq!(
        state.on_rejected("T1", 40001, at(100.2)),
        Invalidation::AlreadyReplaced,
        "somebody has replaced it already"
    );
    assert_eq!(served(state.on_request(at(100.2), ONE)).0, "T2");
}

#[test]
fn an_api_that_rejects_every_token_causes_one_refresh_in_30_s() {
    let mut state = holding("T1", 7200);
    assert_eq!(state.on_rejected("T1", 40001, at(100.0)), Invalidation::Invalidated);
    let request = started(state.on_request(at(100.0), ONE));
    state.on_refresh_done(request.id, fetched("T2", 7200, at(100.0)), at(100.0), 0.5).unwrap();
    assert_eq!(state.on_rejected("T2", 40001, at(129.9)), Invalidation::Suppressed);
    assert_eq!(served(state.on_request(at(129.9), ONE)).0, "T2", "still served: it is the API's fault");
    assert_eq!(state.on_rejected("T2", 40001, at(130.0)), Invalidation::Invalidated);
}

#[test]
fn a_rejected_token_of_a_provider_is_requested_again_at_once() {
    let mut state = State::new(RefreshPolicy::PROVIDER);
    for n in 0..5 {
        let request = started(state.on_request(at(0.0), ONE));
        state.on_refresh_done(request.id, fetched(&format!("T{n}"), 7200, at(0.0)), at(0.0), 0.5).unwrap();
        assert_eq!(state.on_rejected(&format!("T{n}"), 40001, at(0.0)), Invalidation::Invalidated);
    }
}

#[test]
fn a_token_that_comes_back_is_the_same_token() {
    let mut state = holding("T1", 7200);
    let before = state.current().unwrap().clone();
    state.on_rejected("T1", 40001, at(100.0));
    let request = started(state.on_request(at(100.0), ONE));
    let after = state.on_refresh_done(request.id, fetched("T1", 7100, at(100.0)), at(100.1), 0.5).unwrap();
    assert!(after.is(&before));
    assert_eq!(after.first_seen(), before.first_seen());
    assert_eq!(served(state.on_request(at(100.2), ONE)).0, "T1");
}

#[test]
fn a_refresh_from_before_the_rejection_does_not_make_the_token_valid_again() {
    let mut state = holding("T1", 7200);
    let refresh = served(state.on_request(at(6950.0), ONE)).1.unwrap();
    assert_eq!(state.on_rejected("T1", 40001, at(6950.1)), Invalidation::Invalidated);
    assert!(
        matches!(state.on_request(at(6950.1), ONE), Decision::RetryAfterRefresh { until: None, .. }),
        "it may bring the same one"
    );
    state.on_refresh_done(refresh.id, fetched("T1", 250, at(6950.0)), at(6950.2), 0.5).unwrap();
    let replace = started(state.on_request(at(6950.2), ONE));
    assert!(matches!(replace.kind, RefreshKind::Replace { errcode: 40001, .. }));
    state.on_refresh_done(replace.id, fetched("T2", 7200, at(6950.2)), at(6950.3), 0.5).unwrap();
    assert_eq!(served(state.on_request(at(6950.4), ONE)).0, "T2");
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
fn a_failed_refresh_that_knew_of_the_rejection_makes_the_token_valid_again() {
    let mut state = holding("T1", 7200);
    state.on_rejected("T1", 40001, at(100.0));
    let request = started(state.on_request(at(100.0), ONE));
    let kept = state.on_refresh_done(request.id, Ok(RefreshOutcome::Unchanged), at(100.1), 0.5).unwrap();
    assert_eq!(kept.expose(), "T1");
    assert_eq!(served(state.on_request(at(100.2), ONE)).0, "T1");
    assert!(!state.was_rejected(&kept.as_received(at(100.2))), "a token that is valid again stays in the store");
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
fn a_token_expires_by_either_clock_and_a_jump_back_does_not_extend_it() {
    let jump = |mono: f64, wall: f64| Timestamp { mono: secs(mono), wall: secs(1_000_000.0 + wall) };
    let mut state = holding("T1", 7200);
    assert!(
        matches!(state.on_request(jump(100.0, 7200.0), ONE), Decision::Join { .. }),
        "a suspend stops the monotonic clock"
    );
    let mut state = holding("T1", 7200);
    assert!(matches!(state.on_request(jump(7200.0, 100.0), ONE), Decision::Join { .. }), "the wall clock was set back");
    let mut state = holding("T1", 7200);
    assert!(served(state.on_request(jump(100.0, 3700.0), ONE)).1.is_none(), "an hour forward costs nothing");
    assert!(served(state.on_request(jump(100.0, -3500.0), ONE)).1.is_none(), "an hour back costs nothing");
}

#[test]
fn implausible_lifetimes_from_a_server_are_corrected() {
    for (expires_in, expires) in [
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
        let mut state = State::new(RefreshPolicy::STABLE);
        let request = started(state.on_request(at(0.0), ONE));
        let fetched = ReceivedToken { value: "T".into(), expires_in, requested_at: at(0.0), refresh_early: true };
        state.on_refresh_done(request.id, Ok(RefreshOutcome::Token(fetched)), at(0.1), 0.5).unwrap();
        let (_, refresh) = served(state.on_request(at(expires - 0.1), ONE));
        assert!(refresh.is_some(), "{expires_in:?}");
        assert!(matches!(state.on_request(at(expires), ONE), Decision::Join { .. }), "{expires_in:?}");
    }
}

#[test]
fn a_bare_token_of_a_provider_is_kept_for_60_s() {
    let mut state = State::new(RefreshPolicy::PROVIDER);
    let request = started(state.on_request(at(0.0), ONE));
    let bare = ReceivedToken { value: "T".into(), expires_in: None, requested_at: at(0.0), refresh_early: false };
    state.on_refresh_done(request.id, Ok(RefreshOutcome::Token(bare)), at(0.1), 0.5).unwrap();
    assert!(served(state.on_request(at(59.9), ONE)).1.is_none());
    started(state.on_request(at(60.0), ONE));
}

#[test]
fn a_token_is_not_printed() {
    let state = holding("c4nary", 7200);
    assert!(!format!("{:?}", state.current()).contains("c4nary"));
}

#[test]
fn a_new_token_is_served_for_the_least_time_between_two_requests_wherever_the_wall_clock_jumps() {
    let state = holding("T", 7200);
    let usable = |mono| state.is_usable(Timestamp { mono, wall: secs(2_000_000.0) });
    let until = MIN_REFRESH_INTERVAL;
    assert_eq!((usable(until - Duration::from_millis(1)), usable(until)), (true, false));
}

#[test]
fn a_forgotten_token_is_served_no_more_and_its_refusal_is_remembered_for_a_minute() {
    let mut state = holding("T1", 7200);
    assert!(state.forget(Some(&api(50002)), at(10.0)).is_some());
    assert!(matches!(state.on_request(at(10.0), ONE), Decision::Fail(_)));
    assert!(matches!(state.on_request(at(69.9), OTHER), Decision::Fail(_)));
    started(state.on_request(at(70.0), ONE));
}

#[test]
fn a_refresh_that_began_before_the_tokens_were_forgotten_brings_none() {
    let mut state = holding("T1", 7200);
    let request = started(state.on_forced_request(at(20.0), ONE));
    state.forget(Some(&api(50002)), at(21.0));
    let outcome = state.on_refresh_done(request.id, fetched("T2", 7200, at(20.0)), at(22.0), 0.5);
    assert!(matches!(outcome, Err(Error::Api { .. })));
    assert!(state.current().is_none());
    // What begins after that is as good as ever.
    let request = started(state.on_request(at(90.0), ONE));
    assert!(state.on_refresh_done(request.id, fetched("T3", 7200, at(90.0)), at(91.0), 0.5).is_ok());
    assert_eq!(served(state.on_request(at(92.0), ONE)).0, "T3");
}

#[test]
fn a_token_that_came_with_a_new_authorisation_is_not_replaced_by_an_older_refresh() {
    let mut state = holding("T1", 7200);
    let request = started(state.on_forced_request(at(20.0), ONE));
    state.forget(None, at(21.0));
    let received =
        ReceivedToken { value: "T3".into(), expires_in: Some(7200), requested_at: at(21.0), refresh_early: true };
    assert!(state.adopt_if_newer(received, 0.5).is_some());
    let outcome = state.on_refresh_done(request.id, fetched("T2", 7200, at(20.0)), at(22.0), 0.5);
    assert_eq!(outcome.unwrap().expose(), "T3");
    assert_eq!(served(state.on_request(at(23.0), ONE)).0, "T3");
}
