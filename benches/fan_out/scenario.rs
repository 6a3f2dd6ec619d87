//! What is measured of a variant.

use clap::ValueEnum;

use crate::workload::target_count;

/// One thing that is measured, each time in a world of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub(crate) enum Scenario {
    /// Every mob acquires a target.
    Register,
    /// Every mob that has a target changes to another one.
    Retarget,
    /// All targets are deleted one by one, everything included.
    NotifyDelete,
    /// All mobs are deleted one by one while their targets live.
    ListenerDelete,
    /// The heap bytes that registering every mob leaves behind.
    Memory,
}

impl Scenario {
    /// Returns the name on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.expect("no scenario is hidden").get_name().to_owned()
    }

    /// Returns what a figure of this scenario counts.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Register | Self::Retarget => "ns a mob",
            Self::NotifyDelete => "ns a mob (time for all targets / mobs)",
            Self::ListenerDelete => "ns a mob deleted",
            Self::Memory => "heap bytes a registration",
        }
    }

    /// Tells whether this can be done at all: with a single target there is no other one to change to.
    pub(crate) fn is_possible(self, mobs: usize, fan_out: usize) -> bool {
        self != Self::Retarget || target_count(mobs, fan_out) > 1
    }
}
