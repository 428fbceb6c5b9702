//! Free ports, below those that the system gives to outgoing connections, so that nobody takes one in between.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 10_000;
const COUNT: u32 = 22_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An address on the loopback interface that nobody listens on. Never the same twice in one process.
pub(crate) fn free() -> SocketAddr {
    let start = std::process::id().wrapping_mul(97);
    loop {
        let step = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(FIRST + step).unwrap()));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
