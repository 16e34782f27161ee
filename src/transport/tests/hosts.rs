//! Which host a request goes to.

use super::*;

#[tokio::test]
async fn an_unreachable_host_is_skipped_and_then_avoided() {
    let dead = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let dead = format!("http://{dead}").parse().unwrap();
    let hanging = Server::start([ServerAction::Hang]).await;
    let good = Server::start([ServerAction::Answer(200, jpeg())]).await;

    let with_dead = transport(&[&dead, &good.url]);
    ask(&with_dead, RetryPolicy { retries: 0, ..POLICY }).await.unwrap();

    let with_hanging = transport(&[&hanging.url, &good.url]);
    for _ in 0..3 {
        ask_within(&with_hanging, RetryPolicy { retries: 0, ..POLICY }, Duration::from_millis(2100)).await.unwrap();
    }
    assert_eq!((hanging.count(), good.count()), (1, 4), "only the first call waited for the hanging host");
}

#[tokio::test]
async fn a_short_deadline_does_not_mark_a_host_as_unreachable() {
    let slow = Server::start([ServerAction::Hang, ServerAction::Answer(200, jpeg())]).await;
    let other = Server::start([ServerAction::Answer(200, jpeg())]).await;
    let transport = transport(&[&slow.url, &other.url]);
    ask_within(&transport, POLICY, Duration::from_millis(200)).await.unwrap();
    ask(&transport, POLICY).await.unwrap();
    assert_eq!((slow.count(), other.count()), (2, 1));
}

#[tokio::test]
async fn a_host_that_answers_is_never_skipped() {
    let first = Server::start([refusal(41030)]).await;
    let second = Server::start([ServerAction::Answer(200, jpeg())]).await;
    let transport = transport(&[&first.url, &second.url]);
    ask(&transport, POLICY).await.unwrap_err();
    ask(&transport, POLICY).await.unwrap_err();
    assert_eq!((first.count(), second.count()), (2, 0));
}

#[tokio::test]
async fn a_request_that_must_not_be_repeated_is_sent_to_one_host() {
    let hanging = Server::start([ServerAction::Hang]).await;
    let other = Server::start([ServerAction::Answer(200, br#"{"access_token":"T","expires_in":7200}"#.to_vec())]).await;
    let transport = transport(&[&hanging.url, &other.url]);
    let once = RetryPolicy { retries: 0, attempt_timeout: Some(Duration::from_millis(200)), repeatable: false };
    let call = HttpRequest {
        endpoint: Endpoint::ClassicToken,
        query: &[("secret", "s")],
        body: None,
        secrets: &["s"],
        sent: None,
        on_used: None,
    };
    let deadline = Deadline::new(Duration::from_secs(10), None);
    let error = transport.send_with_retries(&call, once, &deadline, &|_| {}, read_token).await.err().unwrap();
    assert!(matches!(error, Error::Network { kind: NetworkErrorKind::ResponseTimeout, .. }), "{error}");
    assert_eq!((hanging.count(), other.count()), (1, 0));
}

#[test]
fn a_host_is_given_half_a_second_before_its_silence_counts() {
    let error = |kind| {
        let (host, detail) = ("host.example".to_owned(), String::new());
        Error::Network { endpoint: Endpoint::GetQrCode, kind, host, proxy: None, detail }
    };
    let early = |kind, limit: Option<u64>| timed_out_early(&error(kind), limit.map(Duration::from_millis));
    assert!(early(NetworkErrorKind::ResponseTimeout, Some(499)));
    assert!(!early(NetworkErrorKind::ResponseTimeout, Some(500)) && !early(NetworkErrorKind::ResponseTimeout, None));
    assert!(!early(NetworkErrorKind::Unreachable, Some(499)));
}
