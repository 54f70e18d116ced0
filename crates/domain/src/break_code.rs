//! The kinds of break: where two books disagree. One enum for the ledger's own breaks and for those a bill file shows.

macro_rules! breaks {
    ($($name:ident = $byte:literal, $code:literal, $chinese:literal, $meaning:literal;)*) => {
        /// Why two books disagree. The discriminant is part of record formats and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum BreakCode { $(#[doc = $meaning] $name = $byte,)* }

        impl BreakCode {
            /// Every break code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable name, for example `LEG_MISSING`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The field's Chinese term.
            #[must_use]
            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

breaks! {
    Timing = 1, "TIMING", "时间差", "One side only, near the cut-off of one network: carried to the next files.";
    LegMissing = 2, "LEG_MISSING", "单边", "One network reported a movement, the other stays silent past the transit limit.";
    LedgerMissing = 3, "LEDGER_MISSING", "平台漏单", "In a network's file, not in the ledger.";
    NetworkMissing = 4, "NETWORK_MISSING", "渠道漏单", "In the ledger, not in the network's file.";
    AmountOver = 5, "AMOUNT_OVER", "金额不符长款", "The debtor's side of a movement reported more than the creditor's.";
    AmountShort = 6, "AMOUNT_SHORT", "金额不符短款", "The creditor's side of a movement reported more than the debtor's.";
    StatusLedgerFail = 7, "STATUS_LEDGER_FAIL", "状态不符短款", "A network says success, the ledger has refused, withdrawn or not learned the outcome.";
    StatusLedgerOk = 8, "STATUS_LEDGER_OK", "状态不符长款", "The ledger says success, the network says failed or reversed.";
    FeeDiff = 9, "FEE_DIFF", "手续费不符", "A merchant fee differs from the network's event or from the file's own rate.";
    Duplicate = 10, "DUPLICATE", "重复", "The same key twice, in one file or in two.";
    RefundOrphan = 11, "REFUND_ORPHAN", "无原交易退款", "A refund whose original nobody reported within the transit limit.";
    RefundExceeds = 12, "REFUND_EXCEEDS", "超额退款", "Refunds exceed what was captured.";
    ReversalOrphan = 13, "REVERSAL_ORPHAN", "冲正无原交易", "A reversal whose original nobody reported within the transit limit; a later original is refused.";
    RowInvalid = 14, "ROW_INVALID", "格式错误", "A row that cannot be read, or of an unknown currency or key.";
    ControlTotal = 15, "CONTROL_TOTAL", "总分不符", "The rows of a file do not add up to its totals.";
    FileMissing = 16, "FILE_MISSING", "缺文件", "No file by the deadline.";
    FileReplaced = 17, "FILE_REPLACED", "重发", "The same file again with other content.";
    StatementDiff = 18, "STATEMENT_DIFF", "账实不符", "The settlement account's statement differs from the ledger's mirror.";
}
