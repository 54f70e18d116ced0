//! Calls of the contracts that this version does not carry out: each says so at once, and nothing is made up.

use domain::rejection::RejectionCode;
use tonic::{Request, Response, Status};
use wire::reconciliation::v1 as reconciliation;
use wire::reconciliation::v1::reconciliation_service_server::ReconciliationService;
use wire::status::status;

/// `UNIMPLEMENTED`, with the sentence that says it and that nothing has changed.
pub(crate) fn absent() -> Status {
    status(&RejectionCode::CommandNotSupported.into())
}

/// Bill files, matches and breaks.
pub(crate) struct NoReconciliation;

#[tonic::async_trait]
impl ReconciliationService for NoReconciliation {
    async fn list_files(
        &self,
        _: Request<reconciliation::ListFilesRequest>,
    ) -> Result<Response<reconciliation::ListFilesResponse>, Status> {
        Err(absent())
    }

    async fn list_matches(
        &self,
        _: Request<reconciliation::ListMatchesRequest>,
    ) -> Result<Response<reconciliation::ListMatchesResponse>, Status> {
        Err(absent())
    }

    async fn list_breaks(
        &self,
        _: Request<reconciliation::ListBreaksRequest>,
    ) -> Result<Response<reconciliation::ListBreaksResponse>, Status> {
        Err(absent())
    }

    async fn resolve_break(
        &self,
        _: Request<reconciliation::ResolveBreakRequest>,
    ) -> Result<Response<reconciliation::ResolveBreakResponse>, Status> {
        Err(absent())
    }
}
