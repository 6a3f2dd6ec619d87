//! The life of a deletion: what it answers, in which order it goes, and what it survives.
//!
//! The numbers are those of the rules in the design. Which entities go with which is the subject of
//! `ownership.rs`.

mod answers;
mod exactly_once;
mod notices;
mod panics;
mod questions;
mod tear_down;

use bevy_ecs::{
    entity_disabling::Disabled, lifecycle::HookContext, prelude::*, world::DeferredWorld,
};
use qdel::{Deleting, QdelCause, QdelError, RegisterError, prelude::*, statistics::QdelCounts};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::stage::{Guard, Named, Order, noting_world, on_death, order, panic_of};

/// Whose end observers were told of, in order.
#[derive(Resource, Default)]
struct Observed(Vec<Entity>);

/// Who was asked: entity, root, force. Behind a lock, because those who are asked can only look.
#[derive(Resource, Default)]
struct Questions(Mutex<Vec<(Entity, Entity, bool)>>);

#[derive(Component)]
struct Gold(u32);

/// The counts, as they can be compared.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    deleted: u64,
    vetoed: u64,
    repeated: u64,
    refused: u64,
    torn_down: u64,
}

fn counts_of(world: &World) -> Counts {
    let counts = world.resource::<QdelCounts>();
    Counts {
        deleted: counts.deleted,
        vetoed: counts.vetoed,
        repeated: counts.repeated,
        refused: counts.refused,
        torn_down: counts.torn_down,
    }
}

/// Makes a world that notes what happens to each [`Named`] entity.
fn stage() -> World {
    let mut world = noting_world();
    world.init_resource::<Observed>();
    world.init_resource::<Questions>();
    world.init_resource::<QdelCounts>();
    world.add_observer(|told: On<Qdeleting>, mut observed: ResMut<Observed>| {
        observed.0.push(told.entity);
    });
    world
}

fn immediate_stage() -> World {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world
}

/// Spawns an entity whose end is noted.
fn spawn(world: &mut World, name: &'static str) -> Entity {
    let entity = world.spawn(Named(name)).id();
    on_death(world, entity, move |world, _| {
        note(world, &format!("told {name}"));
    });
    entity
}

fn spawn_owned(world: &mut World, name: &'static str, owner: Entity) -> Entity {
    let entity = spawn(world, name);
    world.entity_mut(entity).insert(ChildOf(owner));
    entity
}

/// Sets a guard that vetoes the deletion of `target`, and returns it.
fn veto(world: &mut World, target: Entity) -> Entity {
    let guard = world.spawn(Guard(QdelVerdict::Veto)).id();
    world.register_signal(guard, target, Guard::judge).unwrap();
    guard
}

fn note(world: &mut DeferredWorld, line: &str) {
    world.resource_mut::<Order<String>>().note(line);
}

fn observed(world: &World) -> Vec<Entity> {
    world.resource::<Observed>().0.clone()
}

/// The notices about some targets, in order.
struct Notices(Arc<Mutex<Vec<(Entity, QdelCause, bool)>>>);

impl Notices {
    fn all(&self) -> Vec<(Entity, QdelCause, bool)> {
        self.0.lock().unwrap().clone()
    }
}

fn record_notices(world: &mut World, targets: &[Entity]) -> Notices {
    let notices = Notices(Arc::default());
    for &target in targets {
        let notices = notices.0.clone();
        on_death(world, target, move |_, told| {
            notices
                .lock()
                .unwrap()
                .push((told.entity, told.cause, told.force));
        });
    }
    notices
}

/// Asserts that nothing was begun with any of `entities`.
fn assert_alive(world: &World, entities: &[Entity]) {
    for &entity in entities {
        assert_eq!(world.liveness(entity), Liveness::Alive);
        assert!(world.get::<Disabled>(entity).is_none());
        assert!(world.get::<Deleting>(entity).is_none());
    }
}

/// Q11: the end of a world is heard if the caller asks for it, and without a veto.
#[test]
fn shutdown_tells_and_tears_down_everything_in_order() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    spawn(&mut world, "orc");
    let guard = world.spawn(Guard(QdelVerdict::Veto)).id();
    world
        .register_signal(guard, goblin, |guard: &Guard, _: Received<PreQdel>| guard.0)
        .unwrap();
    let there = |world: &mut World| world.query::<&Named>().iter(world).count();
    assert_eq!(there(&mut world), 3);

    world.shutdown_qdel();

    let happened = order(&world);
    let told = ["told goblin", "told purse", "told orc"];
    assert_eq!(happened[..3], told);
    assert_eq!(happened.len(), 6);
    let place = |line: &str| happened.iter().position(|at| at == line).unwrap();
    assert!(place("gone purse") < place("gone goblin"));
    assert_eq!(there(&mut world), 0);
    assert_eq!(world.liveness(guard), Liveness::Gone);
}

/// Q11, Q3: a ring of owners has no first, and goes all the same.
#[test]
fn shutdown_ends_rings_and_what_waited_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    world.entity_mut(goblin).insert(ChildOf(orc));
    world.entity_mut(orc).insert(ChildOf(goblin));
    let troll = spawn(&mut world, "troll");
    world.qdel(troll).unwrap();

    world.shutdown_qdel();

    for entity in [goblin, orc, troll] {
        assert_eq!(world.liveness(entity), Liveness::Gone);
    }
    assert_eq!(world.shutdown_qdel(), 0);
}

/// A boss whose death resets the level does this.
#[test]
fn handler_whose_command_clears_the_world_does_no_harm() {
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let boss = world.spawn(Guard(QdelVerdict::Allow)).id();
        let orc = world.spawn(ChildOf(boss)).id();
        let reset = |mut world: DeferredWorld, _: Received<Qdeleting, Guard>| {
            world.commands().queue(World::clear_entities);
        };
        world.register_signal(boss, boss, reset).unwrap();

        world.qdel(boss).unwrap();
        world.flush_qdel();

        assert_eq!(world.liveness(boss), Liveness::Gone);
        assert_eq!(world.liveness(orc), Liveness::Gone);
    }
}

/// The panic goes on when the outer deletion is done; the handler's other commands are applied.
#[test]
fn veto_that_panics_inside_another_deletion_loses_no_command() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    let guard = world.spawn(Guard(QdelVerdict::Allow)).id();
    let refuse = |_: &Guard, _: Received<PreQdel>| panic!("the guard stumbles");
    world.register_signal(guard, orc, refuse).unwrap();
    on_death(&mut world, goblin, move |world, _| {
        world.qdel(orc);
        world.commands().spawn(Guard(QdelVerdict::Allow));
    });

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("the guard stumbles"), "{panicked}");
    assert_eq!(world.liveness(orc), Liveness::Alive);
    assert_eq!(world.query::<&Guard>().iter(&world).count(), 2);
}

/// Q3: a notice that a handler kept cannot be sent again, neither about the same entity nor about
/// another.
#[test]
fn copy_of_a_notice_reaches_nobody() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, notice| {
        world.send_signal(notice.entity, notice);
        world.send_signal(orc, notice);
    });

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin"]);
    assert_eq!(observed(&world), [goblin]);
    assert_eq!(world.registrations_on(orc).len(), 1);
}
