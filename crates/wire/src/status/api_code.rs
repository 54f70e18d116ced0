//! Reasons that the contracts name and the domain does not have: of the service itself, and of books that the domain does
//! not keep. A code moves out of this list when the domain gets a rule of that name.

use std::time::Duration;

use tonic::Code;

macro_rules! api_codes {
    ($($name:ident, $code:literal, $grpc:ident, $retry:expr, $english:literal, $chinese:literal;)*) => {
        /// The stable code of a refusal that is not one of the domain's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ApiCode { $(#[doc = $english] $name,)* }

        impl ApiCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable name: `ErrorInfo.reason`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Its gRPC code.
            #[must_use]
            pub const fn grpc_code(self) -> Code {
                match self { $(Self::$name => Code::$grpc,)* }
            }

            /// When to try again without anybody doing anything, if that can help.
            #[must_use]
            pub const fn retry_delay(self) -> Option<Duration> {
                match self { $(Self::$name => $retry,)* }
            }

            /// One sentence for a person, in English.
            #[must_use]
            pub const fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }

            /// The same sentence in Chinese.
            #[must_use]
            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

/// A shard opens within two seconds whatever the length of its log, so half of that is a fair moment to ask again.
const OPENING: Option<Duration> = Some(Duration::from_secs(1));

api_codes! {
    FieldInvalid, "FIELD_INVALID", InvalidArgument, None,
        "A field is missing or outside its documented range.", "字段缺失或超出允许范围。";
    PageTokenInvalid, "PAGE_TOKEN_INVALID", InvalidArgument, None,
        "The page token is not from this method, or the other arguments changed.", "分页标记无效，或其他参数已更改。";
    SequenceAhead, "SEQUENCE_AHEAD", OutOfRange, None,
        "The moment asked for is later than the newest durable entry.", "所查询的时点晚于最新记录。";
    SequenceNotReached, "SEQUENCE_NOT_REACHED", DeadlineExceeded, None,
        "The ledger did not reach the sequence number before the deadline.", "账本未能在截止时间前到达指定序号。";
    SearchNotFinished, "SEARCH_NOT_FINISHED", DeadlineExceeded, None,
        "The log was not searched to its end before the deadline.", "未能在截止时间前检索完账本日志。";
    ShardStopped, "SHARD_STOPPED", Unavailable, None,
        "The shard stopped because it cannot prove its state.", "分片因无法证明其状态而停止服务。";
    Starting, "STARTING", Unavailable, OPENING,
        "The service is not ready yet.", "服务正在启动。";
    OutcomeUnknown, "OUTCOME_UNKNOWN", Unavailable, OPENING,
        "The command was sent and its outcome not seen in time; call again with the same key.", "指令已发送但未及时获知结果，请以同一幂等键重试。";
    ClientTooSlow, "CLIENT_TOO_SLOW", ResourceExhausted, None,
        "The client did not read the stream in time.", "客户端读取过慢，数据流已中断。";
    IdempotencyMismatch, "IDEMPOTENCY_MISMATCH", FailedPrecondition, None,
        "This principal used the idempotency key for something else.", "该幂等键已被同一主体用于其他请求。";
    AccountUnknown, "ACCOUNT_UNKNOWN", NotFound, None,
        "No such account in that currency.", "没有该币种的此账户。";
    CycleUnknown, "CYCLE_UNKNOWN", NotFound, None,
        "No such settlement cycle.", "没有该清算周期。";
    NotQuarantined, "NOT_QUARANTINED", FailedPrecondition, None,
        "The record is not in quarantine.", "该记录未被隔离。";
}
