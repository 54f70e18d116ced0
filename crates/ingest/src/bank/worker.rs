//! A thread that does one thing with a topic until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ending;
use crate::error::Error;

/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A part at work. Dropping it ends it.
pub struct Worker {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Release);
        ending::wait(&mut self.thread);
    }
}

/// Whether to go on.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Runs `work` until it returns because it was stopped; after an error, anew. An error is said when it is another one than
/// before.
pub(super) fn start(
    name: &'static str,
    mut work: impl FnMut(&Stop) -> Result<(), Error> + Send + 'static,
) -> Result<Worker, Error> {
    let asked = Stop::default();
    let stop = asked.clone();
    let run = move || {
        let mut said = None;
        while let Err(error) = work(&stop)
            && !stop.is_asked()
        {
            let text = error.to_string();
            if said.as_ref() != Some(&text) {
                tracing::error!(error = text, worker = name, "trying again");
                said = Some(text);
            }
            std::thread::sleep(AGAIN_AFTER);
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(Error::Thread)?;
    Ok(Worker { stop: asked, thread: Some(thread) })
}
