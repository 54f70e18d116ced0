//! Rulebook files. A rulebook is a TOML text; this crate reads it into [`domain::rulebook::Rulebook`] or says which line is
//! wrong and why. The text itself is what a `LoadRulebook` command carries and what the log keeps, so a rulebook is read
//! again by the same code at every replay.
//!
//! Absent on purpose: what the rules mean (`domain`), and whether a version may follow another (a matter of the log).
//!
//! ```
//! let rules = rulebook::parse(rulebook::DEFAULT).expect("the default is valid");
//! assert!(rules.network("unionpay").is_some());
//! let error = rulebook::parse("version = 1\neffective_from = \"yesterday\"").unwrap_err();
//! assert_eq!(error.to_string(), "line 1: missing field `transit_limit`");
//! ```

mod file;

pub use file::{Error, parse};

/// The rulebook that a ledger begins with when it is given no other.
pub const DEFAULT: &str = include_str!("../rules/default.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::Name;
    use domain::money::CNY;
    use domain::rulebook::Access;
    use domain::time::{Date, Timestamp};

    #[test]
    fn the_default_is_the_matrix_observed_in_august_2021() {
        let rules = parse(DEFAULT).expect("the default is valid");
        rules.validate(None).expect("the default is a first version");
        let network = |name| rules.network(name).expect("named in the default");
        let (unionpay, tenpay, alipay) = (network("unionpay"), network("tenpay"), network("alipay"));
        let day = Date::parse_iso("2021-08-23").expect("a date");
        let at = Timestamp::from_civil(day, 43_200, 28_800);
        let taobao = Name::new("taobao").expect("a name");
        let access =
            |payer, payee, channel| rules.corridor(payer, payee, channel, at).map(|(_, row)| row.access.clone());
        assert_eq!(access(unionpay, tenpay, Name::NONE), Some(Access::Open));
        assert_eq!(access(tenpay, unionpay, Name::NONE), Some(Access::Closed));
        assert!(matches!(access(unionpay, alipay, Name::NONE), Some(Access::Pilot { .. })));
        assert!(matches!(access(unionpay, alipay, taobao), Some(Access::Pilot { .. })));
        assert_eq!(access(alipay, unionpay, Name::NONE), Some(Access::Closed));
        assert_eq!(access(tenpay, alipay, Name::NONE), None);
        let before = Timestamp::from_civil(day.plus_days(-30), 0, 28_800);
        assert!(rules.corridor(unionpay, tenpay, Name::NONE, before).is_none(), "before its row begins it is closed");
        assert_eq!(rules.currency(CNY).map(|rule| (rule.exponent, rule.cut_over_network)), Some((2, unionpay)));
        let cut = Timestamp::from_civil(day, 23 * 3_600, 28_800);
        assert_eq!(rules.networks[unionpay.index()].business_day.date_of(cut), day.plus_days(1));
        assert_eq!(rules.networks[tenpay.index()].business_day.date_of(cut), day);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_line_and_what_is_allowed() {
        for (from, to, expected) in [
            ("exponent = 2", "exponent = \"2\"", "invalid type: string \"2\", expected u32"),
            ("access = \"open\"", "access = \"opened\"", "access \"opened\" is none of open, pilot, closed"),
            ("payee = \"tenpay\"", "payee = \"tenpai\"", "network \"tenpai\" has no [[network]] entry"),
            (
                "rate = \"0.35%\"",
                "rate = \"0.35\"",
                "rate \"0.35\" is not a per cent figure like \"0.35%\" with at most 4 decimals",
            ),
            ("cut_off = \"23:00:00\"", "cut_off = \"25:00:00\"", "time \"25:00:00\" is not of the form hh:mm:ss"),
            ("utc_offset = \"+08:00\"", "utc_offset = \"8\"", "offset \"8\" is not of the form +hh:mm"),
            ("fee = \"standard\"", "fee = \"cheap\"", "fee \"cheap\" has no [fee.cheap] table"),
            ("code = \"CNY\"", "code = \"yuan\"", "currency \"yuan\" is not three capital letters"),
            (
                "2021-08-20T00:00:00+08:00",
                "2021-08-32T00:00:00+08:00",
                "time \"2021-08-32T00:00:00+08:00\" is not of the form 2021-08-20T00:00:00+08:00",
            ),
            ("transit_limit", "transit_limits", "unknown field `transit_limits`"),
            ("cap = 1_300", "cap = -1", "cap -1 is negative"),
            (
                "name = \"tenpay\"",
                "name = \"operator\"",
                "name \"operator\" is taken: operator, escrow, unknown, all mean",
            ),
            ("name = \"tenpay\"", "name = \"escrow\"", "name \"escrow\" is taken"),
            ("name = \"tenpay\"", "name = \"unknown\"", "name \"unknown\" is taken"),
            ("name = \"tenpay\"", "name = \"all\"", "name \"all\" is taken"),
            ("name = \"tenpay\"", "name = \"ten.pay\"", "network name \"ten.pay\" is not 1 to 15 ASCII letters"),
        ] {
            let broken = DEFAULT.replacen(from, to, 1);
            let error = parse(&broken).expect_err(to);
            let at = DEFAULT.find(from).expect("a text of the default");
            assert_eq!(
                error.line,
                DEFAULT[..at].lines().count() + usize::from(DEFAULT[..at].ends_with('\n')),
                "{error}"
            );
            assert!(error.reason.starts_with(expected), "{error} does not say {expected:?}");
        }
    }

    #[test]
    fn a_version_that_moves_a_network_may_not_follow() {
        let first = parse(DEFAULT).expect("the default is valid");
        let swapped = DEFAULT.replacen("version = 1", "version = 2", 1).replace("\"alipay\"", "\"alipay2\"");
        let second = parse(&swapped).expect("valid by itself");
        let error = second.validate(Some(&first)).expect_err("alipay is gone").to_string();
        assert_eq!(error, "network \"alipay\" of the version before is missing or moved");
    }
}
