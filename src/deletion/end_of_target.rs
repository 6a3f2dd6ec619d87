//! What follows when an entity ends that declared references name, outside of the stages of a
//! deletion.
//!
//! This is the one call that goes up: see [`Books::end_of_target`](crate::books::Books). The rooms
//! below release the fields and return what the policies demand beyond that. Here, a command is
//! queued that meets those demands.

use bevy_ecs::{
    component::ComponentId,
    entity::Entity,
    world::{DeferredWorld, World},
};

use crate::{
    books::TargetEnd,
    deletion::{looked::Look, mark::Force, settle, worklist},
    panics::Panicked,
    reference::{release, sync, tracked::Demand},
};

/// Releases what names a target that has ended, and has the demands met when commands are applied.
pub(crate) fn end_of_target(world: &mut DeferredWorld, end: TargetEnd) -> Result<(), Panicked> {
    match end {
        TargetEnd::Despawn(target) => release_now(world, target),
        TargetEnd::Insert { holder, component } => {
            release_later(world, holder, component);
            Ok(())
        }
    }
}

fn release_now(world: &mut DeferredWorld, target: Entity) -> Result<(), Panicked> {
    let Some(released) = release::release_despawned(world, target) else {
        return Ok(());
    };
    settle_later(world, released.demands);
    release::forget_later(world, released.seen_to);
    released.outcome
}

fn release_later(world: &mut DeferredWorld, holder: Entity, component: ComponentId) {
    world.commands().queue(move |world: &mut World| {
        let synced = sync::sync_inserted(world, holder, component);
        let (demands, outcome) = synced.into_parts();
        settle_later(&mut DeferredWorld::from(&mut *world), demands);
        if let Err(panicked) = outcome {
            panicked.resume();
        }
    });
}

/// Meets `demands` when commands are applied, each by a deletion of its own if no work goes on.
fn settle_later(world: &mut DeferredWorld, demands: Vec<Demand>) {
    if demands.is_empty() {
        return;
    }
    world.commands().queue(move |world: &mut World| {
        let settled = settle::meet(world, demands, |world, holder| {
            worklist::qdel(world, holder, Force::No, Look::Shared)
        });
        if let Err(panicked) = settled {
            panicked.resume();
        }
    });
}
