//! The oracle: a gRPC client that follows the log for as long as the service lives, and remembers all of it when it does not.
//!
//! Whatever it has seen was acknowledged as durable: the next life of the service has to have the same chain up to there.
//! Every entry is held against the truth: of each topic nothing is missing, nothing comes twice, nothing has other bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{Client, Options};
use e2e::TOPICS;
use wire::audit::v1::stream_events_request::Start;
use wire::audit::v1::{GetChainHeadRequest, LedgerEntry, StreamEventsRequest};
use wire::balances::v1::ListBalancesRequest;

use crate::clerk::Clerk;
use crate::truth::Truth;

/// See the module.
pub(crate) struct Witness {
    truth: Arc<Truth>,
    seen: Mutex<Seen>,
    has_failed: AtomicBool,
    /// Gives commands through the same door.
    pub(crate) clerk: Clerk,
}

struct Seen {
    file: File,
    /// The chain hash after every entry.
    heads: Vec<[u8; 32]>,
    /// By topic: the next offset.
    next: [i64; TOPICS.len()],
    /// Records of ours on the control topic.
    commands: usize,
}

impl Witness {
    /// Begins with an empty log, and writes what it sees into a file.
    ///
    /// # Panics
    /// When the file cannot be made.
    pub(crate) fn begin(path: &Path, truth: Arc<Truth>, clerk: Clerk) -> Self {
        let file = File::create(path).expect("a file for what is acknowledged");
        let seen = Seen { file, heads: Vec::new(), next: [0; TOPICS.len()], commands: 0 };
        Self { truth, seen: Mutex::new(seen), has_failed: AtomicBool::new(false), clerk }
    }

    /// Follows a service until it is gone.
    ///
    /// # Panics
    /// When anything is not as it was, or not as it has to be.
    pub(crate) fn follow(&self, endpoint: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let failing = Failing(self);
        runtime.block_on(async {
            let client = Client::new(endpoint, Options { deadline: Duration::from_secs(20) }).expect("an address");
            let gone = tokio::select! {
                gone = self.watch(&client) => gone,
                gone = self.clerk.work(&client) => gone,
            };
            if let Err(error) = gone {
                let is_slow = error.reason().is_some_and(|code| code == "CLIENT_TOO_SLOW");
                assert!(error.is_unavailable() || is_slow, "an answer that nobody expects: {error}");
            }
        });
        std::mem::forget(failing);
    }

    /// The last entry that was seen as durable.
    pub(crate) fn last(&self) -> u64 {
        self.seen().heads.len() as u64
    }

    /// The chain hash after every entry that was seen.
    pub(crate) fn heads(&self) -> Vec<[u8; 32]> {
        self.seen().heads.clone()
    }

    /// Whether there are records of ours that it has not seen.
    pub(crate) fn is_behind(&self, counts: &[usize; TOPICS.len()]) -> bool {
        let seen = self.seen();
        let networks = seen.next.iter().zip(counts).skip(1);
        seen.commands < counts[0] || networks.into_iter().any(|(next, count)| next.unsigned_abs() < *count as u64)
    }

    /// Whether it has seen something that must not be.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// What it has written is on the disk, beside whatever happens to the service.
    ///
    /// # Panics
    /// When it cannot be.
    pub(crate) fn sync(&self) {
        self.seen().file.sync_data().expect("a file that can be synced");
    }

    async fn watch(&self, client: &Client) -> Gone {
        let acknowledged = self.last();
        let end = client.chain_head(GetChainHeadRequest::default()).await?;
        assert!(
            end.sequence >= acknowledged,
            "LOST: entry {acknowledged} was durable, now the log ends at {}",
            end.sequence
        );
        conservation(client).await?;
        let start = Some(Start::FromSequence(acknowledged.max(1)));
        let request = StreamEventsRequest { start, follow: true, ..Default::default() };
        let mut stream = client.events(request).await?;
        while let Some(answer) = stream.next().await? {
            if let Some(entry) = answer.entry {
                self.see(&entry);
            }
        }
        Ok(())
    }

    fn see(&self, entry: &LedgerEntry) {
        let head: [u8; 32] = entry.chain_hash.as_slice().try_into().expect("a chain hash has 32 bytes");
        let mut seen = self.seen();
        let last = seen.heads.len() as u64;
        if entry.sequence == last {
            assert_eq!(Some(&head), seen.heads.last(), "ALTERED: the chain up to entry {last} is another one");
            return;
        }
        assert_eq!(entry.sequence, last + 1, "an entry is missing in the stream");
        writeln!(seen.file, "{} {}", entry.sequence, crate::hex(&head)).expect("a file that can be written");
        seen.heads.push(head);
        let Some(source) = &entry.source else { return };
        let Some(topic) = TOPICS.iter().position(|topic| *topic == source.topic) else { return };
        let (name, sequence, expected) = (&source.topic, entry.sequence, seen.next[topic]);
        assert!(source.offset >= expected, "DOUBLED: {name} offset {} again in entry {sequence}", source.offset);
        assert_eq!(source.offset, expected, "LOST: {name} goes on without an offset in entry {sequence}");
        seen.next[topic] += 1;
        let nth = if topic == 0 { seen.commands } else { usize::try_from(expected).expect("not negative") };
        let is_ours = self.truth.at(topic, nth).as_ref().map(<[u8; 32]>::as_slice) == Some(&entry.content_digest);
        assert!(is_ours || topic == 0, "ALTERED: {name} offset {expected} in entry {sequence} has other bytes");
        seen.commands += usize::from(is_ours && topic == 0);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How following ends: the service is gone, which is what these suites are about.
pub(crate) type Gone = Result<(), client::Error>;

/// Says that a witness has failed when its thread panics.
struct Failing<'a>(&'a Witness);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        self.0.has_failed.store(true, Ordering::Release);
    }
}

/// Debits and credits of a currency are the same, over all accounts.
async fn conservation(client: &Client) -> Gone {
    let balances = client.all_balances(ListBalancesRequest::default()).await?.balances;
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for balance in balances {
        let number = |digits: &str| digits.parse::<i128>().expect("an amount in minor units");
        let difference = number(&balance.debits_minor_units) - number(&balance.credits_minor_units);
        *sums.entry(balance.currency_code).or_default() += difference;
    }
    assert!(sums.values().all(|sum| *sum == 0), "CONSERVATION: debits and credits differ by {sums:?}");
    Ok(())
}
