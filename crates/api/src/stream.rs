//! Answers that go on. A task makes them and leaves them in a short queue; the client's reading empties it. When the queue
//! stays full for as long as a client may take, the task ends and the stream says `CLIENT_TOO_SLOW` behind what is queued.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;
use wire::status::{ApiCode, api_status};

/// Messages that wait for the client; more would only hide that it does not read.
const QUEUE_MAX: usize = 16;

type LastWord = Arc<Mutex<Option<Status>>>;

/// Where a task leaves its answers.
pub(crate) struct Outlet<T> {
    queue: mpsc::Sender<T>,
    last: LastWord,
    patience: Duration,
}

/// What the client reads.
pub(crate) struct Answers<T> {
    queue: mpsc::Receiver<T>,
    last: LastWord,
}

/// Nobody reads any more: the task has nothing left to do.
pub(crate) struct Gone;

/// A stream and where its answers come from.
pub(crate) fn pair<T>(patience: Duration) -> (Outlet<T>, Answers<T>) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let last = LastWord::default();
    (Outlet { queue: sender, last: Arc::clone(&last), patience }, Answers { queue: receiver, last })
}

impl<T> Outlet<T> {
    /// Leaves one answer.
    pub(crate) async fn send(&self, answer: T) -> Result<(), Gone> {
        match tokio::time::timeout(self.patience, self.queue.send(answer)).await {
            Ok(sent) => sent.map_err(|_| Gone),
            Err(_) => {
                self.end(api_status(ApiCode::ClientTooSlow, &[]));
                Err(Gone)
            }
        }
    }

    /// Says why nothing comes behind what is queued.
    pub(crate) fn end(&self, status: Status) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    /// Until the client goes away.
    pub(crate) async fn closed(&self) {
        self.queue.closed().await;
    }
}

impl<T> Stream for Answers<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.queue.poll_recv(context));
        Poll::Ready(match next {
            Some(answer) => Some(Ok(answer)),
            None => self.last.lock().unwrap_or_else(PoisonError::into_inner).take().map(Err),
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_read_gets_what_is_queued_and_then_the_reason() {
        let (outlet, mut answers) = pair(Duration::from_millis(5));
        let mut sent = 0_usize;
        while outlet.send(sent).await.is_ok() {
            sent += 1;
        }
        drop(outlet);
        for expected in 0..sent {
            assert_eq!(answers.next().await.unwrap().unwrap(), expected);
        }
        let status = answers.next().await.unwrap().unwrap_err();
        assert_eq!((sent, wire::status::reason(&status).as_deref()), (QUEUE_MAX, Some("CLIENT_TOO_SLOW")));
        assert!(answers.next().await.is_none());
    }
}
