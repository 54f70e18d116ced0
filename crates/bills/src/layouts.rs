//! Every layout, as data. Delimited files are recognised by the names in their header, whatever their order; fixed-width
//! files by offsets in bytes. To take another layout, or a member's own, add a row here.

use crate::text::Charset;
use crate::{Kind, Network};

/// A column set: its stable name, and its header as the network prints it, with the newest name of each column.
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) header: &'static str,
}

/// What the reader takes from a row. The money columns come first, so that their sums are an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Amount,
    RefundAmount,
    CouponRefund,
    Fee,
    FeeReturned,
    Ordered,
    Asked,
    Discount,
    Time,
    Applied,
    Refunded,
    Created,
    Merchant,
    Order,
    Reference,
    RefundReference,
    Status,
    RefundStatus,
    Currency,
    Rate,
    FreeText,
}

impl Column {
    pub(crate) const COUNT: usize = Self::FreeText as usize + 1;
    pub(crate) const MONEY: [Self; 8] = [
        Self::Amount,
        Self::RefundAmount,
        Self::CouponRefund,
        Self::Fee,
        Self::FeeReturned,
        Self::Ordered,
        Self::Asked,
        Self::Discount,
    ];
}

/// How the sign of the printed fee is to be understood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeeSign {
    /// Positive is charged, negative is given back.
    AsPrinted,
    /// Files differ: charged on payments, given back on everything else, whatever the sign.
    ByKind,
}

/// Where the control totals stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A second header, which begins with this name, and one line of values end the file.
    LastTwoLines(&'static str),
    /// Lines with a leading `#` stand around the list; one before the header names the account after this word.
    HashLines { account: &'static str },
}

/// What the layouts of one network's delimited files have in common.
pub(crate) struct Dialect {
    pub(crate) network: Network,
    pub(crate) charset: Charset,
    pub(crate) layouts: &'static [Layout],
    /// Former name, newest name.
    pub(crate) aliases: &'static [(&'static str, &'static str)],
    pub(crate) columns: &'static [(Column, &'static str)],
    pub(crate) kinds: &'static [(&'static str, Kind)],
    pub(crate) fee: FeeSign,
    pub(crate) frame: Frame,
    /// Whether the last column is a free text too, so that separators may belong to it.
    pub(crate) last_is_free: bool,
}

pub(crate) const DELIMITED: [Dialect; 2] = [TENPAY, ALIPAY];

const TENPAY: Dialect = Dialect {
    network: Network::Tenpay,
    charset: Charset::Utf8,
    layouts: &[
        Layout {
            name: "tenpay-all-27",
            header: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
        },
        Layout {
            name: "tenpay-success-20",
            header: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注",
        },
        Layout {
            name: "tenpay-refund-29",
            header: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
        },
        Layout {
            name: "tenpay-recharge-refund-28",
            header: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,返还手续费,费率,订单金额,申请退款金额",
        },
        Layout {
            name: "tenpay-all-24",
            header: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率",
        },
        Layout {
            name: "tenpay-success-18",
            header: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率",
        },
        Layout {
            name: "tenpay-refund-26",
            header: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率",
        },
    ],
    aliases: &[
        ("子商户号", "特约商户号"),
        ("总金额", "应结订单金额"),
        ("企业红包金额", "代金券金额"),
        ("代金券或立减优惠金额", "代金券金额"),
        ("企业红包退款金额", "充值券退款金额"),
        ("代金券或立减优惠退款金额", "充值券退款金额"),
        ("总交易额", "应结订单总金额"),
        ("总退款金额", "退款总金额"),
        ("总企业红包退款金额", "充值券退款总金额"),
        ("总代金券或立减优惠退款金额", "充值券退款总金额"),
    ],
    columns: &[
        (Column::Amount, "应结订单金额"),
        (Column::RefundAmount, "退款金额"),
        (Column::CouponRefund, "充值券退款金额"),
        (Column::Fee, "手续费"),
        (Column::FeeReturned, "返还手续费"),
        (Column::Ordered, "订单金额"),
        (Column::Asked, "申请退款金额"),
        (Column::Time, "交易时间"),
        (Column::Applied, "退款申请时间"),
        (Column::Refunded, "退款成功时间"),
        (Column::Merchant, "商户号"),
        (Column::Order, "商户订单号"),
        (Column::Reference, "微信订单号"),
        (Column::RefundReference, "微信退款单号"),
        (Column::Status, "交易状态"),
        (Column::RefundStatus, "退款状态"),
        (Column::Currency, "货币种类"),
        (Column::Rate, "费率"),
        // 商户数据包, the other free text, follows at once and is not read: separators in either shift the same columns.
        (Column::FreeText, "商品名称"),
    ],
    kinds: &[("SUCCESS", Kind::Payment), ("REFUND", Kind::Refund), ("REVOKED", Kind::Revoked)],
    fee: FeeSign::AsPrinted,
    frame: Frame::LastTwoLines("总交易单数"),
    last_is_free: false,
};

const ALIPAY: Dialect = Dialect {
    network: Network::Alipay,
    charset: Charset::Gbk,
    layouts: &[Layout {
        name: "alipay-trade-25",
        header: "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额(元),商家实收(元),支付宝红包(元),集分宝(元),支付宝优惠(元),商家优惠(元),券核销金额(元),券名称,商家红包消费金额(元),卡消费金额(元),退款批次号/请求号,服务费(元),分润(元),备注",
    }],
    aliases: &[],
    columns: &[
        (Column::Amount, "商家实收(元)"),
        (Column::Fee, "服务费(元)"),
        (Column::Ordered, "订单金额(元)"),
        (Column::Discount, "商家优惠(元)"),
        (Column::Time, "完成时间"),
        (Column::Created, "创建时间"),
        (Column::Order, "商户订单号"),
        (Column::Reference, "支付宝交易号"),
        (Column::RefundReference, "退款批次号/请求号"),
        (Column::Status, "业务类型"),
        (Column::FreeText, "商品名称"),
    ],
    kinds: &[("交易", Kind::Payment), ("退款", Kind::Refund)],
    fee: FeeSign::ByKind,
    frame: Frame::HashLines { account: "账号：[" },
    last_is_free: true,
};

/// The header of the other member of Alipay's archive, which repeats the totals by shop and is not read.
pub(crate) const ALIPAY_SHOPS_COLUMN: &str = "交易订单总笔数";
/// 账号 is the partner's 16 digits and the ISO 4217 number of the currency.
pub(crate) const ALIPAY_CNY_SUFFIX: &str = "0156";

/// What a figure of the control totals counts.
#[derive(Clone, Copy)]
pub(crate) enum Figure {
    Rows,
    /// Sum over rows of every kind: a column is zero where it does not apply.
    Sum(Column),
}

/// 汇总 of a WeChat bill, newest names. 总交易单数 counts refunds too.
pub(crate) const TENPAY_FIGURES: &[(&str, Figure)] = &[
    ("总交易单数", Figure::Rows),
    ("应结订单总金额", Figure::Sum(Column::Amount)),
    ("退款总金额", Figure::Sum(Column::RefundAmount)),
    ("充值券退款总金额", Figure::Sum(Column::CouponRefund)),
    ("手续费总金额", Figure::Sum(Column::Fee)),
    ("订单总金额", Figure::Sum(Column::Ordered)),
    ("申请退款总金额", Figure::Sum(Column::Asked)),
];

/// The lines of an Alipay footer and what they count.
pub(crate) const ALIPAY_TOTALS: [(&str, Kind); 2] = [("交易合计", Kind::Payment), ("退款合计", Kind::Refund)];
/// The figures within a line. 交易金额 is an older wording of 商家实收. 优惠金额, its companion, is not held against the rows:
/// which discounts it adds up is not documented.
pub(crate) const ALIPAY_FIGURES: &[(&str, Column)] = &[
    ("商家实收", Column::Amount),
    ("商家实收退款", Column::Amount),
    ("交易金额", Column::Amount),
    ("交易退款金额", Column::Amount),
    ("商家优惠", Column::Discount),
    ("商家优惠退款", Column::Discount),
];

/// A field of a fixed-width record, in bytes. A space follows every field but the last.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) offset: usize,
    pub(crate) width: usize,
}

const fn field(name: &'static str, offset: usize, width: usize) -> Field {
    Field { name, offset, width }
}

/// 全渠道商户一般交易明细, `ZM`. Fields that are not named here are not read.
pub(crate) mod zm {
    use super::{Field, Kind, field};

    pub(crate) const NAME: &str = "unionpay-zm";
    pub(crate) const RECORD_BYTES: usize = 607;
    pub(crate) const CODE: Field = field("交易代码", 0, 3);
    pub(crate) const TRACE: Field = field("系统跟踪号", 28, 6);
    pub(crate) const SENT: Field = field("交易传输时间", 35, 10);
    pub(crate) const AMOUNT: Field = field("交易金额", 66, 12);
    pub(crate) const REFERENCE: Field = field("查询流水号", 87, 21);
    pub(crate) const ORDER: Field = field("商户订单号", 112, 32);
    pub(crate) const FEE: Field = field("商户手续费", 166, 13);
    pub(crate) const SETTLED: Field = field("结算金额", 180, 13);
    pub(crate) const KIND: Field = field("交易类型", 215, 2);
    pub(crate) const ORIGINAL: Field = field("原交易查询流水号", 271, 21);
    pub(crate) const MERCHANT: Field = field("商户代码", 293, 15);
    pub(crate) const KINDS: &[(&str, Kind)] = &[("01", Kind::Payment), ("04", Kind::Refund), ("31", Kind::Revoked)];
}

/// 全渠道商户交易汇总表, the page that carries the totals of a `ZM` list.
pub(crate) mod rd2010 {
    pub(crate) const NAME: &str = "unionpay-rd2010";
    /// Words of its heading; no other file of the networks has them together.
    pub(crate) const MARKS: [&str; 2] = ["商户代码", "清算日期"];
    /// By kind of transaction and by kind of card; each ends with its total.
    pub(crate) const BLOCKS: usize = 2;
    pub(crate) const GRAND_TOTAL: &str = "总计";
    /// Behind the name of a line: how many, then debit and credit of 交易金额, 费用 and 资金清算差额.
    pub(crate) const FIGURES: usize = 7;
}

/// A day without a bill, told by WeChat Pay with this message in place of a file.
pub(crate) const TENPAY_NO_BILL: (&str, &str) = ("tenpay-no-bill", "No Bill Exist");
