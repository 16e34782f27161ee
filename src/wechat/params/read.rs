//! Reads JSON into one value per parameter.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};

use super::{Param, Type};
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;

/// A value as the caller gave it, of the type of its parameter.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Flag(bool),
    Fields(Values<'a>),
}

/// The values of an object, in the order of the schema.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(super) params: &'static [Param],
    pub(super) given: Vec<Option<Value<'a>>>,
}

impl<'a> Values<'a> {
    /// The values of a JSON object. A name that no row of `params` has, or a value of another type, is refused.
    pub(crate) fn read(params: &'static [Param], json: &'a str) -> Result<Self, InvalidParam> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let values = ParamsSeed(params).deserialize(&mut reader).map_err(|_| unreadable())?;
        reader.end().map_err(|_| unreadable()).map(|()| values)
    }

    /// The value of this name, if it was given.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.given[self.params.iter().position(|param| param.name == name)?].as_ref()
    }

    /// The value of this name, if the value is a number.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The value of this name, if the value is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// A number that JSON does not have, by its name in JavaScript.
pub(crate) fn other_number(name: &str) -> Option<f64> {
    match name {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The error of parameters that cannot be read: a bug in our own JavaScript.
pub(crate) fn unreadable() -> InvalidParam {
    InvalidParam::new(
        "params",
        None,
        Bilingual::new("参数无法读取", "the parameters cannot be read"),
        Bilingual::new("按 index.d.ts 中的类型传入参数", "Pass parameters of the types in index.d.ts"),
    )
}

/// Reads an object of parameters.
struct ParamsSeed(&'static [Param]);

impl<'de> DeserializeSeed<'de> for ParamsSeed {
    type Value = Values<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Values<'de>, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ParamsSeed {
    type Value = Values<'de>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an object of parameters")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Values<'de>, M::Error> {
        let mut given: Vec<_> = self.0.iter().map(|_| None).collect();
        while let Some(name) = map.next_key::<&str>()? {
            let unknown = || M::Error::custom("an unknown parameter");
            let index = self.0.iter().position(|param| param.name == name).ok_or_else(unknown)?;
            given[index] = Some(map.next_value_seed(ParamSeed(&self.0[index]))?);
        }
        Ok(Values { params: self.0, given })
    }
}

/// Reads the value of one parameter.
struct ParamSeed(&'static Param);

impl<'de> DeserializeSeed<'de> for ParamSeed {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value<'de>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl ParamSeed {
    fn text<'de, E: Error>(&self, text: Cow<'de, str>) -> Result<Value<'de>, E> {
        match self.0.kind {
            Type::String | Type::Enum | Type::Extra => Ok(Value::Text(text)),
            // JavaScript writes a number that JSON does not have as text. A rule refuses the number later.
            Type::Integer | Type::Number | Type::Time => {
                other_number(&text).map(Value::Number).ok_or_else(|| E::custom("a text for a number"))
            }
            _ => Err(E::custom("a text")),
        }
    }
}

impl<'de> Visitor<'de> for ParamSeed {
    type Value = Value<'de>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{:?}", self.0.kind)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value<'de>, E> {
        if self.0.kind == Type::Boolean { Ok(Value::Flag(flag)) } else { Err(E::custom("a flag")) }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value<'de>, E> {
        let is_number = matches!(self.0.kind, Type::Integer | Type::Number | Type::Time);
        if is_number { Ok(Value::Number(number)) } else { Err(E::custom("a number")) }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        self.text(text.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        self.text(text.to_owned().into())
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Value<'de>, M::Error> {
        match self.0.kind {
            Type::Color | Type::Object => ParamsSeed(&self.0.fields).visit_map(map).map(Value::Fields),
            _ => Err(M::Error::custom("an object")),
        }
    }
}
