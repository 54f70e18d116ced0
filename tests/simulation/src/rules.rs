//! The rulebooks of a simulation: the default one with a second currency, corridors that make money go round, and caps that
//! are sometimes reached; and its later versions, of which one may bring a fourth network.

use std::fmt::Write as _;

/// What a version says beside what all of them say.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    /// Its number.
    pub number: u32,
    /// UnionPay's net debit cap in fen.
    pub cap: i64,
    /// Whether the pilot of UnionPay with Alipay is open to everybody.
    pub is_open: bool,
    /// Whether the fourth network takes part.
    pub has_fourth: bool,
}

impl Version {
    /// What a log begins with.
    pub const FIRST: Self = Self { number: 1, cap: 7_000_000, is_open: false, has_fourth: false };

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { number, cap, is_open, has_fourth } = *self;
        let mut text = rulebook::DEFAULT.replacen("version = 1", &format!("version = {number}"), 1);
        text = text.replacen(
            "cut_off = \"23:00:00\"",
            &format!("cut_off = \"23:00:00\"\nnet_debit_cap = {{ CNY = {cap} }}"),
            1,
        );
        text = text.replacen("2021-08-20T00:00:00+08:00", &format!("2021-08-20T00:{number:02}:00+08:00"), 1);
        if is_open {
            text =
                text.replacen("access = \"pilot\"\ncohorts = [\"pilot-2021\"]\nregions = []", "access = \"open\"", 1);
        }
        text.push_str("\n[[currency]]\ncode = \"USD\"\nexponent = 2\ncut_over_network = \"tenpay\"\n");
        if has_fourth {
            text.push_str("\n[[network]]\nname = \"jdpay\"\nutc_offset = \"+08:00\"\nagreed_cover = { CNY = 90000 }\n");
        }
        let fourth = has_fourth.then_some(("jdpay", "tenpay"));
        for (payer, payee) in [("tenpay", "alipay"), ("alipay", "tenpay")].into_iter().chain(fourth) {
            let _ = write!(text, "\n[[corridor]]\npayer = \"{payer}\"\npayee = \"{payee}\"\naccess = \"open\"\n");
            let _ = writeln!(text, "fee = \"standard\"\neffective_from = \"2021-08-20T00:00:00+08:00\"");
        }
        text
    }
}
