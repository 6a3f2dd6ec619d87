//! What was counted for one kind of entity.

use core::time::Duration;

use crate::{
    deleting::SlowestHandler,
    deletion::outcome::{NotDeleted, QdelCounts, count_refusal},
};

/// What the deletions of entities of one kind did and cost, since the world began or the statistics
/// were reset.
///
/// The first eight are those of [`QdelCounts`], for one kind. Calls count for the kind of the
/// entity that they were made for, whoever vetoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KindCounts {
    /// Entities that were marked and told: those that `qdel` was called on, and those that went
    /// with them.
    pub deleted: u64,
    /// Calls that a veto stopped.
    pub vetoed: u64,
    /// Calls for an entity whose deletion had begun before, or was taken back in the same one.
    pub repeated: u64,
    /// Calls that were refused with an error.
    pub refused: u64,
    /// Entities that were torn down by this crate.
    pub torn_down: u64,
    /// Entities that were deleted and live on: [`LetMeLive`](crate::DestroyHint::LetMeLive).
    pub kept: u64,
    /// Components that wanted that in vain, because the deletion was forced, or it or to be left
    /// alone because they came when it was decided.
    pub overruled: u64,
    /// Entities that were left to whoever said [`IWillHandleIt`](crate::DestroyHint::IWillHandleIt).
    pub left_alone: u64,
    /// Places that still named an entity after it was gone: what sweeps found, of those that looked
    /// for it by name. What others found is of the others.
    pub leftovers: u64,
    /// Entities that were gone and had to be swept out of places that named them still, or whose
    /// components asked for that.
    pub hard_deletes: u64,
    /// The time of the sweeps that this took, divided among all whom one looked for.
    pub hard_delete_time: Duration,
    /// The longest sweep that this took, undivided.
    pub hard_delete_max: Duration,
    /// The time that listeners and observers took, with [`measure_costs`](crate::QdelSettings::measure_costs).
    pub tell: Duration,
    /// The time that [`Destroy`](crate::Destroy)s took, with
    /// [`measure_costs`](crate::QdelSettings::measure_costs).
    pub destroy: Duration,
    /// The handler that took longest in a single call, with
    /// [`measure_costs`](crate::QdelSettings::measure_costs).
    pub slowest: Option<SlowestHandler>,
}

impl KindCounts {
    /// Counts a call that came to nothing.
    pub(crate) fn count_refusal(&mut self, refusal: &NotDeleted) {
        count_refusal(
            refusal,
            &mut self.repeated,
            &mut self.vetoed,
            &mut self.refused,
        );
    }

    /// Adds what telling of an entity cost.
    pub(crate) fn add_tell(&mut self, time: Duration, slowest: Option<SlowestHandler>) {
        self.tell += time;
        self.take_slowest(slowest);
    }

    /// Adds so many hard deletes by a sweep, which took so long and looked for so many.
    pub(crate) fn add_hard_deletes(&mut self, count: u32, time: Duration, targets: u32) {
        self.hard_deletes += u64::from(count);
        self.hard_delete_time += time / targets * count;
        self.hard_delete_max = self.hard_delete_max.max(time);
    }

    /// Adds what was counted for another kind.
    pub(crate) fn add(&mut self, other: &Self) {
        self.deleted += other.deleted;
        self.vetoed += other.vetoed;
        self.repeated += other.repeated;
        self.refused += other.refused;
        self.torn_down += other.torn_down;
        self.kept += other.kept;
        self.overruled += other.overruled;
        self.left_alone += other.left_alone;
        self.leftovers += other.leftovers;
        self.hard_deletes += other.hard_deletes;
        self.hard_delete_time += other.hard_delete_time;
        self.hard_delete_max = self.hard_delete_max.max(other.hard_delete_max);
        self.tell += other.tell;
        self.destroy += other.destroy;
        self.take_slowest(other.slowest);
    }

    fn take_slowest(&mut self, slowest: Option<SlowestHandler>) {
        if let Some(slowest) = slowest
            && self.slowest.is_none_or(|known| known.time < slowest.time)
        {
            self.slowest = Some(slowest);
        }
    }

    /// Returns the counts with those that `total` has as well.
    pub(crate) fn with_calls(self, total: QdelCounts) -> Self {
        let QdelCounts {
            deleted,
            vetoed,
            repeated,
            refused,
            torn_down,
            kept,
            overruled,
            left_alone,
            leftovers,
            hard_deletes,
        } = total;
        Self {
            deleted,
            vetoed,
            repeated,
            refused,
            torn_down,
            kept,
            overruled,
            left_alone,
            leftovers,
            hard_deletes,
            ..self
        }
    }
}
