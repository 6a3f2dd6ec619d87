//! When fields are read before a deletion is asked about.
//!
//! Whether an entity may go, and what goes with it, must not depend on whether something else was
//! deleted before. So where a tracked type has the policies `deny` or `qdel`, what was written into
//! its fields is read before the question. Nothing is let go of by that: a deletion that is refused
//! has changed nothing.

use bevy_ecs::world::World;

use crate::{
    deletion::{looked::Look, queue::Deletions},
    reference::{self, look::Scope},
};

/// Reads what was written into the fields that may have a say in a deletion.
///
/// A panic is kept, and goes on when the work is done.
pub(crate) fn look_before_asking(world: &mut World, look: Look) {
    let now = world.change_tick();
    let deletions = world.get_resource::<Deletions>();
    let is_known = |deletions: &Deletions| {
        let is_working = deletions.work.is_some();
        let looked = &deletions.looked;
        !looked.is_needed || looked.is_enough(look, is_working, now)
    };
    if deletions.is_none_or(is_known) {
        return;
    }
    let outcome = reference::look::look(world, Scope::Deciding);
    let now = world.change_tick();
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.looked.note(now);
        deletions.panicked.note(outcome);
    }
}
