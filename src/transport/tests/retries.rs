//! What is sent, how often, and what is reported of it.

use super::*;

#[tokio::test]
async fn a_request_is_one_sized_body_with_the_token_in_the_query() {
    let server = Server::start([ServerAction::Answer(200, jpeg())]).await;
    assert_eq!(ask(&transport(&[&server.url]), POLICY).await.unwrap(), jpeg());
    let request = server.first().to_lowercase();
    assert!(request.starts_with("post /wxa/getwxacode?access_token=c4nary%2b%2f http/1.1\r\n"), "{request}");
    assert!(request.contains("content-length: 2\r\n") && request.ends_with("\r\n\r\n{}"), "{request}");
    assert!(!request.contains("transfer-encoding") && !request.contains("referer"), "{request}");
}

#[tokio::test]
async fn transient_failures_are_retried_and_refusals_are_not() {
    let html = ServerAction::Answer(502, b"<html>".to_vec());
    for (act, arrivals) in [
        (refusal(-1), 3),
        (ServerAction::Reset, 3),
        (ServerAction::Close, 3),
        (ServerAction::Cut, 3),
        (html, 3),
        (ServerAction::Answer(503, vec![]), 3),
        (refusal(41030), 1),
        (refusal(45009), 1),
        (ServerAction::Answer(404, b"<html>".to_vec()), 1),
        (ServerAction::Answer(200, b"<html> /?access_token=c4nary%2B%2F c4nary+/".to_vec()), 1),
        (ServerAction::Answer(200, jpeg()[..9].to_vec()), 1),
        (ServerAction::Answer(307, vec![]), 1),
    ] {
        let server = Server::start([act]).await;
        let transport = transport(&[&server.url]);
        ask(&transport, POLICY).await.unwrap_err();
        assert_eq!(server.count(), arrivals);
        ask(&transport, RetryPolicy { retries: 0, ..POLICY }).await.unwrap_err();
        assert_eq!(server.count(), arrivals + 1);
    }
}

#[tokio::test]
async fn a_successful_retry_returns_the_picture() {
    let server = Server::start([ServerAction::Reset, refusal(-1), ServerAction::Answer(200, jpeg())]).await;
    assert_eq!(ask(&transport(&[&server.url]), POLICY).await.unwrap(), jpeg());
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn retries_wait_for_their_backoff() {
    let server = Server::start([ServerAction::Answer(503, vec![])]).await;
    let transport = Transport { jitter: || 1.0, ..transport(&[&server.url]) };
    ask(&transport, POLICY).await.unwrap_err();
    let gaps = server.gaps();
    assert!(gaps[0] >= Duration::from_millis(500) && gaps[1] >= Duration::from_secs(1), "{gaps:?}");
}

#[tokio::test]
async fn a_backoff_beyond_the_deadline_is_not_waited_for() {
    let server = Server::start([ServerAction::Answer(503, vec![])]).await;
    let transport = Transport { jitter: || 1.0, ..transport(&[&server.url]) };
    let started = Instant::now();
    let error = ask_within(&transport, POLICY, Duration::from_millis(450)).await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_RESPONSE", "the real trouble, not a timeout: {error}");
    assert!(started.elapsed() < Duration::from_millis(450));
    assert_eq!(server.count(), 1);
}

/// A listener that keeps the requests of a transport.
fn recorder(transport: &mut Transport) -> Arc<crate::event::testing::RecordingListener> {
    let (bus, recorder) = (Arc::<crate::event::EventBus>::default(), Arc::default());
    transport.events = EventSource::new(bus.clone(), "wx", None);
    let listener: Arc<crate::event::testing::RecordingListener> = recorder;
    bus.add(listener.clone());
    listener
}

#[tokio::test]
async fn every_request_ends_with_one_event() {
    let server = Server::start([ServerAction::Answer(200, jpeg()), refusal(41030), ServerAction::Hang]).await;
    let mut transport = transport(&[&server.url]);
    let heard = recorder(&mut transport);
    ask(&transport, POLICY).await.unwrap();
    assert_eq!(heard.take(), [("request.ok", None)]);
    ask(&transport, POLICY).await.unwrap_err();
    assert_eq!(heard.take(), [("request.error", Some("ERR_WXA_API"))]);
    ask_within(&transport, POLICY, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(heard.take(), [("request.abort", None)]);
}
