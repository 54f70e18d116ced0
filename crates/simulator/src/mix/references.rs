//! The numbers that networks print on what they did, in the lengths and with the dates that their bill files show. Two
//! payments never have the same one: the digits that look random come from counting in large steps around a circle.

use super::clock;
use super::lives::{ALIPAY, TENPAY, UNIONPAY};
use crate::proto::Message;

/// It has no divisor in common with ten: around a circle of any power of ten it comes by every place once.
const STRIDE: u64 = 3_141_592_661;

const TEN_TO_10: u64 = 10_000_000_000;
const TEN_TO_11: u64 = 100_000_000_000;
const TEN_TO_12: u64 = 1_000_000_000_000;
const TEN_TO_13: u64 = 10_000_000_000_000;
const TEN_TO_14: u64 = 100_000_000_000_000;
const TEN_TO_16: u64 = 10_000_000_000_000_000;

const NETWORK_REFERENCE: u32 = 10;
const MERCHANT_ORDER_NUMBER: u32 = 15;
const MERCHANT_ID: u32 = 16;
const TRACE_NUMBER: u32 = 22;
const REFUND_REFERENCE: u32 = 23;

/// UnionPay's clearing day ends an hour before midnight.
const fn day_ahead(network: usize) -> u64 {
    if network == UNIONPAY { clock::HOUR_MICROS } else { 0 }
}

/// In which of the network's bill files something that happened then stands, as the number yyyymmdd.
pub(super) fn business_date(network: usize, occurred: u64) -> u64 {
    clock::date(occurred, day_ahead(network))
}

/// One event as its network numbers it.
#[derive(Clone, Copy)]
pub(super) struct References {
    pub network: usize,
    /// The payment, counted over the whole stream.
    pub payment: u64,
    /// When the payment was made; a wallet's number carries that date.
    pub paid: u64,
    /// When this event happened.
    pub occurred: u64,
    pub sequence: u64,
}

impl References {
    /// 查询流水号 (21 digits, of this transaction), 微信订单号 or 支付宝交易号 (28 digits, of the payment).
    pub(super) fn network_reference(&self, message: &mut Message<'_>) {
        match self.network {
            UNIONPAY => self.query_id(message, NETWORK_REFERENCE),
            TENPAY => {
                let digits = self.payment * STRIDE % TEN_TO_13;
                let date = clock::date(self.paid, 0);
                let parts = [(4_200_000, 7), (digits / TEN_TO_10, 3), (date, 8), (digits, 10)];
                message.digits(NETWORK_REFERENCE, parts);
            }
            _ => {
                let parts = [(clock::date(self.paid, 0), 8), (220_014, 6), (self.payment * STRIDE % TEN_TO_14, 14)];
                message.digits(NETWORK_REFERENCE, parts);
            }
        }
    }

    /// The number of a refund; `movement` tells the refunds of a payment apart.
    pub(super) fn refund_reference(&self, message: &mut Message<'_>, movement: u8) {
        let number = (self.payment * 2 + u64::from(movement % 2)) * STRIDE;
        let date = clock::date(self.occurred, 0);
        match self.network {
            UNIONPAY => self.query_id(message, REFUND_REFERENCE),
            TENPAY => {
                let digits = number % TEN_TO_16;
                let parts = [(50_000, 5), (digits / TEN_TO_11, 5), (date, 8), (digits, 11)];
                message.digits(REFUND_REFERENCE, parts);
            }
            _ => message.digits(REFUND_REFERENCE, [(date, 8), (number % TEN_TO_12, 12)]),
        }
    }

    fn query_id(&self, message: &mut Message<'_>, field: u32) {
        let parts = [(clock::date(self.occurred, 0), 8), (clock::time_of_day(self.occurred), 6), (self.sequence, 7)];
        message.digits(field, parts);
    }

    /// 系统跟踪号: six digits before the last of the query number.
    pub(super) fn trace_number(&self, message: &mut Message<'_>) {
        if self.network == UNIONPAY {
            message.digits(TRACE_NUMBER, [(self.sequence / 10, 6)]);
        }
    }

    /// 商户订单号.
    pub(super) fn merchant_order_number(&self, message: &mut Message<'_>) {
        let date = clock::date(self.paid, 0);
        message.digits(MERCHANT_ORDER_NUMBER, [(date, 8), (self.payment * STRIDE % TEN_TO_12, 12)]);
    }

    /// 商户号 of the merchant with this number.
    pub(super) fn merchant_id(&self, message: &mut Message<'_>, merchant: u64) {
        match self.network {
            UNIONPAY => message.digits(MERCHANT_ID, [(802_310, 6), (merchant, 9)]),
            ALIPAY => message.digits(MERCHANT_ID, [(2_088, 4), (merchant, 12)]),
            _ => message.digits(MERCHANT_ID, [(1, 1), (merchant, 9)]),
        }
    }
}
