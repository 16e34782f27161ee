//! A code's parameters without a call.

use napi_derive::napi;

use super::client::{Color, style};
use super::failure::{Failure, failures};
use crate::error::Error;
use crate::wechat::codes::{Code, CreateQrCode, QrCode, UnlimitedQrCode};

/// A code that WeChat is not asked for.
#[napi(object, object_to_js = false)]
pub struct CodeDto {
    /// `unlimited`, `limited` or `qrcode`.
    pub kind: String,
    pub scene: Option<String>,
    pub page: Option<String>,
    pub path: Option<String>,
    pub check_path: Option<bool>,
    pub env_version: Option<String>,
    pub width: Option<f64>,
    pub auto_color: Option<bool>,
    pub line_color: Option<Color>,
    pub is_hyaline: Option<bool>,
}

impl From<CodeDto> for Code {
    fn from(code: CodeDto) -> Self {
        let CodeDto { kind, scene, page, path, check_path, env_version, width, .. } = code;
        let style = style(width, code.auto_color, code.line_color, code.is_hyaline);
        let path = path.unwrap_or_default();
        match kind.as_str() {
            "unlimited" => {
                let scene = scene.unwrap_or_default();
                Self::Unlimited(UnlimitedQrCode { scene, page, check_path, env_version, style })
            }
            "limited" => Self::Limited(QrCode { path, env_version, style }),
            _ => Self::Square(CreateQrCode { path, width }),
        }
    }
}

/// What is wrong with a code's parameters.
#[napi]
pub fn check(code: CodeDto) -> Option<Vec<Failure>> {
    let code = Code::from(code);
    let invalid = code.question().err()?;
    Some(failures(&Error::Params { endpoint: Some(code.endpoint()), invalid }))
}
