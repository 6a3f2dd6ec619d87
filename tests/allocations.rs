//! What does not allocate: telling, registering where there is room, and deleting what has no
//! listeners.
//!
//! Each claim is about a world that has done the same before. So what Bevy and this crate keep for
//! the next time is there. Only allocations of the thread that runs the test are counted.

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::{Question, SignalHandler, prelude::*};

/// How many listeners a crowded target has: one more than a power of two, so that its list has
/// room.
const CROWD: usize = 129;

/// How often a world does a thing before its allocations are counted.
const WARM_UPS: usize = 4;

/// A signal that may be sent any number of times.
struct Ping;

impl Signal for Ping {
    type Answer = u32;
}

/// Whether its owner is at home.
struct Knock;

impl Question for Knock {
    type Answer = bool;
}

#[derive(Component, Default)]
struct Mob {
    target: Option<Entity>,
    calls: u32,
}

impl Mob {
    fn hear(&mut self, _: Received<Ping>) -> u32 {
        self.calls += 1;
        1
    }

    fn answer(&self, _: Received<Knock>) -> bool {
        self.target.is_none()
    }

    fn lose_target(&mut self, _: Received<Qdeleting>) {
        self.target = None;
        self.calls += 1;
    }
}

fn overhear(mut world: DeferredWorld, ping: Received<Ping, Mob>) -> u32 {
    world.get_mut::<Mob>(ping.listener()).unwrap().calls += 1;
    1
}

fn lose_target_by_id(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
    let mut mob = world.get_mut::<Mob>(lost.listener()).unwrap();
    mob.target = None;
    mob.calls += 1;
}

/// Returns how often `work` asks for memory.
fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

/// Spawns `count` mobs.
fn spawn_mobs(world: &mut World, count: usize) -> Vec<Entity> {
    (0..count)
        .map(|_| world.spawn(Mob::default()).id())
        .collect()
}

/// Spawns a target of which `mobs` lose sight with `handler`.
fn spawn_prey<Shape: 'static>(
    world: &mut World,
    mobs: &[Entity],
    handler: impl SignalHandler<Shape>,
) -> Entity {
    let target = world.spawn_empty().id();
    for &mob in mobs {
        world.register_signal(mob, target, handler).unwrap();
    }
    target
}

/// Counts what `step` allocates after some warm-ups, each in a frame of its own in the world that
/// the one before it left.
///
/// `prepare` returns what `step` works on, and is not counted.
fn allocations_once_warm<T>(
    world: &mut World,
    mut prepare: impl FnMut(&mut World) -> T,
    mut step: impl FnMut(&mut World, T),
) -> u64 {
    for _ in 0..WARM_UPS {
        let prepared = prepare(world);
        step(world, prepared);
        // At the end of a frame Bevy forgets which components were removed: else that list grows
        // without end.
        world.clear_trackers();
    }
    let prepared = prepare(world);
    allocations(|| step(world, prepared))
}

/// Returns how often the mobs were called, all together.
fn calls(world: &World, mobs: &[Entity]) -> u32 {
    mobs.iter()
        .map(|mob| world.get::<Mob>(*mob).unwrap().calls)
        .sum()
}

// The ruler.

#[test]
fn an_allocation_is_counted() {
    let mut kept = Vec::new();

    let counted = allocations(|| kept.push(1));

    assert_eq!(counted, 1);
}

// S9 and section 9: dispatch.

/// Sends a signal to `listeners` mobs with `handler`, and returns what that allocates.
fn allocations_of_sending<Shape: 'static>(
    listeners: usize,
    handler: impl SignalHandler<Shape, Signal = Ping>,
) -> u64 {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, listeners);
    let target = spawn_prey(&mut world, &mobs, handler);

    let counted = allocations_once_warm(
        &mut world,
        |_| (),
        |world, ()| {
            world.send_signal(target, Ping);
        },
    );

    assert_eq!(
        calls(&world, &mobs),
        (listeners * (WARM_UPS + 1)) as u32,
        "all should have been called each time"
    );
    counted
}

#[test]
fn sending_to_one_field_handler_does_not_allocate() {
    assert_eq!(allocations_of_sending(1, Mob::hear), 0);
}

#[test]
fn sending_to_many_field_handlers_does_not_allocate() {
    assert_eq!(allocations_of_sending(CROWD, Mob::hear), 0);
}

#[test]
fn sending_to_one_world_handler_does_not_allocate() {
    assert_eq!(allocations_of_sending(1, overhear), 0);
}

#[test]
fn sending_to_many_world_handlers_does_not_allocate() {
    assert_eq!(allocations_of_sending(CROWD, overhear), 0);
}

#[test]
fn sending_to_nobody_does_not_allocate() {
    let mut world = World::new();
    let target = world.spawn_empty().id();

    let counted = allocations_once_warm(
        &mut world,
        |_| (),
        |world, ()| {
            world.send_signal(target, Ping);
        },
    );

    assert_eq!(counted, 0);
}

#[test]
fn asking_many_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, CROWD);
    let target = spawn_prey(&mut world, &mobs, Mob::answer);

    let counted = allocations_once_warm(
        &mut world,
        |_| (),
        |world, ()| {
            assert!(world.ask_signal(target, &Knock));
        },
    );

    assert_eq!(counted, 0);
}

/// Despawns a target that `listeners` mobs listen to with `handler`, and returns what that
/// allocates.
fn allocations_of_a_despawn<Shape: 'static>(
    listeners: usize,
    handler: impl SignalHandler<Shape, Signal = Qdeleting>,
) -> u64 {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, listeners);

    let counted = allocations_once_warm(
        &mut world,
        |world| spawn_prey(world, &mobs, handler),
        |world, target| {
            world.despawn(target);
        },
    );

    assert_eq!(
        calls(&world, &mobs),
        (listeners * (WARM_UPS + 1)) as u32,
        "all should have been told each time"
    );
    counted
}

#[test]
fn telling_one_field_handler_of_a_despawn_does_not_allocate() {
    assert_eq!(allocations_of_a_despawn(1, Mob::lose_target), 0);
}

#[test]
fn telling_many_field_handlers_of_a_despawn_does_not_allocate() {
    assert_eq!(allocations_of_a_despawn(CROWD, Mob::lose_target), 0);
}

#[test]
fn telling_one_world_handler_of_a_despawn_does_not_allocate() {
    assert_eq!(allocations_of_a_despawn(1, lose_target_by_id), 0);
}

#[test]
fn telling_many_world_handlers_of_a_despawn_does_not_allocate() {
    assert_eq!(allocations_of_a_despawn(CROWD, lose_target_by_id), 0);
}

// S10 and section 9: registering and unregistering.

#[test]
fn unregistering_one_of_many_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, CROWD);

    let counted = allocations_once_warm(
        &mut world,
        |world| spawn_prey(world, &mobs, Mob::lose_target),
        |world, target| {
            world
                .unregister_signal::<Mob, Qdeleting>(mobs[0], target)
                .unwrap();
        },
    );

    assert_eq!(counted, 0);
}

#[test]
fn unregistering_all_of_many_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, CROWD);

    let counted = allocations_once_warm(
        &mut world,
        |world| spawn_prey(world, &mobs, Mob::lose_target),
        |world, target| {
            for &mob in &mobs {
                world
                    .unregister_signal::<Mob, Qdeleting>(mob, target)
                    .unwrap();
            }
        },
    );

    assert_eq!(counted, 0);
}

#[test]
fn unregistering_the_only_listener_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, 1);

    let counted = allocations_once_warm(
        &mut world,
        |world| spawn_prey(world, &mobs, Mob::lose_target),
        |world, target| {
            world
                .unregister_signal::<Mob, Qdeleting>(mobs[0], target)
                .unwrap();
        },
    );

    assert_eq!(counted, 0);
}

#[test]
fn registering_where_many_listen_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, CROWD);

    let counted = allocations_once_warm(
        &mut world,
        |world| {
            let late = world.spawn(Mob::default()).id();
            (late, spawn_prey(world, &mobs, Mob::lose_target))
        },
        |world, (late, target)| {
            world
                .register_signal(late, target, Mob::lose_target)
                .unwrap();
        },
    );

    assert_eq!(counted, 0);
}

#[test]
fn registering_again_where_one_listened_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, 1);

    let counted = allocations_once_warm(
        &mut world,
        |world| {
            let target = spawn_prey(world, &mobs, Mob::lose_target);
            world
                .unregister_signal::<Mob, Qdeleting>(mobs[0], target)
                .unwrap();
            target
        },
        |world, target| {
            world
                .register_signal(mobs[0], target, Mob::lose_target)
                .unwrap();
        },
    );

    assert_eq!(counted, 0);
}

#[test]
fn registering_as_the_first_listener_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, 1);

    let counted = allocations_once_warm(
        &mut world,
        |world| {
            // The room that it leaves behind is what the next one takes.
            let last = spawn_prey(world, &mobs, Mob::lose_target);
            world.despawn(last);
            world.spawn_empty().id()
        },
        |world, target| {
            world
                .register_signal(mobs[0], target, Mob::lose_target)
                .unwrap();
            world
                .unregister_signal::<Mob, Qdeleting>(mobs[0], target)
                .unwrap();
        },
    );

    assert_eq!(counted, 0);
}

#[test]
fn changing_targets_does_not_allocate() {
    let mut world = World::new();
    let mobs = spawn_mobs(&mut world, CROWD);
    let others = spawn_mobs(&mut world, CROWD);
    let old = spawn_prey(&mut world, &mobs, Mob::lose_target);
    let new = spawn_prey(&mut world, &others, Mob::lose_target);

    let counted = allocations_once_warm(
        &mut world,
        |_| (),
        |world, ()| {
            for &mob in &mobs[..CROWD / 4] {
                for (from, to) in [(old, new), (new, old)] {
                    world
                        .unregister_signal::<Mob, Qdeleting>(mob, from)
                        .unwrap();
                    world.register_signal(mob, to, Mob::lose_target).unwrap();
                }
            }
        },
    );

    assert_eq!(counted, 0);
}

// Section 9: deletion of what has no listeners.

/// Creates a world in which deletions are torn down as `teardown` says and mobs listen, though not
/// to the dying.
fn busy_world(teardown: Teardown) -> World {
    let mut world = World::new();
    world.insert_resource(QdelSettings::default().with_teardown(teardown));
    let mobs = spawn_mobs(&mut world, CROWD);
    spawn_prey(&mut world, &mobs, Mob::lose_target);
    world
}

#[test]
fn qdel_with_immediate_tear_down_does_not_allocate() {
    let mut world = busy_world(Teardown::Immediate);

    let counted = allocations_once_warm(
        &mut world,
        |world| world.spawn(Mob::default()).id(),
        |world, entity| assert_eq!(world.qdel(entity), Ok(QdelOutcome::Queued)),
    );

    assert_eq!(counted, 0);
}

#[test]
fn qdel_with_tear_down_at_the_end_of_the_frame_does_not_allocate() {
    let mut world = busy_world(Teardown::EndOfFrame);

    let counted = allocations_once_warm(
        &mut world,
        |world| {
            world.flush_qdel();
            world.spawn(Mob::default()).id()
        },
        |world, entity| assert_eq!(world.qdel(entity), Ok(QdelOutcome::Queued)),
    );

    assert_eq!(counted, 0);
}

#[test]
fn flushing_does_not_allocate() {
    let mut world = busy_world(Teardown::EndOfFrame);

    let counted = allocations_once_warm(
        &mut world,
        |world| {
            let entity = world.spawn(Mob::default()).id();
            world.qdel(entity).unwrap();
        },
        |world, ()| assert_eq!(world.flush_qdel(), 1),
    );

    assert_eq!(counted, 0);
}

#[test]
fn flushing_nothing_does_not_allocate() {
    let mut world = busy_world(Teardown::EndOfFrame);

    let counted = allocations_once_warm(
        &mut world,
        |_| (),
        |world, ()| assert_eq!(world.flush_qdel(), 0),
    );

    assert_eq!(counted, 0);
}
