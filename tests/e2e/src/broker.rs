//! One broker: made, started, killed, started again.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use tempfile::TempDir;

use crate::PATIENCE;

/// An Apache Kafka broker with a directory of its own. Dropping it kills it and removes what it has written.
pub struct Broker {
    directory: TempDir,
    jars: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Broker {
    /// Makes and starts one.
    ///
    /// # Panics
    /// When Java or Maven is missing, or the broker does not start.
    #[must_use]
    pub fn start() -> Self {
        let jars = jars();
        let directory = tempfile::tempdir().expect("a directory for a broker");
        let [port, controller] = free_ports();
        script(&["format", text(&jars), text(directory.path()), &port.to_string(), &controller.to_string()]);
        let mut broker = Self { directory, jars, port, child: None };
        broker.start_again();
        broker
    }

    /// As clients are given it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends the broker as a power cut would, as far as it can tell.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a broker can be killed");
            child.wait().expect("a killed broker ends");
        }
    }

    /// Starts it on what it has written, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let output = self.directory.path().join("output.txt");
        let written = fs::File::create(&output).expect("a file for what the broker says");
        let child = broker_script()
            .args(["run", text(&self.jars), text(self.directory.path())])
            .stdin(Stdio::null())
            .stdout(written.try_clone().expect("a second handle"))
            .stderr(written)
            .spawn();
        let child = self.child.insert(child.expect("bash can be started"));
        let begun = Instant::now();
        loop {
            let said = fs::read_to_string(&output).unwrap_or_default();
            let ended = child.try_wait().expect("a child can be asked");
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "the broker did not start ({ended:?}):\n{}",
                end(&said)
            );
            if said.contains("Kafka Server started") && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Two ports that nobody listens on. Both are held until both are known, so that they differ.
fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| free_port());
    held.map(|listener| listener.local_addr().expect("a listener has an address").port())
}

/// Below the ports that the system gives to whoever connects (from 32,768 on): while a broker is away, a client that tries
/// again and again to connect to a port of that range may be given the same one and then hold it, connected to itself.
fn free_port() -> TcpListener {
    let random = RandomState::new();
    let port = |nth: u32| 12_000 + u16::try_from(random.hash_one(nth) % 20_000).expect("it is below 20,000");
    let bound = (0..100).find_map(|nth| TcpListener::bind(("127.0.0.1", port(nth))).ok());
    bound.expect("a free port among a hundred")
}

/// Where the jars are kept: beside what cargo builds, under a name that changes with their list.
fn jars() -> PathBuf {
    let program = env::current_exe().expect("this program");
    let target = program.ancestors().nth(3).expect("a test program stands three levels below the target directory");
    let mut hash = DefaultHasher::new();
    fs::read(recipe().join("pom.xml")).expect("the list of jars").hash(&mut hash);
    let jars = target.join("kafka").join(format!("{:016x}", hash.finish()));
    script(&["jars", text(&jars)]);
    jars
}

fn recipe() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells every test where its crate is");
    Path::new(&manifest).with_file_name("e2e").join("kafka")
}

fn broker_script() -> Command {
    let mut command = Command::new("bash");
    command.arg(recipe().join("broker.sh"));
    command
}

fn script(arguments: &[&str]) {
    let output = broker_script().args(arguments).stdin(Stdio::null()).output().expect("bash can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "broker.sh {}: {}", arguments[0], end(&said));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

/// The last lines.
fn end(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
