//! Links components to what their fields name, and releases what they have lost.

use bevy_ecs::{
    archetype::ArchetypeId,
    change_detection::DetectChangesMut,
    component::ComponentId,
    entity::{Entity, EntityHashSet},
    world::{DeferredWorld, World},
};
use disqualified::ShortName;
use smallvec::SmallVec;

use crate::{
    books::{Books, TargetEnd},
    panics::catch,
    reference::{
        liveness_marks::is_undecided,
        release::release_now,
        released::{Released, remember},
        tracked::{Demand, Tracked, look_again, take_changed},
        tracking::{NotifyOwner, Tracking},
    },
    signal::{target::SignalTarget, world_parts::WorldParts},
};

/// How often a component is read whose fields change while its targets are marked.
const MOST_LOOKS: usize = 16;

/// Reads all tracked components that were written since the last time, or that are marked for this
/// sync.
///
/// No component is told of its loss if `notify` says so.
pub(crate) fn sync(world: &mut World, notify: NotifyOwner) -> Released {
    let mut released = Released::default();
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        books.bypass_change_detection().has_lost = false;
    }
    let types = world.get_resource::<Tracked>().map_or(0, Tracked::len);
    for number in 0..types {
        let tracking = world.resource::<Tracked>().get(number);
        match take_changed(world, tracking) {
            Ok(changes) => {
                for holder in changes.link(world, tracking) {
                    released.add(sync_guarded(world, holder, tracking, notify));
                }
            }
            Err(panicked) => released.add(Released::panicked(panicked)),
        }
    }
    let books = world.get_resource_mut::<Books>();
    let unsynced = books.map(|mut books| books.bypass_change_detection().take_unsynced());
    for (holder, number) in unsynced.into_iter().flatten() {
        let tracking = world.resource::<Tracked>().get(number);
        released.add(sync_guarded(world, holder, tracking, notify));
    }
    released
}

/// Does the same as [`sync_component`], but catches a panic. A component that panics when it is
/// read is read again by the next sync.
fn sync_guarded(
    world: &mut World,
    holder: Entity,
    tracking: Tracking,
    notify: NotifyOwner,
) -> Released {
    let synced = catch(|| sync_component(world, holder, tracking, notify));
    synced.unwrap_or_else(|panicked| {
        let component = [(holder, tracking.number)].into_iter();
        remember(&mut DeferredWorld::from(&mut *world), component);
        look_again(world, tracking);
        Released::panicked(panicked)
    })
}

/// Links a component that was inserted to what it names, as far as possible at once.
pub(crate) fn link_inserted(world: &mut DeferredWorld, holder: Entity, component: ComponentId) {
    let tracked = world.get_resource::<Tracked>();
    let Some(tracking) = tracked.and_then(|tracked| tracked.find(component)) else {
        return;
    };
    let is_done = match link(world, holder, tracking) {
        Linked::All => true,
        Linked::NotTo(_) => false,
        // An id that is reserved will be spawned soon.
        Linked::Lost => !names_the_dead(world, holder, tracking),
    };
    if is_done {
        return;
    }
    let books = world.get_resource::<Books>();
    let end_of_target = books.and_then(|books| books.end_of_target);
    let end = TargetEnd::Insert { holder, component };
    if let Some(Err(panicked)) = end_of_target.map(|end_of_target| end_of_target(world, end)) {
        panicked.resume();
    }
}

/// Links a component that was inserted to what it names, and releases what it has lost.
pub(crate) fn sync_inserted(world: &mut World, holder: Entity, component: ComponentId) -> Released {
    let tracked = world.get_resource::<Tracked>();
    let Some(tracking) = tracked.and_then(|tracked| tracked.find(component)) else {
        return Released::default();
    };
    sync_component(world, holder, tracking, NotifyOwner::Yes)
}

/// Returns `true` if a component names an entity that was there and is lost.
fn names_the_dead(world: &World, holder: Entity, tracking: Tracking) -> bool {
    let books = world.resource::<Books>();
    let mut found = false;
    tracking.reach.visit(world, holder, &mut |entity, _| {
        let is_reserved =
            world.entities().contains(entity) && !world.entities().contains_spawned(entity);
        found |= !is_reserved && tracking.marks.is_lost(world, books, entity);
    });
    found
}

/// Whether a component is linked to all that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Linked {
    /// To all of them.
    All,
    /// Not to these, which are not marked as targets yet.
    NotTo(Vec<Entity>),
    /// It names an entity that is lost.
    Lost,
}

/// Links a component to what it names, and makes it release what is lost.
pub(crate) fn sync_component(
    world: &mut World,
    holder: Entity,
    tracking: Tracking,
    notify: NotifyOwner,
) -> Released {
    let mut tried = EntityHashSet::default();
    for _ in 0..MOST_LOOKS {
        match link(&mut DeferredWorld::from(&mut *world), holder, tracking) {
            Linked::All => return Released::default(),
            Linked::Lost => break,
            Linked::NotTo(unmarked) => {
                if unmarked.iter().all(|target| tried.contains(target)) {
                    warn_of_unmarked(world, holder, tracking, unmarked[0]);
                    break;
                }
                tried.extend(&unmarked);
                // A structural change applies commands that wait, which may change what was found.
                // So look again.
                for target in unmarked {
                    if let Ok(mut target) = world.get_entity_mut(target)
                        && !target.contains::<SignalTarget>()
                    {
                        target.insert(SignalTarget);
                    }
                }
            }
        }
    }
    let mut released = Released::default();
    release_now(world, holder, tracking, notify, &mut released);
    released
}

/// Links the components of a surviving entity to what they name, and releases what they have lost.
///
/// It was to be deleted and is not, so what it wrote meanwhile may have been skipped. Where a
/// policy demands its deletion, only the component is removed.
pub(crate) fn release_survivor(world: &mut World, holder: Entity) -> Released {
    let mut released = Released::default();
    let Some(tracked) = world.get_resource::<Tracked>() else {
        return released;
    };
    let Ok(entity) = world.get_entity(holder) else {
        return released;
    };
    let numbers = tracked.numbers_in(entity);
    let types: Vec<_> = numbers.map(|number| tracked.get(number)).collect();
    for tracking in types {
        released.add(sync_component(world, holder, tracking, NotifyOwner::Yes));
    }
    for demand in &mut released.demands {
        if let Demand::Qdel { holder, number, .. } = *demand {
            *demand = Demand::Remove { holder, number };
        }
    }
    released
}

/// Warns once that the mark of targets is being removed, so that they cannot be watched.
#[cold]
fn warn_of_unmarked(world: &mut World, holder: Entity, tracking: Tracking, target: Entity) {
    let Some(mut tracked) = world.get_resource_mut::<Tracked>() else {
        return;
    };
    if !core::mem::replace(&mut tracked.has_warned_of_unmarked, true) {
        let component = ShortName(tracking.reach.name());
        log::warn!(
            "passing over {target}, which `{component}` of {holder} names: `SignalTarget` is removed from it as soon as it \
             is inserted, so its end will not be noticed; leave `SignalTarget` on entities that are named"
        );
    }
}

/// An entity that a component names and that takes links, once it is marked.
struct Named {
    target: Entity,
    archetype: ArchetypeId,
    /// Its deletion has begun, and it may still survive.
    is_undecided: bool,
}

/// Sets the links of a component to what its fields name.
pub(crate) fn link(world: &mut DeferredWorld, holder: Entity, tracking: Tracking) -> Linked {
    let Tracking { reach, marks, .. } = tracking;
    let mut named = SmallVec::<[Named; 4]>::new();
    let mut is_lost = false;
    reach.visit(world, holder, &mut |target, _| {
        let Some(standing) = marks.standing(world, target) else {
            is_lost = true;
            return;
        };
        if standing.is_reserved {
            return;
        }
        let is_undecided = standing.is_deleting && is_undecided(world, target);
        if standing.is_deleting && !is_undecided {
            is_lost = true;
        } else {
            named.push(Named {
                target,
                archetype: standing.archetype,
                is_undecided,
            });
        }
    });
    let holder_standing = marks.standing(world, holder);
    let parts = WorldParts::of(world);
    let books = parts
        .books
        .expect("a world with tracked types should have books");
    let is_marked = |named: &Named| books.marks.are_in(&parts.archetypes[named.archetype]);
    let unmarked = named.iter().filter(|named| !is_marked(named));
    let unmarked: Vec<_> = unmarked.map(|named| named.target).collect();
    if !unmarked.is_empty() {
        named.retain(|named| is_marked(named));
    }
    let is_open = |named: &Named| named.is_undecided || !books.is_ending(named.target);
    if !named.iter().all(is_open) {
        // They are being despawned right now.
        is_lost = true;
        named.retain(|named| is_open(named));
    }
    // A component of an entity that is deleted needs no links.
    if holder_standing.is_some_and(|standing| standing.is_alive(|| books.is_ending(holder))) {
        let targets = named.iter().map(|named| named.target);
        books.set_references(holder, tracking.handler, targets);
        for named in named.iter().filter(|named| named.is_undecided) {
            // It may still survive, but until then it takes no registrations.
            books.close(named.target);
            books.forget_synced(holder, tracking.component);
        }
        if !unmarked.is_empty() {
            return Linked::NotTo(unmarked);
        }
    }
    if is_lost { Linked::Lost } else { Linked::All }
}
