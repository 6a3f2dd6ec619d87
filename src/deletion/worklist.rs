//! How a deletion proceeds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    entity::Entity,
    entity_disabling::Disabled,
    observer::Observer,
    query::{Allow, Without},
    resource::IsResource,
    world::{DeferredWorld, World},
};
use bevy_platform::cell::SyncCell;

use super::{
    ask,
    owned::{Member, Ownerships, Reach, Tree},
    queue::{Deletions, Goal, Notice, Qdel, QdelCounts},
    settings::{QdelSettings, Teardown},
};
use crate::{
    deleting::Deleting,
    error::QdelError,
    signal::{self, Cause, Panicked, Qdeleting},
};

/// Whether a deletion is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    No,
    Yes,
}

/// Deletes `root` and all it owns.
pub(super) fn qdel(world: &mut World, root: Entity, force: Force) -> Result<Qdel, QdelError> {
    prepare(world);
    let tree = match ask(world, root, force) {
        Ok(tree) => tree,
        Err(refusal) => {
            count(world, |counts| match refusal {
                Ok(Qdel::AlreadyDeleting) => counts.repeated += 1,
                Ok(_) => counts.vetoed += 1,
                Err(_) => counts.refused += 1,
            });
            return refusal;
        }
    };

    let settings = world.get_resource::<QdelSettings>();
    let goal = match settings.map_or(Teardown::default(), |settings| settings.teardown) {
        Teardown::EndOfFrame => Goal::Tell,
        Teardown::Immediate => Goal::TearDownAll,
    };
    work(world, goal, |world| mark(world, &tree, force));
    Ok(Qdel::Queued)
}

/// Tears down what was deleted until now, and returns how many entities that were.
pub(super) fn flush(world: &mut World) -> usize {
    let deletions = world.get_resource::<Deletions>();
    if deletions.is_none_or(|deletions| deletions.to_tear_down.is_empty()) {
        return 0;
    }
    prepare(world);
    work(world, Goal::TearDownWaiting, |_| Ok(()))
}

/// Deletes and tears down everything but resources and observers, and returns how many entities that were.
pub(super) fn shut_down(world: &mut World) -> usize {
    prepare(world);
    let mut query = world.query_filtered::<Entity, (
        Without<IsResource>,
        Without<Observer>,
        Without<Deleting>,
        Allow<Disabled>,
    )>();
    let mut roots: Vec<_> = query.iter(world).collect();
    roots.sort_unstable_by_key(|entity| entity.index());
    let forest = world
        .resource::<Deletions>()
        .ownerships
        .forest(world, &roots);
    work(world, Goal::TearDownAll, |world| {
        mark(world, &forest, Force::Yes)
    })
}

/// Makes sure that the worklist is there and knows all relationships.
fn prepare(world: &mut World) {
    let deletions = world.get_resource::<Deletions>();
    if deletions.is_some_and(|deletions| deletions.ownerships.are_current(world)) {
        return;
    }
    world.init_resource::<QdelCounts>();
    world.init_resource::<Deletions>();
    let ownerships = Ownerships::of(world);
    world.resource_mut::<Deletions>().ownerships = ownerships;
}

/// Finds out whether `root` may be deleted, and what goes with it.
///
/// Inside another deletion, a handler that panics counts as a veto and its panic goes on when that
/// deletion is done: going on now, it would lose the commands that wait.
fn ask(world: &mut World, root: Entity, force: Force) -> Result<Tree, Result<Qdel, QdelError>> {
    if world.resource::<Deletions>().work.is_none() {
        return permit(world, root, force);
    }
    catch_unwind(AssertUnwindSafe(|| permit(world, root, force))).unwrap_or_else(|panicked| {
        keep_panic(world, panicked);
        Err(Ok(Qdel::Vetoed { on: root }))
    })
}

/// Finds out whether `root` may be deleted, and what goes with it. Lets panics through.
fn permit(world: &World, root: Entity, force: Force) -> Result<Tree, Result<Qdel, QdelError>> {
    let Ok(entity) = world.get_entity(root) else {
        return Err(Err(QdelError::NotSpawned { entity: root }));
    };
    if entity.contains::<Deleting>() {
        return Err(Ok(Qdel::AlreadyDeleting));
    }
    let ownerships = &world.resource::<Deletions>().ownerships;
    let tree = ownerships.tree(world, root, Reach::Alive);
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

/// Marks entities as deleting, and queues what is to be done with them.
///
/// Commands of observers of the mark wait until everybody is told.
fn mark(world: &mut World, members: &[Member], force: Force) -> Result<(), Panicked> {
    let notices = members.iter().map(|member| Notice {
        entity: member.entity,
        cause: member.owner.map_or(Cause::Qdel, Cause::Owner),
        force: force == Force::Yes,
    });
    let owned_first = members.iter().rev().map(|member| member.entity);
    let mut deletions = world.resource_mut::<Deletions>();
    deletions.to_tell.extend(notices);
    deletions.to_tear_down.extend(owned_first);
    count(world, |counts| counts.deleted += members.len() as u64);
    let mut entities = members.iter().map(|member| member.entity);
    signal::close(world, entities.clone());

    // An observer that panics cuts the batch short, but not before its own entity was marked.
    let mut outcome = Ok(());
    loop {
        let marks = entities.by_ref().map(|entity| (entity, Deleting::mark()));
        let marked = catch_unwind(AssertUnwindSafe(|| {
            world
                .try_insert_batch(marks)
                .expect("nobody should be able to despawn what is being marked");
        }));
        let finished = marked.is_ok();
        outcome = outcome.and(marked);
        if finished {
            return outcome;
        }
    }
}

/// Does `first`, and then works on the worklist, unless somebody further out does, who will get to
/// everything.
///
/// Returns how many entities were torn down.
fn work(
    world: &mut World,
    goal: Goal,
    first: impl FnOnce(&mut World) -> Result<(), Panicked>,
) -> usize {
    let mut deletions = world.resource_mut::<Deletions>();
    let outer = deletions.work;
    deletions.work = outer.max(Some(goal));
    let mut outcome = first(world);
    if outer.is_some() {
        if let Err(panicked) = outcome {
            keep_panic(world, panicked);
        }
        return 0;
    }

    outcome = outcome.and(tell_all(world));
    let mut done = TornDown::default();
    let mut is_first = true;
    while let Some(deletions) = world.get_resource::<Deletions>() {
        let waits = !deletions.to_tear_down.is_empty();
        let goes_on = match deletions.work {
            None | Some(Goal::Tell) => false,
            Some(Goal::TearDownWaiting) => is_first && waits,
            Some(Goal::TearDownAll) => waits,
        };
        if !goes_on {
            break;
        }
        is_first = false;
        outcome = outcome.and(tear_down_waiting(world, &mut done));
    }
    // Without a worklist, somebody cleared the world from inside.
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.to_tear_down.append(&mut done.stuck);
        deletions.work = None;
        let inside = deletions.panicked.take().map(SyncCell::to_inner);
        outcome = outcome.and(inside.map_or(Ok(()), Err));
    }
    if done.count > 0 {
        count(world, |counts| counts.torn_down += done.count as u64);
    }
    if let Err(panicked) = outcome {
        resume_unwind(panicked);
    }
    done.count
}

/// Keeps the panic of a deletion inside another one until that is done.
fn keep_panic(world: &mut World, panicked: Panicked) {
    let mut deletions = world.resource_mut::<Deletions>();
    deletions.panicked.get_or_insert(SyncCell::new(panicked));
}

/// Sends all notices, also those that are queued meanwhile.
///
/// Commands are applied when all is told that was marked before, so that all handlers of a deletion see
/// the same entities.
fn tell_all(world: &mut World) -> Result<(), Panicked> {
    let mut outcome = Ok(());
    loop {
        let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
            return outcome;
        };
        let notices = core::mem::take(&mut deletions.to_tell);
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
    let told = signal::tell(&mut DeferredWorld::from(&mut *world), entity, &notice);
    let observed = catch_unwind(AssertUnwindSafe(|| world.trigger(notice)));
    told.and(observed)
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
        let (Ok(root), Some(deletions)) =
            (world.get_entity(entity), world.get_resource::<Deletions>())
        else {
            continue;
        };
        if deletions.ownerships.has_owned(root) {
            outcome = outcome.and(tear_down_tree(world, entity, done));
        } else {
            outcome = outcome.and(despawn(world, entity, done));
        }
    }
    outcome
}

/// How often newcomers to a tree that is torn down are waited for.
const MOST_ROUNDS: usize = 16;

/// Tears down an entity that still owns something: others joined it after its mark, or it stands in a
/// ring of owners.
fn tear_down_tree(world: &mut World, root: Entity, done: &mut TornDown) -> Result<(), Panicked> {
    let mut outcome = Ok(());
    let mut rounds = 0;
    'again: while world.entities().contains_spawned(root) {
        rounds += 1;
        // Where each that goes is replaced by another, Bevy's own despawn of the owner ends it.
        let waits_for_newcomers = rounds <= MOST_ROUNDS;
        let Some(deletions) = world.get_resource::<Deletions>() else {
            break;
        };
        let ownerships = &deletions.ownerships;
        let tree = ownerships.tree(world, root, Reach::Everybody);
        let has_joined = |member: &Member| !world.entity(member.entity).contains::<Deleting>();
        let joined: Tree = tree.iter().copied().filter(has_joined).collect();
        if waits_for_newcomers && !joined.is_empty() {
            outcome = outcome
                .and(mark(world, &joined, Force::No))
                .and(tell_all(world));
            continue;
        }
        for member in tree.iter().rev() {
            let (Ok(entity), Some(deletions)) = (
                world.get_entity(member.entity),
                world.get_resource::<Deletions>(),
            ) else {
                continue;
            };
            let ownerships = &deletions.ownerships;
            let has_joined = ownerships.has_joined(world, entity);
            if has_joined && waits_for_newcomers {
                continue 'again;
            }
            if !has_joined && ownerships.has_owned(entity) {
                // What it owns now comes later in a ring, or could not be despawned. Let it go: Bevy would
                // despawn it from inside this despawn, one inside the other around the ring.
                let targets = ownerships.targets().to_vec();
                let cut = catch_unwind(AssertUnwindSafe(|| {
                    world.entity_mut(member.entity).remove_by_ids(&targets);
                }));
                outcome = outcome.and(cut);
            }
            outcome = outcome.and(despawn(world, member.entity, done));
        }
        break;
    }
    outcome
}

/// Despawns one entity, and tells of whatever is deleted by that.
fn despawn(world: &mut World, entity: Entity, done: &mut TornDown) -> Result<(), Panicked> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        world.despawn(entity);
    }));
    if world.entities().contains_spawned(entity) {
        done.stuck.push(entity);
    } else {
        done.count += 1;
    }
    outcome.and(tell_all(world))
}

fn count(world: &mut World, add: impl FnOnce(&mut QdelCounts)) {
    if let Some(mut counts) = world.get_resource_mut::<QdelCounts>() {
        add(&mut counts);
    }
}
