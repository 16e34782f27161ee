//! Which certificates are trusted: Mozilla's, the platform's, and those of `NODE_EXTRA_CA_CERTS`.

use std::ffi::OsString;
use std::sync::LazyLock;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The file that `NODE_EXTRA_CA_CERTS` named when the first client was made.
/// To be forced on the thread that may change the environment.
pub(crate) static EXTRA: LazyLock<Option<OsString>> = LazyLock::new(|| std::env::var_os("NODE_EXTRA_CA_CERTS"));

/// Read once: the platform's files take milliseconds. An image may have none.
pub(crate) static ROOTS: LazyLock<Vec<CertificateDer<'static>>> = LazyLock::new(|| {
    let mut roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
    roots.extend(rustls_native_certs::load_native_certs().certs);
    // As in Node itself, an extra file that cannot be read does not stop the process.
    let extra = EXTRA.as_ref().and_then(|file| std::fs::read(file).ok());
    roots.extend(extra.and_then(|pem| of_pem(&pem)).unwrap_or_default());
    roots
});

/// The certificates of a PEM text that are sound; `None` if none is. A bundle may hold an odd one.
pub(crate) fn of_pem(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    let sound: Vec<_> = certificates.filter(|certificate| store.add(certificate.clone()).is_ok()).collect();
    (!sound.is_empty()).then_some(sound)
}
