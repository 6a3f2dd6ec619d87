//! What other people's observers see of a deletion: at its tear-down an entity looks as in a plain
//! despawn.
//!
//! Rule Q7 of the design.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    entity_disabling::Disabled,
    lifecycle::HookContext,
    prelude::*,
    query::{Allow, Has},
    world::DeferredWorld,
};
use qdel::{Deleting, prelude::*};

use crate::stage::Order;

// Every kind of observer.

#[test]
fn observers_of_the_tear_down_find_the_entity_as_in_a_plain_despawn() {
    let seen_by = |end: fn(&mut World, Entity)| {
        let mut world = stage();
        let goblin = world.spawn(Health(7)).id();

        end(&mut world, goblin);

        world.remove_resource::<Seen>().unwrap().0
    };

    let expected = [
        ("Despawn", 7),
        ("Despawn<Health>", 7),
        ("Discard<Health>", 7),
        ("Remove<Health>", 7),
    ];
    let sorted = |mut seen: Vec<(&'static str, u32)>| {
        seen.sort_unstable();
        seen
    };
    assert_eq!(
        sorted(seen_by(|world, goblin| _ = world.despawn(goblin))),
        expected
    );
    for (way, end) in WAYS {
        assert_eq!(sorted(seen_by(end)), expected, "{way}");
    }
}

#[test]
fn observer_of_one_entity_finds_it() {
    let mut world = World::new();
    world.init_resource::<Seen>();
    let goblin = world.spawn(Health(7)).id();
    world.entity_mut(goblin).observe(
        |gone: On<Remove<Health>>, healths: Query<&Health>, seen: ResMut<Seen>| {
            note(seen, "scoped", healths.get(gone.entity).ok());
        },
    );

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Seen>().0, [("scoped", 7)]);
}

#[test]
fn owned_entities_are_found_too() {
    let mut world = stage();
    let goblin = world.spawn(Health(1)).id();
    let purse = world.spawn((Health(2), ChildOf(goblin))).id();
    world.spawn((Health(3), ChildOf(purse)));

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let seen = removals(&world);
    assert_eq!(seen, [3, 2, 1]);
}

#[test]
fn all_of_a_ring_of_owners_are_found() {
    let mut world = stage();
    let [a, b] = [1, 2].map(|health| world.spawn(Health(health)).id());
    world.entity_mut(a).insert(OwnedBy(b));
    world.entity_mut(b).insert(OwnedBy(a));

    world.qdel(a).unwrap();
    world.flush_qdel();

    let mut seen = removals(&world);
    seen.sort_unstable();
    assert_eq!(seen, [1, 2]);
}

#[test]
fn newcomer_of_an_owner_that_goes_is_found() {
    let mut world = stage();
    let goblin = world.spawn(Health(1)).id();
    world.qdel(goblin).unwrap();
    world.spawn((Health(2), ChildOf(goblin)));

    world.flush_qdel();

    assert_eq!(removals(&world), [2, 1]);
}

#[test]
fn mark_stays_on_at_the_tear_down() {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.add_observer(
        |gone: On<Remove<Health>>, marked: Query<Has<Deleting>>, seen: ResMut<Seen>| {
            let is_marked = marked.get(gone.entity).unwrap();
            note(seen, "marked", Some(&Health(is_marked.into())));
        },
    );
    let goblin = world.spawn(Health(7)).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Seen>().0, [("marked", 1)]);
}

#[test]
fn what_was_hidden_before_stays_hidden() {
    for (way, end) in WAYS {
        let mut world = stage();
        let ghost = world.spawn((Health(7), Disabled)).id();

        end(&mut world, ghost);

        assert_eq!(world.resource::<Seen>().0, [], "{way}");
        assert_eq!(world.liveness(ghost), Liveness::Gone, "{way}");
    }
}

#[test]
fn nobody_is_taken_out_of_hiding_where_only_hooks_hear() {
    let mut world = World::new();
    world.init_resource::<Order>();
    let goblin = world.spawn(Hooked).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Order>().0, ["removed while hidden"]);
}

#[test]
fn nobody_is_taken_out_of_hiding_where_only_this_crate_observes() {
    let mut world = World::new();
    world.init_resource::<Order>();
    let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
    // It is in use already, so that its end is noticed by an observer.
    let mob = world.spawn(Hooked).id();
    world.register_signal(mob, goblin, Hooked::hear).unwrap();
    world.register_signal(mob, orc, Hooked::hear).unwrap();

    world.qdel(mob).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Order>().0, ["removed while hidden"]);
}

#[test]
fn observer_that_comes_in_the_middle_of_a_tear_down_finds_those_that_follow() {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.init_resource::<Order>();
    let prey = world.spawn_empty().id();
    let mobs = [1, 2].map(|health| world.spawn((Mob, Health(health))).id());
    world.register_signal(mobs[0], prey, Mob::hear).unwrap();
    world.register_signal(mobs[1], prey, Mob::hear).unwrap();
    let first = world.spawn(Late).id();
    world.qdel_batch([mobs[0], first, mobs[1]]);

    world.flush_qdel();

    assert_eq!(world.resource::<Seen>().0, [("late", 2)]);
}

#[test]
fn others_that_wait_stay_hidden_while_one_is_torn_down() {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.add_observer(
        |_: On<Remove<Health>>, healths: Query<&Health>, mut seen: ResMut<Seen>| {
            let found = healths.iter().map(|health| ("found", health.0));
            seen.0.extend(found);
        },
    );
    for health in [1, 2, 3] {
        let goblin = world.spawn(Health(health)).id();
        world.qdel(goblin).unwrap();
    }

    world.flush_qdel();

    assert_eq!(
        world.resource::<Seen>().0,
        [("found", 1), ("found", 2), ("found", 3)]
    );
}

// What those do who see it come out of hiding.

#[test]
fn observers_of_the_way_out_of_hiding_run_before_the_tear_down() {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.add_observer(|_: On<Remove<Disabled>>, mut order: ResMut<Order>| order.0.push("shown"));
    world.add_observer(|_: On<Remove<Health>>, mut order: ResMut<Order>| order.0.push("removed"));
    let goblin = world.spawn(Health(7)).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Order>().0, ["shown", "removed"]);
}

#[test]
fn whoever_despawns_it_when_it_comes_out_of_hiding_does_no_harm() {
    let mut world = stage();
    world.add_observer(|shown: On<Remove<Disabled>>, mut commands: Commands| {
        commands.entity(shown.entity).try_despawn();
    });
    let goblin = world.spawn(Health(7)).id();
    let orc = world.spawn(Health(8)).id();

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    assert_eq!(removals(&world), [7, 8]);
    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(orc), Liveness::Gone);
}

#[test]
fn what_is_given_to_it_when_it_comes_out_of_hiding_is_told_and_goes_before_it() {
    for end in [deleted_at_the_end, deleted_at_once] {
        let mut world = stage();
        world.init_resource::<Order>();
        world.register_destroy::<Burning>();
        world.add_observer(
            |shown: On<Remove<Disabled>>,
             owners: Query<Has<Children>, (With<Health>, Allow<Disabled>)>,
             mut commands: Commands| {
                if let Ok(false) = owners.get(shown.entity)
                    && let Ok(mut shown) = commands.get_entity(shown.entity)
                {
                    shown.with_child(Burning);
                }
            },
        );
        let goblin = world.spawn(Health(7)).id();

        end(&mut world, goblin);

        assert_eq!(world.resource::<Order>().0, ["destroyed"]);
        assert_eq!(removals(&world), [7]);
        assert_eq!(world.query::<&Burning>().iter(&world).count(), 0);
    }
}

#[test]
fn whoever_deletes_more_when_it_comes_out_of_hiding_is_heeded() {
    let mut world = stage();
    let orc = world.spawn(Health(8)).id();
    world.add_observer(move |_: On<Remove<Disabled>>, mut commands: Commands| {
        commands.entity(orc).qdel();
    });
    let goblin = world.spawn(Health(7)).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();
    assert_eq!(world.liveness(orc), Liveness::Deleting);
    assert!(is_hidden(&mut world, orc));
    world.flush_qdel();

    assert_eq!(removals(&world), [7, 8]);
}

#[test]
fn whoever_clears_the_world_when_it_comes_out_of_hiding_ends_the_tear_down() {
    let mut world = stage();
    world.add_observer(|_: On<Remove<Disabled>>, mut commands: Commands| {
        commands.queue(|world: &mut World| world.clear_entities());
    });
    let goblin = world.spawn(Health(7)).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn panic_on_the_way_out_of_hiding_goes_on_when_all_are_torn_down() {
    let mut world = stage();
    world.insert_resource(Fuse(true));
    world.add_observer(|_: On<Remove<Disabled>>, mut fuse: ResMut<Fuse>| {
        assert!(!core::mem::take(&mut fuse.0), "shown");
    });
    let goblins = [1, 2].map(|health| world.spawn(Health(health)).id());
    world.qdel_batch(goblins);

    let flushed = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));

    assert!(flushed.is_err());
    for goblin in goblins {
        assert_eq!(world.liveness(goblin), Liveness::Gone);
    }
}

#[test]
fn who_is_left_alive_by_a_panic_is_hidden_again_and_seen_the_next_time() {
    let mut world = stage();
    world.insert_resource(Fuse(true));
    let goblin = world.spawn((Health(7), Fused)).id();
    world.qdel(goblin).unwrap();

    let flushed = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));
    assert!(flushed.is_err());
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
    assert!(is_hidden(&mut world, goblin));
    world.insert_resource(Fuse(false));
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(removals(&world), [7]);
}

#[test]
fn what_waits_at_a_pause_of_the_tear_down_is_hidden() {
    let mut world = stage();
    let settings = QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO));
    world.insert_resource(settings);
    let goblins: Vec<_> = (0..100).map(|_| world.spawn(Health(7)).id()).collect();
    world.qdel_batch(goblins);

    while world.flush_qdel() > 0 {
        assert_eq!(world.query::<&Health>().iter(&world).count(), 0);
    }

    assert_eq!(removals(&world), [7; 100]);
}

// In the middle of a deletion it is hidden on purpose.

#[test]
fn observers_of_the_notice_do_not_find_it_by_ordinary_queries() {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.add_observer(
        |told: On<Qdeleting>,
         living: Query<&Health>,
         all: Query<&Health, Allow<Disabled>>,
         mut order: ResMut<Order>| {
            assert!(living.get(told.entity).is_err());
            assert!(all.get(told.entity).is_ok());
            order.0.push("told");
        },
    );
    let goblin = world.spawn(Health(7)).id();

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Order>().0, ["told"]);
}

type End = fn(&mut World, Entity);

/// The ways by which an entity goes, each until it is gone.
const WAYS: [(&str, End); 10] = [
    ("at the end of the frame", deleted_at_the_end),
    ("at once", deleted_at_once),
    ("in a budget", |world, goblin| {
        let settings = QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO));
        world.insert_resource(settings);
        world.qdel(goblin).unwrap();
        world.flush_qdel();
    }),
    ("by force", |world, goblin| {
        world.force_qdel(goblin).unwrap();
        world.flush_qdel();
    }),
    ("in a batch", |world, goblin| {
        world.qdel_batch([goblin]);
        world.flush_qdel();
    }),
    ("in a batch at once", |world, goblin| {
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        world.qdel_batch([goblin]);
    }),
    ("with a drain", |world, goblin| {
        world.entity_mut(goblin).qdel().unwrap();
        world.drain_qdel();
    }),
    ("by a command", |world, goblin| {
        world.commands().entity(goblin).qdel();
        world.flush();
        world.flush_qdel();
    }),
    ("urgently", |world, goblin| {
        world.init_resource::<Order>();
        world.register_destroy::<Burning>();
        world.entity_mut(goblin).insert(Burning);
        world.qdel(goblin).unwrap();
    }),
    ("with the world", |world, _| {
        world.shutdown_qdel();
    }),
];

fn deleted_at_the_end(world: &mut World, goblin: Entity) {
    world.qdel(goblin).unwrap();
    world.flush_qdel();
}

fn deleted_at_once(world: &mut World, goblin: Entity) {
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world.qdel(goblin).unwrap();
}

#[derive(Component)]
struct Health(u32);

/// Has its entity torn down at once.
#[derive(Component)]
struct Burning;

impl Destroy for Burning {
    type Param = ResMut<'static, Order>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push("destroyed");
        DestroyHint::HardDeleteNow
    }
}

#[derive(Component)]
#[relationship(relationship_target = Owns)]
struct OwnedBy(Entity);

#[derive(Component)]
#[relationship_target(relationship = OwnedBy, linked_spawn)]
struct Owns(Vec<Entity>);

#[derive(Component)]
#[component(on_remove = note_hiding)]
struct Hooked;

#[derive(Component)]
struct Mob;

impl Mob {
    fn hear(&mut self, _: Received<Qdeleting>) {}
}

impl Hooked {
    fn hear(&mut self, _: Received<Qdeleting>) {}
}

/// Has others observed when it is removed.
#[derive(Component)]
#[component(on_remove = observe)]
struct Late;

fn observe(mut world: DeferredWorld, _: HookContext) {
    world.commands().queue(|world: &mut World| {
        world.add_observer(
            |gone: On<Discard<Mob>>, healths: Query<&Health>, seen: ResMut<Seen>| {
                note(seen, "late", healths.get(gone.entity).ok());
            },
        );
    });
}

fn note_hiding(mut world: DeferredWorld, context: HookContext) {
    let is_hidden = world.get::<Disabled>(context.entity).is_some();
    let removed = if is_hidden {
        "removed while hidden"
    } else {
        "removed while seen"
    };
    world.resource_mut::<Order>().0.push(removed);
}

/// Panics when it is discarded, as long as there is a fuse.
#[derive(Component)]
#[component(on_despawn = burn)]
struct Fused;

#[expect(
    clippy::needless_pass_by_value,
    reason = "a hook takes the world by value"
)]
fn burn(world: DeferredWorld, _: HookContext) {
    assert!(!world.resource::<Fuse>().0, "fused");
}

#[derive(Resource)]
struct Fuse(bool);

/// What observers found by ordinary queries.
#[derive(Resource, Default)]
struct Seen(Vec<(&'static str, u32)>);

fn note(mut seen: ResMut<Seen>, by: &'static str, health: Option<&Health>) {
    seen.0.extend(health.map(|health| (by, health.0)));
}

/// Returns what the observers of `Remove` found, in order.
fn removals(world: &World) -> Vec<u32> {
    let seen = world.resource::<Seen>().0.iter();
    seen.filter(|(by, _)| *by == "Remove<Health>")
        .map(|(_, health)| *health)
        .collect()
}

fn is_hidden(world: &mut World, entity: Entity) -> bool {
    world.query::<()>().get(world, entity).is_err()
}

/// A world with observers of all kinds.
fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.add_observer(
        |gone: On<Despawn<()>>, healths: Query<&Health>, seen: ResMut<Seen>| {
            note(seen, "Despawn", healths.get(gone.entity).ok());
        },
    );
    world.add_observer(
        |gone: On<Despawn<Health>>, healths: Query<&Health>, seen: ResMut<Seen>| {
            note(seen, "Despawn<Health>", healths.get(gone.entity).ok());
        },
    );
    world.add_observer(
        |gone: On<Discard<Health>>, healths: Query<&Health>, seen: ResMut<Seen>| {
            note(seen, "Discard<Health>", healths.get(gone.entity).ok());
        },
    );
    world.add_observer(
        |gone: On<Remove<Health>>, healths: Query<&Health>, seen: ResMut<Seen>| {
            note(seen, "Remove<Health>", healths.get(gone.entity).ok());
        },
    );
    world
}
