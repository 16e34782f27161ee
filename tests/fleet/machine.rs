//! What a process runs on: a runtime with a separate clock, and the calls that it works on.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, advance, sleep_until};
use wxacode::clock::Clock;

use crate::simulation::Millis;
use crate::wire::Outbox;

/// The Unix time at which a simulation starts.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_700_000_000);

/// A machine whose process sends messages `M`, and whose calls end with a `T`.
pub(crate) struct Machine<M, T> {
    runtime: Runtime,
    start: Instant,
    /// The simulation's time at the start, plus the time that the process was suspended.
    begun: Millis,
    /// Runs with the process's runtime; faults set its wall time.
    pub(crate) clock: Clock,
    pub(crate) outbox: Arc<Outbox<M>>,
    callers: Vec<Caller<T>>,
}

struct Caller<T> {
    begun: Millis,
    work: BoxFuture<'static, T>,
}

/// A call that has ended.
#[derive(Debug)]
pub(crate) struct Ended<T> {
    pub(crate) begun: Millis,
    pub(crate) ended: Millis,
    pub(crate) result: T,
}

/// What a process did until it paused.
pub(crate) struct Progress<M, T> {
    pub(crate) at: Millis,
    pub(crate) messages: Vec<M>,
    pub(crate) ended: Vec<Ended<T>>,
}

impl<M, T> Machine<M, T> {
    /// A machine that starts at `now`.
    pub(crate) fn new(now: Millis) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let entered = runtime.enter();
        let (start, clock) = (Instant::now(), Clock::manual(EPOCH + millis(now)));
        drop(entered);
        Self { runtime, start, begun: now, clock, outbox: Arc::default(), callers: Vec::new() }
    }

    /// Does something on the runtime of the process.
    pub(crate) fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        let _entered = self.runtime.enter();
        work()
    }

    /// Runs until `time`, until it sends a message or until a call ends.
    pub(crate) fn run(&mut self, time: Millis) -> Progress<M, T> {
        let Self { runtime, start, begun, outbox, callers, .. } = self;
        let mut ended = Vec::new();
        let at = runtime.block_on(tokio::task::unconstrained(async {
            let mut alarm = pin!(sleep_until(*start + millis(time - *begun)));
            std::future::poll_fn(|context| {
                let at = *begun + start.elapsed().as_millis() as Millis;
                ended.extend(poll_callers(callers, context, at));
                match outbox.poll(context) {
                    Poll::Pending if ended.is_empty() => alarm.as_mut().poll(context),
                    _ => Poll::Ready(()),
                }
            })
            .await;
            *begun + start.elapsed().as_millis() as Millis
        }));
        Progress { at, messages: self.outbox.take(), ended }
    }

    /// The time of the process, as a time of the simulation.
    pub(crate) fn now(&self) -> Millis {
        self.enter(|| self.begun + self.start.elapsed().as_millis() as Millis)
    }

    /// Whether anything can happen without a new call.
    pub(crate) fn is_active(&self) -> bool {
        !self.callers.is_empty() || self.tasks() > 0
    }

    pub(crate) fn tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    pub(crate) fn call(&mut self, work: BoxFuture<'static, T>) {
        let begun = self.now();
        self.callers.push(Caller { begun, work });
    }

    /// Ends a pause at `now`, during which the clock went on. Messages that arrived are read before timers fire.
    pub(crate) fn wake(&mut self, now: Millis) {
        let slept = millis(now - self.now());
        self.runtime.block_on(advance(slept));
    }

    /// Ends a suspension at `now`, during which the monotonic clock stood still.
    pub(crate) fn wake_from_suspend(&mut self, now: Millis) {
        let slept = now - self.now();
        self.begun += slept;
        self.clock.shift_wall(slept as i64);
    }
}

/// Polls all callers in the order of their calls, so that a seed determines the run.
fn poll_callers<T>(callers: &mut Vec<Caller<T>>, context: &mut Context<'_>, at: Millis) -> Vec<Ended<T>> {
    let mut ended = Vec::new();
    callers.retain_mut(|caller| match caller.work.as_mut().poll(context) {
        Poll::Pending => true,
        Poll::Ready(result) => {
            ended.push(Ended { begun: caller.begun, ended: at, result });
            false
        }
    });
    ended
}

pub(crate) fn millis(time: Millis) -> Duration {
    Duration::from_millis(time)
}
