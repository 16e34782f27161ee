//! What an endpoint takes, by `endpoints.json`: parameters are read once, from JSON in the caller's spelling, and written as
//! WeChat reads them. JavaScript has checked names and types.

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

/// A parameter, as a row of the schema has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Param {
    /// As the caller spells it.
    pub(crate) name: String,
    /// As WeChat spells it; a parameter without one is written by the code of its endpoint.
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
    pub(crate) unit: Option<Both>,
    /// What WeChat assumes: a value that equals it changes no picture.
    pub(crate) default: Option<serde_json::Value>,
    /// WeChat ignores this parameter where the flag of this name is true.
    pub(crate) unless: Option<String>,
    /// That it has to be there, and what WeChat answers without it; 0 where that is not known.
    pub(crate) required: Option<i64>,
    /// What WeChat answers to a value that it refuses.
    pub(crate) errcode: Option<i64>,
    pub(crate) rule: Option<Rule>,
    pub(crate) fix: Option<Both>,
    #[serde(default)]
    pub(crate) fields: Vec<Self>,
}

/// What a value has to be, before any rule.
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
}

/// A text of the schema in both languages.
#[derive(Debug, Deserialize)]
pub(crate) struct Both {
    pub(crate) zh: String,
    pub(crate) en: String,
}

impl From<&'static Both> for Bilingual {
    fn from(Both { zh, en }: &'static Both) -> Self {
        Self::new(zh.as_str(), en.as_str())
    }
}

/// A parameter and the object that it is a field of.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub(crate) param: &'static Param,
    pub(crate) outer: Option<&'static Param>,
}

impl At {
    /// `scene`, or `lineColor.r`.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match self.outer {
            Some(outer) => format!("{}.{}", outer.name, self.param.name).into(),
            None => self.param.name.as_str().into(),
        }
    }

    /// With the errcode of the schema.
    pub(crate) fn refused(self, cause: Bilingual, fix: Bilingual) -> InvalidParam {
        InvalidParam::new(self.name(), self.param.errcode, cause, fix)
    }

    /// The fix that the schema gives for the parameter or for its object.
    pub(crate) fn fix(self) -> Option<Bilingual> {
        self.param.fix.as_ref().or_else(|| self.outer?.fix.as_ref()).map(Bilingual::from)
    }
}

#[cfg(test)]
impl Param {
    /// That a row says what its type needs.
    pub(crate) fn assert_sound(&self, endpoint: &str) {
        let place = format!("{endpoint} {}", self.name);
        let is_written = self.wire.is_some();
        assert_eq!(
            is_written,
            !matches!(self.kind, Type::Number | Type::Time),
            "{place}: a number needs code or a range"
        );
        assert_eq!(self.values.is_empty(), self.kind != Type::Enum, "{place}: values");
        assert_eq!(self.kind == Type::Integer, self.max > self.min && self.rule.is_none(), "{place}: a range");
        assert_eq!(self.fields.is_empty(), !matches!(self.kind, Type::Color | Type::Object), "{place}: fields");
        assert!(self.rule.is_none() || self.kind == Type::String, "{place}: a rule is about a text");
        self.fields.iter().for_each(|field| field.assert_sound(&place));
    }
}
