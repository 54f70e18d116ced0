//! Which ledger a data directory belongs to. Written once, when the directory is created, and the beginning of the chain:
//! h\[0\] is made of it, so that two ledgers never share a chain. A directory is never opened with another genesis.

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::bytes::{Reader, put_bytes, put_u64};
use crate::error::{FormatError, RecordKind};

pub(crate) const VERSION: u8 = 1;
const DOMAIN: &[u8] = b"hutong genesis v1";

/// A Kafka topic that records are consumed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub topic: String,
    /// The id that the broker gave it, as the broker writes it; empty where the broker does not tell. A topic that was
    /// deleted and created again has another one, and its offsets mean something else.
    pub topic_id: String,
    /// Must be 1: a shard reads one partition of a topic.
    pub partitions: u32,
}

/// The identity of a ledger's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The Kafka cluster.
    pub cluster: String,
    /// Number of the shard.
    pub shard: u32,
    /// In the order by which entries name them; never reordered.
    pub sources: Vec<Source>,
}

/// The field by which two genesis records differ, or which is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GenesisMismatch {
    /// Another Kafka cluster.
    #[error("cluster is {stored:?} in the directory and {given:?} in the configuration")]
    Cluster {
        /// In the directory.
        stored: String,
        /// In the configuration.
        given: String,
    },
    /// Another shard.
    #[error("shard is {stored} in the directory and {given} in the configuration")]
    Shard {
        /// In the directory.
        stored: u32,
        /// In the configuration.
        given: u32,
    },
    /// Other topics, in another order, or created anew under the same name.
    #[error("topics are {stored:?} in the directory and {given:?} in the configuration")]
    Topics {
        /// In the directory, each as `name` or `name/id`.
        stored: Vec<String>,
        /// In the configuration.
        given: Vec<String>,
    },
    /// A topic has more than one partition, or none.
    #[error("topic {topic:?} has a partition count of {partitions}, a shard reads topics of 1")]
    Partitions {
        /// Which topic.
        topic: String,
        /// How many.
        partitions: u32,
    },
    /// More sources than an entry can name.
    #[error("{0} topics are more than 1024")]
    TooManyTopics(usize),
}

impl Genesis {
    /// Refuses what no ledger may begin with.
    ///
    /// # Errors
    /// A topic whose partition count is not 1, or more than 1,024 topics.
    pub fn check(&self) -> Result<(), GenesisMismatch> {
        if let Some(source) = self.sources.iter().find(|source| source.partitions != 1) {
            let (topic, partitions) = (source.topic.clone(), source.partitions);
            return Err(GenesisMismatch::Partitions { topic, partitions });
        }
        if self.sources.len() > 1_024 { Err(GenesisMismatch::TooManyTopics(self.sources.len())) } else { Ok(()) }
    }

    /// Refuses `given` when it is not the genesis of this directory.
    ///
    /// # Errors
    /// The first field that differs: partition counts, cluster, shard, topics.
    pub fn admit(&self, given: &Self) -> Result<(), GenesisMismatch> {
        given.check()?;
        if self.cluster != given.cluster {
            let (stored, given) = (self.cluster.clone(), given.cluster.clone());
            return Err(GenesisMismatch::Cluster { stored, given });
        }
        if self.shard != given.shard {
            return Err(GenesisMismatch::Shard { stored: self.shard, given: given.shard });
        }
        if self.sources != given.sources {
            return Err(GenesisMismatch::Topics { stored: self.topic_names(), given: given.topic_names() });
        }
        Ok(())
    }

    fn topic_names(&self) -> Vec<String> {
        let name = |source: &Source| match source.topic_id.as_str() {
            "" => source.topic.clone(),
            id => format!("{}/{id}", source.topic),
        };
        self.sources.iter().map(name).collect()
    }

    /// h\[0\] of the chain.
    #[must_use]
    pub fn chain_head(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.encode());
        hash.finalize().into()
    }

    /// The record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_bytes(&mut out, self.cluster.as_bytes());
        put_u64(&mut out, u64::from(self.shard));
        put_u64(&mut out, self.sources.len() as u64);
        for source in &self.sources {
            put_bytes(&mut out, source.topic.as_bytes());
            put_bytes(&mut out, source.topic_id.as_bytes());
            put_u64(&mut out, u64::from(source.partitions));
        }
        out
    }

    /// The inverse of [`Genesis::encode`].
    ///
    /// # Errors
    /// When the bytes are not a genesis of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::versioned(RecordKind::Genesis, bytes, &[VERSION])?;
        let cluster = reader.text("cluster")?.to_owned();
        let shard = reader.u32("shard")?;
        let mut sources = Vec::new();
        for _ in 0..reader.u64()? {
            let topic = reader.text("topic")?.to_owned();
            let topic_id = reader.text("topic id")?.to_owned();
            sources.push(Source { topic, topic_id, partitions: reader.u32("partition count")? });
        }
        reader.finish()?;
        Ok(Self { cluster, shard, sources })
    }
}
