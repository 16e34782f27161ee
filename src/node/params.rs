//! The parameters of a code as they come over the boundary. JavaScript has checked their types and keys.

use napi_derive::napi;

use crate::wechat::params::{Code, CreateQrCode, QrCode, Style, UnlimitedQrCode};

#[napi(object, object_to_js = false)]
pub struct CodeParams {
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

#[napi(object, object_to_js = false)]
pub struct Color {
    pub r: f64,
    pub g: f64,
    pub b: f64,
}

impl CodeParams {
    fn style(&self) -> Style {
        Style {
            width: self.width,
            auto_color: self.auto_color,
            line_color: self.line_color.as_ref().map(|color| [color.r, color.g, color.b]),
            is_hyaline: self.is_hyaline,
        }
    }

    pub fn limited(self) -> Code {
        let style = self.style();
        Code::Limited(QrCode { path: self.path.unwrap_or_default(), env_version: self.env_version, style })
    }

    pub fn unlimited(self) -> Code {
        let style = self.style();
        Code::Unlimited(UnlimitedQrCode {
            scene: self.scene.unwrap_or_default(),
            page: self.page,
            check_path: self.check_path,
            env_version: self.env_version,
            style,
        })
    }

    pub fn square(self) -> Code {
        Code::Square(CreateQrCode { path: self.path.unwrap_or_default(), width: self.width })
    }
}
