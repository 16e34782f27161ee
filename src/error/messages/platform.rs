//! Why a third-party platform could not go on: its ticket, its store.

use std::time::Duration;

use super::super::platform::{StoreProblem, TicketError};
use super::seconds;
use crate::error::explanation::{Bilingual, Explanation};

/// Of the platform's ticket.
pub(crate) fn ticket(TicketError { last_push, refusal }: &TicketError) -> Explanation {
    let (pushed_zh, pushed_en) = match last_push {
        Some(age) => (format!("上一次推送在 {}前", ago_zh(*age)), format!("the last push came {} ago", ago_en(*age))),
        None => ("还没有收到过推送".to_owned(), "no push has come yet".to_owned()),
    };
    let (zh, en) = match refusal {
        Some(_) => (
            "微信不接受当前的 component_verify_ticket，也没有等到新的",
            "WeChat does not accept the component_verify_ticket, and no newer one came in time",
        ),
        None => ("没有等到 component_verify_ticket", "no component_verify_ticket came in time"),
    };
    Explanation {
        cause: Bilingual::new(format!("{zh}（{pushed_zh}）"), format!("{en} ({pushed_en})")),
        fix: Bilingual::new(
            "推送已停止时调用 platform.startPushTicket()；并确认微信的推送（每 10 分钟一次）能到达 receivePush 或 pushHandler",
            "Call platform.startPushTicket() if the pushes have stopped; make sure that WeChat's pushes (every 10 minutes) reach receivePush or pushHandler",
        ),
    }
}

fn ago_en(age: Duration) -> String {
    match age.as_secs() / 60 {
        0 => seconds(age),
        minutes @ 1..120 => format!("{minutes} min"),
        minutes => format!("{} h", minutes / 60),
    }
}

fn ago_zh(age: Duration) -> String {
    match age.as_secs() / 60 {
        0 => format!("{} 秒", age.as_secs()),
        minutes @ 1..120 => format!("{minutes} 分钟"),
        minutes => format!("{} 小时", minutes / 60),
    }
}

/// Of the platform's store.
pub(crate) fn store(problem: &StoreProblem) -> Explanation {
    let ((cause_zh, cause_en), (fix_zh, fix_en)) = match problem {
        StoreProblem::Locked { path } => (
            (format!("{path} 正被另一个进程使用"), format!("{path} is in use by another process")),
            (
                "file: 只能由一个进程使用：多个进程时改用 redis 选项（例如 redis: 'redis://…'），或先关闭另一个进程",
                "A file: store is for one process: with several, use the option redis (such as redis: 'redis://…'), or end the other process first",
            ),
        ),
        StoreProblem::OtherSecret { path } => (
            (format!("{path} 是用另一个 AppSecret 加密的"), format!("{path} was encrypted with another AppSecret")),
            (
                "检查 secret；AppSecret 已重置时，移走该文件：商户会从 api_get_authorizer_list 恢复，ticket 随下一次推送到达",
                "Check secret; if the AppSecret was reset, move the file away: merchants are recovered from api_get_authorizer_list, and the ticket comes with the next push",
            ),
        ),
        StoreProblem::OtherPlatform { path } => (
            (format!("{path} 属于另一个第三方平台"), format!("{path} belongs to another platform")),
            ("每个第三方平台使用各自的文件", "Give every platform a file of its own"),
        ),
        StoreProblem::Damaged { path } => (
            (
                format!("{path} 已损坏，或不是 wxacode 写的文件；没有覆盖它"),
                format!("{path} is damaged, or was not written by wxacode; it was not overwritten"),
            ),
            (
                "从备份恢复该文件，或把它移走：商户会从 api_get_authorizer_list 恢复，ticket 随下一次推送到达",
                "Restore the file from a backup, or move it away: merchants are recovered from api_get_authorizer_list, and the ticket comes with the next push",
            ),
        ),
        StoreProblem::File { path, reason } => (
            (format!("无法读写 {path}（{reason}）"), format!("{path} cannot be read or written ({reason})")),
            (
                "检查该目录是否存在、是否可写、磁盘是否已满",
                "Check that the folder exists and can be written, and that the disk is not full",
            ),
        ),
        StoreProblem::Redis { reason } => (
            (format!("Redis 不可用（{reason}）"), format!("Redis is not available ({reason})")),
            (
                "检查 redis 的地址、密码与网络；Redis 不可用时不更换 token，已有的 token 用到过期为止",
                "Check Redis, its URL and its password; without it no token is replaced, and valid ones are used until they expire",
            ),
        ),
        StoreProblem::Threw { operation, reason } => (
            (format!("store.{operation} 抛出了错误（{reason}）"), format!("store.{operation} failed ({reason})")),
            ("检查 store 背后的数据库", "Check the database behind your store"),
        ),
        StoreProblem::Hangs { operation, limit } => {
            let limit = seconds(*limit);
            (
                (
                    format!("store.{operation} 在 {limit} 内没有完成"),
                    format!("store.{operation} did not end within {limit}"),
                ),
                ("检查 store 背后的数据库", "Check the database behind your store"),
            )
        }
        StoreProblem::PushNotSaved { limit } => {
            let limit = seconds(*limit);
            (
                (
                    format!("推送带来的内容在 {limit} 内没有保存好，所以没有应答成功"),
                    format!("what the push brought was not saved within {limit}, so the push was not accepted"),
                ),
                (
                    "检查 store 背后的数据库、Redis 或磁盘；微信会再次推送",
                    "Check the database, Redis or disk behind the store; WeChat sends the push again",
                ),
            )
        }
        StoreProblem::Unreadable { key } => (
            (
                format!("store 中 {key} 的值无法解密：已损坏，或用另一个 AppSecret 加密"),
                format!(
                    "the value of {key} in the store cannot be decrypted: it is damaged, or was encrypted with another AppSecret"
                ),
            ),
            (
                "检查 secret，并确认 store 原样返回保存过的字节；必要时删除该键",
                "Check secret, and that the store gives back the very bytes it was given; delete the key if necessary",
            ),
        ),
        StoreProblem::DamagedRecord { key } => (
            (
                format!("Redis 中 {key} 的值无法解密：它被改动过；按不存在处理，之后会被替换"),
                format!(
                    "the value of {key} in Redis cannot be decrypted: it was changed; it counts as absent and is replaced"
                ),
            ),
            (
                "内容由 api_get_authorizer_list 或下一次推送恢复；查明还有谁在写这些键",
                "api_get_authorizer_list or the next push has what was in it; find out who else writes these keys",
            ),
        ),
    };
    Explanation { cause: Bilingual::new(cause_zh, cause_en), fix: Bilingual::new(fix_zh, fix_en) }
}
