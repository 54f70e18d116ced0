//! One broker: made, started, killed, started again. A test cannot go on without it.

use broker::Pace;

/// An Apache Kafka broker with a directory of its own. Dropping it kills it and removes what it has written.
pub struct Broker(broker::Broker);

fn must<T>(done: Result<T, broker::Error>) -> T {
    done.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
}

impl Broker {
    /// Makes and starts one.
    ///
    /// # Panics
    /// When Java or Maven is missing, or the broker does not start.
    #[must_use]
    pub fn start() -> Self {
        Self(must(broker::Broker::start(Pace::Quick)))
    }

    /// As clients are given it.
    #[must_use]
    pub fn address(&self) -> String {
        self.0.address()
    }

    /// Ends the broker as a power cut would, as far as it can tell.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        must(self.0.kill());
    }

    /// Starts it on what it has written, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        must(self.0.start_again());
    }
}
