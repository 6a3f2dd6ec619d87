//! How a type becomes tracked.

use bevy_ecs::{
    change_detection::{CheckChangeTicks, DetectChangesMut, ResMut},
    component::ComponentId,
    entity::Entity,
    observer::{Observer, On},
    world::{DeferredWorld, World},
};

use crate::{
    books::{Books, EndOfTarget},
    reference::{
        liveness_marks::LivenessMarks,
        reach::{self, TrackedComponent},
        sync,
        tracked::Tracked,
        watch,
    },
    signal::{
        self,
        inserts::{OnInsert, watch_inserts},
    },
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
    watch_inserts::<LinkInserted, C>(world, component);
    let watch = watch::of::<C>(world);
    let reach = reach::of::<C>();
    let release_query = reach.release_query(world);
    world.resource_mut::<Books>().end_of_target = Some(end_of_target);
    let mut tracked = world.resource_mut::<Tracked>();
    tracked.add(component, handler, reach, watch, release_query);
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

/// Links components to what they name when they are inserted.
enum LinkInserted {}

impl OnInsert for LinkInserted {
    fn on_insert(world: &mut DeferredWorld, entity: Entity, component: ComponentId) {
        sync::link_inserted(world, entity, component);
    }
}
