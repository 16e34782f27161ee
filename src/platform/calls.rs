//! The calls that a platform makes with its component access token.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Platform;
use crate::client::TimedRequest;
use crate::clock::Timestamp;
use crate::deadline::Deadline;
use crate::error::invalid::InvalidParam;
use crate::error::{BadResponse, Error, Result, TimeoutPhase};
use crate::token::source::ATTEMPT_TIMEOUT;
use crate::transport::{HttpRequest, RetryPolicy};
use crate::wechat::answer::{AnswerKind, Unexpected, is_token};
use crate::wechat::apis;
use crate::wechat::body::Body;
use crate::wechat::endpoint::Endpoint;
use crate::wechat::params::unreadable;
use crate::wechat::request::ApiRequest;

/// The most merchants that WeChat lists at once.
pub(crate) const PAGE: usize = 500;

/// Tokens of a merchant, as WeChat gives them.
#[derive(Clone)]
pub(crate) struct MerchantTokens {
    /// When they were asked for, in milliseconds since 1970.
    pub(crate) asked_at: u64,
    pub(crate) access_token: SecretString,
    pub(crate) expires_in: Option<i64>,
    /// `None` where WeChat left it out, or gave an empty one: then the one before stays.
    pub(crate) refresh_token: Option<SecretString>,
}

/// What an authorization code was exchanged for.
pub(crate) struct Granted {
    /// Before the request was sent.
    pub(crate) requested_at: Timestamp,
    pub(crate) appid: String,
    pub(crate) permissions: Vec<i64>,
    pub(crate) tokens: MerchantTokens,
}

impl Granted {
    /// The tokens, with the life that the access token has left.
    pub(crate) fn tokens_at(&self, now: Timestamp) -> MerchantTokens {
        let age = now.mono.saturating_sub(self.requested_at.mono).as_secs();
        let expires_in = self.tokens.expires_in.map(|life| life.saturating_sub_unsigned(age).max(0));
        MerchantTokens { expires_in, ..self.tokens.clone() }
    }
}

/// A merchant in WeChat's list.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) appid: String,
    /// `None` before an authorization code of the merchant was exchanged once.
    pub(crate) refresh_token: Option<SecretString>,
    /// In seconds since 1970.
    pub(crate) authorized_at: u64,
    /// When the list was asked for, in milliseconds since 1970: then the refresh token was the valid one.
    pub(crate) asked_at: u64,
}

#[derive(Deserialize)]
struct TokensAnswer {
    authorizer_access_token: String,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    authorizer_refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct QueryAuthAnswer {
    authorization_info: AuthorizationInfo,
}

#[derive(Deserialize)]
struct AuthorizationInfo {
    authorizer_appid: String,
    #[serde(flatten)]
    tokens: TokensAnswer,
    #[serde(default)]
    func_info: Vec<FuncInfo>,
}

#[derive(Deserialize)]
struct FuncInfo {
    funcscope_category: FuncScope,
}

#[derive(Deserialize)]
struct FuncScope {
    id: i64,
}

#[derive(Deserialize)]
struct ListAnswer {
    #[serde(default)]
    total_count: Value,
    list: Vec<ListRow>,
}

#[derive(Deserialize)]
struct ListRow {
    authorizer_appid: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    auth_time: Value,
}

#[derive(Deserialize)]
struct PreauthAnswer {
    pre_auth_code: String,
}

/// A number, or the text of one.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn token(text: Option<String>) -> Option<SecretString> {
    text.filter(|text| !text.is_empty()).map(SecretString::from)
}

impl Platform {
    /// An access token of a merchant, for its refresh token.
    pub(crate) async fn authorizer_token(
        &self,
        appid: &str,
        refresh_token: &str,
        deadline: &Deadline,
    ) -> Result<MerchantTokens> {
        let asked_at = self.core.clock.now().unix_millis();
        let body = json!({ "authorizer_appid": appid, "authorizer_refresh_token": refresh_token });
        let answer: TokensAnswer = self.call(Endpoint::AuthorizerToken, body, deadline).await?;
        tokens(answer, Endpoint::AuthorizerToken, asked_at)
    }

    /// The tokens of a merchant, for an authorization code. Each code can be exchanged once.
    pub(crate) async fn query_auth(&self, code: &str, deadline: &Deadline) -> Result<Granted> {
        let requested_at = self.core.clock.now();
        let body = json!({ "authorization_code": code });
        let answer: QueryAuthAnswer = self.call(Endpoint::QueryAuth, body, deadline).await?;
        let info = answer.authorization_info;
        let asked_at = requested_at.unix_millis();
        Ok(Granted {
            requested_at,
            appid: info.authorizer_appid,
            permissions: info.func_info.iter().map(|info| info.funcscope_category.id).collect(),
            tokens: tokens(info.tokens, Endpoint::QueryAuth, asked_at)?,
        })
    }

    /// A page of WeChat's list, and how many merchants there are in all.
    pub(crate) async fn authorizer_list(&self, offset: usize, deadline: &Deadline) -> Result<(usize, Vec<Listed>)> {
        let asked_at = self.core.clock.now().unix_millis();
        let body = json!({ "offset": offset, "count": PAGE });
        let answer: ListAnswer = self.call(Endpoint::GetAuthorizerList, body, deadline).await?;
        let total = number(&answer.total_count).and_then(|total| usize::try_from(total).ok()).unwrap_or_default();
        let listed = answer.list.into_iter().map(|row| Listed {
            appid: row.authorizer_appid,
            refresh_token: token(row.refresh_token),
            authorized_at: number(&row.auth_time).and_then(|time| u64::try_from(time).ok()).unwrap_or_default(),
            asked_at,
        });
        Ok((total, listed.collect()))
    }

    /// A code for the page on which a merchant authorises the platform.
    pub(crate) async fn preauth_code(&self, deadline: &Deadline) -> Result<SecretString> {
        let answer: PreauthAnswer = self.call(Endpoint::CreatePreauthcode, json!({}), deadline).await?;
        self.component.transport.secrets().add_request_secret(&answer.pre_auth_code);
        Ok(answer.pre_auth_code.into())
    }

    /// Asks WeChat to push tickets again. Takes no token.
    pub(crate) async fn start_push_ticket(&self, deadline: &Deadline) -> Result<()> {
        let secret = self.core.secret.expose_secret();
        let body = json!({ "component_appid": &*self.core.appid, "component_secret": secret });
        let http = HttpRequest {
            endpoint: Endpoint::StartPushTicket,
            query: &[],
            body: Some(body.to_string().into_bytes().into()),
            secrets: &[secret],
            sent: None,
            on_used: None,
        };
        let policy = RetryPolicy { retries: self.component.retries, attempt_timeout: None, repeatable: true };
        let read = |body: &Body| AnswerKind::read(body, Some("errcode"));
        let sent = self.component.transport.send_with_retries(&http, policy, deadline, &|_| {}, read);
        deadline.timeout(TimeoutPhase::Answer, || None, sent).await?.map(drop)
    }

    /// A request to any API of the platform, with its appid in the body.
    pub(crate) fn request(
        &self,
        path: &str,
        query: Vec<(String, String)>,
        body: Option<String>,
    ) -> Result<ApiRequest, InvalidParam> {
        let body = body.unwrap_or_else(|| "{}".to_owned());
        let mut fields: Value = serde_json::from_str(&body).map_err(|_| unreadable())?;
        if let Some(fields) = fields.as_object_mut() {
            fields.entry("component_appid").or_insert_with(|| (*self.core.appid).into());
        }
        apis::request::build_for_platform(path, query, fields.to_string())
    }

    async fn call<T: DeserializeOwned>(&self, endpoint: Endpoint, mut body: Value, deadline: &Deadline) -> Result<T> {
        body["component_appid"] = (*self.core.appid).into();
        let expected = endpoint.spec().and_then(|spec| spec.answer.as_deref());
        let request = ApiRequest::post(endpoint.clone(), body.to_string().into_bytes());
        // Of the time of a refresh, enough for another try is left by a server that says nothing.
        let attempt_timeout = matches!(endpoint, Endpoint::AuthorizerToken).then_some(ATTEMPT_TIMEOUT);
        let call = TimedRequest { request: &request, deadline, retries: 0, attempt_timeout };
        let (_, answer) = self.component.request_within(&call, expected).await?;
        match answer {
            AnswerKind::Json(text) => serde_json::from_str(&text).map_err(|_| unexpected(endpoint)),
            AnswerKind::Image => Err(unexpected(endpoint)),
        }
    }
}

fn tokens(answer: TokensAnswer, endpoint: Endpoint, asked_at: u64) -> Result<MerchantTokens> {
    if !is_token(&answer.authorizer_access_token) {
        return Err(unexpected(endpoint));
    }
    Ok(MerchantTokens {
        asked_at,
        access_token: answer.authorizer_access_token.into(),
        expires_in: number(&answer.expires_in),
        refresh_token: token(answer.authorizer_refresh_token),
    })
}

fn unexpected(endpoint: Endpoint) -> Error {
    Error::Response { endpoint, status: 200, problem: BadResponse::Body(Unexpected::Json), excerpt: String::new() }
}
