//! Enums that the domain and the contracts both have. The match over the domain's values has no wildcard, nor has the one
//! over the wire's: a value added on either side does not compile until its partner, or that it has none, is written here.

use domain::break_code::BreakCode;
use domain::codes::CodeKind;
use domain::cycle::CycleState;
use domain::ids::Network;
use domain::payment::{Side, Status};
use domain::report::{Kind, Scan};
use domain::rulebook::Access;

use crate::{audit, common, corridors, event, settlement};

/// `pairs!(Ours, Theirs; A = B, ...; none C, ...)`: our `A` is their `B` and the other way round, their `C` is nothing of
/// ours.
macro_rules! pairs {
    ($ours:ty, $theirs:ty; $($our:ident = $their:ident),+; none $($none:ident),+) => {
        impl From<$ours> for $theirs {
            fn from(ours: $ours) -> Self {
                type Ours = $ours;
                match ours {
                    $(Ours::$our => Self::$their,)+
                }
            }
        }

        impl $theirs {
            /// The domain's value; `None` when the domain has none for it.
            #[must_use]
            pub const fn domain(self) -> Option<$ours> {
                type Ours = $ours;
                match self {
                    $(Self::$their => Some(Ours::$our),)+
                    $(Self::$none => None,)+
                }
            }

            #[cfg(test)]
            const OURS: &[$ours] = {
                type Ours = $ours;
                &[$(Ours::$our),+]
            };

            #[cfg(test)]
            const NONE: &[Self] = &[$(Self::$none),+];
        }
    };
}

pairs!(Side, event::v1::Side; Payer = Payer, Payee = Payee, Both = Both; none Unspecified);

pairs!(Kind, event::v1::Kind;
    Authorised = Authorised, Captured = Captured, Voided = Voided, Expired = Expired, UnknownOutcome = UnknownOutcome,
    Refunded = Refunded, Reversed = Reversed, Disputed = Disputed, DisputeWon = DisputeWon, DisputeLost = DisputeLost;
    none Unspecified);

// UNSPECIFIED is not the same as NO_SCAN: whether silence will do depends on the kind of the event.
pairs!(Scan, event::v1::ScanMode;
    None = NoScan, PayerScans = PayerScans, MerchantScans = MerchantScans; none Unspecified);

pairs!(CodeKind, event::v1::CodeKind;
    TenpayPersonal = TenpayPersonal, TenpayMerchant = TenpayMerchant, TenpayPayment = TenpayPayer,
    AlipayReceive = AlipayReceive, AlipayPayment = AlipayPayer, UnionpayReceive = UnionpayQr,
    UnionpayEmv = UnionpayEmv, UnionpayPayment = UnionpayPayer;
    none Unspecified, Unrecognised);

pairs!(BreakCode, common::v1::BreakCode;
    Timing = Timing, LegMissing = LegMissing, LedgerMissing = LedgerMissing, NetworkMissing = NetworkMissing,
    AmountOver = AmountOver, AmountShort = AmountShort, StatusLedgerFail = StatusLedgerFail,
    StatusLedgerOk = StatusLedgerOk, FeeDiff = FeeDiff, Duplicate = Duplicate, RefundOrphan = RefundOrphan,
    RefundExceeds = RefundExceeds, ReversalOrphan = ReversalOrphan, RowInvalid = RowInvalid,
    ControlTotal = ControlTotal, FileMissing = FileMissing, FileReplaced = FileReplaced, StatementDiff = StatementDiff;
    none Unspecified);

// An authorisation that ran out ends its hold like one that was given back: the domain calls both VOIDED.
pairs!(Status, audit::v1::PaymentState;
    Received = Received, Rejected = Rejected, Authorised = Authorised, Unknown = Unknown, Voided = Voided,
    InTransit = InTransit, Captured = Captured, PartiallyRefunded = PartiallyRefunded, Refunded = Refunded,
    Reversed = Reversed, Disputed = Disputed, DisputeWon = DisputeWon, DisputeLost = DisputeLost;
    none Unspecified, Expired);

impl From<&CycleState> for settlement::v1::CycleState {
    fn from(state: &CycleState) -> Self {
        match state {
            CycleState::Open => Self::Open,
            CycleState::Closed => Self::Closed,
            CycleState::Proposed => Self::Proposed,
            CycleState::Approved => Self::Approved,
            CycleState::Settling => Self::Settling,
            CycleState::Pending { .. } => Self::Pending,
            CycleState::Settled => Self::Settled,
        }
    }
}

/// The domain's state; `debtors` are those of a pending cycle, which the wire's word does not carry. `None` for
/// `UNSPECIFIED`, and for `CLOSING`, which one shard passes within one event.
#[must_use]
pub fn cycle_state(word: settlement::v1::CycleState, debtors: Vec<Network>) -> Option<CycleState> {
    use settlement::v1::CycleState as Word;
    Some(match word {
        Word::Unspecified | Word::Closing => return None,
        Word::Open => CycleState::Open,
        Word::Closed => CycleState::Closed,
        Word::Proposed => CycleState::Proposed,
        Word::Approved => CycleState::Approved,
        Word::Settling => CycleState::Settling,
        Word::Pending => CycleState::Pending { debtors },
        Word::Settled => CycleState::Settled,
    })
}

impl From<&Access> for corridors::v1::CorridorState {
    fn from(access: &Access) -> Self {
        match access {
            Access::Open => Self::Open,
            Access::Pilot { .. } => Self::Pilot,
            Access::Closed => Self::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks all of the domain's values, which are those of the match without a wildcard, and all numbers of the wire's
    /// enum. Their words must agree but for the pairs that are listed.
    macro_rules! check {
        ($name:ident, $theirs:ty, same words except $except:expr) => {
            #[test]
            fn $name() {
                let except: &[(&str, &str)] = $except;
                for &ours in <$theirs>::OURS {
                    let theirs = <$theirs>::from(ours);
                    assert_eq!(theirs.domain(), Some(ours));
                    let (our_word, their_word) = (format!("{ours:?}"), format!("{theirs:?}"));
                    let listed = except.contains(&(our_word.as_str(), their_word.as_str()));
                    assert!(our_word == their_word || listed, "{our_word} became {their_word}");
                }
                let theirs: Vec<$theirs> = (-1..1_000).filter_map(|number| <$theirs>::try_from(number).ok()).collect();
                assert_eq!(theirs.len(), <$theirs>::OURS.len() + <$theirs>::NONE.len());
                for each in theirs {
                    assert_eq!(each.domain().is_none(), <$theirs>::NONE.contains(&each), "{each:?}");
                }
            }
        };
    }

    check!(sides_map_and_come_back, event::v1::Side, same words except &[]);
    check!(kinds_map_and_come_back, event::v1::Kind, same words except &[]);
    check!(scan_modes_map_and_come_back, event::v1::ScanMode, same words except &[("None", "NoScan")]);
    check!(code_kinds_map_and_come_back, event::v1::CodeKind, same words except &[
        ("TenpayPayment", "TenpayPayer"),
        ("AlipayPayment", "AlipayPayer"),
        ("UnionpayPayment", "UnionpayPayer"),
        ("UnionpayReceive", "UnionpayQr"),
    ]);
    check!(break_codes_map_and_come_back, common::v1::BreakCode, same words except &[]);
    check!(payment_states_map_and_come_back, audit::v1::PaymentState, same words except &[]);

    #[test]
    fn break_codes_have_one_name_everywhere() {
        for &code in BreakCode::ALL {
            let theirs = common::v1::BreakCode::from(code);
            assert_eq!(theirs.as_str_name().strip_prefix("BREAK_CODE_"), Some(code.name()));
        }
        assert_eq!(BreakCode::ALL.len(), common::v1::BreakCode::OURS.len());
        assert_eq!(CodeKind::ALL.len(), event::v1::CodeKind::OURS.len());
    }

    #[test]
    fn payment_states_have_one_name_everywhere() {
        for &status in audit::v1::PaymentState::OURS {
            let theirs = audit::v1::PaymentState::from(status);
            assert_eq!(theirs.as_str_name().strip_prefix("PAYMENT_STATE_"), Some(status.word()));
        }
    }

    #[test]
    fn cycle_states_map_and_come_back() {
        use settlement::v1::CycleState as Word;
        let debtors: Vec<Network> = Network::from_index(1).into_iter().collect();
        let mut of_domain = 0;
        for word in (-1..1_000).filter_map(|number| Word::try_from(number).ok()) {
            let Some(state) = cycle_state(word, debtors.clone()) else {
                assert!(matches!(word, Word::Unspecified | Word::Closing), "{word:?}");
                continue;
            };
            of_domain += 1;
            assert_eq!(Word::from(&state), word);
            assert_eq!(word.as_str_name().strip_prefix("CYCLE_STATE_"), Some(state.word()));
        }
        assert_eq!(of_domain, 7);
    }

    #[test]
    fn corridor_states_say_the_access() {
        use corridors::v1::CorridorState;
        let pilot = Access::Pilot { cohorts: [].into(), regions: [].into() };
        for (access, state) in [
            (Access::Open, CorridorState::Open),
            (pilot, CorridorState::Pilot),
            (Access::Closed, CorridorState::Closed),
        ] {
            assert_eq!(CorridorState::from(&access), state);
        }
    }
}
