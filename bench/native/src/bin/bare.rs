//! The least that Rust needs for a code: a reqwest loop without Node. Prints what `measure.mjs` prints.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

/// As long as the others'.
const TOKEN: &str = "BENCH_TOKEN_BENCH_TOKEN_BENCH_TOKEN";

#[derive(Parser)]
struct Options {
    #[arg(long)]
    base: String,
    #[arg(long)]
    ca: Option<String>,
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Threads that move bytes: as many as the addon's runtime has.
    #[arg(long)]
    workers: usize,
    /// Milliseconds.
    #[arg(long, default_value_t = 2000)]
    warmup: u64,
    #[arg(long, default_value_t = 3000)]
    time: u64,
}

fn main() {
    let options = Options::parse();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(options.workers).enable_all().build().expect("a runtime");
    runtime.block_on(run(options));
}

async fn run(options: Options) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // As the addon builds its client.
    let mut builder = reqwest::Client::builder()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent("wxacode/bench");
    if let Some(file) = &options.ca {
        let pem = std::fs::read(file).expect("the root");
        builder = builder.tls_certs_only([reqwest::Certificate::from_pem(&pem).expect("a root")]);
    }
    let client = builder.build().expect("a client");
    let url: reqwest::Url =
        format!("{}/wxa/getwxacodeunlimit?access_token={TOKEN}", options.base).parse().expect("a URL");
    let codes = Arc::new(AtomicU64::new(0));
    for _ in 0..options.concurrency {
        let (client, url, codes) = (client.clone(), url.clone(), codes.clone());
        tokio::spawn(async move {
            loop {
                let request = client.post(url.clone()).header("content-type", "application/json");
                let mut answer =
                    request.body(r#"{"scene":"id=42","page":"pages/index/index"}"#).send().await.expect("an answer");
                let mut body = Vec::with_capacity(answer.content_length().unwrap_or(0) as usize);
                while let Some(chunk) = answer.chunk().await.expect("a body") {
                    body.extend_from_slice(&chunk);
                }
                assert!(body.ends_with(&[0xff, 0xd9]));
                codes.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(options.warmup)).await;
    let (before, cpu, begun) = (codes.load(Ordering::Relaxed), usage().0, Instant::now());
    tokio::time::sleep(Duration::from_millis(options.time)).await;
    let (count, seconds) = ((codes.load(Ordering::Relaxed) - before) as f64, begun.elapsed().as_secs_f64());
    let (used, rss) = usage();
    let result = serde_json::json!({
        "codesPerSecond": count / seconds,
        "cpuUs": (used - cpu) * 1e6 / count,
        "rssMiB": rss,
    });
    println!("{result}");
    std::process::exit(0);
}

/// CPU seconds so far, and the peak of memory in MiB.
fn usage() -> (f64, f64) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the struct that it is given.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss as f64 / 1024.0)
}
