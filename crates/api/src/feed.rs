//! `PartnerFeedService`: what became of a network's own records.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::Sequence;
use domain::rejection::RejectionCode;
use domain::state::View as _;
use tonic::{Request, Response, Status};
use wire::event::v1::{Outcome, Rejection};
use wire::names;
use wire::partner::v1::partner_feed_service_server::PartnerFeedService;
use wire::partner::v1::stream_feed_response::Item;
use wire::partner::v1::{FeedEvent, StreamFeedRequest, StreamFeedResponse};
use wire::status::status;

use crate::entry;
use crate::follow::{Follow, Pick, Seen};
use crate::reader::Reader;
use crate::server::Stopping;
use crate::stream::{self, Answers};

pub(crate) struct Feeds {
    pub(crate) reader: Reader,
    pub(crate) stopping: Stopping,
    pub(crate) heartbeat: Duration,
    pub(crate) client_patience: Duration,
}

#[tonic::async_trait]
impl PartnerFeedService for Feeds {
    type StreamFeedStream = Answers<StreamFeedResponse>;

    async fn stream_feed(
        &self,
        request: Request<StreamFeedRequest>,
    ) -> Result<Response<Self::StreamFeedStream>, Status> {
        let sent = request.into_inner();
        let newest = self.reader.newest()?;
        if newest.state.rules().current().network(&sent.network).is_none() {
            return Err(status(&RejectionCode::UnknownNetwork.into()));
        }
        let (outlet, answers) = stream::pair(self.client_patience);
        let follow = Follow {
            reader: self.reader.clone(),
            stopping: self.stopping.clone(),
            heartbeat: self.heartbeat,
            pick: Arc::new(Feed { network: sent.network }),
            next: Sequence(sent.from_sequence.max(1)),
            last: Sequence(u64::MAX),
            follow: true,
        };
        tokio::spawn(follow.run(outlet));
        Ok(Response::new(answers))
    }
}

/// One network's feed.
struct Feed {
    network: String,
}

impl Pick for Feed {
    type Answer = StreamFeedResponse;

    fn pick(&self, seen: &mut Seen<'_>) -> Result<Option<StreamFeedResponse>, ledger::Error> {
        if entry::topic_network(seen.handle, seen.entry) != Some(self.network.as_str()) {
            return Ok(None);
        }
        let item = self.item(seen)?;
        Ok(Some(StreamFeedResponse { item: Some(item), sequence: seen.entry.sequence.0 }))
    }

    fn nothing_up_to(&self, sequence: Sequence) -> StreamFeedResponse {
        StreamFeedResponse { item: None, sequence: sequence.0 }
    }
}

impl Feed {
    fn item(&self, seen: &mut Seen<'_>) -> Result<Item, ledger::Error> {
        let first = entry::first(seen.handle, seen.entry)?;
        let judged = first.as_ref().unwrap_or(seen.entry);
        let (mut decision, event) = (entry::decision(judged), entry::payment_event(judged));
        if matches!(decision.outcome(), Outcome::Accepted | Outcome::Parked) {
            decision.journals = seen.teller.journals(seen.handle, seen.entry, seen.names)?;
            let recorded_time = Some(names::timestamp(seen.entry.recorded_at));
            return Ok(Item::Event(FeedEvent { event, decision: Some(decision), recorded_time }));
        }
        let is_quarantined = decision.outcome() == Outcome::Quarantined;
        let (event_id, payment_id) = event.map(|event| (event.event_id, event.payment_id)).unwrap_or_default();
        Ok(Item::Rejection(Rejection {
            sequence: seen.entry.sequence.0,
            outcome: decision.outcome,
            code: decision.code,
            message_en: decision.message_en,
            message_zh: decision.message_zh,
            reporting_network: self.network.clone(),
            event_id,
            payment_id,
            source: entry::source(seen.handle, seen.entry),
            recorded_at_micros: seen.entry.arrived_at.micros(),
            quarantined: is_quarantined.then(|| entry::quarantined(judged)),
        }))
    }
}
