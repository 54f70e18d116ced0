//! Reads the zip a network delivers a bill in. Members are told apart by content, streamed, and never written anywhere.
//!
//! Nothing an archive says of itself is believed: the sizes it declares bound what is decompressed, and have to be met
//! exactly; names are decoded only to be shown, and one that points out of a folder condemns the archive.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::document::{self, Document};
use crate::report::Report;
use crate::text::Charset;
use crate::{Error, Fault, Reason, Refusal, Sink, Summary};

/// The networks put two to six members into an archive.
const MEMBERS_MAX: usize = 16;
/// Delimited bills compress about 10:1. Fixed-width records that differ in anything stay below 70:1, because a match of
/// deflate is at most 258 bytes; zip bombs are about 1000:1.
const RATIO_MAX: u64 = 100;
/// A day of 28 million rows is about 17 GB at 607 bytes.
const MEMBER_BYTES_MAX: u64 = 32 << 30;

/// Looks at the first bytes and goes back to the start. An empty archive has another mark.
pub(crate) fn is_archive(input: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut mark = Vec::new();
    input.take(4).read_to_end(&mut mark)?;
    input.rewind()?;
    Ok(mark == b"PK\x03\x04" || mark == b"PK\x05\x06")
}

pub(crate) fn read<R: Read + Seek>(mut input: R, each: Sink<'_>) -> Result<Summary, Error> {
    let length = input.seek(SeekFrom::End(0))?;
    input.rewind()?;
    let mut archive = ZipArchive::new(BufReader::new(input)).map_err(|why| damaged("", why))?;
    let members = archive.len();
    if members > MEMBERS_MAX {
        return Err(Refusal::archive("", format!("it has {members} members, more than {MEMBERS_MAX}")).into());
    }
    let mut content = Content::default();
    for index in 0..members {
        read_member(&mut archive, index, length, &mut content, each)?;
    }
    content.into_summary(each)
}

/// What has been found so far.
#[derive(Default)]
struct Content {
    bill: Option<Summary>,
    report: Option<Report>,
    unread: Vec<Fault>,
}

fn read_member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
    length: u64,
    content: &mut Content,
    each: Sink<'_>,
) -> Result<(), Error> {
    let file = archive.by_index(index).map_err(|why| damaged("", why))?;
    let name = display_name(file.name_raw());
    require_safe(&name)?;
    let declared = file.size();
    require_size(&name, declared, file.compressed_size().min(length))?;
    if declared == 0 {
        return require_exact(&name, declared, io::copy(&mut file.take(1), &mut io::sink()));
    }
    let most = declared.saturating_add(1);
    let mut bounded = file.take(most);
    let document = document::read(&mut bounded, each);
    if matches!(&document, Err(Error::Io(why)) if why.raw_os_error().is_some()) {
        return document.map(drop);
    }
    let rest = io::copy(&mut bounded, &mut io::sink());
    // Said first: a lie about the size explains whatever else went wrong with the content.
    require_exact(&name, declared, rest.map(|_| most.saturating_sub(bounded.limit())))?;
    content.add(&name, document)
}

impl Content {
    fn add(&mut self, name: &str, document: Result<Document, Error>) -> Result<(), Error> {
        match document {
            Ok(Document::Bill(bill)) if self.bill.is_none() => self.bill = Some(bill),
            Ok(Document::Report(report)) if self.report.is_none() => self.report = Some(report),
            Ok(Document::Bill(_) | Document::Report(_)) => {
                return Err(Refusal::archive(name, "it holds two of the same kind; read them one by one").into());
            }
            Ok(Document::Companion) => {}
            Err(Error::Refused(refusal @ Refusal::UnknownLayout { .. })) => {
                self.unread.push(Fault::new(0, "member", name, Reason::Unread(refusal.to_string())));
            }
            Err(Error::Refused(refusal)) => return Err(refusal.into()),
            Err(Error::Io(why)) => return Err(damaged(name, ZipError::Io(why))),
        }
        Ok(())
    }

    /// A list without a page of totals is a list; a page without a list is a page. A member that is not understood does not
    /// make the others unreadable, but somebody has to look at it.
    fn into_summary(self, each: Sink<'_>) -> Result<Summary, Error> {
        let mut summary = match (self.bill, self.report) {
            (Some(bill), Some(report)) => Summary { control: report.against(&bill), ..bill },
            (Some(bill), None) => bill,
            (None, Some(report)) => report.into_summary(),
            (None, None) => {
                let member = self.unread.first().map_or("", |fault| &fault.value);
                return Err(
                    Refusal::archive(member, "no member is a bill; take the file as the network sent it").into()
                );
            }
        };
        for fault in self.unread {
            let item = Err(fault);
            summary.fold(&item);
            each(item);
        }
        Ok(summary)
    }
}

/// Alipay writes names in GBK and does not say so; nobody else uses anything but ASCII.
fn display_name(raw: &[u8]) -> String {
    let text = Charset::Utf8.decode(raw).or_else(|_| Charset::Gbk.decode(raw));
    text.map_or_else(|_| String::from_utf8_lossy(raw).into_owned(), std::borrow::Cow::into_owned)
}

fn require_safe(name: &str) -> Result<(), Refusal> {
    let outside =
        name.starts_with(['/', '\\']) || name.contains([':', '\0']) || name.split(['/', '\\']).any(|part| part == "..");
    if outside { Err(Refusal::archive(name, "a member's name points outside of the archive")) } else { Ok(()) }
}

fn require_size(name: &str, declared: u64, compressed: u64) -> Result<(), Refusal> {
    let most = compressed.saturating_mul(RATIO_MAX).min(MEMBER_BYTES_MAX);
    if declared <= most {
        return Ok(());
    }
    let why =
        format!("a member declares {declared} bytes, more than the {most} allowed for {compressed} compressed ones");
    Err(Refusal::archive(name, why))
}

fn require_exact(name: &str, declared: u64, found: io::Result<u64>) -> Result<(), Error> {
    match found {
        Ok(found) if found == declared => Ok(()),
        Ok(found) => {
            let found = if found > declared { "more".to_owned() } else { format!("only {found}") };
            let why = format!("a member declares {declared} bytes and holds {found}; fetch it again");
            Err(Refusal::archive(name, why).into())
        }
        Err(why) => Err(damaged(name, ZipError::Io(why))),
    }
}

fn damaged(name: &str, why: ZipError) -> Error {
    match why {
        // The system's word and not the archive's: the file may be whole.
        ZipError::Io(why) if why.raw_os_error().is_some() => Error::Io(why),
        why => Refusal::archive(name, format!("it cannot be unpacked ({why}); fetch it again")).into(),
    }
}
