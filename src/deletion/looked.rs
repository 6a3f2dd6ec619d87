//! Since when the fields that decide about deletions need not be read again.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::change_detection::Tick;

/// How new it must be what is known of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// They are read now.
    Afresh,
    /// They need not be read again until a system has run, unless it was an observer.
    Shared,
}

/// Since when fields need not be read again.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// Whether any type may refuse a deletion, or delete more: or else nothing is ever read.
    pub(crate) is_needed: bool,
    /// The change tick of the world, which each system moves, when no system had run since.
    at: Option<Tick>,
    /// Whether that holds for the work that is going on. It moves the tick by itself.
    holds: bool,
}

impl Looked {
    /// Notes that the work begins.
    pub(crate) fn begin_work(&mut self, now: Tick) {
        self.holds = self.at == Some(now);
    }

    /// Notes that the work ends, whose observers do not count.
    pub(crate) fn end_work(&mut self, now: Tick) {
        if self.holds {
            self.at = Some(now);
        }
    }

    /// Notes that the fields were read.
    pub(crate) fn note(&mut self, now: Tick) {
        self.at = Some(now);
        self.holds = true;
    }

    /// Returns `true` if what fields name is known well enough, while work goes on or not.
    pub(crate) fn is_enough(&self, look: Look, is_working: bool, now: Tick) -> bool {
        match look {
            Look::Afresh => false,
            Look::Shared if is_working => self.holds,
            Look::Shared => self.at == Some(now),
        }
    }
}
