//! Progress bars of an execution, on standard error, when that is a terminal.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::answers::Progress;
use super::output::one_line;

/// The bars. Without a terminal there are none, and nothing is drawn.
pub(super) struct Display {
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    phase: Option<ProgressBar>,
    records: Option<ProgressBar>,
    blobs: Option<ProgressBar>,
    bytes: Option<ProgressBar>,
}

/// How many there are, and how fast: things.
const COUNTED: &str = "  {prefix:<8} {bar:30.cyan/dim} {human_pos:>9} of {human_len}  {rate:.dim}";
/// The same: bytes.
const WEIGHED: &str =
    "  {prefix:<8} {bar:30.cyan/dim} {bytes:>9} of {total_bytes}  {bytes_per_sec:.dim}";
/// The same, without knowing how many there will be.
const COUNTED_OPEN: &str = "  {prefix:<8} {human_pos:>9}  {rate:.dim}";
const WEIGHED_OPEN: &str = "  {prefix:<8} {bytes:>9}  {bytes_per_sec:.dim}";
const PHASE: &str = "{spinner:.cyan} {msg}";

impl Display {
    /// Bars on standard error.
    pub(super) fn on_stderr() -> Self {
        let bars = std::io::stderr().is_terminal().then(|| Bars {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)),
            phase: None,
            records: None,
            blobs: None,
            bytes: None,
        });
        Self { bars }
    }

    /// Does something that writes to the terminal, with the bars out of the way.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.all.suspend(write),
            None => write(),
        }
    }

    /// Shows how far the execution is.
    pub(super) fn show(&mut self, progress: &Progress) {
        let Some(bars) = &mut self.bars else { return };
        if let Some(phase) = &progress.phase {
            let bar = bars.phase.get_or_insert_with(|| {
                let bar = bars.all.insert(0, ProgressBar::no_length().with_style(style(PHASE)));
                bar.enable_steady_tick(Duration::from_millis(100));
                bar
            });
            bar.set_message(one_line(phase));
        }
        let counted = (COUNTED, COUNTED_OPEN);
        let weighed = (WEIGHED, WEIGHED_OPEN);
        let all = &bars.all;
        advance(
            all,
            &mut bars.records,
            "records",
            counted,
            progress.records_done,
            progress.records_total,
        );
        advance(all, &mut bars.blobs, "blobs", counted, progress.blobs_done, progress.blobs_total);
        advance(all, &mut bars.bytes, "bytes", weighed, progress.bytes_done, progress.bytes_total);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // What was done is told in words; half a bar would only stand in the way.
        if let Some(bars) = &self.bars {
            let _ = bars.all.clear();
        }
    }
}

/// Moves one bar, which appears when there is something to count.
fn advance(
    all: &MultiProgress,
    bar: &mut Option<ProgressBar>,
    name: &'static str,
    (closed, open): (&str, &str),
    done: Option<u64>,
    total: Option<u64>,
) {
    let (done, total) = (done.unwrap_or(0), total.filter(|total| *total > 0));
    if bar.is_none() && done == 0 && total.is_none() {
        return;
    }
    let bar = bar.get_or_insert_with(|| {
        let bar = ProgressBar::no_length().with_style(style(open)).with_prefix(name);
        // What was done before anybody watched says nothing about the rate.
        let bar = all.add(bar.with_position(done));
        bar.reset_eta();
        bar
    });
    if let Some(total) = total
        && bar.length() != Some(total.max(done))
    {
        if bar.length().is_none() {
            bar.set_style(style(closed));
        }
        bar.set_length(total.max(done));
    }
    bar.set_position(done);
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
            let _ = write!(text, "{:.0}/s", state.per_sec());
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_understood() {
        for template in [COUNTED, WEIGHED, COUNTED_OPEN, WEIGHED_OPEN, PHASE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_appears_with_something_to_count_and_takes_its_length_when_it_is_known() {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let mut bar = None;
        let mut advance =
            |done, total| advance(&all, &mut bar, "blobs", (COUNTED, COUNTED_OPEN), done, total);
        advance(Some(0), None);
        advance(None, Some(0));
        advance(Some(3), None);
        advance(Some(5), Some(9));
        let bar = bar.expect("a bar");
        assert_eq!((bar.position(), bar.length()), (5, Some(9)));
    }
}
