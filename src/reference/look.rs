//! Links components to what their fields name, and releases nothing.
//!
//! Before a deletion is asked about, nothing may be released and no component told. If the deletion
//! is refused, nothing has happened.

use bevy_ecs::{
    entity::{Entity, EntityHashSet},
    world::{DeferredWorld, World},
};

use crate::{
    panics::{FirstPanic, Panicked, catch},
    reference::{
        released::remember,
        sync::{Linked, link},
        tracked::{Tracked, look_again, take_changed},
        tracking::Tracking,
    },
    signal::target::SignalTarget,
};

/// Which types are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    /// Types with a policy that may delete more or refuse the deletion.
    Deciding,
}

/// Links the components that were written since the last look to what they name.
///
/// What they have lost is left to the next [sync](super::sync). Commands that wait are not applied.
pub(crate) fn look(world: &mut World, scope: Scope) -> Result<(), Panicked> {
    let mut first_panic = FirstPanic::default();
    let mut unlinked = Unlinked::default();
    let types = world.get_resource::<Tracked>().map_or(0, Tracked::len);
    for number in 0..types {
        let tracking = world.resource::<Tracked>().get(number);
        if scope == Scope::Deciding && !tracking.reach.cascades() {
            continue;
        }
        match take_changed(world, tracking) {
            Ok(changes) => {
                for holder in changes.link(world, tracking) {
                    first_panic.note(unlinked.link(world, holder, tracking));
                }
            }
            Err(panicked) => first_panic.keep(panicked),
        }
    }
    first_panic.note(unlinked.finish(world));
    first_panic.into_outcome()
}

/// Components that are not linked yet, because an entity that they name is not marked as a target.
#[derive(Default)]
struct Unlinked {
    components: Vec<(Entity, Tracking)>,
    targets: EntityHashSet,
}

impl Unlinked {
    /// Links a component to what it names, as far as possible without a structural change.
    fn link(
        &mut self,
        world: &mut World,
        holder: Entity,
        tracking: Tracking,
    ) -> Result<(), Panicked> {
        let component = [(holder, tracking.number)].into_iter();
        let mut deferred = DeferredWorld::from(&mut *world);
        match catch(|| link(&mut deferred, holder, tracking)) {
            Ok(Linked::All) => Ok(()),
            Ok(Linked::NotTo(unmarked)) => {
                self.components.push((holder, tracking));
                self.targets.extend(unmarked);
                Ok(())
            }
            Ok(Linked::Lost) => {
                remember(&mut deferred, component);
                Ok(())
            }
            Err(panicked) => {
                remember(&mut deferred, component);
                look_again(world, tracking);
                Err(panicked)
            }
        }
    }

    /// Marks the targets in one batch, which applies no commands, and links the components.
    fn finish(self, world: &mut World) -> Result<(), Panicked> {
        let mut first_panic = FirstPanic::default();
        let mut targets = self
            .targets
            .into_iter()
            .map(|target| (target, SignalTarget));
        // An observer that panics ends the batch early, but after its own entity was marked.
        while targets.len() > 0 {
            let marked = catch(|| world.try_insert_batch(targets.by_ref()));
            // They cannot have been despawned meanwhile.
            first_panic.note(marked.map(drop));
        }
        for (holder, tracking) in self.components {
            let mut again = Self::default();
            first_panic.note(again.link(world, holder, tracking));
            if !again.components.is_empty() {
                // The mark is being removed. The next sync warns of it.
                let component = [(holder, tracking.number)].into_iter();
                remember(&mut DeferredWorld::from(&mut *world), component);
            }
        }
        first_panic.into_outcome()
    }
}
