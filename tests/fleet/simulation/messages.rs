//! Messages between processes, Redis and WeChat.

use super::*;

impl Simulation {
    pub(super) fn send(&mut self, from: usize, message: Message) {
        let at = self.now;
        match message {
            Message::Redis(request) => self.send_command(from, request),
            Message::Token { forced, rejected, again, reply } => {
                let fetch = Fetch::new(from, self.slots[from].incarnation, at, forced, rejected, again);
                self.send_fetch(fetch, reply);
            }
            Message::Api { token, reply } => {
                self.check_served(from, &token);
                let way = self.rng.u64(5..60);
                self.push(at + way, Event::Api { from, token, reply });
            }
        }
    }

    fn send_command(&mut self, from: usize, request: RedisRequest) {
        let RedisRequest { command, connection, reply } = request;
        let at = self.now;
        self.check_command(from, &command);
        match &command {
            Command::Probe { .. } => self.note(|| format!("P{from} probes Redis")),
            Command::Script { text, .. } => match script_name(text) {
                "acquire" => self.moment(Moment::TokenRequest, from),
                "publish" => self.moment(Moment::Publish, from),
                _ => {}
            },
        }
        let mut route = Route { latency: &self.plan.redis, faults: &self.fault_periods, rng: &mut self.rng };
        if let Some((arrives, back)) = self.slots[from].pipe.depart(from, at, connection, &mut route) {
            self.push(arrives, Event::Command { from, sent: at, command, back, reply });
        }
    }

    pub(super) fn command(&mut self, from: usize, sent: Millis, command: Command, back: Back, reply: Sender<Answer>) {
        let slow = match self.redis_fault() {
            Some((RedisFault::Refuses | RedisFault::Emptied, _)) => {
                self.push(self.now + 1, Event::Answer { to: from, answer: Answer::Refused, owner: None, reply });
                return;
            }
            Some((RedisFault::Silent, _)) => return,
            Some((RedisFault::Stalled, end)) => {
                self.push(end, Event::Command { from, sent, command, back, reply });
                return;
            }
            Some((RedisFault::Slow, _)) => self.rng.u64(20..600),
            Some((RedisFault::ReadOnly, _)) | None => 0,
        };
        let (answer, owner) = self.execute(from, sent, &command);
        let (after, answer) = match back {
            Back::Never => return,
            Back::Reset(after) => (after, Answer::Reset),
            Back::After(after) => (after, answer),
        };
        let arrives = self.slots[from].pipe.answer(self.now + after + slow);
        let owner = owner.filter(|_| matches!(answer, Answer::Value(_)));
        self.push(arrives, Event::Answer { to: from, answer, owner, reply });
    }

    /// Runs a command. Returns the answer, and the owner that got the lock.
    fn execute(&mut self, from: usize, sent: Millis, command: &Command) -> (Answer, Option<String>) {
        let expired = self.database.advance_to(self.now);
        self.check_expired(&expired);
        self.database.read_only = matches!(self.redis_fault(), Some((RedisFault::ReadOnly, _)));
        let (text, keys, args) = match command {
            Command::Script { text, keys, args } => (*text, keys, args),
            Command::Probe { key: Some(_) } if self.database.read_only => {
                return (Answer::Error("READONLY".to_owned()), None);
            }
            Command::Probe { .. } => return (Answer::Value(redis::Value::Int(0)), None),
        };
        let before = self.database.clone();
        let result = lua::run(&mut self.database, text, keys, args);
        let script = Script::new(from, self.slots[from].incarnation, sent, text, keys, args, &result);
        self.note_script(&script);
        self.check_script(&script, &before);
        let owner = (script.word == "lock").then(|| script.owner.clone());
        match (script.name, script.word.as_str()) {
            ("acquire", "lock") => self.moment(Moment::Locked, from),
            ("publish", "written") => self.moment(Moment::Written, from),
            _ => {}
        }
        (result.map_or_else(Answer::Error, Answer::Value), owner)
    }

    fn send_fetch(&mut self, fetch: Fetch, reply: Sender<TokenResponse>) {
        let at = fetch.sent;
        self.check_fetch(&fetch);
        self.note(|| format!("P{} asks WeChat{}", fetch.from, if fetch.forced { " by force" } else { "" }));
        self.journal.fetches.push(fetch);
        let number = self.journal.fetches.len() - 1;
        let way = self.rng.u64(self.plan.wechat.clone());
        match self.wechat_fault(at) {
            Some(WeChatFault::Unreachable) => {
                self.push(at + way, Event::TokenResponse { number, granted: TokenResponse::Unreachable, reply });
            }
            Some(WeChatFault::Slow) => {
                let slow = self.rng.u64(0..3500);
                self.push(at + way + slow, Event::Fetch { number, reply });
            }
            _ => self.push(at + way, Event::Fetch { number, reply }),
        }
    }

    /// A token request arrives at WeChat.
    pub(super) fn fetch(&mut self, number: usize, reply: Sender<TokenResponse>) {
        let (from, forced) = (self.journal.fetches[number].from, self.journal.fetches[number].forced);
        self.moment(Moment::Request, from);
        let fault = self.wechat_fault(self.now);
        let refusal = match fault {
            Some(WeChatFault::Silent) => return,
            Some(WeChatFault::Busy) => Some(-1),
            Some(WeChatFault::Refuses) => Some(40125),
            _ => None,
        };
        let granted = match refusal {
            Some(errcode) => TokenResponse::Errcode(errcode),
            None => {
                let (token, left) = self.wechat.grant(self.now, forced, Cause::Forced);
                self.journal.fetches[number].token = Some(token);
                let left = (left / 1000) as i64;
                let lie = [None, Some(0), Some(-1), Some(5), Some(20), Some(86_400)][self.rng.usize(0..6)];
                let expires_in = if fault == Some(WeChatFault::Lies) { lie } else { Some(left) };
                TokenResponse::Token { value: self.wechat.tokens[token].value.clone(), expires_in }
            }
        };
        self.note(|| format!("WeChat answers P{from} {granted:?}"));
        if fault == Some(WeChatFault::Mute) {
            return;
        }
        let slow = if fault == Some(WeChatFault::Slow) { self.rng.u64(0..3500) } else { 0 };
        let way = self.rng.u64(self.plan.wechat.clone());
        self.push(self.now + way + slow, Event::TokenResponse { number, granted, reply });
    }

    pub(super) fn granted(&mut self, number: usize, granted: TokenResponse, reply: Sender<TokenResponse>) {
        let got = matches!(granted, TokenResponse::Token { .. });
        let fetch = &mut self.journal.fetches[number];
        fetch.answered = Some(self.now);
        fetch.got = reply.send(granted).is_ok() && got;
    }

    pub(super) fn api(&mut self, from: usize, token: &str, reply: Sender<i64>) {
        let errcode = match self.active_fault(self.now, |kind| *kind == FaultKind::RejectAll) {
            Some(_) => 40001,
            None => self.wechat.accepts(token, self.now),
        };
        if errcode != 0 {
            self.note(|| format!("the API rejects P{from}'s {token}: {errcode}"));
            self.moment(Moment::Rejection, from);
        }
        let way = self.rng.u64(5..60);
        self.push(self.now + way, Event::ApiAnswer { errcode, reply });
    }
}
