//! Errors of Redis: a server failure, which concerns every account, or an error of one account.

use redis::RedisError;

use crate::error::{Error, RedisErrorKind};

/// The error of a [`Backend`](super::Backend): of the connection, or of a request on it.
pub enum BackendError {
    /// No connection could be made, or Redis did not accept its login or database.
    Connect(RedisError),
    /// The request failed: Redis replied with an error, or the connection broke.
    Reply(RedisError),
}

/// The error codes with which Redis refuses every client.
/// <https://github.com/redis/redis/blob/7.0/src/server.c> (createSharedObjects)
const OF_THE_SERVER: [&str; 11] = [
    "LOADING",
    "READONLY",
    "NOAUTH",
    "WRONGPASS",
    "OOM",
    "MISCONF",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "NOREPLICAS",
    "BUSY",
    "NOSCRIPT",
];
/// The error codes that concern one account.
const DENIED: &str = "NOPERM";
const WRONG_TYPE: &str = "WRONGTYPE";
/// Before version 7 a script's error holds that of its command, in words of its own for a command that is not allowed.
const NOT_ALLOWED: &str = "can't run this command";
/// Redis's reply to a long command before AUTH: it rejects the command while parsing it.
const NOT_LOGGED_IN: &str = "unauthenticated";
const TOO_MANY_CLIENTS: &str = "max number of clients";

impl BackendError {
    fn error(&self) -> &RedisError {
        match self {
            Self::Connect(error) | Self::Reply(error) => error,
        }
    }

    /// The error code of Redis's reply.
    fn word(&self) -> Option<&str> {
        let (error, code) = (self.error(), self.error().code()?);
        let detail = error.detail().unwrap_or_default();
        let inner = || detail.split(|c: char| !c.is_ascii_uppercase()).find(|word| is_known(word));
        match code {
            "ERR" if detail.contains(NOT_ALLOWED) => Some(DENIED),
            "ERR" if detail.contains(NOT_LOGGED_IN) => Some("NOAUTH"),
            "ERR" => Some(inner().unwrap_or(code)),
            _ => Some(code),
        }
    }

    /// Whether the error concerns every account, and not only one.
    pub(crate) fn is_server_failure(&self) -> bool {
        let is_full = || self.error().detail().is_some_and(|detail| detail.contains(TOO_MANY_CLIENTS));
        let refuses_all = |word| OF_THE_SERVER.contains(&word) || is_full();
        matches!(self, Self::Connect(_)) || self.word().is_none_or(refuses_all)
    }

    /// The reason for messages. Redis's own text is not used: it can hold a stored value.
    pub(crate) fn reason(&self) -> &str {
        let error = self.error();
        match self.word() {
            Some(word) => word,
            None if error.is_connection_refusal() => "connection refused",
            None if error.is_connection_dropped() => "connection closed",
            None if is_unknown_host(error) => "no such host",
            None => error.category(),
        }
    }

    /// The error for the account of `key`.
    pub(crate) fn for_account(&self, key: &str) -> Error {
        let prefix = key.split_once('{').map_or(key, |(prefix, _)| prefix);
        let kind = match self.word() {
            Some(DENIED) => RedisErrorKind::Denied { keys: format!("{prefix}*") },
            // Redis does not name the key of a script that it means; all begin like the first.
            Some(WRONG_TYPE) => {
                RedisErrorKind::WrongType { keys: key.rsplit_once(':').map_or(key, |(place, _)| place).into() }
            }
            _ => RedisErrorKind::Script,
        };
        Error::Redis { reason: self.reason().to_owned(), kind }
    }
}

fn is_known(word: &str) -> bool {
    OF_THE_SERVER.contains(&word) || [DENIED, WRONG_TYPE].contains(&word)
}

/// Whether the host name could not be resolved: the first text is that of Unix, the second that of Windows.
fn is_unknown_host(error: &RedisError) -> bool {
    let text = error.to_string();
    error.is_io_error() && (text.contains("failed to lookup address") || text.contains("os error 11001"))
}

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, make_extension_error};

    use super::*;

    fn answer(code: &str, detail: &str) -> BackendError {
        BackendError::Reply(make_extension_error(code.into(), Some(detail.into())))
    }

    #[test]
    fn errors_of_one_account_are_not_those_of_the_server() {
        for (code, detail, reason) in [
            ("NOPERM", "this user has no permissions to access one of the keys", "NOPERM"),
            ("WRONGTYPE", "Operation against a key holding the wrong kind of value", "WRONGTYPE"),
            ("ERR", "hash value is not an integer", "ERR"),
            ("CROSSSLOT", "Keys in request don't hash to the same slot", "CROSSSLOT"),
            // As versions before 7 have it.
            (
                "ERR",
                "Error running script (call to f_1): @user_script:1: WRONGTYPE Operation against a key",
                "WRONGTYPE",
            ),
            (
                "ERR",
                "Error running script: The user executing the script can't run this command or subcommand",
                "NOPERM",
            ),
        ] {
            let failure = answer(code, detail);
            assert!(!failure.is_server_failure(), "{code} {detail}");
            assert_eq!(failure.reason(), reason);
        }
    }

    #[test]
    fn errors_that_meet_every_account_are_those_of_the_server() {
        for (code, detail) in [
            ("LOADING", "Redis is loading the dataset in memory"),
            ("READONLY", "You can't write against a read only replica."),
            ("OOM", "command not allowed when used memory > 'maxmemory'."),
            ("MISCONF", "Redis is configured to save RDB snapshots"),
            ("NOREPLICAS", "Not enough good replicas to write."),
            ("BUSY", "Redis is busy running a script."),
            ("ERR", "max number of clients reached"),
            ("ERR", "Protocol error: unauthenticated multibulk length"),
            ("ERR", "Protocol error: unauthenticated bulk length"),
            (
                "ERR",
                "Error running script (call to f_1): @user_script: 2: -READONLY You can't write against a replica.",
            ),
        ] {
            assert!(answer(code, detail).is_server_failure(), "{code} {detail}");
        }
        let refused = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert!(BackendError::Reply(refused).is_server_failure());
        let torn = RedisError::from((ErrorKind::Parse, "torn"));
        assert!(BackendError::Reply(torn).is_server_failure());
        // A user without permission to SELECT the database has no connection.
        let select = make_extension_error("NOPERM".into(), Some("no permissions to run 'select'".into()));
        assert!(BackendError::Connect(select).is_server_failure());
    }

    #[test]
    fn a_failure_without_a_code_says_what_became_of_the_connection() {
        let io = |error: std::io::Error| BackendError::Connect(RedisError::from(error));
        let kind = |kind: std::io::ErrorKind| io(kind.into());
        let refused = kind(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(refused.reason(), "connection refused");
        assert_eq!(kind(std::io::ErrorKind::UnexpectedEof).reason(), "connection closed");
        for text in [
            "failed to lookup address information: Name or service not known",
            "No such host is known. (os error 11001)",
        ] {
            assert_eq!(io(std::io::Error::other(text)).reason(), "no such host");
        }
        assert_eq!(io(std::io::Error::other("failed")).reason(), "I/O error");
        let torn = RedisError::from((ErrorKind::Parse, "failed to lookup address"));
        assert_eq!(BackendError::Reply(torn).reason(), "parse error");
    }

    #[test]
    fn an_error_of_an_account_names_its_keys_and_the_fix() {
        let key = "shop:{wx1:stable:f}:token";
        let text = |code, detail| answer(code, detail).for_account(key).to_string();
        let denied = text("NOPERM", "x");
        assert!(denied.contains("~shop:*") && denied.contains("+eval"), "{denied}");
        let wrong = text("WRONGTYPE", "x");
        assert!(wrong.contains("shop:{wx1:stable:f}:"), "{wrong}");
    }
}
