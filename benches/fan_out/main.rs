//! What it costs to tell mobs that their target is deleted, next to what one could use instead.
//!
//! M mobs pick one of T targets at random; M / T is the fan-out. Registering, retargeting, telling,
//! deleting the targets and deleting the mobs are timed in one run. Compared are this crate, a
//! hand-written index, hooks, observers, Bevy's relationships, polling, scanning and Bevy alone.
//! Each figure comes from a process of its own, with cold caches, and each outcome is checked.
//!
//! ```text
//! cargo bench --bench fan_out                      the whole comparison, most of an hour
//! cargo bench --bench fan_out -- --save            the same, written to benches/results
//! cargo bench --bench fan_out -- --quick           three repetitions
//! cargo bench --bench fan_out -- --gates           bounds on instructions, with valgrind
//! cargo bench --bench fan_out -- --help            everything else
//! cargo test --bench fan_out                       small and once, to see that it still works
//! valgrind --tool=callgrind --toggle-collect='*measured_op*' \
//!     PROGRAM --callgrind notify-delete qdel 100       instructions of one operation
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to the terminal"
)]

mod allocator;
mod arguments;
mod chart;
mod gates;
mod goal;
mod machine;
mod measure;
mod report;
mod samples;
mod scenario;
mod scene;
mod sections;
mod stages;
mod table;
mod variants;
mod workload;

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use crate::{
    arguments::{Mode, Plan},
    chart::{draw_distances, draw_section, is_drawn},
    goal::distances,
    measure::Case,
    report::{report, run},
    samples::Samples,
    sections::{all_sections, wanted_sections},
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    match Mode::from_command_line() {
        Mode::Smoke => smoke()?,
        Mode::Report(plan) => print_report(&plan)?,
        Mode::Gates { mobs } => return Ok(print_gates(mobs)),
        Mode::Single(contender, case) => println!("{}", contender.measure(&case)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Plays everything once, small, and reports it, so that tests notice when a variant or the report
/// breaks.
fn smoke() -> Result<(), Box<dyn Error>> {
    let results = env::temp_dir().join(format!("fan_out.{}", std::process::id()));
    let plan = Plan {
        repetitions: 1,
        mobs: 400,
        walk: 0,
        fan_outs: Vec::new(),
        scenarios: Vec::new(),
        contenders: Vec::new(),
        without_growth: false,
        results: Some(results.clone()),
    };
    let mut samples = Samples::default();
    let mut played = 0;
    for section in all_sections(plan.mobs) {
        for mut setting in section.settings {
            setting.fan_out = setting.fan_out.min(plan.mobs);
            setting.mobs = setting.mobs.min(plan.mobs);
            if !setting.is_possible() {
                continue;
            }
            for &contender in &section.contenders {
                let case = Case {
                    setting,
                    seed: 0,
                    walk: 0,
                };
                samples.push(setting, contender, contender.measure(&case));
                played += 1;
            }
        }
    }
    save(&plan, &samples, &report(&plan, &samples), &results)?;
    fs::remove_dir_all(results)?;
    println!("fan_out: {played} passed, 0 failed");
    Ok(())
}

fn print_report(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let samples = run(plan, |repetition| {
        eprintln!("repetition {} of {}", repetition + 1, plan.repetitions);
    });
    let text = report(plan, &samples);
    print!("{text}");
    if let Some(results) = &plan.results {
        save(plan, &samples, &text, results)?;
    }
    Ok(())
}

/// Writes the report and its charts into the directory `results`.
fn save(plan: &Plan, samples: &Samples, text: &str, results: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(results)?;
    fs::write(results.join("table.md"), text)?;
    let sections = wanted_sections(plan);
    for section in sections.iter().filter(|section| is_drawn(section)) {
        let file = results.join(section.file).with_extension("svg");
        draw_section(section, samples, &file)?;
    }
    draw_distances(&distances(samples), &results.join("marks.svg"))
}

fn print_gates(mobs: usize) -> ExitCode {
    let Some(counted) = gates::count(mobs) else {
        println!("skipped: valgrind is not there");
        return ExitCode::SUCCESS;
    };
    println!("{}", counted.table);
    if counted.over == 0 {
        return ExitCode::SUCCESS;
    }
    println!("{} over their bounds", counted.over);
    ExitCode::FAILURE
}
