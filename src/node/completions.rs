//! Outcomes of calls and events, on their way to JavaScript. One wake-up hands over everything that is queued, in order. A
//! promise and a threadsafe function for each call would cost more than the call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use napi::Status;
use napi::bindgen_prelude::{Array, BufferSlice, Env, Error, Function, Result, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use parking_lot::Mutex;
use tokio::task::yield_now;

use super::attempts::{AttemptQueue, NativeAttempt};
use super::events::NativeEvent;
use super::failure::Failure;
use crate::event::EventBus;
use crate::event::attempt::Recorder;
use crate::registry;
use crate::wechat::body::Body;

/// Weak, except while calls are under way.
pub(super) type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

#[napi(object, object_from_js = false)]
pub(super) struct GrantedToken {
    pub access_token: String,
    /// Milliseconds since 1970.
    pub expires_at: f64,
}

pub(super) enum Outcome {
    Image(Body),
    Token(GrantedToken),
    Json(String),
    /// The failure, then what caused it, and so on.
    Failed(Vec<Failure>),
    /// What the caller's own token provider threw.
    Thrown(Error),
}

pub(super) enum Completion {
    /// A call, by its number.
    Ended(f64, Outcome),
    Event(Box<NativeEvent>),
    Attempt(Box<NativeAttempt>),
    /// Where the picture of a traced call came from.
    Source(f64, &'static str),
    /// Nothing more comes of a traced call.
    Released(f64),
}

/// The queue of one copy of our JavaScript: test runners load several copies into one environment.
#[derive(Default)]
pub(super) struct CompletionQueue {
    queue: Mutex<VecDeque<Completion>>,
    /// `None` until JavaScript has attached it.
    wake: Mutex<Option<Wake>>,
    pending: Mutex<usize>,
    /// The call that is traced, of those that have not begun.
    traced: AtomicU64,
    /// The `traceparent` of that call.
    traceparent: Mutex<Option<String>>,
}

impl CompletionQueue {
    /// A call begins, and keeps the process alive. Called on the JavaScript thread.
    pub(super) fn begin(&self, env: &Env) -> Result<()> {
        let mut pending = self.pending.lock();
        *pending += 1;
        if *pending == 1 { self.keep_alive(env) } else { Ok(()) }
    }

    fn keep_alive(&self, env: &Env) -> Result<()> {
        match &mut *self.wake.lock() {
            #[allow(
                deprecated,
                reason = "its successors are clones, which are counted where nothing keeps a process alive"
            )]
            Some(wake) => wake.refer(env),
            // Attached before the event loop could end.
            None => Ok(()),
        }
    }

    /// From now on `wake` tells JavaScript, also of what has come before.
    fn attach(&self, env: &Env, wake: Wake) -> Result<()> {
        *self.wake.lock() = Some(wake);
        if *self.pending.lock() > 0 {
            self.keep_alive(env)?;
        }
        let has_waited = !self.queue.lock().is_empty();
        if has_waited {
            self.wake();
        }
        Ok(())
    }

    fn end(&self, env: &Env, calls: usize) -> Result<()> {
        let mut pending = self.pending.lock();
        *pending -= calls;
        if *pending == 0
            && calls > 0
            && let Some(wake) = &mut *self.wake.lock()
        {
            #[allow(deprecated, reason = "as in `keep_alive`")]
            wake.unref(env)?;
        }
        Ok(())
    }

    /// The recorder of a call that begins, if it is traced.
    pub(super) fn recorder(self: &Arc<Self>, call: f64) -> Option<Arc<Recorder>> {
        let call = call as u64;
        let is_traced = self.traced.load(Ordering::Relaxed) == call;
        is_traced.then(|| Recorder::new(call, self.traceparent.lock().take(), Arc::new(AttemptQueue(self.clone()))))
    }

    /// Adds a completion. Gives whether the queue was empty, so that the caller has to `wake`.
    pub(super) fn push(&self, completion: Completion) -> bool {
        let mut queue = self.queue.lock();
        queue.push_back(completion);
        queue.len() == 1
    }

    pub(super) fn wake(&self) {
        if let Some(wake) = &*self.wake.lock() {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Takes at most `most` completions. A new wake-up announces the rest, so that the event loop runs in between.
    fn take(self: &Arc<Self>, most: usize) -> Vec<Completion> {
        let mut queue = self.queue.lock();
        let count = ..queue.len().min(most);
        let drained = queue.drain(count).collect();
        if !queue.is_empty() {
            let completions = self.clone();
            let wake = async move {
                yield_now().await;
                completions.wake();
            };
            // Boxed, as `task` does it.
            spawn(wake.boxed());
        }
        drained
    }
}

/// The completion queue, as JavaScript holds it.
#[napi]
pub struct CompletionQueueHandle {
    completions: Arc<CompletionQueue>,
    /// The process's event bus, with its warnings: the first thread that drains gets them.
    event_bus: Arc<EventBus>,
}

#[napi]
impl CompletionQueueHandle {
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "napi's constructor is called by JavaScript alone")]
    pub fn new() -> Self {
        Self { completions: Arc::default(), event_bus: registry::global().event_bus() }
    }

    /// Calls `wake` when there is something to `take` again. Completions of calls that began before wait for it.
    #[napi]
    pub fn attach(&self, env: &Env, wake: Wake) -> Result<()> {
        self.completions.attach(env, wake)
    }

    /// The call with this number, which begins next, is traced: `take` gives its requests too. `traceparent` goes out with them
    /// where the client propagates it.
    #[napi]
    pub fn trace(&self, call: f64, traceparent: Option<String>) {
        *self.completions.traceparent.lock() = traceparent;
        self.completions.traced.store(call as u64, Ordering::Relaxed);
    }

    /// The number of a call, its outcome, the number of the next, and so on, of `most` calls; 0 and an event for each
    /// event, -1 and a text for each warning. Of traced calls -2 and an attempt for each request, -3 and a source for each picture
    /// that was found, and -4 and the number of a call of which nothing more comes. If that is not all, `wake` is called again.
    /// `allocate` makes a Buffer of any content.
    #[napi(
        ts_return_type = "Array<number | Buffer | GrantedToken | string | NativeEvent | NativeAttempt | FoundSource | Array<Failure | Thrown>>"
    )]
    pub fn take<'env>(
        &self,
        env: &'env Env,
        most: u32,
        #[napi(ts_arg_type = "(bytes: number) => Buffer")] allocate: Allocate<'env>,
    ) -> Result<Array<'env>> {
        let (completions, warnings) = (self.completions.take(most as usize), self.event_bus.warnings.take());
        self.completions
            .end(env, completions.iter().filter(|completion| matches!(completion, Completion::Ended(..))).count())?;
        let mut all = env.create_array(2 * (completions.len() + warnings.len()) as u32)?;
        let indices = (0..).step_by(2);
        let after = 2 * warnings.len() as u32;
        for (index, warning) in indices.clone().zip(warnings) {
            all.set(index, -1)?;
            all.set(index + 1, warning)?;
        }
        for (index, completion) in indices.map(|index| after + index).zip(completions) {
            match completion {
                Completion::Event(event) => {
                    all.set(index, 0)?;
                    all.set(index + 1, *event)?;
                }
                Completion::Attempt(attempt) => {
                    all.set(index, -2)?;
                    all.set(index + 1, *attempt)?;
                }
                Completion::Source(call, source) => {
                    all.set(index, -3)?;
                    all.set(index + 1, FoundSource { call, source })?;
                }
                Completion::Released(call) => {
                    all.set(index, -4)?;
                    all.set(index + 1, call)?;
                }
                Completion::Ended(call, outcome) => {
                    all.set(index, call)?;
                    // An outcome that cannot be converted is an error of its own call and of no other.
                    if let Err(error) = to_js(env, &allocate, &mut all, index + 1, outcome) {
                        all.set(index + 1, vec![Thrown { thrown: error }])?;
                    }
                }
            }
        }
        Ok(all)
    }
}

impl CompletionQueueHandle {
    pub(super) fn completions(&self) -> Arc<CompletionQueue> {
        self.completions.clone()
    }
}

/// Where the picture of a traced call came from.
#[napi(object, object_from_js = false)]
pub(super) struct FoundSource {
    pub call: f64,
    /// `wechat`, `memory`, `disk`, `redis`, `store` or `joined`.
    pub source: &'static str,
}

/// Becomes the value that was thrown, whatever its type.
#[napi(object, object_from_js = false)]
pub(super) struct Thrown {
    pub thrown: Error,
}

type Allocate<'env> = Function<'env, u32, BufferSlice<'env>>;

fn to_js(env: &Env, allocate: &Allocate, all: &mut Array, index: u32, outcome: Outcome) -> Result<()> {
    match outcome {
        Outcome::Image(image) => all.set(index, buffer(env, allocate, &image)?),
        Outcome::Token(token) => all.set(index, token),
        Outcome::Json(text) => all.set(index, text),
        Outcome::Failed(failures) => all.set(index, failures),
        Outcome::Thrown(error) => all.set(index, vec![Thrown { thrown: error }]),
    }
}

/// A Buffer of an image. Copied, and only once: external Buffers cost more up to some 192 KiB, and cannot be transferred to
/// other threads.
fn buffer<'env>(env: &Env, allocate: &Allocate<'env>, image: &Body) -> Result<BufferSlice<'env>> {
    if let [frame] = image.frames() {
        return BufferSlice::copy_from(env, frame);
    }
    let mut buffer = allocate.call(u32::try_from(image.len()).unwrap_or(u32::MAX))?;
    let mut rest = &mut buffer[..];
    for frame in image.frames() {
        let (here, behind) = rest
            .split_at_mut_checked(frame.len())
            .ok_or_else(|| Error::from_reason("wxacode: the Buffer is smaller than the image"))?;
        here.copy_from_slice(frame);
        rest = behind;
    }
    Ok(buffer)
}
