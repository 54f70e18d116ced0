//! Bill files of the networks: bytes in, typed rows or located errors out.
//!
//! - [`read`] streams one file, plain or in its zip, and folds a [`Summary`]. What the file is, it tells by its content.
//! - [`Row`] is one movement, in the same words for every network; [`Fault`] is a row that could not become one.
//! - [`Control`] is the file's own totals held against its rows; [`Error`] is a file that cannot be read as a bill at all.
//!
//! The layouts are tables (`layouts.rs`): a new one is rows of data, not a reader.
//!
//! Absent on purpose: file names (they are not evidence), downloading and hashing, matching, writing bills, the fund-flow
//! and account statements, UnionPay's error-adjustment list (ZME: its columns are not publicly verified), and gzip.
//!
//! ```
//! let bill = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,\
//!     应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注\n\
//!     `2026-11-22 08:30:00,`wx1,`1900000001,`0,`,`4200000001202611220000000001,`A-1,`o1,`NATIVE,`SUCCESS,`CFT,`CNY,\
//!     `6.00,`0.00,`豆浆,油条,`,`0.04000,`0.60%,`6.00,`\n\
//!     总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n\
//!     `1,`6.00,`0.00,`0.00,`0.04000,`6.00,`0.00\n";
//! let mut rows = Vec::new();
//! let summary = bills::read(std::io::Cursor::new(bill), |item| rows.extend(item))?;
//! assert_eq!(summary.control, bills::Control::Matched);
//! assert_eq!((rows[0].amount.minor(), rows[0].fee_minor), (600, 4));
//! # Ok::<(), bills::Error>(())
//! ```
#![deny(clippy::arithmetic_side_effects)]

mod archive;
mod delimited;
mod document;
mod error;
mod fixed;
mod footer;
mod layouts;
mod report;
mod row;
mod summary;
mod text;

use std::io::{Read, Seek};

pub use error::{Error, Refusal};
pub use row::{Fault, Kind, Network, Reason, Row};
pub use summary::{Control, Discrepancy, Summary, Total};

/// Where rows go as they are read.
type Sink<'a> = &'a mut dyn FnMut(Result<Row, Fault>);

/// Reads one bill file, handing each row or fault to `each` in the order of the file. Memory does not grow with the file.
///
/// Rows are provisional until this returns `Ok`: that an archive lied about its size, or that the totals disagree, is
/// known only at its end.
///
/// # Errors
/// [`Error::Refused`] when the content is not a bill that may be reconciled, [`Error::Io`] when the input cannot be read.
pub fn read<R: Read + Seek>(mut input: R, mut each: impl FnMut(Result<Row, Fault>)) -> Result<Summary, Error> {
    if archive::is_archive(&mut input)? {
        return archive::read(input, &mut each);
    }
    document::read(input, &mut each)?.into_summary()
}
