//! The readers held against invented bills: every layout, every verdict on totals, every kind of fault.
//!
//! The layouts are written out here a second time, independently of the tables the readers use.

mod alipay;
mod any_bytes;
mod archive;
mod fixtures;
mod tenpay;
mod unionpay;
