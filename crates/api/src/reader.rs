//! How every read finds its moment: it waits for `min_sequence` if asked to, refuses a stopped ledger and a moment that lies
//! ahead, and knows of a past moment its sequence number, when it was recorded and under which rulebook.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::account::Account;
use domain::book::Balance;
use domain::ids::Sequence;
use domain::rulebook::Rulebook;
use domain::state::View as _;
use domain::time::Timestamp;
use ledger::Handle;
use ledger::Snapshot;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Status};
use wire::common::v1::{ReadAt, read_at};
use wire::status::{ApiCode, api_status, field_invalid};

use crate::absent::absent;
use crate::deadline;
use crate::history::History;
use crate::page::{Place, Query};

/// What all services share.
#[derive(Clone)]
pub(crate) struct Reader {
    handle: Handle,
    /// Changes when something became visible, or when the ledger failed.
    pub(crate) news: watch::Receiver<Sequence>,
    history: Arc<History>,
    /// States that page tokens name, oldest first.
    paged: Arc<Mutex<VecDeque<Arc<Snapshot>>>>,
    call_time_max: Duration,
}

/// States kept for the next pages of what only a state tells: they share what did not change.
const PAGED_MAX: usize = 64;

/// A moment of the ledger and the newest state, which is at or after it.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) sequence: Sequence,
    pub(crate) newest: Arc<Snapshot>,
}

/// Which moment a request asks for.
pub(crate) struct Asked {
    pub(crate) read_at: Option<ReadAt>,
    pub(crate) min_sequence: u64,
    pub(crate) until: Until,
}

/// The moment until which a caller waits.
#[derive(Clone, Copy)]
pub(crate) struct Until(Instant);

impl Until {
    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    pub(crate) const fn instant(self) -> Instant {
        self.0
    }
}

impl Reader {
    pub(crate) fn new(handle: Handle, news: watch::Receiver<Sequence>, call_time_max: Duration) -> Self {
        Self { handle, news, history: Arc::default(), paged: Arc::default(), call_time_max }
    }

    /// The moment that a request names, to be waited for no longer than its deadline.
    pub(crate) fn asked<T>(&self, request: &Request<T>, read_at: Option<ReadAt>, min_sequence: u64) -> Asked {
        Asked { read_at, min_sequence, until: self.until(request) }
    }

    /// When a request has to be answered.
    pub(crate) fn until<T>(&self, request: &Request<T>) -> Until {
        Until(deadline::of(request.metadata(), self.call_time_max))
    }

    /// The newest state of a ledger that has not failed.
    pub(crate) fn newest(&self) -> Result<Arc<Snapshot>, Status> {
        if self.handle.has_failed() { Err(api_status(ApiCode::ShardStopped, &[])) } else { Ok(self.handle.snapshot()) }
    }

    /// Waits until the ledger has what the request asks for.
    pub(crate) async fn reach(&self, asked: &Asked) -> Result<Arc<Snapshot>, Status> {
        let min = Sequence(asked.min_sequence);
        let mut news = self.news.clone();
        loop {
            news.borrow_and_update();
            let newest = self.newest()?;
            if newest.sequence >= min {
                return Ok(newest);
            }
            match timeout_at(asked.until.instant(), news.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(api_status(ApiCode::Starting, &[])),
                Err(_) => return Err(not_reached(min, newest.sequence)),
            }
        }
    }

    /// The moment of a first page, or of an answer that has no pages.
    pub(crate) async fn moment(&self, asked: &Asked) -> Result<Moment, Status> {
        let newest = self.reach(asked).await?;
        let at = match asked.read_at {
            None => return Ok(Moment { sequence: newest.sequence, newest }),
            Some(read_at) => read_at.at.ok_or_else(|| field_invalid("read_at", "names no moment"))?,
        };
        match at {
            read_at::At::Sequence(sequence) if Sequence(sequence) > newest.sequence => {
                Err(ahead(Sequence(sequence), newest.sequence))
            }
            read_at::At::Sequence(sequence) => Ok(Moment { sequence: Sequence(sequence), newest }),
            read_at::At::RecordedTime(time) => {
                let time = time_of("read_at.recorded_time", time.seconds, time.nanos)?;
                let sequence = self.blocking(move |handle| handle.sequence_at(time)).await?;
                // A block may be durable a moment before it is visible.
                Ok(Moment { sequence: sequence.min(newest.sequence), newest })
            }
        }
    }

    /// The moment of the page at `place`, or of the first one.
    pub(crate) async fn moment_of_page(&self, asked: &Asked, place: Option<&Place>) -> Result<Moment, Status> {
        let Some(place) = place else { return self.moment(asked).await };
        let newest = self.newest()?;
        if place.sequence > newest.sequence {
            return Err(api_status(ApiCode::PageTokenInvalid, &[]));
        }
        Ok(Moment { sequence: place.sequence, newest })
    }

    /// The state in which the register is read: the newest one, or for a further page that of the first. The register is
    /// kept as it stands now, so another past moment is not answered.
    pub(crate) async fn standing(&self, asked: &Asked, place: Option<&Place>) -> Result<Arc<Snapshot>, Status> {
        if let Some(place) = place {
            self.newest()?;
            let paged = self.paged.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = paged.iter().find(|kept| kept.sequence == place.sequence);
            return kept.cloned().ok_or_else(|| api_status(ApiCode::PageTokenInvalid, &[]));
        }
        let moment = self.moment(asked).await?;
        if moment.is_newest() { Ok(moment.newest) } else { Err(absent()) }
    }

    /// One page of what a state tells, and the token of the next one. The place is how many came before.
    pub(crate) fn page_of<T>(
        &self,
        told: impl Iterator<Item = T>,
        size: usize,
        query: &Query,
        place: Option<&Place>,
        snapshot: &Arc<Snapshot>,
    ) -> (Vec<T>, String) {
        let before = place.and_then(|place| place.after.parse().ok()).unwrap_or(0_usize);
        let mut told = told.skip(before);
        let page: Vec<T> = told.by_ref().take(size).collect();
        if told.next().is_none() {
            return (page, String::new());
        }
        let mut paged = self.paged.lock().unwrap_or_else(PoisonError::into_inner);
        if !paged.iter().any(|kept| kept.sequence == snapshot.sequence) {
            paged.push_back(Arc::clone(snapshot));
            if paged.len() > PAGED_MAX {
                paged.pop_front();
            }
        }
        let after = before.saturating_add(size).to_string();
        (page, query.token(&Place { sequence: snapshot.sequence, after }))
    }

    /// The number by which entries name a topic.
    pub(crate) fn source(&self, topic: &str) -> Option<u16> {
        let sources = &self.handle.genesis().sources;
        u16::try_from(sources.iter().position(|source| source.topic == topic)?).ok()
    }

    /// Reads the store, away from the threads that serve.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Handle) -> Result<T, ledger::Error> + Send + 'static,
    ) -> Result<T, Status> {
        let handle = self.handle.clone();
        let done = tokio::task::spawn_blocking(move || read(&handle)).await;
        match done {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a read failed");
                Err(api_status(ApiCode::ShardStopped, &[]))
            }
            // The service is stopping.
            Err(_) => Err(api_status(ApiCode::Starting, &[])),
        }
    }

    /// What the log says about cycles, read up to `moment`.
    pub(crate) async fn history(&self, moment: &Moment) -> Result<Arc<History>, Status> {
        let (history, moment) = (Arc::clone(&self.history), moment.clone());
        self.blocking(move |handle| history.read_through(handle, &moment).map(|()| history)).await
    }

    /// When the entry of a moment was recorded; `None` for the empty ledger.
    pub(crate) async fn recorded_at(&self, moment: &Moment) -> Result<Option<Timestamp>, Status> {
        if moment.is_newest() || moment.sequence == Sequence(0) {
            return Ok((moment.sequence > Sequence(0)).then_some(moment.newest.recorded_at));
        }
        let sequence = moment.sequence;
        let entries = self.blocking(move |handle| handle.entries(sequence, 1)).await?;
        Ok(entries.first().map(|entry| entry.recorded_at))
    }

    /// How many rulebook versions were loaded at a moment; one before the first entry, which holds it.
    pub(crate) async fn rulebook_version(&self, moment: &Moment) -> Result<u32, Status> {
        let current = moment.newest.state.rules().current().version;
        if moment.is_newest() || current == 1 || moment.sequence == Sequence(0) {
            return Ok(if moment.is_newest() { current } else { 1 });
        }
        let sequence = moment.sequence;
        let entries = self.blocking(move |handle| handle.entries(sequence, 1)).await?;
        Ok(entries.first().map_or(1, |entry| entry.rulebook))
    }
}

impl Moment {
    /// Whether this is the newest state itself.
    pub(crate) fn is_newest(&self) -> bool {
        self.sequence == self.newest.sequence
    }

    /// The rulebook of names: networks keep their numbers and names for ever.
    pub(crate) fn names(&self) -> &Rulebook {
        self.newest.state.rules().current()
    }

    /// What an account stands at.
    pub(crate) fn balance(&self, handle: &Handle, account: Account) -> Result<Balance, ledger::Error> {
        if self.is_newest() {
            return Ok(self.newest.state.book().balance(account));
        }
        Ok(handle.balance_at(account, self.sequence)?.unwrap_or_default())
    }
}

/// A moment as a request writes it.
pub(crate) fn time_of(field: &str, seconds: i64, nanos: i32) -> Result<Timestamp, Status> {
    let micros = i64::from(nanos) / 1_000;
    let within = (0..1_000_000_000).contains(&nanos);
    let time = seconds.checked_mul(1_000_000).and_then(|whole| whole.checked_add(micros)).filter(|_| within);
    time.map(Timestamp::from_micros).ok_or_else(|| field_invalid(field, "is no time that a clock shows"))
}

pub(crate) fn ahead(asked: Sequence, newest: Sequence) -> Status {
    let facts = [("sequence", asked.to_string()), ("newest_sequence", newest.to_string())];
    api_status(ApiCode::SequenceAhead, &facts)
}

fn not_reached(asked: Sequence, newest: Sequence) -> Status {
    let facts = [("min_sequence", asked.to_string()), ("newest_sequence", newest.to_string())];
    api_status(ApiCode::SequenceNotReached, &facts)
}
