//! How a deletion proceeds.

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    deleting::Epoch,
    deletion::{
        batch_claims::{self, Claimed},
        batch_outcome::QdelBatchOutcome,
        begin, counting, fast_path,
        goal::Goal,
        hiding,
        look_before_asking::look_before_asking,
        looked::Look,
        mark::{Force, mark},
        never_flushed::{MANY, warn_if_never_flushed},
        notify::{carry_out, carry_out_of},
        only_heard::Progress,
        outcome::QdelOutcome,
        owned::{Member, Tree},
        plain_batch, prepare,
        queue::{Begun, Deletions},
        settings::{Hiding, QdelSettings},
        storage,
        sweep_in_flush::{self, HasSwept, SweepTime},
        sync_references,
        tear_down::TearDown,
    },
    error::QdelError,
    liveness::is_alive,
    panics::{FirstPanic, Panicked, apply_commands, catch},
    reference::{tracked::Tracked, tracking::NotifyOwner},
    signal,
};

/// Deletes the entity of `root` and all that goes with it.
pub(crate) fn qdel(
    world: &mut World,
    root: Member,
    force: Force,
    look: Look,
) -> Result<QdelOutcome, QdelError> {
    let entity = root.entity;
    match fast_path::qdel(world, root, force, look) {
        Progress::NotBegun => {}
        Progress::Told(told) => {
            go_on(world, told.begun, |world| told.destroy(world));
            return Ok(begin::outcome_of(world, entity));
        }
        Progress::Ended => return Ok(QdelOutcome::Queued),
    }
    let mut deletions = world.get_resource::<Deletions>();
    if !deletions.is_some_and(|deletions| deletions.is_prepared(world)) {
        prepare::get_ready(world);
        deletions = world.get_resource();
    }
    let deletions = deletions.expect("a worklist should be there once it is prepared");
    if deletions.work.is_some() {
        return begin::begin_prepared(world, root, force);
    }
    let tree = match begin::permit(world, deletions, root, force) {
        Ok(tree) => tree,
        Err(refusal) => {
            counting::count_refusal(world, entity, &refusal);
            if begin::has_panicked(world) {
                work(world, None, |_| Ok(()));
            }
            return refusal;
        }
    };
    work(world, None, |world| mark(world, &tree, force));
    Ok(begin::outcome_of(world, entity))
}

/// Deletes each of `roots` and all that goes with them: all are asked about first, and all are told
/// together.
pub(crate) fn qdel_batch(
    world: &mut World,
    roots: impl IntoIterator<Item = Entity>,
    force: Force,
    look: Look,
) -> QdelBatchOutcome {
    look_before_asking(world, look);
    prepare::get_ready(world);
    let roots: Vec<_> = roots.into_iter().collect();
    if let Some(batch) = fast_path::qdel_batch(world, &roots) {
        return batch;
    }
    let mut batch = QdelBatchOutcome::default();
    if plain_batch::is_plain(world, &roots) {
        work(world, None, |world| {
            let (count, marked) = plain_batch::mark_front(world, &roots, force);
            let mut first_panic = FirstPanic::from(marked);
            let (front, rest) = roots.split_at(count);
            batch.queued.extend(front);
            if !rest.is_empty() {
                let members = claim(world, rest, force, &mut batch);
                first_panic.note(mark(world, &members, force));
            }
            first_panic.into_outcome()
        });
    } else {
        let members = claim(world, &roots, force, &mut batch);
        if members.is_empty() && !begin::has_panicked(world) {
            return batch;
        }
        work(world, None, |world| mark(world, &members, force));
    }
    if begin::may_be_kept(world) {
        let is_kept = |root: &mut Entity| is_alive(world, *root);
        let kept = batch.queued.extract_if(.., is_kept);
        batch.kept.extend(kept);
    }
    batch
}

/// Finds out which of `roots` may be deleted, adds the answers to the `batch`, and returns what
/// goes.
fn claim(world: &mut World, roots: &[Entity], force: Force, batch: &mut QdelBatchOutcome) -> Tree {
    let Claimed {
        batch: claimed,
        members,
        first_panic,
    } = batch_claims::claim(world, roots, force);
    if let Err(panicked) = first_panic.into_outcome() {
        begin::keep_panic(world, panicked);
    }
    counting::count_refused(world, &claimed);
    batch.append(claimed);
    members
}

/// Tears down what was deleted until now, as far as `goal` says, and returns how many entities that
/// were.
pub(crate) fn flush(world: &mut World, goal: Goal) -> usize {
    // A panic may have dropped the commands that were to do that.
    let completed = signal::deferred_world::complete_all(world, |world| {
        let deletions = world.get_resource::<Deletions>();
        deletions.is_none_or(|deletions| deletions.work.is_none())
    });
    let completed = FirstPanic::from(completed);
    let deletions = world.get_resource_mut::<Deletions>();
    let has_work = deletions.is_some_and(|mut deletions| {
        deletions.said.nobody_flushes = true;
        deletions.work.is_some() || deletions.is_waiting_for_flush()
    });
    if !has_work {
        hide(world);
        completed.resume();
        return 0;
    }
    prepare::get_ready(world);
    world.resource_mut::<Deletions>().is_flush = true;
    work(world, Some(goal), |_| completed.into_outcome())
}

/// Makes declared references learn what was written, and let go of what is lost.
pub(crate) fn sync_references(world: &mut World) {
    if !world.contains_resource::<Tracked>() {
        return hide(world);
    }
    prepare::prepare(world);
    let is_outermost = world.resource::<Deletions>().work.is_none();
    work(world, Some(Goal::Destroy), |world| {
        if is_outermost {
            sync_references::sync_references(world)
        } else {
            sync_references::sync_references_once(world, NotifyOwner::Yes).1
        }
    });
}

/// Hides or shows what is being deleted as the settings say, where there is nothing else to do.
fn hide(world: &mut World) {
    let Some(deletions) = world.get_resource::<Deletions>() else {
        return;
    };
    if QdelSettings::of(world).hiding == deletions.settings.hiding {
        prepare::prepare(world);
    } else {
        work(world, Some(Goal::Destroy), |_| Ok(()));
    }
}

/// Does `first`, and then works the list off, unless that is being done already. What is added to
/// the list is then worked off further out.
///
/// Returns how many entities were torn down.
pub(crate) fn work(
    world: &mut World,
    goal: Option<Goal>,
    first: impl FnOnce(&mut World) -> Result<(), Panicked>,
) -> usize {
    let settings = QdelSettings::of(world);
    let now = world.change_tick();
    let mut deletions = world.resource_mut::<Deletions>();
    if deletions.work.is_some() {
        begin::join(world, goal, first);
        return 0;
    }
    let has_other_hiding = deletions.settings.hiding != settings.hiding;
    let begun = deletions.begin_work(settings, goal, now);
    go_on(world, begun, |world| {
        let mut first_panic = FirstPanic::default();
        if has_other_hiding {
            first_panic.note(follow_hiding(world));
        }
        first_panic.note(first(world));
        first_panic.into_outcome()
    })
}

/// Does `first`, then works the list off, and ends the work that has begun.
///
/// Returns how many entities were torn down.
fn go_on(
    world: &mut World,
    begun: Begun,
    first: impl FnOnce(&mut World) -> Result<(), Panicked>,
) -> usize {
    let Begun { epoch, waiting } = begun;
    let mut count = 0;
    // What is read by hand-written code may panic anywhere.
    let worked = catch(|| {
        let mut first_panic = FirstPanic::from(first(world));
        let (torn_down, outcome) = work_off(world, epoch);
        count = torn_down;
        first_panic.note(outcome);
        first_panic.into_outcome()
    });
    let mut first_panic = FirstPanic::from(worked.unwrap_or_else(Err));
    if first_panic.is_some() {
        storage::look_after_panic(world);
    }
    let deletions = world.get_resource::<Deletions>();
    if let Some(deletions) = deletions.filter(|deletions| deletions.epoch == epoch) {
        let is_current = deletions.profiles.are_current(world);
        // User code may have made others visible that still wait.
        if !is_current || deletions.may_show(world) {
            first_panic.note(hide_anew(world));
        }
    }
    let now = world.change_tick();
    if let Some(mut deletions) = Deletions::of(world, epoch) {
        first_panic.note(deletions.end_work(now).into_outcome());
        if waiting < MANY && deletions.to_tear_down.count_in_turn() >= MANY {
            warn_if_never_flushed(&mut deletions);
        }
    }
    first_panic.resume();
    count
}

/// Hides entities that were made visible, also where their archetypes are new.
#[cold]
fn hide_anew(world: &mut World) -> Result<(), Panicked> {
    prepare::keep_up(world);
    hiding::hide_shown(world)
}

/// Hides or shows what is being deleted, as the settings say since a moment ago.
#[cold]
fn follow_hiding(world: &mut World) -> Result<(), Panicked> {
    let mut deletions = world.resource_mut::<Deletions>();
    let hiding = deletions.settings.hiding;
    deletions.profiles.follow(hiding);
    deletions.removals = None;
    prepare::keep_up(world);
    match hiding {
        Hiding::Hide => hiding::hide_shown(world),
        Hiding::LeaveVisible => hiding::show_all(world),
    }
}

/// Tells, destroys, tears down and sweeps as far as the goal says, and returns how many entities
/// were torn down.
fn work_off(world: &mut World, epoch: Epoch) -> (usize, Result<(), Panicked>) {
    let mut tear_down = TearDown::new(epoch);
    let mut time = SweepTime::Left;
    tear_down.despawns.note(carry_out_of(world, Some(epoch)).1);
    loop {
        tear_down.run(world);
        if !tear_down.despawns.may_sweep() || !sweep_in_flush::may_sweep(world) {
            break;
        }
        let corpses = tear_down.despawns.take_corpses();
        let (has_swept, outcome) = sweep_in_flush::sweep(world, corpses, &mut time);
        tear_down.despawns.note(outcome);
        if has_swept == HasSwept::No {
            break;
        }
        // An observer of that may delete more.
        tear_down.despawns.note(apply_commands(world));
        tear_down.despawns.note(carry_out(world));
    }
    tear_down.despawns.finish(world)
}
