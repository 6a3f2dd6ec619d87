//! How components of a tracked type are read, changed and told.

use core::{
    any::{Any, type_name},
    marker::PhantomData,
};

use bevy_ecs::{
    change_detection::Mut,
    component::{Component, ComponentMutability, Immutable, Mutable},
    entity::Entity,
    query::QueryState,
    world::{DeferredWorld, World},
};

use crate::{
    panics::catch,
    reference::{
        entity_set::{Among, dedup_from},
        field_places::{self, FieldPlace},
        policy::{Lost, OnLoss},
        references::{AfterRelease, References},
        tracked::Tracked,
        tracking::{NotifyOwner, Reach, ReleaseQuery, Run},
    },
    signal::handler::query_without_filters,
};

/// A component whose declared references can be tracked: the bound of
/// [`track_references`](crate::WorldReferencesExt::track_references) for generic code.
///
/// Every component that has [`References`] is one, mutable or not.
pub trait TrackedComponent: Sized + Component<Mutability: Change<Self>> + References {}

impl<C: Component<Mutability: Change<C>> + References> TrackedComponent for C {}

/// How a component is changed: in place, or by a new value.
///
/// Both kinds of mutability have it, so every component can be tracked.
#[expect(unnameable_types, reason = "seals `TrackedComponent`")]
pub trait Change<C> {
    /// Changes the component of `entity`, now or when commands are applied. It has `lost` entities.
    fn change(
        world: &mut DeferredWorld,
        entity: Entity,
        lost: &[Entity],
        change: impl FnOnce(&mut C, &[Entity]) + Send + 'static,
    );

    /// Returns a query for [`visit_run`](Self::visit_run), if components are changed in place.
    #[doc(hidden)]
    fn query(world: &mut World) -> Option<Box<dyn Any + Send + Sync>>;

    /// Calls `visit` with each component from `first` on, as long as it returns `true`. It is given
    /// nothing where there is none.
    #[doc(hidden)]
    fn visit_run(
        world: &mut DeferredWorld,
        query: Option<&mut (dyn Any + Send + Sync)>,
        holders: impl Iterator<Item = Entity>,
        visit: impl FnMut(Option<Mut<C>>) -> bool,
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

    fn query(world: &mut World) -> Option<Box<dyn Any + Send + Sync>> {
        Some(Box::new(query_without_filters::<&mut C>(world)))
    }

    fn visit_run(
        world: &mut DeferredWorld,
        query: Option<&mut (dyn Any + Send + Sync)>,
        mut holders: impl Iterator<Item = Entity>,
        mut visit: impl FnMut(Option<Mut<C>>) -> bool,
    ) {
        let query = query.and_then(<dyn Any + Send + Sync>::downcast_mut::<QueryState<&mut C>>);
        if let Some(query) = query {
            let mut query = query.query_mut(world);
            holders.all(|holder| visit(query.get_mut(holder).ok()));
        } else {
            holders.all(|holder| visit(world.get_mut::<C>(holder)));
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
                tracked.begin_change(entity, component);
            }
            let changed = catch(|| {
                // A panic in between would keep Bevy from running the hooks of the new value.
                world.modify_component(entity, |component| catch(|| change(component, &lost)))
            });
            // The world may have been cleared.
            if let Some(mut tracked) = world.get_resource_mut::<Tracked>() {
                tracked.end_change();
            }
            match changed {
                Err(panicked) | Ok(Ok(Some(Err(panicked)))) => panicked.resume(),
                // Without the entity or the component there is nothing left to change.
                Ok(Ok(Some(Ok(())) | None) | Err(_)) => {}
            }
        });
    }

    fn query(_: &mut World) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    fn visit_run(
        _: &mut DeferredWorld,
        _: Option<&mut (dyn Any + Send + Sync)>,
        _: impl Iterator<Item = Entity>,
        _: impl FnMut(Option<Mut<C>>) -> bool,
    ) {
    }
}

/// Returns how the components of a type are reached.
pub(crate) fn of<C: TrackedComponent>() -> &'static dyn Reach {
    &ReachOf::<C>(PhantomData)
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

    fn release(
        &self,
        world: &mut DeferredWorld,
        holder: Entity,
        lost: &[Entity],
        notify: NotifyOwner,
    ) {
        C::Mutability::change(world, holder, lost, move |component: &mut C, lost| {
            let mut still_lost = Vec::new();
            let lost = if C::Mutability::MUTABLE {
                lost
            } else {
                // A component that is changed later may have been replaced by now.
                let lost = Among::new(lost);
                component.visit_references(OnLoss::Clear, &mut |entity, policy: OnLoss| {
                    if policy.lets_go() && lost.contains(entity) {
                        still_lost.push(entity);
                    }
                });
                dedup_from(&mut still_lost, 0);
                &still_lost
            };
            if !lost.is_empty() {
                release_lost(component, holder, lost, notify);
            }
        });
    }

    fn release_query(&self, world: &mut World) -> Option<ReleaseQuery> {
        C::Mutability::query(world)
    }

    fn release_run(&self, world: &mut DeferredWorld, query: Option<&mut ReleaseQuery>, run: &Run) {
        let Run {
            holders,
            lost,
            visited,
            released,
            is_changing,
        } = run;
        let first = visited.get();
        let left = holders[first..].iter();
        let query = query.map(|query| &mut **query);
        let entities = left.clone().map(|holder| holder.entity);
        let mut left = left;
        C::Mutability::visit_run(world, query, entities, |component: Option<Mut<C>>| {
            let Some(holder) = left.next() else {
                return false;
            };
            is_changing.set(false);
            visited.update(|visited| visited + 1);
            let Some(mut component) = component else {
                return true;
            };
            let (mut named, mut count) = (None, 0_usize);
            component.visit_references(OnLoss::Clear, &mut |entity, policy| {
                named = Some((entity, policy));
                count += 1;
            });
            match named {
                None => true,
                Some((entity, OnLoss::Clear)) if count == 1 && lost.contains(entity) => {
                    is_changing.set(true);
                    released.update(|released| released + 1);
                    release_lost(&mut *component, holder.entity, &[entity], holder.notify);
                    true
                }
                // It may have lost more, or less.
                Some(_) => {
                    visited.set(visited.get() - 1);
                    false
                }
            }
        });
    }
}

/// Makes a component release what is `lost`, and tells it.
fn release_lost<C: TrackedComponent>(
    component: &mut C,
    holder: Entity,
    lost: &[Entity],
    notify: NotifyOwner,
) {
    let among = Among::new(lost);
    let remains = component.release_references(OnLoss::Clear, &mut |entity| among.contains(entity));
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
    if notify == NotifyOwner::Yes && stays {
        component.on_lost(Lost::new(holder, lost));
    }
}
