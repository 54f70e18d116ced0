//! Refusals as gRPC statuses: the one place where a business refusal meets a transport.
//!
//! A status carries the English sentence as its message and, as `google.rpc` details, `ErrorInfo` (the stable code as
//! reason, domain `hutong`, the facts as metadata) and `LocalizedMessage` with the Chinese sentence. Amounts among the
//! facts are decimal texts of minor units.
//!
//! | gRPC code | what was refused |
//! |---|---|
//! | `INVALID_ARGUMENT` | what no state of the ledger would accept: the request itself is wrong |
//! | `OUT_OF_RANGE` | a sum or a moment beyond what can be said |
//! | `NOT_FOUND` | something named that does not exist |
//! | `ALREADY_EXISTS` | something reported or matched before, differently |
//! | `FAILED_PRECONDITION` | what the ledger's state or rules do not allow now |
//! | `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED`, `UNAVAILABLE` | no judgement was made: the service's own limits |
//!
//! Metadata `retry` says `never` or `later`. `later` means after something has changed (a person pays in, a corridor opens)
//! and nobody knows when that is, so such a refusal has no `RetryInfo`: a client library would repeat it blindly. Only
//! codes of the service itself, which pass by themselves, have one.

mod api_code;

use std::collections::HashMap;
use std::time::Duration;

use domain::rejection::{Rejection, RejectionCode, Retry};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

pub use api_code::ApiCode;

/// `ErrorInfo.domain` of every refusal.
pub const DOMAIN: &str = "hutong";
/// `LocalizedMessage.locale` of every refusal.
pub const LOCALE: &str = "zh-CN";

/// A business refusal as a status.
#[must_use]
pub fn status(rejection: &Rejection) -> Status {
    let code = rejection.code();
    let retry = match code.retry() {
        Retry::Never => "never",
        Retry::Later => "later",
    };
    let mut facts = facts(rejection);
    facts.push(("retry", retry.to_owned()));
    let said = Said { reason: code.name(), english: code.english(), chinese: code.chinese() };
    build(grpc_code(code), &said, facts, None)
}

/// A refusal by the service itself, with the facts that show it.
#[must_use]
pub fn api_status(code: ApiCode, facts: &[(&'static str, String)]) -> Status {
    let said = Said { reason: code.name(), english: code.english(), chinese: code.chinese() };
    build(code.grpc_code(), &said, facts.to_vec(), code.retry_delay())
}

/// A request whose field `field` is missing or outside its documented range, and why.
#[must_use]
pub fn field_invalid(field: &str, why: &str) -> Status {
    let code = ApiCode::FieldInvalid;
    let mut details = ErrorDetails::with_bad_request_violation(field, why);
    details.set_error_info(code.name(), DOMAIN, HashMap::from([("field".to_owned(), field.to_owned())]));
    details.set_localized_message(LOCALE, code.chinese());
    Status::with_error_details(code.grpc_code(), format!("{field}: {why}"), details)
}

/// The stable code of a status; `None` when it carries none of ours.
#[must_use]
pub fn reason(status: &Status) -> Option<String> {
    let info = status.get_error_details().error_info().filter(|info| info.domain == DOMAIN)?.clone();
    Some(info.reason)
}

/// The table: which gRPC code a refusal has.
#[must_use]
pub const fn grpc_code(code: RejectionCode) -> Code {
    match code {
        RejectionCode::FeeDifferenceTooLarge | RejectionCode::RulebookInvalid => Code::InvalidArgument,
        RejectionCode::AmountOverflow => Code::OutOfRange,
        RejectionCode::CommandNotSupported => Code::Unimplemented,
        RejectionCode::UnknownNetwork
        | RejectionCode::PaymentUnknown
        | RejectionCode::InstructionUnknown
        | RejectionCode::FileUnknown
        | RejectionCode::BreakUnknown => Code::NotFound,
        RejectionCode::ConflictingDuplicate | RejectionCode::LegAlreadyReported | RejectionCode::AlreadyMatched => {
            Code::AlreadyExists
        }
        RejectionCode::UnrecognisedCode
        | RejectionCode::CorridorClosed
        | RejectionCode::ChannelClosed
        | RejectionCode::PilotNotAdmitted
        | RejectionCode::NetDebitCapExceeded
        | RejectionCode::PaymentMismatch
        | RejectionCode::EvidenceRequired
        | RejectionCode::OriginalReversed
        | RejectionCode::RefundExceeds
        | RejectionCode::DisputeExceeds
        | RejectionCode::ReversalAmount
        | RejectionCode::ReversalAfterRefund
        | RejectionCode::ReversalAfterDispute
        | RejectionCode::RefundBooked
        | RejectionCode::CycleNotOpen
        | RejectionCode::CycleState
        | RejectionCode::InsufficientLiquidity
        | RejectionCode::OwnFundsInsufficient
        | RejectionCode::SuspenseInsufficient
        | RejectionCode::TwoApprovalsRequired
        | RejectionCode::CycleSettled
        | RejectionCode::BreaksOpen
        | RejectionCode::ProposalChanged
        | RejectionCode::InstructionFinal
        | RejectionCode::BreakNotOpen
        | RejectionCode::BreakUnproven
        | RejectionCode::IncarnationRefused => Code::FailedPrecondition,
    }
}

fn facts(rejection: &Rejection) -> Vec<(&'static str, String)> {
    match *rejection {
        Rejection::Plain(_) => Vec::new(),
        Rejection::NetDebitCapExceeded { limit, exposure, currency } => vec![
            ("limit_minor", limit.to_string()),
            ("exposure_minor", exposure.to_string()),
            ("currency_code", currency.code().to_owned()),
        ],
        Rejection::RefundExceeds { left, claimed } | Rejection::DisputeExceeds { left, claimed } => {
            vec![("left_minor", left.to_string()), ("claimed_minor", claimed.to_string())]
        }
        Rejection::ReversalAmount { reported, reversed } => {
            vec![("reported_minor", reported.to_string()), ("reversed_minor", reversed.to_string())]
        }
        Rejection::ConflictingDuplicate { event } => vec![("event_id", event.to_string())],
    }
}

struct Said {
    reason: &'static str,
    english: &'static str,
    chinese: &'static str,
}

fn build(code: Code, said: &Said, facts: Vec<(&'static str, String)>, retry_delay: Option<Duration>) -> Status {
    let facts: HashMap<String, String> = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
    let mut details = ErrorDetails::with_error_info(said.reason, DOMAIN, facts);
    details.set_localized_message(LOCALE, said.chinese);
    if retry_delay.is_some() {
        details.set_retry_info(retry_delay);
    }
    Status::with_error_details(code, said.english, details)
}

#[cfg(test)]
mod tests {
    use domain::ids::Id;
    use domain::money::CNY;

    use super::*;

    #[test]
    fn every_refusal_is_a_status_with_its_code_and_both_sentences() {
        for &code in RejectionCode::ALL {
            let status = status(&code.into());
            let details = status.get_error_details();
            let info = details.error_info().expect("always set");
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (code.name(), "hutong"));
            let retry = if code.retry() == Retry::Never { "never" } else { "later" };
            assert_eq!(info.metadata.get("retry").map(String::as_str), Some(retry));
            let chinese = details.localized_message().expect("always set");
            assert_eq!((chinese.locale.as_str(), chinese.message.as_str()), ("zh-CN", code.chinese()));
            assert_eq!((status.message(), status.code()), (code.english(), grpc_code(code)));
            assert!(details.retry_info().is_none(), "{code:?} would be repeated blindly");
            assert_eq!(reason(&status).as_deref(), Some(code.name()));
        }
    }

    #[test]
    fn a_refusal_carries_the_facts_that_show_it() {
        let event = Id(0xabc);
        for (rejection, expected) in [
            (
                Rejection::NetDebitCapExceeded { limit: i128::MAX, exposure: -1, currency: CNY },
                vec![
                    ("limit_minor", "170141183460469231731687303715884105727"),
                    ("exposure_minor", "-1"),
                    ("currency_code", "CNY"),
                ],
            ),
            (Rejection::RefundExceeds { left: 5, claimed: 6 }, vec![("left_minor", "5"), ("claimed_minor", "6")]),
            (Rejection::DisputeExceeds { left: 0, claimed: 1 }, vec![("left_minor", "0"), ("claimed_minor", "1")]),
            (
                Rejection::ReversalAmount { reported: 7, reversed: 8 },
                vec![("reported_minor", "7"), ("reversed_minor", "8")],
            ),
            (Rejection::ConflictingDuplicate { event }, vec![("event_id", "00000000000000000000000000000abc")]),
        ] {
            let metadata = status(&rejection).get_error_details().error_info().expect("always set").metadata.clone();
            assert_eq!(metadata.len(), expected.len() + 1, "{rejection:?}");
            for (name, fact) in expected {
                assert_eq!(metadata.get(name).map(String::as_str), Some(fact), "{rejection:?}");
            }
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        let status = field_invalid("cycle.number", "counts from 1");
        let details = status.get_error_details();
        let violation = &details.bad_request().expect("set").field_violations[0];
        assert_eq!((violation.field.as_str(), violation.description.as_str()), ("cycle.number", "counts from 1"));
        assert_eq!((status.code(), reason(&status).as_deref()), (Code::InvalidArgument, Some("FIELD_INVALID")));
    }

    #[test]
    fn only_what_passes_by_itself_says_when_to_try_again() {
        let starting = api_status(ApiCode::Starting, &[("shard", "0".to_owned())]);
        let details = starting.get_error_details();
        assert!(details.retry_info().is_some_and(|info| info.retry_delay.is_some()));
        assert_eq!(details.error_info().and_then(|info| info.metadata.get("shard")).map(String::as_str), Some("0"));
        assert!(api_status(ApiCode::ShardStopped, &[]).get_error_details().retry_info().is_none());
        assert_eq!(reason(&Status::not_found("no details")), None);
    }
}
