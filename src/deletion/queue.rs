//! What is being deleted, and how far it got.
//!
//! Plain data: no function here takes a world.

use std::collections::VecDeque;

use bevy_ecs::{
    entity::{Entity, EntityHashSet},
    resource::Resource,
};
use bevy_platform::cell::SyncCell;
use smallvec::SmallVec;

use super::{descent::Descent, kinds::Kinds, owned::Ownerships, sweeps::Sweeps};
use crate::signal::{Cause, Panicked, Reserved};

/// A notice that is still to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) entity: Entity,
    pub(super) cause: Cause,
    pub(super) force: bool,
}

/// Notices of entities that were marked together: few are more than a few.
pub(super) type Wave = SmallVec<[Notice; 2]>;

/// How far work on the worklist goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Goal {
    /// Tell and destroy everybody, and leave the rest to the end of the frame.
    #[default]
    Destroy,
    /// Tear down what waits for it when the work begins, as far as the budget goes.
    TearDownWaiting,
    /// Tear down until nothing waits for it, whatever the budget.
    TearDownAll,
    /// As that, and end all sweeps, whatever their pace.
    Drain,
}

/// The worklist.
#[derive(Resource, Default)]
#[require(Reserved)]
pub(super) struct Deletions {
    /// Whether somebody is working on it, and how far.
    pub(super) work: Option<Goal>,
    /// Whether it is part of the work to flush.
    pub(super) is_flush: bool,
    pub(super) to_tell: Wave,
    /// Owned before owner, oldest deletion first.
    pub(super) to_tear_down: VecDeque<Entity>,
    /// To be torn down by the next flush, whatever the budget.
    pub(super) due: Vec<Entity>,
    /// To be torn down before the work ends.
    pub(super) urgent: Vec<Entity>,
    /// Where the tear-down of an owner was interrupted.
    pub(super) descent: Descent,
    /// Who lives on after a deletion that is part of the work: they are not deleted again in it.
    pub(super) kept: EntityHashSet,
    /// The panic of a deletion inside another one, which would lose what else waits in the command queue.
    pub(super) panicked: Option<SyncCell<Panicked>>,
    pub(super) ownerships: Ownerships,
    pub(super) sweeps: Sweeps,
    /// What deletions did and cost.
    pub(super) kinds: Kinds,
}

impl Deletions {
    /// Tells whether anything waits for a flush.
    pub(super) fn is_waiting_for_flush(&self) -> bool {
        self.is_waiting() || self.sweeps.is_waiting() || self.sweeps.has_torn_down()
    }

    /// Tells whether anything waits for its tear-down.
    pub(super) fn is_waiting(&self) -> bool {
        !(self.to_tear_down.is_empty() && self.due.is_empty() && self.descent.is_done())
    }

    /// Returns how many entities wait for their tear-down, as far as it is known.
    pub(super) fn count_waiting(&self) -> usize {
        self.to_tear_down.len() + self.due.len() + self.descent.depth()
    }
}
