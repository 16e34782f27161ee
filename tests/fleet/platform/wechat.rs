//! WeChat for a platform: tickets, component tokens, merchants with their refresh tokens, and the errcodes of all that is over.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::member::appid;
use super::plan::Rules;
use crate::machine::EPOCH;
use crate::simulation::{Millis, SECOND};

/// The life of an authorization code.
pub(super) const CODE_LIFE: Millis = 600 * SECOND;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Component,
    /// `api_authorizer_token`.
    Refresh,
    /// `api_query_auth`.
    Exchange,
    List,
    /// A QR code of a merchant.
    Api,
}

/// A request as WeChat reads it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) kind: Kind,
    pub(super) merchant: Option<usize>,
    access_token: String,
    /// The ticket, the refresh token or the authorization code.
    pub(super) secret: String,
    offset: usize,
}

impl Call {
    pub(super) fn read(target: &str, body: &[u8]) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let merchant = |appid: &str| appid.strip_prefix("wx").and_then(|number| number.parse().ok());
        let (kind, secret) = match path.rsplit('/').next() {
            Some("api_component_token") => (Kind::Component, text("component_verify_ticket")),
            Some("api_authorizer_token") => (Kind::Refresh, text("authorizer_refresh_token")),
            Some("api_query_auth") => (Kind::Exchange, text("authorization_code")),
            Some("api_get_authorizer_list") => (Kind::List, String::new()),
            Some("getwxacode") => (Kind::Api, String::new()),
            other => panic!("the simulated WeChat does not know {other:?}"),
        };
        let mut query = url::form_urlencoded::parse(query.as_bytes());
        let access_token = query.find(|(name, _)| name == "access_token").map(|(_, value)| value.into_owned());
        let access_token = access_token.unwrap_or_default();
        let offset = body["offset"].as_u64().unwrap_or_default() as usize;
        Self { kind, merchant: merchant(&text("authorizer_appid")), access_token, secret, offset }
    }
}

/// What WeChat made of a request.
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// 0 for success.
    pub(super) errcode: i64,
}

struct Token {
    value: String,
    expires: Millis,
    invalid_at: Millis,
}

#[derive(Default)]
pub(super) struct Merchant {
    pub(super) authorized: bool,
    /// Of the last authorisation, in seconds since 1970.
    pub(super) authorized_at: u64,
    /// None before the first code of the authorisation was exchanged.
    pub(super) refresh_token: Option<String>,
    /// The code that was not exchanged yet, and until when it can be.
    pub(super) code: Option<(String, Millis)>,
    access: Vec<Token>,
}

/// A refresh token that was replaced.
pub(super) struct Retired {
    pub(super) merchant: usize,
    successor: String,
    until: Millis,
    /// When a process used an access token that had come with the successor or a later refresh token: then it was saved.
    pub(super) saved: Option<Millis>,
}

pub(super) struct WeChat {
    rules: Rules,
    /// The ticket that is pushed, and until when it is valid.
    ticket: (String, Millis),
    tickets: BTreeMap<String, Millis>,
    component: Vec<Token>,
    pub(super) merchants: Vec<Merchant>,
    pub(super) retired: BTreeMap<String, Retired>,
    /// The refresh token that came with each access token.
    came_with: BTreeMap<String, String>,
    made: u64,
}

pub(super) fn seconds(now: Millis) -> u64 {
    EPOCH.as_secs() + now / SECOND
}

impl WeChat {
    pub(super) fn new(rules: Rules, merchants: &[bool]) -> Self {
        let mut wechat = Self {
            rules,
            ticket: (String::new(), 0),
            tickets: BTreeMap::new(),
            component: Vec::new(),
            merchants: Vec::new(),
            retired: BTreeMap::new(),
            came_with: BTreeMap::new(),
            made: 0,
        };
        for &authorized in merchants {
            let refresh_token = authorized.then(|| wechat.make("refresh"));
            let authorized_at = seconds(0) - 1000;
            wechat.merchants.push(Merchant { authorized, refresh_token, authorized_at, ..Merchant::default() });
        }
        wechat
    }

    fn make(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}@@@c4nary-{}", self.made)
    }

    /// The ticket of a push: the one before, until half its life is over.
    pub(super) fn pushed_ticket(&mut self, now: Millis) -> String {
        if self.ticket.1 < now + self.rules.ticket_life / 2 {
            self.ticket = (self.make("ticket"), now + self.rules.ticket_life);
            self.tickets.insert(self.ticket.0.clone(), self.ticket.1);
        }
        self.ticket.0.clone()
    }

    pub(super) fn refuse_ticket(&mut self) {
        self.ticket.1 = 0;
        self.tickets.clear();
    }

    pub(super) fn revoke(&mut self, now: Millis) {
        for tokens in std::iter::once(&mut self.component).chain(self.merchants.iter_mut().map(|m| &mut m.access)) {
            tokens.iter_mut().for_each(|token| token.invalid_at = token.invalid_at.min(now));
        }
    }

    /// A merchant authorises the platform. Returns the authorization code.
    pub(super) fn authorize(&mut self, number: usize, now: Millis) -> String {
        let code = self.make("code");
        let merchant = &mut self.merchants[number];
        if !merchant.authorized {
            merchant.refresh_token = None;
        }
        merchant.authorized = true;
        merchant.authorized_at = seconds(now);
        merchant.code = Some((code.clone(), now + CODE_LIFE));
        code
    }

    pub(super) fn withdraw(&mut self, number: usize, now: Millis) {
        let merchant = &mut self.merchants[number];
        (merchant.authorized, merchant.code) = (false, None);
        merchant.access.iter_mut().for_each(|token| token.invalid_at = token.invalid_at.min(now));
        if let Some(token) = merchant.refresh_token.take() {
            self.retire(number, token, String::new(), now);
        }
    }

    fn retire(&mut self, merchant: usize, token: String, successor: String, until: Millis) {
        self.retired.insert(token, Retired { merchant, successor, until, saved: None });
    }

    /// The merchant of an access token.
    pub(super) fn owner(&self, access_token: &str) -> Option<usize> {
        self.merchants.iter().position(|merchant| merchant.access.iter().any(|token| token.value == access_token))
    }

    /// A process uses an access token.
    pub(super) fn note_use(&mut self, access_token: &str, now: Millis) {
        let Some(mut present) = self.came_with.get(access_token).cloned() else { return };
        while let Some((before, retired)) = self.retired.iter_mut().find(|(_, retired)| retired.successor == present) {
            if retired.saved.is_some() {
                return;
            }
            retired.saved = Some(now);
            present.clone_from(before);
        }
    }

    pub(super) fn answer(&mut self, call: &Call, now: Millis) -> Answer {
        if let Some(refused) = self.refusal(call, now) {
            return refused;
        }
        match call.kind {
            Kind::Component => {
                let (value, overlap) = (self.make("component"), now + self.rules.access_overlap);
                self.component.iter_mut().for_each(|token| token.invalid_at = token.invalid_at.min(overlap));
                self.component.push(self.token(value.clone(), now));
                success(&json!({ "component_access_token": value, "expires_in": self.rules.life / SECOND }))
            }
            Kind::Refresh => self.refresh(call.merchant.expect("a merchant"), now),
            Kind::Exchange => self.exchange(call.merchant_of_code(self), now),
            Kind::List => self.list(call.offset),
            Kind::Api => Answer { body: jpeg(), errcode: 0 },
        }
    }

    fn refusal(&self, call: &Call, now: Millis) -> Option<Answer> {
        let dead = |tokens: &[Token]| match tokens.iter().find(|token| token.value == call.access_token) {
            Some(token) if now < token.invalid_at => None,
            Some(token) if now >= token.expires => Some(42001),
            _ => Some(40001),
        };
        let errcode = match call.kind {
            Kind::Component => match self.tickets.get(&call.secret) {
                Some(&valid_until) if now < valid_until => None,
                Some(_) => Some(61005),
                None => Some(61006),
            },
            Kind::Api => match self.owner(&call.access_token) {
                Some(owner) if !self.merchants[owner].authorized => Some(61003),
                Some(owner) => dead(&self.merchants[owner].access),
                None => Some(40001),
            },
            _ => dead(&self.component),
        };
        let of_merchant = || match (call.kind, call.merchant.and_then(|number| self.merchants.get(number))) {
            (Kind::Refresh, Some(merchant)) if !merchant.authorized => Some(61003),
            (Kind::Refresh, Some(merchant)) => {
                let retired = self.retired.get(&call.secret).filter(|retired| Some(retired.merchant) == call.merchant);
                let works = merchant.refresh_token.as_ref() == Some(&call.secret)
                    || retired.is_some_and(|retired| now < retired.until);
                (!works).then_some(61023)
            }
            (Kind::Exchange, _) => match call.code(self) {
                Some((_, (_, until))) if now < *until => None,
                Some(_) => Some(61010),
                None => Some(61009),
            },
            _ => None,
        };
        let errcode = errcode.or_else(of_merchant)?;
        // Secrets in its words are WeChat's way.
        let errmsg = format!("refused: {} {} rid: 1-2", call.secret, call.access_token);
        let body = json!({ "errcode": errcode, "errmsg": errmsg }).to_string().into();
        Some(Answer { body, errcode })
    }

    fn token(&self, value: String, now: Millis) -> Token {
        let expires = now + self.rules.life;
        Token { value, expires, invalid_at: expires }
    }

    fn refresh(&mut self, number: usize, now: Millis) -> Answer {
        if self.rules.rotates {
            let (new, until) = (self.make("refresh"), now + self.rules.refresh_overlap);
            if let Some(old) = self.merchants[number].refresh_token.replace(new.clone()) {
                self.retire(number, old, new, until);
            }
        }
        let (access, refresh) = self.grant(number, now);
        let life = self.rules.life / SECOND;
        success(&json!({ "authorizer_access_token": access, "expires_in": life, "authorizer_refresh_token": refresh }))
    }

    fn exchange(&mut self, number: usize, now: Millis) -> Answer {
        let new = self.make("refresh");
        self.merchants[number].code = None;
        if let Some(old) = self.merchants[number].refresh_token.replace(new.clone()) {
            self.retire(number, old, new, now);
        }
        let (access, refresh) = self.grant(number, now);
        let life = self.rules.life / SECOND;
        let info = json!({
            "authorizer_appid": appid(number), "authorizer_access_token": access, "expires_in": life,
            "authorizer_refresh_token": refresh, "func_info": [{ "funcscope_category": { "id": 17 } }],
        });
        success(&json!({ "authorization_info": info }))
    }

    /// Makes an access token. Returns it with the refresh token.
    fn grant(&mut self, number: usize, now: Millis) -> (String, String) {
        let (value, overlap) = (self.make("access"), now + self.rules.access_overlap);
        let token = self.token(value.clone(), now);
        let merchant = &mut self.merchants[number];
        merchant.access.iter_mut().for_each(|token| token.invalid_at = token.invalid_at.min(overlap));
        merchant.access.push(token);
        let refresh = merchant.refresh_token.clone().expect("a refresh token");
        self.came_with.insert(value.clone(), refresh.clone());
        (value, refresh)
    }

    fn list(&self, offset: usize) -> Answer {
        let all: Vec<_> = self.merchants.iter().enumerate().filter(|(_, merchant)| merchant.authorized).collect();
        let rows: Vec<_> = all
            .iter()
            .skip(offset)
            .map(|(number, merchant)| {
                json!({
                    "authorizer_appid": appid(*number),
                    "refresh_token": merchant.refresh_token,
                    "auth_time": merchant.authorized_at,
                })
            })
            .collect();
        success(&json!({ "total_count": all.len(), "list": rows }))
    }
}

impl Call {
    /// The access token of a merchant that it uses.
    pub(super) fn used(&self) -> &str {
        &self.access_token
    }

    fn code<'a>(&self, wechat: &'a WeChat) -> Option<(usize, &'a (String, Millis))> {
        let codes = wechat.merchants.iter().enumerate();
        codes
            .filter_map(|(number, merchant)| Some((number, merchant.code.as_ref()?)))
            .find(|(_, (code, _))| *code == self.secret)
    }

    fn merchant_of_code(&self, wechat: &WeChat) -> usize {
        self.code(wechat).expect("a code").0
    }
}

fn success(body: &Value) -> Answer {
    Answer { body: body.to_string().into(), errcode: 0 }
}

fn jpeg() -> Bytes {
    let mut bytes = vec![0xFF, 0xD8];
    bytes.extend([0xFF, 0xDA, 0, 3, 1, 7, 9, 9]);
    bytes.extend([0xFF, 0xD9]);
    bytes.into()
}
