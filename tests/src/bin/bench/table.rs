//! What is printed, and remembered to be compared.

use crate::load::Rate;

/// The rows that were measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<(String, [f64; 2])>,
}

impl Table {
    /// A table of one registry.
    pub(crate) fn begin(name: &str) -> Self {
        println!(
            "{name:<44} {:>13} {:>15}   processor time for one",
            "1 connection", "16 connections"
        );
        println!("{:<44} {:>13} {:>15}   {:>9} {:>9}", "", "", "", "server", "client");
        Self::default()
    }

    /// Prints a row of rates.
    pub(crate) fn rates(&mut self, what: &str, one: Rate, many: Rate) {
        // With as much work as the server has, this program takes processors from it.
        let note = if many.client > many.server { "  client-bound" } else { "" };
        println!(
            "{what:<44} {:>11.0}/s {:>13.0}/s   {:>6.0} µs {:>6.0} µs{note}",
            one.answers, many.answers, many.server, many.client
        );
        self.rows.push((what.to_owned(), [one.answers, many.answers]));
    }

    /// Prints a row of throughput.
    pub(crate) fn throughput(&mut self, what: &str, rate: Rate) {
        let megabytes = rate.bytes / 1e6;
        let note = if rate.client > rate.server { "  client-bound" } else { "" };
        let (server, client) = (rate.server / 1e3, rate.client / 1e3);
        println!(
            "{what:<44} {megabytes:>8.0} MB/s {:>15}   {server:>6.0} ms {client:>6.0} ms{note}",
            ""
        );
        self.rows.push((what.to_owned(), [megabytes, f64::NAN]));
    }

    /// Prints a row of one number.
    pub(crate) fn number(&mut self, what: &str, number: f64, unit: &str) {
        println!("{what:<44} {number:>8.0} {unit}");
        self.rows.push((what.to_owned(), [number, f64::NAN]));
    }

    /// Prints how many times another one's rates this one's are.
    pub(crate) fn compare(&self, other: &Self) {
        println!("\n{:<44} {:>13} {:>15}", "times as fast", "1 connection", "16 connections");
        for ((what, own), (_, others)) in self.rows.iter().zip(&other.rows) {
            let times = |index: usize| match own[index] / others[index] {
                times if times.is_nan() => String::new(),
                times => format!("{times:.1} x"),
            };
            println!("{what:<44} {:>13} {:>15}", times(0), times(1));
        }
    }
}

/// Prints one number.
pub(crate) fn line(what: &str, value: &str) {
    println!("{what:<44} {value:>13}");
}
