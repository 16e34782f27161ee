//! The keys of the fake Redis, and the commands that the crate's scripts use. Time comes in by [`Database::advance_to`].

use std::collections::BTreeMap;

use redis::{RedisError, make_extension_error};

/// Milliseconds since the fake Redis started.
pub(crate) type Millis = u64;
pub(crate) type Bytes = Vec<u8>;

/// Unix time at which the fake Redis starts, in seconds.
const START: Millis = 1_700_000_000;

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Nil,
    Int(i64),
    Bulk(Bytes),
    Status(&'static str),
    Array(Vec<Self>),
}

#[derive(Clone, Debug)]
enum Value {
    Text(Bytes),
    Hash(BTreeMap<Bytes, Bytes>),
}

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    expires_at: Option<Millis>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Database {
    now: Millis,
    keys: BTreeMap<Bytes, Entry>,
    /// Whether every write fails, as on a replica.
    pub(crate) read_only: bool,
}

impl Database {
    /// Sets the time to `now` and deletes the keys that expired. Returns each with its text and the time at which it
    /// expired.
    pub(crate) fn advance_to(&mut self, now: Millis) -> Vec<(String, Option<String>, Millis)> {
        self.now = now;
        let expired_at = |entry: &Entry| entry.expires_at.filter(|&at| at <= now);
        let expired = self.keys.iter().filter_map(|(key, entry)| {
            let key = String::from_utf8_lossy(key).into_owned();
            Some((key.clone(), self.text(&key), expired_at(entry)?))
        });
        let expired: Vec<_> = expired.collect();
        self.keys.retain(|_, entry| expired_at(entry).is_none());
        expired
    }

    /// Deletes all keys.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
    }

    /// Deletes the keys that end with `:<name>`.
    pub(crate) fn remove(&mut self, name: &str) {
        self.keys.retain(|key, _| !has_name(key, name));
    }

    /// All keys, in alphabetical order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.keys.keys().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
    }

    /// The first key without its name: all keys of an account have the same prefix.
    pub(crate) fn key_prefix(&self) -> Option<String> {
        let key = String::from_utf8_lossy(self.keys.keys().next()?).into_owned();
        Some(key.rsplit_once(':')?.0.to_owned())
    }

    /// Removes the expiry of the keys that end with `:<name>`.
    pub(crate) fn persist(&mut self, name: &str) {
        for (_, entry) in self.keys.iter_mut().filter(|(key, _)| has_name(key, name)) {
            entry.expires_at = None;
        }
    }

    /// Sets a key to a text, without an expiry and whatever its type was.
    pub(crate) fn put(&mut self, key: &str, text: impl Into<Bytes>) {
        self.keys.insert(key.into(), Entry { value: Value::Text(text.into()), expires_at: None });
    }

    /// Sets a field of the hashes that end with `:<name>`.
    pub(crate) fn put_field(&mut self, name: &str, field: &str, text: &str) {
        for (_, entry) in self.keys.iter_mut().filter(|(key, _)| has_name(key, name)) {
            if let Value::Hash(hash) = &mut entry.value {
                hash.insert(field.into(), text.into());
            }
        }
    }

    /// The bytes of a key that holds a text.
    pub(crate) fn bytes(&self, key: &str) -> Option<&[u8]> {
        match &self.keys.get(key.as_bytes())?.value {
            Value::Text(text) => Some(text),
            Value::Hash(_) => None,
        }
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.bytes(key).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    /// A field of the first hash that ends with `:<name>`.
    pub(crate) fn field_of(&self, name: &str, field: &str) -> Option<String> {
        let key = self.keys.keys().find(|key| has_name(key, name))?;
        self.field(std::str::from_utf8(key).ok()?, field)
    }

    /// A field of a hash.
    pub(crate) fn field(&self, key: &str, field: &str) -> Option<String> {
        match &self.keys.get(key.as_bytes())?.value {
            Value::Hash(hash) => hash.get(field.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned()),
            Value::Text(_) => None,
        }
    }

    /// The fields of a hash with their values; none without the key.
    pub(crate) fn fields(&self, key: &str) -> Vec<(String, String)> {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        match self.keys.get(key.as_bytes()).map(|entry| &entry.value) {
            Some(Value::Hash(hash)) => hash.iter().map(|(field, value)| (text(field), text(value))).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether any key or value contains these bytes.
    pub(crate) fn holds(&self, needle: &[u8]) -> bool {
        self.keys.iter().any(|(key, entry)| {
            contains(key, needle)
                || match &entry.value {
                    Value::Text(text) => contains(text, needle),
                    Value::Hash(hash) => hash.iter().any(|(k, v)| contains(k, needle) || contains(v, needle)),
                }
        })
    }

    /// Runs a command. An error is worded as Redis words it.
    pub(crate) fn call(&mut self, args: &[Bytes]) -> Result<Reply, String> {
        let name = String::from_utf8_lossy(&args[0]).to_uppercase();
        let args: Vec<&[u8]> = args[1..].iter().map(Vec::as_slice).collect();
        match (name.as_str(), &args[..]) {
            ("GET" | "INCR", [key, ..]) if self.is_hash(key) => Err(WRONG_TYPE.to_owned()),
            ("HGET" | "HEXISTS" | "HMGET" | "HGETALL" | "HSET" | "HSETNX" | "HINCRBY" | "HDEL", [key, ..])
                if self.is_text(key) =>
            {
                Err(WRONG_TYPE.to_owned())
            }
            ("GET", [key]) => Ok(self.read(key).map_or(Reply::Nil, Reply::Bulk)),
            ("EXISTS", [key]) => Ok(Reply::Int(i64::from(self.keys.contains_key(*key)))),
            ("PTTL", [key]) => Ok(Reply::Int(self.pttl(key))),
            ("HGET", [key, field]) => Ok(self.read_field(key, field)),
            ("HEXISTS", [key, field]) => Ok(Reply::Int(i64::from(self.read_field(key, field) != Reply::Nil))),
            ("HMGET", [key, fields @ ..]) => {
                Ok(Reply::Array(fields.iter().map(|field| self.read_field(key, field)).collect()))
            }
            ("HGETALL", [key]) => Ok(self.read_all(key)),
            ("TIME", []) => Ok(self.time()),
            ("PING", []) => Ok(Reply::Status("PONG")),
            _ if self.read_only => Err("READONLY You can't write against a read only replica.".to_owned()),
            ("SET", [key, value, options @ ..]) => Ok(self.set(key, value, options)),
            ("DEL", [key]) => Ok(Reply::Int(i64::from(self.keys.remove(*key).is_some()))),
            ("PEXPIRE", [key, time]) => Ok(self.expire(key, number(time))),
            ("INCR", [key]) => Ok(self.increase(key)),
            ("HSET", [key, pairs @ ..]) => Ok(self.set_fields(key, pairs)),
            ("HSETNX", [key, field, value]) => Ok(self.set_new_field(key, field, value)),
            ("HINCRBY", [key, field, by]) => Ok(self.increase_field(key, field, number(by))),
            ("HDEL", [key, field]) => Ok(self.remove_field(key, field)),
            _ => panic!("the fake Redis does not know {name} with {} arguments", args.len()),
        }
    }

    fn is_hash(&self, key: &[u8]) -> bool {
        matches!(self.keys.get(key), Some(Entry { value: Value::Hash(_), .. }))
    }

    fn is_text(&self, key: &[u8]) -> bool {
        matches!(self.keys.get(key), Some(Entry { value: Value::Text(_), .. }))
    }

    fn read(&self, key: &[u8]) -> Option<Bytes> {
        match &self.keys.get(key)?.value {
            Value::Text(text) => Some(text.clone()),
            Value::Hash(_) => panic!("WRONGTYPE"),
        }
    }

    fn pttl(&self, key: &[u8]) -> i64 {
        match self.keys.get(key) {
            None => -2,
            Some(entry) => entry.expires_at.map_or(-1, |at| (at - self.now) as i64),
        }
    }

    fn time(&self) -> Reply {
        let text = |number: Millis| Reply::Bulk(number.to_string().into_bytes());
        Reply::Array(vec![text(START + self.now / 1000), text(self.now % 1000 * 1000)])
    }

    fn set(&mut self, key: &[u8], value: &[u8], options: &[&[u8]]) -> Reply {
        let mut entry = Entry { value: Value::Text(value.to_vec()), expires_at: None };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match *option {
                b"NX" if self.keys.contains_key(key) => return Reply::Nil,
                b"NX" => {}
                b"PX" => entry.expires_at = options.next().map(|time| self.now + number(time) as Millis),
                other => panic!("the fake Redis does not know SET with {other:?}"),
            }
        }
        self.keys.insert(key.to_vec(), entry);
        Reply::Status("OK")
    }

    fn expire(&mut self, key: &[u8], time: i64) -> Reply {
        let expires_at = self.now + time as Millis;
        let found = self.keys.get_mut(key).map(|entry| entry.expires_at = Some(expires_at));
        Reply::Int(i64::from(found.is_some()))
    }

    fn increase(&mut self, key: &[u8]) -> Reply {
        let new = self.read(key).map_or(0, |text| number(&text)) + 1;
        let expires_at = self.keys.get(key).and_then(|entry| entry.expires_at);
        self.keys.insert(key.to_vec(), Entry { value: Value::Text(new.to_string().into_bytes()), expires_at });
        Reply::Int(new)
    }

    fn hash(&mut self, key: &[u8]) -> &mut BTreeMap<Bytes, Bytes> {
        let empty = || Entry { value: Value::Hash(BTreeMap::new()), expires_at: None };
        match &mut self.keys.entry(key.to_vec()).or_insert_with(empty).value {
            Value::Hash(hash) => hash,
            Value::Text(_) => panic!("WRONGTYPE"),
        }
    }

    fn read_field(&self, key: &[u8], field: &[u8]) -> Reply {
        match self.keys.get(key).map(|entry| &entry.value) {
            Some(Value::Hash(hash)) => hash.get(field).map_or(Reply::Nil, |value| Reply::Bulk(value.clone())),
            Some(Value::Text(_)) => panic!("WRONGTYPE"),
            None => Reply::Nil,
        }
    }

    fn read_all(&self, key: &[u8]) -> Reply {
        match self.keys.get(key).map(|entry| &entry.value) {
            Some(Value::Hash(hash)) => {
                Reply::Array(hash.iter().flat_map(|(k, v)| [k, v]).map(|bytes| Reply::Bulk(bytes.clone())).collect())
            }
            Some(Value::Text(_)) => panic!("WRONGTYPE"),
            None => Reply::Array(Vec::new()),
        }
    }

    fn set_fields(&mut self, key: &[u8], pairs: &[&[u8]]) -> Reply {
        let hash = self.hash(key);
        let new = pairs.chunks(2).filter(|pair| hash.insert(pair[0].to_vec(), pair[1].to_vec()).is_none()).count();
        Reply::Int(new as i64)
    }

    fn set_new_field(&mut self, key: &[u8], field: &[u8], value: &[u8]) -> Reply {
        if self.read_field(key, field) != Reply::Nil {
            return Reply::Int(0);
        }
        self.set_fields(key, &[field, value])
    }

    fn increase_field(&mut self, key: &[u8], field: &[u8], by: i64) -> Reply {
        let hash = self.hash(key);
        let new = hash.get(field).map_or(0, |text| number(text)) + by;
        hash.insert(field.to_vec(), new.to_string().into_bytes());
        Reply::Int(new)
    }

    fn remove_field(&mut self, key: &[u8], field: &[u8]) -> Reply {
        if !self.keys.contains_key(key) {
            return Reply::Int(0);
        }
        let hash = self.hash(key);
        let found = hash.remove(field).is_some();
        if hash.is_empty() {
            self.keys.remove(key);
        }
        Reply::Int(i64::from(found))
    }
}

/// Whether a key ends with `:<name>`.
fn has_name(key: &[u8], name: &str) -> bool {
    key.strip_suffix(name.as_bytes()).is_some_and(|prefix| prefix.ends_with(b":"))
}

/// The error of a client for a text of Redis: its code first, or `ERR` where a script added words in front.
pub(crate) fn redis_error(text: &str) -> RedisError {
    match text.split_once(' ') {
        Some((code, detail)) if code.chars().all(|c| c.is_ascii_uppercase()) => {
            make_extension_error(code.to_owned(), Some(detail.to_owned()))
        }
        _ => make_extension_error("ERR".to_owned(), Some(text.to_owned())),
    }
}

/// Whether `text` contains `needle`.
pub(crate) fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

fn number(text: &[u8]) -> i64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).expect("a whole number")
}
