//! What a deletion answers.

use bevy_ecs::entity::Entity;

use crate::error::QdelError;

/// What became of a [`qdel`](crate::WorldQdelExt::qdel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QdelOutcome {
    /// It is being deleted. Its listeners were told, or will be before the deletion returns that
    /// this one is part of. With [`Teardown::Immediate`](crate::Teardown::Immediate) it is gone
    /// after the outermost.
    Queued,
    /// A handler of [`PreQdel`](crate::PreQdel) objected: nothing has happened.
    Vetoed {
        /// The entity that must stay: the one to be deleted, or one that goes with it.
        on: Entity,
    },
    /// Its deletion had begun before.
    AlreadyDeleting,
    /// A component of it answered [`DestroyHint::LetMeLive`](crate::DestroyHint::LetMeLive): its
    /// listeners were told, and it lives on. Where the deletion is part of another one, the answer
    /// is [`QdelOutcome::Queued`], because it is not decided yet; and an entity that was kept in
    /// that other one already is kept without being told again.
    Kept,
}

/// Why something is not deleted: an answer, or an error.
pub(crate) type NotDeleted = Result<QdelOutcome, QdelError>;
