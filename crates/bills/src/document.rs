//! Tells what a file is by its first bytes and gives it to the reader of that form.

use std::io::{BufReader, Cursor, Read};

use crate::layouts::TENPAY_NO_BILL;
use crate::report::Report;
use crate::{Error, Network, Refusal, Sink, Summary, delimited, fixed, report};

/// Enough for the whole error message of a network, the frame and header of a list, or the heading of a page.
const HEAD_BYTES: u64 = 8 * 1024;

/// What one file, or one member of an archive, turned out to be.
pub(crate) enum Document {
    /// A list of movements, already handed out.
    Bill(Summary),
    /// Totals of a list that is elsewhere.
    Report(Report),
    /// Known, and nothing in it is needed.
    Companion,
}

impl Document {
    /// For a file that stands alone.
    pub(crate) fn into_summary(self) -> Result<Summary, Error> {
        match self {
            Self::Bill(summary) => Ok(summary),
            Self::Report(report) => Ok(report.into_summary()),
            Self::Companion => {
                Err(Refusal::unknown(1, "", "it is the list of totals by shop; read the list of transactions").into())
            }
        }
    }
}

pub(crate) fn read(mut input: impl Read, each: Sink<'_>) -> Result<Document, Error> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let whole = Cursor::new(&head).chain(BufReader::new(input));
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    if head.is_empty() {
        Err(Refusal::Empty.into())
    } else if start.starts_with(b"<xml>") {
        Ok(Document::Bill(message(&String::from_utf8_lossy(start))?))
    } else if head.starts_with(b"PK\x03\x04") {
        Err(Refusal::archive("", "an archive inside an archive is not opened; take the file as the network sent it")
            .into())
    } else if head.starts_with(b"\x1F\x8B") {
        Err(Refusal::unknown(1, "", "it is compressed with gzip; decompress it first").into())
    } else if fixed::is_record(&head) {
        fixed::read(whole, each)
    } else if report::is_page(&head) {
        report::read(whole).map(Document::Report)
    } else {
        delimited::read(whole, each)
    }
}

/// What WeChat Pay answers in place of a bill: that the day has none, or that it failed.
fn message(xml: &str) -> Result<Summary, Refusal> {
    let (layout, no_bill) = TENPAY_NO_BILL;
    let text = element(xml, "return_msg").unwrap_or("");
    if text.eq_ignore_ascii_case(no_bill) {
        return Ok(Summary::new(Network::Tenpay, layout));
    }
    Err(Refusal::NotProduced { network: Network::Tenpay, message: crate::error::cut(text) })
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    let inner = inner.trim();
    Some(inner.strip_prefix("<![CDATA[").and_then(|data| data.strip_suffix("]]>")).unwrap_or(inner).trim())
}
