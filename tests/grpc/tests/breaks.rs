//! Bill files, matches and breaks as they stand, and a break that is closed.

use domain::ids::Sequence;
use grpc::{Service, asking};
use wire::common::v1::BreakCode;
use wire::control::v1::BreakResolution;
use wire::reconciliation::v1::{
    BillFileState, BreakBooking, BreakState, ListBreaksRequest, ListFilesRequest, ListMatchesRequest,
    ResolveBreakRequest,
};

/// Thirty-two zeros, in base64.
fn digest() -> String {
    format!("{}=", "A".repeat(43))
}

fn bill_file() -> String {
    format!(
        r#""recordBillFile":{{"network":"tenpay","businessDate":20261120,"digest":"{}","fileName":"day.csv",
        "layout":"wechat_all","totals":{{"currencyCode":"CNY","rowCount":2,"paymentCount":2,"paymentsMinor":"300"}},
        "controlTotals":"CONTROL_TOTALS_MATCHED"}}"#,
        digest()
    )
}

fn finding(last: u8) -> String {
    format!(
        r#"{{"breakId":"{}","code":"BREAK_CODE_LEDGER_MISSING","network":"tenpay","businessDate":20261120,
        "billRow":{{"fileDigest":"{}","rowNumber":{last}}},"networkReference":"R{last}","currencyCode":"CNY",
        "fileMinor":"100","note":"not in the ledger"}}"#,
        format_args!("{}{}A==", "A".repeat(20), char::from(b'A' + last)),
        digest()
    )
}

#[test]
fn files_matches_and_breaks_are_listed_and_a_break_is_closed() {
    let mut service = Service::start(api::Options::default());
    service.events(50);
    let recorded = service.command(&bill_file()).sequence;
    let raised = service.command(&format!(r#""recordBreaks":{{"findings":[{},{}]}}"#, finding(1), finding(2))).sequence;
    let leg = 10;
    let matched = format!(
        r#""recordMatches":{{"fileDigest":"{}","matches":[{{"rowNumber":3,"legSequence":"{leg}",
        "matchedBy":"MATCH_KEY_NETWORK_REFERENCE"}}]}}"#,
        digest()
    );
    let matched = service.command(&matched).sequence;
    asking(async {
        let client = service.client();
        let files =
            client.files(ListFilesRequest { network: "tenpay".to_owned(), ..Default::default() }).await.unwrap();
        let file = &files.files[0];
        assert_eq!((files.files.len(), file.state(), file.version), (1, BillFileState::Read, 1));
        assert_eq!((file.matched_count, file.open_break_count, file.recorded_sequence), (1, 2, recorded.0));
        let digest = file.file.as_ref().unwrap().digest.clone();
        let none = client.files(ListFilesRequest { business_date: 20_261_121, ..Default::default() }).await.unwrap();
        assert!(none.files.is_empty());

        let request = ListMatchesRequest { file_digest: digest, ..Default::default() };
        let row = client.matches(request).await.unwrap().matches.remove(0);
        assert_eq!((row.r#match.unwrap().row_number, row.recorded_sequence), (3, matched.0));
        let entry = service.handle().entries(Sequence(leg), 1).unwrap().remove(0);
        assert_eq!(row.payment_id, wire::event::decode(&entry.raw).unwrap().payment_id);
        let unknown = ListMatchesRequest { file_digest: vec![9; 32], ..Default::default() };
        assert_eq!(client.matches(unknown).await.unwrap_err().reason().as_deref(), Some("FILE_UNKNOWN"));

        let mut request = ListBreaksRequest { page_size: 1, ..Default::default() };
        let first = client.breaks(request.clone()).await.unwrap();
        request.page_token = first.next_page_token.clone();
        let listed: Vec<_> = first.breaks.into_iter().chain(client.breaks(request).await.unwrap().breaks).collect();
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|each| each.state() == BreakState::Open && each.raised_sequence == raised.0));
        let of_other_code = ListBreaksRequest { codes: vec![BreakCode::FeeDiff.into()], ..Default::default() };
        assert!(client.breaks(of_other_code).await.unwrap().breaks.is_empty());

        assert!(listed.iter().all(|each| (each.booking(), each.booked_minor) == (BreakBooking::Unspecified, 0)));
        let hold = format!(
            r#""holdLong":{{"breakId":"{}","payerNetwork":"unionpay","payeeNetwork":"tenpay",
            "amount":{{"currencyCode":"CNY","minorUnits":"100"}},"billRow":{{"fileDigest":"{}","rowNumber":2}}}}"#,
            format_args!("{}CA==", "A".repeat(20)),
            self::digest()
        );
        service.command(&hold);
        let held = client.breaks(ListBreaksRequest::default()).await.unwrap().breaks.remove(1);
        assert_eq!((held.booking(), held.booked_minor), (BreakBooking::Held, 100));

        let resolve = |break_id: Vec<u8>, key: &str| ResolveBreakRequest {
            break_id,
            resolution: BreakResolution::Accepted.into(),
            note: "looked at".to_owned(),
            idempotency_key: key.to_owned(),
            validate_only: false,
        };
        let id = listed[0].finding.as_ref().unwrap().break_id.clone();
        let closed = client.resolve_break(resolve(id.clone(), "one")).await.unwrap();
        let told = closed.resolved_break.clone().unwrap();
        assert_eq!(
            (told.state(), told.resolution(), told.resolved_by.as_str()),
            (BreakState::Resolved, BreakResolution::Accepted, api::PRINCIPAL)
        );
        assert_eq!((told.resolved_sequence, told.resolution_note.as_str()), (closed.sequence, "looked at"));
        assert_eq!(client.resolve_break(resolve(id.clone(), "one")).await.unwrap(), closed);
        for (request, expected) in [
            (resolve(id, "two"), "BREAK_NOT_OPEN"),
            (resolve(vec![7; 16], "three"), "BREAK_UNKNOWN"),
            (resolve(vec![7], "four"), "FIELD_INVALID"),
        ] {
            assert_eq!(client.resolve_break(request).await.unwrap_err().reason().as_deref(), Some(expected));
        }
        let open = ListBreaksRequest { state: BreakState::Open.into(), ..Default::default() };
        assert_eq!(client.breaks(open).await.unwrap().breaks.len(), 1);
    });
}
