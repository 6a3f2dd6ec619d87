//! What a battle is like: the scenario file, the shipped ones, and the overrides.
//!
//! # Invariants
//!
//! 1. A [`Scenario`] that [`load`](Scenario::load) returned can be fought: every number is in its
//!    range.

use std::{fmt, fs, io, ops::RangeInclusive, path::PathBuf};

use bevy_ecs::prelude::Resource;
use serde::Deserialize;
use thiserror::Error;

/// How many mobs a battle may begin with.
pub(crate) const MOBS: RangeInclusive<i64> = 2..=5_000_000;
/// How many ticks a battle may last.
pub(crate) const TICKS: RangeInclusive<i64> = 1..=1_000_000;

const SMALL: &str = include_str!("scenarios/small.toml");
const LARGE: &str = include_str!("scenarios/large.toml");
const CALM: &str = include_str!("scenarios/calm.toml");

/// Everything about a battle but the way in which hunters learn of a death.
#[derive(Resource, Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What the battle is called.
    pub(crate) name: String,
    /// How many mobs it begins with.
    pub(crate) mobs: u32,
    /// How many ticks it lasts.
    pub(crate) ticks: u32,
    /// Where its dice begin.
    pub(crate) seed: u64,
    /// The names of the tribes; mobs belong to them in turn.
    pub(crate) tribes: Vec<String>,
    /// Square paces for each mob.
    pub(crate) room: f32,
    /// How many camps the mobs arrive at.
    pub(crate) camps: u32,
    /// What takes the place of the dead.
    pub(crate) replacement: Replacement,
    /// Every n-th arrival is under protection; 0 for none.
    pub(crate) protected: u32,
    /// Every n-th arrival rises from the dead once; 0 for none.
    pub(crate) phoenixes: u32,
    /// Whether all mobs stand still and only watch their targets.
    pub(crate) calm: bool,
    /// How many mobs drop dead in each tick, wherever they stand; 0 for none.
    pub(crate) deaths: u32,
    /// The tick in which half of the mobs die at once; 0 for never.
    pub(crate) calamity: u32,
    /// Ticks after which a corpse fades.
    pub(crate) fading: u32,
    /// Milliseconds of each frame that are given to tearing down the dead.
    pub(crate) budget_ms: f64,
    /// How many mobs a trace tells of.
    pub(crate) watched: u32,
    /// What a mob is able to do.
    pub(crate) mob: Ability,
}

/// What a mob is able to do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ability {
    /// The least and the most that a newcomer can take.
    pub(crate) health: [u32; 2],
    /// The least and the most that one blow costs.
    pub(crate) damage: [u32; 2],
    /// The least and the most items that a newcomer carries.
    pub(crate) items: [u32; 2],
    /// Paces a tick.
    pub(crate) speed: f32,
    /// How far it looks for a target.
    pub(crate) sight: f32,
    /// How far it strikes.
    pub(crate) reach: f32,
    /// How many foes it weighs up before it picks one.
    pub(crate) considered: u32,
    /// Ticks of chasing without a blow until it looks for something nearer.
    pub(crate) patience: u32,
}

/// What takes the place of the dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Replacement {
    /// The arena empties.
    Nobody,
    /// A mob of the same tribe arrives at a camp, so that a battle never ends and ids are used
    /// again.
    Newcomer,
}

/// Where a scenario comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The shipped one to read.
    Small,
    /// The shipped battle of 100,000 mobs.
    Large,
    /// The shipped one in which 100,000 mobs stand still.
    Calm,
    /// A file.
    File(PathBuf),
}

/// What replaces numbers of a scenario.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Overrides {
    /// In place of [`Scenario::mobs`].
    pub(crate) mobs: Option<u32>,
    /// In place of [`Scenario::ticks`].
    pub(crate) ticks: Option<u32>,
    /// In place of [`Scenario::seed`].
    pub(crate) seed: Option<u64>,
}

/// Why a scenario cannot be fought.
#[derive(Debug, Error)]
pub(crate) enum ScenarioError {
    /// The file cannot be read.
    #[error(
        "cannot read scenario `{scenario}`: {cause}; \
         name a scenario file, or one of the shipped: `small`, `large`, `calm`"
    )]
    Unreadable {
        /// The file.
        scenario: Source,
        /// What the system says.
        cause: io::ErrorKind,
    },
    /// There is no such file.
    #[error(
        "there is no scenario `{scenario}`; \
         name a file that exists, or one of the shipped: `small`, `large`, `calm`"
    )]
    Missing {
        /// The file.
        scenario: Source,
    },
    /// The file is not a scenario.
    #[error(
        "scenario `{scenario}`, line {line}: {message}; \
         examples/mob_targeting/scenarios/small.toml shows every key"
    )]
    Malformed {
        /// The file.
        scenario: Source,
        /// The line of the file, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A number is out of its range.
    #[error("scenario `{scenario}`: {key} is {value}; it must be {wanted}")]
    OutOfRange {
        /// The file.
        scenario: Source,
        /// The key in the file.
        key: &'static str,
        /// The number in the file.
        value: String,
        /// The way out.
        wanted: String,
    },
}

impl ScenarioError {
    fn unread(source: &Source, error: &io::Error) -> Self {
        let scenario = source.clone();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { scenario },
            cause => Self::Unreadable { scenario, cause },
        }
    }
}

impl Source {
    /// Returns the shipped scenario of that name, or else the file.
    ///
    /// A file called `small` is reached as `./small`.
    pub(crate) fn named(name: PathBuf) -> Self {
        match name.to_str() {
            Some("small") => Self::Small,
            Some("large") => Self::Large,
            Some("calm") => Self::Calm,
            _ => Self::File(name),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small => f.write_str("small"),
            Self::Large => f.write_str("large"),
            Self::Calm => f.write_str("calm"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Scenario {
    /// Reads the scenario from `source` and puts `overrides` in place.
    ///
    /// # Errors
    ///
    /// Returns a [`ScenarioError`] that names `source` if the file cannot be read, is not a
    /// scenario, or asks for a battle that cannot be fought.
    pub(crate) fn load(source: &Source, overrides: Overrides) -> Result<Self, ScenarioError> {
        let mut scenario = match source {
            Source::Small => Self::parse(source, SMALL),
            Source::Large => Self::parse(source, LARGE),
            Source::Calm => Self::parse(source, CALM),
            Source::File(path) => match fs::read_to_string(path) {
                Ok(text) => Self::parse(source, &text),
                Err(error) => Err(ScenarioError::unread(source, &error)),
            },
        }?;
        scenario.mobs = overrides.mobs.unwrap_or(scenario.mobs);
        scenario.ticks = overrides.ticks.unwrap_or(scenario.ticks);
        scenario.seed = overrides.seed.unwrap_or(scenario.seed);
        scenario.check(source)?;
        Ok(scenario)
    }

    /// Returns the length of a side of the arena.
    pub(crate) fn side(&self) -> f32 {
        (f64::from(self.mobs) * f64::from(self.room)).sqrt() as f32
    }

    fn parse(source: &Source, text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            ScenarioError::Malformed {
                scenario: source.clone(),
                line: text[..start].matches('\n').count() + 1,
                message: error.message().replace('\n', ", "),
            }
        })
    }

    fn check(&self, source: &Source) -> Result<(), ScenarioError> {
        let within = |key, value: f64, range: RangeInclusive<f64>| {
            // A number that is none, such as `nan`, is in no range.
            if range.contains(&value) {
                return Ok(());
            }
            Err(ScenarioError::OutOfRange {
                scenario: source.clone(),
                key,
                value: value.to_string(),
                wanted: format!("between {} and {}", range.start(), range.end()),
            })
        };
        if self.calm && self.replacement == Replacement::Newcomer {
            return Err(ScenarioError::OutOfRange {
                scenario: source.clone(),
                key: "replacement",
                value: "\"newcomer\"".into(),
                wanted: "\"nobody\" where `calm` is true: the arena is surveyed once".into(),
            });
        }
        let whole = |range: RangeInclusive<i64>| *range.start() as f64..=*range.end() as f64;
        let [frail, tough] = self.mob.health;
        let [least, most] = self.mob.damage;
        let [light, heavy] = self.mob.items;

        within("mobs", f64::from(self.mobs), whole(MOBS))?;
        within("ticks", f64::from(self.ticks), whole(TICKS))?;
        within("the number of tribes", self.tribes.len() as f64, 2.0..=16.0)?;
        within("room", f64::from(self.room), 1.0..=1000.0)?;
        within("camps", f64::from(self.camps), 1.0..=10_000.0)?;
        within("protected", f64::from(self.protected), 0.0..=1e6)?;
        within("phoenixes", f64::from(self.phoenixes), 0.0..=1e6)?;
        within("deaths", f64::from(self.deaths), 0.0..=1e6)?;
        within("calamity", f64::from(self.calamity), 0.0..=1e6)?;
        within("fading", f64::from(self.fading), 0.0..=1e6)?;
        within("budget_ms", self.budget_ms, 0.0..=1000.0)?;
        within("mob.health[1]", f64::from(tough), 1.0..=1e6)?;
        within("mob.health[0]", f64::from(frail), 1.0..=f64::from(tough))?;
        within("mob.damage[1]", f64::from(most), 1.0..=1e6)?;
        within("mob.damage[0]", f64::from(least), 0.0..=f64::from(most))?;
        within("mob.items[1]", f64::from(heavy), 0.0..=100.0)?;
        within("mob.items[0]", f64::from(light), 0.0..=f64::from(heavy))?;
        within("mob.speed", f64::from(self.mob.speed), 0.0..=1000.0)?;
        within("mob.sight", f64::from(self.mob.sight), 0.1..=1000.0)?;
        within("mob.reach", f64::from(self.mob.reach), 0.1..=1000.0)?;
        within(
            "mob.considered",
            f64::from(self.mob.considered),
            1.0..=1000.0,
        )?;
        within("mob.patience", f64::from(self.mob.patience), 1.0..=1e6)
    }
}
