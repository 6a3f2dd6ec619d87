//! How the cost of each operation grows: its exponent, from what it takes for n, 2n and 4n.
//!
//! An exponent of 1 is linear. What is sorted or kept in a tree has a little more, and so has what
//! leaves the caches on the way; what the docs say to be linear each time is marked with what they
//! say. It prints, and fails nothing: a noisy machine moves a figure by 0.2.
//!
//! ```text
//! cargo bench --bench growth                       all of them
//! cargo bench --bench growth -- plan timers        those whose names contain one of these
//! cargo test --bench growth                        small and once, to see that it still works
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

mod deleting;
mod listening;
mod naming;
mod searching;

use core::time::Duration;
use std::time::Instant;

/// An operation whose cost is to grow with its size, and not faster.
pub(crate) struct Case {
    name: &'static str,
    /// The smallest of the three sizes.
    size: usize,
    /// Does it once in a world of its own, and returns what it took without what prepared it.
    run: fn(usize) -> Duration,
    /// What the docs say, where it does grow faster.
    documented: &'static str,
}

impl Case {
    const fn new(name: &'static str, size: usize, run: fn(usize) -> Duration) -> Self {
        Self {
            name,
            size,
            run,
            documented: "",
        }
    }

    const fn documented(mut self, documented: &'static str) -> Self {
        self.documented = documented;
        self
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let wanted: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let all = [
        listening::CASES,
        deleting::CASES,
        naming::CASES,
        searching::CASES,
    ];
    println!("| operation | n | at n | at 2n | at 4n | exponent | |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for case in all.into_iter().flatten() {
        let is_wanted = wanted.is_empty() || wanted.iter().any(|part| case.name.contains(&**part));
        if is_wanted {
            report(case, is_bench);
        }
    }
}

/// Measures and prints one line.
fn report(case: &Case, is_bench: bool) {
    let (size, turns) = if is_bench { (case.size, 5) } else { (4, 1) };
    let fastest = |size: usize| {
        let times = (0..turns).map(|_| (case.run)(size));
        times.min().unwrap_or_default()
    };
    let times = [size, 2 * size, 4 * size].map(fastest);
    let [first, _, last] = times.map(|time| time.as_secs_f64().max(1e-9));
    let exponent = (last / first).log2() / 2.;
    let [at_n, at_2n, at_4n] = times.map(|time| format!("{:.2} ms", time.as_secs_f64() * 1e3));
    println!(
        "| {} | {size} | {at_n} | {at_2n} | {at_4n} | {exponent:.2} | {} |",
        case.name, case.documented
    );
}

/// Measures what `work` takes.
fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    let done = work();
    let time = begun.elapsed();
    core::hint::black_box(&done);
    time
}
