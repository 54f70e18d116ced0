//! The networks' bill files held against the ledger.
//!
//! - [`plan`] is pure: one file and the ledger's legs in; matches, breaks, and what the rows of breaks prove out.
//! - [`Log`] gathers in one pass over the ledger's log what the planner needs: [`Legs`] and what is on record ([`Past`]).
//! - [`reconcile`] runs over a directory of files and carries plans out through [`Commands`], each [`Order`] under a key
//!   made from its content. [`Report`] says what it did, and its [`Verdict`] is what an exit code is made of.
//!
//! A row that agrees is recorded, one that does not is a break with an id made from what it is about. Booked is only what a
//! row proves, and never by time alone: the leg of a silent network (T3a), what a file shows beyond the ledger (J11), what
//! the ledger shows beyond a file (J12a).
//!
//! Absent on purpose: the format of records and commands (a function and a port are handed in), downloading, and the
//! resolution of breaks by people.
//!
//! ```
//! use domain::time::{BusinessDay, Date};
//! use recon::{Bill, Legs, Past, plan};
//!
//! # let bill = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,\
//! #     应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注\n\
//! #     `2026-11-22 08:30:00,`wx1,`1900000001,`0,`,`4200000001202611220000000001,`A-1,`o1,`NATIVE,`SUCCESS,`CFT,`CNY,\
//! #     `6.00,`0.00,`豆浆,油条,`,`0.04000,`0.60%,`6.00,`\n\
//! #     总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n\
//! #     `1,`6.00,`0.00,`0.00,`0.04000,`6.00,`0.00\n";
//! let mut rows = Vec::new();
//! let summary = bills::read(std::io::Cursor::new(bill), |item| rows.extend(item))?;
//! # let totals = domain::clearing::BillTotals {
//! #     currency: domain::money::CNY, rows: 1, payments: 1, payments_minor: 600, refunds: 0, refunds_minor: 0, fees_minor: 4,
//! # };
//! # let file = domain::clearing::BillFile {
//! #     network: domain::ids::Network::from_index(1).expect("a network"),
//! #     business_date: Date::from_ymd(2026, 11, 22).expect("a date"),
//! #     digest: [7; 32],
//! #     file_name: "bill.csv".to_owned(),
//! #     layout: summary.layout.to_owned(),
//! #     totals,
//! #     control_totals: domain::clearing::ControlTotals::Matched,
//! #     invalid_rows: 0,
//! # };
//! let bill = Bill { file, writer: summary.network, rows, faults: Vec::new(), discrepancies: Vec::new() };
//! let calendar_day = BusinessDay { offset_seconds: 28_800, cut_off_second: None, boundary_is_next_day: true };
//!
//! // A ledger that knows nothing of the payment.
//! let plan = plan(&bill, &Legs::default(), &Past::default(), calendar_day);
//! assert_eq!(plan.findings[0].code.name(), "LEDGER_MISSING");
//! # Ok::<(), bills::Error>(())
//! ```
#![deny(clippy::arithmetic_side_effects)]

mod alone;
mod content;
mod draft;
mod error;
mod files;
mod judge;
mod key;
mod legs;
mod log;
mod order;
mod past;
mod plan;
mod report;
mod worker;

pub use error::Error;
pub use files::Files;
pub use legs::{Leg, LegFacts, Legs};
pub use log::{Log, Logged, ReadLogged};
pub use order::{Commands, Order, Outcome};
pub use past::Past;
pub use plan::{Bill, Counts, Plan, plan};
pub use report::{BookingLine, BreakLine, FileLine, Report, Unread, Verdict};
pub use worker::{Progress, reconcile};
