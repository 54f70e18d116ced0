//! Ports that nobody listens on.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::TcpListener;

/// Two of them. Both are held until both are known, so that they differ.
pub(crate) fn free() -> io::Result<[u16; 2]> {
    let held = [listener()?, listener()?];
    Ok([held[0].local_addr()?.port(), held[1].local_addr()?.port()])
}

/// Below the ports that the system gives to whoever connects (from 32,768 on): while a broker is away, a client that tries
/// again and again to connect to a port of that range may be given the same one and then hold it, connected to itself.
fn listener() -> io::Result<TcpListener> {
    let random = RandomState::new();
    let port = |nth: u32| 12_000 + u16::try_from(random.hash_one(nth) % 20_000).expect("it is below 20,000");
    let mut bound = TcpListener::bind(("127.0.0.1", port(0)));
    for nth in 1..100 {
        if bound.is_ok() {
            break;
        }
        bound = TcpListener::bind(("127.0.0.1", port(nth)));
    }
    bound
}
