//! What this version does not answer: it says so at once, and nothing is made up.

use domain::rejection::RejectionCode;
use tonic::Status;
use wire::status::status;

/// `UNIMPLEMENTED`, with the sentence that says it and that nothing has changed.
pub(crate) fn absent() -> Status {
    status(&RejectionCode::CommandNotSupported.into())
}
