//! When fields are read before somebody is asked.
//!
//! Whether an entity may go, and who goes with it, must not depend on whether something else was
//! deleted before. So where a tracked type has the policies `deny` or `qdel`, what was written into
//! its fields is read before the question. Nothing is let go of by that: a deletion that is refused
//! has changed nothing.

use bevy_ecs::{change_detection::Tick, world::World};

use crate::{
    deletion::queue::Deletions,
    reference::{self, look::Scope},
};

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

    fn note(&mut self, now: Tick) {
        self.at = Some(now);
        self.holds = true;
    }
}

impl Deletions {
    /// Returns `true` if it is known well enough what fields name.
    fn has_looked(&self, look: Look, now: Tick) -> bool {
        match look {
            Look::Afresh => false,
            Look::Shared if self.work.is_some() => self.looked.holds,
            Look::Shared => self.looked.at == Some(now),
        }
    }
}

/// Reads what was written into the fields that may have a say in a deletion.
///
/// A panic is kept, and goes on when the work is done.
pub(crate) fn look_before_asking(world: &mut World, look: Look) {
    let now = world.change_tick();
    let deletions = world.get_resource::<Deletions>();
    if deletions
        .is_none_or(|deletions| !deletions.looked.is_needed || deletions.has_looked(look, now))
    {
        return;
    }
    let outcome = reference::look::look(world, Scope::Deciding);
    let now = world.change_tick();
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.looked.note(now);
        deletions.panicked.note(outcome);
    }
}
