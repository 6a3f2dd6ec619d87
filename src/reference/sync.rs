//! How the books learn what fields name.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::ComponentId,
    entity::Entity,
    world::{DeferredWorld, World},
};
use bevy_platform::hash::FixedHasher;
use indexmap::IndexSet;

use super::{
    release::{Released, is_lost, release_now, settle_later},
    tracked::{Hears, Tracked, take_changed},
};
use crate::{
    liveness::{Liveness, LivenessExt},
    signal::{Books, Reserved, Signals},
};

/// Reads all tracked components that were written since the last time, or that are kept in mind for it.
///
/// Nobody hears of what is lost if `hears` says so.
pub(crate) fn sync(world: &mut World, hears: Hears) -> Released {
    let mut released = Released::default();
    let types = world.get_resource::<Tracked>().map_or(0, Tracked::len);
    for number in 0..types {
        match take_changed(world, number) {
            Ok(changed) => {
                for holder in changed {
                    released.add(sync_guarded(world, holder, number, hears));
                }
            }
            Err(panicked) => released.add(Released::panicked(panicked)),
        }
    }
    let books = world.get_resource_mut::<Books>();
    let unsynced = books.map(|mut books| books.bypass_change_detection().take_unsynced());
    for (holder, number) in unsynced.into_iter().flatten() {
        released.add(sync_guarded(world, holder, number, hears));
    }
    released
}

/// Does as [`sync_component`]; a component that panics when it is read costs nobody else anything.
fn sync_guarded(world: &mut World, holder: Entity, number: u32, hears: Hears) -> Released {
    let synced = catch_unwind(AssertUnwindSafe(|| {
        sync_component(world, holder, number, hears)
    }));
    synced.unwrap_or_else(Released::panicked)
}

/// Returns the number of a tracked type.
fn number_of(world: &World, component: ComponentId) -> Option<u32> {
    world.get_resource::<Tracked>()?.number_of(component)
}

/// Links a component that was inserted to what it names, as far as that goes at once.
pub(super) fn link_inserted(world: &mut DeferredWorld, holder: Entity, component: ComponentId) {
    let Some(number) = number_of(world, component) else {
        return;
    };
    let is_done = match link(world, holder, number) {
        Linked::All => true,
        Linked::NotTo(_) => false,
        // A name that is reserved is about to be somebody's.
        Linked::Lost => !names_the_dead(world, holder, number),
    };
    if !is_done {
        world.commands().queue(move |world: &mut World| {
            let synced = sync_component(world, holder, number, Hears::Yes);
            let (demands, outcome) = synced.into_parts();
            settle_later(&mut DeferredWorld::from(&mut *world), demands);
            if let Err(panicked) = outcome {
                std::panic::resume_unwind(panicked);
            }
        });
    }
}

/// Tells whether a component names somebody who was there and is lost.
fn names_the_dead(world: &World, holder: Entity, number: u32) -> bool {
    let mut found = false;
    let reach = world.resource::<Tracked>().get(number).reach;
    reach.visit(world, holder, &mut |entity, _| {
        let is_reserved =
            world.entities().contains(entity) && !world.entities().contains_spawned(entity);
        found |= !is_reserved && is_lost(world, entity);
    });
    found
}

/// How far a component is linked to what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Linked {
    /// To all of it.
    All,
    /// Not to these, which are not marked as targets yet.
    NotTo(Vec<Entity>),
    /// It names somebody who is lost.
    Lost,
}

/// Links a component to what it names, and has it let go of what is lost.
pub(super) fn sync_component(
    world: &mut World,
    holder: Entity,
    number: u32,
    hears: Hears,
) -> Released {
    loop {
        match link(&mut DeferredWorld::from(&mut *world), holder, number) {
            Linked::All => return Released::default(),
            Linked::Lost => break,
            Linked::NotTo(unmarked) => {
                // A structural change applies commands that wait, and those may change what was found: look again.
                for target in unmarked {
                    if let Ok(mut target) = world.get_entity_mut(target) {
                        target.insert(Signals);
                    }
                }
            }
        }
    }
    release_now(world, holder, number, hears)
}

/// Makes the links of a component those of its fields.
fn link(world: &mut DeferredWorld, holder: Entity, number: u32) -> Linked {
    let tracking = world.resource::<Tracked>().get(number);
    let mut named = IndexSet::<Entity, FixedHasher>::default();
    tracking.reach.visit(world, holder, &mut |entity, _| {
        named.insert(entity);
    });
    let is_reserved = |target: Entity| {
        let target = world.get_entity(target);
        target.is_ok_and(|target| target.contains::<Reserved>())
    };
    named.retain(|target| !is_reserved(*target));
    let all = named.len();
    named.retain(|target| !is_lost(world, *target));
    let is_lost = named.len() < all;
    // Who goes as well has nothing to keep.
    if world.liveness(holder) != Liveness::Alive {
        return if is_lost { Linked::Lost } else { Linked::All };
    }
    let is_marked = |target: &Entity| world.entity(*target).contains::<Signals>();
    let unmarked: Vec<_> = named.iter().copied().filter(|at| !is_marked(at)).collect();
    named.retain(is_marked);
    let is_going = |target: &Entity| world.liveness(*target) != Liveness::Alive;
    let going: Vec<_> = named.iter().copied().filter(is_going).collect();

    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Linked::NotTo(unmarked);
    };
    let books = books.bypass_change_detection();
    for known in books.references_of(holder, tracking.handler) {
        if !named.contains(&known) {
            books.end_reference(holder, known, tracking.handler);
        }
    }
    for target in named {
        // There is one link, however many fields name it.
        books.add_reference(holder, target, tracking.handler);
    }
    for target in going {
        // It may still live on, but until then it takes no registrations.
        books.close(target);
    }
    if !unmarked.is_empty() {
        Linked::NotTo(unmarked)
    } else if is_lost {
        Linked::Lost
    } else {
        Linked::All
    }
}
