//! What became of many deletions at once.

use bevy_ecs::entity::Entity;

use crate::{
    deletion::outcome::{NotDeleted, QdelOutcome},
    error::QdelError,
    statistics::counts::QdelCounts,
};

/// What became of a [`qdel_batch`](crate::WorldQdelExt::qdel_batch): each entity stands in one of
/// the lists, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QdelBatchOutcome {
    /// Those that are being deleted. Inside another deletion, it is not decided yet whether they
    /// live on.
    pub queued: Vec<Entity>,
    /// Those that were told about and live on:
    /// [`DestroyHint::LetMeLive`](crate::DestroyHint::LetMeLive).
    pub kept: Vec<Entity>,
    /// Those that a veto saved.
    pub vetoed: Vec<Entity>,
    /// Those whose deletion had begun before, or that stand further up in the batch, or belong to
    /// one that does.
    pub already_deleting: Vec<Entity>,
    /// Those that cannot be deleted, each with the reason.
    pub refused: Vec<QdelError>,
}

impl QdelBatchOutcome {
    pub(crate) fn refuse(&mut self, root: Entity, refusal: NotDeleted) {
        match refusal {
            Ok(QdelOutcome::AlreadyDeleting) => self.already_deleting.push(root),
            Ok(QdelOutcome::Kept) => self.kept.push(root),
            Ok(_) => self.vetoed.push(root),
            Err(error) => self.refused.push(error),
        }
    }

    /// Adds the answers to more of the entities.
    pub(crate) fn append(&mut self, mut more: Self) {
        self.queued.append(&mut more.queued);
        self.kept.append(&mut more.kept);
        self.vetoed.append(&mut more.vetoed);
        self.already_deleting.append(&mut more.already_deleting);
        self.refused.append(&mut more.refused);
    }

    /// Adds what was refused to `counts`.
    pub(crate) fn count(&self, counts: &mut QdelCounts) {
        counts.repeated += (self.already_deleting.len() + self.kept.len()) as u64;
        counts.vetoed += self.vetoed.len() as u64;
        counts.refused += self.refused.len() as u64;
    }
}
