//! What deletions answer, and how many there were.

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::ReflectResource;
use bevy_ecs::{entity::Entity, resource::Resource, world::World};

use crate::{books::Reserved, error::QdelError};

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
    /// A component of it answered [`DestroyHint::LetMeLive`](crate::DestroyHint::LetMeLive): its listeners were
    /// told, and it lives on. Where the deletion is part of another one, the answer is
    /// [`QdelOutcome::Queued`], because it is not decided yet; and whoever was kept in that other one
    /// already is kept without being told again.
    Kept,
}

/// How often what happened, since the world began: a resource.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[require(Reserved)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Resource)
)]
#[non_exhaustive]
pub struct QdelCounts {
    /// Entities that were marked and told: those that `qdel` was called on, and what they owned.
    pub deleted: u64,
    /// Calls that a veto stopped.
    pub vetoed: u64,
    /// Calls for an entity whose deletion had begun before, or was taken back in the same one.
    pub repeated: u64,
    /// Calls that were refused with an error.
    pub refused: u64,
    /// Entities that were torn down by this crate.
    pub torn_down: u64,
    /// Entities that were deleted and live on, because a [`Destroy`](crate::Destroy) of theirs or
    /// of their owner's said [`LetMeLive`](crate::DestroyHint::LetMeLive).
    pub kept: u64,
    /// Components that said [`LetMeLive`](crate::DestroyHint::LetMeLive) in vain, because the deletion was
    /// forced, or that or [`IWillHandleIt`](crate::DestroyHint::IWillHandleIt) because they came when it
    /// was decided.
    pub overruled: u64,
    /// Entities that were left to whoever said [`IWillHandleIt`](crate::DestroyHint::IWillHandleIt).
    pub left_alone: u64,
    /// Places that still named an entity after it was gone: what sweeps found.
    pub leftovers: u64,
    /// Entities that were gone and had to be swept out of places that named them still, or whose
    /// components asked for that: [`HardDelete`](crate::DestroyHint::HardDelete) and
    /// [`HardDeleteNow`](crate::DestroyHint::HardDeleteNow).
    pub hard_deletes: u64,
}

impl QdelCounts {
    /// Changes the counts of a world, which may have lost them.
    pub(crate) fn change(world: &mut World, change: impl FnOnce(&mut Self)) {
        if let Some(mut counts) = world.get_resource_mut::<Self>() {
            change(&mut counts);
        }
    }

    /// Counts entities that were deleted and torn down in one.
    pub(crate) fn count_vanished(&mut self, vanished: u64) {
        self.deleted += vanished;
        self.torn_down += vanished;
    }

    pub(crate) fn count_refusal(&mut self, refusal: &NotDeleted) {
        count_refusal(
            refusal,
            &mut self.repeated,
            &mut self.vetoed,
            &mut self.refused,
        );
    }
}

/// Counts a call that came to nothing, by what it was.
pub(crate) fn count_refusal(
    refusal: &NotDeleted,
    repeated: &mut u64,
    vetoed: &mut u64,
    refused: &mut u64,
) {
    let counter = match refusal {
        Ok(QdelOutcome::AlreadyDeleting | QdelOutcome::Kept) => repeated,
        Ok(_) => vetoed,
        Err(_) => refused,
    };
    *counter += 1;
}

/// Why something is not deleted: an answer, or an error.
pub(crate) type NotDeleted = Result<QdelOutcome, QdelError>;
