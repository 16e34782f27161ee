//! A small Redis: the commands that the scripts use, on keys that end by virtual time.

use std::collections::BTreeMap;

use crate::world::Millis;

pub type Bytes = Vec<u8>;

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Nil,
    Int(i64),
    Bulk(Bytes),
    Status(&'static str),
    Array(Vec<Reply>),
}

#[derive(Clone, Debug)]
enum Value {
    Text(Bytes),
    Hash(BTreeMap<Bytes, Bytes>),
}

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    dies: Option<Millis>,
}

#[derive(Clone, Debug, Default)]
pub struct Db {
    now: Millis,
    keys: BTreeMap<Bytes, Entry>,
    /// As a replica is.
    pub read_only: bool,
}

impl Db {
    /// Moves on to `now` and gives the keys that have ended since, with their texts and when they did.
    pub fn move_to(&mut self, now: Millis) -> Vec<(String, Option<String>, Millis)> {
        self.now = now;
        let dies = |entry: &Entry| entry.dies.filter(|&dies| dies <= now);
        let ended = self.keys.iter().filter_map(|(key, entry)| {
            let key = String::from_utf8_lossy(key).into_owned();
            Some((key.clone(), self.text(&key), dies(entry)?))
        });
        let ended: Vec<_> = ended.collect();
        self.keys.retain(|_, entry| dies(entry).is_none());
        ended
    }

    pub fn clear(&mut self) {
        self.keys.clear();
    }

    /// Drops the key with this last name.
    pub fn remove(&mut self, name: &str) {
        self.keys.retain(|key, _| !key.ends_with(format!(":{name}").as_bytes()));
    }

    /// What all keys begin with, as soon as there is one.
    pub fn place(&self) -> Option<String> {
        let key = String::from_utf8_lossy(self.keys.keys().next()?).into_owned();
        Some(key.rsplit_once(':')?.0.to_owned())
    }

    /// Takes its end from the key with this last name.
    pub fn persist(&mut self, name: &str) {
        for (key, entry) in &mut self.keys {
            if key.ends_with(format!(":{name}").as_bytes()) {
                entry.dies = None;
            }
        }
    }

    /// Puts a text there, whatever was there, for ever.
    pub fn put(&mut self, key: &str, text: &str) {
        self.keys.insert(key.into(), Entry { value: Value::Text(text.into()), dies: None });
    }

    /// Puts a text into a field of the key with this last name, where there is one.
    pub fn put_field(&mut self, name: &str, field: &str, text: &str) {
        for (key, entry) in &mut self.keys {
            if let (true, Value::Hash(hash)) = (key.ends_with(format!(":{name}").as_bytes()), &mut entry.value) {
                hash.insert(field.into(), text.into());
            }
        }
    }

    pub fn text(&self, key: &str) -> Option<String> {
        match &self.keys.get(key.as_bytes())?.value {
            Value::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            Value::Hash(_) => None,
        }
    }

    /// A field of the key with this last name, wherever that is.
    pub fn field_of(&self, name: &str, field: &str) -> Option<String> {
        let key = self.keys.keys().find(|key| key.ends_with(format!(":{name}").as_bytes()))?;
        self.field(std::str::from_utf8(key).ok()?, field)
    }

    pub fn field(&self, key: &str, field: &str) -> Option<String> {
        match &self.keys.get(key.as_bytes())?.value {
            Value::Hash(hash) => hash.get(field.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned()),
            Value::Text(_) => None,
        }
    }

    /// Whether any key or value holds these bytes.
    pub fn holds(&self, needle: &[u8]) -> bool {
        self.keys.iter().any(|(key, entry)| {
            contains(key, needle)
                || match &entry.value {
                    Value::Text(text) => contains(text, needle),
                    Value::Hash(hash) => hash.iter().any(|(k, v)| contains(k, needle) || contains(v, needle)),
                }
        })
    }

    pub fn call(&mut self, args: &[Bytes]) -> Result<Reply, String> {
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
            _ => panic!("this Redis does not know {name} with {} arguments: teach it", args.len()),
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
            Some(entry) => entry.dies.map_or(-1, |dies| (dies - self.now) as i64),
        }
    }

    fn time(&self) -> Reply {
        let text = |number: Millis| Reply::Bulk(number.to_string().into_bytes());
        Reply::Array(vec![text(1_700_000_000 + self.now / 1000), text(self.now % 1000 * 1000)])
    }

    fn set(&mut self, key: &[u8], value: &[u8], options: &[&[u8]]) -> Reply {
        let mut entry = Entry { value: Value::Text(value.to_vec()), dies: None };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match *option {
                b"NX" if self.keys.contains_key(key) => return Reply::Nil,
                b"NX" => {}
                b"PX" => entry.dies = options.next().map(|time| self.now + number(time) as Millis),
                other => panic!("this Redis does not know SET with {other:?}"),
            }
        }
        self.keys.insert(key.to_vec(), entry);
        Reply::Status("OK")
    }

    fn expire(&mut self, key: &[u8], time: i64) -> Reply {
        let dies = self.now + time as Millis;
        let found = self.keys.get_mut(key).map(|entry| entry.dies = Some(dies));
        Reply::Int(i64::from(found.is_some()))
    }

    fn increase(&mut self, key: &[u8]) -> Reply {
        let new = self.read(key).map_or(0, |text| number(&text)) + 1;
        let dies = self.keys.get(key).and_then(|entry| entry.dies);
        self.keys.insert(key.to_vec(), Entry { value: Value::Text(new.to_string().into_bytes()), dies });
        Reply::Int(new)
    }

    fn hash(&mut self, key: &[u8]) -> &mut BTreeMap<Bytes, Bytes> {
        let empty = || Entry { value: Value::Hash(BTreeMap::new()), dies: None };
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

pub fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

fn number(text: &[u8]) -> i64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).expect("a whole number")
}
