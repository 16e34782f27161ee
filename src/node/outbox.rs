//! How calls end in JavaScript: one wake-up hands over everything that has ended meanwhile. A promise and a threadsafe
//! function of its own for each call would cost more than the call.

use std::collections::VecDeque;
use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::{Array, BufferSlice, Env, Error, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use parking_lot::Mutex;

use super::failure::Failure;
use crate::transport::body::{Body, LARGEST};

/// Weak: JavaScript keeps the process alive while it has calls under way.
pub type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

#[napi(object, object_from_js = false)]
pub struct GrantedToken {
    pub access_token: String,
    /// Milliseconds since 1970.
    pub expires_at: f64,
}

pub enum Outcome {
    Image(Body),
    Token(GrantedToken),
    /// The failure, then what caused it, and so on.
    Failed(Vec<Failure>),
    /// What the caller's own token provider threw.
    Thrown(Error),
}

/// What has ended and was not handed over yet. One for each copy of our JavaScript: test runners load several into one
/// environment.
pub struct Outbox {
    ended: Mutex<VecDeque<(f64, Outcome)>>,
    wake: Wake,
}

impl Outbox {
    /// Gives whether it is the first, which has to `wake`.
    pub fn put(&self, call: f64, outcome: Outcome) -> bool {
        let mut ended = self.ended.lock();
        ended.push_back((call, outcome));
        ended.len() == 1
    }

    fn take(&self, most: usize) -> VecDeque<(f64, Outcome)> {
        let mut ended = self.ended.lock();
        let rest = if ended.len() > most { ended.split_off(most) } else { VecDeque::new() };
        std::mem::replace(&mut *ended, rest)
    }

    pub fn wake(&self) {
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

/// The calls that JavaScript has under way.
#[napi]
pub struct Calls(Arc<Outbox>);

#[napi]
impl Calls {
    /// Calls `wake` when there is something to `take` again.
    #[napi(constructor)]
    pub fn new(wake: Wake) -> Self {
        Self(Arc::new(Outbox { ended: Mutex::default(), wake }))
    }

    /// The number of a call, its outcome, the number of the next, and so on, of `most` calls. Whoever gets so many asks
    /// again: it is woken only for the first that ends when there are none.
    #[napi(ts_return_type = "Array<number | Buffer | GrantedToken | Array<Failure | Thrown>>")]
    pub fn take<'env>(&self, env: &'env Env, most: u32) -> Result<Array<'env>> {
        let ended = self.0.take(most as usize);
        let mut all = env.create_array(2 * ended.len() as u32)?;
        for (place, (call, outcome)) in (0..).step_by(2).zip(ended) {
            all.set(place, call)?;
            // An outcome that cannot be converted is an error of its own call and of no other.
            if let Err(error) = hand_over(env, &mut all, place + 1, outcome) {
                all.set(place + 1, vec![Thrown { thrown: error }])?;
            }
        }
        Ok(all)
    }
}

impl Calls {
    pub fn outbox(&self) -> Arc<Outbox> {
        self.0.clone()
    }
}

/// Becomes the very value that was thrown, whatever it is.
#[napi(object, object_from_js = false)]
pub struct Thrown {
    pub thrown: Error,
}

fn hand_over(env: &Env, all: &mut Array, place: u32, outcome: Outcome) -> Result<()> {
    match outcome {
        // A finalizer costs as much as copying some 192 KiB: only larger pictures keep their own memory.
        Outcome::Image(image) if image.len() > LARGEST => all.set(place, BufferSlice::from_data(env, image)?),
        Outcome::Image(image) => all.set(place, BufferSlice::copy_from(env, &*image)?),
        Outcome::Token(token) => all.set(place, token),
        Outcome::Failed(failures) => all.set(place, failures),
        Outcome::Thrown(error) => all.set(place, vec![Thrown { thrown: error }]),
    }
}
