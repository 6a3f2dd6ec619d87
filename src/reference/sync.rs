//! How the books learn what fields name.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::ComponentId,
    entity::Entity,
    world::{DeferredWorld, World},
};
use bevy_platform::hash::FixedHasher;
use indexmap::IndexSet;

use super::{
    release::{Released, release_component, settle_later},
    tracked::{Tracked, take_changed},
};
use crate::{
    liveness::{Liveness, LivenessExt},
    signal::{Books, Reserved, Signals},
};

/// Reads all tracked components that were written since the last time.
pub(crate) fn sync(world: &mut World) -> Released {
    let mut released = Released::default();
    let types = world.get_resource::<Tracked>().map_or(0, Tracked::len);
    for number in 0..types {
        for holder in take_changed(world, number) {
            released.add(sync_component(world, holder, number));
        }
    }
    released
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
    if !link(world, holder, number).is_empty() {
        world.commands().queue(move |world: &mut World| {
            let (demands, outcome) = sync_component(world, holder, number).into_parts();
            settle_later(&mut DeferredWorld::from(&mut *world), demands);
            if let Err(panicked) = outcome {
                std::panic::resume_unwind(panicked);
            }
        });
    }
}

/// Links a component to what it names, and has it let go of what is lost.
fn sync_component(world: &mut World, holder: Entity, number: u32) -> Released {
    loop {
        let unmarked = link(&mut DeferredWorld::from(&mut *world), holder, number);
        if unmarked.is_empty() {
            break;
        }
        // A structural change applies commands that wait, and those may change what was found: look again.
        for target in unmarked {
            if let Ok(mut target) = world.get_entity_mut(target) {
                target.insert(Signals);
            }
        }
    }
    release_component(&mut DeferredWorld::from(world), holder, number)
}

/// Makes the links of a component those of its fields, and returns the targets that cannot be linked to before
/// they are marked.
fn link(world: &mut DeferredWorld, holder: Entity, number: u32) -> Vec<Entity> {
    let mut unmarked = Vec::new();
    // Who goes as well has nothing to keep.
    if world.liveness(holder) != Liveness::Alive {
        return unmarked;
    }
    let tracking = world.resource::<Tracked>().get(number);
    let mut named = IndexSet::<Entity, FixedHasher>::default();
    tracking.reach.visit(world, holder, &mut |entity, _| {
        named.insert(entity);
    });
    named.retain(|target| {
        let entity = world.get_entity(*target);
        entity.is_ok_and(|entity| !entity.contains::<Reserved>())
            && world.liveness(*target) == Liveness::Alive
    });
    let is_marked = |target: &Entity| world.entity(*target).contains::<Signals>();
    unmarked.extend(named.iter().filter(|target| !is_marked(target)));
    named.retain(is_marked);

    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return unmarked;
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
    unmarked
}
