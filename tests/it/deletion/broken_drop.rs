//! A value that panics when it is dropped by a tear-down: Bevy leaves its table half dropped, so
//! nothing is torn down in that world any more.
//!
//! Rules Q3 and Q8 of the design.

use core::{mem::ManuallyDrop, time::Duration};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bevy_ecs::{
    error::FallbackErrorHandler, lifecycle::HookContext, prelude::*, world::DeferredWorld,
};
use qdel::prelude::*;

use crate::stage::{count_logged_errors, record_log};

/// The panic goes out, and those that wait stay as they are, through all that would tear them down
/// (Q8).
#[test]
fn nothing_is_torn_down_after_a_value_panicked_when_it_was_dropped() {
    for (way, end) in ENDS {
        let mut world = stage();
        let [goblin, orc] = spawn(&mut world);
        world.qdel_batch([goblin, orc]);

        assert_eq!(text_of(&mut world, end), Some("broken"), "{way}");

        assert_eq!(world.liveness(goblin), Liveness::Gone, "{way}");
        assert_eq!(world.liveness(orc), Liveness::Deleting, "{way}");
        for (again, end) in ENDS {
            assert_eq!(text_of(&mut world, end), None, "{way}, {again}");
            assert_eq!(world.liveness(orc), Liveness::Deleting, "{way}, {again}");
        }
    }
}

/// Deletions with an immediate tear-down are no exception (Q8).
#[test]
fn deletion_at_once_leaves_its_entity_waiting_in_a_broken_world() {
    let mut world = broken();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let [elf, troll, imp] = [(), (), ()].map(|()| world.spawn_empty().id());

    assert_eq!(world.qdel(elf), Ok(QdelOutcome::Queued));
    world.qdel_batch([troll, imp]);

    for waiting in [elf, troll, imp] {
        assert_eq!(world.liveness(waiting), Liveness::Deleting);
    }
    assert_eq!(world.flush_qdel(), 0);
}

/// A batch that is not noticed ends with the panic, and deletes no more (Q8).
#[test]
fn batch_that_nobody_notices_ends_with_the_panic() {
    let mut world = unnoticed_stage();
    let [goblin, orc] = spawn(&mut world);

    let text = text_of(&mut world, |world| _ = world.qdel_batch([goblin, orc]));

    assert_eq!(text, Some("broken"));
    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(orc), Liveness::Alive);
    world.qdel(orc).unwrap();
    assert_eq!(world.liveness(orc), Liveness::Deleting);
}

/// Neither does a single deletion that is not noticed (Q8).
#[test]
fn deletion_that_nobody_notices_is_the_last() {
    let mut world = unnoticed_stage();
    let [goblin, _] = spawn(&mut world);
    let elf = world.spawn_empty().id();

    let text = text_of(&mut world, |world| _ = world.qdel(goblin));

    assert_eq!(text, Some("broken"));
    assert_eq!(world.qdel(elf), Ok(QdelOutcome::Queued));
    assert_eq!(world.liveness(elf), Liveness::Deleting);
}

/// It does not matter whose despawn it is: what Bevy despawns in the same call counts as well (Q8).
#[test]
fn value_that_a_command_of_the_tear_down_drops_counts() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let first = world.spawn(Leaves(goblin)).id();
    world.qdel_batch([first, orc]);

    let text = text_of(&mut world, |world| _ = world.flush_qdel());

    assert!(text.is_some());
    assert_eq!(world.liveness(first), Liveness::Gone);
    assert_eq!(world.liveness(orc), Liveness::Deleting);
    assert_eq!(world.flush_qdel(), 0);
}

/// Sparse components are dropped apart from the table (Q8).
#[test]
fn sparse_value_counts() {
    let mut world = stage();
    let goblin = world.spawn((Sparse, Payload::new())).id();
    let orc = world.spawn(Payload::new()).id();
    world.qdel_batch([goblin, orc]);

    assert!(text_of(&mut world, |world| _ = world.flush_qdel()).is_some());

    assert_eq!(world.liveness(orc), Liveness::Deleting);
    assert_eq!(world.flush_qdel(), 0);
}

/// A value that a handler's command drops breaks the world as well, before anything is torn down
/// (Q8).
#[test]
fn value_that_is_dropped_before_the_tear_down_counts() {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let [goblin, _] = spawn(&mut world);
    world.add_observer(move |_: On<Qdeleting>, mut commands: Commands| {
        commands.entity(goblin).despawn();
    });
    let elf = world.spawn_empty().id();

    assert!(text_of(&mut world, |world| _ = world.qdel(elf)).is_some());

    assert_eq!(world.liveness(elf), Liveness::Deleting);
}

/// Owned entities, and those that are urgent or due, go on waiting (Q8).
#[test]
fn whoever_is_left_of_a_tree_goes_on_waiting() {
    let mut world = stage();
    let owner = world.spawn_empty().id();
    let [goblin, orc] = spawn(&mut world);
    world.qdel(owner).unwrap();
    // They join when it is torn down.
    world.entity_mut(orc).insert(ChildOf(owner));
    world.entity_mut(goblin).insert(ChildOf(owner));

    let text = text_of(&mut world, |world| _ = world.flush_qdel());

    assert_eq!(text, Some("broken"));
    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(orc), Liveness::Deleting);
    assert_eq!(world.liveness(owner), Liveness::Deleting);
}

/// Hooks, observers and commands that panic leave everything whole, and others go on as ever (Q3).
#[test]
fn panic_of_a_hook_an_observer_or_a_command_breaks_nothing() {
    let bombs: [fn(&mut World) -> Entity; 3] = [
        |world| world.spawn(Hooked).id(),
        |world| {
            world.add_observer(|_: On<Remove<Watched>>| panic!("observer"));
            world.spawn(Watched).id()
        },
        |world| world.spawn(Commanding).id(),
    ];
    for bomb in bombs {
        let mut world = stage();
        let bomb = bomb(&mut world);
        let orc = world.spawn(Payload::new()).id();
        world.qdel_batch([bomb, orc]);

        assert!(text_of(&mut world, |world| _ = world.flush_qdel()).is_some());

        assert_eq!(world.liveness(orc), Liveness::Gone);
        let elf = world.spawn_empty().id();
        world.qdel(elf).unwrap();
        // Where a hook of it panicked, the first is tried again.
        text_of(&mut world, |world| _ = world.flush_qdel());
        assert_eq!(world.liveness(elf), Liveness::Gone);
    }
}

/// Where panics of commands are only reported, those of a tear-down go out all the same (Q8).
#[test]
fn panic_goes_out_whatever_becomes_of_those_of_commands() {
    let mut world = stage();
    world.insert_resource(FallbackErrorHandler(|_, _| {}));
    let [goblin, orc] = spawn(&mut world);
    world.qdel_batch([goblin, orc]);

    assert_eq!(
        text_of(&mut world, |world| _ = world.flush_qdel()),
        Some("broken")
    );

    assert_eq!(world.liveness(orc), Liveness::Deleting);
}

/// Why nothing is torn down is said once (Q8).
#[test]
fn broken_world_says_once_why_nothing_is_torn_down() {
    record_log();
    let mut world = broken();
    assert_eq!(count_logged_errors(), 0);

    for _ in 0..3 {
        world.flush_qdel();
        world.drain_qdel();
        world.shutdown_qdel();
    }

    assert_eq!(count_logged_errors(), 1);
}

type End = fn(&mut World);

/// The ways to tear down what waits.
const ENDS: [(&str, End); 5] = [
    ("flush", |world| assert_eq!(world.flush_qdel(), 0)),
    ("drain", |world| assert_eq!(world.drain_qdel(), 0)),
    ("budget", |world| {
        let settings = QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO));
        world.insert_resource(settings);
        assert_eq!(world.flush_qdel(), 0);
    }),
    ("another deletion, at once", |world| {
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let elf = world.spawn(Elf).id();
        world.qdel(elf).unwrap();
    }),
    ("shutdown", |world| assert_eq!(world.shutdown_qdel(), 0)),
];

#[derive(Component)]
struct Elf;

/// Panics when it is dropped.
#[derive(Component)]
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("broken");
    }
}

/// Panics when it is dropped, in a storage of its own.
#[derive(Component)]
#[component(storage = "SparseSet")]
struct Sparse;

impl Drop for Sparse {
    fn drop(&mut self) {
        panic!("broken");
    }
}

/// Holds something, which is dropped before others panic.
#[derive(Component)]
struct Payload(#[expect(dead_code, reason = "it is dropped")] Arc<()>);

impl Payload {
    fn new() -> Self {
        Self(Arc::new(()))
    }
}

/// Despawns an entity when it is removed.
#[derive(Component)]
#[component(on_remove = leave)]
struct Leaves(Entity);

fn leave(mut world: DeferredWorld, context: HookContext) {
    let heir = world.get::<Leaves>(context.entity).unwrap().0;
    world.commands().entity(heir).despawn();
}

#[derive(Component)]
#[component(on_remove = explode)]
struct Hooked;

fn explode(_: DeferredWorld, _: HookContext) {
    panic!("hook");
}

#[derive(Component)]
struct Watched;

#[derive(Component)]
#[component(on_remove = explode_later)]
struct Commanding;

fn explode_later(mut world: DeferredWorld, _: HookContext) {
    world.commands().queue(|_: &mut World| panic!("command"));
}

/// Returns a world that is never dropped: that would drop some of it twice.
fn stage() -> ManuallyDrop<World> {
    let mut world = ManuallyDrop::new(World::new());
    world.register_component::<Children>();
    world
}

/// Returns a world that is never dropped, as is that of [`stage`], in which a deletion at once may
/// pass over what is not noticed.
fn unnoticed_stage() -> ManuallyDrop<World> {
    let mut world = ManuallyDrop::new(World::new());
    let first = world.spawn_empty().id();
    world.qdel(first).unwrap();
    world.flush_qdel();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world
}

/// Returns a world in which a value panicked when it was dropped, and an entity waits.
fn broken() -> ManuallyDrop<World> {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    world.qdel_batch([goblin, orc]);
    text_of(&mut world, |world| _ = world.flush_qdel());
    world
}

/// Spawns two of one kind: the first panics when it is dropped.
fn spawn(world: &mut World) -> [Entity; 2] {
    let goblin = world.spawn((Payload::new(), Armed(Some(Fragile)))).id();
    let orc = world.spawn((Payload::new(), Armed(None))).id();
    [goblin, orc]
}

#[derive(Component)]
struct Armed(#[expect(dead_code, reason = "it is dropped")] Option<Fragile>);

/// Returns with what `f` panicked, if it did.
fn text_of(world: &mut World, f: impl FnOnce(&mut World)) -> Option<&'static str> {
    let payload = catch_unwind(AssertUnwindSafe(|| f(world))).err()?;
    Some(
        payload
            .downcast_ref::<&str>()
            .copied()
            .unwrap_or("something else"),
    )
}
