//! How declared references let go of what does not live on, and how the demands of their policies
//! are met.

use bevy_ecs::{entity::EntityHashSet, world::World};

use crate::{
    deletion::{
        begin::begin_inside, looked::Look, mark::Force, notice::Notice, outcome::QdelOutcome,
        owned::Member, tear_down_queue::Fate,
    },
    error::QdelError,
    panics::{FirstPanic, Panicked, apply_commands},
    reference::{
        self,
        released::Released,
        tracked::{Demand, Tracked},
    },
};

/// Makes declared references let go of those of `notices` that do not live on.
pub(crate) fn release_lost(
    world: &mut World,
    notices: &[Notice],
    fate: impl Fn(usize) -> Fate,
) -> Result<(), Panicked> {
    if !world.contains_resource::<Tracked>() {
        return Ok(());
    }
    let mut lost = Vec::new();
    let mut kept = EntityHashSet::default();
    for (at, notice) in notices.iter().enumerate() {
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
    for notice in notices {
        if kept.contains(&notice.entity) {
            released.add(reference::sync::release_survivor(world, notice.entity));
        }
    }
    settle_inside(world, released)
}

/// Meets what policies demand after a release that is part of the work, and applies the commands.
///
/// A deletion that is demanded begins here: it is asked about and marked, and stands on the
/// worklist when this returns.
pub(crate) fn settle_inside(world: &mut World, released: Released) -> Result<(), Panicked> {
    let (demands, outcome) = released.into_parts();
    let mut first_panic = FirstPanic::from(outcome);
    first_panic.note(meet(world, demands, |world, holder| {
        begin_inside(world, holder, Force::No, Look::Shared)
    }));
    first_panic.note(apply_commands(world));
    first_panic.into_outcome()
}

/// Meets all `demands`, also past one that panics. `qdel` deletes a holder that cannot be without
/// what it named.
pub(crate) fn meet(
    world: &mut World,
    demands: Vec<Demand>,
    mut qdel: impl FnMut(&mut World, Member) -> Result<QdelOutcome, QdelError>,
) -> Result<(), Panicked> {
    let mut first_panic = FirstPanic::default();
    for demand in demands {
        first_panic.run(|| meet_one(world, demand, &mut qdel));
    }
    first_panic.into_outcome()
}

fn meet_one(
    world: &mut World,
    demand: Demand,
    qdel: impl FnOnce(&mut World, Member) -> Result<QdelOutcome, QdelError>,
) {
    let (holder, number) = demand.component();
    // The component may have been replaced by now.
    if !reference::release::must_go(world, holder, number) {
        return;
    }
    if let Demand::Qdel { target, .. } = demand {
        match qdel(world, Member::dependent(holder, target)) {
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
