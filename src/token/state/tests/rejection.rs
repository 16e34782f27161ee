//! Tokens that an API has rejected.

use super::*;

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
fn a_failed_refresh_that_knew_of_the_rejection_makes_the_token_valid_again() {
    let mut state = holding("T1", 7200);
    state.on_rejected("T1", 40001, at(100.0));
    let request = started(state.on_request(at(100.0), ONE));
    let kept = state.on_refresh_done(request.id, Ok(RefreshOutcome::Unchanged), at(100.1), 0.5).unwrap();
    assert_eq!(kept.expose(), "T1");
    assert_eq!(served(state.on_request(at(100.2), ONE)).0, "T1");
    assert!(!state.was_rejected(&kept.as_received(at(100.2))), "a token that is valid again stays in the store");
}
