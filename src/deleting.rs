//! The mark of an entity whose deletion has begun, and the costs of the deletion.

#[cfg(feature = "bevy_reflect")]
mod saves;

use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bevy_ecs::{
    entity::Entity,
    entity_disabling::Disabled,
    query::{Allow, Or, With, Without},
};

#[cfg(feature = "bevy_reflect")]
use crate::deleting::saves::ReflectSaved;
use crate::hint::DestroyHint;

/// Marks an entity whose deletion has begun and that is not torn down yet.
///
/// The crate inserts it together with Bevy's [`Disabled`]. So ordinary queries do not see the
/// entity, unless [`QdelSettings::hiding`](crate::QdelSettings::hiding) says otherwise.
/// `Query<Entity, OnlyDeleting>` lists the entities that wait for their tear-down. The chapter
/// [`hiding`](crate::docs::hiding) says what sees them. To ask about one entity, use
/// [`LivenessExt::liveness`](crate::LivenessExt::liveness).
///
/// It cannot be built outside this crate. Do not remove it: the entity would count as alive, and be
/// torn down all the same.
///
/// A clone of the entity is alive, and seen if the entity was. So is an entity that is loaded from
/// a save in which it was being deleted. That needs the feature `bevy_reflect`, and this type in
/// the registry that loads: by `QdelPlugin`, or by `registry.register::<Deleting>()`. To insert or
/// apply it by reflection takes its entity out of hiding and marks nothing.
#[derive(Debug)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(from_reflect = false),
    reflect(Saved)
)]
pub struct Deleting {
    visibility: Visibility,
    #[cfg_attr(feature = "bevy_reflect", reflect(ignore))]
    epoch: Epoch,
    #[cfg_attr(feature = "bevy_reflect", reflect(ignore))]
    is_forced: bool,
    #[cfg_attr(feature = "bevy_reflect", reflect(ignore))]
    hint: DestroyHint,
    /// Whether it may still survive.
    #[cfg_attr(feature = "bevy_reflect", reflect(ignore))]
    is_undecided: bool,
    #[cfg_attr(feature = "bevy_reflect", reflect(ignore))]
    kind: KindId,
    #[cfg_attr(feature = "bevy_reflect", reflect(ignore))]
    costs: Option<Box<EntityCosts>>,
}

/// A query filter for entities that are alive or being deleted, hidden or not.
///
/// An entity that is [`Disabled`] for another reason is not seen, unless it is being deleted.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{AllowDeleting, prelude::*};
///
/// #[derive(Component)]
/// struct Health(u32);
///
/// let mut world = World::new();
/// let goblin = world.spawn(Health(7)).id();
/// world.qdel(goblin)?;
///
/// assert!(world.query::<&Health>().get(&world, goblin).is_err());
/// assert!(world.query_filtered::<&Health, AllowDeleting>().get(&world, goblin).is_ok());
/// # Ok::<(), qdel::QdelError>(())
/// ```
pub type AllowDeleting = Or<(With<Deleting>, Without<Disabled>)>;

/// A query filter for entities that are being deleted, hidden or not.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{OnlyDeleting, prelude::*};
///
/// let mut world = World::new();
/// let [goblin, _orc] = [(), ()].map(|()| world.spawn_empty().id());
/// world.qdel(goblin)?;
///
/// let mut dying = world.query_filtered::<Entity, OnlyDeleting>();
/// assert!(dying.iter(&world).eq([goblin]));
/// # Ok::<(), qdel::QdelError>(())
/// ```
pub type OnlyDeleting = (With<Deleting>, Allow<Disabled>);

/// The worklist that has marked an entity. A world that was cleared gets another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Default for Epoch {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A kind of entity that is counted separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KindId(u32);

impl KindId {
    /// Entities of no kind.
    pub(crate) const OTHERS: Self = Self(0);

    /// Returns the kind at a place in the order of registration.
    pub(crate) fn at(place: usize) -> Self {
        // There are fewer components than that.
        Self(u32::try_from(place + 1).unwrap_or(0))
    }

    /// Returns its place in the order of registration, from 0.
    pub(crate) fn place(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

/// How the deletion of an entity changed its visibility to queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
pub(crate) enum Visibility {
    /// It hid the entity.
    Hidden,
    /// It left the entity as it was, hidden or not.
    AsItWas,
}

/// The costs of the deletion of one entity until now.
///
/// It is measured if [`measure_costs`](crate::QdelSettings::measure_costs) is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EntityCosts {
    /// The time that its listeners and observers took.
    pub tell: Duration,
    /// The time that the [`Destroy`](crate::Destroy) of its components took.
    pub destroy: Duration,
    /// The handler that took longest, if any was called.
    pub slowest: Option<SlowestHandler>,
}

/// The handler that took longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SlowestHandler {
    /// The path of the function.
    pub handler: &'static str,
    /// The entity whose component listened.
    pub listener: Entity,
    /// How long it took.
    pub time: Duration,
}

impl Deleting {
    /// Returns a copy of the mark.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            costs: self.costs.clone(),
            ..*self
        }
    }

    /// Returns `true` if the deletion is forced ([`force_qdel`](crate::WorldQdelExt::force_qdel)).
    pub fn is_forced(&self) -> bool {
        self.is_forced
    }

    /// Returns `true` if a component returned [`IWillHandleIt`](crate::DestroyHint::IWillHandleIt),
    /// so that this crate does not tear the entity down.
    pub fn is_left_alone(&self) -> bool {
        self.hint == DestroyHint::IWillHandleIt
    }

    /// Returns the kind of the entity when its deletion began.
    pub(crate) fn kind(&self) -> KindId {
        self.kind
    }

    pub(crate) fn is_undecided(&self) -> bool {
        self.is_undecided
    }

    pub(crate) fn decide(&mut self) {
        self.is_undecided = false;
    }

    /// Returns the strongest hint of its components. It is [`DestroyHint::Queue`] until they have
    /// been destroyed.
    pub fn hint(&self) -> DestroyHint {
        self.hint
    }

    pub(crate) fn set_hint(&mut self, hint: DestroyHint) {
        self.hint = hint;
    }

    /// Returns the costs of the deletion of this entity until now, if they are measured.
    pub fn costs(&self) -> Option<&EntityCosts> {
        self.costs.as_deref()
    }

    pub(crate) fn costs_mut(&mut self) -> &mut EntityCosts {
        self.costs.get_or_insert_default()
    }

    /// Returns the worklist that has marked the entity.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Notes how the deletion changed the visibility of the entity.
    pub(crate) fn set_visibility(&mut self, visibility: Visibility) {
        self.visibility = visibility;
    }

    /// Returns how the deletion changed the visibility of the entity.
    pub(crate) fn visibility(&self) -> Visibility {
        self.visibility
    }
}

/// Returns the mark of an entity.
///
/// If `awaits` is set, it is noted that the decision about the entity is open.
pub(crate) fn mark(
    epoch: Epoch,
    visibility: Visibility,
    is_forced: bool,
    awaits: bool,
    kind: KindId,
) -> Deleting {
    Deleting {
        visibility,
        epoch,
        is_forced,
        hint: DestroyHint::Queue,
        is_undecided: awaits,
        kind,
        costs: None,
    }
}

impl SlowestHandler {
    pub(crate) fn new(handler: &'static str, listener: Entity, time: Duration) -> Self {
        Self {
            handler,
            listener,
            time,
        }
    }
}
