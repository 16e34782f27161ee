//! What a certificate was refused for.

use super::host_name;
use crate::error::CertificateErrorKind;
use crate::error::explanation::Bilingual;

pub(super) fn refused(host: &str, kind: CertificateErrorKind) -> Bilingual {
    let (zh, en) = match kind {
        CertificateErrorKind::UnknownIssuer => {
            ("由不受信任的机构签发", "is issued by an authority that is not trusted")
        }
        CertificateErrorKind::SelfSigned => ("是不受信任的自签名证书", "is self-signed and not trusted"),
        CertificateErrorKind::Expired => ("已过期", "has expired"),
        CertificateErrorKind::NotValidYet => ("尚未生效", "is not valid yet"),
        CertificateErrorKind::HostnameMismatch => ("属于其他主机名", "is for another host name"),
        CertificateErrorKind::MissingSan => {
            ("的 subjectAltName 中没有主机名", "has no host name in its subjectAltName")
        }
        CertificateErrorKind::CaUsedAsEndEntity => {
            ("是 CA 证书，不是服务器证书", "is a CA certificate and not a server certificate")
        }
        CertificateErrorKind::Other => ("不可用", "cannot be used"),
    };
    Bilingual::new(format!("{host} 的证书{zh}"), format!("the certificate of {host} {en}"))
}

/// `param` is where the host's name stands.
pub(super) fn certified(address: &str, kind: CertificateErrorKind, param: &str) -> Bilingual {
    let host = host_name(address);
    match kind {
        CertificateErrorKind::UnknownIssuer => Bilingual::new(
            "经过会解密流量的企业代理或使用私有 CA 时，用 ca 或 NODE_EXTRA_CA_CERTS 加入其根证书；否则可能有人冒充该主机",
            "Behind a company proxy that decrypts traffic, or with a private CA, add its root certificate with ca or \
             NODE_EXTRA_CA_CERTS; otherwise another server may be impersonating that host",
        ),
        CertificateErrorKind::SelfSigned => Bilingual::new(
            "若该证书是你自己的，把这张证书的 PEM 作为 ca 传入，或写进 NODE_EXTRA_CA_CERTS 所指的文件；否则可能有人冒充该主机",
            "If the certificate is yours, pass it in PEM format as ca, or add it to the file that NODE_EXTRA_CA_CERTS names; \
             otherwise another server may be impersonating that host",
        ),
        CertificateErrorKind::Expired => Bilingual::new(
            "在该主机上换新证书；本机时间不对时校正系统时间",
            "Renew the certificate on that host; if the clock of this machine is wrong, set it",
        ),
        CertificateErrorKind::NotValidYet => Bilingual::new(
            "校正本机的系统时间；时间正确时检查证书的生效日期",
            "Set the clock of this machine; if the clock is right, check the start date of the certificate",
        ),
        CertificateErrorKind::HostnameMismatch => Bilingual::new(
            format!("{param} 写证书里有的主机名，或为 {host} 重新签发证书；证书来自中间的设备时，检查 DNS 与代理"),
            format!(
                "In {param} use a host name that the certificate has, or issue a certificate for {host}; \
                 if the certificate comes from a device in between, check DNS and proxies"
            ),
        ),
        CertificateErrorKind::MissingSan => Bilingual::new(
            "重新生成证书并写明主机名，例如 openssl req -x509 加上 -addext subjectAltName=DNS:主机名（IP 地址写 IP:地址）；只有 CN 不够",
            "Generate the certificate again with its host name: openssl req -x509 with -addext subjectAltName=DNS:<host> \
             (or IP:<address>); a CN alone is not enough",
        ),
        CertificateErrorKind::CaUsedAsEndEntity => Bilingual::new(
            "为该主机签发服务器证书（basicConstraints 为 CA:FALSE）；若这张证书是你自己的，也可把它的 PEM 作为 ca 传入",
            "Issue a server certificate for that host (basicConstraints CA:FALSE); if this one is yours, you can also \
             pass it in PEM format as ca",
        ),
        CertificateErrorKind::Other => Bilingual::new(
            "为该主机重新签发服务器证书（X.509 v3，SHA-256）",
            "Issue a new server certificate for that host (X.509 v3, SHA-256)",
        ),
    }
}
