//! Refusals. A refused event is an answer, not a disappearance: it has a sequence number, a stable code and a sentence in
//! English and Chinese.
//!
//! Checks run in one order, so that the same bad event always gets the same answer:
//!
//! 1. the same event id before: same content gets the first answer again, other content [`Rejection::ConflictingDuplicate`];
//! 2. time bounds, then form: quarantine ([`Quarantine`], see [`crate::report`]);
//! 3. the verdict that an earlier refusal of this payment bound;
//! 4. the payment's own terms and life: [`RejectionCode::PaymentMismatch`] to [`RejectionCode::AmountOverflow`];
//! 5. on the first request only: code, corridor or channel, pilot, net debit cap.
//!
//! Refusals that depend on the moment may be retried with a new payment id; the others never succeed.

use crate::ids::Id;
use crate::money::Currency;

/// Whether asking again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will always get the same answer.
    Never,
    /// A new payment (new id) or a repeated command may be accepted later.
    Later,
}

macro_rules! codes {
    ($(#[$doc:meta])* $enum:ident; $($name:ident = $number:literal, $code:literal, $retry:ident, $english:literal, $chinese:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum $enum { $(#[doc = $english] $name = $number,)* }

        impl $enum {
            /// Every code, in the order of its number.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The number kept in records; never reused.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The inverse of `number`.
            #[must_use]
            pub fn from_number(number: u16) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.number() == number)
            }

            /// The stable name: metric label, log field, `ErrorInfo.reason` and runbook page.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Whether asking again can help.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)* }
            }

            /// What happened, for a person, in English.
            #[must_use]
            pub const fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }

            /// What happened, for a person, in Chinese.
            #[must_use]
            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

codes! {
    /// The stable code of a refusal.
    RejectionCode;
    ConflictingDuplicate = 100, "CONFLICTING_DUPLICATE", Never,
        "This event id was already used for different content; nothing was booked.", "该事件编号已用于不同内容，未记账。";
    UnrecognisedCode = 110, "UNRECOGNISED_CODE", Later,
        "The scanned code belongs to no network that we know.", "无法识别该二维码所属的支付网络。";
    CorridorClosed = 111, "CORRIDOR_CLOSED", Later,
        "Payments from this payer network to this payee network are not open.", "付款网络到收款网络的互通尚未开放。";
    ChannelClosed = 112, "CHANNEL_CLOSED", Later,
        "This channel does not accept payments from this payer network.", "该渠道暂不支持此付款网络。";
    PilotNotAdmitted = 113, "PILOT_NOT_ADMITTED", Later,
        "This corridor is a pilot and the payer is not part of it.", "该互通处于试点阶段，付款方不在试点范围内。";
    NetDebitCapExceeded = 114, "NET_DEBIT_CAP_EXCEEDED", Later,
        "The payer network's exposure would pass its net debit cap or its liquidity.", "付款网络的净借记敞口将超过限额或可用流动性。";
    PaymentMismatch = 120, "PAYMENT_MISMATCH", Never,
        "Networks, currency or amount differ from those of the payment this event belongs to.", "支付网络、币种或金额与原支付不一致。";
    LegAlreadyReported = 121, "LEG_ALREADY_REPORTED", Never,
        "This side has already reported this step under another event id.", "该方已用其他事件编号上报过此步骤。";
    EvidenceRequired = 122, "EVIDENCE_REQUIRED", Later,
        "After an unknown outcome the network must bring a query answer or a bill row.", "结果未知后，须提供查询应答或对账单记录作为依据。";
    OriginalReversed = 123, "ORIGINAL_REVERSED", Never,
        "This payment was already reversed; its original is not accepted any more.", "原交易已被冲正，不再受理。";
    RefundExceeds = 124, "REFUND_EXCEEDS", Later,
        "Refunds, reversals and disputes together would exceed what was captured.", "退款、冲正与争议合计将超过已入账金额。";
    DisputeExceeds = 125, "DISPUTE_EXCEEDS", Later,
        "Disputes, refunds and reversals together would exceed what was captured.", "争议、退款与冲正合计将超过已入账金额。";
    ReversalAmount = 126, "REVERSAL_AMOUNT", Never,
        "A reversal must be of exactly the amount this side reported.", "冲正金额必须与该方上报的金额一致。";
    ReversalAfterRefund = 127, "REVERSAL_AFTER_REFUND", Never,
        "A refund of this payment is known; the rest must go back as a refund.", "该支付已有退款，剩余金额须以退款方式退回。";
    ReversalAfterDispute = 128, "REVERSAL_AFTER_DISPUTE", Never,
        "A dispute of this payment is open or was lost by the payee.", "该支付存在未决或收款方败诉的争议。";
    RefundBooked = 129, "REFUND_BOOKED", Never,
        "Both networks have reported this refund; it is booked and cannot be withdrawn.", "双方均已上报该退款，已记账，不可撤回。";
    AmountOverflow = 130, "AMOUNT_OVERFLOW", Never,
        "The sum of the reported amounts leaves the representable range.", "上报金额合计超出可表示范围。";
    CycleNotOpen = 140, "CYCLE_NOT_OPEN", Never,
        "The named settlement cycle is not the open one, or the message is from a network that does not close it.", "指定的清算周期未处于开放状态，或发起方无权日切。";
    CycleState = 141, "CYCLE_STATE", Later,
        "The settlement cycle is not in a state that allows this step.", "清算周期当前状态不允许此操作。";
    InsufficientLiquidity = 142, "INSUFFICIENT_LIQUIDITY", Later,
        "The settlement balance does not cover this net or withdrawal.", "结算账户余额不足以支付该净额或提款。";
    OwnFundsInsufficient = 143, "OWN_FUNDS_INSUFFICIENT", Later,
        "The operator's own funds do not cover this advance, withdrawal or sweep.", "运营方自有资金不足。";
    FeeDifferenceTooLarge = 144, "FEE_DIFFERENCE_TOO_LARGE", Never,
        "Only a difference of one minor unit may be adjusted; a larger one is a dispute.", "仅可调整一个最小货币单位的手续费差异。";
    SuspenseInsufficient = 145, "SUSPENSE_INSUFFICIENT", Never,
        "The suspense account does not hold that much.", "挂账余额不足。";
    TwoApprovalsRequired = 146, "TWO_APPROVALS_REQUIRED", Later,
        "This step needs two different principals.", "该操作须由两名不同的人员批准。";
    UnknownNetwork = 147, "UNKNOWN_NETWORK", Later,
        "The rulebook has no network of that name.", "规则手册中没有该支付网络。";
    PaymentUnknown = 148, "PAYMENT_UNKNOWN", Later,
        "No movement of this payment stands that this step could change.", "没有可供此操作变更的支付记录。";
    RulebookInvalid = 149, "RULEBOOK_INVALID", Never,
        "The rulebook was refused; nothing has changed.", "规则手册未被接受，未作任何变更。";
    CycleSettled = 150, "CYCLE_SETTLED", Never,
        "The cycle this was booked in is settled; what turns out short now is advanced, not returned.", "所属清算周期已结算，短款只能垫付，不可退回在途。";
    CommandNotSupported = 151, "COMMAND_NOT_SUPPORTED", Later,
        "This version of the ledger does not carry out this command; nothing has changed.", "本版本账本尚不支持该指令，未作任何变更。";
    BreaksOpen = 152, "BREAKS_OPEN", Later,
        "Amounts or files are in question; nothing is settled until they are booked or explained.", "存在未处理的金额差错或文件差错，暂不能结算。";
    ProposalChanged = 153, "PROPOSAL_CHANGED", Never,
        "What is approved is not what was proposed.", "所批准的内容与结算方案不一致。";
    InstructionUnknown = 154, "INSTRUCTION_UNKNOWN", Never,
        "No such instruction in the settlement of this cycle.", "该场次结算中没有此指令。";
    InstructionFinal = 155, "INSTRUCTION_FINAL", Never,
        "The bank's answer to this instruction is final.", "该指令的银行答复已是终态。";
    FileUnknown = 156, "FILE_UNKNOWN", Later,
        "No bill file of this digest is recorded.", "未登记该摘要的账单文件。";
    AlreadyMatched = 157, "ALREADY_MATCHED", Never,
        "The row or the leg is matched already.", "该账单行或该笔记录已对平。";
    BreakUnknown = 158, "BREAK_UNKNOWN", Later,
        "No such break is recorded.", "未登记该差错。";
    BreakNotOpen = 159, "BREAK_NOT_OPEN", Never,
        "The break has ended already.", "该差错已处理完毕。";
    BreakUnproven = 160, "BREAK_UNPROVEN", Later,
        "An amount hangs on this break; only a booking ends it.", "该差错下仍有挂账金额，须以记账方式处理。";
    IncarnationRefused = 161, "INCARNATION_REFUSED", Never,
        "A topic may be made anew in the demonstration only.", "仅演示环境允许重建主题。";
}

codes! {
    /// Why a record is kept aside, byte for byte, and judged by nobody.
    Quarantine;
    Undecodable = 200, "UNDECODABLE", Never, "The record is not a payment event.", "无法解析该记录。";
    RecordTooLong = 201, "RECORD_TOO_LONG", Never, "The record is longer than a payment event may be.", "记录超过长度上限。";
    KeyMismatch = 202, "KEY_MISMATCH", Never, "The record's key is not the payment id inside it.", "记录键与支付编号不一致。";
    EventTooOld = 203, "EVENT_TOO_OLD", Never, "The event happened longer ago than the rulebook allows.", "事件时间早于允许范围。";
    EventFromFuture = 204, "EVENT_FROM_FUTURE", Never, "The event lies in the future of its arrival.", "事件时间晚于到达时间。";
    MissingField = 205, "MISSING_FIELD", Never, "A field that every event of this kind has is missing.", "缺少必填字段。";
    UnknownNetworkNamed = 206, "UNKNOWN_NETWORK_NAMED", Never, "The event names a network that the rulebook does not have.", "事件所指支付网络不存在。";
    UnknownCurrency = 207, "UNKNOWN_CURRENCY", Never, "The event's currency is not in the rulebook.", "币种未登记。";
    AmountNotPositive = 208, "AMOUNT_NOT_POSITIVE", Never, "The amount is zero or negative.", "金额必须大于零。";
    WrongReporter = 209, "WRONG_REPORTER", Never, "The reporting network does not speak for the side it names, or for its topic.", "上报网络与其所代表的一方不符。";
    SameNetwork = 210, "SAME_NETWORK", Never, "Payer and payee network are the same; that is no interconnected payment.", "付款与收款网络相同，并非互通支付。";
    InvalidField = 211, "INVALID_FIELD", Never, "A field holds a value that is not allowed there.", "字段取值无效。";
    CodeOfOtherNetwork = 212, "CODE_OF_OTHER_NETWORK", Never, "The recognised code belongs to neither the network it should.", "二维码所属网络与交易方不符。";
}

/// A refusal with the facts that show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// See the code; the code says it all.
    Plain(RejectionCode),
    /// `exposure` would pass `limit`, in minor units.
    NetDebitCapExceeded {
        /// The lower of the cap and the liquidity with agreed cover.
        limit: i128,
        /// What the exposure would have become.
        exposure: i128,
        /// Counted in.
        currency: Currency,
    },
    /// Claims would pass what was captured, in minor units.
    RefundExceeds {
        /// What is left to claim.
        left: i64,
        /// What was asked for.
        claimed: i64,
    },
    /// As for refunds.
    DisputeExceeds {
        /// What is left to claim.
        left: i64,
        /// What was asked for.
        claimed: i64,
    },
    /// The side reported one amount and reverses another, in minor units.
    ReversalAmount {
        /// What it reported.
        reported: i64,
        /// What it reverses.
        reversed: i64,
    },
    /// The event named here carried the same id before.
    ConflictingDuplicate {
        /// The id in question.
        event: Id,
    },
}

impl Rejection {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> RejectionCode {
        match self {
            Self::Plain(code) => *code,
            Self::NetDebitCapExceeded { .. } => RejectionCode::NetDebitCapExceeded,
            Self::RefundExceeds { .. } => RejectionCode::RefundExceeds,
            Self::DisputeExceeds { .. } => RejectionCode::DisputeExceeds,
            Self::ReversalAmount { .. } => RejectionCode::ReversalAmount,
            Self::ConflictingDuplicate { .. } => RejectionCode::ConflictingDuplicate,
        }
    }
}

impl From<RejectionCode> for Rejection {
    fn from(code: RejectionCode) -> Self {
        Self::Plain(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_of_all_codes_are_unique_and_speak_two_languages() {
        let mut names: Vec<&str> = RejectionCode::ALL.iter().map(|c| c.name()).collect();
        names.extend(Quarantine::ALL.iter().map(|c| c.name()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for code in RejectionCode::ALL {
            assert_eq!(RejectionCode::from_number(code.number()), Some(*code));
            assert!(code.english().is_ascii() && !code.chinese().is_ascii(), "{}", code.name());
        }
    }
}
