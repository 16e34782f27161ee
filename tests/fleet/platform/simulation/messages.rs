//! Messages between processes, Redis, stores and WeChat.

use super::*;

impl Simulation {
    pub(super) fn send(&mut self, from: usize, message: Message) {
        match message {
            Message::Redis(request) => self.send_command(from, request),
            Message::Request { target, body, reply } => self.send_request(from, &target, &body, reply),
            Message::Store { operation, reply } => {
                if matches!(operation, Operation::Set(..)) {
                    self.moment(Moment::Write, from);
                }
                let at = self.now + self.rng.u64(1..10);
                self.push(at, Event::Operation { from, operation, reply });
            }
        }
    }

    fn send_command(&mut self, from: usize, request: RedisRequest) {
        let RedisRequest { command, connection, reply } = request;
        let at = self.now;
        self.check_command(from, &command);
        match script(&command) {
            Some("write_record") => self.moment(Moment::Write, from),
            Some("publish") => self.moment(Moment::Publish, from),
            _ => {}
        }
        let mut route = Route { latency: &self.plan.redis, faults: &self.fault_periods, rng: &mut self.rng };
        if let Some((arrives, back)) = self.slots[from].pipe.depart(from, at, connection, &mut route) {
            self.push(arrives, Event::Command { from, sent: at, command, back, reply });
        }
    }

    pub(super) fn command(&mut self, from: usize, sent: Millis, command: Command, back: Back, reply: Sender<Answer>) {
        let slow = match self.redis_fault() {
            Some((RedisFault::Refuses | RedisFault::Emptied, _)) => {
                return self.push(self.now + 1, Event::Answer { answer: Answer::Refused, reply });
            }
            Some((RedisFault::Silent, _)) => return,
            Some((RedisFault::Stalled, end)) => {
                return self.push(end, Event::Command { from, sent, command, back, reply });
            }
            Some((RedisFault::Slow, _)) => self.rng.u64(20..600),
            Some((RedisFault::ReadOnly, _)) | None => 0,
        };
        let answer = self.execute(from, &command);
        let (after, answer) = match back {
            Back::Never => return,
            Back::Reset(after) => (after, Answer::Reset),
            Back::After(after) => (after, answer),
        };
        let arrives = self.slots[from].pipe.answer(self.now + after + slow);
        self.push(arrives, Event::Answer { answer, reply });
    }

    fn execute(&mut self, from: usize, command: &Command) -> Answer {
        self.database.advance_to(self.now);
        self.database.read_only = matches!(self.redis_fault(), Some((RedisFault::ReadOnly, _)));
        let (text, keys, args) = match command {
            Command::Script { text, keys, args } => (*text, keys, args),
            Command::Probe { key: Some(_) } if self.database.read_only => return Answer::Error("READONLY".to_owned()),
            Command::Probe { .. } => return Answer::Value(redis::Value::Int(0)),
        };
        let result = lua::run(&mut self.database, text, keys, args);
        if let Some(name) = script(command).filter(|name| *name != "changes") {
            self.journal.count(name);
            self.note(|| {
                let key = keys[0].split('{').nth(1).and_then(|key| key.split(':').next()).unwrap_or_default();
                format!("Redis: P{from} {name} of {key} -> {}", shown(&result))
            });
            if name == "write_record" && result == Ok(redis::Value::Int(1)) {
                self.moment(Moment::Written, from);
            }
        }
        result.map_or_else(Answer::Error, Answer::Value)
    }

    pub(super) fn operation(&mut self, from: usize, operation: Operation, reply: Sender<StoreReply>) {
        let fault = self.active_fault(|kind| matches!(kind, FaultKind::Store(_))).map(|period| period.kind.clone());
        let result = match fault {
            Some(FaultKind::Store(StoreFault::Hangs)) => return,
            Some(FaultKind::Store(StoreFault::Throws)) => Err(store_error()),
            Some(FaultKind::Store(StoreFault::Mute)) => {
                self.operate(from, operation);
                Err(store_error())
            }
            _ => Ok(self.operate(from, operation)),
        };
        let at = self.now + self.rng.u64(1..10);
        self.push(at, Event::StoreReply { result, reply });
    }

    fn operate(&mut self, from: usize, operation: Operation) -> Option<Vec<u8>> {
        match operation {
            Operation::Get(key) => return self.disk.get(&key).cloned(),
            Operation::Set(key, value) => {
                self.note(|| format!("store: P{from} sets {key}"));
                self.disk.insert(key, value);
                self.moment(Moment::Written, from);
            }
            Operation::Delete(key) => {
                self.note(|| format!("store: P{from} deletes {key}"));
                self.disk.remove(&key);
            }
        }
        None
    }

    fn send_request(&mut self, from: usize, target: &str, body: &[u8], reply: Sender<Response>) {
        let call = Call::read(target, body);
        let merchant = match call.kind {
            Kind::Api => self.wechat.owner(call.used()),
            _ => call.merchant,
        };
        let request = Request {
            kind: call.kind,
            merchant,
            from,
            sent: self.now,
            secret: call.secret.clone(),
            errcode: None,
            answered: None,
            heard: false,
        };
        self.check_request(&request);
        if call.kind == Kind::Api {
            self.wechat.note_use(call.used(), self.now);
        }
        self.note(|| format!("P{from} asks {:?} for {merchant:?} by {} {}", call.kind, call.secret, call.used()));
        self.journal.requests.push(request);
        let number = self.journal.requests.len() - 1;
        let mut way = self.rng.u64(self.plan.wechat.clone());
        match self.wechat_fault() {
            Some(WeChatFault::Unreachable) => {
                let response = Err(wxacode::error::NetworkErrorKind::Unreachable);
                return self.push(self.now + way, Event::Response { number, response, reply });
            }
            Some(WeChatFault::Slow) => way += self.rng.u64(0..3500),
            _ => {}
        }
        self.push(self.now + way, Event::Request { number, call, reply });
    }

    /// A request arrives at WeChat.
    pub(super) fn request(&mut self, number: usize, call: &Call, reply: Sender<Response>) {
        let from = self.journal.requests[number].from;
        if matches!(call.kind, Kind::Component | Kind::Refresh | Kind::Exchange) {
            self.moment(Moment::Request, from);
        }
        let fault = self.wechat_fault();
        let (body, errcode) = match fault {
            Some(WeChatFault::Silent) => return,
            Some(WeChatFault::Busy) => (Bytes::from_static(br#"{"errcode":-1,"errmsg":"system error"}"#), -1),
            _ => {
                let answer = self.wechat.answer(call, self.now);
                (answer.body, answer.errcode)
            }
        };
        self.note(|| format!("WeChat answers {errcode} to P{from}'s {:?}", call.kind));
        self.journal.count(&format!("{:?} {errcode}", call.kind));
        self.journal.requests[number].errcode = Some(errcode);
        if matches!(errcode, 40001 | 42001) {
            self.moment(Moment::Rejection, from);
        }
        if fault == Some(WeChatFault::Mute) {
            return;
        }
        let slow = if fault == Some(WeChatFault::Slow) { self.rng.u64(0..3500) } else { 0 };
        let way = self.rng.u64(self.plan.wechat.clone());
        self.push(self.now + way + slow, Event::Response { number, response: Ok(body), reply });
    }

    pub(super) fn respond(&mut self, number: usize, response: Response, reply: Sender<Response>) {
        let request = &mut self.journal.requests[number];
        request.answered = Some(self.now);
        request.heard = reply.send(response).is_ok();
        let (from, kind) = (request.from, request.kind);
        if matches!(kind, Kind::Component | Kind::Refresh | Kind::Exchange) {
            self.moment(Moment::Answered, from);
        }
    }
}

fn script(command: &Command) -> Option<&'static str> {
    const SCRIPTS: [(&str, &str); 13] = [
        (include_str!("../../../../src/lifetime_quota/record_usage.lua"), "record_usage"),
        (include_str!("../../../../src/platform/changes.lua"), "changes"),
        (include_str!("../../../../src/platform/claim_code.lua"), "claim_code"),
        (include_str!("../../../../src/platform/tell_code.lua"), "tell_code"),
        (include_str!("../../../../src/platform/store/read_record.lua"), "read_record"),
        (include_str!("../../../../src/platform/store/write_record.lua"), "write_record"),
        (include_str!("../../../../src/token/redis_store/acquire.lua"), "acquire"),
        (include_str!("../../../../src/token/redis_store/forget.lua"), "forget"),
        (include_str!("../../../../src/token/redis_store/peek.lua"), "peek"),
        (include_str!("../../../../src/token/redis_store/publish.lua"), "publish"),
        (include_str!("../../../../src/token/redis_store/release.lua"), "release"),
        (include_str!("../../../../src/token/redis_store/repair.lua"), "repair"),
        (include_str!("../../../../src/token/redis_store/take_forced_refresh.lua"), "take_forced_refresh"),
    ];
    let Command::Script { text, .. } = command else { return None };
    Some(SCRIPTS.iter().find(|(known, _)| known == text).expect("a script of the crate").1)
}

/// The shape of a reply: its values are random.
fn shown(result: &Result<redis::Value, String>) -> String {
    match result {
        Ok(redis::Value::Array(row)) => match row.first() {
            Some(redis::Value::BulkString(word)) if word.len() < 12 => String::from_utf8_lossy(word).into_owned(),
            _ => format!("{} values", row.len()),
        },
        Ok(redis::Value::Int(number)) => number.to_string(),
        Ok(_) => "a value".to_owned(),
        Err(error) => error.clone(),
    }
}
