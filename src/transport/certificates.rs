//! Certificates for tests, made as they are needed: <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0C;
const UTC_TIME: u8 = 0x17;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];

/// A certificate with its key.
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) key: PrivatePkcs8KeyDer<'static>,
    pair: EcdsaKeyPair,
    name: Vec<u8>,
}

/// What a certificate says.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'a> {
    pub(crate) subject: &'a str,
    /// The subjectAltName.
    pub(crate) host: Option<&'a str>,
    pub(crate) is_authority: bool,
}

impl Certificate {
    /// Valid from 2020 to 2049. Without an issuer it is signed by itself.
    pub(crate) fn new(claims: Claims<'_>, issuer: Option<&Self>) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let common_name =
            der(SEQUENCE, &[&der(OBJECT_ID, &[COMMON_NAME]), &der(UTF8_STRING, &[claims.subject.as_bytes()])]);
        let name = der(SEQUENCE, &[&der(SET, &[&common_name])]);
        let algorithm = der(SEQUENCE, &[&der(OBJECT_ID, &[ECDSA_WITH_SHA256])]);
        let curve = der(SEQUENCE, &[&der(OBJECT_ID, &[EC_PUBLIC_KEY]), &der(OBJECT_ID, &[PRIME256V1])]);
        let public_key = der(SEQUENCE, &[&curve, &bits(pair.public_key().as_ref())]);
        let content = der(
            SEQUENCE,
            &[
                &der(0xA0, &[&der(INTEGER, &[&[2]])]),
                &der(INTEGER, &[&[1]]),
                &algorithm,
                issuer.map_or(&name, |issuer| &issuer.name),
                &der(SEQUENCE, &[&der(UTC_TIME, &[b"200101000000Z"]), &der(UTC_TIME, &[b"490101000000Z"])]),
                &name,
                &public_key,
                &der(0xA3, &[&der(SEQUENCE, &[&extensions(claims)])]),
            ],
        );
        let signature = issuer.map_or(&pair, |issuer| &issuer.pair).sign(&random, &content).unwrap();
        let whole = der(SEQUENCE, &[&content, &algorithm, &bits(signature.as_ref())]);
        Self { der: whole.into(), key: pkcs8.as_ref().to_vec().into(), pair, name }
    }

    /// The same key by the name of somebody else: what is signed with it is a forgery. The name is the content of a sequence.
    pub(crate) fn under_the_name(self, name: &[u8]) -> Self {
        Self { name: der(SEQUENCE, &[name]), ..self }
    }

    /// As `ca` takes it.
    pub(crate) fn pem(&self) -> Vec<u8> {
        use base64::prelude::{BASE64_STANDARD, Engine};
        let text = BASE64_STANDARD.encode(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n").into_bytes()
    }
}

fn extensions(claims: Claims<'_>) -> Vec<u8> {
    let is_authority = if claims.is_authority { der(BOOLEAN, &[&[0xFF]]) } else { Vec::new() };
    let constraints = der(SEQUENCE, &[&is_authority]);
    let mut extensions = extension(BASIC_CONSTRAINTS, &constraints);
    if let Some(host) = claims.host {
        extensions.extend(extension(SUBJECT_ALT_NAME, &der(SEQUENCE, &[&der(0x82, &[host.as_bytes()])])));
    }
    extensions
}

fn extension(id: &[u8], value: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[&der(OBJECT_ID, &[id]), &der(OCTET_STRING, &[value])])
}

/// Whole bytes.
fn bits(bytes: &[u8]) -> Vec<u8> {
    der(BIT_STRING, &[&[0], bytes])
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match content.len() {
        length @ ..0x80 => bytes.push(length as u8),
        length @ ..0x100 => bytes.extend([0x81, length as u8]),
        length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend(content);
    bytes
}
