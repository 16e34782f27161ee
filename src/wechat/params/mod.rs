//! The parameters of the endpoints in `endpoints.json`: read once, from JSON in the caller's spelling, and written as WeChat
//! reads them. JavaScript has checked names and types.

mod read;
mod rules;
mod write;

use std::borrow::Cow;

use serde::Deserialize;

use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
pub(crate) use read::{Value, Values, other_number, unreadable};
pub(crate) use rules::Rule;
pub(crate) use write::Body;

/// A parameter of the schema.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Param {
    /// The name that the caller uses.
    pub(crate) name: String,
    /// The name that WeChat uses; a parameter without a `wire` name is written by the code of its endpoint.
    pub(crate) wire: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    #[serde(default)]
    pub(crate) values: Vec<String>,
    #[serde(default)]
    pub(crate) min: u32,
    #[serde(default)]
    pub(crate) max: u32,
    /// The longest text in bytes of UTF-8; 0 where bytes do not count.
    #[serde(default)]
    pub(crate) max_bytes: u32,
    pub(crate) unit: Option<Bilingual>,
    /// The default of WeChat: a value that equals the default does not change the image.
    pub(crate) default: Option<serde_json::Value>,
    /// WeChat ignores this parameter where the flag of this name is true.
    #[serde(rename = "unless")]
    pub(crate) ignored_if: Option<String>,
    /// `Some` if required: the errcode that WeChat returns when the parameter is missing, or 0 if unknown.
    pub(crate) required: Option<i64>,
    /// The errcode that WeChat returns for an invalid value.
    pub(crate) errcode: Option<i64>,
    pub(crate) rule: Option<Rule>,
    pub(crate) fix: Option<Bilingual>,
    #[serde(default)]
    pub(crate) fields: Vec<Self>,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Type {
    String,
    /// One of `values`.
    Enum,
    Boolean,
    /// From `min` to `max`.
    Integer,
    /// Any number: the code of the endpoint checks it.
    Number,
    /// Seconds since 1970.
    Time,
    /// An object of three integers.
    Color,
    Object,
    /// Fields that the schema does not know, as the text of a JSON object. They are sent as they are, and the text is the same
    /// for the same fields: JavaScript has ordered and checked them.
    Extra,
}

/// A parameter, and the object that has it as a field.
#[derive(Clone, Copy)]
pub(crate) struct ParamPath {
    pub(crate) param: &'static Param,
    pub(crate) outer: Option<&'static Param>,
}

impl ParamPath {
    /// `scene`, or `lineColor.r`.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match self.outer {
            Some(outer) => format!("{}.{}", outer.name, self.param.name).into(),
            None => self.param.name.as_str().into(),
        }
    }

    /// The error of an invalid value, with the errcode of the schema.
    pub(crate) fn invalid(self, cause: Bilingual, fix: Bilingual) -> InvalidParam {
        InvalidParam::new(self.name(), self.param.errcode, cause, fix)
    }

    /// The fix that the schema gives for the parameter or for its object.
    pub(crate) fn fix(self) -> Option<Bilingual> {
        self.param.fix.as_ref().or_else(|| self.outer?.fix.as_ref()).cloned()
    }
}

#[cfg(test)]
impl Param {
    /// Checks that the schema has what the type needs.
    pub(crate) fn assert_sound(&self, endpoint: &str) {
        let place = format!("{endpoint} {}", self.name);
        let is_written = self.wire.is_some();
        assert_eq!(
            is_written,
            !matches!(self.kind, Type::Number | Type::Time | Type::Extra),
            "{place}: a number needs code or a range"
        );
        assert_eq!(self.values.is_empty(), self.kind != Type::Enum, "{place}: values");
        assert_eq!(self.kind == Type::Integer, self.max > self.min && self.rule.is_none(), "{place}: a range");
        assert_eq!(self.fields.is_empty(), !matches!(self.kind, Type::Color | Type::Object), "{place}: fields");
        assert!(self.rule.is_none() || self.kind == Type::String, "{place}: a rule is about a text");
        self.fields.iter().for_each(|field| field.assert_sound(&place));
    }
}
