//! The rules of `cache`, and what is made of it before a cache.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use url::Url;

use super::CacheOptions;
use crate::cache::{Disk, DiskLimits, Limits, QrCodeCache};
use crate::error::explanation::Bilingual;
use crate::error::invalid::InvalidParam;
use crate::registry;
use crate::seal::digest;
use crate::transport::hosts::is_wechats;

const DEFAULT_BYTES: usize = 64 << 20;
const DEFAULT_ENTRY_BYTES: usize = 512 << 10;
const DEFAULT_DISK_BYTES: u64 = 1 << 30;

/// The limits of the cache: by default 64 MiB in memory, 512 KiB for an entry in Redis, 1 GiB on a disk, and no expiry.
/// `has_account`: the client has an AppSecret, by which WeChat knows whose codes it makes.
pub(super) fn limits(cache: &CacheOptions, has_redis: bool, has_account: bool) -> Result<Limits, InvalidParam> {
    let max_bytes = cache.max_bytes.map_or(Ok(DEFAULT_BYTES), |bytes| size("cache.maxBytes", bytes))?;
    let max_entry_bytes =
        cache.max_entry_bytes.map_or(Ok(DEFAULT_ENTRY_BYTES), |bytes| size("cache.maxEntryBytes", bytes))?;
    let ttl = cache.ttl_ms.map_or(Ok(None), time_to_live)?;
    if cache.redis && !has_redis {
        return Err(redis_without_redis());
    }
    if cache.redis && cache.store.is_some() {
        return Err(store_and_redis());
    }
    let disk = disk_limits(cache)?;
    if disk.is_some() && !has_account {
        return Err(directory_without_account());
    }
    let redis_max_entry_bytes = cache.redis.then_some(max_entry_bytes);
    Ok(Limits { max_bytes, ttl, redis_max_entry_bytes, disk, store: cache.store.as_ref().map(|store| store.id) })
}

fn disk_limits(cache: &CacheOptions) -> Result<Option<DiskLimits>, InvalidParam> {
    let max_bytes =
        cache.max_disk_bytes.map(|bytes| size("cache.maxDiskBytes", bytes)).transpose()?.map(|bytes| bytes as u64);
    match cache.directory.as_deref().filter(|directory| !directory.is_empty()) {
        Some(directory) => {
            let directory = std::path::absolute(directory).map_err(|error| unusable(Path::new(directory), &error))?;
            Ok(Some(DiskLimits { directory, max_bytes: max_bytes.unwrap_or(DEFAULT_DISK_BYTES) }))
        }
        None if max_bytes.is_some() => Err(bytes_without_directory()),
        None => Ok(None),
    }
}

/// The disk of these limits. Looks at the directory outside of the registry's lock: a network drive may take its time.
pub(super) fn disk(limits: Option<&Limits>) -> Result<Option<Arc<Disk>>, InvalidParam> {
    let Some(limits) = limits.and_then(|limits| limits.disk.as_ref()) else { return Ok(None) };
    let mut registry = registry::global();
    if let Some(disk) = registry.known_disk(limits) {
        return Ok(Some(disk));
    }
    let clock = registry.clock();
    drop(registry);
    let opened = Disk::open(limits, clock).map_err(|error| unusable(&limits.directory, &error))?;
    Ok(Some(registry::global().disk(limits, opened)))
}

/// What an account's keys in a store begin with: the appid. Codes that may be others' have a place of their own: those of a client
/// whose account only its options name, and those that do not come from WeChat's own hosts.
pub(super) fn namespace(appid: &str, bases: &[String], has_account: bool) -> String {
    let mut namespace = appid.to_owned();
    if !has_account {
        namespace.push_str("/unverified");
    }
    if !bases.iter().all(|base| Url::parse(base).is_ok_and(|url| is_wechats(&url))) {
        let mut bases: Vec<_> = bases.iter().map(String::as_str).collect();
        bases.sort_unstable();
        bases.dedup();
        namespace = format!("{namespace}/host-{}", digest(&bases.join(" ")));
    }
    namespace
}

/// The caches of a platform's merchants that have something to flush when the platform is closed.
#[derive(Default)]
pub(super) struct WritingCaches(Mutex<HashMap<usize, Weak<QrCodeCache>>>);

/// The fewest entries at which dropped caches are removed.
const MIN_SWEEP: usize = 64;

impl WritingCaches {
    pub(super) fn add(&self, cache: &Arc<QrCodeCache>) {
        if !cache.writes_behind() {
            return;
        }
        let mut caches = self.0.lock();
        if caches.len() >= MIN_SWEEP && caches.len() == caches.capacity() {
            caches.retain(|_, cache| cache.strong_count() > 0);
        }
        caches.insert(Arc::as_ptr(cache).addr(), Arc::downgrade(cache));
    }

    /// Waits for what they have begun to write.
    pub(super) async fn flush(&self) {
        let caches: Vec<_> = self.0.lock().values().filter_map(Weak::upgrade).collect();
        for cache in caches {
            cache.flush().await;
        }
    }
}

fn invalid(
    param: &'static str,
    cause: (&'static str, &'static str),
    fix: (&'static str, &'static str),
) -> InvalidParam {
    InvalidParam::new(param, None, Bilingual::new(cause.0, cause.1), Bilingual::new(fix.0, fix.1))
}

fn redis_without_redis() -> InvalidParam {
    invalid(
        "cache.redis",
        ("cache.redis 为 true，但没有设置 redis", "cache.redis is true, but redis is not set"),
        (
            "同时设置 redis: 'redis://…'，或去掉 cache.redis，只在本进程缓存",
            "Pass redis: 'redis://...' too, or omit cache.redis to cache codes in this process only",
        ),
    )
}

fn store_and_redis() -> InvalidParam {
    invalid(
        "cache.store",
        ("cache.store 和 cache.redis 不能同时使用", "cache.store and cache.redis cannot be used together"),
        (
            "共享的缓存只要一处：保留 store 或 redis: true；redis 选项本身可以保留，用于共享 token",
            "Keep either store or redis: true, because codes are shared in one place; the option redis may stay, for the token",
        ),
    )
}

fn bytes_without_directory() -> InvalidParam {
    invalid(
        "cache.maxDiskBytes",
        (
            "设置了 cache.maxDiskBytes，但没有 cache.directory",
            "cache.maxDiskBytes is set, but cache.directory is missing or empty",
        ),
        (
            "同时设置 cache.directory，或去掉 cache.maxDiskBytes；内存的上限是 maxBytes",
            "Pass cache.directory too, or omit cache.maxDiskBytes; the limit of the memory is maxBytes",
        ),
    )
}

fn directory_without_account() -> InvalidParam {
    invalid(
        "cache.directory",
        (
            "cache.directory 需要 secret（AppSecret）：磁盘上的小程序码用由它导出的密钥加密，并按账号区分",
            "cache.directory needs the secret (AppSecret): codes on the disk are encrypted, and told apart by account, with a key that follows from it",
        ),
        (
            "传入 secret，token 用 'stable' 或 'classic'；token 是函数或 'none' 时用 cache.store",
            "Pass a secret with token 'stable' or 'classic'; with a token function or 'none', use cache.store",
        ),
    )
}

fn unusable(directory: &Path, error: &io::Error) -> InvalidParam {
    let shown = directory.display();
    let (zh, en) = match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => ("不是目录".to_owned(), "is not a directory".to_owned()),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (format!("不可写（{error}）"), format!("cannot be written by this process ({error})"))
        }
        _ => (format!("不能使用（{error}）"), format!("cannot be used ({error})")),
    };
    InvalidParam::new(
        "cache.directory",
        None,
        Bilingual::new(format!("cache.directory：{shown} {zh}"), format!("cache.directory: {shown} {en}")),
        Bilingual::new(
            "传入本进程可写的目录，如 '/var/cache/应用/codes'，不存在时会自动创建；容器里挂载一个卷",
            "Pass a directory that this process can write, such as '/var/cache/app/codes', which is made if it is missing; in a container, mount a volume",
        ),
    )
}

/// Bytes, a whole number from 1.
fn size(param: &'static str, bytes: f64) -> Result<usize, InvalidParam> {
    if bytes.fract() == 0.0 && (1.0..=9e15).contains(&bytes) {
        return Ok(bytes as usize);
    }
    Err(InvalidParam::new(
        param,
        None,
        Bilingual::new(
            format!("{param} 是 {bytes}，须为不小于 1 的整数（字节）"),
            format!("{param} is {bytes}; it must be a whole number of bytes from 1"),
        ),
        Bilingual::new(
            "如 64 * 1024 * 1024；不要缓存时去掉 cache",
            "Pass a number such as 64 * 1024 * 1024; omit cache for no cache",
        ),
    ))
}

/// A lifetime in milliseconds; infinity never expires, and neither does a century.
fn time_to_live(ms: f64) -> Result<Option<Duration>, InvalidParam> {
    const CENTURY: f64 = 100.0 * 365.0 * 86_400_000.0;
    if ms >= CENTURY {
        return Ok(None);
    }
    if ms > 0.0 {
        return Ok(Some(Duration::from_secs_f64(ms / 1000.0)));
    }
    Err(InvalidParam::new(
        "cache.ttlMs",
        None,
        Bilingual::new(
            format!("cache.ttlMs 是 {ms}，须大于 0"),
            format!("cache.ttlMs is {ms}; it must be more than 0"),
        ),
        Bilingual::new(
            "以毫秒为单位；小程序码永久有效，不传即不过期",
            "Pass milliseconds; codes never expire, so you can omit it",
        ),
    ))
}

#[cfg(test)]
mod tests;
