//! How an owner is torn down that still owns something.
//!
//! What was deleted together is queued owned before owner, so that most owners have nothing left
//! when it is their turn. The others were joined after their mark, or stand in a ring of owners.
//! They are torn down from a stack, a step at a time, so that the budget can interrupt it anywhere.

use bevy_ecs::{entity::Entity, resource::IsResource, world::World};
use smallvec::SmallVec;

use crate::{
    deleting::Deleting,
    deletion::{
        despawn::Despawns,
        mark::{Force, mark},
        notify::carry_out,
        owned::{self, Member, Walk, leave_out_resources},
        owner_stack::OwnerStack,
        queue::Deletions,
    },
};

/// How often newcomers to an owner that is torn down are waited for.
const MOST_ROUNDS: u32 = 16;

/// Despawns the entity on top of the `stack`, or finds out what must go before it.
pub(crate) fn step(stack: &mut OwnerStack, world: &mut World, done: &mut Despawns) {
    let Some(frame) = stack.frames.last_mut() else {
        return;
    };
    let entity = frame.entity;
    let (Ok(owner), Some(deletions)) =
        (world.get_entity(entity), world.get_resource::<Deletions>())
    else {
        // It was despawned plainly.
        stack.frames.pop();
        return;
    };
    let is_new = frame.is_entered || stack.entered.insert(entity);
    if !is_new || done.is_stuck(entity) {
        // It was reached by another way, or could not be despawned.
        stack.frames.pop();
        return;
    }
    frame.is_entered = true;
    let ownerships = &deletions.ownerships;
    let mut newcomers = SmallVec::<[Entity; 4]>::new();
    let mut waiting = SmallVec::<[Entity; 4]>::new();
    let mut left_alone = SmallVec::<[Entity; 4]>::new();
    let is_forced = owner.get::<Deleting>().is_some_and(Deleting::is_forced);
    ownerships.for_each_owned(world, owner, |owned| match world.get_entity(owned) {
        Ok(owned) if owned.contains::<IsResource>() => {}
        Ok(owned) => match owned.get::<Deleting>() {
            None => newcomers.push(owned.id()),
            Some(deleting) if deleting.is_left_alone() => left_alone.push(owned.id()),
            Some(_) if done.is_stuck(owned.id()) => {}
            Some(_) if !stack.entered.contains(&owned.id()) => waiting.push(owned.id()),
            Some(_) => {}
        },
        Err(_) => {}
    });

    if !newcomers.is_empty() && frame.rounds < MOST_ROUNDS {
        // They cannot be asked any more, but they are told.
        frame.rounds += 1;
        let roots = newcomers.iter().map(|owned| Member::owned(*owned, entity));
        // It is too late to refuse.
        let mut joined = ownerships.trees(world, roots, &mut Walk::default());
        leave_out_resources(world, &mut joined);
        let force = if is_forced { Force::Yes } else { Force::No };
        done.note(mark(world, &joined, force));
        done.note(carry_out(world));
        return;
    }
    if !waiting.is_empty() {
        for owned in waiting {
            stack.push(owned);
        }
        return;
    }
    if !left_alone.is_empty() {
        // Bevy would despawn them with their owner.
        for owned in left_alone {
            // The cut before may have cleared the world.
            let deletions = world.get_resource::<Deletions>();
            let sources = deletions.map_or(Vec::new(), |deletions| {
                let is_this = |owner| owner == entity;
                deletions.ownerships.sources(world, owned, is_this)
            });
            done.note(owned::cut(world, owned, &sources));
        }
        done.note(carry_out(world));
        return;
    }
    let owns_still = newcomers.is_empty() && ownerships.has_owned(owner);
    let still_owned = owns_still.then(|| ownerships.targets().to_vec());
    let archetype = owner.archetype().id();
    if frame.rounds < MOST_ROUNDS && done.show(world, entity, archetype) {
        // An observer that saw it come out of hiding may have given it something to own.
        frame.rounds += 1;
        return;
    }
    stack.frames.pop();
    if let Some(targets) = still_owned {
        // What it owns now comes later in a ring, or could not be despawned. Let it go: Bevy
        // would despawn it from inside this despawn, one inside the other around the ring.
        done.note(owned::cut(world, entity, &targets));
        // An observer of that may have given it something to destroy.
        done.note(carry_out(world));
    }
    // Where each that goes is replaced by another, Bevy's own despawn of the owner ends it.
    done.despawn(world, entity);
}
