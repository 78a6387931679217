//! The rows of a comparison.

use std::time::Duration;

/// One row: what was measured, of Pakhus and of another program.
#[derive(Default)]
pub(crate) struct Compared {
    what: String,
    pakhus: String,
    beside: String,
    times: String,
    goal: String,
}

/// Prints the heading of the rows.
pub(crate) fn heading() {
    let row = Compared {
        what: "replication".to_owned(),
        pakhus: "pakhus".to_owned(),
        beside: "beside".to_owned(),
        times: "times".to_owned(),
        goal: "goal".to_owned(),
    };
    row.print();
}

impl Compared {
    pub(crate) fn new(what: &str) -> Self {
        Self { what: what.to_owned(), ..Self::default() }
    }

    /// What Pakhus took.
    pub(crate) fn pakhus(mut self, took: &str) -> Self {
        took.clone_into(&mut self.pakhus);
        self
    }

    /// What another program took.
    pub(crate) fn beside(mut self, program: &str, took: &str) -> Self {
        self.beside = format!("{program}: {took}");
        self
    }

    /// How many times as fast Pakhus is.
    pub(crate) fn times(mut self, times: f64) -> Self {
        self.times = format!("{times:.1} x");
        self
    }

    /// What it should be, and whether it is.
    pub(crate) fn goal(mut self, goal: &str, is_reached: bool) -> Self {
        self.goal = format!("{goal}: {}", if is_reached { "reached" } else { "missed" });
        self
    }

    /// Prints it.
    pub(crate) fn print(self) {
        let Self { what, pakhus, beside, times, goal } = self;
        let row = format!("{what:<45} {pakhus:>31}   {beside:<45} {times:>8}   {goal}");
        println!("{}", row.trim_end());
    }
}

/// So many seconds.
pub(crate) fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

/// So many milliseconds.
pub(crate) fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1e3)
}

/// So many kilobytes.
pub(crate) fn kilobytes(bytes: u64) -> String {
    format!("{:.1} kB", bytes as f64 / 1e3)
}
