//! What became of a battle, for people and for programs.

use std::{fmt, time::Duration};

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::HumanCount;
use serde::{Serialize, Serializer};

use crate::{modes::Mode, scenario::Scenario, turns::Death};

/// What became of a battle. Its JSON has the fields that are not skipped.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    /// How hunters learned of a death.
    pub(crate) mode: Mode,
    /// How many mobs it began with.
    pub(crate) mobs: u32,
    /// How many ticks it lasted.
    pub(crate) ticks: u32,
    /// Where its dice began.
    pub(crate) seed: u64,
    /// The dead, in order. JSON has only their number.
    #[serde(serialize_with = "count")]
    pub(crate) deaths: Vec<Death>,
    /// How often a hunter was told, by a call of its handler.
    pub(crate) notices: u64,
    /// How often a hunter picked a target after the old one died.
    pub(crate) retargets: u64,
    /// How many mobs had a target that was not alive, after the last tick.
    pub(crate) stale: u64,
    /// How often a protection saved a mob: a veto.
    pub(crate) saved: u64,
    /// How often a mob rose from the dead: its deletion was taken back.
    pub(crate) risen: u64,
    /// How many corpses lie about.
    pub(crate) corpses: u64,
    /// How many corpses have faded.
    pub(crate) faded: u64,
    /// How many fell in the calamity.
    pub(crate) victims: u64,
    /// Over how many frames its victims were torn down.
    pub(crate) teardown_frames: u32,
    /// How many entities that was until now.
    pub(crate) torn_down: u64,
    /// How many entities it is in all: the victims, what they carried, and what had died before and
    /// still waited.
    pub(crate) to_tear_down: u64,
    /// The median time of a tick, in milliseconds.
    pub(crate) tick_ms_median: f64,
    /// The same number as `stale` after the tick where it was greatest.
    #[serde(skip)]
    pub(crate) stale_worst: u64,
    /// The slowest tick, from 1, and its milliseconds.
    #[serde(skip)]
    pub(crate) slowest: (usize, f64),
    /// Milliseconds of each frame that were given to the tear-down.
    #[serde(skip)]
    pub(crate) budget_ms: f64,
    /// How many mobs live.
    #[serde(skip)]
    pub(crate) living: u64,
}

impl Summary {
    /// Returns the summary of a battle that has not begun.
    pub(crate) fn new(scenario: &Scenario, mode: Mode) -> Self {
        Self {
            mode,
            mobs: scenario.mobs,
            ticks: 0,
            seed: scenario.seed,
            deaths: Vec::new(),
            notices: 0,
            retargets: 0,
            stale: 0,
            saved: 0,
            risen: 0,
            corpses: 0,
            faded: 0,
            victims: 0,
            teardown_frames: 0,
            torn_down: 0,
            to_tear_down: 0,
            budget_ms: scenario.budget_ms,
            tick_ms_median: 0.0,
            stale_worst: 0,
            slowest: (0, 0.0),
            living: 0,
        }
    }

    /// Takes in what each tick took.
    pub(crate) fn time(&mut self, ticks: &[Duration]) {
        let mut times: Vec<_> = (1..)
            .zip(ticks.iter().map(|tick| tick.as_secs_f64() * 1e3))
            .collect();
        times.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        self.ticks = times.len() as u32;
        if let Some(slowest) = times.last() {
            let (_, median) = times[times.len() / 2];
            self.tick_ms_median = (median * 1e3).round() / 1e3;
            self.slowest = *slowest;
        }
    }

    /// Returns what a person should take away from it.
    fn verdict(&self) -> String {
        let Self {
            stale,
            stale_worst,
            living,
            ..
        } = *self;
        match self.mode {
            Mode::Signals if stale_worst == 0 => {
                String::from("every hunter was told in time: no tick ended with a stale target")
            }
            Mode::References if stale_worst == 0 => String::from(
                "every field was cleared in time, without a handler: no tick ended with a stale target",
            ),
            Mode::Polling if stale_worst > 0 => format!(
                "all found out, a tick late: up to {} stale targets between two ticks",
                HumanCount(stale_worst)
            ),
            Mode::Bad if stale > 0 => format!(
                "none found out: {} of {} mobs hunt a mob that is dead",
                HumanCount(stale),
                HumanCount(living)
            ),
            Mode::Signals | Mode::References | Mode::Polling | Mode::Bad => format!(
                "up to {} stale targets after a tick, {} at the end",
                HumanCount(stale_worst),
                HumanCount(stale)
            ),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number| format!("{:>9}", HumanCount(number).to_string());
        let Self {
            ticks,
            slowest: (slowest, slowest_ms),
            ..
        } = *self;
        writeln!(f, "{}: {}", self.mode, self.verdict())?;
        writeln!(
            f,
            "  deaths    {}     {} mobs still stand",
            number(self.deaths.len() as u64),
            HumanCount(self.living)
        )?;
        writeln!(
            f,
            "  notices   {}     calls of a handler",
            number(self.notices)
        )?;
        writeln!(
            f,
            "  retargets {}     new targets after the old one died",
            number(self.retargets)
        )?;
        writeln!(
            f,
            "  saved     {}     by their protection, which is a veto",
            number(self.saved)
        )?;
        writeln!(
            f,
            "  risen     {}     from the dead: their deletion was taken back",
            number(self.risen)
        )?;
        writeln!(
            f,
            "  corpses   {}     lie about; {} have faded",
            number(self.corpses),
            HumanCount(self.faded)
        )?;
        if self.victims > 0 {
            write!(
                f,
                "  calamity  {}     fell at once; {} entities were torn down over {} frames, {} ms of each",
                number(self.victims),
                HumanCount(self.torn_down),
                self.teardown_frames,
                self.budget_ms
            )?;
            match self.to_tear_down - self.torn_down {
                0 => writeln!(f)?,
                left => writeln!(f, "; {} still wait", HumanCount(left))?,
            }
        }
        writeln!(
            f,
            "  stale     {}     targets that are not alive, after the last tick; {} after the worst",
            number(self.stale),
            HumanCount(self.stale_worst)
        )?;
        writeln!(
            f,
            "  tick      {:>9.2} ms  the median of {ticks}; the slowest, number {slowest}, took {slowest_ms:.2} ms",
            self.tick_ms_median
        )
    }
}

/// The summaries of one scenario in several modes, side by side.
pub(crate) struct Comparison<'a>(pub(crate) &'a [Summary]);

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: u64| HumanCount(number).to_string();
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header([
            "mode",
            "deaths",
            "notices",
            "retargets",
            "stale at the end",
            "stale at worst",
            "tear-down frames",
            "median tick",
            "slowest tick",
        ]);
        for summary in self.0 {
            table.add_row([
                summary.mode.to_string(),
                count(summary.deaths.len() as u64),
                count(summary.notices),
                count(summary.retargets),
                count(summary.stale),
                count(summary.stale_worst),
                summary.teardown_frames.to_string(),
                format!("{:.2} ms", summary.tick_ms_median),
                format!("{:.2} ms", summary.slowest.1),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{table}")?;
        if let [signals, references, polling, ..] = self.0 {
            let same = if signals.deaths == references.deaths && signals.deaths == polling.deaths {
                "the same battle, death for death"
            } else {
                "different battles"
            };
            let [signals, references, polling] = [signals, references, polling].map(|at| at.mode);
            writeln!(f, "{signals}, {references} and {polling} fought {same}.")?;
        }
        Ok(())
    }
}

fn count<S: Serializer>(deaths: &[Death], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(deaths.len() as u64)
}
