//! What is made of a response, and what of it an error shows.

use super::*;

#[tokio::test]
async fn an_answer_over_8_mib_is_refused_with_or_without_a_content_length() {
    for act in [ServerAction::Announce(MAX_RESPONSE_BYTES + 1), ServerAction::Endless(MAX_RESPONSE_BYTES + 1)] {
        let server = Server::start([act]).await;
        match ask(&transport(&[&server.url]), POLICY).await {
            Err(Error::Response { problem: BadResponse::TooLarge, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut largest = jpeg();
    largest.resize(MAX_RESPONSE_BYTES, 0);
    let server = Server::start([ServerAction::Answer(200, largest.clone())]).await;
    assert_eq!(ask(&transport(&[&server.url]), POLICY).await.unwrap().len(), MAX_RESPONSE_BYTES);
}

#[tokio::test]
async fn no_answer_makes_an_error_show_a_part_of_the_token() {
    for body in [
        r#"{"access_token":"c4nary","expires_in":72"#,
        r#"{"data":{"access_token":"c4nary"}}"#,
        r#"{"access_token":"c4nary c4nary"}"#,
        r#"{"errcode":40125,"errmsg":"not c4nary-token","access_token":"c4nary-token"}"#,
        "<html>c4nary",
        "c4nary",
    ] {
        let server = Server::start([ServerAction::Answer(200, body.into())]).await;
        let call = HttpRequest {
            endpoint: Endpoint::StableToken,
            query: &[],
            body: None,
            secrets: &[],
            sent: None,
            on_used: None,
        };
        let deadline = Deadline::new(Duration::from_secs(10), None);
        let once = RetryPolicy { retries: 0, ..POLICY };
        let error = transport(&[&server.url])
            .send_with_retries(&call, once, &deadline, &|_| {}, read_token)
            .await
            .err()
            .unwrap();
        assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
    }
}

#[tokio::test]
async fn the_target_of_a_redirect_is_shown_without_query_or_secret() {
    let server = Server::start([ServerAction::Answer(307, b"<html>".to_vec())]).await;
    let error = ask(&transport(&[&server.url]), POLICY).await.unwrap_err().to_string();
    assert!(error.contains(&format!("Location: {}elsewhere", server.url)), "{error}");
}

#[tokio::test]
async fn an_excerpt_does_not_cut_a_secret_in_two() {
    for padding in 90..125 {
        let page = format!("<{}c4nary+/", "x".repeat(padding));
        let server = Server::start([ServerAction::Answer(200, page.into_bytes())]).await;
        let error = ask(&transport(&[&server.url]), POLICY).await.unwrap_err();
        assert!(!error.to_string().contains("c4"), "{error}");
    }
}

#[test]
fn a_large_response_is_read_beside_the_other_tasks_of_a_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let reading = runtime.spawn(async {
        let (done, other_task) = std::sync::mpsc::channel();
        tokio::spawn(async move { done.send(()) });
        block_in_place_if_large(MAX_INLINE_BYTES + 1, || other_task.recv_timeout(Duration::from_secs(60)))
    });
    runtime.block_on(reading).unwrap().expect("the other task waits");
    assert_eq!(block_in_place_if_large(MAX_INLINE_BYTES + 1, || 7), 7, "without a runtime");
}

#[test]
fn a_message_shows_a_web_page_or_the_trouble_of_a_server_and_of_json_only_names() {
    use Unexpected::{CutOff, Empty, Html, Json, Other};
    for (body, what, status, shown) in [
        ("<html> a\n page", Html, 200, "<html> a page"),
        ("upstream failed", Other, 502, "upstream failed"),
        ("upstream failed", Other, 400, "upstream failed"),
        ("a user's text", Other, 399, ""),
        (r#""a user's text""#, Other, 502, ""),
        (" [1]", Other, 502, ""),
        ("-1", Other, 502, ""),
        ("7", Other, 502, ""),
        (r#"{"phone":"1"}"#, Other, 502, "{phone}"),
        (r#"{"phone":"1"}"#, Json, 200, "{phone}"),
        ("half", CutOff, 502, ""),
        ("", Empty, 502, ""),
    ] {
        assert_eq!(excerpt(body.as_bytes(), what, status), shown, "{body} {what:?} {status}");
    }
    assert_eq!(excerpt(b"\xFF\x00 bytes", Other, 502), "", "no text");
    assert_eq!(excerpt("x".repeat(100_000).as_bytes(), Html, 200).len(), 4096);
}
