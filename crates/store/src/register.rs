//! How the register of settlements, files and breaks lies in the state record: every list with its length, every optional
//! part behind a byte that says whether it is there.

use domain::break_code::BreakCode;
use domain::clearing::{
    BillFile, BillRow, BillTotals, Booking, Break, ControlTotals, Ending, FileRecord, Finding, Instruction,
    InstructionState, Numbers, Register, Resolution, Settlement, Signature,
};
use domain::cycle::CycleId;
use domain::ids::{Id, Sequence};
use domain::time::{Date, Timestamp};

use crate::bytes::{Reader, put_bytes, put_i64, put_i128, put_u64};
use crate::cycle::{party, party_number};
use crate::error::{FormatError, FormatReason};
use crate::fields::{currency, network, network_number};
use crate::payment::report::{kind, kind_number, side};

type Read<T> = Result<T, FormatError>;

pub(crate) fn put(out: &mut Vec<u8>, register: &Register) {
    let settlements: Vec<_> = register.settlements().collect();
    put_all(out, &settlements, |out, settlement| put_settlement(out, settlement));
    put_all(out, register.files(), |out, record| put_file_record(out, record));
    let breaks: Vec<_> = register.breaks().collect();
    put_all(out, &breaks, |out, raised| put_break(out, raised));
    let legs: Vec<_> = register.matched_legs().collect();
    put_all(out, &legs, |out, (network, legs)| {
        out.push(network_number(*network));
        put_numbers(out, legs);
    });
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Register> {
    let settlements = all(reader, settlement)?;
    let files = all(reader, file_record)?;
    let breaks = all(reader, break_of)?;
    let legs = all(reader, |reader| Ok((network(reader)?, numbers(reader)?)))?;
    Ok(Register::restore(settlements, files, breaks, legs))
}

// ---- parts ----

fn put_all<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    put_u64(out, items.len() as u64);
    items.iter().for_each(|item| put(out, item));
}

fn all<T>(reader: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    let mut items = Vec::new();
    for _ in 0..reader.u64()? {
        items.push(read(reader)?);
    }
    Ok(items)
}

fn put_option<T>(out: &mut Vec<u8>, part: Option<&T>, put: impl Fn(&mut Vec<u8>, &T)) {
    out.push(u8::from(part.is_some()));
    if let Some(part) = part {
        put(out, part);
    }
}

fn option<T>(reader: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> Read<T>) -> Read<Option<T>> {
    match reader.u8()? {
        0 => Ok(None),
        1 => read(reader).map(Some),
        other => Err(reader.unknown("optional part", other)),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

fn text(reader: &mut Reader<'_>) -> Read<String> {
    reader.text("text").map(str::to_owned)
}

fn put_id(out: &mut Vec<u8>, id: Id) {
    out.extend(id.to_bytes());
}

fn id(reader: &mut Reader<'_>) -> Read<Id> {
    reader.array().map(u128::from_be_bytes).map(Id)
}

fn put_date(out: &mut Vec<u8>, date: Date) {
    put_i64(out, i64::from(date.days_since_epoch()));
}

fn date(reader: &mut Reader<'_>) -> Read<Date> {
    let days = i32::try_from(reader.i64()?).map_err(|_| reader.error(FormatReason::Range("business date")))?;
    Ok(Date::from_days_since_epoch(days))
}

fn sequence(reader: &mut Reader<'_>) -> Read<Sequence> {
    reader.u64().map(Sequence)
}

fn put_signature(out: &mut Vec<u8>, signature: &Signature) {
    put_text(out, &signature.by);
    put_u64(out, signature.at.0);
}

fn signature(reader: &mut Reader<'_>) -> Read<Signature> {
    Ok(Signature { by: text(reader)?, at: sequence(reader)? })
}

fn put_numbers(out: &mut Vec<u8>, numbers: &Numbers) {
    let pieces = numbers.pieces();
    put_u64(out, pieces.len() as u64);
    for (piece, words) in pieces {
        put_u64(out, piece);
        words.iter().for_each(|word| put_u64(out, *word));
    }
}

fn numbers(reader: &mut Reader<'_>) -> Read<Numbers> {
    let pieces = all(reader, |reader| {
        let piece = reader.u64()?;
        let mut words = [0; 64];
        for word in &mut words {
            *word = reader.u64()?;
        }
        Ok((piece, words))
    })?;
    Ok(Numbers::restore(pieces))
}

// ---- settlements ----

fn put_settlement(out: &mut Vec<u8>, settlement: &Settlement) {
    out.extend(settlement.cycle.currency.to_bytes());
    put_u64(out, u64::from(settlement.cycle.number));
    put_all(out, &settlement.lines, |out, (party, minor)| {
        out.push(party_number(*party));
        put_i128(out, *minor);
    });
    put_all(out, &settlement.instructions, put_instruction);
    out.extend(settlement.digest);
    put_signature(out, &settlement.proposed);
    put_option(out, settlement.approved.as_ref(), put_signature);
    put_option(out, settlement.started.as_ref(), |out, at| put_i64(out, at.micros()));
    put_option(out, settlement.settled.as_ref(), |out, (sequence, at)| {
        put_u64(out, sequence.0);
        put_i64(out, at.micros());
    });
}

fn settlement(reader: &mut Reader<'_>) -> Read<Settlement> {
    let time = |reader: &mut Reader<'_>| reader.i64().map(Timestamp::from_micros);
    Ok(Settlement {
        cycle: CycleId { currency: currency(reader)?, number: reader.u32("cycle")? },
        lines: all(reader, |reader| Ok((party(reader)?, reader.i128()?)))?,
        instructions: all(reader, instruction)?,
        digest: reader.array()?,
        proposed: signature(reader)?,
        approved: option(reader, signature)?,
        started: option(reader, time)?,
        settled: option(reader, |reader| Ok((sequence(reader)?, time(reader)?)))?,
    })
}

fn put_instruction(out: &mut Vec<u8>, instruction: &Instruction) {
    out.extend([instruction.debtor, instruction.creditor].map(party_number));
    put_i64(out, instruction.minor);
    put_u64(out, u64::from(instruction.attempt));
    match &instruction.state {
        InstructionState::Planned => out.push(1),
        InstructionState::Sent => out.push(2),
        InstructionState::Confirmed { reference } => {
            out.push(3);
            put_text(out, reference);
        }
        InstructionState::Rejected { reference, reason } => {
            out.push(4);
            put_option(out, reference.as_ref(), |out, reference| put_text(out, reference));
            put_text(out, reason);
        }
    }
}

fn instruction(reader: &mut Reader<'_>) -> Read<Instruction> {
    Ok(Instruction {
        debtor: party(reader)?,
        creditor: party(reader)?,
        minor: reader.i64()?,
        attempt: reader.u32("attempt")?,
        state: match reader.u8()? {
            1 => InstructionState::Planned,
            2 => InstructionState::Sent,
            3 => InstructionState::Confirmed { reference: text(reader)? },
            4 => InstructionState::Rejected { reference: option(reader, text)?, reason: text(reader)? },
            other => return Err(reader.unknown("instruction state", other)),
        },
    })
}

// ---- files ----

fn put_file_record(out: &mut Vec<u8>, record: &FileRecord) {
    let BillFile { network, business_date, digest, file_name, layout, totals, control_totals, invalid_rows } =
        &record.file;
    out.push(network_number(*network));
    put_date(out, *business_date);
    out.extend(digest);
    put_text(out, file_name);
    put_text(out, layout);
    out.extend(totals.currency.to_bytes());
    [totals.rows, totals.payments, totals.refunds].iter().for_each(|count| put_u64(out, u64::from(*count)));
    [totals.payments_minor, totals.refunds_minor, totals.fees_minor].iter().for_each(|minor| put_i64(out, *minor));
    out.push(match control_totals {
        ControlTotals::Matched => 1,
        ControlTotals::Mismatched => 2,
        ControlTotals::Absent => 3,
    });
    put_u64(out, u64::from(*invalid_rows));
    put_u64(out, u64::from(record.version));
    put_u64(out, record.recorded.0);
    put_numbers(out, &record.matched);
    put_numbers(out, &record.proven);
    put_u64(out, u64::from(record.matched_count));
    put_all(out, &record.match_entries, |out, sequence| put_u64(out, sequence.0));
}

fn file_record(reader: &mut Reader<'_>) -> Read<FileRecord> {
    Ok(FileRecord {
        file: BillFile {
            network: network(reader)?,
            business_date: date(reader)?,
            digest: reader.array()?,
            file_name: text(reader)?,
            layout: text(reader)?,
            totals: totals(reader)?,
            control_totals: match reader.u8()? {
                1 => ControlTotals::Matched,
                2 => ControlTotals::Mismatched,
                3 => ControlTotals::Absent,
                other => return Err(reader.unknown("control totals", other)),
            },
            invalid_rows: reader.u32("invalid rows")?,
        },
        version: reader.u32("version of a file")?,
        recorded: sequence(reader)?,
        matched: numbers(reader)?,
        proven: numbers(reader)?,
        matched_count: reader.u32("matched rows")?,
        match_entries: all(reader, sequence)?,
    })
}

fn totals(reader: &mut Reader<'_>) -> Read<BillTotals> {
    let currency = currency(reader)?;
    let [rows, payments, refunds] = [reader.u32("rows")?, reader.u32("payments")?, reader.u32("refunds")?];
    let [payments_minor, refunds_minor, fees_minor] = [reader.i64()?, reader.i64()?, reader.i64()?];
    Ok(BillTotals { currency, rows, payments, payments_minor, refunds, refunds_minor, fees_minor })
}

// ---- breaks ----

fn put_break(out: &mut Vec<u8>, raised: &Break) {
    put_finding(out, &raised.finding);
    put_signature(out, &raised.raised);
    put_option(out, raised.booking.as_ref(), put_booking);
    put_option(out, raised.ending.as_ref(), |out, ending| {
        out.push(resolution_number(ending.resolution));
        put_signature(out, &ending.signature);
        put_text(out, &ending.note);
    });
}

fn break_of(reader: &mut Reader<'_>) -> Read<Break> {
    Ok(Break {
        finding: finding(reader)?,
        raised: signature(reader)?,
        booking: option(reader, booking)?,
        ending: option(reader, |reader| {
            Ok(Ending { resolution: resolution(reader)?, signature: signature(reader)?, note: text(reader)? })
        })?,
    })
}

fn put_finding(out: &mut Vec<u8>, finding: &Finding) {
    put_id(out, finding.id);
    out.extend([finding.code as u8, network_number(finding.network)]);
    put_date(out, finding.business_date);
    put_option(out, finding.row.as_ref(), |out, row| {
        out.extend(row.file);
        put_u64(out, u64::from(row.line));
    });
    put_option(out, finding.payment.as_ref(), |out, id| put_id(out, *id));
    put_option(out, finding.movement.as_ref(), |out, id| put_id(out, *id));
    put_option(out, finding.kind.as_ref(), |out, kind| out.push(kind_number(*kind)));
    put_option(out, finding.side.as_ref(), |out, side| out.push(*side as u8));
    put_text(out, &finding.network_reference);
    put_text(out, &finding.refund_reference);
    out.extend(finding.currency.to_bytes());
    put_option(out, finding.ledger_minor.as_ref(), |out, minor| put_i64(out, *minor));
    put_option(out, finding.file_minor.as_ref(), |out, minor| put_i64(out, *minor));
    put_text(out, &finding.note);
    put_option(out, finding.replaces.as_ref(), |out, id| put_id(out, *id));
}

fn finding(reader: &mut Reader<'_>) -> Read<Finding> {
    Ok(Finding {
        id: id(reader)?,
        code: code(reader)?,
        network: network(reader)?,
        business_date: date(reader)?,
        row: option(reader, |reader| Ok(BillRow { file: reader.array()?, line: reader.u32("line")? }))?,
        payment: option(reader, id)?,
        movement: option(reader, id)?,
        kind: option(reader, kind)?,
        side: option(reader, side)?,
        network_reference: text(reader)?,
        refund_reference: text(reader)?,
        currency: currency(reader)?,
        ledger_minor: option(reader, |reader| reader.i64())?,
        file_minor: option(reader, |reader| reader.i64())?,
        note: text(reader)?,
        replaces: option(reader, id)?,
    })
}

fn code(reader: &mut Reader<'_>) -> Read<BreakCode> {
    let number = reader.u8()?;
    let code = BreakCode::ALL.iter().copied().find(|code| *code as u8 == number);
    code.ok_or_else(|| reader.unknown("break code", number))
}

fn put_booking(out: &mut Vec<u8>, booking: &Booking) {
    match booking {
        Booking::Held { from, to, minor } => {
            out.extend([1, network_number(*from)]);
            put_option(out, to.as_ref(), |out, to| out.push(network_number(*to)));
            put_i64(out, *minor);
        }
        Booking::InTransit => out.push(2),
        Booking::Advanced { to, against, minor, approval } => {
            out.extend([3, network_number(*to), network_number(*against)]);
            put_i64(out, *minor);
            put_option(out, approval.as_ref(), |out, (by, minor)| {
                put_text(out, by);
                put_i64(out, *minor);
            });
        }
    }
}

fn booking(reader: &mut Reader<'_>) -> Read<Booking> {
    Ok(match reader.u8()? {
        1 => Booking::Held { from: network(reader)?, to: option(reader, network)?, minor: reader.i64()? },
        2 => Booking::InTransit,
        3 => Booking::Advanced {
            to: network(reader)?,
            against: network(reader)?,
            minor: reader.i64()?,
            approval: option(reader, |reader| Ok((text(reader)?, reader.i64()?)))?,
        },
        other => return Err(reader.unknown("booking", other)),
    })
}

const fn resolution_number(resolution: Resolution) -> u8 {
    match resolution {
        Resolution::MatchedLater => 1,
        Resolution::Booked => 2,
        Resolution::UndoneByNetwork => 4,
        Resolution::FileCorrected => 5,
        Resolution::Accepted => 6,
        Resolution::Replaced => 7,
    }
}

fn resolution(reader: &mut Reader<'_>) -> Read<Resolution> {
    Ok(match reader.u8()? {
        1 => Resolution::MatchedLater,
        2 => Resolution::Booked,
        4 => Resolution::UndoneByNetwork,
        5 => Resolution::FileCorrected,
        6 => Resolution::Accepted,
        7 => Resolution::Replaced,
        other => return Err(reader.unknown("resolution", other)),
    })
}
