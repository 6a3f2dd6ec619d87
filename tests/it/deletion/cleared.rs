//! A world that is cleared from inside a deletion.
//!
//! Rule Q3 of the design: what begins anew by the same ids is not what was deleted.

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::prelude::*;

#[derive(Component)]
struct Bomb;

#[derive(Component)]
struct Fuse;

#[derive(Component)]
struct NewLevel;

/// Clears the world, spawns anew so that all ids are taken again, and deletes one of the new.
fn begin_anew(world: &mut World) {
    world.clear_entities();
    let level: Vec<_> = (0..200).map(|_| world.spawn(NewLevel).id()).collect();
    let _ = world.qdel(level[199]);
}

fn explode(mut world: DeferredWorld, _: Received<Qdeleting, Fuse>) {
    world.commands().queue(begin_anew);
}

impl Destroy for Bomb {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.queue(begin_anew);
        DestroyHint::Queue
    }
}

fn count_alive(world: &mut World) -> usize {
    let mut level = world.query_filtered::<Entity, With<NewLevel>>();
    let level: Vec<_> = level.iter(world).collect();
    let alive = level.into_iter();
    alive
        .filter(|entity| world.liveness(*entity) == Liveness::Alive)
        .count()
}

type Arrange = fn(&mut World, Entity);

/// Ways in which a command of a user runs inside a deletion. Bevy's observers do not survive such a
/// command.
fn ways() -> Vec<(&'static str, Arrange)> {
    vec![
        ("a handler", |world, first| {
            let fuse = world.spawn(Fuse).id();
            world.register_signal(fuse, first, explode).unwrap();
        }),
        ("a destroy", |world, first| {
            world.register_destroy::<Bomb>();
            world.entity_mut(first).insert(Bomb);
        }),
        ("a command of a handler of an owned one", |world, first| {
            let owned = world.get::<Children>(first).unwrap()[0];
            let fuse = world.spawn(Fuse).id();
            world.register_signal(fuse, owned, explode).unwrap();
        }),
    ]
}

/// An outer deletion ends where the world does in which it began (Q3).
#[test]
fn deletion_does_not_go_on_in_a_new_level_regression() {
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        for (way, arrange) in ways() {
            let mut world = World::new();
            world.insert_resource(QdelSettings::default().with_teardown(teardown));
            let old: Vec<_> = (0..40).map(|_| world.spawn_empty().id()).collect();
            for pair in old.chunks(2) {
                world.entity_mut(pair[1]).insert(ChildOf(pair[0]));
            }
            arrange(&mut world, old[0]);

            world.qdel_batch(old.iter().copied());
            if world.contains_resource::<QdelSettings>() {
                world.flush_qdel();
            }
            let mut level = world.query_filtered::<(), With<NewLevel>>();
            let spawned = level.iter(&world).count();
            world.flush_qdel();

            // One of them was deleted by the new level itself.
            assert!(spawned >= 199, "{way}, {teardown:?}: {spawned}");
            assert_eq!(count_alive(&mut world), 199, "{way}, {teardown:?}");
        }
    }
}
