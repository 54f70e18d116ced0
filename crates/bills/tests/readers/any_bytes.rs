//! Whatever the bytes, there is an answer: rows, located faults or a refusal, and never a panic.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixtures::{archive, gbk, read};
use crate::{alipay, tenpay, unionpay};

fn files() -> Vec<Vec<u8>> {
    let values = ["2", "32.50", "10.00", "0.00", "0.14000", "33.00", "10.00"];
    let tenpay = tenpay::bill(&[("SUCCESS", &[]), ("REFUND", &[])], values).into_bytes();
    let both = archive(&[("ZM", &unionpay::day()), ("RD", &unionpay::page())]);
    let xml = b"<xml><return_msg><![CDATA[No Bill Exist]]></return_msg></xml>".to_vec();
    vec![tenpay, alipay::day(), unionpay::day(), unionpay::page(), both, archive(&[("a", &alipay::day())]), xml]
}

/// Bytes and texts that the formats give a meaning to.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let tokens = [
        "`",
        ",`",
        ",",
        "\n",
        "\r\n",
        "#",
        "\t",
        "0",
        "-",
        ".",
        "1.00",
        "%",
        "总交易单数",
        "#交易合计：",
        "共",
        "笔",
        "元",
        "，",
        "总计",
        "PK\u{3}\u{4}",
        "<xml>",
        "</",
        "2026-11-22 08:30:00",
        "92233720368547758.08",
        "-92233720368547758.08",
        "C",
        " ",
    ];
    let utf8 = tokens.map(|token| token.as_bytes().to_vec());
    let in_gbk = tokens.map(gbk);
    let single = vec(any::<u8>(), 1..4);
    prop_oneof![prop::sample::select(utf8.to_vec()), prop::sample::select(in_gbk.to_vec()), single]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_get_an_answer(bytes in vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes);
    }

    #[test]
    fn arbitrary_fragments_get_an_answer(parts in vec(fragments(), 0..60)) {
        let _ = read(&parts.concat());
    }

    #[test]
    fn mutated_bills_get_an_answer(
        file in prop::sample::select(files()),
        edits in vec((any::<prop::sample::Index>(), 0_usize..8, fragments()), 1..12),
    ) {
        let mut bytes = file;
        for (place, removed, inserted) in edits {
            let from = place.index(bytes.len() + 1);
            let to = (from + removed).min(bytes.len());
            bytes.splice(from..to, inserted);
        }
        if let Ok(reading) = read(&bytes) {
            prop_assert!(reading.rows.iter().all(|row| row.amount.minor() >= 0 && !row.reference.is_empty()));
        }
    }

    #[test]
    fn cut_bills_get_an_answer(file in prop::sample::select(files()), end in any::<prop::sample::Index>()) {
        let _ = read(&file[..end.index(file.len() + 1)]);
    }
}
