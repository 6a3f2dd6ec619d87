//! What is counted of deletions, and what they cost.
//!
//! Each figure has one field: [`QdelCounts`] is the total of a world and the counts of one kind.

use core::time::Duration;

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::ReflectResource;
use bevy_ecs::{resource::Resource, world::World};

use crate::{books::Reserved, deleting::SlowestHandler};

/// What deletions did, since the world began or the statistics were reset.
///
/// As a resource, it is the total of the world. [`KindRow::counts`](super::KindRow::counts) is the
/// same for one kind of entity. There, a call counts for the kind of the entity that it was made
/// for.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[require(Reserved)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Resource)
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
    /// Components whose hint was ignored.
    ///
    /// That is [`LetMeLive`](crate::DestroyHint::LetMeLive) in a forced deletion. It is also that
    /// hint or [`IWillHandleIt`](crate::DestroyHint::IWillHandleIt) of a component that was added
    /// after the decision.
    pub overruled: u64,
    /// Entities that were left to the code that answered
    /// [`IWillHandleIt`](crate::DestroyHint::IWillHandleIt).
    pub left_alone: u64,
    /// Places that still named an entity after it was gone: what sweeps found.
    ///
    /// For a kind, those that a sweep found which looked for the entity by name. The others have
    /// the rest.
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

    fn add(&mut self, other: &Self) {
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
    }
}

/// How long the deletions of one kind of entity took, since the world began or the statistics were
/// reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KindCosts {
    /// The time of the sweeps for [hard deletes](QdelCounts::hard_deletes). A sweep for several
    /// entities is divided evenly among them.
    pub hard_delete_time: Duration,
    /// The longest of these sweeps, undivided.
    pub hard_delete_max: Duration,
    /// The time that listeners and observers took, with
    /// [`QdelSettings::measure_costs`](crate::QdelSettings::measure_costs).
    pub tell: Duration,
    /// The time that [`Destroy`](crate::Destroy)s took, with
    /// [`QdelSettings::measure_costs`](crate::QdelSettings::measure_costs).
    pub destroy: Duration,
    /// The handler that took longest in a single call, with
    /// [`QdelSettings::measure_costs`](crate::QdelSettings::measure_costs).
    pub slowest: Option<SlowestHandler>,
}

impl KindCosts {
    /// Adds what telling of an entity cost.
    pub(crate) fn add_tell(&mut self, time: Duration, slowest: Option<SlowestHandler>) {
        self.tell += time;
        self.take_slowest(slowest);
    }

    fn add(&mut self, other: &Self) {
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
}

/// All that is counted of one kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) counts: QdelCounts,
    pub(crate) costs: KindCosts,
}

impl Tally {
    /// Adds `count` hard deletes by a sweep that took `time` and looked for `targets` entities.
    pub(crate) fn add_hard_deletes(&mut self, count: u32, time: Duration, targets: u32) {
        self.counts.hard_deletes += u64::from(count);
        self.costs.hard_delete_time += time / targets * count;
        self.costs.hard_delete_max = self.costs.hard_delete_max.max(time);
    }

    /// Adds what was counted for another kind.
    pub(crate) fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.costs.add(&other.costs);
    }
}
