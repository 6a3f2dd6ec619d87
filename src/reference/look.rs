//! How the books learn what fields name, and nothing else comes of it.
//!
//! Before somebody is asked, nothing may be released and nobody told: if it is refused, nothing has
//! happened.

use bevy_ecs::{
    entity::{Entity, EntityHashSet},
    world::{DeferredWorld, World},
};

use crate::{
    panics::{FirstPanic, Panicked, catch},
    reference::{
        release::remember,
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
    /// Those of which losing an entity may delete more or refuse the deletion.
    Deciding,
}

/// Links the components that were written since the last time to what they name.
///
/// What they have lost waits for the next [sync](super::sync). Commands that wait go on waiting.
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
                changes.link_plain(world, tracking);
                for holder in changes.others {
                    first_panic.note(unlinked.link(world, holder, tracking));
                }
            }
            Err(panicked) => first_panic.keep(panicked),
        }
    }
    first_panic.note(unlinked.finish(world));
    first_panic.into_outcome()
}

/// The components that are not linked yet, because somebody whom they name is not marked as a
/// target.
#[derive(Default)]
struct Unlinked {
    components: Vec<(Entity, Tracking)>,
    targets: EntityHashSet,
}

impl Unlinked {
    /// Links a component to what it names, as far as that goes at once.
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

    /// Marks the targets in one go, which applies no commands, and links the components.
    fn finish(self, world: &mut World) -> Result<(), Panicked> {
        let mut first_panic = FirstPanic::default();
        let mut targets = self
            .targets
            .into_iter()
            .map(|target| (target, SignalTarget));
        // An observer that panics cuts the batch short, but not before its own entity was marked.
        while targets.len() > 0 {
            let marked = catch(|| world.try_insert_batch(targets.by_ref()));
            // Nobody can have despawned them meanwhile.
            first_panic.note(marked.map(drop));
        }
        for (holder, tracking) in self.components {
            let mut again = Self::default();
            first_panic.note(again.link(world, holder, tracking));
            if !again.components.is_empty() {
                // Somebody keeps the mark off: the next sync says so.
                let component = [(holder, tracking.number)].into_iter();
                remember(&mut DeferredWorld::from(&mut *world), component);
            }
        }
        first_panic.into_outcome()
    }
}
