//! The settlement bank of `simulator::bank`.

use std::collections::BTreeSet;

use simulator::bank::{Answer, Bank};
use wire::bank::v1::{ConfirmationStatus, SettlementInstruction};
use wire::common::v1::{Amount, CycleRef};

fn instruction(cycle: u64, attempt: u64) -> SettlementInstruction {
    SettlementInstruction {
        instruction_id: format!("CNY-{cycle}-UNIONPAY-{attempt}"),
        epoch: 3,
        cycle: Some(CycleRef { currency_code: "CNY".to_owned(), number: cycle }),
        debtor: "unionpay".to_owned(),
        creditor: "tenpay".to_owned(),
        amount: Some(Amount { currency_code: "CNY".to_owned(), minor_units: 59_810 }),
        settlement_date: 20_251_112,
        settlement_digest: vec![7; 32],
        issued_at_micros: 1_762_900_000_000_000,
    }
}

fn words(answers: &[Answer]) -> String {
    let word = |answer: &Answer| match answer.confirmation.status() {
        ConfirmationStatus::Confirmed => "confirmed",
        ConfirmationStatus::Rejected => "rejected",
        ConfirmationStatus::Pending => "pending",
        ConfirmationStatus::Unspecified => "unspecified",
    };
    answers.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_seed_says_what_a_bank_does_with_every_transfer() {
    let seen = |seed| {
        let mut bank = Bank::new(seed);
        (1..=40).map(|cycle| words(&bank.answer(&instruction(cycle, 1)))).collect::<Vec<_>>()
    };
    assert_eq!(seen(1), seen(1));
    assert_ne!(seen(1), seen(2));
    let manners: BTreeSet<String> = seen(1).into_iter().collect();
    let all = ["", "confirmed", "confirmed confirmed", "pending confirmed", "rejected"];
    assert_eq!(manners, all.map(str::to_owned).into());
}

#[test]
fn whoever_asks_again_hears_the_same_and_silence_ends_with_it() {
    let mut bank = Bank::new(1);
    for cycle in 1..=40 {
        let first = bank.answer(&instruction(cycle, 1));
        let again = bank.answer(&instruction(cycle, 1));
        assert_eq!(again, bank.answer(&instruction(cycle, 1)));
        if first.is_empty() {
            assert_eq!(words(&again), "confirmed");
        } else {
            assert_eq!(first, again);
        }
    }
}

#[test]
fn a_transfer_that_was_refused_is_confirmed_under_its_next_id() {
    let mut bank = Bank::new(1);
    let mut refused = 0;
    for cycle in 1..=40 {
        let first = bank.answer(&instruction(cycle, 1));
        if words(&first) == "rejected" {
            refused += 1;
            assert!(first[0].confirmation.reason.starts_with("AM04 "));
            assert_eq!(words(&bank.answer(&instruction(cycle, 2))), "confirmed");
            assert_eq!(bank.answer(&instruction(cycle, 1)), first);
        }
    }
    assert!(refused > 0);
}

#[test]
fn every_confirmation_names_what_it_answers_and_is_dated_when_it_was_decided() {
    let mut bank = Bank::new(3);
    let mut references = BTreeSet::new();
    for cycle in 1..=40 {
        let asked = instruction(cycle, 1);
        let mut after = 0;
        for Answer { after_micros, confirmation } in bank.answer(&asked) {
            assert!(after_micros > after);
            after = after_micros;
            assert_eq!((&confirmation.instruction_id, confirmation.epoch), (&asked.instruction_id, asked.epoch));
            assert_eq!(confirmation.cycle, asked.cycle);
            assert!(confirmation.decided_at_micros > asked.issued_at_micros);
            if confirmation.status() == ConfirmationStatus::Confirmed {
                references.insert((cycle, confirmation.bank_reference.clone()));
                assert!((20..=64).contains(&confirmation.bank_reference.len()));
            }
        }
    }
    let distinct: BTreeSet<&String> = references.iter().map(|(_, reference)| reference).collect();
    assert_eq!(distinct.len(), references.len());
}

#[test]
fn a_lower_epoch_is_refused_and_changes_nothing() {
    let mut bank = Bank::new(1);
    let before = SettlementInstruction { epoch: 2, ..instruction(5, 1) };
    let mut undisturbed = bank.clone();
    for bank in [&mut bank, &mut undisturbed] {
        bank.answer(&instruction(4, 1));
    }
    let refused = bank.answer(&before);
    assert_eq!((words(&refused).as_str(), refused[0].confirmation.epoch), ("rejected", 2));
    assert_eq!(bank.answer(&instruction(5, 1)), undisturbed.answer(&instruction(5, 1)));
}

#[test]
fn an_instruction_without_an_amount_is_refused() {
    let mut bank = Bank::new(1);
    let nothing = SettlementInstruction { amount: None, ..instruction(1, 1) };
    assert_eq!(words(&bank.answer(&nothing)), "rejected");
    assert_eq!(words(&bank.answer(&SettlementInstruction::default())), "rejected");
}
