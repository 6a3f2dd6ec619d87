//! How a deletion begins: its entities are asked about and marked.
//!
//! Inside another deletion that is all. What was marked stands on the worklist, and the work that
//! goes on gets to it.

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    deletion::{
        ask, counting,
        goal::Goal,
        look_before_asking::look_before_asking,
        looked::Look,
        mark::{Force, mark},
        outcome::{NotDeleted, QdelOutcome},
        owned::{Member, Tree},
        prepare,
        queue::Deletions,
    },
    error::QdelError,
    liveness::is_alive,
    panics::{Panicked, catch},
};

/// Begins a deletion while work goes on: looks what may have a say in it, asks and marks.
pub(crate) fn begin_inside(
    world: &mut World,
    root: Member,
    force: Force,
    look: Look,
) -> Result<QdelOutcome, QdelError> {
    look_before_asking(world, look);
    let deletions = world.get_resource::<Deletions>();
    if !deletions.is_some_and(|deletions| deletions.is_prepared(world)) {
        prepare::get_ready(world);
    }
    if world.resource::<Deletions>().work.is_none() {
        // The world was cleared, and the work with it.
        let entity = root.entity;
        return Err(QdelError::NotSpawned { entity });
    }
    begin_prepared(world, root, force)
}

/// Begins a deletion while work goes on, in a world that is prepared: asks and marks.
pub(crate) fn begin_prepared(
    world: &mut World,
    root: Member,
    force: Force,
) -> Result<QdelOutcome, QdelError> {
    let tree = match ask_guarded(world, root, force) {
        Ok(tree) => tree,
        Err(refusal) => {
            counting::count_refusal(world, root.entity, &refusal);
            if has_panicked(world) {
                join(world, None, |_| Ok(()));
            }
            return refusal;
        }
    };
    join(world, None, |world| mark(world, &tree, force));
    Ok(outcome_of(world, root.entity))
}

/// Returns what became of an entity that was marked.
pub(crate) fn outcome_of(world: &World, entity: Entity) -> QdelOutcome {
    if may_be_kept(world) && is_alive(world, entity) {
        QdelOutcome::Kept
    } else {
        QdelOutcome::Queued
    }
}

/// Returns `true` if an entity that was marked may live on. Inside another deletion, it is still
/// marked.
pub(crate) fn may_be_kept(world: &World) -> bool {
    let deletions = world.get_resource::<Deletions>();
    deletions.is_some_and(|deletions| !deletions.destroyers.is_empty())
}

/// Does `first` as part of the work that goes on, which goes as far as `goal` says or further. The
/// goal is that of the settings if there is none.
///
/// A panic is kept, and resumes when the work is done.
pub(crate) fn join(
    world: &mut World,
    goal: Option<Goal>,
    first: impl FnOnce(&mut World) -> Result<(), Panicked>,
) {
    let mut deletions = world.resource_mut::<Deletions>();
    let goal = goal.unwrap_or_else(|| Goal::of(&deletions.settings));
    deletions.work = deletions.work.max(Some(goal));
    if let Err(panicked) = first(world) {
        keep_panic(world, panicked);
    }
}

/// Finds out whether `root` may be deleted, and what goes with it.
pub(crate) fn permit(
    world: &World,
    deletions: &Deletions,
    root: Member,
    force: Force,
) -> Result<Tree, NotDeleted> {
    let decide = || ask::hearers_decide(world, deletions);
    if deletions.profiles.is_unasked(world, root.entity, decide) {
        return Ok(Tree::from_iter([root]));
    }
    ask::permit(world, root.entity, force, |denials| {
        deletions.ownerships.tree(world, root, denials)
    })
}

/// Does as [`permit`] inside another deletion: a handler that panics counts as a veto, and its
/// panic resumes when the work is done. Resuming it now would lose the commands that wait.
fn ask_guarded(world: &mut World, root: Member, force: Force) -> Result<Tree, NotDeleted> {
    let entity = root.entity;
    let deletions = world.resource::<Deletions>();
    // Otherwise two entities that delete each other and live on would go on for ever.
    if force == Force::No && deletions.kept.contains(&entity) {
        return Err(Ok(QdelOutcome::Kept));
    }
    catch(|| permit(world, deletions, root, force)).unwrap_or_else(|panicked| {
        keep_panic(world, panicked);
        Err(Ok(QdelOutcome::Vetoed { on: entity }))
    })
}

/// Returns `true` if a panic is kept that resumes when the work is done.
pub(crate) fn has_panicked(world: &World) -> bool {
    world.resource::<Deletions>().panicked.is_some()
}

/// Keeps a panic until the work is done.
pub(crate) fn keep_panic(world: &mut World, panicked: Panicked) {
    world.resource_mut::<Deletions>().panicked.keep(panicked);
}
