//! How long a token is served.

use super::*;

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
fn a_new_token_is_served_for_the_least_time_between_two_requests_wherever_the_wall_clock_jumps() {
    let state = holding("T", 7200);
    let usable = |mono| state.is_usable(Timestamp { mono, wall: secs(2_000_000.0) });
    let until = MIN_REFRESH_INTERVAL;
    assert_eq!((usable(until - Duration::from_millis(1)), usable(until)), (true, false));
}
