//! Calls that change something: each goes through the log, is answered once it is durable, and can be repeated.

use domain::cycle::CycleState;
use grpc::{Service, asking};
use wire::audit::v1::StreamEventsRequest;
use wire::common::v1::CycleRef;
use wire::names;
use wire::settlement::v1 as settlement;
use wire::settlement::v1::{
    ApproveSettlementRequest, CloseCycleRequest, GetCycleRequest, ListInstructionsRequest, ListSettlementsRequest,
    ProposeSettlementRequest, StartSettlementRequest,
};

fn cycle(number: u64) -> Option<CycleRef> {
    Some(CycleRef { currency_code: "CNY".to_owned(), number })
}

fn close(number: u64, key: &str) -> CloseCycleRequest {
    let (reporting_network, idempotency_key) = ("unionpay".to_owned(), key.to_owned());
    CloseCycleRequest { cycle: cycle(number), reporting_network, idempotency_key, validate_only: false }
}

#[test]
fn closing_a_cycle_answers_with_what_it_changed_and_the_same_again() {
    let mut service = Service::start(api::Options::default());
    let before = service.events(1_500);
    let (judged, closed, again) = asking(async {
        let client = service.client();
        let judged =
            client.close_cycle(CloseCycleRequest { validate_only: true, ..close(1, "close-1") }).await.unwrap();
        let untouched = client.cycle(GetCycleRequest { cycle: cycle(1), ..Default::default() }).await.unwrap();
        assert_eq!(untouched.cycle.unwrap().state(), settlement::CycleState::Open, "judging writes nothing");
        let closed = client.close_cycle(close(1, "close-1")).await.unwrap();
        (judged, closed, client.close_cycle(close(1, "close-1")).await.unwrap())
    });
    assert_eq!(judged.sequence, before.sequence.0);
    assert_eq!(judged.balances, closed.balances, "what would happen is what happened");
    assert_eq!((closed.sequence, &closed), (before.sequence.0 + 1, &again), "a repetition gets the first answer");
    let told = closed.cycle.unwrap();
    assert_eq!((told.state(), told.closed_sequence), (settlement::CycleState::Closed, closed.sequence));
    assert!(closed.balances.iter().any(|balance| balance.account.starts_with("receivable.")));
    for position in closed.balances.iter().filter(|balance| balance.account.starts_with("position.")) {
        assert_eq!(position.net_minor_units, "0", "{}", position.account);
    }
    let newest = service.catch_up();
    assert_eq!(newest.sequence.0, before.sequence.0 + 2, "the repetition is in the log, and changed nothing");
    let id = names::cycle(&cycle(1).unwrap()).unwrap();
    assert_eq!(newest.state.cycle(id).unwrap().state, CycleState::Closed);

    // Much later the answer is still that of then.
    service.events(700);
    let late = asking(async { service.client().close_cycle(close(1, "close-1")).await.unwrap() });
    assert_eq!((late.sequence, late.balances), (closed.sequence, closed.balances));
}

#[test]
fn a_change_that_is_refused_says_why() {
    let mut service = Service::start(api::Options::default());
    service.events(300);
    asking(async {
        let client = service.client();
        client.close_cycle(close(1, "key")).await.unwrap();
        for (request, expected) in [
            (close(1, "other"), "CYCLE_NOT_OPEN"),
            (close(7, "seven"), "CYCLE_UNKNOWN"),
            (close(2, "key"), "IDEMPOTENCY_MISMATCH"),
            (close(2, ""), "FIELD_INVALID"),
            (close(2, &"k".repeat(65)), "FIELD_INVALID"),
            (CloseCycleRequest { reporting_network: "tenpay".to_owned(), ..close(2, "t") }, "CYCLE_NOT_OPEN"),
            (CloseCycleRequest { reporting_network: "netsunion".to_owned(), ..close(2, "n") }, "UNKNOWN_NETWORK"),
            (CloseCycleRequest { validate_only: true, ..close(1, "v") }, "CYCLE_NOT_OPEN"),
            (CloseCycleRequest { cycle: None, ..close(2, "c") }, "FIELD_INVALID"),
        ] {
            let key = request.idempotency_key.clone();
            let refused = client.close_cycle(request).await.unwrap_err();
            assert_eq!(refused.reason().as_deref(), Some(expected), "{key}");
        }
        // Refused for ever under its key, although another key would pass now.
        let again = client.close_cycle(close(1, "other")).await.unwrap_err();
        assert_eq!(again.reason().as_deref(), Some("CYCLE_NOT_OPEN"));
        let unproposed = StartSettlementRequest { cycle: cycle(1), idempotency_key: "s".into(), validate_only: false };
        assert_eq!(client.start(unproposed).await.unwrap_err().reason().as_deref(), Some("CYCLE_STATE"));
    });
}

#[test]
fn a_cycle_is_proposed_approved_and_started() {
    let mut service = Service::start(api::Options::default());
    service.events(2_000);
    asking(async {
        let client = service.client();
        client.close_cycle(close(1, "close")).await.unwrap();
        let propose =
            ProposeSettlementRequest { cycle: cycle(1), idempotency_key: "propose".into(), validate_only: false };
        let proposed = client.propose(propose).await.unwrap();
        let told = proposed.settlement.unwrap();
        assert_eq!((told.state(), told.digest.len()), (settlement::CycleState::Proposed, 32));
        assert_eq!(told.lines.iter().map(|line| line.net_minor).sum::<i64>(), 0);
        assert!(proposed.balances.iter().all(|balance| balance.account.starts_with("liquidity.")));
        assert_eq!(told.proposed_by, api::PRINCIPAL);

        let approve = |digest: Vec<u8>, key: &str| ApproveSettlementRequest {
            cycle: cycle(1),
            digest,
            idempotency_key: key.to_owned(),
            validate_only: false,
        };
        let other = client.approve(approve(vec![0; 32], "other")).await.unwrap_err();
        assert_eq!(other.reason().as_deref(), Some("PROPOSAL_CHANGED"));
        let approved = client.approve(approve(told.digest, "approve")).await.unwrap();
        assert_eq!(approved.settlement.unwrap().state(), settlement::CycleState::Approved);
        let start = StartSettlementRequest { cycle: cycle(1), idempotency_key: "start".into(), validate_only: false };
        let started = client.start(start).await.unwrap();
        let told = started.settlement.unwrap();
        assert_eq!(told.state(), settlement::CycleState::Settling);

        let mut request = ListInstructionsRequest { page_size: 1, ..Default::default() };
        let mut instructions = Vec::new();
        loop {
            let page = client.instructions(request.clone()).await.unwrap();
            instructions.extend(page.instructions);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(instructions.len(), usize::try_from(told.instruction_count).unwrap());
        assert!(instructions.iter().all(|each| each.state() == settlement::InstructionState::Sent));
        let all = client.settlements(ListSettlementsRequest::default()).await.unwrap();
        assert_eq!(all.settlements, [told]);
        assert!(all.sequence >= started.sequence);

        // What stood in between is told of the cycle as of then.
        for (sequence, state) in [
            (proposed.sequence, settlement::CycleState::Proposed),
            (approved.sequence, settlement::CycleState::Approved),
            (proposed.sequence - 1, settlement::CycleState::Closed),
        ] {
            let at = wire::common::v1::read_at::At::Sequence(sequence);
            let read_at = Some(wire::common::v1::ReadAt { at: Some(at) });
            let then = client.cycle(GetCycleRequest { cycle: cycle(1), read_at, min_sequence: 0 }).await.unwrap();
            assert_eq!(then.cycle.unwrap().state(), state);
        }
        let mut log = client.events(StreamEventsRequest::default()).await.unwrap();
        let mut principals = Vec::new();
        while let Some(answer) = log.next().await.unwrap() {
            if let Some(wire::audit::v1::ledger_entry::Content::Command(command)) = answer.entry.unwrap().content {
                principals.push(command.principal);
            }
        }
        assert_eq!(principals.iter().filter(|by| *by == api::PRINCIPAL).count(), 5);
    });
}
