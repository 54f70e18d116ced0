//! What a file says, in the same words for every network.

use std::fmt;

use domain::money::{Amount, ParseMoneyError, Rate};
use domain::report::REFERENCE_CHARS_MAX;
use domain::time::Timestamp;
use thiserror::Error;

use crate::text::Charset;

/// Who wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// 财付通, WeChat Pay.
    Tenpay,
    /// 支付宝.
    Alipay,
    /// 中国银联.
    Unionpay,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenpay => "tenpay",
            Self::Alipay => "alipay",
            Self::Unionpay => "unionpay",
        })
    }
}

/// What a row does. It also says the direction: a payment goes to the merchant, the two others come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 消费, 交易: money to the merchant.
    Payment,
    /// 退货, 退款, 转入退款: money back, of all or part of a payment.
    Refund,
    /// 消费撤销, 已撤销: a payment taken back whole, as a row of its own beside the payment's.
    Revoked,
}

/// One movement of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who wrote the file.
    pub network: Network,
    /// What the row does, and in which direction.
    pub kind: Kind,
    /// The network's number: 微信订单号, 支付宝交易号, 查询流水号. A WeChat or Alipay refund carries its payment's number here
    /// and its own in `refund_reference`; a UnionPay refund has its own here and its payment's in `original_reference`.
    pub reference: String,
    /// 微信退款单号 or 退款批次号/请求号. Partial refunds of one payment differ in nothing else.
    pub refund_reference: Option<String>,
    /// 原交易查询流水号 of UnionPay.
    pub original_reference: Option<String>,
    /// The merchant of record: 商户号, the account of the bill without its currency suffix, 商户代码.
    pub merchant: String,
    /// 商户订单号.
    pub order: String,
    /// 系统跟踪号 of UnionPay.
    pub trace: Option<String>,
    /// When it happened; the file's local time is Beijing's. The time of the refund on refunds, where the file has it.
    pub at: Timestamp,
    /// What the network settles for this row before its fee: 应结订单金额 or 退款金额, 商家实收, 交易金额.
    pub amount: Amount,
    /// 订单金额 or 申请退款金额, which differs from `amount` by what the merchant's own coupons paid.
    pub ordered_minor: Option<i64>,
    /// The merchant's fee, in the currency of `amount`: positive when charged, negative when given back.
    pub fee_minor: i64,
    /// 费率.
    pub fee_rate: Option<Rate>,
    /// 结算金额, `amount` less the fee as the file prints it: positive to the merchant, negative from it.
    pub settled_minor: Option<i64>,
    /// The file's own word: 退款状态 on WeChat refunds that have one, else 交易状态; 业务类型; 交易代码.
    pub status: String,
    /// Line of the file, or of the bill inside the archive, from 1.
    pub line: u64,
}

/// Why a line did not become a row: where, what stood there, and which rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, {field} {value:?}: {reason}")]
pub struct Fault {
    /// Line of the file, or of the bill inside the archive, from 1; 0 when the fault is about a whole archive member.
    pub line: u64,
    /// The column's name as the file prints it, or `line` or `member`.
    pub field: String,
    /// What stood there, cut to [`Fault::VALUE_CHARS_MAX`] characters.
    pub value: String,
    /// The rule.
    pub reason: Reason,
}

impl Fault {
    /// A line is at most 64 KiB; an operator needs the beginning of it.
    pub const VALUE_CHARS_MAX: usize = 120;

    pub(crate) fn new(line: u64, field: &str, value: &str, reason: impl Into<Reason>) -> Self {
        let value = value.chars().take(Self::VALUE_CHARS_MAX).collect();
        Self { line, field: field.to_owned(), value, reason: reason.into() }
    }
}

/// The rule a line breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// An amount, a fee or a rate that is not written as one.
    #[error(transparent)]
    Money(#[from] ParseMoneyError),
    /// A column that must hold something holds nothing.
    #[error("is empty")]
    Empty,
    /// Neither `2026-11-22 08:30:00` nor, for UnionPay, a query number that begins with `20261122083000`.
    #[error("is not a date and time")]
    NotATime,
    /// A payment's amount has a minus.
    #[error("is negative on a payment")]
    Negative,
    /// Not a per cent figure between 0% and 100%.
    #[error("is not a rate such as 0.60%")]
    NotARate,
    /// Only digits are allowed here.
    #[error("is not {0} digits")]
    NotDigits(usize),
    /// Not `C` or `D` and twelve digits.
    #[error("is not C or D followed by 12 digits")]
    NotSigned,
    /// A kind of movement this reader has not been taught.
    #[error("is not a known kind of movement; if the network has added one, add it to the layout table")]
    UnknownKind,
    /// Another currency than the one every corridor settles in.
    #[error("is not CNY, the only currency of the corridors")]
    UnknownCurrency,
    /// Too few or too many columns.
    #[error("the line has {found} columns where the header has {expected}; fetch the file again")]
    Columns {
        /// In the line.
        found: usize,
        /// In the header.
        expected: usize,
    },
    /// A free text with separators in it can be read in two ways, both of which are rows.
    #[error("separators inside a free text allow two readings of this line; ask the network which is meant")]
    Ambiguous,
    /// A fixed-width record is cut or grown.
    #[error("the record has {found} bytes, not {expected}; fetch the file again")]
    Length {
        /// In the line.
        found: usize,
        /// Of the layout.
        expected: usize,
    },
    /// The byte between two fixed-width fields is not a space.
    #[error("is not followed by a space: the record is shifted")]
    Shifted,
    /// Amount less fee is not what the row says is settled.
    #[error("amount less fee is {expected} fen: the row contradicts itself")]
    Identity {
        /// Amount less fee, positive to the merchant.
        expected: i64,
    },
    /// Bytes that the file's charset does not have.
    #[error("byte {offset} of the file is not {charset}; take the file as the network sent it")]
    Charset {
        /// From 0.
        offset: u64,
        /// The charset of this layout.
        charset: Charset,
    },
    /// Longer than any reference of a network.
    #[error("is longer than {REFERENCE_CHARS_MAX} characters")]
    LongReference,
    /// Longer than any line of a bill.
    #[error("the line is longer than {0} bytes")]
    TooLong(usize),
    /// A row behind the end of the list.
    #[error("stands behind the end of the list")]
    AfterEnd,
    /// The frame of an Alipay file does not say whose it is.
    #[error("no line before the header names the account; take the file as the network sent it")]
    NoAccount,
    /// A member of the archive that is not read.
    #[error("is not read: {0}; settle it by hand")]
    Unread(String),
}
