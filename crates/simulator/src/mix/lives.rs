//! What can happen to a payment, and how often. A life is a list of steps; a step is one network's event, so many
//! rounds after the payment's first. [`SHARES`] is the one table of the natural mix: the table in the module's
//! documentation is compared with it by a test.

use wire::event::v1::{Evidence, Kind, Side};

use super::Refusal;
use Life::*;

pub(crate) const UNIONPAY: usize = 0;
pub(crate) const TENPAY: usize = 1;
pub(crate) const ALIPAY: usize = 2;

/// A course that payments take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Sale,
    Held,
    OneFeedPayer,
    OneFeedPayee,
    Voided,
    Expired,
    UnknownCaptured,
    UnknownVoided,
    Reversed,
    RefundedSoon,
    RefundedInParts,
    RefundedEarly,
    RefundedTooMuch,
    DisputeWon,
    DisputeLost,
    DisputeOpen,
    Late,
    CorridorClosed,
    ChannelClosed,
    NotAdmitted,
    Unrecognised,
}

/// A row of the table.
pub(super) struct Share {
    pub life: Life,
    pub payer: usize,
    pub payee: usize,
    pub channel: &'static str,
    /// Of a thousand payments.
    pub per_mille: u16,
}

const fn share(per_mille: u16, life: Life, payer: usize, payee: usize) -> Share {
    Share { life, payer, payee, channel: "", per_mille }
}

const fn through_taobao(per_mille: u16, life: Life, payee: usize) -> Share {
    Share { life, payer: UNIONPAY, payee, channel: "taobao", per_mille }
}

pub(super) const SHARES: &[Share] = &[
    share(430, Sale, UNIONPAY, TENPAY),
    share(120, Sale, UNIONPAY, ALIPAY),
    through_taobao(20, Sale, ALIPAY),
    share(150, Held, UNIONPAY, TENPAY),
    share(50, Held, UNIONPAY, ALIPAY),
    share(70, OneFeedPayer, UNIONPAY, TENPAY),
    share(20, OneFeedPayer, UNIONPAY, ALIPAY),
    share(30, OneFeedPayee, UNIONPAY, TENPAY),
    share(12, Voided, UNIONPAY, TENPAY),
    share(6, Expired, UNIONPAY, TENPAY),
    share(8, UnknownCaptured, UNIONPAY, TENPAY),
    share(4, UnknownVoided, UNIONPAY, TENPAY),
    share(8, Reversed, UNIONPAY, TENPAY),
    share(2, Reversed, UNIONPAY, ALIPAY),
    share(4, RefundedSoon, UNIONPAY, TENPAY),
    share(2, RefundedSoon, UNIONPAY, ALIPAY),
    share(3, RefundedInParts, UNIONPAY, TENPAY),
    share(1, RefundedInParts, UNIONPAY, ALIPAY),
    share(2, RefundedEarly, UNIONPAY, TENPAY),
    share(1, RefundedTooMuch, UNIONPAY, TENPAY),
    share(3, DisputeWon, UNIONPAY, TENPAY),
    share(3, DisputeLost, UNIONPAY, TENPAY),
    share(2, DisputeOpen, UNIONPAY, TENPAY),
    share(8, Late, UNIONPAY, TENPAY),
    share(2, Late, UNIONPAY, ALIPAY),
    share(14, CorridorClosed, TENPAY, UNIONPAY),
    share(7, CorridorClosed, ALIPAY, UNIONPAY),
    through_taobao(2, ChannelClosed, TENPAY),
    share(8, NotAdmitted, UNIONPAY, ALIPAY),
    through_taobao(2, NotAdmitted, ALIPAY),
    share(6, Unrecognised, TENPAY, UNIONPAY),
];

/// Rounds after which the second leg follows the first, each as often as the others. With about 2,200 events a round
/// that is from no event to some 200,000 events later.
const SECOND_LEG_LAGS: [u32; 16] = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 6, 10, 20, 40, 90];
/// Rounds after which what was held is captured, or the hold ends.
const CAPTURE_LAGS: [u32; 8] = [1, 1, 1, 2, 3, 5, 10, 20];
/// Rounds after which a completed payment is reversed, refunded soon, or disputed.
const AFTERWARDS_LAGS: [u32; 6] = [1, 2, 4, 8, 16, 32];
/// Rounds from one step of an inquiry to the next.
const INQUIRY_LAG: u32 = 12;

/// Who reports, and for which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Payer,
    Payee,
    /// The payer's network for both sides.
    PayerForBoth,
    /// The payee's network for both sides.
    PayeeForBoth,
}

impl Speaker {
    pub(super) const fn is_payer_network(self) -> bool {
        matches!(self, Self::Payer | Self::PayerForBoth)
    }

    pub(super) const fn side(self) -> Side {
        match self {
            Self::Payer => Side::Payer,
            Self::Payee => Side::Payee,
            Self::PayerForBoth | Self::PayeeForBoth => Side::Both,
        }
    }
}

/// Of which amount a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Held,
    Captured,
    FirstPart,
    SecondPart,
    TooMuch,
    /// A refund long after: all of it, or so many tenths.
    Tenths(u64),
}

/// One event in the life of a payment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub kind: Kind,
    pub speaker: Speaker,
    pub amount: Amount,
    /// Rounds from the payment's first event to this one.
    pub lag: u32,
    /// Rounds from the payment's first event to the first leg of the same movement: when it happened.
    pub born: u32,
    /// Which refund or dispute of the payment; 0 for none.
    pub movement: u8,
    /// The step that this one refers to.
    pub cause: Option<u8>,
    pub evidence: Evidence,
    pub refusal: Option<Refusal>,
}

impl Step {
    const fn new(kind: Kind, speaker: Speaker, lag: u32) -> Self {
        let evidence = Evidence::Unspecified;
        let amount = Amount::Captured;
        Self { kind, speaker, amount, lag, born: lag, movement: 0, cause: None, evidence, refusal: None }
    }

    const fn held(self) -> Self {
        Self { amount: Amount::Held, ..self }
    }

    const fn proven_by(self, evidence: Evidence) -> Self {
        Self { evidence, ..self }
    }

    const fn because_of(self, cause: u8) -> Self {
        Self { cause: Some(cause), ..self }
    }

    const fn refused(self, refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..self }
    }
}

/// The step of `steps` in which `speaker` reported the capture.
pub(super) fn capture_of(steps: &[Step], speaker: Speaker) -> Option<u8> {
    let at = steps.iter().position(|step| step.kind == Kind::Captured && step.speaker == speaker)?;
    u8::try_from(at).ok()
}

/// The round, counted from the payment's first, after which both sides have reported the capture.
pub(super) fn completed(steps: &[Step]) -> u32 {
    steps.iter().filter(|step| step.kind == Kind::Captured).map(|step| step.lag).max().unwrap_or(0)
}

/// The steps of the payment that is number `nth` of the `of` payments of this life in a round.
pub(super) fn steps(life: Life, nth: usize, of: usize) -> Vec<Step> {
    let second = SECOND_LEG_LAGS[nth * SECOND_LEG_LAGS.len() / of];
    let ended = CAPTURE_LAGS[nth % CAPTURE_LAGS.len()];
    let mut course = Course { steps: Vec::new(), payer_first: !nth.is_multiple_of(3), second };
    let afterwards = AFTERWARDS_LAGS[nth % AFTERWARDS_LAGS.len()];
    match life {
        Sale | Late => course.legs(Kind::Captured, 0),
        Held => course.hold_and_capture(ended),
        OneFeedPayer => course.add(Step::new(Kind::Captured, Speaker::PayerForBoth, 0)),
        OneFeedPayee => course.add(Step::new(Kind::Captured, Speaker::PayeeForBoth, 0)),
        Voided => course.hold_that_ends(Kind::Voided, ended, Evidence::Unspecified),
        Expired => course.hold_that_ends(Kind::Expired, ended + INQUIRY_LAG, Evidence::QueryAnswer),
        UnknownCaptured => course.unknown_then_captured(ended),
        UnknownVoided => course.unknown_then_voided(ended),
        Reversed => course.capture_then(Kind::Reversed, 0, afterwards),
        RefundedSoon => course.capture_then(Kind::Refunded, 1, afterwards),
        RefundedInParts => course.refunded_in_parts(afterwards),
        RefundedEarly => course.refunded_early(ended),
        RefundedTooMuch => course.refunded_too_much(afterwards),
        DisputeWon => course.disputed(afterwards, Some(Kind::DisputeWon)),
        DisputeLost => course.disputed(afterwards, Some(Kind::DisputeLost)),
        DisputeOpen => course.disputed(afterwards, None),
        CorridorClosed => course.refused(Refusal::CorridorClosed, false),
        ChannelClosed => course.refused(Refusal::ChannelClosed, false),
        NotAdmitted => course.refused(Refusal::PilotNotAdmitted, nth.is_multiple_of(4)),
        Unrecognised => course.refused(Refusal::UnrecognisedCode, false),
    }
    course.steps
}

/// A life that is being written down.
struct Course {
    steps: Vec<Step>,
    payer_first: bool,
    /// Rounds from a first leg to its second.
    second: u32,
}

impl Course {
    fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Two legs of one movement, the first `lag` rounds after the payment's first event.
    fn legs(&mut self, kind: Kind, lag: u32) {
        let (first, second) =
            if self.payer_first { (Speaker::Payer, Speaker::Payee) } else { (Speaker::Payee, Speaker::Payer) };
        self.add(Step::new(kind, first, lag));
        self.add(Step { lag: lag + self.second, ..Step::new(kind, second, lag) });
    }

    fn hold(&mut self) {
        self.add(Step::new(Kind::Authorised, Speaker::Payer, 0).held());
    }

    fn hold_and_capture(&mut self, lag: u32) {
        self.hold();
        self.legs(Kind::Captured, lag);
    }

    fn hold_that_ends(&mut self, kind: Kind, lag: u32, evidence: Evidence) {
        self.hold();
        self.add(Step::new(kind, Speaker::Payer, lag).held().because_of(0).proven_by(evidence));
    }

    fn unknown_then_captured(&mut self, lag: u32) {
        self.hold();
        self.add(Step::new(Kind::UnknownOutcome, Speaker::Payer, lag).held().because_of(0));
        self.legs(Kind::Captured, lag + INQUIRY_LAG);
        for step in &mut self.steps {
            if (step.kind, step.speaker) == (Kind::Captured, Speaker::Payer) {
                step.evidence = Evidence::QueryAnswer;
            }
        }
    }

    fn unknown_then_voided(&mut self, lag: u32) {
        self.hold();
        self.add(Step::new(Kind::UnknownOutcome, Speaker::Payer, lag).held().because_of(0));
        let voided = Step::new(Kind::Voided, Speaker::Payer, lag + INQUIRY_LAG).held();
        self.add(voided.because_of(0).proven_by(Evidence::BillRow));
    }

    /// Two legs that refer to the captures of a payment that is complete.
    fn capture_then(&mut self, kind: Kind, movement: u8, afterwards: u32) {
        self.legs(Kind::Captured, 0);
        self.answer_captures(kind, movement, afterwards, Amount::Captured);
    }

    fn answer_captures(&mut self, kind: Kind, movement: u8, afterwards: u32, amount: Amount) {
        let begun = self.steps.len();
        self.legs(kind, completed(&self.steps) + afterwards);
        for at in begun..self.steps.len() {
            let cause = capture_of(&self.steps, self.steps[at].speaker);
            self.steps[at] = Step { movement, cause, amount, ..self.steps[at] };
        }
    }

    fn refunded_in_parts(&mut self, afterwards: u32) {
        self.capture_then(Kind::Refunded, 1, afterwards);
        self.steps[2].amount = Amount::FirstPart;
        self.steps[3].amount = Amount::FirstPart;
        self.answer_captures(Kind::Refunded, 2, afterwards + INQUIRY_LAG, Amount::SecondPart);
    }

    /// The payee's network has captured and refunded before the payer's feed says anything: the refund has to wait.
    fn refunded_early(&mut self, lag: u32) {
        for (speaker, since) in [(Speaker::Payee, 0), (Speaker::Payer, 2 * lag)] {
            self.add(Step { born: 0, ..Step::new(Kind::Captured, speaker, since) });
            let cause = capture_of(&self.steps, speaker);
            let refunded = Step::new(Kind::Refunded, speaker, since + lag);
            self.add(Step { movement: 1, cause, born: lag, ..refunded });
        }
    }

    fn refunded_too_much(&mut self, afterwards: u32) {
        self.legs(Kind::Captured, 0);
        let lag = completed(&self.steps) + afterwards;
        let refunded = Step::new(Kind::Refunded, Speaker::Payee, lag).refused(Refusal::RefundExceeds);
        let cause = capture_of(&self.steps, Speaker::Payee);
        self.add(Step { movement: 1, cause, amount: Amount::TooMuch, ..refunded });
    }

    fn disputed(&mut self, afterwards: u32, decision: Option<Kind>) {
        self.legs(Kind::Captured, 0);
        let lag = completed(&self.steps) + afterwards;
        let cause = capture_of(&self.steps, Speaker::Payer);
        self.add(Step { movement: 1, cause, ..Step::new(Kind::Disputed, Speaker::Payer, lag) });
        if let Some(kind) = decision {
            self.add(Step { movement: 1, ..Step::new(kind, Speaker::Payer, lag + INQUIRY_LAG).because_of(2) });
        }
    }

    /// Refused at its first leg; a network that goes on all the same sends a second, which is refused with it.
    fn refused(&mut self, refusal: Refusal, goes_on: bool) {
        self.add(Step::new(Kind::Captured, Speaker::Payer, 0).refused(refusal));
        if goes_on {
            let second = Step::new(Kind::Captured, Speaker::Payee, 1 + self.second);
            self.add(Step { born: 0, ..second.refused(refusal) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_round_are_a_thousand_payments() {
        assert_eq!(SHARES.iter().map(|share| share.per_mille).sum::<u16>(), 1_000);
    }

    #[test]
    fn the_documented_table_is_the_table() {
        let documented = include_str!("mod.rs").lines().filter(|line| line.starts_with("//! | ")).skip(1);
        let documented: Vec<String> = documented.map(str::to_owned).collect();
        let name = |network: usize| super::super::NETWORKS[network];
        let actual: Vec<String> = SHARES
            .iter()
            .map(|share| {
                let channel = if share.channel.is_empty() { String::new() } else { format!(", {}", share.channel) };
                let corridor = format!("{} -> {}{channel}", name(share.payer), name(share.payee));
                format!("//! | {:?} | {corridor} | {} |", share.life, share.per_mille)
            })
            .collect();
        assert_eq!(documented[..actual.len()], actual);
    }

    #[test]
    fn a_step_comes_in_a_later_round_than_what_the_same_network_said_before() {
        for share in SHARES {
            let of = usize::from(share.per_mille);
            for nth in 0..of {
                let steps = steps(share.life, nth, of);
                assert_eq!(steps[0].lag, 0, "{:?}", share.life);
                for (at, step) in steps.iter().enumerate() {
                    let network = step.speaker.is_payer_network();
                    let before = steps[..at].iter().filter(|s| s.speaker.is_payer_network() == network);
                    assert!(before.clone().all(|s| s.lag < step.lag), "{:?} {nth}: {steps:?}", share.life);
                    assert!(step.born <= step.lag);
                    let cause = step.cause.map(|cause| steps[usize::from(cause)]);
                    assert!(cause.is_none_or(|cause| cause.speaker == step.speaker && cause.lag < step.lag));
                }
            }
        }
    }
}
