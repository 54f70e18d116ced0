//! The plan says what has to be refused. Here the rules say what is: they must agree, or one of them is wrong.

use std::collections::BTreeMap;

use domain::command::Command;
use domain::money::{Amount, CNY};
use domain::payment::Answer;
use domain::report::Report;
use domain::time::Timestamp;
use simulator::mix::{Mix, Sending, Stream, prefunds};
use testkit::model::Model;

use crate::{each, event_of};

fn prefunded() -> Model {
    let mut model = Model::new(rulebook::parse(rulebook::DEFAULT).expect("the default is valid"));
    for (network, minor) in prefunds() {
        let network = model.rules().network(network).expect("a network of the default rulebook");
        let amount = Amount::new(minor, CNY).expect("an amount");
        model.command(&Command::ConfirmPrefund { network, amount }).expect("prefunds are confirmed");
    }
    model
}

#[test]
fn the_rules_refuse_what_is_meant_to_be_refused_and_nothing_else() {
    let mut model = prefunded();
    let mut answers: BTreeMap<String, u64> = BTreeMap::new();
    each(Stream::new(Mix::Natural, 500_000, 31), |sent| {
        let event = event_of(sent);
        let arrived_at = Timestamp::from_micros(sent.record.timestamp);
        let report = Report::new(&event.submission(), arrived_at, model.rules()).expect("nothing is quarantined");
        let answer = model.report(&report);
        let refused = if let Answer::Rejected(rejection) = answer { Some(rejection.code().name()) } else { None };
        assert_eq!(refused, sent.refusal.map(|refusal| refusal.code()), "{event:?}");
        if sent.sending == Sending::First {
            *answers.entry(answer.name().to_owned()).or_default() += 1;
        }
    });
    println!("{answers:#?}");
    assert!(answers["WAITING_FOR_ORIGINAL"] > 300, "{answers:?}");
    assert!(model.unparked.iter().all(|(_, answer)| answer.is_ok()));
    model.check_invariants();
}

#[test]
fn the_transfer_mix_is_accepted_whole() {
    let mut model = prefunded();
    each(Stream::new(Mix::TRANSFER, 20_000, 32), |sent| {
        let event = event_of(sent);
        let arrived_at = Timestamp::from_micros(sent.record.timestamp);
        let report = Report::new(&event.submission(), arrived_at, model.rules()).expect("nothing is quarantined");
        assert_eq!(model.report(&report), Answer::Accepted);
    });
    model.check_invariants();
}
