//! Streams over the log: from an entry on, in order, each entry looked at once; then, if wanted, whatever becomes durable.
//! Up to where it has looked is said at the end and every few seconds when nothing else is.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::Sequence;
use domain::rulebook::Rulebook;
use domain::state::View as _;
use ledger::{Handle, LoggedEntry};
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use wire::status::{ApiCode, api_status};

use crate::entry::Teller;
use crate::reader::Reader;
use crate::server::Stopping;
use crate::stream::{Gone, Outlet};

/// Entries looked at in one go: below 10 ms, and a few hundred kilobytes of answers.
const BATCH: usize = 1_024;

/// What a stream shows of an entry.
pub(crate) trait Pick: Send + Sync + 'static {
    type Answer: Send + 'static;

    /// `None` when the entry is not wanted.
    fn pick(&self, seen: &mut Seen<'_>) -> Result<Option<Self::Answer>, ledger::Error>;

    /// That nothing more up to `sequence` is wanted.
    fn nothing_up_to(&self, sequence: Sequence) -> Self::Answer;
}

/// An entry, and what is needed to tell it.
pub(crate) struct Seen<'a> {
    pub(crate) handle: &'a Handle,
    pub(crate) teller: &'a mut Teller,
    pub(crate) entry: &'a LoggedEntry,
    pub(crate) names: &'a Rulebook,
}

/// One client's stream.
pub(crate) struct Follow<P> {
    pub(crate) reader: Reader,
    pub(crate) stopping: Stopping,
    pub(crate) heartbeat: Duration,
    pub(crate) pick: Arc<P>,
    /// The first entry wanted.
    pub(crate) next: Sequence,
    /// The last one wanted.
    pub(crate) last: Sequence,
    /// Whether it goes on behind the newest.
    pub(crate) follow: bool,
}

impl<P: Pick> Follow<P> {
    /// Until the end, or until the client goes away.
    pub(crate) async fn run(mut self, outlet: Outlet<P::Answer>) {
        match self.show(&outlet).await {
            Ok(Ok(())) | Err(Gone) => {}
            Ok(Err(status)) => outlet.end(status),
        }
    }

    async fn show(&mut self, outlet: &Outlet<P::Answer>) -> Result<Result<(), Status>, Gone> {
        let mut news = self.reader.news.clone();
        let mut quiet_until = Instant::now() + self.heartbeat;
        let mut end = match self.reader.newest() {
            Ok(newest) => newest.sequence.min(self.last),
            Err(status) => return Ok(Err(status)),
        };
        loop {
            let mut said = Sequence(0);
            while self.next <= end {
                let (answers, through) = match self.batch(end).await {
                    Ok(batch) => batch,
                    Err(status) => return Ok(Err(status)),
                };
                for (sequence, answer) in answers {
                    outlet.send(answer).await?;
                    (said, quiet_until) = (sequence, Instant::now() + self.heartbeat);
                }
                self.next = Sequence(through.0 + 1);
                if self.stopping.is_told() {
                    return Ok(Err(api_status(ApiCode::Starting, &[])));
                }
                if Instant::now() >= quiet_until {
                    outlet.send(self.pick.nothing_up_to(through)).await?;
                    (said, quiet_until) = (through, Instant::now() + self.heartbeat);
                }
            }
            let looked = Sequence(self.next.0 - 1);
            if !self.follow || looked >= self.last {
                if said < looked {
                    outlet.send(self.pick.nothing_up_to(looked)).await?;
                }
                return Ok(Ok(()));
            }
            let is_over = tokio::select! {
                () = outlet.closed() => return Err(Gone),
                () = self.stopping.wait() => true,
                changed = timeout_at(quiet_until, news.changed()) => matches!(changed, Ok(Err(_))),
            };
            if is_over {
                return Ok(Err(api_status(ApiCode::Starting, &[])));
            }
            if Instant::now() >= quiet_until {
                outlet.send(self.pick.nothing_up_to(looked)).await?;
                quiet_until = Instant::now() + self.heartbeat;
            }
            end = match self.reader.newest() {
                Ok(newest) => newest.sequence.min(self.last),
                Err(status) => return Ok(Err(status)),
            };
        }
    }

    /// What is wanted of the next entries, each with its sequence, and the last entry looked at.
    async fn batch(&self, end: Sequence) -> Result<(Vec<(Sequence, P::Answer)>, Sequence), Status> {
        let (pick, from) = (Arc::clone(&self.pick), self.next);
        self.reader
            .blocking(move |handle| {
                let snapshot = handle.snapshot();
                let names = snapshot.state.rules().current();
                let (mut teller, mut answers, mut through) = (Teller::default(), Vec::new(), end);
                for entry in handle.entries(from, BATCH)? {
                    if entry.sequence > end {
                        break;
                    }
                    through = entry.sequence;
                    let mut seen = Seen { handle, teller: &mut teller, entry: &entry, names };
                    if let Some(answer) = pick.pick(&mut seen)? {
                        answers.push((entry.sequence, answer));
                    }
                }
                Ok((answers, through))
            })
            .await
    }
}
