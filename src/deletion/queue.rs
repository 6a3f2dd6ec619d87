//! The worklist: what is being deleted, and how far it got.
//!
//! No function here changes a world, but for the one that makes the worklist. It is one resource on
//! purpose: each resource more would be a look-up more in each deletion.
//!
//! # Invariants
//!
//! 1. An entity that is marked stands in `to_tell` until it is told, and then in `to_tear_down`,
//!    unless it lives on or is left alone. It never stands in both.
//! 2. `work` is set while the list is worked off. Then `settings` are those with which that began,
//!    and `kept` and `panicked` belong to it: they are empty when the work ends.
//! 3. The `epoch` is that of all marks that this worklist has put on entities.

use core::mem;

use bevy_ecs::{
    change_detection::{Mut, Tick},
    entity::EntityHashSet,
    event::EventKey,
    resource::Resource,
    world::World,
};

use crate::{
    books::Reserved,
    deleting::{Deleting, Epoch},
    deletion::{
        archetype_flags::Profiles,
        destroyers::Destroyers,
        goal::Goal,
        late_components::LateComponents,
        looked::Looked,
        notice::Notices,
        owned::Ownerships,
        settings::{Hiding, QdelSettings},
        tear_down_queue::TearDownQueue,
    },
    panics::FirstPanic,
    statistics::kinds::Kinds,
    sweep::schedule::Sweeps,
};

/// What need not be said any more.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// That nothing flushes: something does, or it was said.
    pub(crate) nobody_flushes: bool,
    /// That types have no names.
    pub(crate) no_names: bool,
}

/// Whether the storage of a world can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Storage {
    #[default]
    Whole,
    /// A value panicked when it was dropped by a deletion.
    Broken {
        /// Whether it was said that nothing is torn down any more.
        is_reported: bool,
    },
}

/// Work that has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) epoch: Epoch,
    /// How many waited for their turn by then.
    pub(crate) waiting: usize,
}

/// The worklist.
#[derive(Resource, Default)]
#[require(Reserved)]
pub(crate) struct Deletions {
    pub(crate) epoch: Epoch,
    /// How far it is worked off, while it is.
    pub(crate) work: Option<Goal>,
    pub(crate) said: Said,
    /// Whether it is part of the work to flush.
    pub(crate) is_flush: bool,
    pub(crate) to_tell: Notices,
    pub(crate) to_tear_down: TearDownQueue,
    /// The entities that live on after a deletion in the work. They are not deleted again in it.
    pub(crate) kept: EntityHashSet,
    /// The panic of a deletion inside another one, which would lose what else waits in the command
    /// queue.
    pub(crate) panicked: FirstPanic,
    pub(crate) ownerships: Ownerships,
    pub(crate) profiles: Profiles,
    /// How often `Disabled` had been removed when it was last looked at what is seen.
    pub(crate) removals: Option<usize>,
    /// The number of [`Qdeleting`](crate::Qdeleting) among Bevy's events.
    pub(crate) event: Option<EventKey>,
    pub(crate) destroyers: Destroyers,
    pub(crate) late: LateComponents,
    pub(crate) storage: Storage,
    /// Whether any declared references are tracked.
    pub(crate) tracks: bool,
    pub(crate) looked: Looked,
    /// What the settings were when the work began.
    pub(crate) settings: QdelSettings,
    pub(crate) sweeps: Sweeps,
    /// What deletions did and cost.
    pub(crate) kinds: Kinds,
}

impl Deletions {
    /// Returns the worklist of a world, which is made if there is none.
    ///
    /// A new one goes on with what an earlier one has marked: the game may have cleared the
    /// resources only.
    pub(crate) fn get_or_init(world: &mut World) -> Mut<'_, Self> {
        if !world.contains_resource::<Self>() {
            let epoch = epoch_of_marks(world).unwrap_or_default();
            world.insert_resource(Self {
                epoch,
                ..Self::default()
            });
        }
        world.resource_mut()
    }

    /// Returns the worklist of that `epoch`, or `None` if the world was cleared from inside a
    /// deletion. Entities by the same ids may be others by then.
    pub(crate) fn of(world: &mut World, epoch: Epoch) -> Option<Mut<'_, Self>> {
        let deletions = world.get_resource_mut::<Self>()?;
        (deletions.epoch == epoch).then_some(deletions)
    }

    /// Returns `true` if the worklist is still that of an `epoch`.
    pub(crate) fn is_of(world: &World, epoch: Epoch) -> bool {
        let deletions = world.get_resource::<Self>();
        deletions.is_some_and(|deletions| deletions.epoch == epoch)
    }

    /// Begins the work, by these `settings` and as far as the goal says, or as the settings say.
    pub(crate) fn begin_work(
        &mut self,
        settings: QdelSettings,
        goal: Option<Goal>,
        now: Tick,
    ) -> Begun {
        self.settings = settings;
        self.looked.begin_work(now);
        self.work = Some(goal.unwrap_or_else(|| Goal::of(&settings)));
        Begun {
            epoch: self.epoch,
            waiting: self.to_tear_down.count_in_turn(),
        }
    }

    /// Ends the work, and returns the panic that was kept for that.
    pub(crate) fn end_work(&mut self, now: Tick) -> FirstPanic {
        self.work = None;
        self.looked.end_work(now);
        self.is_flush = false;
        if !self.kept.is_empty() {
            self.kept = EntityHashSet::default();
        }
        self.sweeps.end_work();
        mem::take(&mut self.panicked)
    }

    /// Returns `true` if the decision about a deletion is waited for: an entity may live on, or be
    /// named.
    pub(crate) fn is_awaited(&self) -> bool {
        self.tracks || !self.destroyers.is_empty()
    }

    /// Returns `true` if anything waits for a flush.
    pub(crate) fn is_waiting_for_flush(&self) -> bool {
        let is_waiting = self.is_waiting() || !self.late.is_empty();
        is_waiting || self.sweeps.is_waiting() || self.sweeps.has_torn_down()
    }

    /// Returns `true` if anything waits for its tear-down.
    pub(crate) fn is_waiting(&self) -> bool {
        self.to_tear_down.is_waiting()
    }

    /// Returns how many entities wait for their tear-down, as far as that is known.
    pub(crate) fn count_waiting(&self) -> usize {
        self.to_tear_down.count_waiting()
    }

    /// Returns `true` if there is nothing new to learn of the world.
    pub(crate) fn is_prepared(&self, world: &World) -> bool {
        let is_idle = self.work.is_none();
        let has_news = is_idle && (self.profiles.may_lack_mark() || self.may_show(world));
        self.ownerships.are_current(world) && self.profiles.are_current(world) && !has_news
    }

    /// Returns `true` if an entity may be seen that is being deleted and should be hidden, as far
    /// as archetypes are known: if `Disabled` was removed from one since that was looked at last.
    pub(crate) fn may_show(&self, world: &World) -> bool {
        self.settings.hiding == Hiding::Hide
            && self.profiles.may_be_shown()
            && self.removals != Some(self.profiles.removals(world))
            && !self.is_broken()
    }

    /// Returns `true` if deletions are observed by Bevy's means.
    pub(crate) fn is_observed(&self, world: &World) -> bool {
        let observers = world.observers();
        let observers = self.event.and_then(|key| observers.try_get_observers(key));
        observers.is_some_and(|observers| {
            !(observers.global_observers().is_empty()
                && observers.component_observers().is_empty()
                && observers.entity_observers().is_empty())
        })
    }

    /// Returns `true` if nothing may be torn down any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.storage != Storage::Whole
    }
}

/// Returns which worklist has marked those that are being deleted, if there are any.
fn epoch_of_marks(world: &World) -> Option<Epoch> {
    let mark = world.components().valid_component_id::<Deleting>()?;
    let mut archetypes = world.archetypes().iter();
    let marked = archetypes.find(|archetype| archetype.contains(mark) && !archetype.is_empty())?;
    let first = marked.entities().first()?;
    world.get::<Deleting>(first.id()).map(Deleting::epoch)
}
