//! Which network a scanned code belongs to. URL schemes are tried first, then EMVCo codes, then codes of digits; the digit
//! rules are disjoint by their first two digits, and both length and prefix must hold. Anything else is not recognised:
//! the refusal says so, where in 2021 a person saw gibberish. A code is used once and expires, so nobody keeps it: what is
//! kept of it is its kind.
//!
//! EMVCo codes are TLV texts: two digits of tag, two of length, the value; tag 00 is first and tag 63, a checksum
//! (CRC-16/CCITT-FALSE over everything before its value), is last. Lengths count characters, the checksum runs over UTF-8
//! bytes. (EMV QR Code Specification, Merchant-Presented Mode.)

use std::fmt;

macro_rules! kinds {
    ($($name:ident = $byte:literal, $word:literal, $network:literal, $presenter:ident, $meaning:literal;)*) => {
        /// What a scanned code is. The discriminant is part of record formats and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum CodeKind { $(#[doc = $meaning] $name = $byte,)* }

        impl CodeKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The identifier of the network whose code it is.
            #[must_use]
            pub const fn network(self) -> &'static str {
                match self { $(Self::$name => $network,)* }
            }

            /// Who shows the code.
            #[must_use]
            pub const fn presenter(self) -> Presenter {
                match self { $(Self::$name => Presenter::$presenter,)* }
            }
        }
    };
}

/// Who shows the code that the other one scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presenter {
    /// 主扫: the payer scans the payee's code, so the code is of the payee's network.
    Payee,
    /// 被扫: the merchant scans the payer's code, so the code is of the payer's network.
    Payer,
}

kinds! {
    TenpayPersonal = 1, "tenpay_personal", "tenpay", Payee, "`wxp://`: a person's receiving code.";
    TenpayMerchant = 2, "tenpay_merchant", "tenpay", Payee, "`weixin://wxpay/bizpayurl`: a merchant's order.";
    AlipayReceive = 3, "alipay_receive", "alipay", Payee, "`https://qr.alipay.com/`: a receiving code.";
    UnionpayReceive = 4, "unionpay_receive", "unionpay", Payee, "`https://qr.95516.com/`: a receiving code.";
    UnionpayEmv = 5, "unionpay_emv", "unionpay", Payee, "EMVCo with UnionPay's account tag 15 or 16.";
    TenpayPayment = 6, "tenpay_payment", "tenpay", Payer, "18 digits beginning with 10 to 15.";
    AlipayPayment = 7, "alipay_payment", "alipay", Payer, "16 to 24 digits beginning with 25 to 30.";
    UnionpayPayment = 8, "unionpay_payment", "unionpay", Payer, "19 digits beginning with 62.";
}

impl fmt::Display for CodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Longest text that is looked at: no code is longer than an EMVCo code, whose length fits in a QR of version 40.
const CODE_LENGTH_MAX: usize = 4_296;

/// The kind of a scanned code, `None` when no network claims it.
#[must_use]
pub fn recognise(code: &str) -> Option<CodeKind> {
    if code.len() > CODE_LENGTH_MAX {
        return None;
    }
    by_scheme(code).or_else(|| by_emv(code)).or_else(|| by_digits(code))
}

fn by_scheme(code: &str) -> Option<CodeKind> {
    if code.strip_prefix("wxp://").is_some_and(|rest| !rest.is_empty()) {
        return Some(CodeKind::TenpayPersonal);
    }
    if code.strip_prefix("weixin://wxpay/bizpayurl?pr=").is_some_and(|rest| !rest.is_empty()) {
        return Some(CodeKind::TenpayMerchant);
    }
    // Scheme and host are case-insensitive: printed codes use capitals to get a smaller QR.
    let scheme = code.get(..8)?;
    let (host, path) = scheme.eq_ignore_ascii_case("https://").then(|| code[8..].split_once('/'))??;
    let hosts = [("qr.alipay.com", CodeKind::AlipayReceive), ("qr.95516.com", CodeKind::UnionpayReceive)];
    let (_, kind) = hosts.into_iter().find(|(known, _)| host.eq_ignore_ascii_case(known))?;
    (!path.is_empty()).then_some(kind)
}

fn by_digits(code: &str) -> Option<CodeKind> {
    if !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let prefix: u8 = code.get(..2)?.parse().ok()?;
    match (prefix, code.len()) {
        (10..=15, 18) => Some(CodeKind::TenpayPayment),
        (25..=30, 16..=24) => Some(CodeKind::AlipayPayment),
        (62, 19) => Some(CodeKind::UnionpayPayment),
        _ => None,
    }
}

fn by_emv(code: &str) -> Option<CodeKind> {
    let emv = Emv::parse(code)?;
    (emv.value("15").or_else(|| emv.value("16"))).map(|_| CodeKind::UnionpayEmv)
}

/// A merchant-presented EMVCo code whose structure and checksum are right.
pub struct Emv<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Emv<'a> {
    /// `None` when the text is not such a code: structure, first tag, last tag or checksum are wrong.
    #[must_use]
    pub fn parse(code: &'a str) -> Option<Self> {
        let fields = tlv(code)?;
        let (first, last) = (fields.first()?, fields.last()?);
        let before_checksum = code.len().checked_sub(4)?;
        let expected = format!("{:04X}", crc16_ccitt_false(code.as_bytes().get(..before_checksum)?));
        (*first == ("00", "01") && last.0 == "63" && last.1 == expected).then_some(Self { fields })
    }

    /// The value of a root tag.
    #[must_use]
    pub fn value(&self, tag: &str) -> Option<&'a str> {
        self.fields.iter().find(|(t, _)| *t == tag).map(|(_, value)| *value)
    }
}

fn tlv(mut rest: &str) -> Option<Vec<(&str, &str)>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (tag, length) = (rest.get(..2)?, rest.get(2..4)?);
        if !tag.bytes().chain(length.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let characters: usize = length.parse().ok()?;
        let value_on = &rest[4..];
        let end = value_on.char_indices().map(|(at, _)| at).chain([value_on.len()]).nth(characters)?;
        let (value, after) = value_on.split_at(end);
        fields.push((tag, value));
        rest = after;
    }
    Some(fields)
}

/// Polynomial 0x1021, initial value 0xFFFF, nothing reflected, nothing xored out.
fn crc16_ccitt_false(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc: u16, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample of the EMVCo specification; its tags are out of order and its names are in two languages.
    const EMV_SAMPLE: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914\
        BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME\
        91320016A0112233449988770708123456786304A13A";

    fn with_checksum(body: &str) -> String {
        let body = format!("{body}6304");
        format!("{body}{:04X}", crc16_ccitt_false(body.as_bytes()))
    }

    #[test]
    fn every_known_code_is_recognised_and_its_neighbours_are_not() {
        use CodeKind::*;
        let unionpay_emv =
            with_checksum("0002010102111516620000000000000052045411530315658 02CN".replace(' ', "").as_str());
        for (code, expected) in [
            ("wxp://f2f0abcDEF", Some(TenpayPersonal)),
            ("WXP://f2f0abcDEF", None),
            ("wxp://", None),
            ("weixin://wxpay/bizpayurl?pr=abc", Some(TenpayMerchant)),
            ("weixin://wxpay/other", None),
            ("https://qr.alipay.com/fkx01234", Some(AlipayReceive)),
            ("HTTPS://QR.ALIPAY.COM/FKX01234", Some(AlipayReceive)),
            ("https://qr.alipay.com.example.org/fkx", None),
            ("https://qr.95516.com/00010000/62028489073949969691921655610979", Some(UnionpayReceive)),
            ("http://qr.95516.com/00010000/62", None),
            (unionpay_emv.as_str(), Some(UnionpayEmv)),
            (EMV_SAMPLE, None), // EMVCo, but neither account tag is UnionPay's
            ("130123456789012345", Some(TenpayPayment)),
            ("160123456789012345", None),
            ("13012345678901234", None),
            ("2812345678901234", Some(AlipayPayment)),
            ("281234567890123456789012", Some(AlipayPayment)),
            ("281234567890123", None),
            ("6212345678901234567", Some(UnionpayPayment)),
            ("621234567890123456", None),
            ("６212345678901234567", None),
            ("", None),
            ("乱码", None),
        ] {
            assert_eq!(recognise(code), expected, "{code}");
        }
    }

    #[test]
    fn the_published_emv_sample_is_read_and_one_changed_character_is_refused() {
        let sample = Emv::parse(EMV_SAMPLE).expect("structure and checksum of the sample are right");
        assert_eq!(sample.value("54"), Some("23.72"));
        assert_eq!(sample.value("53"), Some("156"));
        assert!(Emv::parse(&EMV_SAMPLE.replace("23.72", "23.73")).is_none());
        assert!(Emv::parse(&EMV_SAMPLE[..EMV_SAMPLE.len() - 1]).is_none());
        assert!(Emv::parse("000201").is_none());
        assert!(Emv::parse("0002016304北京").is_none());
    }
}
