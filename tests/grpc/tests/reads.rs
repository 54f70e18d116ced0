//! Reads as of now and of past moments, compared with states that the ledger had when they were the newest.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::netting::{Netting, net};
use domain::state::View as _;
use grpc::{Service, asking};
use ledger::Snapshot;
use wire::audit::v1::GetChainHeadRequest;
use wire::balances::v1::{GetBalanceRequest, ListBalancesRequest};
use wire::common::v1::{Balance, CycleRef, ReadAt, read_at};
use wire::corridors::v1::{ListCorridorsRequest, ResolveCodeRequest, Verdict};
use wire::names;
use wire::netting::v1::{
    ExplainNettingRequest, ExplainNettingResponse, GetBilateralNettingRequest, GetMultilateralNettingRequest,
    GetMultilateralNettingResponse, GetPositionsRequest, NetCause, NetPart,
};
use wire::settlement::v1::{CycleState, GetCycleRequest, ListCyclesRequest};

fn at(snapshot: &Snapshot) -> Option<ReadAt> {
    Some(ReadAt { at: Some(read_at::At::Sequence(snapshot.sequence.0)) })
}

fn cycle(number: u64) -> Option<CycleRef> {
    Some(CycleRef { currency_code: "CNY".to_owned(), number })
}

fn cny() -> String {
    "CNY".to_owned()
}

/// The balances of a state as the contracts write them, in their order.
fn expected(snapshot: &Snapshot) -> Vec<Balance> {
    let rules = snapshot.state.rules().current();
    let book = snapshot.state.book().accounts();
    let mut all: Vec<Balance> = book.map(|(account, balance)| names::balance(account, balance, rules)).collect();
    all.sort_by(|a, b| (&a.account, &a.currency_code).cmp(&(&b.account, &b.currency_code)));
    all
}

#[test]
fn balances_of_past_moments_are_those_that_stood_then() {
    let mut service = Service::start(api::Options::default());
    let moments: Vec<Arc<Snapshot>> = vec![
        service.events(50),
        service.events(1_450),
        service.cut_over(1),
        service.events(1_700),
        service.cut_over(2),
        service.events(33),
    ];
    asking(async {
        let client = service.client();
        for snapshot in &moments {
            let request = ListBalancesRequest { read_at: at(snapshot), page_size: 7, ..Default::default() };
            let all = client.all_balances(request).await.unwrap();
            assert_eq!(all.sequence, snapshot.sequence.0);
            assert_eq!(all.balances, expected(snapshot), "at {}", snapshot.sequence);
            assert_eq!(all.recorded_time, Some(names::timestamp(snapshot.recorded_at)));

            let time = ReadAt { at: Some(read_at::At::RecordedTime(names::timestamp(snapshot.recorded_at))) };
            for balance in all.balances.iter().step_by(5) {
                let request = GetBalanceRequest {
                    account: balance.account.clone(),
                    currency_code: cny(),
                    read_at: Some(time),
                    ..Default::default()
                };
                let one = client.balance(request).await.unwrap();
                assert_eq!((one.sequence, one.balance.as_ref()), (snapshot.sequence.0, Some(balance)));
            }

            let head = client.chain_head(GetChainHeadRequest { read_at: at(snapshot), ..Default::default() }).await;
            let head = head.unwrap();
            assert_eq!((head.sequence, head.chain_head), (snapshot.sequence.0, snapshot.head.to_vec()));
        }
        let empty = Some(ReadAt { at: Some(read_at::At::Sequence(0)) });
        let none = client.all_balances(ListBalancesRequest { read_at: empty, ..Default::default() }).await.unwrap();
        assert_eq!((none.balances.len(), none.sequence, none.recorded_time), (0, 0, None));
        let begin = client.chain_head(GetChainHeadRequest { read_at: empty, ..Default::default() }).await.unwrap();
        assert_eq!(begin.chain_head, service.handle().genesis().chain_head());
    });
}

#[test]
fn pages_show_one_state_whatever_is_written_meanwhile() {
    let mut service = Service::start(api::Options::default());
    let before = service.events(800);
    let mut request = ListBalancesRequest { page_size: 5, account_prefix: "position".to_owned(), ..Default::default() };
    let mut listed = Vec::new();
    loop {
        let page = asking(async { service.client().balances(request.clone()).await.unwrap() });
        assert_eq!(page.sequence, before.sequence.0);
        assert!(page.balances.len() <= 5);
        listed.extend(page.balances);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        service.events(200);
    }
    let mut positions = expected(&before);
    positions.retain(|balance| balance.account.starts_with("position."));
    assert_eq!(listed, positions);

    let changed = ListBalancesRequest { account_prefix: "hold".to_owned(), ..request };
    let refused = asking(async { service.client().balances(changed).await.unwrap_err() });
    assert_eq!(refused.reason().as_deref(), Some("PAGE_TOKEN_INVALID"));
}

#[test]
fn positions_and_nets_are_those_of_the_ledger_then_and_now() {
    let mut service = Service::start(api::Options::default());
    service.events(1_000);
    let closed = service.cut_over(1);
    let newest = service.events(1_500);
    // While it is the newest state, and again when it is past.
    let ask = |read_at: Option<ReadAt>| {
        let request = GetPositionsRequest { currency_code: cny(), read_at, ..Default::default() };
        asking(async { service.client().positions(request).await.unwrap() })
    };
    let now = ask(None);
    assert_eq!((now.sequence, now.cycle.clone()), (newest.sequence.0, cycle(2)));
    let networks: Vec<&str> = now.positions.iter().map(|position| position.network.as_str()).collect();
    assert_eq!(networks, ["alipay", "tenpay", "unionpay"]);
    for position in &now.positions {
        let state = &newest.state;
        let network = state.rules().current().network(&position.network).unwrap();
        assert_eq!(i128::from(position.exposure_minor), state.exposure(network, domain::money::CNY));
        assert_eq!(i128::from(position.cap_minor), state.exposure_limit(network, domain::money::CNY));
        let parts: i64 = position.counterparties.iter().map(|part| part.net_minor).sum();
        assert_eq!(parts, position.net_minor);
        let owed = -position.net_minor + position.holds_minor + position.transit_minor + position.receivable_minor;
        assert_eq!(owed, position.exposure_minor, "{}", position.network);
    }
    let just_closed = ask(at(&closed));
    assert_eq!(just_closed.cycle, cycle(2));
    assert!(just_closed.positions.iter().all(|position| position.net_minor == 0));

    for (number, flows) in [(1, &closed.state), (2, &newest.state)] {
        let id = names::cycle(&cycle(number).unwrap()).unwrap();
        let netting = net(&flows.cycle(id).unwrap().flows);
        let client = || service.client();
        let request = GetMultilateralNettingRequest { cycle: cycle(number), ..Default::default() };
        let multilateral = asking(async { client().multilateral(request).await.unwrap() });
        let request = ExplainNettingRequest { cycle: cycle(number), ..Default::default() };
        explains(&asking(async { client().explain(request).await.unwrap() }), &multilateral, &netting);
        let order: Vec<&str> = multilateral.nets.iter().map(|net| net.participant.as_str()).collect();
        assert_eq!(order, ["alipay", "tenpay", "unionpay", "operator", "escrow"]);
        assert_eq!(multilateral.nets.iter().map(|net| net.net_minor).sum::<i64>(), 0);
        let rules = newest.state.rules().current();
        for net in &multilateral.nets {
            let party = names::participant(&net.participant, rules).unwrap();
            assert_eq!(i128::from(net.net_minor), netting.of(party), "{}", net.participant);
        }
        let request = GetBilateralNettingRequest { cycle: cycle(number), ..Default::default() };
        let bilateral = asking(async { client().bilateral(request).await.unwrap() });
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for net in &bilateral.nets {
            assert_eq!(net.debtor_gross_minor - net.creditor_gross_minor, net.net_minor);
            assert!(net.net_minor >= 0);
            *sums.entry(&net.debtor).or_default() -= net.net_minor;
            *sums.entry(&net.creditor).or_default() += net.net_minor;
        }
        for net in &multilateral.nets {
            assert_eq!(sums.get(net.participant.as_str()).copied().unwrap_or(0), net.net_minor);
        }
    }

    service.events(400);
    let ask = |read_at: Option<ReadAt>| {
        let request = GetPositionsRequest { currency_code: cny(), read_at, ..Default::default() };
        asking(async { service.client().positions(request).await.unwrap() })
    };
    assert_eq!(ask(at(&newest)), now, "the same moment, now past");
}

/// The parts of every net sum to it, whatever the service itself has checked.
fn explains(told: &ExplainNettingResponse, nets: &GetMultilateralNettingResponse, netting: &Netting) {
    assert_eq!(told.nets.len(), nets.nets.len());
    for (explained, net) in told.nets.iter().zip(&nets.nets) {
        assert_eq!((&explained.participant, explained.net_minor), (&net.participant, net.net_minor));
        assert_eq!(explained.parts.iter().map(|part| part.amount_minor).sum::<i64>(), net.net_minor);
        let order = |part: &NetPart| (part.counterparty.clone(), part.cause);
        assert!(explained.parts.is_sorted_by_key(order));
    }
    let all = || told.nets.iter().flat_map(|net| &net.parts);
    let of = |cause: NetCause| all().filter(move |part| part.cause() == cause);
    assert_eq!(all().map(|part| part.amount_minor).sum::<i64>(), 0, "what one pays another gets");
    assert!(of(NetCause::Captures).count() > 0 && of(NetCause::Interchange).count() > 0);
    let fees = of(NetCause::NetworkFees).filter(|part| part.counterparty == "operator");
    assert!(fees.map(|part| part.amount_minor).all(|minor| minor < 0), "networks pay the clearing house");
    let [gross, bilateral, multilateral] =
        [&told.gross, &told.bilateral, &told.multilateral].map(|stage| stage.expect("always set"));
    assert_eq!(i128::from(gross.amount_minor), netting.gross_effort().minor);
    assert!(gross.amount_minor >= bilateral.amount_minor && bilateral.amount_minor >= multilateral.amount_minor);
    assert_eq!(told.transfers_saved, gross.transfer_count - multilateral.transfer_count);
}

#[test]
fn cycles_have_their_beginnings_and_ends() {
    let mut service = Service::start(api::Options::default());
    let before = service.events(300);
    let first = service.cut_over(1);
    let between = service.events(100);
    let second = service.cut_over(2);
    service.events(10);
    asking(async {
        let client = service.client();
        let mut request = ListCyclesRequest { page_size: 2, ..Default::default() };
        let page = client.cycles(request.clone()).await.unwrap();
        request.page_token = page.next_page_token;
        let rest = client.cycles(request).await.unwrap();
        let cycles: Vec<_> = page.cycles.into_iter().chain(rest.cycles).collect();
        let told: Vec<_> = cycles.iter().map(|c| (c.cycle.clone(), c.opened_sequence, c.closed_sequence)).collect();
        let (one, two) = (first.sequence.0, second.sequence.0);
        assert_eq!(told, [(cycle(3), two, 0), (cycle(2), one, two), (cycle(1), 1, one)]);
        assert_eq!(rest.next_page_token, "");
        // The clock of the tests stands on Friday noon in Beijing.
        assert_eq!(cycles.iter().map(|c| c.settlement_date).collect::<Vec<_>>(), [0, 20_261_123, 20_261_123]);
        assert!(cycles.iter().all(|c| c.rulebook_version == "1" && c.opened_time.is_some()));

        let get =
            |number, moment: &Snapshot| GetCycleRequest { cycle: cycle(number), read_at: at(moment), min_sequence: 0 };
        let then = client.cycle(get(1, &before)).await.unwrap().cycle.unwrap();
        assert_eq!((then.state(), then.closed_sequence), (CycleState::Open, 0));
        let then = client.cycle(get(1, &between)).await.unwrap().cycle.unwrap();
        assert_eq!((then.state(), then.closed_sequence), (CycleState::Closed, one));
        let refused = client.cycle(get(2, &before)).await.unwrap_err();
        assert_eq!(refused.reason().as_deref(), Some("CYCLE_UNKNOWN"));
        let closed = ListCyclesRequest { state: CycleState::Closed.into(), ..Default::default() };
        assert_eq!(client.cycles(closed).await.unwrap().cycles.len(), 2);
    });
}

#[test]
fn corridors_and_codes_are_answered_from_the_rulebook() {
    let service = Service::start(api::Options::default());
    asking(async {
        let client = service.client();
        let all = client.corridors(ListCorridorsRequest::default()).await.unwrap();
        assert_eq!((all.rulebook_version.as_str(), all.sequence), ("1", service.handle().snapshot().sequence.0));
        let mut paged = Vec::new();
        let mut request = ListCorridorsRequest { page_size: 2, ..Default::default() };
        loop {
            let page = client.corridors(request.clone()).await.unwrap();
            paged.extend(page.corridors);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, all.corridors);
        assert!(all.corridors.is_sorted_by_key(|c| (
            c.payer_network.clone(),
            c.payee_network.clone(),
            c.channel.clone()
        )));

        for (code, payer, network, verdict, rejection) in [
            ("wxp://f2f0abc", "unionpay", "tenpay", Verdict::Accepted, ""),
            ("https://qr.95516.com/00010000/62", "tenpay", "unionpay", Verdict::Rejected, "CORRIDOR_CLOSED"),
            ("https://qr.alipay.com/fkx01234", "unionpay", "alipay", Verdict::Rejected, "PILOT_NOT_ADMITTED"),
            ("乱码", "unionpay", "", Verdict::Rejected, "UNRECOGNISED_CODE"),
        ] {
            let request = ResolveCodeRequest { code: code.into(), payer_network: payer.into(), ..Default::default() };
            let told = client.resolve_code(request).await.unwrap();
            assert_eq!(
                (told.network.as_str(), told.verdict(), told.rejection_code.as_str()),
                (network, verdict, rejection)
            );
            assert_eq!(told.message_zh.is_empty(), verdict == Verdict::Accepted);
        }
        let request = ResolveCodeRequest { code: "x".into(), payer_network: "netsunion".into(), ..Default::default() };
        assert_eq!(client.resolve_code(request).await.unwrap_err().reason().as_deref(), Some("UNKNOWN_NETWORK"));
    });
}

#[test]
fn what_cannot_be_answered_says_why() {
    let mut service = Service::start(api::Options::default());
    let newest = service.events(100);
    asking(async {
        let client = service.client();
        let reason = |error: client::Error| error.reason().unwrap_or_default();
        let get = |account: &str, code: &str| GetBalanceRequest {
            account: account.to_owned(),
            currency_code: code.to_owned(),
            ..Default::default()
        };
        let ahead = Some(ReadAt { at: Some(read_at::At::Sequence(newest.sequence.0 + 1)) });
        for (request, expected) in [
            (get("hold.unionpay", "CNY"), "ACCOUNT_UNKNOWN"),
            (get("liquidity.unionpay", "USD"), "ACCOUNT_UNKNOWN"),
            (get("liquidity.unionpay", "cny"), "FIELD_INVALID"),
            (get("", "CNY"), "FIELD_INVALID"),
            (GetBalanceRequest { read_at: ahead, ..get("liquidity.unionpay", "CNY") }, "SEQUENCE_AHEAD"),
            (
                GetBalanceRequest { read_at: Some(ReadAt { at: None }), ..get("liquidity.unionpay", "CNY") },
                "FIELD_INVALID",
            ),
        ] {
            assert_eq!(reason(client.balance(request).await.unwrap_err()), expected);
        }
        let posted = client.balance(get("write_off.unionpay.tenpay", "CNY")).await.unwrap().balance.unwrap();
        assert_eq!((posted.debits_minor_units.as_str(), posted.net_minor_units.as_str()), ("0", "0"));

        let request = ListBalancesRequest { page_size: -1, ..Default::default() };
        assert_eq!(reason(client.balances(request).await.unwrap_err()), "FIELD_INVALID");
        let request = GetMultilateralNettingRequest { cycle: cycle(9), ..Default::default() };
        assert_eq!(reason(client.multilateral(request).await.unwrap_err()), "CYCLE_UNKNOWN");
        let explain = client.explain(ExplainNettingRequest::default()).await.unwrap_err();
        assert_eq!(reason(explain), "FIELD_INVALID");

        let hasty = client::Options { deadline: std::time::Duration::from_millis(400) };
        let hasty = client::Client::new(&service.endpoint(), hasty).unwrap();
        let request = GetChainHeadRequest { min_sequence: newest.sequence.0 + 1, ..Default::default() };
        assert_eq!(reason(hasty.chain_head(request).await.unwrap_err()), "SEQUENCE_NOT_REACHED");
    });
}
