//! The end of a thread that reads the ledger. It is waited for: the last one to let go of a ledger closes its database, and a
//! process must not end in the middle of that. But not for ever: a thread may wait for brokers that are away.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than a thread that is not stuck takes to see that it is to stop.
const WITHIN: Duration = Duration::from_secs(2);

/// Waits until a thread that was asked to stop has ended, or not much longer than it should take.
pub(crate) fn wait(thread: &mut Option<JoinHandle<()>>) {
    let Some(thread) = thread.take() else { return };
    let asked = Instant::now();
    while !thread.is_finished() && asked.elapsed() < WITHIN {
        std::thread::sleep(Duration::from_millis(1));
    }
    if thread.is_finished() {
        // It has said itself what was wrong.
        let _ = thread.join();
    }
}
