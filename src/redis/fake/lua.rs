//! Runs Lua scripts on a [`Database`], with Redis's conversion of values into Lua and back.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use mlua::{Error, Function, Lua, LuaString, MultiValue, Value};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::database::{Bytes, Database, Reply};

/// The Lua of one thread, with the database of the script that runs.
struct Engine {
    lua: Lua,
    database: Rc<RefCell<Database>>,
    scripts: RefCell<HashMap<&'static str, Function>>,
}

thread_local! {
    static ENGINE: Engine = Engine::new().expect("Lua");
}

/// Runs a script. Returns its reply, or the text of the error that stopped it.
pub(crate) fn run(
    database: &mut Database,
    text: &'static str,
    keys: &[String],
    args: &[Bytes],
) -> Result<redis::Value, String> {
    ENGINE.with(|engine| {
        std::mem::swap(&mut *engine.database.borrow_mut(), database);
        let result = engine.run(text, keys, args);
        std::mem::swap(&mut *engine.database.borrow_mut(), database);
        result.map_err(|error| error.to_string())
    })
}

impl Engine {
    fn new() -> mlua::Result<Self> {
        let (lua, database) = (Lua::new(), Rc::<RefCell<Database>>::default());
        let called = database.clone();
        let call = lua.create_function(move |lua, args: MultiValue| {
            let args: Vec<Bytes> = args.iter().map(argument).collect();
            let reply = called.borrow_mut().call(&args).map_err(Error::RuntimeError)?;
            into_lua(lua, reply)
        })?;
        let called = database.clone();
        let pcall = lua.create_function(move |lua, args: MultiValue| {
            let args: Vec<Bytes> = args.iter().map(argument).collect();
            let reply = called.borrow_mut().call(&args);
            reply.map_or_else(
                |error| Ok(Value::Table(lua.create_table_from([("err", error)])?)),
                |reply| into_lua(lua, reply),
            )
        })?;
        let sha1hex = lua.create_function(|_, text: LuaString| {
            let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &text.as_bytes());
            Ok(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        })?;
        let redis = lua.create_table()?;
        redis.set("call", call)?;
        redis.set("pcall", pcall)?;
        redis.set("sha1hex", sha1hex)?;
        lua.globals().set("redis", redis)?;
        Ok(Self { lua, database, scripts: RefCell::default() })
    }

    fn run(&self, text: &'static str, keys: &[String], args: &[Bytes]) -> mlua::Result<redis::Value> {
        let globals = self.lua.globals();
        globals.set("KEYS", self.lua.create_sequence_from(keys.iter().map(String::as_str))?)?;
        let args: Vec<_> = args.iter().map(|arg| self.lua.create_string(arg)).collect::<mlua::Result<_>>()?;
        globals.set("ARGV", self.lua.create_sequence_from(args)?)?;
        let script = self.scripts.borrow().get(text).cloned();
        let script = match script {
            Some(script) => script,
            None => {
                let script = self.lua.load(text).into_function()?;
                self.scripts.borrow_mut().insert(text, script.clone());
                script
            }
        };
        out_of_lua(&script.call(())?)
    }
}

fn argument(value: &Value) -> Bytes {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Number(number) => number.to_string().into_bytes(),
        other => panic!("Redis takes no {} as an argument", other.type_name()),
    }
}

fn into_lua(lua: &Lua, reply: Reply) -> mlua::Result<Value> {
    Ok(match reply {
        Reply::Nil => Value::Boolean(false),
        Reply::Int(number) => Value::Number(number as f64),
        Reply::Bulk(bytes) => Value::String(lua.create_string(bytes)?),
        Reply::Status(text) => Value::Table(lua.create_table_from([("ok", text)])?),
        Reply::Array(items) => {
            let items: Vec<_> = items.into_iter().map(|item| into_lua(lua, item)).collect::<mlua::Result<_>>()?;
            Value::Table(lua.create_sequence_from(items)?)
        }
    })
}

fn out_of_lua(value: &Value) -> mlua::Result<redis::Value> {
    Ok(match value {
        Value::String(text) => redis::Value::BulkString(text.as_bytes().to_vec()),
        Value::Integer(number) => redis::Value::Int(*number),
        Value::Number(number) => redis::Value::Int(*number as i64),
        Value::Boolean(true) => redis::Value::Int(1),
        Value::Table(table) => {
            if let Some(status) = table.get::<Option<String>>("ok")? {
                return Ok(redis::Value::SimpleString(status));
            }
            let items: Vec<Value> = table.sequence_values().collect::<mlua::Result<_>>()?;
            redis::Value::Array(items.iter().map(out_of_lua).collect::<mlua::Result<_>>()?)
        }
        _ => redis::Value::Nil,
    })
}
