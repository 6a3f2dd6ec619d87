//! Looks on several threads, which find what one thread finds, to the byte.

use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

use bevy_ecs::{prelude::*, reflect::AppTypeRegistry};
use bevy_reflect::Reflect;
use bevy_tasks::{ComputeTaskPool, TaskPoolBuilder};
use qdel::{
    find::ReferenceReport,
    prelude::*,
    reference::{AfterRelease, OnLoss, ReferenceVisitor},
    sweep::SweepReport,
};

use crate::stage::in_a_process_of_its_own;

/// Declared.
#[derive(Component, References)]
struct Mob {
    #[entities]
    target: Option<Entity>,
}

/// Known by reflection only.
#[derive(Component, Reflect)]
#[reflect(Component)]
struct Grudge {
    against: Vec<Entity>,
}

/// Nested too deeply where it is long.
#[derive(Component, Reflect, Default)]
#[reflect(Component)]
struct Nest {
    inside: Vec<Nest>,
    names: Option<Entity>,
}

#[derive(Component)]
struct Odd;

/// Makes a world in which many components name one who is gone, among many that do not.
fn crowd() -> (World, Entity) {
    let mut world = World::new();
    let registry = AppTypeRegistry::default();
    registry.write().register::<Grudge>();
    registry.write().register::<Nest>();
    world.insert_resource(registry);
    world.track_references::<Mob>();
    let [gone, alive] = [(), ()].map(|()| world.spawn_empty().id());
    for number in 0..30_000 {
        let names = if number % 7 == 0 { gone } else { alive };
        let mut mob = world.spawn_empty();
        if number % 2 == 0 {
            mob.insert(Odd);
        }
        if number % 3 == 0 {
            mob.insert(Mob { target: None });
        }
        mob.insert(Grudge {
            against: vec![alive, names],
        });
        if number % 5_000 == 0 {
            let innermost = Nest {
                names: Some(gone),
                ..Nest::default()
            };
            let nest = (0..number / 500).fold(innermost, |inside, _| Nest {
                inside: vec![inside],
                names: None,
            });
            mob.insert(nest);
        }
    }
    world.despawn(gone);
    world.sync_references();
    // Written past Bevy's change detection, so that nothing but a sweep notices.
    let mut mobs = world.query::<&mut Mob>();
    for (number, mut mob) in mobs.iter_mut(&mut world).enumerate() {
        let names = if number % 11 == 0 { gone } else { alive };
        mob.bypass_change_detection().target = Some(names);
    }
    (world, gone)
}

/// Returns all that looks find, and what a sweep leaves.
fn looks() -> (ReferenceReport, SweepReport, SweepReport, SweepReport) {
    let (mut world, gone) = crowd();
    let holders = world.find_references(gone);
    let leftovers = world.find_leftovers();
    let swept = world.sweep();
    (holders, leftovers, swept, world.find_leftovers())
}

/// H1, H2: what is found hangs on the world, not on the threads that look.
#[test]
fn several_threads_find_what_one_finds() {
    in_a_process_of_its_own(
        module_path!(),
        "several_threads_find_what_one_finds",
        || {
            assert!(ComputeTaskPool::try_get().is_none());
            let by_one = looks();
            ComputeTaskPool::get_or_init(|| TaskPoolBuilder::new().num_threads(4).build());
            let by_several = looks();

            assert_eq!(
                by_one.1.leftovers.len(),
                30_000_usize.div_ceil(7) + 10_000_usize.div_ceil(11) + 4
            );
            assert_eq!(by_several, by_one);
            assert_eq!(by_one.3.leftovers, []);
        },
    );
}

/// Waits when it is read, until another one is read.
#[derive(Component)]
struct Pair;

static READ: Mutex<u32> = Mutex::new(0);
static CHANGED: Condvar = Condvar::new();

impl References for Pair {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, _: &mut V) {
        let mut read = READ.lock().unwrap();
        *read += 1;
        CHANGED.notify_all();
        let limit = Duration::from_secs(60);
        let waited = CHANGED
            .wait_timeout_while(read, limit, |read| *read < 2)
            .unwrap();
        assert!(!waited.1.timed_out(), "the other should be read meanwhile");
    }

    fn release_references(&mut self, _: OnLoss, _: &mut dyn FnMut(Entity) -> bool) -> AfterRelease {
        AfterRelease::Valid
    }
}

#[test]
fn components_far_from_each_other_are_read_side_by_side() {
    let test = "components_far_from_each_other_are_read_side_by_side";
    in_a_process_of_its_own(module_path!(), test, || {
        ComputeTaskPool::get_or_init(|| TaskPoolBuilder::new().num_threads(4).build());
        let mut world = World::new();
        world.track_references::<Pair>();
        *READ.lock().unwrap() = 2; // for their hooks
        world.spawn_batch((0..10_000).map(|_| Pair));
        world.sync_references();
        *READ.lock().unwrap() = 0;

        let report = world.find_leftovers();

        assert_eq!(report.leftovers, []);
        assert!(*READ.lock().unwrap() >= 10_000);
    });
}

/// S8: a panic goes on when the others have been looked at, and it is the same with threads.
#[test]
fn panic_of_a_component_goes_on_when_the_others_are_swept() {
    let test = "panic_of_a_component_goes_on_when_the_others_are_swept";
    in_a_process_of_its_own(module_path!(), test, || {
        ComputeTaskPool::get_or_init(|| TaskPoolBuilder::new().num_threads(4).build());
        let (mut world, gone) = crowd();
        world.track_references::<Broken>();
        world.spawn(Broken);
        world.sync_references();
        BREAKS.store(true, std::sync::atomic::Ordering::Relaxed);

        let swept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.sweep()));

        let said = swept.expect_err("the panic should go on");
        assert_eq!(said.downcast_ref::<&str>(), Some(&"broken"));
        BREAKS.store(false, std::sync::atomic::Ordering::Relaxed);
        let left = world.find_references(gone);
        let is_emptied = |kind| !matches!(kind, qdel::find::PlaceKind::Plain);
        assert!(
            left.holders
                .iter()
                .flat_map(|holder| &holder.places)
                .all(|place| is_emptied(place.kind))
        );
    });
}

static BREAKS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[derive(Component)]
struct Broken;

impl References for Broken {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, _: &mut V) {
        if BREAKS.load(std::sync::atomic::Ordering::Relaxed) {
            std::panic::panic_any("broken");
        }
    }

    fn release_references(&mut self, _: OnLoss, _: &mut dyn FnMut(Entity) -> bool) -> AfterRelease {
        AfterRelease::Valid
    }
}
