//! Fields that several records have: names, networks, currencies.

use domain::ids::{Name, Network};
use domain::money::Currency;

use crate::bytes::{Reader, put_bytes};
use crate::error::{FormatError, FormatReason};

pub(crate) fn put_name(out: &mut Vec<u8>, name: Name) {
    put_bytes(out, name.as_str().as_bytes());
}

pub(crate) fn name(reader: &mut Reader<'_>) -> Result<Name, FormatError> {
    let text = reader.text("name")?;
    Name::new(text).ok_or_else(|| reader.error(FormatReason::Text("name")))
}

/// The number of a network as a byte: it is below 64.
pub(crate) const fn network_number(network: Network) -> u8 {
    let [number, ..] = network.index().to_le_bytes();
    number
}

pub(crate) fn network(reader: &mut Reader<'_>) -> Result<Network, FormatError> {
    let number = reader.u8()?;
    Network::from_index(usize::from(number)).ok_or_else(|| reader.unknown("network", number))
}

pub(crate) fn currency(reader: &mut Reader<'_>) -> Result<Currency, FormatError> {
    let letters = reader.array::<3>()?;
    let currency = std::str::from_utf8(&letters).ok().and_then(Currency::from_code);
    currency.ok_or_else(|| reader.error(FormatReason::Text("currency")))
}
