//! What the tests of the platform stand on: a WeChat over HTTP that keeps platforms and merchants, counts what arrives, and does
//! as it is told.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::wechat::image::tests::jpeg;

pub(crate) const PLATFORM: &str = "wx0000000000000001";

#[derive(Default)]
pub(crate) struct State {
    pub(crate) tickets: HashSet<String>,
    component_tokens: Vec<String>,
    pub(crate) merchants: HashMap<String, Merchant>,
    pub(crate) codes: HashMap<String, String>,
    /// Whether a refresh replaces the refresh token.
    pub(crate) rotates: bool,
    /// Whether a refresh token works after it was replaced.
    pub(crate) overlaps: bool,
    /// Answers given before any other, by the end of the path.
    pub(crate) scripted: HashMap<&'static str, VecDeque<Value>>,
    pub(crate) calls: Vec<String>,
    pub(crate) delay: Duration,
    made: usize,
}

#[derive(Default)]
pub(crate) struct Merchant {
    pub(crate) refresh_token: String,
    replaced: Vec<String>,
    pub(crate) access_tokens: Vec<String>,
    pub(crate) authorized: bool,
}

/// A WeChat that listens.
#[derive(Clone)]
pub(crate) struct WeChat {
    pub(crate) url: String,
    pub(crate) state: Arc<Mutex<State>>,
}

impl WeChat {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wechat = Self { url: format!("http://{}", listener.local_addr().unwrap()), state: Arc::default() };
        wechat.state.lock().tickets.insert("ticket@@@c4nary1".into());
        let state = wechat.state.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, state.clone()));
            }
        });
        wechat
    }

    /// A merchant that has authorised the platform, with its refresh token.
    pub(crate) fn merchant(&self, appid: &str) -> String {
        let refresh_token = format!("refresh@@@{appid}-c4nary");
        let merchant = Merchant { refresh_token: refresh_token.clone(), authorized: true, ..Merchant::default() };
        self.state.lock().merchants.insert(appid.to_owned(), merchant);
        refresh_token
    }

    /// How often a call arrived, by the end of its path.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.state.lock().calls.iter().filter(|made| *made == call).count()
    }

    /// Calls by their names, in the order of their arrival.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().calls.clone()
    }

    pub(crate) fn script(&self, call: &'static str, answers: impl IntoIterator<Item = Value>) {
        self.state.lock().scripted.entry(call).or_default().extend(answers);
    }

    pub(crate) fn refusal(errcode: i64) -> Value {
        json!({ "errcode": errcode, "errmsg": "refused rid: 1-2" })
    }

    pub(crate) fn revoke_component_token(&self) {
        self.state.lock().component_tokens.clear();
    }

    pub(crate) fn revoke_access_tokens(&self, appid: &str) {
        self.state.lock().merchants.get_mut(appid).unwrap().access_tokens.clear();
    }
}

async fn serve(mut socket: TcpStream, state: Arc<Mutex<State>>) {
    while let Some((target, body)) = read_request(&mut socket).await {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let call = path.rsplit('/').next().unwrap_or_default().to_owned();
        let token = query.strip_prefix("access_token=").unwrap_or_default();
        let delay = {
            let mut state = state.lock();
            state.calls.push(call.clone());
            state.delay
        };
        tokio::time::sleep(delay).await;
        let answer = state.lock().answer(&call, token, &serde_json::from_str(&body).unwrap_or(Value::Null));
        let bytes = match answer {
            Value::Null => jpeg(),
            json => json.to_string().into_bytes(),
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
        if socket.write_all(&[head.as_bytes(), &bytes].concat()).await.is_err() {
            return;
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
            let lower = text.to_lowercase();
            let length =
                lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                let target = text.split(' ').nth(1)?.to_owned();
                return Some((target, String::from_utf8_lossy(&bytes[head + 4..]).into_owned()));
            }
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

impl State {
    fn make(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}-c4nary-{}", self.made)
    }

    fn answer(&mut self, call: &str, token: &str, body: &Value) -> Value {
        if let Some(scripted) = self.scripted.get_mut(call).and_then(VecDeque::pop_front) {
            return scripted;
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match call {
            "api_component_token" if !self.tickets.contains(&text("component_verify_ticket")) => WeChat::refusal(61006),
            "api_component_token" => {
                let token = self.make("component");
                // The one before is void.
                self.component_tokens = vec![token.clone()];
                json!({ "component_access_token": token, "expires_in": 7200 })
            }
            "api_start_push_ticket" => json!({ "errcode": 0, "errmsg": "ok" }),
            _ if call.starts_with("api_") && !self.component_tokens.iter().any(|valid| valid == token) => {
                WeChat::refusal(40001)
            }
            "api_create_preauthcode" => json!({ "pre_auth_code": self.make("preauth"), "expires_in": 1800 }),
            "api_query_auth" => self.query_auth(&text("authorization_code")),
            "api_authorizer_token" => {
                self.authorizer_token(&text("authorizer_appid"), &text("authorizer_refresh_token"))
            }
            "api_get_authorizer_list" => {
                let offset = body["offset"].as_u64().unwrap() as usize;
                let mut all: Vec<_> = self.merchants.iter().filter(|(_, merchant)| merchant.authorized).collect();
                all.sort_by_key(|(appid, _)| appid.as_str());
                let list = all.iter().skip(offset).take(500).map(|(appid, merchant)| {
                    json!({ "authorizer_appid": appid, "refresh_token": merchant.refresh_token, "auth_time": 1_000_000 })
                });
                let list: Vec<Value> = list.collect();
                json!({ "total_count": all.len(), "list": list })
            }
            _ => {
                match self.merchants.values().any(|merchant| merchant.access_tokens.iter().any(|valid| valid == token))
                {
                    true => Value::Null,
                    false => WeChat::refusal(40001),
                }
            }
        }
    }

    fn query_auth(&mut self, code: &str) -> Value {
        let Some(appid) = self.codes.remove(code) else { return WeChat::refusal(61009) };
        let (access, refresh) = (self.make("access"), self.make("refresh"));
        let merchant = self.merchants.entry(appid.clone()).or_default();
        (merchant.authorized, merchant.refresh_token) = (true, refresh.clone());
        merchant.access_tokens.push(access.clone());
        json!({ "authorization_info": {
            "authorizer_appid": appid, "authorizer_access_token": access, "expires_in": 7200,
            "authorizer_refresh_token": refresh, "func_info": [{ "funcscope_category": { "id": 17 } }],
        } })
    }

    fn authorizer_token(&mut self, appid: &str, refresh_token: &str) -> Value {
        let (access, rotated) = (self.make("access"), self.make("refresh"));
        let (rotates, overlaps) = (self.rotates, self.overlaps);
        let Some(merchant) = self.merchants.get_mut(appid).filter(|merchant| merchant.authorized) else {
            return WeChat::refusal(61003);
        };
        let is_replaced = || merchant.replaced.iter().any(|replaced| replaced == refresh_token);
        if merchant.refresh_token != refresh_token && !(overlaps && is_replaced()) {
            return WeChat::refusal(61023);
        }
        if rotates {
            merchant.replaced.push(std::mem::replace(&mut merchant.refresh_token, rotated));
        }
        // The one before is void.
        merchant.access_tokens = vec![access.clone()];
        let refresh_token = merchant.refresh_token.clone();
        json!({ "authorizer_access_token": access, "expires_in": 7200, "authorizer_refresh_token": refresh_token })
    }
}
