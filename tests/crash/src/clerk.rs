//! Commands through the service's own door, one after the other, for as long as there is a service. What was answered is
//! remembered: the log has to say the same in the end, and once. What was not answered is asked again under the same key.
//!
//! Most of these commands are refused, since a cycle is proposed once; that is an answer too.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{Client, Error};
use domain::clearing::Order;
use domain::cycle::CycleId;
use domain::ids::Id;
use domain::money::CNY;
use e2e::TOPICS;
use ingest::Publisher;
use wire::control::compose;
use wire::settlement::v1::{CycleState, ListSettlementsRequest, ProposeSettlementRequest, StartSettlementRequest};

use crate::bank::cycle;
use crate::witness::Gone;

/// Between two commands.
const PAUSE: Duration = Duration::from_millis(25);
/// Another one than the principal of calls: nobody approves what he has proposed.
const APPROVER: &str = "approver";

/// How a command was answered: the sequence of its entry, or the code of the refusal.
pub(crate) type Answer = Result<u64, String>;

/// See the module.
pub(crate) struct Clerk {
    approvals: Mutex<Publisher>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    next: u64,
    answers: BTreeMap<String, Answer>,
    settlement: Option<CycleState>,
    rests: bool,
}

impl Clerk {
    /// A clerk who has given nothing.
    ///
    /// # Panics
    /// When no client can be made.
    pub(crate) fn new(brokers: &str) -> Self {
        let approvals = Mutex::new(Publisher::new(brokers).expect("a client"));
        Self { approvals, told: Mutex::default() }
    }

    /// Every command that was answered, by its key.
    pub(crate) fn answers(&self) -> BTreeMap<String, Answer> {
        self.told().answers.clone()
    }

    /// Whether instructions of the cycle are at the bank.
    pub(crate) fn is_settling(&self) -> bool {
        self.told().settlement == Some(CycleState::Settling)
    }

    /// Whether the cycle is settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.told().settlement == Some(CycleState::Settled)
    }

    /// Gives no more commands.
    pub(crate) fn rest(&self) {
        self.told().rests = true;
    }

    /// Gives commands until the service is gone.
    pub(crate) async fn work(&self, client: &Client) -> Gone {
        loop {
            while self.told().rests {
                tokio::time::sleep(PAUSE).await;
            }
            let settlements = client.settlements(ListSettlementsRequest::default()).await?.settlements;
            if let Some(settlement) = settlements.first() {
                self.told().settlement = Some(settlement.state());
                if settlement.state() == CycleState::Proposed {
                    self.approve(&settlement.digest);
                }
            }
            let key = format!("key {}", self.told().next);
            let answer = if self.told().next.is_multiple_of(2) {
                let request = ProposeSettlementRequest {
                    cycle: Some(cycle()),
                    idempotency_key: key.clone(),
                    ..Default::default()
                };
                client.propose(request).await.map(|answer| answer.sequence)
            } else {
                let request =
                    StartSettlementRequest { cycle: Some(cycle()), idempotency_key: key.clone(), ..Default::default() };
                client.start(request).await.map(|answer| answer.sequence)
            };
            self.answered(key, answer)?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn answered(&self, key: String, answer: Result<u64, Error>) -> Gone {
        let answer = match answer {
            Ok(sequence) => Ok(sequence),
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => match error.reason() {
                // The command may be on its topic or not: it is asked again.
                None => return Ok(()),
                Some(code) if code == "OUTCOME_UNKNOWN" => return Ok(()),
                Some(code) => Err(code),
            },
        };
        let mut told = self.told();
        told.next += 1;
        told.answers.insert(key, answer);
        Ok(())
    }

    /// As another principal, who is not known at the service's door: onto the topic. The same bytes every time, which count
    /// once.
    fn approve(&self, digest: &[u8]) {
        let digest = digest.try_into().expect("a digest has 32 bytes");
        let rules = rulebook::parse(rulebook::DEFAULT).expect("the default");
        let order = Order::Approve { cycle: CycleId { currency: CNY, number: 1 }, digest };
        let (key, value) = compose::record(Id(7), APPROVER, "approve CNY/1", compose::order(&order, &rules));
        let publisher = self.approvals.lock().unwrap_or_else(PoisonError::into_inner);
        publisher.send(TOPICS[0], &key, &value, None).expect("a queue with room");
        publisher.finish(e2e::PATIENCE).expect("a broker that takes records");
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
