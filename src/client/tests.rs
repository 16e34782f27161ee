use std::time::Instant;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::*;
use crate::event::EventSource;
use crate::options::{CacheOptions, Options, TokenChoice};
use crate::rate_limit::window::SlidingWindow;
use crate::token::source::Provider;
use crate::transport::tests::{Server, ServerAction};
use crate::wechat::endpoint::Method;
use crate::wechat::image::tests::jpeg;

const APPID: &str = "wx0123456789abcdef";

fn answer(body: &str) -> ServerAction {
    ServerAction::Answer(200, body.into())
}

fn token(value: &str) -> ServerAction {
    answer(&format!(r#"{{"access_token":"{value}","expires_in":7200}}"#))
}

fn refusal(errcode: i64) -> ServerAction {
    answer(&format!(r#"{{"errcode":{errcode},"errmsg":"m"}}"#))
}

fn image() -> ServerAction {
    ServerAction::Answer(200, jpeg())
}

fn options(server: &Server) -> Options {
    Options {
        appid: APPID.into(),
        secret: Some("s3cret".into()),
        base_urls: vec![server.url.to_string()],
        retries: Some(0.0),
        ..Options::default()
    }
}

fn open(options: Options) -> Arc<Client> {
    Arc::new(options.open(Arc::default()).ok().unwrap())
}

/// A client of a server that reacts to its requests in this order.
async fn client(script: impl IntoIterator<Item = ServerAction>) -> (Arc<Client>, Server) {
    let server = Server::start(script).await;
    (open(options(&server)), server)
}

fn scene(scene: &str) -> QrCodeRequest {
    QrCodeRequest::parse(&Endpoint::GetUnlimitedQrCode, &format!(r#"{{"scene":"{scene}"}}"#)).unwrap()
}

async fn other(client: &Client, path: &str, body: &str) -> Result<String> {
    let request = ApiRequest::post(Endpoint::from_path(path, Method::Post), body.as_bytes().to_vec());
    match client.request(&request, None, None, None).await?.1 {
        AnswerKind::Json(json) => Ok(json),
        AnswerKind::Image => panic!("an image"),
    }
}

/// The path of a request, and its query.
fn target(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn a_qr_code_is_fetched_with_a_token_and_counted() {
    let (client, server) = client([token("T"), image()]).await;
    assert_eq!(client.stats(), Stats::default());
    assert_eq!(client.qr_code(&scene("a"), None).await.unwrap().contiguous(), jpeg());
    let request = &server.requests()[1];
    assert_eq!(target(request), "/wxa/getwxacodeunlimit?access_token=T");
    assert!(request.ends_with(r#""scene":"a"}"#), "{request}");
    let stats = client.stats();
    assert!(stats.token_age.is_some_and(|age| age < Duration::from_secs(7200)));
    let image_bytes = jpeg().len() as u64;
    let expected =
        Stats { requests: 1, images: 1, image_bytes, refreshes: 1, token_age: stats.token_age, ..Stats::default() };
    assert_eq!(stats, expected);
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_call_is_sent_once_more() {
    let (client, server) = client([token("T1"), refusal(40001), token("T2"), image()]).await;
    client.qr_code(&scene("a"), None).await.ok().unwrap();
    assert!(target(&server.requests()[3]).ends_with("access_token=T2"));
    let stats = client.stats();
    assert_eq!((stats.requests, stats.replays, stats.refreshes), (2, 1, 2));
    assert!(stats.errors.is_empty(), "the call succeeded");
}

#[tokio::test]
async fn errors_are_counted_by_errcode_or_code() {
    let (client, _server) = client([token("T"), refusal(41030), refusal(41030), answer("<html>")]).await;
    for _ in 0..3 {
        assert!(client.qr_code(&scene("a"), None).await.is_err());
    }
    let errors = [("41030".to_owned(), 2), ("ERR_WXA_RESPONSE".to_owned(), 1)];
    assert_eq!(client.stats().errors, errors.into());
}

#[tokio::test]
async fn a_failed_call_is_sent_again_and_counted_as_often_as_it_was_sent() {
    let server = Server::start([token("T"), ServerAction::Answer(502, b"<html>".to_vec()), image()]).await;
    let client = open(Options { retries: Some(1.0), ..options(&server) });
    client.qr_code(&scene("a"), None).await.ok().unwrap();
    assert_eq!((client.stats().requests, client.stats().images), (2, 1));
}

#[tokio::test]
async fn a_cached_qr_code_is_given_without_a_request() {
    let server = Server::start([token("T"), image(), refusal(41030)]).await;
    assert!(!open(options(&server)).has_cache());
    let client = open(Options { cache: Some(CacheOptions::default()), ..options(&server) });
    assert!(client.has_cache() && client.cached(&scene("a")).is_none());
    for _ in 0..2 {
        assert_eq!(client.qr_code(&scene("a"), None).await.unwrap().contiguous(), jpeg());
    }
    assert_eq!(client.cached(&scene("a")).as_deref(), Some(&jpeg()[..]));
    assert!(client.cached(&scene("b")).is_none());
    let stats = client.stats();
    let cache = stats.cache.unwrap();
    assert_eq!((cache.misses, cache.hits, cache.redis_hits, cache.coalesced), (1, 2, 0, 0));
    assert!(cache.entries == 1 && cache.size_bytes > jpeg().len());
    assert_eq!((stats.requests, stats.images), (1, 1));
}

#[tokio::test]
async fn a_closed_client_takes_no_call() {
    let (client, _server) = client([token("T")]).await;
    assert!(client.check_open().is_ok());
    client.close();
    assert!(matches!(client.check_open(), Err(Error::Closed)));
}

#[tokio::test]
async fn a_token_is_given_until_it_is_forced_or_invalidated() {
    let (client, _server) = client([token("T1"), token("T2"), token("T3")]).await;
    let given = async |force| client.access_token(force, None).await.unwrap();
    let (first, expires) = given(false).await;
    assert_eq!(first, "T1");
    let left = expires.duration_since(SystemTime::now()).unwrap();
    assert!(left > Duration::from_secs(6000) && left <= Duration::from_secs(7200), "{left:?}");
    assert_eq!(given(false).await.0, "T1");
    assert_eq!(given(true).await.0, "T2");
    client.invalidate("T1");
    assert_eq!(given(false).await.0, "T2", "the refused one was no longer in use");
    client.invalidate("T2");
    assert_eq!(given(false).await.0, "T3");
}

#[tokio::test]
async fn a_client_without_a_token_names_the_appid_of_the_caller() {
    let server = Server::start([image()]).await;
    let cloud = |from_appid| Options { token: TokenChoice::None, secret: None, from_appid, ..options(&server) };
    for from_appid in [None, Some("wxfedcba9876543210".to_owned())] {
        let client = open(cloud(from_appid));
        client.qr_code(&scene("a"), None).await.ok().unwrap();
        assert_eq!((client.stats().requests, client.stats().token_age), (1, None));
    }
    let requests = server.requests();
    let targets: Vec<_> = requests.iter().map(|request| target(request)).collect();
    assert_eq!(targets, ["/wxa/getwxacodeunlimit", "/wxa/getwxacodeunlimit?from_appid=wxfedcba9876543210"]);
    let error = open(cloud(None)).access_token(false, None).await.unwrap_err();
    assert!(matches!(error, Error::Params { invalid, .. } if invalid.param == "token"));
}

/// A client whose minute begins by a clock that stands at this time, and whose code WeChat refuses because the minute is full, once.
async fn client_in_a_full_minute(wall_time: Duration) -> (Arc<Client>, Server) {
    let server = Server::start([token("T"), refusal(45009), image()]).await;
    let window = Arc::new(SlidingWindow::new(Clock::stopped(wall_time)));
    let events = EventSource::new(Arc::default(), APPID, None);
    let rate_limiter = RateLimiter::new(Some(5000), window, true, None, events);
    let client = Client { rate_limiter, ..options(&server).open(Arc::default()).ok().unwrap() };
    (Arc::new(client), server)
}

#[tokio::test]
async fn a_call_in_a_full_minute_waits_for_the_next_one() {
    let (client, server) = client_in_a_full_minute(Duration::from_millis(59_900)).await;
    let began = Instant::now();
    client.qr_code(&scene("a"), None).await.ok().unwrap();
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_call_does_not_wait_for_a_minute_beyond_its_deadline() {
    let (client, server) = client_in_a_full_minute(Duration::from_secs(1)).await;
    let error = client.qr_code(&scene("a"), None).await.err().unwrap();
    assert!(matches!(&error, Error::Api { refusal, .. } if refusal.errcode == 45009), "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_full_minute_of_one_endpoint_holds_up_no_other() {
    let server = Server::start([token("T"), image(), answer("{}")]).await;
    let client = open(Options { rate_per_minute: Some(1.0), ..options(&server) });
    client.qr_code(&scene("a"), None).await.ok().unwrap();
    assert_eq!(other(&client, "/wxa/x", "{}").await.unwrap(), "{}");
    let error = client.qr_code(&scene("b"), None).await.err().unwrap();
    assert!(matches!(error, Error::RateLimit { .. }), "{error}");
}

#[tokio::test]
async fn an_api_answers_json_that_has_its_field() {
    let (client, server) = client([token("T"), answer(r#"{"errcode":0,"link":"L"}"#), answer("{}")]).await;
    let short_link = async || {
        let params = r#"{"pageUrl":"pages/index","isPermanent":true}"#;
        client.api(&Endpoint::GenerateShortLink, params, None).await.map(|(_, kind)| kind)
    };
    assert_eq!(short_link().await.unwrap(), AnswerKind::Json(r#"{"errcode":0,"link":"L"}"#.into()));
    assert_eq!(target(&server.requests()[1]), "/wxa/genwxashortlink?access_token=T");
    let error = short_link().await.unwrap_err();
    assert_eq!(error.code(), "ERR_WXA_RESPONSE");
    assert_eq!(client.stats().errors, [("ERR_WXA_RESPONSE".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_quota_is_cleared_by_one_request_whatever_becomes_of_it() {
    let server = Server::start([token("T"), refusal(-1)]).await;
    let client = open(Options { retries: Some(2.0), ..options(&server) });
    assert!(client.api(&Endpoint::ClearQuota, "{}", None).await.is_err());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_record_of_a_call_shows_no_secret() {
    let record = r#"{"errcode":0,"request":{"cost_in_ms":30,"request_url":"/x?access_token=T0ken"}}"#;
    let (client, _server) = client([token("T0ken"), answer(record)]).await;
    let (_, kind) = client.api(&Endpoint::GetRid, r#"{"rid":"1-2-3"}"#, None).await.unwrap();
    let AnswerKind::Json(json) = kind else { panic!("an image") };
    let shown: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(shown["request"]["cost_in_ms"], 30.0);
    let url = shown["request"]["request_url"].as_str().unwrap();
    assert!(url.starts_with("/x?access_token=") && !url.contains("T0ken"), "{url}");
}

#[tokio::test]
async fn a_secret_that_a_call_carries_does_not_show_in_its_error() {
    let (client, _server) = client([token("T"), answer(r#"{"errcode":40029,"errmsg":"no c4nary-key"}"#)]).await;
    let error = other(&client, "/wxa/x", r#"{"session_key":"c4nary-key"}"#).await.unwrap_err().to_string();
    assert!(error.contains("40029") && !error.contains("c4nary"), "{error}");
}

#[tokio::test]
async fn a_request_without_a_response_goes_to_the_next_host_if_it_gives_a_qr_code_or_may_be_retried() {
    let limit = |ms| Some(Duration::from_millis(ms));
    let hosts = async |retries| {
        let (silent, next) = (Server::start([ServerAction::Hang]).await, Server::start([image()]).await);
        let base_urls = vec![silent.url.to_string(), next.url.to_string()];
        let cloud = Options { base_urls, token: TokenChoice::None, secret: None, ..options(&silent) };
        (open(Options { retries: Some(retries), ..cloud }), next)
    };
    let api = ApiRequest::post(Endpoint::from_path("/wxa/x", Method::Post), b"{}".to_vec());
    let code = async {
        let (client, next) = hosts(0.0).await;
        client.qr_code(&scene("a"), limit(4000)).await.ok().unwrap();
        assert_eq!(next.requests().len(), 1);
    };
    let retried = async {
        let (client, next) = hosts(1.0).await;
        client.request(&api, None, limit(4000), None).await.ok().unwrap();
        assert_eq!(next.requests().len(), 1);
    };
    let once = async {
        let (client, next) = hosts(0.0).await;
        assert!(client.request(&api, None, limit(200), None).await.is_err());
        assert_eq!(next.requests().len(), 0);
    };
    tokio::join!(code, retried, once);
}

#[tokio::test]
async fn a_refresh_ends_with_the_last_client_of_the_account() {
    let (client, server) = client([ServerAction::Hang]).await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.access_token(false, None).await }
    });
    while server.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.dispose();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Closed)));
}

#[tokio::test]
async fn a_classic_token_is_requested_with_appid_and_secret_in_the_query() {
    let server = Server::start([token("T1")]).await;
    let classic = open(Options { token: TokenChoice::Classic, ..options(&server) });
    assert_eq!(classic.access_token(false, None).await.unwrap().0, "T1");
    let expected = "/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=s3cret";
    assert_eq!(target(&server.requests()[0]), expected);
}

#[tokio::test]
async fn a_stable_token_is_requested_with_force_only_when_the_caller_forces_it() {
    let (client, server) = client([token("T1"), token("T2")]).await;
    for force in [false, true] {
        client.access_token(force, None).await.unwrap();
    }
    let bodies: Vec<serde_json::Value> = server
        .requests()
        .iter()
        .map(|request| {
            assert_eq!(target(request), "/cgi-bin/stable_token");
            serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
        })
        .collect();
    let body = serde_json::json!({ "grant_type": "client_credential", "appid": APPID, "secret": "s3cret" });
    let mut forced = body.clone();
    forced["force_refresh"] = true.into();
    assert_eq!(bodies, [body, forced]);
}

/// A provider that gives another token each time, and keeps the rejected tokens that it was given.
#[derive(Default)]
struct Numbered(Mutex<Vec<Option<(String, i64)>>>);

impl Provider for Numbered {
    fn fetch_token(&self, refused: Option<(String, i64)>) -> BoxFuture<'static, Result<(SecretString, Option<i64>)>> {
        let mut asked = self.0.lock();
        asked.push(refused);
        let token = format!("P{}", asked.len()).into();
        Box::pin(async move { Ok((token, None)) })
    }
}

#[tokio::test]
async fn a_provider_is_told_which_token_was_refused() {
    let server = Server::start([refusal(42001), image()]).await;
    let provider = Arc::<Numbered>::default();
    let client = open(Options { token: TokenChoice::Provider(provider.clone()), secret: None, ..options(&server) });
    client.qr_code(&scene("a"), None).await.ok().unwrap();
    let requests = server.requests();
    let targets: Vec<_> = requests.iter().map(|request| target(request)).collect();
    assert_eq!(targets, ["P1", "P2"].map(|token| format!("/wxa/getwxacodeunlimit?access_token={token}")));
    assert_eq!(*provider.0.lock(), [None, Some(("P1".to_owned(), 42001))]);
    assert_eq!((client.stats().redis_is_up, client.stats().refreshes), (None, 2));
}
