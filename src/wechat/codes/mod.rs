//! What a code is asked with: typed parameters, checked against WeChat's rules, to the JSON body. Types and unknown keys
//! are the business of whoever builds these structs.

mod rules;
#[cfg(test)]
mod tests;

use serde::Serialize;

use self::rules::{QR_CODE_PATH, SQUARE_CODE_PATH, channel, page, path, scene, width};
use super::endpoint::Endpoint;
use super::env_version::env_version;
use super::request::ApiRequest;
use crate::error::invalid::InvalidParam;

/// How a code looks. Sizes are pixels, colours 0 to 255.
#[derive(Clone, Debug, Default)]
pub struct Style {
    pub width: Option<f64>,
    pub auto_color: Option<bool>,
    pub line_color: Option<[f64; 3]>,
    pub is_hyaline: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct QrCode {
    pub path: String,
    pub env_version: Option<String>,
    pub style: Style,
}

#[derive(Clone, Debug, Default)]
pub struct UnlimitedQrCode {
    pub scene: String,
    pub page: Option<String>,
    pub check_path: Option<bool>,
    pub env_version: Option<String>,
    pub style: Style,
}

#[derive(Clone, Debug, Default)]
pub struct CreateQrCode {
    pub path: String,
    pub width: Option<f64>,
}

/// What may be asked for.
#[derive(Clone, Debug)]
pub enum Code {
    Limited(QrCode),
    Unlimited(UnlimitedQrCode),
    Square(CreateQrCode),
}

impl Code {
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Self::Limited(_) => Endpoint::GetQrCode,
            Self::Unlimited(_) => Endpoint::GetUnlimitedQrCode,
            Self::Square(_) => Endpoint::CreateQrCode,
        }
    }

    /// The page that the code opens, as the caller gave it.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::Limited(params) => Some(&params.path),
            Self::Unlimited(params) => params.page.as_deref(),
            Self::Square(params) => Some(&params.path),
        }
    }

    /// What is sent, or what is wrong with the parameters.
    pub fn question(&self) -> Result<ApiRequest, InvalidParam> {
        Ok(ApiRequest::post(self.endpoint(), bytes(&self.wire()?)))
    }

    /// What the picture depends on: the same for two codes that differ only in a default that is spelt out.
    pub fn identity(&self) -> Result<Identity, InvalidParam> {
        let mut identity = bytes(&self.wire()?.without_defaults());
        identity.push(self.kind());
        Ok(identity)
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Limited(_) => b'A',
            Self::Unlimited(_) => b'B',
            Self::Square(_) => b'C',
        }
    }

    fn wire(&self) -> Result<Wire<'_>, InvalidParam> {
        match self {
            Self::Limited(params) => params.wire(),
            Self::Unlimited(params) => params.wire(),
            Self::Square(params) => params.wire(),
        }
    }
}

/// See [`Code::identity`].
pub type Identity = Vec<u8>;

/// The body as WeChat reads it: snake_case names, nothing for what was not asked.
#[derive(Default, Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    scene: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_path: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_color: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_color: Option<Color>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_hyaline: Option<bool>,
}

impl Wire<'_> {
    /// Defaults as in WeChat's tables of parameters. `line_color` counts only without `auto_color`.
    fn without_defaults(self) -> Self {
        let auto_color = self.auto_color.filter(|&auto| auto);
        Self {
            check_path: self.check_path.filter(|&check| !check),
            env_version: self.env_version.filter(|&version| version != "release"),
            width: self.width.filter(|&width| width != 430),
            line_color: self.line_color.filter(|color| auto_color.is_none() && *color != Color { r: 0, g: 0, b: 0 }),
            auto_color,
            is_hyaline: self.is_hyaline.filter(|&hyaline| hyaline),
            ..self
        }
    }
}

#[derive(PartialEq, Serialize)]
struct Color {
    r: u32,
    g: u32,
    b: u32,
}

impl QrCode {
    fn wire(&self) -> Result<Wire<'_>, InvalidParam> {
        Ok(Wire {
            path: Some(path(&self.path, QR_CODE_PATH)?),
            env_version: env_version("envVersion", self.env_version.as_deref(), 40097)?,
            ..self.style.wire(&Endpoint::GetQrCode)?
        })
    }
}

impl UnlimitedQrCode {
    fn wire(&self) -> Result<Wire<'_>, InvalidParam> {
        Ok(Wire {
            scene: Some(scene(&self.scene)?),
            page: self.page.as_deref().map(page).transpose()?,
            check_path: self.check_path,
            env_version: env_version("envVersion", self.env_version.as_deref(), 40097)?,
            ..self.style.wire(&Endpoint::GetUnlimitedQrCode)?
        })
    }
}

impl CreateQrCode {
    fn wire(&self) -> Result<Wire<'_>, InvalidParam> {
        Ok(Wire {
            path: Some(path(&self.path, SQUARE_CODE_PATH)?),
            width: self.width.map(|w| width(w, &Endpoint::CreateQrCode)).transpose()?,
            ..Wire::default()
        })
    }
}

impl Style {
    fn wire<'a>(&self, endpoint: &Endpoint) -> Result<Wire<'a>, InvalidParam> {
        let color = |[r, g, b]: [f64; 3]| -> Result<Color, InvalidParam> {
            Ok(Color { r: channel("lineColor.r", r)?, g: channel("lineColor.g", g)?, b: channel("lineColor.b", b)? })
        };
        Ok(Wire {
            width: self.width.map(|w| width(w, endpoint)).transpose()?,
            auto_color: self.auto_color,
            line_color: self.line_color.map(color).transpose()?,
            is_hyaline: self.is_hyaline,
            ..Wire::default()
        })
    }
}

/// serde_json writes UTF-8 as it is: WeChat refuses `\u0026` where it takes `&`.
fn bytes(wire: &Wire) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    match serde_json::to_writer(&mut bytes, wire) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}
