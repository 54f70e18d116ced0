//! What the benchmarks through Kafka share: a broker, the topics of a shard, records on them, and a ledger that the networks
//! have funded.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use broker::{Broker, Pace};
use domain::ids::Sequence;
use domain::time::Timestamp;
use ingest::{Admin, KafkaSource, Publisher};
use ledger::Source;
use simulator::mix::FileReader;

use super::{source, work};
use crate::data::{self, Place, Sizes};
use crate::node::{self, Node, Topics};

/// Millions of records are acknowledged long before.
const PATIENCE: Duration = Duration::from_secs(600);

/// Brokers with empty topics.
pub(super) struct Brokers {
    pub(super) address: String,
    pub(super) own: Option<Broker>,
    cluster: String,
}

impl Brokers {
    /// Those given, or one that is started now, with the topics of a shard and the networks' funds on them.
    pub(super) fn ready(given: Option<&str>) -> anyhow::Result<Self> {
        let own = match given {
            Some(_) => None,
            None => Some(Broker::start(Pace::Steady).context("without --brokers one is started")?),
        };
        let address = own.as_ref().map_or_else(|| given.unwrap_or_default().to_owned(), Broker::address);
        // Making topics does not say whether nobody answers or somebody refuses.
        ingest::check(&address, &[], crate::kafka::PATIENCE)?;
        let admin = Admin::new(&address)?;
        admin.create(&data::TOPICS, 1)?;
        admin.create(&[ingest::REJECTED], 1)?;
        let publisher = Publisher::new(&address)?;
        for raw in source::prefunds() {
            publisher.send(data::TOPICS[usize::from(data::CONTROL)], b"", &raw, None)?;
        }
        publisher.finish(PATIENCE)?;
        let cluster = crate::kafka::check(&address)?;
        Ok(Self { address, own, cluster })
    }

    /// A ledger that reads from where the one before in this directory has ended.
    pub(super) fn node(
        &self,
        directory: &Path,
        observed: impl FnOnce(KafkaSource) -> Box<dyn Source>,
    ) -> anyhow::Result<Node> {
        let (topics, place) = (Topics::Kept { cluster: &self.cluster }, Place::of(directory));
        let opened = node::open(topics, &place, rulebook::DEFAULT, Sizes::default())?;
        Ok(Node::start_observed(&self.address, opened, observed)?)
    }

    /// Puts every record of a file on its topic.
    pub(super) fn fill(&self, input: &Path) -> anyhow::Result<()> {
        let publisher = Publisher::new(&self.address)?;
        let mut reader = FileReader::open(input)?;
        while let Some(piece) = reader.next_piece()? {
            for record in piece {
                let time = Timestamp::from_micros(record.timestamp);
                publisher.send(topic(record.source), record.key, record.value, Some(time))?;
            }
        }
        publisher.finish(PATIENCE)?;
        Ok(())
    }
}

/// The topic of a network by its number in the mix.
pub(super) fn topic(network: u16) -> &'static str {
    data::TOPICS[usize::from(data::FIRST_NETWORK + network)]
}

/// Waits until the ledger has read the networks' funds: without them it would refuse what follows.
pub(super) fn wait_until_funded(node: &Node) -> anyhow::Result<Sequence> {
    let funded = work::entries(0);
    work::wait_for(&node.handle, funded, || node.is_finished())?;
    Ok(funded)
}
