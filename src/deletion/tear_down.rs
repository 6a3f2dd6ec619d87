//! In which order what was deleted goes, and how far.

use std::collections::VecDeque;

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    deleting::Epoch,
    deletion::{
        budget::Budget,
        despawn::{Despawns, owns},
        goal::Goal,
        owner_stack::OwnerStack,
        quiet_runs::QuietRuns,
        storage,
        sync_references::sync_references,
        tear_down_owner,
        tear_down_queue::{Next, Speed},
    },
};

/// A tear-down.
pub(crate) struct TearDown {
    pub(crate) despawns: Despawns,
    /// Whether what waited was torn down as far as the budget goes.
    has_begun: bool,
}

impl TearDown {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            despawns: Despawns::new(epoch),
            has_begun: false,
        }
    }

    /// Tears down what is to be torn down now, in the order of its urgency.
    pub(crate) fn run(&mut self, world: &mut World) {
        while !self.despawns.is_over(world)
            && let Some(mut deletions) = self.despawns.deletions(world)
        {
            if deletions.is_broken() {
                if deletions.work > Some(Goal::Destroy) && deletions.is_waiting() {
                    storage::report(&mut deletions);
                }
                return;
            }
            self.despawns.begin(&deletions);
            let goal = match deletions.work.unwrap_or_default() {
                Goal::TearDownWaiting if self.has_begun => Goal::Destroy,
                goal => goal,
            };
            match deletions.to_tear_down.next(goal) {
                Next::Urgent(urgent) => {
                    self.despawns.note(sync_references(world));
                    self.finish_off(world, &urgent);
                }
                Next::Waiting(speed) => {
                    self.has_begun = true;
                    // No declared field may name what goes now.
                    self.despawns.note(sync_references(world));
                    self.waiting(world, speed);
                }
                Next::Nothing => {
                    self.has_begun |= goal > Goal::Destroy;
                    return;
                }
            }
            if !self.despawns.is_over(world) {
                self.despawns.carry_out(world);
            }
        }
    }

    /// Tears down what waits for it now, as far as the budget goes.
    fn waiting(&mut self, world: &mut World, speed: Speed) {
        let budget = match speed {
            Speed::Budget => Budget::of(world),
            Speed::AtOnce => Ok(None),
        };
        let mut budget = match budget {
            Ok(budget) => budget,
            Err(panicked) => return self.despawns.note(Err(panicked)),
        };
        let Some(mut deletions) = self.despawns.deletions(world) else {
            return;
        };
        let mut taken = deletions.to_tear_down.take_waiting();
        self.finish_off(world, &taken.due);
        let mut quiet_runs = QuietRuns::default();
        while !self.despawns.is_over(world) {
            if budget.is_none() && taken.interrupted.is_done() {
                quiet_runs.despawn(&mut self.despawns, world, &mut taken.in_turn);
            }
            match budget.as_mut().map_or(Ok(true), Budget::allows_a_step) {
                Ok(true) => {}
                Ok(false) => break,
                Err(panicked) => {
                    self.despawns.note(Err(panicked));
                    break;
                }
            }
            let stack = &mut taken.interrupted;
            if !stack.is_done() {
                tear_down_owner::step(stack, world, &mut self.despawns);
            } else if let Some(entity) = next_of(world, &mut taken.in_turn) {
                self.entity(world, entity, stack);
            } else {
                break;
            }
        }
        if let Some(mut deletions) = self.despawns.deletions(world) {
            deletions.to_tear_down.put_back(taken);
        }
    }

    /// Tears down `entities` and what they own, whatever it takes.
    fn finish_off(&mut self, world: &mut World, entities: &[Entity]) {
        for entity in entities {
            if self.despawns.is_over(world) {
                // Where they may not be torn down, they go on waiting.
                self.despawns.leave(*entity);
                continue;
            }
            let mut stack = OwnerStack::default();
            self.entity(world, *entity, &mut stack);
            while !stack.is_done() && !self.despawns.is_over(world) {
                tear_down_owner::step(&mut stack, world, &mut self.despawns);
            }
            for left in stack.left() {
                self.despawns.leave(left);
            }
        }
    }

    /// Despawns an entity, or begins the `stack` with it if it owns something.
    fn entity(&mut self, world: &mut World, entity: Entity, stack: &mut OwnerStack) {
        if self.despawns.is_stuck(entity) {
            return;
        }
        if !self.despawns.find_references(world, entity) {
            return;
        }
        let Ok(location) = world.entities().get_spawned(entity) else {
            // It was despawned plainly.
            return;
        };
        let mut archetype = location.archetype_id;
        let mut is_owner = self.despawns.is_owner(world, archetype);
        if !is_owner && self.despawns.show(world, entity, archetype) {
            let Ok(location) = world.entities().get_spawned(entity) else {
                return;
            };
            if self.despawns.is_over(world) {
                self.despawns.leave(entity);
                return;
            }
            archetype = location.archetype_id;
            is_owner = owns(world, archetype);
        }
        if is_owner {
            *stack = OwnerStack::from(entity);
        } else {
            self.despawns.despawn_at(world, entity, archetype);
        }
    }
}

/// Returns the next that waits and is still there.
fn next_of(world: &World, waiting: &mut VecDeque<Entity>) -> Option<Entity> {
    core::iter::from_fn(|| waiting.pop_front())
        .find(|entity| world.entities().contains_spawned(*entity))
}
