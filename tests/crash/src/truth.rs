//! What is true of the topics, written into a file of its own before a record is published. Nobody else publishes on the
//! networks' topics, and the broker is never ended, so that it is known which bytes stand at which offset. On the control
//! topic the service puts commands too: there it is known what has to come, and in which order.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use e2e::TOPICS;
use sha2::{Digest, Sha256};

/// See the module.
pub(crate) struct Truth(Mutex<Written>);

struct Written {
    file: File,
    /// By topic of the shard: SHA-256 of the values in their order.
    digests: [Vec<[u8; 32]>; TOPICS.len()],
}

impl Truth {
    /// Begins the file.
    ///
    /// # Panics
    /// When it cannot be made.
    pub(crate) fn begin(path: &Path) -> Self {
        let file = File::create(path).expect("a file for the truth");
        Self(Mutex::new(Written { file, digests: Default::default() }))
    }

    /// Notes a record that will be the next one of ours on a topic.
    ///
    /// # Panics
    /// When it cannot be written.
    pub(crate) fn note(&self, topic: usize, value: &[u8]) {
        let mut written = self.written();
        let digest: [u8; 32] = Sha256::digest(value).into();
        let (nth, hex) = (written.digests[topic].len(), crate::hex(&digest));
        writeln!(written.file, "{} {nth} {hex}", TOPICS[topic]).expect("a file that can be written");
        written.digests[topic].push(digest);
    }

    /// The `nth` record of ours on a topic: of a network's, the one at this offset.
    pub(crate) fn at(&self, topic: usize, nth: usize) -> Option<[u8; 32]> {
        self.written().digests[topic].get(nth).copied()
    }

    /// How many records of ours each topic has or will have in a moment.
    pub(crate) fn counts(&self) -> [usize; TOPICS.len()] {
        self.written().digests.each_ref().map(Vec::len)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
