//! How a type becomes tracked.

use core::marker::PhantomData;

use bevy_ecs::{
    change_detection::{CheckChangeTicks, DetectChangesMut, ResMut},
    component::{Component, ComponentId},
    lifecycle::{HookContext, Insert},
    observer::{Observer, On},
    resource::Resource,
    world::{DeferredWorld, World},
};

use crate::{
    books::{Books, EndOfTarget, Reserved},
    reference::{
        liveness_marks::LivenessMarks,
        reach::{self, TrackedComponent},
        sync,
        tracked::Tracked,
        watch,
    },
    signal,
};

/// Tracks the declared references of `C`. Returns `true` if they were not tracked before.
///
/// What follows from the end of a target is done by `end_of_target`.
pub(crate) fn track<C: TrackedComponent>(world: &mut World, end_of_target: EndOfTarget) -> bool {
    let component = world.register_component::<C>();
    if !world.contains_resource::<Tracked>() {
        let marks = LivenessMarks::new(world);
        world.insert_resource(Tracked::new(marks));
        keep_ticks_young(world);
    }
    let tracked = world.resource::<Tracked>();
    if tracked.number_of(component).is_some() {
        return false;
    }
    let number = tracked.len();
    let handler = signal::listener::install_references::<C>(world, number);
    watch_inserts::<C>(world, component);
    let watch = watch::of::<C>(world);
    world.resource_mut::<Books>().end_of_target = Some(end_of_target);
    let mut tracked = world.resource_mut::<Tracked>();
    tracked.add(component, handler, reach::of::<C>(), watch);
    true
}

/// Keeps the time of the last look comparable with newer ticks, as Bevy does with its own ticks.
fn keep_ticks_young(world: &mut World) {
    let observer = Observer::new(
        |check: On<CheckChangeTicks>, mut tracked: ResMut<Tracked>| {
            tracked.bypass_change_detection().check_ticks(*check);
        },
    );
    signal::listener::observe_from::<Tracked>(world, observer);
}

/// Links each `C` to what it names when it is inserted.
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
        world.init_resource::<InsertWatch<C>>();
        signal::listener::observe_from::<InsertWatch<C>>(world, observer);
    }
}

/// The resource on whose entity the observer of the inserts of `C` lives.
#[derive(Resource)]
#[require(Reserved)]
struct InsertWatch<C: Component>(PhantomData<fn() -> C>);

impl<C: Component> Default for InsertWatch<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}
