//! The command line.

use std::{env, num::NonZero, path::PathBuf};

use clap::{Parser, ValueEnum, error::ErrorKind};

use crate::{
    measure::Case,
    scenario::{Scenario, Setting},
    variants::Contender,
};

/// How many mobs there are, unless told otherwise.
pub(crate) const MOBS: usize = 100_000;

/// How many mobs there are when instructions are counted, unless told otherwise.
const MOBS_UNDER_CALLGRIND: usize = 20_000;

/// What the program was started for.
pub(crate) enum Mode {
    /// By `cargo test`: play everything once, small, and check it.
    Smoke,
    /// By `cargo bench`: measure and report.
    Report(Plan),
    /// Count instructions and compare them with their bounds.
    Gates { mobs: usize },
    /// Play one case in this process and print its figure.
    Single(Contender, Case),
}

/// What to measure, and where to write it. An empty list stands for everything.
pub(crate) struct Plan {
    pub(crate) repetitions: usize,
    pub(crate) mobs: usize,
    pub(crate) walk: usize,
    pub(crate) fan_outs: Vec<usize>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) contenders: Vec<Contender>,
    pub(crate) without_growth: bool,
    pub(crate) results: Option<PathBuf>,
}

/// Compares ways to tell mobs that their target is deleted.
#[derive(Parser)]
#[command(bin_name = "cargo bench --bench fan_out --")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag on the command line"
)]
struct Arguments {
    /// How often everything is measured.
    #[arg(long, value_name = "N", default_value = "9")]
    reps: NonZero<usize>,

    /// The same as `--reps 3`.
    #[arg(long)]
    quick: bool,

    /// How many mobs there are; 100000 unless told, and 20000 with `--callgrind` and `--gates`.
    /// Some scenarios take a multiple.
    #[arg(long, value_name = "N")]
    mobs: Option<NonZero<usize>>,

    /// How many mobs share a target; may be repeated; 1, 10, 1000 and 100000 unless told.
    #[arg(long, value_name = "N")]
    fan_out: Vec<NonZero<usize>>,

    /// What is measured; may be repeated; everything unless told.
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<Scenario>,

    /// Which variant is measured; may be repeated; all unless told.
    #[arg(long)]
    variant: Vec<Contender>,

    /// Leaves out the sections with up to 40 times as many mobs.
    #[arg(long)]
    without_growth: bool,

    /// How much memory is walked before each operation to empty the L2 cache; 4 MiB unless told,
    /// and 0 with `--callgrind`. Four times the second level empties that one only.
    #[arg(long, value_name = "MIB")]
    walk: Option<usize>,

    /// Writes the report as `table.md`, and its charts as SVG, into this directory.
    #[arg(long, value_name = "DIRECTORY", num_args = 0..=1, default_missing_value = "benches/results")]
    save: Option<PathBuf>,

    /// Counts instructions with valgrind and fails if the crate needs more than it may. Passes
    /// where there is no valgrind.
    #[arg(long)]
    gates: bool,

    /// Plays one operation once and prints its figure, for a profiler to look at `measured_op`.
    #[arg(long, num_args = 3, value_names = ["SCENARIO", "VARIANT", "FAN_OUT"])]
    callgrind: Option<Vec<String>>,

    /// Which random choices `--callgrind` makes.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Mode {
    /// Reads the command line, and ends the program with a message if it is wrong.
    ///
    /// `cargo bench` adds `--bench`. Without it, and without a call for a single operation, this is
    /// `cargo test`. That may pass any filter or flag that is meant for other tests.
    pub(crate) fn from_command_line() -> Self {
        let is_ours = |argument: String| argument == "--bench" || argument == "--callgrind";
        if !env::args().any(is_ours) {
            return Self::Smoke;
        }
        let arguments = Arguments::parse();
        let counted_mobs = arguments.mobs.map_or(MOBS_UNDER_CALLGRIND, NonZero::get);
        if arguments.gates {
            return Self::Gates { mobs: counted_mobs };
        }
        match &arguments.callgrind {
            Some(single) => match arguments.case(single, counted_mobs) {
                Ok((contender, case)) => Self::Single(contender, case),
                Err(message) => clap::Error::raw(ErrorKind::InvalidValue, message + "\n").exit(),
            },
            None => Self::Report(arguments.into_plan()),
        }
    }
}

impl Arguments {
    /// Reads the three values of `--callgrind`.
    fn case(&self, values: &[String], mobs: usize) -> Result<(Contender, Case), String> {
        let [scenario, contender, fan_out] = values else {
            return Err("`--callgrind` takes three values".into());
        };
        let setting = Setting {
            scenario: Scenario::from_str(scenario, false)?,
            mobs,
            fan_out: fan_out
                .parse()
                .map(NonZero::<usize>::get)
                .map_err(|error| format!("invalid fan-out {fan_out}: {error}"))?,
        };
        let case = Case {
            setting,
            seed: self.seed,
            walk: self.walk.unwrap_or(0),
        };
        Ok((Contender::from_str(contender, false)?, case))
    }

    fn into_plan(self) -> Plan {
        Plan {
            repetitions: if self.quick { 3 } else { self.reps.get() },
            mobs: self.mobs.map_or(MOBS, NonZero::get),
            walk: self.walk.unwrap_or(4),
            fan_outs: self.fan_out.into_iter().map(NonZero::get).collect(),
            scenarios: self.only,
            contenders: self.variant,
            without_growth: self.without_growth,
            results: self.save,
        }
    }
}
