//! Refreshes on different routes to WeChat.

use super::*;

#[test]
fn a_failure_on_one_route_does_not_affect_another() {
    let timeout = Error::Timeout { endpoint: None, waited_for: TimeoutPhase::Token, limit: secs(6.0), cause: None };
    for error in [network(), timeout, api(40164)] {
        let mut state = State::new(RefreshPolicy::STABLE);
        let dead = started(state.on_request(at(0.0), ONE));
        state.on_refresh_done(dead.id, Err(error), at(0.0), 1.0).unwrap_err();
        assert!(matches!(state.on_request(at(0.1), ONE), Decision::Backoff { .. } | Decision::Fail(_)));
        let well = started(state.on_request(at(0.1), OTHER));
        state.on_refresh_done(well.id, fetched("T1", 7200, at(0.1)), at(0.2), 0.5).unwrap();
        assert_eq!(served(state.on_request(at(0.2), ONE)).0, "T1", "the token is for both");
    }
}

#[test]
fn a_refusal_of_the_account_holds_on_every_route() {
    for error in [api(40125), api(-1)] {
        let mut state = State::new(RefreshPolicy::STABLE);
        let request = started(state.on_request(at(0.0), ONE));
        state.on_refresh_done(request.id, Err(error), at(0.0), 1.0).unwrap_err();
        assert!(matches!(state.on_request(at(0.1), OTHER), Decision::Backoff { .. } | Decision::Fail(_)));
    }
}

#[test]
fn callers_join_a_refresh_on_another_route_briefly_and_in_classic_mode_until_its_limit() {
    for (rules, join_timeout) in [(RefreshPolicy::STABLE, 0.25), (RefreshPolicy::CLASSIC, 6.0)] {
        let mut state = State::new(rules);
        let first = started(state.on_request(at(1.0), ONE));
        match state.on_request(at(1.0 + join_timeout - 0.01), OTHER) {
            Decision::Join { start: None, until: Some(until), refresh } => {
                assert_eq!((until, refresh), (secs(1.0 + join_timeout), first.id));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(state.on_forced_request(at(1.0), OTHER), Decision::RetryAfterRefresh { until: Some(_), .. }));
        let second = started(state.on_request(at(1.0 + join_timeout), OTHER));
        assert!(
            matches!(state.on_request(at(20.0), ONE), Decision::Join { until: None, refresh, .. } if refresh == first.id)
        );
        state.on_refresh_done(second.id, fetched("T2", 7200, at(8.0)), at(8.1), 0.5).unwrap();
        let late = state.on_refresh_done(first.id, fetched("T1", 7200, at(1.0)), at(9.0), 0.5).unwrap();
        assert_eq!(late.expose(), "T2", "a token that was requested earlier does not replace a later one");
    }
}

#[test]
fn a_refresh_on_a_dead_route_does_not_keep_another_from_refreshing() {
    let mut state = holding("T1", 7200);
    served(state.on_request(at(6945.0), ONE)).1.expect("it is due");
    assert!(served(state.on_request(at(6945.1), OTHER)).1.is_none(), "one has just begun");
    assert!(served(state.on_request(at(6945.3), OTHER)).1.is_some());
    assert!(served(state.on_request(at(6945.3), ONE)).1.is_none());
}

#[test]
fn unused_routes_are_forgotten() {
    let mut state = State::new(RefreshPolicy::STABLE);
    for n in 0..1000u32 {
        let now = at(f64::from(n) * 200.0);
        let request = started(state.on_request(now, RouteId::nth(n.into())));
        state.on_refresh_done(request.id, Err(network()), now, 1.0).unwrap_err();
    }
    assert!(state.routes.len() <= 8, "{}", state.routes.len());
}
