//! The tracked types of components.

use bevy_ecs::{
    change_detection::{CheckChangeTicks, Tick},
    component::ComponentId,
    entity::Entity,
    resource::Resource,
    world::{EntityRef, World},
};

use crate::{
    books::{Reserved, ids::HandlerId},
    panics::{Panicked, catch},
    reference::{
        liveness_marks::LivenessMarks,
        tracking::{Reach, ReleaseQuery, Tracking},
        watch::{Changes, Watch},
    },
};

/// What a release demands of its caller, because a policy goes beyond fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Remove the component from its entity.
    Remove { holder: Entity, number: u32 },
    /// Delete the entity of the component, which needs `target`. If it cannot be deleted, remove
    /// the component.
    Qdel {
        holder: Entity,
        number: u32,
        target: Entity,
    },
}

impl Demand {
    /// Returns the holder of the component, and the number of its type.
    pub(crate) fn component(&self) -> (Entity, u32) {
        let (Self::Remove { holder, number } | Self::Qdel { holder, number, .. }) = *self;
        (holder, number)
    }
}

/// All tracked types, by number.
#[derive(Resource)]
#[require(Reserved)]
pub(crate) struct Tracked {
    types: Vec<Type>,
    marks: LivenessMarks,
    /// Whether losing an entity may delete more or refuse the deletion, for any type.
    pub(crate) cascades: bool,
    /// How many releases are under way, each caused by the commands of the one before.
    pub(crate) depth: u32,
    /// Whether a warning has said that the mark of targets is being removed.
    pub(crate) has_warned_of_unmarked: bool,
    /// The components that are being changed by commands, each caused by the one before.
    changing: Vec<(Entity, ComponentId)>,
}

/// A tracked type.
struct Type {
    component: ComponentId,
    handler: HandlerId,
    reach: &'static dyn Reach,
    /// `None` while it is in use.
    watch: Option<Box<dyn Watch>>,
    /// `None` while it is in use, or if its components cannot be changed in place.
    release_query: Option<ReleaseQuery>,
    /// The time when its fields were read last.
    synced: Option<Tick>,
}

impl Tracked {
    /// Returns an empty table.
    pub(crate) fn new(marks: LivenessMarks) -> Self {
        Self {
            types: Vec::new(),
            marks,
            cascades: false,
            depth: 0,
            has_warned_of_unmarked: false,
            changing: Vec::new(),
        }
    }

    /// Adds a type and gives it the next number. None of its components was read yet.
    pub(crate) fn add(
        &mut self,
        component: ComponentId,
        handler: HandlerId,
        reach: &'static dyn Reach,
        watch: Box<dyn Watch>,
        release_query: Option<ReleaseQuery>,
    ) {
        self.cascades |= reach.cascades();
        self.types.push(Type {
            component,
            handler,
            reach,
            watch: Some(watch),
            release_query,
            synced: None,
        });
    }

    /// Returns the number of types.
    pub(crate) fn len(&self) -> u32 {
        self.types.len() as u32
    }

    /// Returns the tracked type of a number.
    pub(crate) fn get(&self, number: u32) -> Tracking {
        let Type {
            component,
            handler,
            reach,
            ..
        } = self.types[number as usize];
        Tracking {
            number,
            component,
            handler,
            reach,
            marks: self.marks,
        }
    }

    /// Lends the query for releases of a type, if it is there.
    pub(crate) fn take_release_query(&mut self, number: u32) -> Option<ReleaseQuery> {
        self.types[number as usize].release_query.take()
    }

    /// Takes back what [`take_release_query`](Self::take_release_query) lent.
    pub(crate) fn return_release_query(&mut self, number: u32, query: ReleaseQuery) {
        if let Some(known) = self.types.get_mut(number as usize) {
            known.release_query = Some(query);
        }
    }

    /// Returns the numbers of the types that an entity has components of.
    pub(crate) fn numbers_in(&self, entity: EntityRef) -> impl Iterator<Item = u32> {
        let types = (0..).zip(&self.types);
        types
            .filter(move |(_, known)| entity.contains_id(known.component))
            .map(|(number, _)| number)
    }

    /// Returns the tracked type of a component, if it is tracked.
    pub(crate) fn find(&self, component: ComponentId) -> Option<Tracking> {
        let number = self.number_of(component)?;
        Some(self.get(number))
    }

    /// Notes that a component is being changed by a command.
    pub(crate) fn begin_change(&mut self, holder: Entity, component: ComponentId) {
        self.changing.push((holder, component));
    }

    /// Ends what [`begin_change`](Self::begin_change) began last.
    pub(crate) fn end_change(&mut self) {
        self.changing.pop();
    }

    /// Keeps the time of the last look comparable with newer ticks, as Bevy does with its own
    /// ticks.
    pub(crate) fn check_ticks(&mut self, check: CheckChangeTicks) {
        for synced in self
            .types
            .iter_mut()
            .filter_map(|known| known.synced.as_mut())
        {
            synced.check_tick(check);
        }
    }

    /// Returns the number of a type, if it is tracked.
    pub(crate) fn number_of(&self, component: ComponentId) -> Option<u32> {
        let mut types = self.types.iter();
        let number = types.position(|known| known.component == component);
        number.map(|number| number as u32)
    }
}

/// Returns `true` if the type of a component is tracked.
#[cfg(feature = "bevy_reflect")]
pub(crate) fn is_tracked(world: &World, component: ComponentId) -> bool {
    let tracked = world.get_resource::<Tracked>();
    tracked.is_some_and(|tracked| tracked.number_of(component).is_some())
}

/// Returns `true` if the component of `holder` is being changed by a command.
pub(crate) fn is_changing(world: &World, holder: Entity, component: ComponentId) -> bool {
    let tracked = world.get_resource::<Tracked>();
    tracked.is_some_and(|tracked| tracked.changing.contains(&(holder, component)))
}

/// Returns the components of a tracked type that were written since the last time. Returns the
/// panic if reading one panics.
pub(crate) fn take_changed(world: &mut World, tracking: Tracking) -> Result<Changes, Panicked> {
    let number = tracking.number;
    let mut tracked = world.resource_mut::<Tracked>();
    let known = &mut tracked.types[number as usize];
    let since = known.synced;
    let Some(mut watch) = known.watch.take() else {
        return Ok(Changes::default());
    };
    let changed = catch(|| watch.changed(world, tracking, since));
    // What is written from now on is newer.
    let now = world.increment_change_tick();
    let mut tracked = world.resource_mut::<Tracked>();
    let known = &mut tracked.types[number as usize];
    if changed.is_ok() {
        known.synced = Some(now);
    }
    known.watch = Some(watch);
    changed
}

/// Makes the next look read all components of a tracked type, because one of them could not be
/// read. What that one names may delete more or refuse.
pub(crate) fn look_again(world: &mut World, tracking: Tracking) {
    if tracking.reach.cascades()
        && let Some(mut tracked) = world.get_resource_mut::<Tracked>()
    {
        tracked.types[tracking.number as usize].synced = None;
    }
}

/// Returns the entities whose component of a tracked type names an entity which `is_meant`. Returns
/// none while its components are being looked at. Returns the panic if reading one panics.
pub(crate) fn naming(
    world: &mut World,
    number: u32,
    is_meant: impl Fn(&World, Entity) -> bool + Sync,
) -> Result<Vec<Entity>, Panicked> {
    let mut tracked = world.resource_mut::<Tracked>();
    let Some(mut watch) = tracked.types[number as usize].watch.take() else {
        return Ok(Vec::new());
    };
    let naming = catch(|| watch.naming(world, &|entity| is_meant(world, entity)));
    let mut tracked = world.resource_mut::<Tracked>();
    tracked.types[number as usize].watch = Some(watch);
    naming
}
