//! Which types of components are tracked, and how they are reached when their types are forgotten.

use core::{any::type_name, marker::PhantomData};

use bevy_ecs::{
    change_detection::{CheckChangeTicks, DetectChangesMut, ResMut, Tick},
    component::{Component, ComponentId, ComponentMutability, Immutable, Mutable},
    entity::Entity,
    lifecycle::{HookContext, Insert},
    observer::{Observer, On},
    resource::Resource,
    world::{DeferredWorld, EntityRef, World},
};

use crate::{
    books::{Books, Reserved, ids::HandlerId},
    panics::{Panicked, catch},
    reference::{
        entity_set::{Among, dedup_from},
        field_places::{self, FieldPlace},
        liveness_marks::Marks,
        policy::{Lost, OnLoss},
        references::{AfterRelease, References},
        release, sync,
        watch::{self, Changes, Watch},
    },
    signal,
};

/// What is asked of whoever deletes, because a policy goes beyond fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Remove the component from its entity.
    Remove { holder: Entity, number: u32 },
    /// Delete the entity of the component, which cannot be without `target`, or remove the
    /// component if that cannot be.
    Qdel {
        holder: Entity,
        number: u32,
        target: Entity,
    },
}

impl Demand {
    /// Returns whose component it is about, and the number of its type.
    pub(crate) fn component(&self) -> (Entity, u32) {
        let (Self::Remove { holder, number } | Self::Qdel { holder, number, .. }) = *self;
        (holder, number)
    }
}

/// Who does what is demanded.
pub(crate) type Settle = fn(&mut World, Vec<Demand>) -> Result<(), Panicked>;

/// All tracked types, by number.
#[derive(Resource)]
#[require(Reserved)]
pub(crate) struct Tracked {
    types: Vec<Type>,
    marks: Marks,
    /// Whether losing an entity may delete more or refuse the deletion, for any type.
    pub(crate) cascades: bool,
    pub(crate) settle: Settle,
    /// How many releases are under way, each by the commands of the one before.
    pub(crate) depth: u32,
    /// Whether it was said that somebody takes the mark of targets off.
    pub(crate) has_warned_of_unmarked: bool,
    /// The components that are being changed by commands, each by those of the one before.
    changing: Vec<(Entity, ComponentId)>,
}

/// A tracked type.
struct Type {
    component: ComponentId,
    handler: HandlerId,
    reach: &'static dyn Reach,
    /// None while it looks.
    watch: Option<Box<dyn Watch>>,
    /// When its fields were read last.
    synced: Option<Tick>,
}

/// A tracked type, copied out of the world.
#[derive(Clone, Copy)]
pub(crate) struct Tracking {
    pub(crate) number: u32,
    pub(crate) component: ComponentId,
    pub(crate) handler: HandlerId,
    pub(crate) reach: &'static dyn Reach,
    pub(crate) marks: Marks,
}

impl Tracking {
    /// Returns `true` if the component of `holder` is being changed by a command.
    pub(crate) fn is_changing(&self, world: &World, holder: Entity) -> bool {
        let tracked = world.get_resource::<Tracked>();
        tracked.is_some_and(|tracked| tracked.changing.contains(&(holder, self.component)))
    }
}

/// A component type that is forgotten: how to read and change a component of it.
pub(crate) trait Reach: Send + Sync {
    /// The name of the type.
    fn name(&self) -> &'static str;

    /// Whether losing an entity may delete more or refuse the deletion.
    fn cascades(&self) -> bool;

    /// Whether a component is only changed when commands are applied.
    fn is_deferred(&self) -> bool;

    /// Calls `visit` for each entity that the component of `holder` names.
    fn visit(&self, world: &World, holder: Entity, visit: &mut dyn FnMut(Entity, OnLoss));

    /// Returns where the component of `holder` names somebody who `is_meant`.
    fn places(
        &self,
        world: &World,
        holder: Entity,
        is_meant: &mut dyn FnMut(Entity) -> bool,
    ) -> Vec<FieldPlace>;

    /// Calls `found` for each place of the component of `holder` that refuses to lose whom it
    /// names, with the name of the field.
    fn denying_fields(
        &self,
        world: &World,
        holder: Entity,
        found: &mut dyn FnMut(Entity, &'static str),
    );

    /// Has the component of `holder` let go of what is `lost`, and tells it if that is wanted.
    ///
    /// What is lost must be what it names at this moment in places that let go, each once. Who
    /// cannot let go, or does not, where it came too late to refuse, does not hear of it. A
    /// component that cannot be changed where it is waits for the next time that commands are
    /// applied, and is read again then.
    fn release(&self, world: &mut DeferredWorld, holder: Entity, lost: &[Entity], hears: Hears);
}

/// A component whose declared references can be tracked: the bound of
/// [`track_references`](crate::WorldReferencesExt::track_references) for generic code.
///
/// Every component that has [`References`] is one, mutable or not.
pub trait TrackedComponent: Sized + Component<Mutability: Change<Self>> + References {}

impl<C: Component<Mutability: Change<C>> + References> TrackedComponent for C {}

/// Whether a component hears of what it lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hears {
    Yes,
    /// It goes as well.
    No,
}

/// How a component is changed: where it is, or by a new value in its place.
///
/// Both kinds of mutability have it, so every component can be tracked.
#[expect(unnameable_types, reason = "seals `TrackedComponent`")]
pub trait Change<C> {
    /// Changes the component of `entity` that has lost others, now or when commands are applied.
    fn change(
        world: &mut DeferredWorld,
        entity: Entity,
        lost: &[Entity],
        change: impl FnOnce(&mut C, &[Entity]) + Send + 'static,
    );
}

impl<C: Component<Mutability = Self>> Change<C> for Mutable {
    fn change(
        world: &mut DeferredWorld,
        entity: Entity,
        lost: &[Entity],
        change: impl FnOnce(&mut C, &[Entity]) + Send + 'static,
    ) {
        if let Some(mut component) = world.get_mut::<C>(entity) {
            change(&mut component, lost);
        }
    }
}

impl<C: Component<Mutability = Self>> Change<C> for Immutable {
    fn change(
        world: &mut DeferredWorld,
        entity: Entity,
        lost: &[Entity],
        change: impl FnOnce(&mut C, &[Entity]) + Send + 'static,
    ) {
        let lost = lost.to_vec();
        world.commands().queue(move |world: &mut World| {
            let component = world.register_component::<C>();
            if let Some(mut tracked) = world.get_resource_mut::<Tracked>() {
                tracked.changing.push((entity, component));
            }
            let changed = catch(|| {
                // A panic in between would keep Bevy from telling that there is a new value.
                world.modify_component(entity, |component| catch(|| change(component, &lost)))
            });
            // Somebody may have cleared the world.
            if let Some(mut tracked) = world.get_resource_mut::<Tracked>() {
                tracked.changing.pop();
            }
            match changed {
                Err(panicked) | Ok(Ok(Some(Err(panicked)))) => panicked.resume(),
                // Without the entity or the component there is nothing left to change.
                Ok(Ok(Some(Ok(())) | None) | Err(_)) => {}
            }
        });
    }
}

/// Tracks the declared references of `C`, and tells whether that is new.
pub(crate) fn track<C: TrackedComponent>(world: &mut World, settle: Settle) -> bool {
    let component = world.register_component::<C>();
    if !world.contains_resource::<Tracked>() {
        let marks = Marks::new(world);
        world.insert_resource(Tracked {
            types: Vec::new(),
            marks,
            cascades: false,
            settle,
            depth: 0,
            has_warned_of_unmarked: false,
            changing: Vec::new(),
        });
        keep_ticks_young(world);
    }
    let tracked = world.resource::<Tracked>();
    if tracked.number_of(component).is_some() {
        return false;
    }
    let number = tracked.types.len() as u32;
    let handler = signal::listener::install_references::<C>(world, number);
    watch_inserts::<C>(world, component);
    let watch = watch::of::<C>(world);
    world.resource_mut::<Books>().release = Some(release::release_despawned);
    let mut tracked = world.resource_mut::<Tracked>();
    tracked.cascades |= C::CASCADES;
    tracked.types.push(Type {
        component,
        handler,
        reach: &ReachOf::<C>(PhantomData),
        watch: Some(watch),
        synced: None,
    });
    true
}

impl Tracked {
    /// Returns the number of types.
    pub(crate) fn len(&self) -> u32 {
        self.types.len() as u32
    }

    /// Returns all tracked types, by number.
    pub(crate) fn all(&self) -> impl Iterator<Item = Tracking> {
        (0..self.len()).map(|number| self.get(number))
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

    /// Returns the numbers of the types that an entity has components of.
    pub(crate) fn numbers_in(&self, entity: EntityRef) -> impl Iterator<Item = u32> {
        let types = (0..).zip(&self.types);
        types
            .filter(move |(_, known)| entity.contains_id(known.component))
            .map(|(number, _)| number)
    }

    /// Returns the tracked type of a component, if it is one.
    pub(crate) fn find(&self, component: ComponentId) -> Option<Tracking> {
        let number = self.number_of(component)?;
        Some(self.get(number))
    }

    /// Returns the number of a type, if it is tracked.
    fn number_of(&self, component: ComponentId) -> Option<u32> {
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

/// Returns which components of a tracked type were written since the last time, or with what one
/// panics that is read.
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

/// Has all components of a tracked type read at the next look, because one could not be: what that
/// one names may decide.
pub(crate) fn look_again(world: &mut World, tracking: Tracking) {
    if tracking.reach.cascades()
        && let Some(mut tracked) = world.get_resource_mut::<Tracked>()
    {
        tracked.types[tracking.number as usize].synced = None;
    }
}

/// Returns the entities whose component of a tracked type names somebody who `is_meant`; none while
/// its components are being looked at already. With what one panics that is read.
pub(crate) fn naming(
    world: &mut World,
    number: u32,
    is_meant: impl Fn(&World, Entity) -> bool,
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

/// Keeps the time of the last look comparable with newer ones, as Bevy does with its own ticks.
fn keep_ticks_young(world: &mut World) {
    let observer = Observer::new(
        |check: On<CheckChangeTicks>, mut tracked: ResMut<Tracked>| {
            let types = tracked.bypass_change_detection().types.iter_mut();
            for synced in types.filter_map(|known| known.synced.as_mut()) {
                synced.check_tick(*check);
            }
        },
    );
    signal::listener::observe_from::<Tracked>(world, observer);
}

/// Has the targets of each `C` noticed when it is inserted.
///
/// A hook costs the least. It needs a component that is in no archetype yet and whose hook is
/// free; otherwise an observer does the same.
fn watch_inserts<C: Component>(world: &mut World, component: ComponentId) {
    let hooked = !signal::listener::is_in_use(world, component)
        && world
            .register_component_hooks::<C>()
            .try_on_insert(|mut world, context: HookContext| {
                sync::link_inserted(&mut world, context.entity, context.component_id);
            })
            .is_some();
    if !hooked {
        let observer = Observer::new(move |inserted: On<Insert<C>>, mut world: DeferredWorld| {
            sync::link_inserted(&mut world, inserted.entity, component);
        });
        world.init_resource::<Inserts<C>>();
        signal::listener::observe_from::<Inserts<C>>(world, observer);
    }
}

/// The resource on whose entity the observer of the inserts of `C` lives.
#[derive(Resource)]
#[require(Reserved)]
struct Inserts<C: Component>(PhantomData<fn() -> C>);

impl<C: Component> Default for Inserts<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

struct ReachOf<C>(PhantomData<fn() -> C>);

impl<C> Reach for ReachOf<C>
where
    C: TrackedComponent,
{
    fn name(&self) -> &'static str {
        type_name::<C>()
    }

    fn cascades(&self) -> bool {
        C::CASCADES
    }

    fn is_deferred(&self) -> bool {
        !C::Mutability::MUTABLE
    }

    fn visit(&self, world: &World, holder: Entity, mut visit: &mut dyn FnMut(Entity, OnLoss)) {
        if let Some(component) = world.get::<C>(holder) {
            component.visit_references(OnLoss::Clear, &mut visit);
        }
    }

    fn places(
        &self,
        world: &World,
        holder: Entity,
        is_meant: &mut dyn FnMut(Entity) -> bool,
    ) -> Vec<FieldPlace> {
        let component = world.get::<C>(holder);
        component.map_or(Vec::new(), |component| {
            field_places::places(component, is_meant)
        })
    }

    fn denying_fields(
        &self,
        world: &World,
        holder: Entity,
        found: &mut dyn FnMut(Entity, &'static str),
    ) {
        if let Some(component) = world.get::<C>(holder) {
            field_places::denying_fields(component, found);
        }
    }

    fn release(&self, world: &mut DeferredWorld, holder: Entity, lost: &[Entity], hears: Hears) {
        C::Mutability::change(world, holder, lost, move |component: &mut C, lost| {
            let mut still_lost = Vec::new();
            let lost = if C::Mutability::MUTABLE {
                lost
            } else {
                // What is changed later may have been replaced by now.
                let lost = Among::new(lost);
                component.visit_references(OnLoss::Clear, &mut |entity, policy: OnLoss| {
                    if policy.lets_go() && lost.contains(entity) {
                        still_lost.push(entity);
                    }
                });
                dedup_from(&mut still_lost, 0);
                &still_lost
            };
            if lost.is_empty() {
                return;
            }
            let among = Among::new(lost);
            let remains =
                component.release_references(OnLoss::Clear, &mut |entity| among.contains(entity));
            debug_assert!(
                remains == AfterRelease::Valid || C::CASCADES,
                "a component should be releasable"
            );
            let mut stays = remains == AfterRelease::Valid;
            if C::CASCADES && stays {
                component.visit_references(OnLoss::Clear, &mut |entity, policy| {
                    stays &= policy != OnLoss::Deny || !among.contains(entity);
                });
            }
            if hears == Hears::Yes && stays {
                component.on_lost(Lost::new(holder, lost));
            }
        });
    }
}
