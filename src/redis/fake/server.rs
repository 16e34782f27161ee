//! A Redis or a sentinel on a socket, which replies to scripts, and to who is the master, as a test says and keeps no keys.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a server does with a command.
#[derive(Clone)]
pub(crate) enum Reaction {
    /// Sends a reply in the form of the protocol, without the end of its last line.
    Reply(String),
    /// Closes the connection.
    Close,
}

impl From<&str> for Reaction {
    fn from(reply: &str) -> Self {
        Self::Reply(reply.to_owned())
    }
}

/// The commands that a test has the replies to.
const SCRIPTED: [&str; 3] = ["EVAL", "ROLE", "SENTINEL"];

/// A command with its arguments.
type Words = Vec<String>;

/// A server that runs until the runtime of its test ends.
pub(crate) struct Server {
    /// `127.0.0.1:port`.
    pub address: String,
    /// How many connections are open.
    pub connected: watch::Receiver<usize>,
    state: Arc<State>,
}

struct State {
    /// To [`SCRIPTED`] commands. The last one holds for ever.
    reactions: Mutex<VecDeque<Reaction>>,
    commands: Mutex<Vec<Words>>,
}

impl Server {
    /// A server that reacts to [`SCRIPTED`] commands in this order, and goes on with the last reaction. Its reply to all else
    /// is OK.
    pub(crate) async fn start(reactions: impl IntoIterator<Item = impl Into<Reaction>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let reactions = reactions.into_iter().map(Into::into).collect();
        let state = Arc::new(State { reactions: Mutex::new(reactions), commands: Mutex::default() });
        let (count, connected) = watch::channel(0);
        let server = state.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (server, count) = (server.clone(), count.clone());
                tokio::spawn(async move {
                    count.send_modify(|count| *count += 1);
                    server.serve(socket).await;
                    count.send_modify(|count| *count -= 1);
                });
            }
        });
        Self { address, connected, state }
    }

    /// Reacts so before anything else.
    pub(crate) fn react_first(&self, reactions: impl DoubleEndedIterator<Item = Reaction>) {
        let mut queue = self.state.reactions.lock();
        reactions.rev().for_each(|reaction| queue.push_front(reaction));
    }

    /// The address as `redis` has it in the options.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The commands of this name that have arrived, with their arguments.
    pub(crate) fn commands(&self, name: &str) -> Vec<Words> {
        self.state.commands.lock().iter().filter(|words| words[0] == name).cloned().collect()
    }
}

impl State {
    async fn serve(&self, mut socket: TcpStream) {
        let (mut unread, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = socket.read(&mut bytes).await {
            unread.extend_from_slice(&bytes[..length]);
            while let Some((words, length)) = command(&unread) {
                unread.drain(..length);
                let Reaction::Reply(reply) = self.reaction_to(words) else { return };
                if socket.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }

    fn reaction_to(&self, words: Words) -> Reaction {
        let is_scripted = SCRIPTED.contains(&words[0].as_str());
        self.commands.lock().push(words);
        if !is_scripted {
            return "+OK".into();
        }
        let mut reactions = self.reactions.lock();
        let next = if reactions.len() > 1 { reactions.pop_front() } else { reactions.front().cloned() };
        next.expect("a reaction")
    }
}

/// The first command and its length, if all of it has arrived.
/// <https://redis.io/docs/latest/develop/reference/protocol-spec/>
fn command(bytes: &[u8]) -> Option<(Words, usize)> {
    let (count, mut at) = header(bytes, 0, b'*')?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, begin) = header(bytes, at, b'$')?;
        at = begin + length + 2;
        let word = bytes.get(begin..at)?;
        words.push(String::from_utf8_lossy(&word[..length]).into_owned());
    }
    Some((words, at))
}

/// The number in the line of this kind that begins at `at`, and where the next line begins.
fn header(bytes: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let line = bytes.get(at..)?;
    let length = line.windows(2).position(|pair| pair == b"\r\n")?;
    assert_eq!(line[0], kind, "a command is an array of texts");
    let number = std::str::from_utf8(&line[1..length]).unwrap().parse().unwrap();
    Some((number, at + length + 2))
}
