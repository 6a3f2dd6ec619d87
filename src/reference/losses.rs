//! What components have lost, and what follows from it.

use core::cell::Cell;

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    books::Books,
    panics::{Panicked, catch},
    reference::{
        entity_set::{Among, dedup_from},
        liveness_marks::LivenessMarks,
        policy::OnLoss,
        tracked::{Demand, is_changing},
        tracking::Tracking,
    },
};

/// Says whether an entity is lost. Caches the last answer, because many components name the same
/// entity.
pub(crate) struct Verdict<'w> {
    world: &'w World,
    books: &'w Books,
    marks: LivenessMarks,
    last: Cell<(Entity, bool)>,
}

impl<'w> Verdict<'w> {
    pub(crate) fn new(world: &'w World, books: &'w Books, marks: LivenessMarks) -> Self {
        Self {
            world,
            books,
            marks,
            last: Cell::new((Entity::PLACEHOLDER, true)),
        }
    }

    fn is_lost(&self, entity: Entity) -> bool {
        let (last, is_lost) = self.last.get();
        if entity == last {
            return is_lost;
        }
        let is_lost = self.marks.is_lost(self.world, self.books, entity);
        self.last.set((entity, is_lost));
        is_lost
    }
}

/// What the components of a batch have lost.
#[derive(Default)]
pub(crate) struct Losses {
    /// The components that have lost an entity.
    pub(crate) each: Vec<Loss>,
    /// The entities that each component can release, each once and in order.
    pub(crate) cleared: Vec<Entity>,
}

/// What a component has lost, and what follows from it.
pub(crate) struct Loss {
    pub(crate) holder: Entity,
    /// The end of what it can release.
    pub(crate) end: usize,
    pub(crate) demand: Option<Demand>,
    /// Whether it is removed if it does not release: it refuses, but too late.
    pub(crate) must_let_go: bool,
    /// Whether the component is there afterwards, as far as known.
    pub(crate) stays: bool,
}

impl Losses {
    /// Adds what a component has lost, if anything.
    pub(crate) fn look(
        &mut self,
        verdict: &Verdict,
        holder: Entity,
        is_alive: bool,
        tracking: Tracking,
    ) {
        let Tracking { number, reach, .. } = tracking;
        let cleared = &mut self.cleared;
        let start = self.each.last().map_or(0, |last| last.end);
        // Left by an earlier look that panicked.
        cleared.truncate(start);
        let (mut is_void, mut refuses, mut needed) = (false, false, None);
        reach.visit(verdict.world, holder, &mut |entity, policy| {
            if verdict.is_lost(entity) {
                match policy {
                    OnLoss::Clear => cleared.push(entity),
                    // This is the new value of a component that was to release.
                    OnLoss::Deny if is_changing(verdict.world, holder, tracking.component) => {
                        is_void = true;
                    }
                    OnLoss::Deny => {
                        refuses = true;
                        cleared.push(entity);
                    }
                    OnLoss::Remove => is_void = true,
                    OnLoss::Qdel => needed = needed.or(Some(entity)),
                }
            }
        });
        is_void |= needed.is_some();
        if cleared.len() == start && !is_void {
            return;
        }
        dedup_from(cleared, start);
        // An entity that is deleted as well needs no decision.
        let demand = (is_void && is_alive).then_some(match needed {
            Some(target) => Demand::Qdel {
                holder,
                number,
                target,
            },
            None => Demand::Remove { holder, number },
        });
        self.each.push(Loss {
            holder,
            end: cleared.len(),
            must_let_go: refuses && is_alive && demand.is_none(),
            demand,
            // A component of an entity that may survive is told as well.
            stays: demand.is_none() && (is_alive || !verdict.is_lost(holder)),
        });
    }
}

/// Returns `true` if a component was told to release what is `lost` and still names it.
///
/// Such a component refuses, but too late.
pub(crate) fn clings(
    world: &World,
    holder: Entity,
    tracking: Tracking,
    lost: &[Entity],
) -> Result<bool, Panicked> {
    let lost = Among::new(lost);
    catch(|| {
        let mut clings = false;
        tracking.reach.visit(world, holder, &mut |entity, policy| {
            clings |= policy == OnLoss::Deny && lost.contains(entity);
        });
        clings
    })
}
