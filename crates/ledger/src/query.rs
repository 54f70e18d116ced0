//! Questions that only the writer can answer. A payment's newest state is in the writer's memory, so a reader leaves a
//! question, the writer answers it between two blocks, and the reader gets the answer when everything that it rests on is
//! durable. At most [`QUESTIONS_MAX`] wait; one more is refused at once, so that readers cannot slow the writer down.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use domain::ids::{Id, Sequence};
use domain::payment::Payment;

/// Answering one costs a look-up, and they are answered between blocks: this many are below a millisecond.
const QUESTIONS_MAX: usize = 1_024;

/// A payment as it stands after an entry.
pub(crate) type Answered = (Option<Payment>, Sequence);

/// A question and where its answer goes.
pub(crate) struct Question {
    pub(crate) payment: Id,
    pub(crate) answer: SyncSender<Answered>,
}

/// Questions that wait for the writer.
#[derive(Default)]
pub(crate) struct Questions(Mutex<VecDeque<Question>>);

impl Questions {
    /// Leaves a question; `None` when too many wait already.
    pub(crate) fn ask(&self, payment: Id) -> Option<Receiver<Answered>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= QUESTIONS_MAX {
            return None;
        }
        let (answer, answered) = sync_channel(1);
        waiting.push_back(Question { payment, answer });
        Some(answered)
    }

    /// Everything that waits.
    pub(crate) fn take(&self) -> VecDeque<Question> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
