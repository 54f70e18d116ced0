//! The binary as an operator runs it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Where cargo puts the program of this name when it builds the workspace.
///
/// # Panics
/// When this is not a test program.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    this.ancestors().nth(2).expect("a test program stands in a directory of the build").join(name)
}

fn built() -> PathBuf {
    let built = program("hutong");
    assert!(built.exists(), "{} is missing: build the whole workspace", built.display());
    built
}

/// Runs a verb to its end.
///
/// # Panics
/// When the binary cannot be started.
#[must_use]
pub fn hutong(arguments: &[&str]) -> Output {
    Command::new(built()).args(arguments).stdin(Stdio::null()).output().expect("the binary runs")
}

/// How a service ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// From the wish that it ends.
    pub took: Duration,
    /// Everything it has said.
    pub said: String,
}

/// `hutong serve` at work. Dropping it kills it.
pub struct Service {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts it; progress comes every 20 ms.
    ///
    /// # Panics
    /// When the binary cannot be started.
    #[must_use]
    pub fn start(brokers: &str, directory: &Path) -> Self {
        Self::spawn(Self::command(&built(), brokers, directory))
    }

    /// What starts a service, for whoever wants to add to it.
    #[must_use]
    pub fn command(program: &Path, brokers: &str, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["serve", "--brokers", brokers, "--listen", "127.0.0.1:0", "--progress-ms", "20", "--data-dir"]);
        command.arg(directory);
        command
    }

    /// Starts a [`Service::command`].
    ///
    /// # Panics
    /// When the binary cannot be started.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                kept.lock().expect("nobody panics with it").push(line);
            }
        });
        Self { child, lines, reader: Some(reader) }
    }

    /// The last entry that it has called durable, and the chain's hash after it.
    ///
    /// # Panics
    /// When its lines are not what they were.
    #[must_use]
    pub fn durable(&self) -> Option<(u64, String)> {
        let line = self.progress()?;
        Some((number(&line, "sequence="), word(&line, "head=").to_owned()))
    }

    fn progress(&self) -> Option<String> {
        let lines = self.lines.lock().expect("nobody panics with it");
        lines.iter().rev().find(|line| line.contains(" progress ") || line.contains(" stopped ")).cloned()
    }

    /// Where it serves gRPC; `None` before it has said so.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn endpoint(&self) -> Option<String> {
        let lines = self.lines.lock().expect("nobody panics with it");
        let line = lines.iter().find(|line| line.contains(" serving "))?;
        let address = line.split(' ').find_map(|word| word.strip_prefix("listen="))?;
        Some(format!("http://{address}"))
    }

    /// Waits until it calls this entry durable.
    ///
    /// # Panics
    /// When it ends before, or the time is over.
    pub fn wait_for(&mut self, sequence: u64, patience: Duration) {
        self.wait_until("sequence=", sequence, patience);
    }

    /// Waits until everything refused up to this entry is on its topic.
    ///
    /// # Panics
    /// When it ends before, or the time is over.
    pub fn wait_told(&mut self, sequence: u64, patience: Duration) {
        self.wait_until("rejected_through=", sequence, patience);
    }

    fn wait_until(&mut self, name: &str, least: u64, patience: Duration) {
        let begun = Instant::now();
        while self.progress().is_none_or(|line| number(&line, name) < least) {
            let ended = self.child.try_wait().expect("a child can be asked");
            let is_late = begun.elapsed() > patience;
            assert!(ended.is_none() && !is_late, "waiting for {name}{least} ({ended:?}):\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it; what it has called durable is the answer.
    ///
    /// # Panics
    /// When it cannot be killed, or had ended by itself.
    pub fn kill(mut self) -> Option<(u64, String)> {
        assert!(self.is_running(), "it ended by itself:\n{}", self.said());
        self.child.kill().expect("a child can be killed");
        let _ = self.ended(Instant::now());
        self.durable()
    }

    /// Kills it, unless it has ended by itself.
    ///
    /// # Panics
    /// When it cannot be killed.
    #[must_use]
    pub fn end(mut self) -> Ended {
        self.child.kill().expect("a child that has ended may be killed");
        self.ended(Instant::now())
    }

    /// Asks it to stop, as a supervisor does.
    ///
    /// # Panics
    /// When there is no shell.
    #[must_use]
    pub fn stop(mut self) -> Ended {
        let asked = Instant::now();
        // The shell's own `kill`: the program of that name is not on every machine.
        let told = Command::new("bash").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(told.expect("bash can be started").success());
        self.ended(asked)
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When the time is over.
    #[must_use]
    pub fn wait(mut self, patience: Duration) -> Ended {
        let begun = Instant::now();
        while self.is_running() {
            assert!(begun.elapsed() < patience, "it should have ended by itself:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.ended(begun)
    }

    /// Everything it has said so far, without its progress.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn said(&self) -> String {
        let lines = self.lines.lock().expect("nobody panics with it");
        lines.iter().filter(|line| !line.contains(" progress ")).map(|line| format!("{line}\n")).collect()
    }

    /// Whether it has not ended.
    ///
    /// # Panics
    /// Never.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    fn ended(&mut self, since: Instant) -> Ended {
        let code = self.child.wait().expect("a child ends").code();
        let took = since.elapsed();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends with what it reads");
        }
        Ended { code, took, said: self.said() }
    }
}

fn word<'a>(line: &'a str, name: &str) -> &'a str {
    let word = line.split(' ').find_map(|word| word.strip_prefix(name));
    word.unwrap_or_else(|| panic!("no {name} in {line}"))
}

fn number(line: &str, name: &str) -> u64 {
    word(line, name).parse().expect("a number")
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
