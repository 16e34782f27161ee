//! Tokens of a merchant that has withdrawn or authorised anew.

use super::*;

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
