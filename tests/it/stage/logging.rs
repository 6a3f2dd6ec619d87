//! What is logged, recorded by each thread for itself.

use std::{cell::RefCell, sync::Once};

use log::{Level, LevelFilter, Log, Metadata, Record};

thread_local! {
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// A line of the log.
struct Line {
    level: Level,
    is_ours: bool,
    text: String,
}

/// Records warnings and errors.
struct Recorder;

impl Log for Recorder {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = Line {
            level: record.level(),
            is_ours: record.target().starts_with("qdel"),
            text: record.args().to_string(),
        };
        LINES.with_borrow_mut(|lines| lines.push(line));
    }

    fn flush(&self) {}
}

/// Records what this thread logs from now on.
pub(crate) fn record_log() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        log::set_logger(&Recorder).expect("no other test should install a logger");
        log::set_max_level(LevelFilter::Warn);
    });
    LINES.take();
}

/// Returns the warnings and errors of this crate since the log was recorded or taken.
pub(crate) fn take_log() -> Vec<String> {
    let lines = LINES.take().into_iter();
    lines
        .filter(|line| line.is_ours)
        .map(|line| line.text)
        .collect()
}

/// Records what this thread logs from now on, and returns what tells all warnings and errors so
/// far.
pub(crate) fn collect_log() -> impl Fn() -> Vec<String> {
    record_log();
    || {
        LINES.with_borrow(|lines| {
            let lines = lines.iter();
            lines.map(|line| line.text.clone()).collect()
        })
    }
}

/// Returns how many errors of this crate were logged since the log was recorded or taken.
pub(crate) fn count_logged_errors() -> usize {
    let is_error = |line: &&Line| line.is_ours && line.level == Level::Error;
    LINES.with_borrow(|lines| lines.iter().filter(is_error).count())
}
