//! The trusted certificates: roots that all clients share, and the `ca` of one client. webpki checks certificates. One case is
//! accepted besides, as in Node.js: a trusted certificate that is an authority's and a server's at once.

use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, KeyProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::SigningKey;
use rustls::{
    CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::error::CertificateErrorKind;
use crate::roots;

/// The TLS of a client that was given these roots, or none.
pub(crate) fn config(ca: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions()?;
    let trust = Trust { given: ca.to_vec(), extra: verifier(roots::store(ca)) };
    let mut config = builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)).with_no_client_auth();
    // A client has a host or two.
    config.resumption = Resumption::in_memory_sessions(16);
    Ok(config)
}

/// The TLS to a Redis, which trusts the given roots in place of the usual ones.
pub(crate) fn redis_config(ca: Option<&[CertificateDer<'static>]>) -> Option<Arc<ClientConfig>> {
    let verifier = match ca {
        Some(ca) => verifier(roots::store(ca))?,
        None => USUAL.clone()?,
    };
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions().ok()?;
    let mut config = builder.with_webpki_verifier(verifier).with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(16);
    Some(Arc::new(config))
}

/// Reads the usual roots, which takes milliseconds, on first use.
pub(crate) fn prepare() {
    LazyLock::force(&USUAL);
}

/// Made once: there are hundreds of roots.
static USUAL: LazyLock<Option<Arc<WebPkiServerVerifier>>> = LazyLock::new(|| verifier(roots::usual()));

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(provider()));

fn verifier(roots: RootCertStore) -> Option<Arc<WebPkiServerVerifier>> {
    // Without a root no server can be trusted.
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), PROVIDER.clone()).build().ok()
}

#[derive(Debug)]
struct Trust {
    given: Vec<CertificateDer<'static>>,
    extra: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut refused = CertificateError::UnknownIssuer.into();
        for verifier in [&self.extra, &*USUAL].into_iter().flatten() {
            match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                Ok(verified) => return Ok(verified),
                // An issuer that is known gives the better reason.
                Err(error) if CertificateErrorKind::of(&refused) == CertificateErrorKind::UnknownIssuer => {
                    refused = error;
                }
                Err(_) => {}
            }
        }
        // `openssl req -x509` makes certificates that are an authority and a server's own at once, which webpki refuses
        // whatever is trusted. It does so after it has looked at the dates (a test watches that), and says nothing of the name.
        let is_authority = CertificateErrorKind::of(&refused) == CertificateErrorKind::CaUsedAsEndEntity;
        if is_authority && self.is_given(end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let is_unknown = is_authority || CertificateErrorKind::of(&refused) == CertificateErrorKind::UnknownIssuer;
        if is_unknown && signs_itself(end_entity) {
            return Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into());
        }
        Err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

impl Trust {
    /// Whether this very certificate, byte by byte, was given as one to trust. None of Mozilla's is a server's.
    fn is_given(&self, certificate: &CertificateDer<'_>) -> bool {
        self.given.iter().chain(&*roots::INSTALLED).any(|given| given == certificate)
    }
}

fn is_authoritys(error: &Arc<dyn std::error::Error + Send + Sync>) -> bool {
    matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn signs_itself(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}

/// The certificate is its own issuer, and is not among the trusted ones.
#[derive(Debug)]
struct SelfSigned;

impl std::fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is signed by itself")
    }
}

impl std::error::Error for SelfSigned {}

impl CertificateErrorKind {
    /// By what rustls says of the certificate.
    pub(crate) fn of(error: &Error) -> Self {
        let Error::InvalidCertificate(error) = error else { return Self::Other };
        match error {
            // Also where the authority that is trusted has the issuer's name and another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotValidYet,
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => Self::MissingSan,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::HostnameMismatch
            }
            CertificateError::Other(OtherError(other)) if other.is::<SelfSigned>() => Self::SelfSigned,
            CertificateError::Other(OtherError(other)) if is_authoritys(other) => Self::CaUsedAsEndEntity,
            _ => Self::Other,
        }
    }
}

/// AES-128 comes first, as in browsers: it is strong enough for decades, and cheaper. Servers with a preference of their
/// own keep it.
fn provider() -> CryptoProvider {
    let mut provider = CryptoProvider { key_provider: &NoKeys, ..ring::default_provider() };
    let cheap = [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];
    provider.cipher_suites.sort_by_key(|suite| !cheap.contains(&suite.suite()));
    provider
}

/// No client has a certificate of its own: without what reads and uses their keys the addon is smaller.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("a client has no key".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::TrustAnchor;

    use super::super::certificates::{Certificate, Claims};
    use super::*;

    #[test]
    fn all_ciphers_are_offered_with_the_cheap_ones_first() {
        let names: Vec<_> = provider().cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
        let (cheap, others) = names.split_at(3);
        assert!(cheap.iter().all(|name| name.contains("AES_128")), "{names:?}");
        assert!(others.iter().all(|name| !name.contains("AES_128")), "{names:?}");
        assert_eq!(names.len(), ring::default_provider().cipher_suites.len());
    }

    const HOST: &str = "wechat.example";
    const SERVER: Claims<'_> = Claims { subject: "server", host: Some(HOST), is_authority: false };
    const AUTHORITY: Claims<'_> = Claims { subject: "authority", host: None, is_authority: true };
    /// In the validity of all certificates here.
    const IN_2026: Duration = Duration::from_secs(1_780_000_000);

    /// Why a client that was given `given` refuses a server's certificate.
    fn rejection(
        given: &[&Certificate],
        server: &Certificate,
        host: &str,
        at: Duration,
    ) -> Option<CertificateErrorKind> {
        let given: Vec<_> = given.iter().map(|certificate| certificate.der.clone()).collect();
        let trust = Trust { extra: verifier(roots::store(&given)), given };
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let verified = trust.verify_server_cert(&server.der, &[], &name, &[], UnixTime::since_unix_epoch(at));
        verified.err().map(|error| CertificateErrorKind::of(&error))
    }

    #[test]
    fn a_certificate_of_a_given_authority_is_trusted_for_its_host_and_time() {
        let authority = Certificate::new(AUTHORITY, None);
        let server = Certificate::new(SERVER, Some(&authority));
        let of = |host, at| rejection(&[&authority], &server, host, at);
        assert_eq!(of(HOST, IN_2026), None);
        assert_eq!(of("other.example", IN_2026), Some(CertificateErrorKind::HostnameMismatch));
        assert_eq!(of(HOST, Duration::ZERO), Some(CertificateErrorKind::NotValidYet));
        assert_eq!(of(HOST, 2 * IN_2026), Some(CertificateErrorKind::Expired));
        let nameless = Certificate::new(Claims { host: None, ..SERVER }, Some(&authority));
        assert_eq!(rejection(&[&authority], &nameless, HOST, IN_2026), Some(CertificateErrorKind::MissingSan));
    }

    #[test]
    fn a_certificate_of_another_authority_is_not_trusted() {
        let authority = Certificate::new(AUTHORITY, None);
        let server = Certificate::new(SERVER, Some(&authority));
        let namesake = Certificate::new(AUTHORITY, None);
        let other = Certificate::new(Claims { subject: "other", ..AUTHORITY }, None);
        for given in [&[][..], &[&other], &[&namesake]] {
            assert_eq!(rejection(given, &server, HOST, IN_2026), Some(CertificateErrorKind::UnknownIssuer));
        }
    }

    #[test]
    fn a_certificate_that_signs_itself_is_trusted_if_it_was_given() {
        for is_authority in [false, true] {
            let server = Certificate::new(Claims { is_authority, ..SERVER }, None);
            let namesake = Certificate::new(Claims { is_authority, ..SERVER }, None);
            assert_eq!(rejection(&[&server], &server, HOST, IN_2026), None, "{is_authority}");
            assert_eq!(
                rejection(&[&server], &server, "other.example", IN_2026),
                Some(CertificateErrorKind::HostnameMismatch)
            );
            assert_eq!(rejection(&[&server], &server, HOST, 2 * IN_2026), Some(CertificateErrorKind::Expired));
            for given in [&[][..], &[&namesake]] {
                assert_eq!(
                    rejection(given, &server, HOST, IN_2026),
                    Some(CertificateErrorKind::SelfSigned),
                    "{is_authority}"
                );
            }
        }
    }

    #[test]
    fn roots_of_mozilla_are_known_where_no_root_is_given() {
        let name = ServerName::try_from(HOST).unwrap();
        let refusal = |root: &TrustAnchor<'_>| {
            let forger = Certificate::new(AUTHORITY, None).under_the_name(&root.subject);
            let forged = Certificate::new(SERVER, Some(&forger)).der;
            let verified =
                USUAL.clone()?.verify_server_cert(&forged, &[], &name, &[], UnixTime::since_unix_epoch(IN_2026));
            verified.err()
        };
        // By the name alone the forgery is theirs, and then its signature is wrong.
        let unknown = Error::from(CertificateError::UnknownIssuer);
        for root in webpki_roots::TLS_SERVER_ROOTS {
            assert!(refusal(root).is_some_and(|refusal| refusal != unknown), "{root:?}");
        }
    }

    #[test]
    fn the_certificate_of_an_authority_is_no_servers() {
        let root = Certificate::new(AUTHORITY, None);
        let authority = Certificate::new(Claims { subject: "intermediate", ..SERVER }, Some(&root));
        assert_eq!(rejection(&[&root], &authority, HOST, IN_2026), None);
        let authority = Certificate::new(Claims { subject: "intermediate", is_authority: true, ..SERVER }, Some(&root));
        assert_eq!(rejection(&[&root], &authority, HOST, IN_2026), Some(CertificateErrorKind::CaUsedAsEndEntity));
    }

    #[test]
    fn a_failure_that_no_certificate_has_is_another_one() {
        let unknown = CertificateError::Other(OtherError(Arc::new(std::fmt::Error)));
        let errors = [Error::DecryptError, CertificateError::Revoked.into(), unknown.into()];
        assert!(errors.iter().all(|error| CertificateErrorKind::of(error) == CertificateErrorKind::Other));
    }
}
