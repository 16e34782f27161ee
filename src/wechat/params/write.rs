//! Checks values and writes them as the JSON that WeChat reads, under WeChat's names.

use std::io::Write;

use serde::Serialize;

use super::{Param, ParamPath, Type, Value, Values};
use crate::error::explanation::{Bilingual, excerpt, shown};
use crate::error::invalid::InvalidParam;

/// A JSON object that is being written.
pub(crate) struct Body(Vec<u8>);

impl Body {
    /// An object without fields.
    pub(crate) fn open() -> Self {
        let mut bytes = Vec::with_capacity(192);
        bytes.push(b'{');
        Self(bytes)
    }

    /// serde_json writes UTF-8 as it is: WeChat refuses `\u0026` where it takes `&`.
    pub(crate) fn field(&mut self, name: &str, value: impl Serialize) {
        self.key(name);
        self.value(value);
    }

    /// The bytes of the object.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    fn key(&mut self, name: &str) {
        self.separate();
        self.value(name);
        self.0.push(b':');
    }

    /// The fields of the JSON object in `text`.
    fn fields(&mut self, text: &str) {
        let fields = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        if !fields.is_empty() {
            self.separate();
            self.0.extend_from_slice(fields.as_bytes());
        }
    }

    fn separate(&mut self) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
    }

    /// A text, a number or a flag can always be written into memory.
    fn value(&mut self, value: impl Serialize) {
        let _ = serde_json::to_writer(&mut self.0, &value);
    }
}

impl Values<'_> {
    /// The body, without parameters that have no `wire` name: the caller writes these.
    pub(crate) fn write(&self) -> Result<Body, InvalidParam> {
        let mut body = Body::open();
        self.each(None, |_, at, value| {
            if let Some(wire) = &at.param.wire {
                body.key(wire);
                write(value, at, &mut body)?;
            }
            Ok(())
        })?;
        Ok(body)
    }

    /// The body, and its identity: the body without values that are defaults or that WeChat ignores.
    pub(crate) fn write_with_identity(&self) -> Result<(Body, Body), InvalidParam> {
        let (mut body, mut identity) = (Body::open(), Body::open());
        self.each(None, |values, at, value| {
            if let (Type::Extra, Value::Text(fields)) = (at.param.kind, value) {
                body.fields(fields);
                identity.fields(fields);
            }
            let Some(wire) = &at.param.wire else { return Ok(()) };
            body.key(wire);
            let begin = body.0.len();
            write(value, at, &mut body)?;
            if !values.is_default_or_ignored(at.param, value) {
                identity.key(wire);
                let _ = identity.0.write_all(&body.0[begin..]);
            }
            Ok(())
        })?;
        Ok((body, identity))
    }

    fn each(
        &self,
        outer: Option<&'static Param>,
        mut visit: impl FnMut(&Self, ParamPath, &Value<'_>) -> Result<(), InvalidParam>,
    ) -> Result<(), InvalidParam> {
        for (param, value) in self.params.iter().zip(&self.given) {
            let at = ParamPath { param, outer };
            match value {
                Some(value) => visit(self, at, value)?,
                None if param.required.is_some() => return Err(missing(at)),
                None => {}
            }
        }
        Ok(())
    }

    /// Whether a value does not change the image.
    fn is_default_or_ignored(&self, param: &Param, value: &Value<'_>) -> bool {
        let is_ignored =
            param.ignored_if.as_ref().is_some_and(|flag| matches!(self.get(flag), Some(Value::Flag(true))));
        is_ignored || param.default.as_ref().is_some_and(|default| equals(value, default))
    }
}

fn write(value: &Value<'_>, at: ParamPath, body: &mut Body) -> Result<(), InvalidParam> {
    match value {
        Value::Text(text) => {
            match at.param.kind {
                Type::Enum => check_enum(at, text)?,
                _ => at.param.rule.map_or(Ok(()), |rule| rule.check(at, text))?,
            }
            body.value(text);
        }
        Value::Number(number) => body.value(check_integer(at, *number)?),
        Value::Flag(flag) => body.value(flag),
        Value::Fields(fields) => {
            body.0.push(b'{');
            fields.each(Some(at.param), |_, at, value| {
                body.key(at.param.wire.as_deref().unwrap_or_default());
                write(value, at, body)
            })?;
            body.0.push(b'}');
        }
    }
    Ok(())
}

fn equals(value: &Value<'_>, default: &serde_json::Value) -> bool {
    match value {
        Value::Text(text) => default == &**text,
        Value::Number(number) => default.as_f64() == Some(*number),
        Value::Flag(flag) => default == flag,
        Value::Fields(fields) => fields.params.iter().zip(&fields.given).all(|(param, value)| {
            value.as_ref().is_none_or(|value| default.get(&param.name).is_some_and(|part| equals(value, part)))
        }),
    }
}

fn missing(at: ParamPath) -> InvalidParam {
    let name = at.name();
    let (cause, fix) = (
        Bilingual::new(format!("缺少 {name}"), format!("{name} is missing")),
        Bilingual::new(format!("请传入 {name}"), format!("Pass {name}")),
    );
    InvalidParam::new(name, at.param.required.filter(|&errcode| errcode != 0), cause, fix)
}

fn check_enum(at: ParamPath, word: &str) -> Result<(), InvalidParam> {
    let Param { values, default, .. } = at.param;
    if values.iter().any(|value| value == word) {
        return Ok(());
    }
    let name = at.name();
    let (last, first) = values.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
    let default = default.as_ref().and_then(serde_json::Value::as_str);
    let or = default.map_or_else(Default::default, |default| {
        (format!("，或不传（即 {default}）"), format!(", or leave it out for {default}"))
    });
    Err(at.invalid(
        Bilingual::new(
            format!("{name} 是 {}，微信只支持 {}", excerpt(word), values.join("、")),
            format!("{name} is {}; WeChat supports {} and {last}", excerpt(word), first.join(", ")),
        ),
        Bilingual::new(format!("用其中之一{}", or.0), format!("Use one of them{}", or.1)),
    ))
}

fn check_integer(at: ParamPath, number: f64) -> Result<u32, InvalidParam> {
    let Param { min, max, unit, .. } = at.param;
    if number.fract() == 0.0 && (f64::from(*min)..=f64::from(*max)).contains(&number) {
        return Ok(number as u32);
    }
    let (name, number) = (at.name(), shown(number));
    let (zh, en) =
        unit.as_ref().map_or_else(Default::default, |unit| (format!("（{}）", unit.zh), format!(" of {}", unit.en)));
    Err(at.invalid(
        Bilingual::new(
            format!("{name} 是 {number}，须为 {min} 到 {max} 的整数{zh}"),
            format!("{name} is {number}; it must be a whole number{en} from {min} to {max}"),
        ),
        at.fix().unwrap_or_else(|| {
            Bilingual::new(format!("取 {min} 到 {max} 之间的整数"), format!("Pass a whole number from {min} to {max}"))
        }),
    ))
}
