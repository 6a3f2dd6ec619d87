//! What is measured of a variant.

use clap::ValueEnum;

use crate::{stages::TOPICS, workload::target_count};

/// One thing that is measured, each time in a world of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub(crate) enum Scenario {
    /// Every mob acquires a target.
    Register,
    /// Every mob that has a target changes to another one.
    Retarget,
    /// Every target raises an alarm that its mobs hear; nothing is deleted.
    Notify,
    /// All targets are deleted one by one, everything included.
    NotifyDelete,
    /// All mobs are deleted one by one while their targets live.
    ListenerDelete,
    /// The heap bytes that registering every mob leaves behind.
    Memory,
    /// Entities without listeners are deleted, in a world where others have some.
    UnheardDelete,
    /// One mob in a hundred was written since the last look: find out which.
    Sync,
    /// Every mob was written since the last look, as before each, and chases whom it chased before:
    /// find out which.
    Touch,
    /// As notify-delete, with mobs of eight archetypes.
    SpreadDelete,
    /// As notify-delete, with mobs of eight kinds of components in random order.
    MixedDelete,
    /// Every mob acquires several targets; the fan-out is their number.
    Crowd,
    /// Targets send several signals, each to one mob; the fan-out is their number.
    Topics,
    /// Targets come and go on the same few entity indices, and each is chased until it dies.
    Generations,
    /// As notify-delete, but a mob that loses one of two targets lets go of the other and turns to
    /// a third, at once.
    BusyHandlers,
    /// Chains of entities, each owned by the one before, are deleted by their first link; the
    /// fan-out is their length. A plain despawn of a chain of 100,000 overflows the stack, in Bevy,
    /// and has a dash.
    DeepDelete,
    /// Owners of other entities are deleted; the fan-out is how many go with each, itself included.
    WideDelete,
}

/// A scenario and its size: what figures are compared of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Setting {
    pub(crate) scenario: Scenario,
    /// How many mobs there are, or what else is counted.
    pub(crate) mobs: usize,
    /// How many mobs share a target, how long a chain is, how large a family, or how many targets
    /// or signals there are.
    pub(crate) fan_out: usize,
}

impl Scenario {
    /// Returns the name on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.expect("no scenario is hidden").get_name().to_owned()
    }

    /// Returns what it is, in a sentence.
    pub(crate) fn description(self) -> String {
        let value = self.to_possible_value();
        let help = value.and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// Returns what a figure of this scenario counts.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Crowd => "ns a registration",
            Self::Topics => "ns a signal",
            Self::Register | Self::Retarget | Self::Sync | Self::Touch => "ns a mob",
            Self::Notify
            | Self::NotifyDelete
            | Self::SpreadDelete
            | Self::MixedDelete
            | Self::BusyHandlers => "ns a mob (time for all targets / mobs)",
            Self::ListenerDelete => "ns a mob deleted",
            Self::Memory => "heap bytes a registration",
            Self::UnheardDelete | Self::DeepDelete | Self::WideDelete => "ns an entity deleted",
            Self::Generations => "ns a target's life",
        }
    }
}

impl Setting {
    /// Returns `true` if this can be done at all: with a single target there is no other one to
    /// change to.
    pub(crate) fn is_possible(self) -> bool {
        let targets = target_count(self.mobs, self.fan_out);
        match self.scenario {
            Scenario::Retarget | Scenario::Sync => targets >= 2,
            Scenario::BusyHandlers => targets >= 3,
            Scenario::Topics => self.fan_out <= TOPICS,
            _ => true,
        }
    }
}
