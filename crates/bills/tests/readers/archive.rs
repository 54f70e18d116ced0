//! Archives: what networks send, and what an attacker would.

use bills::Refusal;

use crate::fixtures::{accepted, archive, gbk, refused, replace};
use crate::{alipay, unionpay};

fn why(bytes: &[u8]) -> String {
    match refused(bytes) {
        Refusal::Archive { why, .. } => why,
        other => panic!("{other}"),
    }
}

fn shops() -> Vec<u8> {
    gbk(
        "#支付宝业务汇总查询\r\n#账号：[20880000000000010156]\r\n门店编号,门店名称,交易订单总笔数,退款订单总笔数\r\n合计,,1,1\r\n",
    )
}

#[test]
fn an_alipay_archive_is_read_in_either_order_under_names_in_gbk() {
    let (day, shops) = (alipay::day(), shops());
    for members in [[("d______", &day), ("s_______", &shops)], [("s_______", &shops), ("d______", &day)]] {
        let members: Vec<_> = members.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let bytes = archive(&members);
        let bytes = replace(&bytes, b"d______", &[&gbk("明细"), b".cs".as_slice()].concat());
        let bytes = replace(&bytes, b"s_______", &[&gbk("汇總"), b".csv".as_slice()].concat());
        let reading = accepted(&bytes);
        assert_eq!((reading.summary.layout, reading.control().as_str()), ("alipay-trade-25", "matched"));
        assert_eq!((reading.rows.len(), reading.faults.len()), (2, 0));
    }
}

#[test]
fn a_member_that_is_not_understood_is_a_fault_that_names_it() {
    let reading = accepted(&archive(&[("ZM", &unionpay::day()), ("INN26112288ZME_1", b"E22 1 2 3"), ("EMPTY", b"")]));
    assert_eq!((reading.rows.len(), reading.faults[0].value.as_str()), (4, "INN26112288ZME_1"));
    assert!(reading.fault().starts_with("member is not read: is not of a known layout"));
}

#[test]
fn an_archive_without_exactly_one_bill_is_refused() {
    assert!(why(&archive(&[])).starts_with("no member is a bill"));
    assert!(why(&archive(&[("a", b"text")])).starts_with("no member is a bill"));
    assert!(
        why(&archive(&[("a", &unionpay::day()), ("b", &alipay::day())])).starts_with("it holds two of the same kind")
    );
    assert!(why(&archive(&[("a", &archive(&[("b", b"x")]))])).starts_with("an archive inside an archive"));
    let day = unionpay::day();
    let many: Vec<(String, &[u8])> = (0..17).map(|i| (i.to_string(), day.as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    assert_eq!(why(&archive(&many)), "it has 17 members, more than 16");
}

#[test]
fn names_that_point_out_of_the_archive_are_refused() {
    for name in ["../../a", "/tmp/aaa", "..\\..\\a", "C:\\aaaa", "x/../..", "..///aaa"] {
        // Some writers normalise names, so the name is put in afterwards.
        let placeholder = "n".repeat(name.len());
        let bytes = archive(&[(&placeholder, &unionpay::day())]);
        let bytes = replace(&bytes, placeholder.as_bytes(), name.as_bytes());
        let refusal = refused(&bytes);
        assert_eq!(refusal.value(), name);
        assert!(refusal.to_string().contains("points outside"), "{refusal}");
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let bomb = archive(&[("bomb", &vec![b'0'; 50 << 20])]);
    assert!(bomb.len() < 100_000);
    assert!(why(&bomb).starts_with("a member declares 52428800 bytes, more than the"), "{}", why(&bomb));
}

#[test]
fn a_member_that_lies_about_its_size_is_refused() {
    let day = unionpay::day();
    let honest = archive(&[("ZM", &day)]);
    let size = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let says = |claimed: usize| replace(&honest, &size(day.len()), &size(claimed));
    assert_eq!(accepted(&honest).rows.len(), 4);
    for claimed in [day.len() - 1, 609, 0] {
        assert_larger(&says(claimed));
    }
    let short = format!("a member declares {} bytes and holds only {}; fetch it again", day.len() + 1, day.len());
    assert_eq!(why(&says(day.len() + 1)), short);
    assert!(why(&says(1 << 30)).starts_with("a member declares 1073741824 bytes, more than the"));
    // A bomb that declares little is not unpacked beyond what it declares.
    let bomb = vec![b'0'; 50 << 20];
    let small = replace(&archive(&[("bomb", &bomb)]), &size(bomb.len()), &size(609));
    assert_larger(&small);
}

/// Said by the unpacking library where it checks, else by the reader.
fn assert_larger(bytes: &[u8]) {
    let why = why(bytes);
    assert!(why.contains("larger than its declared") || why.contains("bytes and holds more"), "{why}");
}

#[test]
fn a_damaged_archive_is_refused() {
    let honest = archive(&[("ZM", &unionpay::day())]);
    for cut in 4..honest.len() {
        assert!(matches!(refused(&honest[..cut]), Refusal::Archive { .. }), "cut at {cut}");
    }
    let mut flipped = honest;
    flipped[60] ^= 0x55;
    assert!(matches!(refused(&flipped), Refusal::Archive { .. }));
}

/// A disk that gives up behind so many bytes.
struct Failing {
    bytes: std::io::Cursor<Vec<u8>>,
    left: usize,
}

impl std::io::Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| std::io::Error::from_raw_os_error(5))?;
        Ok(count)
    }
}

impl std::io::Seek for Failing {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// A file that is called bad is a break and settlement goes on; a disk that fails must stop whoever reads.
#[test]
fn a_disk_that_fails_anywhere_is_not_taken_for_a_bad_archive() {
    let bytes = archive(&[("ZM", &unionpay::day())]);
    let (mut failed, mut left) = (0, 0);
    loop {
        match bills::read(Failing { bytes: std::io::Cursor::new(bytes.clone()), left }, |_| {}) {
            Err(bills::Error::Io(error)) => assert_eq!(error.raw_os_error(), Some(5), "behind {left} bytes"),
            Err(bills::Error::Refused(refusal)) => panic!("behind {left} bytes: {refusal}"),
            Ok(_) => break,
        }
        failed += 1;
        left += 1;
    }
    assert!(failed > 100, "{failed}");
}
