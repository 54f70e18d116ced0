//! An Apache Kafka of one's own: one node on loopback, made, started, killed, started again. For benchmarks and tests.
//!
//! The recipe, a script and three files of settings, is part of the program that uses this, so that nothing has to lie
//! beside it. It needs Bash and Java 17, and Maven the first time: the jars are then kept for everybody.
//!
//! Absent on purpose: a client of Kafka, and everything of the ledger.
//!
//! ```no_run
//! # fn measure() -> Result<(), broker::Error> {
//! let broker = broker::Broker::start(broker::Pace::Steady)?;
//! println!("an empty broker listens on {}", broker.address());
//! # Ok(())
//! # }
//! ```

mod jars;
mod ports;
mod recipe;

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use thiserror::Error;

/// How long a broker may take to start, on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the broker is to be good at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Starts soon and stays small: for tests.
    Quick,
    /// As fast after a minute as it will be after a day: for measuring. Takes up to 1 GiB.
    Steady,
}

/// Why there is no broker.
#[derive(Debug, Error)]
pub enum Error {
    /// Its files cannot be written, or its process cannot be started.
    #[error("cannot {verb} a Kafka broker")]
    System {
        /// What was being done.
        verb: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Nowhere to keep the jars: the program does not stand in a build and there is no home directory.
    #[error("there is no directory to keep Kafka's jars in")]
    NoPlace,
    /// Preparing it has failed: what is missing, or what was said last.
    #[error("cannot prepare a Kafka broker: {0}")]
    Recipe(String),
    /// It has ended, or was not ready in time: what it said last.
    #[error("the Kafka broker did not start:\n{0}")]
    NotStarted(String),
}

pub(crate) fn failed(verb: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::System { verb, source }
}

/// A broker with a directory of its own. Dropping it kills it and removes what it has written.
#[derive(Debug)]
pub struct Broker {
    directory: TempDir,
    jars: PathBuf,
    port: u16,
    pace: Pace,
    child: Option<Child>,
}

impl Broker {
    /// Makes and starts one.
    ///
    /// # Errors
    /// When Java is missing, or Maven and the jars are, or the broker does not start.
    pub fn start(pace: Pace) -> Result<Self, Error> {
        let directory = TempDir::with_prefix("hutong-kafka-").map_err(failed("make a directory for"))?;
        recipe::write(directory.path())?;
        let jars = jars::kept(directory.path())?;
        let [port, controller] = ports::free().map_err(failed("find ports for"))?;
        let (kept, own) = (text(&jars)?, text(directory.path())?);
        recipe::run(directory.path(), &["format", kept, own, &port.to_string(), &controller.to_string()])?;
        let mut broker = Self { directory, jars, port, pace, child: None };
        broker.start_again()?;
        Ok(broker)
    }

    /// As clients are given it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process, while it runs: whoever measures wants to know what it took.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends the broker as a power cut would, as far as it can tell.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<(), Error> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).map(drop).map_err(failed("kill"))
    }

    /// Starts it on what it has written, and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<(), Error> {
        let output = self.directory.path().join("output.txt");
        let started = self.spawn(&output).map_err(failed("start"))?;
        let child = self.child.insert(started);
        let begun = Instant::now();
        loop {
            let said = fs::read_to_string(&output).unwrap_or_default();
            let ended = child.try_wait().map_err(failed("start"))?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                return Err(Error::NotStarted(recipe::end(&said)));
            }
            if said.contains("Kafka Server started") && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn spawn(&self, output: &Path) -> io::Result<Child> {
        let written = fs::File::create(output)?;
        let verb = if self.pace == Pace::Quick { "run" } else { "run-steady" };
        let mut command = recipe::script(self.directory.path());
        command.arg(verb).arg(&self.jars).arg(self.directory.path());
        command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written).spawn()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.kill();
    }
}

/// The script's settings are lines of text.
fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::Recipe(format!("{} is not text", path.display())))
}
