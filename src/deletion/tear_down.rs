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
        settle::sync_references,
        storage, tear_down_owner,
    },
};

/// A tear-down.
pub(crate) struct TearDown {
    pub(crate) despawns: Despawns,
    /// Whether what waited was torn down as far as the budget goes.
    has_begun: bool,
}

/// How fast what waits is torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speed {
    /// As the settings say.
    Budget,
    /// Whatever they say.
    AtOnce,
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
            let urgent = core::mem::take(&mut deletions.urgent);
            if !urgent.is_empty() {
                self.despawns.note(sync_references(world));
                self.finish_off(world, &urgent);
                if !self.despawns.is_over(world) {
                    self.despawns.carry_out(world);
                }
                continue;
            }
            let is_waiting = deletions.is_waiting();
            let pace = match deletions.work {
                Some(Goal::TearDownWaiting) if !self.has_begun => Speed::Budget,
                Some(Goal::TearDownAll | Goal::Drain) => Speed::AtOnce,
                _ => return,
            };
            self.has_begun = true;
            if !is_waiting {
                return;
            }
            // No declared field may name what goes now.
            self.despawns.note(sync_references(world));
            self.waiting(world, pace);
            if !self.despawns.is_over(world) {
                self.despawns.carry_out(world);
            }
        }
    }

    /// Tears down what waits for it now, as far as the budget goes.
    fn waiting(&mut self, world: &mut World, pace: Speed) {
        let budget = match pace {
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
        let due = core::mem::take(&mut deletions.due);
        let mut stack = core::mem::take(&mut deletions.descent);
        let mut waiting = core::mem::take(&mut deletions.to_tear_down);
        self.finish_off(world, &due);
        while !self.despawns.is_over(world) {
            match budget.as_mut().map_or(Ok(true), Budget::allows_a_step) {
                Ok(true) => {}
                Ok(false) => break,
                Err(panicked) => {
                    self.despawns.note(Err(panicked));
                    break;
                }
            }
            if !stack.is_done() {
                tear_down_owner::step(&mut stack, world, &mut self.despawns);
            } else if let Some(entity) = next_of(world, &mut waiting) {
                self.entity(world, entity, &mut stack);
            } else {
                break;
            }
        }
        if stack.is_done() {
            stack = OwnerStack::default();
        }
        // What was deleted meanwhile comes after what is left.
        if let Some(mut deletions) = self.despawns.deletions(world) {
            waiting.append(&mut deletions.to_tear_down);
            deletions.to_tear_down = waiting;
            deletions.descent = stack;
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
