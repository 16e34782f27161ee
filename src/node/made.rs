//! Failures as calls have them, without a call: for tests whose client is a mock.

use std::time::Duration;

use napi_derive::napi;
use serde_json::json;

use super::failure::{Failure, failures};
use crate::error::{
    BadResponse, Error, ExceededLimit, NetworkErrorKind, RedisErrorKind, StoreProblem, TicketError, TimeoutPhase,
};
use crate::wechat::answer::{AnswerError, AnswerKind, Refusal, Unexpected};
use crate::wechat::body::Body;
use crate::wechat::endpoint::{Endpoint, Method};
use crate::wechat::errcode::{self, Subject};

const HOST: &str = "api.weixin.qq.com:443";
/// As the operating system says it.
const REFUSED: &str = "Connection refused (os error 111)";

/// What a test says of a refusal; the rest is typical of the errcode.
#[napi(object, object_to_js = false)]
pub(super) struct MadeRefusal {
    pub endpoint: Option<String>,
    pub errmsg: Option<String>,
    pub rid: Option<String>,
    /// The `page` or `path` of the call.
    pub page: Option<String>,
}

/// The failure of a call that WeChat refuses by an errcode, or nothing for an endpoint that there is none.
#[napi]
pub(super) fn make_refusal(errcode: f64, made: MadeRefusal) -> Option<Failure> {
    let errcode = errcode as i64;
    let endpoint = match made.endpoint {
        Some(name) => endpoint_named(&name)?,
        None => errcode::usual_endpoint(errcode),
    };
    let refusal = match made.errmsg {
        Some(errmsg) => read(errcode, &errmsg)?,
        None => Refusal { hint: None, ..read(errcode, errcode::typical_errmsg(errcode, &endpoint))? },
    };
    let refusal = Refusal { rid: made.rid, ..refusal };
    let subject = made.page.map(|text| Box::new(Subject { bytes: text.len(), text }));
    first(&Error::Api { endpoint, refusal, subject })
}

/// The failure of a call with this code, or nothing for a code that no error here has, or an endpoint that there is none.
#[napi]
pub(super) fn make_failure(code: String, endpoint: Option<String>, retry_after_ms: Option<f64>) -> Option<Failure> {
    let endpoint = match endpoint {
        Some(name) => endpoint_named(&name)?,
        None => Endpoint::GetUnlimitedQrCode,
    };
    let reason = "connection refused".to_owned();
    let error = match code.as_str() {
        "ERR_WXA_TIMEOUT" => Error::Timeout {
            endpoint: Some(endpoint),
            waited_for: TimeoutPhase::Answer,
            limit: Duration::from_secs(10),
            cause: None,
        },
        "ERR_WXA_NETWORK" => Error::Network {
            endpoint,
            kind: NetworkErrorKind::Unreachable,
            host: HOST.to_owned(),
            proxy: None,
            detail: REFUSED.to_owned(),
        },
        "ERR_WXA_RESPONSE" => Error::Response {
            endpoint,
            status: 502,
            problem: BadResponse::Body(Unexpected::Html),
            excerpt: "<html>502 Bad Gateway</html>".to_owned(),
        },
        "ERR_WXA_REDIS" => Error::Redis { reason, kind: RedisErrorKind::Down },
        "ERR_WXA_RATE_LIMIT" => {
            let wait = Duration::from_millis(retry_after_ms.unwrap_or(1000.0) as u64);
            Error::RateLimit { endpoint, limit: ExceededLimit::Process, wait }
        }
        "ERR_WXA_TICKET" => Error::Ticket(Box::new(TicketError { last_push: None, refusal: None })),
        "ERR_WXA_STORE" => Error::Store(Box::new(StoreProblem::Redis { reason })),
        "ERR_WXA_CLOSED" => Error::Closed,
        _ => return None,
    };
    first(&error)
}

fn first(error: &Error) -> Option<Failure> {
    failures(error).into_iter().next()
}

/// Reads a refusal as a response brings it.
fn read(errcode: i64, errmsg: &str) -> Option<Refusal> {
    let body = json!({ "errcode": errcode, "errmsg": errmsg }).to_string();
    match AnswerKind::read(&Body::from(body.as_bytes()), None) {
        Err(AnswerError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

/// An endpoint by any of its names, or any other path.
fn endpoint_named(name: &str) -> Option<Endpoint> {
    let path = name.starts_with('/').then(|| Endpoint::from_path(name, Method::Post));
    Endpoint::from_any_name(name).or(path)
}
