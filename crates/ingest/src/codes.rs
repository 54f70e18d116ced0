//! Why a source stops for good. Each code is the name of a page in `deploy/runbooks`.

use ledger::SourceError;

/// The next record wanted is not on the topic any more.
pub const OFFSET_OUT_OF_RANGE: &str = "OFFSET_OUT_OF_RANGE";
/// The topic is not the one that the log was made from: it ends before the ledger's position, or holds another record where
/// the ledger has one.
pub const TOPIC_RECREATED: &str = "TOPIC_RECREATED";
/// The topic does not exist.
pub const TOPIC_MISSING: &str = "TOPIC_MISSING";
/// The topic has more than one partition.
pub const PARTITION_COUNT: &str = "PARTITION_COUNT";
/// `payments.rejected` ends with a record that this ledger has not written so.
pub const REJECTIONS_DIVERGED: &str = "REJECTIONS_DIVERGED";
/// The client, or a broker's answer, does not allow to go on without leaving something out.
pub const KAFKA_FATAL: &str = "KAFKA_FATAL";

/// An error of a topic's only partition.
pub(crate) fn stop(code: &'static str, topic: &str, reason: String) -> SourceError {
    SourceError { source_name: format!("{topic}[0]"), reason, code }
}
