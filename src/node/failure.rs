//! An error as data: JavaScript makes the class of it, so that `instanceof` holds and the stack is the caller's.

use napi_derive::napi;

use crate::error::Error;
use crate::error::explanation::{Bilingual, Explanation, Language};
use crate::wechat::errcode::{self, Scope};

/// What `index.js` needs to throw the right class.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// `ERR_WXA_...`, or `ABORTED` for the caller's own signal.
    pub code: &'static str,
    pub message: Message,
    pub endpoint: Option<String>,
    pub retryable: bool,
    pub explanation: Option<Explained>,
    pub errcode: Option<i64>,
    /// Whether the documents have a section about the errcode.
    pub is_listed: bool,
    pub errmsg: Option<String>,
    pub scope: Option<&'static str>,
    pub rid: Option<String>,
    pub hint: Option<String>,
    pub param: Option<String>,
    /// Why a push was refused, or what is wrong with a store.
    pub reason: Option<&'static str>,
    pub retry_after_ms: Option<f64>,
}

/// JavaScript knows which one its reader wants.
#[napi(object, object_from_js = false)]
pub struct Message {
    pub zh: String,
    pub en: String,
    /// Both languages, shortened.
    pub both: String,
}

#[napi(object, object_from_js = false)]
pub struct NativeBilingual {
    pub zh: String,
    pub en: String,
}

#[napi(object, object_from_js = false)]
pub struct Explained {
    pub cause: NativeBilingual,
    pub fix: NativeBilingual,
}

impl From<Explanation> for Explained {
    fn from(Explanation { cause, fix }: Explanation) -> Self {
        let both = |text: Bilingual| NativeBilingual { zh: text.zh.into_owned(), en: text.en.into_owned() };
        Self { cause: both(cause), fix: both(fix) }
    }
}

/// The failure, then what caused it, and so on.
pub(super) fn failures(error: &Error) -> Vec<Failure> {
    std::iter::successors(Some(error), |error| error.cause()).map(failure).collect()
}

/// The exception of the caller's own token provider, untouched.
pub(super) fn thrown(error: &Error) -> Option<napi::Error> {
    let Error::Provider(thrown) = error else { return None };
    let thrown = thrown.downcast_ref::<napi::Error>()?;
    Some(thrown.try_clone().unwrap_or_else(|unclonable| unclonable))
}

fn failure(error: &Error) -> Failure {
    let failure = Failure {
        code: error.code(),
        message: Message { zh: error.message(Language::Zh), en: error.message(Language::En), both: error.to_string() },
        endpoint: error.endpoint().map(|endpoint| endpoint.name().to_owned()),
        retryable: error.is_retryable(),
        explanation: error.explanation().map(Explained::from),
        errcode: None,
        is_listed: false,
        errmsg: None,
        scope: error.scope().map(Scope::name),
        rid: None,
        hint: None,
        param: None,
        reason: error.reason(),
        retry_after_ms: error.wait().map(|wait| wait.as_millis() as f64),
    };
    if let Some(refusal) = error.refusal() {
        return Failure {
            errcode: Some(refusal.errcode),
            is_listed: errcode::is_listed(refusal.errcode),
            errmsg: Some(refusal.errmsg.clone()),
            rid: refusal.rid.clone(),
            hint: refusal.hint.clone(),
            ..failure
        };
    }
    match error {
        Error::Params { invalid, .. } => {
            let (errcode, param) = (invalid.errcode, Some(invalid.param.clone().into_owned()));
            Failure { errcode, is_listed: errcode.is_some_and(errcode::is_listed), param, ..failure }
        }
        Error::Cancelled => Failure { code: "ABORTED", ..failure },
        _ => failure,
    }
}
