//! How a deletion proceeds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    entity::Entity,
    resource::IsResource,
    world::{DeferredWorld, World},
};

use super::{
    ask,
    owned::{self, Member, Tree},
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
    world.init_resource::<Deletions>();
    world.init_resource::<QdelCounts>();
    let tree = match permit(world, root, force) {
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
    let Some(deletions) = world.get_resource::<Deletions>() else {
        return 0;
    };
    let waiting = deletions.to_tear_down.len();
    work(world, Scope::TearDown(waiting), |_| Ok(()))
}

/// Finds out whether `root` may be deleted, and what goes with it. Changes nothing.
fn permit(world: &mut World, root: Entity, force: Force) -> Result<Tree, Result<Qdel, QdelError>> {
    let Ok(entity) = world.get_entity(root) else {
        return Err(Err(QdelError::NotSpawned { entity: root }));
    };
    if entity.contains::<Deleting>() {
        return Err(Ok(Qdel::AlreadyDeleting));
    }
    let mut ownerships = core::mem::take(&mut world.resource_mut::<Deletions>().ownerships);
    ownerships.update(world);
    let tree = owned::tree(world, &ownerships, root);
    world.resource_mut::<Deletions>().ownerships = ownerships;

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
    /// Tear so many down.
    TearDown(usize),
    /// Tear down until nothing is left.
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
    if !outermost {
        if let Err(panicked) = outcome {
            resume_unwind(panicked);
        }
        return 0;
    }
    let mut torn_down = 0;
    let mut left = match scope {
        Scope::Tell => 0,
        Scope::TearDown(limit) => limit,
        Scope::TearDownAll => usize::MAX,
    };
    let mut stuck = Vec::new();
    loop {
        outcome = outcome.and(tell_all(world));
        if left == 0 {
            break;
        }
        let next = world.resource_mut::<Deletions>().to_tear_down.pop_front();
        let Some(entity) = next else {
            break;
        };
        left -= 1;
        match tear_down(world, entity) {
            Ok(Some(_)) => torn_down += 1,
            Ok(None) => {}
            Err(panicked) => {
                stuck.push(entity);
                outcome = outcome.and(Err(panicked));
            }
        }
    }
    let mut deletions = world.resource_mut::<Deletions>();
    // A hook panicked, and Bevy left the entity alive. It is tried again at the next flush.
    deletions.to_tear_down.extend(stuck);
    deletions.busy = false;
    world.resource_mut::<QdelCounts>().torn_down += torn_down as u64;
    if let Err(panicked) = outcome {
        resume_unwind(panicked);
    }
    torn_down
}

/// Sends all notices, also those that are queued meanwhile.
///
/// Commands are applied when all is told that was marked before, so that all handlers of a deletion see
/// the same entities.
fn tell_all(world: &mut World) -> Result<(), Panicked> {
    let mut outcome = Ok(());
    let mut told = false;
    loop {
        let next = world.resource_mut::<Deletions>().to_tell.pop_front();
        if let Some(notice) = next {
            outcome = outcome.and(tell(world, notice));
            told = true;
        } else if told {
            let applied = catch_unwind(AssertUnwindSafe(|| world.flush()));
            outcome = outcome.and(applied);
            told = false;
        } else {
            return outcome;
        }
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

/// Despawns an entity whose time has come, if it is still there.
fn tear_down(world: &mut World, entity: Entity) -> Result<Option<Entity>, Panicked> {
    if !world.entities().contains_spawned(entity) {
        return Ok(None);
    }
    catch_unwind(AssertUnwindSafe(|| world.despawn(entity)))
        .map(|despawned| despawned.then_some(entity))
}
