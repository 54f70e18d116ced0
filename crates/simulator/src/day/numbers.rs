//! The numbers that networks print, as text, in the lengths and with the dates that their files show. No two movements of a
//! day have the same one: what looks random comes from counting in large steps around a circle.

use super::calendar::Calendar;
use crate::mix::{TENPAY, UNIONPAY};

/// Without a divisor in common with ten: around a circle of any power of ten it comes by every place once.
const STRIDE: u64 = 3_141_592_661;
/// Movements of one payment that can have a number of their own; a circle of seven digits holds a million payments.
const MOVEMENTS_MAX: u64 = 8;

/// A payment, by its place in the day and when it was made.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a> {
    pub calendar: &'a Calendar,
    pub payment: u64,
    pub made: i64,
}

const fn digits(number: u64, width: u32) -> u64 {
    number.wrapping_mul(STRIDE) % 10_u64.pow(width)
}

impl Numbers<'_> {
    /// 商户订单号, the same at both networks.
    pub(super) fn order(&self) -> String {
        format!("{}{:012}", self.calendar.date_of(self.made).number(), digits(self.payment, 12))
    }

    /// 查询流水号 of one transaction, 微信订单号 or 支付宝交易号 of the whole payment.
    pub(super) fn reference(&self, network: usize, movement: usize, occurred: i64) -> String {
        let made = self.calendar.date_of(self.made).number();
        match network {
            UNIONPAY => self.query_id(movement, occurred),
            TENPAY => {
                let number = digits(self.payment, 13);
                format!("4200000{:03}{made}{:010}", number / 10_000_000_000, number % 10_000_000_000)
            }
            _ => format!("{made}220014{:014}", digits(self.payment, 14)),
        }
    }

    /// The number of a refund.
    pub(super) fn refund(&self, network: usize, movement: usize, occurred: i64) -> String {
        let date = self.calendar.date_of(occurred).number();
        let number = self.payment * MOVEMENTS_MAX + movement as u64;
        match network {
            UNIONPAY => self.query_id(movement, occurred),
            TENPAY => format!("50000{:05}{date}{:011}", digits(number, 5), digits(number, 11)),
            _ => format!("{date}{:012}", digits(number, 12)),
        }
    }

    fn query_id(&self, movement: usize, occurred: i64) -> String {
        let (date, time) = (self.calendar.date_of(occurred).number(), self.calendar.time_of_day(occurred));
        format!("{date}{time:06}{:07}", digits(self.payment * MOVEMENTS_MAX + movement as u64, 7))
    }
}
