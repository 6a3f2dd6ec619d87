//! The command line.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Parser, error::ErrorKind, value_parser};
use indicatif::{HumanCount, ProgressBar};
use thiserror::Error;

use crate::{
    battle::Battle,
    modes::Mode,
    scenario::{MOBS, Overrides, Scenario, ScenarioError, Source, TICKS},
    summary::Comparison,
    trace::Telling,
};

/// Mobs pick a target, chase it and strike it, and a mob that dies is deleted. How do its hunters
/// learn of that?
///
/// Without `--mode`, the same scenario is fought in all four modes and the results are compared.
/// Without `--scenario`, that is done for a battle, in which all mobs move, and for a calm, in
/// which few die and the others stand still.
#[derive(Parser, Debug)]
#[command(name = "mob_targeting", allow_negative_numbers = true)]
struct Args {
    /// `small`, `large`, `calm`, or a scenario file (TOML); `large` and then `calm` without it.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// How many mobs begin, in place of the scenario's number.
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u32).range(MOBS))]
    mobs: Option<u32>,
    /// How many ticks are fought, in place of the scenario's number.
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u32).range(TICKS))]
    ticks: Option<u32>,
    /// Where the dice begin, in place of the scenario's number.
    #[arg(long, value_name = "NUMBER", value_parser = parse_seed)]
    seed: Option<u64>,
    /// How hunters learn of a death: `signals`, `references`, `polling` or `bad`.
    #[arg(long)]
    mode: Option<Mode>,
    /// Prints the summary as one JSON object; that of `signals` in `large`, unless `--mode` and
    /// `--scenario` say otherwise.
    #[arg(long)]
    json: bool,
    /// Tells the story of the first few mobs, step by step.
    #[arg(long, conflicts_with = "json")]
    trace: bool,
}

/// Why there was no battle.
#[derive(Debug, Error)]
enum Refusal {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
}

/// Runs the program with the given arguments, the first of which is its name.
///
/// Results go to `out`, a refusal goes to `err` as one line, and a long battle moves `progress`.
/// Returns the exit code: 0, 2 for bad input, or 1 if `out` takes no results.
pub(crate) fn run(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
    progress: &ProgressBar,
) -> u8 {
    let refusal = match obey(args, out, progress) {
        Ok(()) => return 0,
        Err(refusal) => refusal,
    };
    match &refusal {
        // A reader of the beginning only, as `head`, has what it wants.
        Refusal::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return 0,
        _ => {}
    }
    // If this fails too, there is nowhere left to report it.
    let _ = writeln!(err, "error: {refusal}");
    match refusal {
        Refusal::Usage(_) | Refusal::Scenario(_) => 2,
        Refusal::Output(_) => 1,
    }
}

fn obey(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    progress: &ProgressBar,
) -> Result<(), Refusal> {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(help) if help.kind() == ErrorKind::DisplayHelp => {
            return Ok(write!(out, "{help}")?);
        }
        Err(error) => return Err(Refusal::Usage(one_line(&error))),
    };
    let overrides = Overrides {
        mobs: args.mobs,
        ticks: args.ticks,
        seed: args.seed,
    };
    let sources = match args.scenario {
        Some(name) => vec![Source::named(name)],
        None if args.json => vec![Source::Large],
        None => vec![Source::Large, Source::Calm],
    };
    let scenarios: Result<Vec<_>, _> = sources
        .iter()
        .map(|source| Scenario::load(source, overrides))
        .collect();
    let scenarios = scenarios?;
    let telling = if args.trace {
        Telling::Story
    } else {
        Telling::Silent
    };

    if args.json {
        let mode = args.mode.unwrap_or(Mode::Signals);
        let summary = fight(&scenarios[0], mode, telling, progress).summary();
        serde_json::to_writer(&mut *out, &summary).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }

    let modes = args.mode.map_or(Mode::ALL.to_vec(), |mode| vec![mode]);
    for (at, scenario) in scenarios.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        compare(scenario, &modes, telling, out, progress)?;
    }
    Ok(())
}

/// Fights the same battle in each of `modes`, and compares what became of it.
fn compare(
    scenario: &Scenario,
    modes: &[Mode],
    telling: Telling,
    out: &mut dyn Write,
    progress: &ProgressBar,
) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} mobs, {} ticks, seed {}\n",
        scenario.name,
        HumanCount(scenario.mobs.into()),
        HumanCount(scenario.ticks.into()),
        scenario.seed
    )?;
    let mut summaries = Vec::new();
    for mode in modes {
        let mut battle = fight(scenario, *mode, telling, progress);
        if telling == Telling::Story {
            writeln!(out, "{}", battle.chronicle())?;
        }
        let summary = battle.summary();
        write!(out, "{summary}")?;
        if *mode == Mode::Bad
            && let Some(autopsy) = battle.autopsy()
        {
            write!(out, "{autopsy}")?;
        }
        writeln!(out)?;
        out.flush()?;
        summaries.push(summary);
    }
    if modes.len() > 1 {
        write!(out, "{}", Comparison(&summaries))?;
    }
    Ok(())
}

/// Fights a battle to its end.
fn fight(scenario: &Scenario, mode: Mode, telling: Telling, progress: &ProgressBar) -> Battle {
    progress.set_prefix(mode.name());
    progress.set_length(scenario.ticks.into());
    progress.reset();
    let mut battle = Battle::new(scenario, mode, telling);
    for _ in 0..scenario.ticks {
        battle.tick();
        progress.inc(1);
    }
    progress.finish_and_clear();
    battle
}

fn parse_seed(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "a seed is a whole number, and not below zero")
}

/// Returns the part of a complaint about the arguments that says it all.
fn one_line(complaint: &clap::Error) -> String {
    let complaint = complaint.to_string();
    let first = complaint.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    format!("{first}; see `--help`")
}
