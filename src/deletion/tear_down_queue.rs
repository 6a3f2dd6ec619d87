//! What waits for its tear-down.
//!
//! Plain data: no function here takes a world.
//!
//! # Invariants
//!
//! 1. An entity is pushed once, by the fate that was decided for it. A hint of a component that
//!    came late pushes it once more, and one that could not be despawned is pushed again. So it may
//!    stand here twice, and an entity that is not there any more is passed over.
//! 2. In its turn, what is owned comes before its owner, and the oldest deletion comes first.
//! 3. What is torn down is taken out before. What is pushed meanwhile comes after it.

use std::collections::VecDeque;

use bevy_ecs::entity::Entity;

use crate::deletion::{goal::Goal, owner_stack::OwnerStack};

/// What becomes of an entity that was told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is torn down in its turn.
    TearDown,
    /// It is torn down by the next flush, whatever the budget.
    Due,
    /// It is torn down before the work ends.
    Urgent,
    /// It lives on, because it says so.
    Kept,
    /// It lives on, because it was only to go for the sake of another one that lives on. It is not
    /// destroyed.
    Spared,
    /// The game despawns it, because a component says so.
    LeftAlone,
}

impl Fate {
    /// Returns `true` if the entity lives on.
    pub(crate) fn lives(self) -> bool {
        matches!(self, Self::Kept | Self::Spared)
    }
}

/// The entities that wait for their tear-down.
#[derive(Debug, Default)]
pub(crate) struct TearDownQueue {
    in_turn: VecDeque<Entity>,
    due: Vec<Entity>,
    urgent: Vec<Entity>,
    /// The owner whose tear-down was interrupted.
    interrupted: OwnerStack,
}

/// What is torn down next.
#[derive(Debug)]
pub(crate) enum Next {
    /// These, whatever it takes.
    Urgent(Vec<Entity>),
    /// [What waits](TearDownQueue::take_waiting), as fast as it says.
    Waiting(Speed),
    Nothing,
}

/// How fast what waits is torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speed {
    /// As the settings say.
    Budget,
    /// Whatever the settings say.
    AtOnce,
}

/// What waits, taken out of the queue.
#[derive(Debug)]
pub(crate) struct TakenOut {
    /// To be torn down before the others, whatever the budget.
    pub(crate) due: Vec<Entity>,
    /// The owner whose tear-down was interrupted: it comes before those in turn.
    pub(crate) interrupted: OwnerStack,
    pub(crate) in_turn: VecDeque<Entity>,
}

impl TearDownQueue {
    /// Queues an entity for its fate, if that is a tear-down.
    #[inline]
    pub(crate) fn push(&mut self, entity: Entity, fate: Fate) {
        match fate {
            Fate::TearDown => self.in_turn.push_back(entity),
            Fate::Due => self.due.push(entity),
            Fate::Urgent => self.urgent.push(entity),
            Fate::Kept | Fate::Spared | Fate::LeftAlone => {}
        }
    }

    /// Returns what is torn down next by work with a `goal`.
    pub(crate) fn next(&mut self, goal: Goal) -> Next {
        let urgent = core::mem::take(&mut self.urgent);
        if !urgent.is_empty() {
            return Next::Urgent(urgent);
        }
        match goal {
            Goal::TearDownWaiting if self.is_waiting() => Next::Waiting(Speed::Budget),
            Goal::TearDownAll | Goal::Drain if self.is_waiting() => Next::Waiting(Speed::AtOnce),
            _ => Next::Nothing,
        }
    }

    /// Takes out what waits, but for what is urgent.
    pub(crate) fn take_waiting(&mut self) -> TakenOut {
        TakenOut {
            due: core::mem::take(&mut self.due),
            interrupted: core::mem::take(&mut self.interrupted),
            in_turn: core::mem::take(&mut self.in_turn),
        }
    }

    /// Puts back what is left of what was taken out, before what was pushed meanwhile.
    pub(crate) fn put_back(&mut self, left: TakenOut) {
        let TakenOut {
            interrupted,
            mut in_turn,
            ..
        } = left;
        in_turn.append(&mut self.in_turn);
        self.in_turn = in_turn;
        self.interrupted = if interrupted.is_done() {
            OwnerStack::default()
        } else {
            interrupted
        };
    }

    /// Returns `true` if anything waits for a flush.
    pub(crate) fn is_waiting(&self) -> bool {
        !(self.in_turn.is_empty() && self.due.is_empty() && self.interrupted.is_done())
    }

    /// Returns how many entities wait for their turn.
    #[inline]
    pub(crate) fn count_in_turn(&self) -> usize {
        self.in_turn.len()
    }

    /// Returns how many entities wait for a flush, as far as that is known.
    pub(crate) fn count_waiting(&self) -> usize {
        self.in_turn.len() + self.due.len() + self.interrupted.depth()
    }
}
