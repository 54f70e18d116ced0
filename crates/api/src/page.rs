//! Pages. A token names the method and the arguments that it belongs to by a digest, the sequence number that all pages are
//! true at, and the place after which the next page begins. It holds nothing secret: changing one gives a page of the same
//! list or an error.

use std::fmt::Debug;

use domain::ids::Sequence;
use sha2::{Digest as _, Sha256};
use tonic::Status;
use wire::status::{ApiCode, api_status, field_invalid};

const SIZE_DEFAULT: usize = 100;
const SIZE_MAX: usize = 1_000;

/// How many items a page has.
pub(crate) fn size(sent: i32) -> Result<usize, Status> {
    match usize::try_from(sent) {
        Ok(0) => Ok(SIZE_DEFAULT),
        Ok(size) => Ok(size.min(SIZE_MAX)),
        Err(_) => Err(field_invalid("page_size", "is negative")),
    }
}

/// What a list was asked for: the method and every argument but the token.
pub(crate) struct Query([u8; 8]);

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// All pages are true at this one.
    pub(crate) sequence: Sequence,
    /// The last item of the page before, in the list's own words.
    pub(crate) after: String,
}

impl Query {
    /// `request` must have its token taken out.
    pub(crate) fn new(method: &str, request: &impl Debug) -> Self {
        let digest = Sha256::digest(format!("{method} {request:?}"));
        Self(digest[..8].try_into().expect("a digest has 32 bytes"))
    }

    /// The token of the page after `place`.
    pub(crate) fn token(&self, place: &Place) -> String {
        let bytes = self.0.into_iter().chain(place.sequence.0.to_be_bytes()).chain(place.after.bytes());
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    /// Where the page of this token begins; `None` for the first page.
    pub(crate) fn place(&self, token: &str) -> Result<Option<Place>, Status> {
        if token.is_empty() {
            return Ok(None);
        }
        self.read(token).map(Some).ok_or_else(|| api_status(ApiCode::PageTokenInvalid, &[]))
    }

    fn read(&self, token: &str) -> Option<Place> {
        let bytes = unhex(token)?;
        let (query, rest) = bytes.split_first_chunk::<8>()?;
        let (sequence, after) = rest.split_first_chunk::<8>()?;
        let after = String::from_utf8(after.to_vec()).ok()?;
        (*query == self.0).then(|| Place { sequence: Sequence(u64::from_be_bytes(*sequence)), after })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?));
    if odd.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_its_method_and_arguments() {
        let query = Query::new("List", &("position", 10));
        let place = Place { sequence: Sequence(42), after: "position.unionpay.tenpay CNY".to_owned() };
        let token = query.token(&place);
        assert_eq!(query.place(&token).unwrap(), Some(place));
        assert_eq!(query.place("").unwrap(), None);
        for other in [Query::new("List", &("position", 11)), Query::new("Other", &("position", 10))] {
            let status = other.place(&token).unwrap_err();
            assert_eq!(wire::status::reason(&status).as_deref(), Some("PAGE_TOKEN_INVALID"));
        }
        for token in ["0", "zz", "00ff", &token[1..], "一二"] {
            assert!(query.place(token).is_err(), "{token}");
        }
    }

    #[test]
    fn a_page_has_a_size_within_bounds() {
        assert_eq!([0, 1, 1_000, 1_001].map(|sent| size(sent).unwrap()), [100, 1, 1_000, 1_000]);
        assert!(size(-1).is_err());
    }
}
