//! How a deletion proceeds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    entity::Entity,
    resource::IsResource,
    world::{DeferredWorld, World},
};

use super::{
    ask,
    owned::{self, Member, Ownerships, Tree},
    queue::{Deletions, Notice, Qdel, QdelCounts},
    settings::{QdelSettings, Teardown},
};
use crate::{
    deleting::Deleting,
    error::QdelError,
    signal::{self, Cause, Panicked, Qdeleting, Signal},
};

/// Whether a deletion is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    No,
    Yes,
}

/// Deletes `root` and all it owns.
pub(super) fn qdel(world: &mut World, root: Entity, force: Force) -> Result<Qdel, QdelError> {
    let permitted = match world.get_resource::<Deletions>() {
        Some(deletions) if deletions.ownerships.are_current(world) => {
            permit(world, &deletions.ownerships, root, force)
        }
        _ => {
            prepare(world);
            let deletions = world.resource::<Deletions>();
            permit(world, &deletions.ownerships, root, force)
        }
    };
    let tree = match permitted {
        Ok(tree) => tree,
        Err(refusal) => {
            let mut counts = world.resource_mut::<QdelCounts>();
            match refusal {
                Ok(Qdel::AlreadyDeleting) => counts.repeated += 1,
                Ok(_) => counts.vetoed += 1,
                Err(_) => counts.refused += 1,
            }
            return refusal;
        }
    };

    let settings = world.get_resource::<QdelSettings>();
    let scope = match settings.map_or(Teardown::default(), |settings| settings.teardown) {
        Teardown::EndOfFrame => Scope::Tell,
        Teardown::Immediate => Scope::TearDownAll,
    };
    work(world, scope, |world| mark(world, &tree, force));
    Ok(Qdel::Queued)
}

/// Tears down what was deleted until now, and returns how many entities that were.
pub(super) fn flush(world: &mut World) -> usize {
    let deletions = world.get_resource::<Deletions>();
    if deletions.is_none_or(|deletions| deletions.to_tear_down.is_empty()) {
        return 0;
    }
    work(world, Scope::TearDownWaiting, |_| Ok(()))
}

/// Makes sure that the worklist is there and knows all relationships.
#[cold]
fn prepare(world: &mut World) {
    world.init_resource::<QdelCounts>();
    world.init_resource::<Deletions>();
    let ownerships = Ownerships::of(world);
    world.resource_mut::<Deletions>().ownerships = ownerships;
}

/// Finds out whether `root` may be deleted, and what goes with it.
fn permit(
    world: &World,
    ownerships: &Ownerships,
    root: Entity,
    force: Force,
) -> Result<Tree, Result<Qdel, QdelError>> {
    let Ok(entity) = world.get_entity(root) else {
        return Err(Err(QdelError::NotSpawned { entity: root }));
    };
    if entity.contains::<Deleting>() {
        return Err(Ok(Qdel::AlreadyDeleting));
    }
    let tree = owned::tree(world, ownerships, root);
    let is_resource = |member: &&Member| world.entity(member.entity).contains::<IsResource>();
    if let Some(member) = tree.iter().find(is_resource) {
        return Err(Err(QdelError::Resource {
            entity: root,
            resource: member.entity,
        }));
    }
    match ask::find_veto(world, &tree, force == Force::Yes) {
        Some(on) => Err(Ok(Qdel::Vetoed { on })),
        None => Ok(tree),
    }
}

/// Marks a tree, and queues what is to be done with it.
fn mark(world: &mut World, tree: &Tree, force: Force) -> Result<(), Panicked> {
    let mut deletions = world.resource_mut::<Deletions>();
    deletions.to_tell.extend(tree.iter().map(|member| Notice {
        entity: member.entity,
        cause: member.owner.map_or(Cause::Qdel, Cause::Owner),
        force: force == Force::Yes,
    }));
    let owned_first = tree.iter().rev().map(|member| member.entity);
    deletions.to_tear_down.extend(owned_first);
    world.resource_mut::<QdelCounts>().deleted += tree.len() as u64;

    let mut outcome = Ok(());
    signal::close(world, tree.iter().map(|member| member.entity));
    for member in tree {
        // An observer of an earlier mark may have despawned it.
        if let Ok(mut entity) = world.get_entity_mut(member.entity) {
            let marked = catch_unwind(AssertUnwindSafe(|| {
                entity.insert(Deleting::mark());
            }));
            outcome = outcome.and(marked);
        }
    }
    outcome
}

/// How much work is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Tell everybody, and leave the rest to the end of the frame.
    Tell,
    /// Tear down what waits for it now.
    TearDownWaiting,
    /// Tear down until nothing waits for it.
    TearDownAll,
}

/// Does `first`, and then works on the worklist, unless somebody further out does, who will get to
/// everything.
///
/// Returns how many entities were torn down.
fn work(
    world: &mut World,
    scope: Scope,
    first: impl FnOnce(&mut World) -> Result<(), Panicked>,
) -> usize {
    let outermost = !core::mem::replace(&mut world.resource_mut::<Deletions>().busy, true);
    let mut outcome = first(world);
    let mut done = TornDown::default();
    if outermost {
        outcome = outcome.and(tell_all(world));
        let mut rounds = scope;
        while rounds != Scope::Tell {
            outcome = outcome.and(tear_down_waiting(world, &mut done));
            let nothing_waits = world.resource::<Deletions>().to_tear_down.is_empty();
            if rounds == Scope::TearDownWaiting || nothing_waits {
                rounds = Scope::Tell;
            }
        }
        let mut deletions = world.resource_mut::<Deletions>();
        deletions.to_tear_down.append(&mut done.stuck);
        deletions.busy = false;
        if done.count > 0 {
            world.resource_mut::<QdelCounts>().torn_down += done.count as u64;
        }
    }
    if let Err(panicked) = outcome {
        resume_unwind(panicked);
    }
    done.count
}

/// What was torn down.
#[derive(Debug, Default)]
struct TornDown {
    count: usize,
    /// Entities that Bevy left alive because a hook of theirs panicked. They are tried again at the
    /// next flush.
    stuck: Vec<Entity>,
}

/// Tears down what waits for it now, and tells of whatever is deleted meanwhile.
fn tear_down_waiting(world: &mut World, done: &mut TornDown) -> Result<(), Panicked> {
    let waiting = core::mem::take(&mut world.resource_mut::<Deletions>().to_tear_down);
    let mut outcome = Ok(());
    for entity in waiting {
        // Somebody else may have despawned it.
        if world.entities().contains_spawned(entity) {
            match catch_unwind(AssertUnwindSafe(|| world.despawn(entity))) {
                Ok(_) => done.count += 1,
                Err(panicked) => {
                    done.stuck.push(entity);
                    outcome = outcome.and(Err(panicked));
                }
            }
        }
        outcome = outcome.and(tell_all(world));
    }
    outcome
}

/// Sends all notices, also those that are queued meanwhile.
///
/// Commands are applied when all is told that was marked before, so that all handlers of a deletion see
/// the same entities.
fn tell_all(world: &mut World) -> Result<(), Panicked> {
    let mut outcome = Ok(());
    loop {
        let notices = core::mem::take(&mut world.resource_mut::<Deletions>().to_tell);
        if notices.is_empty() {
            return outcome;
        }
        for notice in notices {
            outcome = outcome.and(tell(world, notice));
        }
        let applied = catch_unwind(AssertUnwindSafe(|| world.flush()));
        outcome = outcome.and(applied);
    }
}

/// Tells the handlers and then the observers of one entity.
fn tell(world: &mut World, notice: Notice) -> Result<(), Panicked> {
    let Notice {
        entity,
        cause,
        force,
    } = notice;
    if !world.entities().contains_spawned(entity) {
        // It was despawned plainly, and its hook has told.
        return Ok(());
    }
    let notice = Qdeleting::new(entity, cause, force);
    let mut outcome = signal::tell(&mut DeferredWorld::from(&mut *world), entity, &notice);
    if let Some(observers) = Qdeleting::OBSERVERS {
        let observed = catch_unwind(AssertUnwindSafe(|| observers(notice, world)));
        outcome = outcome.and(observed);
    }
    outcome
}
