//! When declared references let go, and how it goes on from there.

use bevy_ecs::{entity::EntityHashSet, world::World};

use crate::{
    deletion::{
        looked::Look, mark::Force, notice::Notice, notify::carry_out, outcome::QdelOutcome,
        owned::Member, tear_down_queue::Fate, worklist,
    },
    panics::{FirstPanic, Panicked, apply_commands},
    reference::{
        self,
        release::Released,
        tracked::{Demand, Tracked},
        tracking::NotifyOwner,
    },
};

/// How often references are read until nothing is lost any more, because whoever hears of a loss
/// may write what is lost as well. The last time nobody hears.
const MOST_SYNCS: usize = 16;

/// Has declared references let go of those in a wave that do not live on.
pub(crate) fn release_lost(
    world: &mut World,
    wave: &[Notice],
    fate: impl Fn(usize) -> Fate,
) -> Result<(), Panicked> {
    if !world.contains_resource::<Tracked>() {
        return Ok(());
    }
    let mut lost = Vec::new();
    let mut kept = EntityHashSet::default();
    for (at, notice) in wave.iter().enumerate() {
        if fate(at).lives() {
            kept.insert(notice.entity);
            continue;
        }
        if reference::release::is_named(world, notice.entity) {
            lost.push(notice.entity);
        }
    }
    if lost.is_empty() && kept.is_empty() {
        return Ok(());
    }
    let mut released = reference::release::release(world, &lost);
    // They were asked to go and live on: they are not asked again.
    released.demands.retain(|demand| match demand {
        Demand::Qdel { holder, .. } => !kept.contains(holder),
        Demand::Remove { .. } => true,
    });
    for notice in wave {
        if kept.contains(&notice.entity) {
            released.add(reference::sync::release_survivor(world, notice.entity));
        }
    }
    settle_all(world, released)
}

/// Has declared references learn what was written, and let go of what is lost, until nothing is.
pub(crate) fn sync_references(world: &mut World) -> Result<(), Panicked> {
    // What waits may write as well.
    let mut first_panic = FirstPanic::from(apply_commands(world));
    if !world.contains_resource::<Tracked>() {
        first_panic.note(carry_out(world));
        return first_panic.into_outcome();
    }
    for round in 1..=MOST_SYNCS {
        let hears = if round == MOST_SYNCS {
            NotifyOwner::No
        } else {
            NotifyOwner::Yes
        };
        let (lost, synced) = sync_references_once(world, hears);
        first_panic.note(synced);
        first_panic.note(carry_out(world));
        if lost == 0 {
            break;
        }
    }
    first_panic.into_outcome()
}

/// Has declared references learn what was written, and let go of what is lost: how many components
/// that were.
pub(crate) fn sync_references_once(
    world: &mut World,
    hears: NotifyOwner,
) -> (usize, Result<(), Panicked>) {
    let released = reference::sync::sync(world, hears);
    (released.components, settle_all(world, released))
}

/// Does what declared references demand, and applies the commands.
fn settle_all(world: &mut World, released: Released) -> Result<(), Panicked> {
    let (demands, outcome) = released.into_parts();
    let settled = settle(world, demands);
    outcome.and(settled).and(apply_commands(world))
}

/// Does what declared references demand beyond letting go, all of it whoever panics.
pub(crate) fn settle(world: &mut World, demands: Vec<Demand>) -> Result<(), Panicked> {
    let mut first_panic = FirstPanic::default();
    for demand in demands {
        first_panic.run(|| settle_one(world, demand));
    }
    first_panic.into_outcome()
}

fn settle_one(world: &mut World, demand: Demand) {
    let (holder, number) = demand.component();
    // Somebody may have replaced it by now.
    if !reference::release::must_go(world, holder, number) {
        return;
    }
    if let Demand::Qdel { target, .. } = demand {
        let dependent = Member::dependent(holder, target);
        match worklist::qdel(world, dependent, Force::No, Look::Shared) {
            Ok(QdelOutcome::Queued | QdelOutcome::AlreadyDeleting) => return,
            // It stays, so what it cannot be without must go.
            Ok(QdelOutcome::Vetoed { .. } | QdelOutcome::Kept) | Err(_) => {}
        }
        if !reference::release::must_go(world, holder, number) {
            return;
        }
    }
    let component = world.resource::<Tracked>().get(number).component;
    if let Ok(mut holder) = world.get_entity_mut(holder) {
        holder.remove_by_id(component);
    }
}
