//! The least that an addon needs for a code: the request of `bare`, and one queue to JavaScript. No token, no check, no error, no
//! limit. What wxacode costs beyond it is its own; what this costs beyond `bare` is Node's.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use napi::Status;
use napi::bindgen_prelude::{Array, BufferSlice, Env, Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Wake = ThreadsafeFunction<(), (), (), Status, false>;

/// The frames of a body, as hyper read them.
type Frames = Vec<Bytes>;

#[napi]
pub struct Minimal {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    url: reqwest::Url,
    queue: Arc<Mutex<Vec<(f64, Frames)>>>,
    wake: Arc<Wake>,
    kept: Mutex<Bytes>,
}

#[napi]
impl Minimal {
    /// `wake` is called when there is something to `take`.
    #[napi(constructor)]
    pub fn new(url: String, workers: u32, ca: Option<String>, wake: Wake) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .tls_certs_only([])
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent("wxacode/bench");
        if let Some(pem) = ca {
            builder = builder.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).expect("a root")]);
        }
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        Self {
            runtime: runtime.worker_threads(workers as usize).enable_all().build().expect("a runtime"),
            client: builder.build().expect("a client"),
            url: url.parse().expect("a URL"),
            queue: Arc::default(),
            wake: Arc::new(wake),
            kept: Mutex::default(),
        }
    }

    /// Requests a code under a number.
    #[napi]
    pub fn post(&self, call: f64) {
        let request = self.client.post(self.url.clone()).header("content-type", "application/json");
        let request = request.body(r#"{"scene":"id=42","page":"pages/index/index"}"#);
        let (queue, wake) = (self.queue.clone(), self.wake.clone());
        self.runtime.spawn(async move {
            let mut answer = request.send().await.expect("an answer");
            let mut frames = Frames::new();
            while let Some(frame) = answer.chunk().await.expect("a body") {
                frames.push(frame);
            }
            let first = {
                let mut queue = queue.lock().expect("the queue");
                queue.push((call, frames));
                queue.len() == 1
            };
            if first {
                // Calls that end at the same moment share the wake-up, as in wxacode.
                tokio::task::yield_now().await;
                wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
    }

    /// The number of a call, its Buffer, the number of the next, and so on. `allocate` makes a Buffer of any content.
    #[napi]
    pub fn take<'env>(&self, env: &'env Env, allocate: Function<'env, f64, BufferSlice<'env>>) -> Result<Array<'env>> {
        let ended = std::mem::take(&mut *self.queue.lock().expect("the queue"));
        let mut all = env.create_array(2 * ended.len() as u32)?;
        for (index, (call, frames)) in (0..).step_by(2).zip(ended) {
            all.set(index, call)?;
            if let [frame] = &frames[..] {
                all.set(index + 1, BufferSlice::copy_from(env, frame)?)?;
                continue;
            }
            let mut buffer = allocate.call(frames.iter().map(Bytes::len).sum::<usize>() as f64)?;
            let mut rest = &mut buffer[..];
            for frame in frames {
                let (place, after) = rest.split_at_mut(frame.len());
                place.copy_from_slice(&frame);
                rest = after;
            }
            all.set(index + 1, buffer)?;
        }
        Ok(all)
    }

    /// What `copy` copies from now on.
    #[napi]
    pub fn keep(&self, code: &[u8]) {
        *self.kept.lock().expect("the code") = Bytes::copy_from_slice(code);
    }

    /// What a cached code needs at least: a copy of its bytes.
    #[napi]
    pub fn copy<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, &self.kept.lock().expect("the code")[..])
    }
}
