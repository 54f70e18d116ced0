//! Writes the fields of one protobuf message into a buffer that is used again: fields in the order of their numbers,
//! each once, values of zero left out, which is how every common encoder writes them.

const VARINT: u32 = 0;
const LENGTH: u32 = 2;

/// "00" to "99".
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut at = 0_u8;
    while at < 100 {
        pairs[at as usize] = [b'0' + at / 10, b'0' + at % 10];
        at += 1;
    }
    pairs
};

/// A message that is being written.
pub(crate) struct Message<'a>(pub(crate) &'a mut Vec<u8>);

impl Message<'_> {
    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push((value & 0x7F) as u8);
    }

    /// An unsigned number, an enum, or a signed number that is not negative.
    #[inline]
    pub(crate) fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.tag(field, VARINT);
            self.varint(value);
        }
    }

    /// A `sint64` that may be left out, so that zero is written too.
    pub(crate) fn signed(&mut self, field: u32, value: i64) {
        self.tag(field, VARINT);
        self.varint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// Text or bytes of less than 128 bytes; nothing when empty.
    #[inline]
    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.tag(field, LENGTH);
            self.varint(value.len() as u64);
            self.0.extend_from_slice(value);
        }
    }

    /// Text made of numbers, each with its width in digits.
    #[inline]
    pub(crate) fn digits<const N: usize>(&mut self, field: u32, parts: [(u64, usize); N]) {
        self.tag(field, LENGTH);
        self.varint(parts.iter().map(|(_, width)| *width as u64).sum());
        for (value, width) in parts {
            self.push_digits(value, width);
        }
    }

    /// The last `width` digits of `value`, at most 20.
    fn push_digits(&mut self, mut value: u64, width: usize) {
        let mut text = [b'0'; 20];
        for pair in text.rchunks_exact_mut(2).take(width.div_ceil(2)) {
            pair.copy_from_slice(&PAIRS[(value % 100) as usize]);
            value /= 100;
        }
        self.0.extend_from_slice(&text[text.len() - width..]);
    }

    /// A message inside the message, of less than 128 bytes.
    pub(crate) fn message(&mut self, field: u32, write: impl FnOnce(&mut Message<'_>)) {
        self.tag(field, LENGTH);
        let length_at = self.0.len();
        self.0.push(0);
        write(self);
        let length = self.0.len() - length_at - 1;
        self.0[length_at] = u8::try_from(length).ok().filter(|l| *l < 0x80).expect("a short message");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Message<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut Message(&mut bytes));
        bytes
    }

    #[test]
    fn fields_are_written_as_the_specification_says() {
        assert_eq!(written(|m| m.number(1, 150)), [0x08, 0x96, 0x01]);
        assert!(written(|m| m.number(1, 0)).is_empty());
        assert_eq!(written(|m| m.number(16, 1)), [0x80, 0x01, 0x01]);
        assert_eq!(written(|m| m.signed(14, 0)), [0x70, 0x00]);
        assert_eq!(written(|m| m.signed(14, -1)), [0x70, 0x01]);
        assert_eq!(written(|m| m.signed(14, 2)), [0x70, 0x04]);
        assert_eq!(written(|m| m.bytes(2, b"testing")), b"\x12\x07testing");
        assert_eq!(written(|m| m.digits(2, [(7, 3), (1_234, 2)])), b"\x12\x0500734");
        assert_eq!(written(|m| m.message(3, |m| m.number(1, 150))), [0x1A, 0x03, 0x08, 0x96, 0x01]);
    }
}
