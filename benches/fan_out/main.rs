//! What it costs to tell mobs that their target is deleted, next to what one could use instead.
//!
//! M mobs pick one of T targets at random; M / T is the fan-out. Registering, retargeting, deleting the targets and deleting
//! the mobs are timed for this crate, a hand-written index, Bevy's relationships and Bevy alone, in one run.
//! Each figure comes from a process of its own, with cold caches, and each outcome is checked.
//!
//! ```text
//! cargo bench --bench fan_out                      the whole comparison, some minutes
//! cargo bench --bench fan_out -- --quick           three repetitions
//! cargo bench --bench fan_out -- --help            everything else
//! cargo test --bench fan_out                       small and once, to see that it still works
//! valgrind --tool=callgrind --toggle-collect='*measured_op*' PROGRAM --callgrind notify-delete qdel 100
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to the terminal"
)]

mod allocator;
mod arguments;
mod goal;
mod measure;
mod report;
mod samples;
mod scenario;
mod scene;
mod table;
mod variants;
mod workload;

use std::{error::Error, fs};

use clap::ValueEnum;

use crate::{
    arguments::{Mode, Plan},
    measure::Case,
    report::{report, run},
    scenario::Scenario,
    variants::Contender,
};

fn main() -> Result<(), Box<dyn Error>> {
    match Mode::from_command_line() {
        Mode::Smoke => smoke(),
        Mode::Report(plan) => print_report(&plan)?,
        Mode::Single(contender, case) => println!("{}", contender.measure(&case)),
    }
    Ok(())
}

/// Plays everything once, small, so that tests notice when a variant breaks.
fn smoke() {
    let mobs = 400;
    let mut played = 0;
    for fan_out in [1, 10, mobs] {
        for &scenario in Scenario::value_variants() {
            if !scenario.is_possible(mobs, fan_out) {
                continue;
            }
            for contender in Contender::value_variants() {
                let case = Case {
                    scenario,
                    mobs,
                    fan_out,
                    seed: 0,
                    walk: 0,
                };
                contender.measure(&case);
                played += 1;
            }
        }
    }
    println!("fan_out: {played} passed, 0 failed");
}

fn print_report(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let samples = run(plan, |repetition| {
        eprintln!("repetition {} of {}", repetition + 1, plan.repetitions);
    });
    let text = report(plan, &samples);
    print!("{text}");
    if let Some(file) = &plan.markdown {
        fs::write(file, text)?;
    }
    Ok(())
}
