//! What must be known of a worklist before a deletion takes a short way.

use bevy_ecs::world::World;

use crate::deletion::{
    goal::Goal,
    queue::Deletions,
    remembered::LooksFor,
    settings::{Hiding, QdelSettings, Teardown},
};

/// Notes that something was torn down, for the sweeps.
pub(crate) fn note_vanished(world: &mut World) {
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.sweeps.note_tear_down();
    }
}

impl Deletions {
    /// Returns `true` if nothing is told of a deletion but its listeners, as far as that does not
    /// depend on the entity.
    pub(crate) fn is_undisturbed(&self, world: &World) -> bool {
        self.work.is_none() && !self.kinds.are_told_apart() && !self.is_observed(world)
    }

    /// Returns `true` if nothing happens between the mark of an entity and its tear-down but that
    /// it is told of, if that holds for its components.
    pub(crate) fn only_tells(&self) -> bool {
        !self.is_awaited()
            && self.to_tell.is_empty()
            && self.late.is_empty()
            && !self.panicked.is_some()
    }

    /// Returns `true` if all that is left of the work is to end it, in a world with that number of
    /// `archetypes`. What is torn down was not looked at.
    pub(crate) fn may_end(&self, archetypes: usize) -> bool {
        let may_be_shown = self.settings.hiding == Hiding::Hide && self.profiles.may_be_shown();
        let goal = Goal::of(&self.settings);
        self.work == Some(goal)
            && !self.is_flush
            && !self.is_broken()
            && self.profiles.count() == archetypes
            && !may_be_shown
    }

    /// Returns `true` if all are hidden that should be by `settings`.
    pub(crate) fn hides_by(&self, world: &World, settings: &QdelSettings) -> bool {
        self.settings.hiding == settings.hiding
            && self.profiles.are_current(world)
            && !self.may_show(world)
    }

    /// Returns `true` if entities whose despawn is not observed vanish when they are deleted, as
    /// far as that does not depend on them: they are torn down at once and without a mark.
    pub(crate) fn makes_vanish(&self, world: &World, settings: &QdelSettings) -> bool {
        settings.teardown == Teardown::Immediate
            && !settings.measure_costs
            && self.is_undisturbed(world)
            && self.hides_by(world, settings)
            && self.lets_vanish(world, settings)
    }

    /// Returns `true` if an entity whose despawn is not observed can be despawned without a mark.
    pub(crate) fn lets_vanish(&self, world: &World, settings: &QdelSettings) -> bool {
        !self.tracks
            && !self.is_broken()
            && !self.is_waiting()
            && LooksFor::of(self, settings) == LooksFor::Nobody
            && self.profiles.is_mark_unseen(world)
    }
}
