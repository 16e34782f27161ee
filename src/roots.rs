//! Which certificates are trusted: Mozilla's, the platform's, and those of `NODE_EXTRA_CA_CERTS`.

use std::ffi::OsString;
use std::sync::LazyLock;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The file that `NODE_EXTRA_CA_CERTS` named when the first client was made.
/// To be forced on the thread that may change the environment.
pub(crate) static EXTRA: LazyLock<Option<OsString>> = LazyLock::new(|| std::env::var_os("NODE_EXTRA_CA_CERTS"));

/// The certificates of the platform and of `NODE_EXTRA_CA_CERTS`. Read once: the platform's files take milliseconds. An image
/// may have none.
pub(crate) static INSTALLED: LazyLock<Vec<CertificateDer<'static>>> = LazyLock::new(|| {
    let mut roots = rustls_native_certs::load_native_certs().certs;
    // As in Node itself, an extra file that cannot be read does not stop the process.
    let extra = EXTRA.as_ref().and_then(|file| std::fs::read(file).ok());
    roots.extend(extra.and_then(|pem| of_pem(&pem)).unwrap_or_default());
    roots
});

/// What is trusted where no client says otherwise. Of Mozilla's certificates the addon has names and keys alone: that is all
/// which is asked of a root, and half of their size.
pub(crate) fn usual() -> RootCertStore {
    let mut store = store(&INSTALLED);
    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    store
}

/// These and no others, without those that are not sound.
pub(crate) fn store(certificates: &[CertificateDer<'static>]) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.iter().cloned());
    store
}

/// The certificates of a PEM text that are sound; `None` if none is. A bundle may hold an odd one.
pub(crate) fn of_pem(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    let sound: Vec<_> = certificates.filter(|certificate| store.add(certificate.clone()).is_ok()).collect();
    (!sound.is_empty()).then_some(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_roots_are_those_of_mozilla_and_the_installed_ones() {
        let usual = usual();
        let has = |name: &[u8]| usual.roots.iter().any(|root| root.subject.as_ref() == name);
        assert!(!webpki_roots::TLS_SERVER_ROOTS.is_empty());
        assert!(webpki_roots::TLS_SERVER_ROOTS.iter().all(|root| has(&root.subject)));
        let installed = store(&INSTALLED);
        assert!(installed.roots.iter().all(|root| has(&root.subject)));
        // Those that both have are there twice.
        assert_eq!(usual.len(), installed.len() + webpki_roots::TLS_SERVER_ROOTS.len());
    }

    #[test]
    fn a_store_has_what_it_was_given_without_what_is_no_certificate() {
        use crate::transport::certificates::{Certificate, Claims};
        let sound = Certificate::new(Claims { subject: "a", host: None, is_authority: true }, None).der;
        assert_eq!(store(&[sound.clone(), b"odd".to_vec().into()]).len(), 1);
        let odd = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let pem = Certificate::new(Claims { subject: "b", host: None, is_authority: true }, None).pem();
        assert_eq!(of_pem(&[&odd[..], &pem].concat()).map(|certificates| certificates.len()), Some(1));
        assert!(of_pem(odd).is_none());
    }
}
