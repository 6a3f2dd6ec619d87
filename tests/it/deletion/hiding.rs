//! Who sees an entity while it is being deleted: by the setting, and whatever takes it out of
//! hiding.
//!
//! Rule Q7 of the design.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{entity_disabling::Disabled, prelude::*, query::Allow};
use qdel::{AllowDeleting, Deleting, Hiding, OnlyDeleting, prelude::*};

use crate::stage::{Immortal, Says, spawn_many};

// Filters with names of their own.

#[test]
fn filter_for_the_living_and_the_dying_leaves_out_who_is_disabled_for_another_reason() {
    for hiding in BOTH {
        let mut world = stage(hiding);
        let [goblin, orc] = spawn_many(&mut world);
        let ghost = world.spawn(Disabled).id();
        let dying_ghost = world.spawn(Disabled).id();

        world.qdel(goblin).unwrap();
        world.qdel(dying_ghost).unwrap();

        let mut both = world.query_filtered::<(), AllowDeleting>();
        assert!(both.get(&world, goblin).is_ok(), "{hiding:?}");
        assert!(both.get(&world, orc).is_ok(), "{hiding:?}");
        assert!(both.get(&world, dying_ghost).is_ok(), "{hiding:?}");
        assert!(both.get(&world, ghost).is_err(), "{hiding:?}");
    }
}

#[test]
fn filter_for_the_dying_sees_nobody_else() {
    for hiding in BOTH {
        let mut world = stage(hiding);
        let [goblin, orc] = spawn_many(&mut world);
        let ghost = world.spawn(Disabled).id();

        world.qdel(goblin).unwrap();

        let mut dying = world.query_filtered::<(), OnlyDeleting>();
        assert!(dying.get(&world, goblin).is_ok(), "{hiding:?}");
        assert!(dying.get(&world, orc).is_err(), "{hiding:?}");
        assert!(dying.get(&world, ghost).is_err(), "{hiding:?}");
    }
}

// Left visible.

#[test]
fn what_is_left_visible_is_seen_until_its_tear_down_and_has_the_mark() {
    for end in VERBS {
        let mut world = stage(Hiding::LeaveVisible);
        let [goblin] = spawn_many(&mut world);

        end(&mut world, goblin);

        assert!(is_seen(&mut world, goblin));
        assert_eq!(world.liveness(goblin), Liveness::Deleting);
        let mut living = world.query_filtered::<(), Without<Deleting>>();
        assert!(living.get(&world, goblin).is_err());
        world.flush_qdel();
        assert_eq!(world.liveness(goblin), Liveness::Gone);
    }
}

#[test]
fn handlers_and_destroyers_see_what_is_left_visible() {
    for (hiding, seen) in [(Hiding::Hide, false), (Hiding::LeaveVisible, true)] {
        let mut world = stage(hiding);
        world.init_resource::<Order>();
        world.register_destroy::<Socket>();
        world.add_observer(
            |told: On<Qdeleting>, living: Query<()>, mut order: ResMut<Order>| {
                order.0.push(("told", living.contains(told.entity)));
            },
        );
        let goblin = world.spawn(Socket).id();

        world.qdel(goblin).unwrap();

        assert_eq!(
            world.resource::<Order>().0,
            [("told", seen), ("destroyed", seen)]
        );
    }
}

#[test]
fn nobody_hears_of_hiding_where_nobody_is_hidden() {
    let mut world = stage(Hiding::LeaveVisible);
    world.init_resource::<Order>();
    world.add_observer(|_: On<Add<Disabled>>, mut order: ResMut<Order>| {
        order.0.push(("hidden", true));
    });
    world.add_observer(|_: On<Remove<Disabled>>, mut order: ResMut<Order>| {
        order.0.push(("shown", true));
    });
    let [goblin, orc, elf] = spawn_many(&mut world);
    world.entity_mut(elf).insert(Immortal);
    world.register_destroy::<Immortal>();

    world.qdel(goblin).unwrap();
    world.qdel_batch([orc, elf]);
    world.flush_qdel();

    assert_eq!(world.resource::<Order>().0, []);
}

#[test]
fn who_lives_on_is_seen_as_before() {
    for hiding in BOTH {
        let mut world = stage(hiding);
        world.register_destroy::<Immortal>();
        let elf = world.spawn(Immortal).id();
        let ghost = world.spawn((Immortal, Disabled)).id();

        assert_eq!(world.qdel(elf), Ok(QdelOutcome::Kept));
        assert_eq!(world.qdel(ghost), Ok(QdelOutcome::Kept));

        assert!(is_seen(&mut world, elf), "{hiding:?}");
        assert!(!is_seen(&mut world, ghost), "{hiding:?}");
    }
}

#[test]
fn what_was_hidden_before_is_not_made_visible() {
    let mut world = stage(Hiding::LeaveVisible);
    let ghost = world.spawn(Disabled).id();

    world.qdel(ghost).unwrap();

    assert!(!is_seen(&mut world, ghost));
}

#[test]
fn nobody_is_left_marked_by_a_tear_down_at_once() {
    let mut world = stage(Hiding::LeaveVisible);
    let settings = QdelSettings::default().with_teardown(Teardown::Immediate);
    world.insert_resource(settings.with_hiding(Hiding::LeaveVisible));
    let [goblin, orc, elf] = spawn_many(&mut world);

    world.qdel(goblin).unwrap();
    world.qdel_batch([orc, elf]);

    for gone in [goblin, orc, elf] {
        assert_eq!(world.liveness(gone), Liveness::Gone);
    }
}

// A setting that is changed.

#[test]
fn what_waits_is_hidden_when_the_setting_says_so() {
    for look in LOOKS {
        let mut world = stage(Hiding::LeaveVisible);
        let goblin = waiting(&mut world);
        assert!(is_seen(&mut world, goblin));

        set_hiding(&mut world, Hiding::Hide);
        look(&mut world);

        assert!(!is_seen(&mut world, goblin));
    }
}

#[test]
fn what_waits_is_seen_when_the_setting_says_so() {
    for look in LOOKS {
        let mut world = stage(Hiding::Hide);
        let goblin = waiting(&mut world);
        let ghost = world
            .spawn((Says(DestroyHint::IWillHandleIt), Disabled))
            .id();
        world.qdel(ghost).unwrap();

        set_hiding(&mut world, Hiding::LeaveVisible);
        look(&mut world);

        assert!(is_seen(&mut world, goblin));
        assert!(!is_seen(&mut world, ghost));
    }
}

#[test]
fn setting_may_change_back_and_forth() {
    let mut world = stage(Hiding::Hide);
    world.register_destroy::<Immortal>();
    for hiding in [Hiding::LeaveVisible, Hiding::Hide, Hiding::LeaveVisible] {
        set_hiding(&mut world, hiding);
        let [goblin] = spawn_many(&mut world);
        let elf = world.spawn(Immortal).id();

        world.qdel(goblin).unwrap();
        assert_eq!(world.qdel(elf), Ok(QdelOutcome::Kept));

        assert_eq!(is_seen(&mut world, goblin), hiding == Hiding::LeaveVisible);
        assert!(is_seen(&mut world, elf));
        world.flush_qdel();
        assert_eq!(world.liveness(goblin), Liveness::Gone);
    }
}

// Hidden while it is being deleted, whatever takes `Disabled` off.

#[test]
fn whoever_takes_it_out_of_hiding_has_it_hidden_again() {
    for look in LOOKS {
        let mut world = stage(Hiding::Hide);
        let goblin = waiting(&mut world);

        world.entity_mut(goblin).remove::<Disabled>();
        assert!(is_seen(&mut world, goblin));
        look(&mut world);

        assert!(!is_seen(&mut world, goblin));
        assert_eq!(world.liveness(goblin), Liveness::Deleting);
    }
}

#[test]
fn it_is_hidden_again_however_often_and_whatever_bevy_forgets() {
    let mut world = stage(Hiding::Hide);
    let goblin = waiting(&mut world);

    for frames in 0..4 {
        world.entity_mut(goblin).remove::<Disabled>();
        for _ in 0..frames {
            world.clear_trackers();
        }
        let [orc] = spawn_many(&mut world);
        world.qdel(orc).unwrap();
        assert!(!is_seen(&mut world, goblin), "{frames}");
        world.flush_qdel();
        assert!(!is_seen(&mut world, goblin), "{frames}");
    }
}

#[test]
fn what_was_hidden_before_and_is_taken_out_of_hiding_is_hidden_again() {
    for look in LOOKS {
        let mut world = stage(Hiding::Hide);
        let ghost = world
            .spawn((Says(DestroyHint::IWillHandleIt), Disabled))
            .id();
        world.qdel(ghost).unwrap();

        world.entity_mut(ghost).remove::<Disabled>();
        look(&mut world);

        assert!(!is_seen(&mut world, ghost));
    }
}

#[test]
fn state_that_enables_all_again_leaves_what_waits_hidden_at_the_next_deletion() {
    let mut world = stage(Hiding::Hide);
    let goblins: Vec<_> = (0..200).map(|_| world.spawn(Health).id()).collect();
    let survivor = world.spawn((Health, Disabled)).id();
    world.qdel_batch(goblins);

    // What `EnableOnEnter` of bevy_state does.
    let disabled: Vec<_> = world
        .query_filtered::<Entity, (With<Health>, With<Disabled>)>()
        .iter(&world)
        .collect();
    for entity in disabled {
        world.entity_mut(entity).remove::<Disabled>();
    }
    assert_eq!(world.query::<&Health>().iter(&world).count(), 201);
    let [orc] = spawn_many(&mut world);
    world.qdel(orc).unwrap();

    assert_eq!(world.query::<&Health>().iter(&world).count(), 1);
    assert!(is_seen(&mut world, survivor));
}

#[test]
fn what_waits_at_a_pause_is_hidden_whoever_enables_it() {
    let mut world = stage(Hiding::Hide);
    let settings = QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO));
    world.insert_resource(settings);
    // An entity that goes enables all others.
    world.add_observer(
        |_: On<Remove<Health>>, all: Query<Entity, Allow<Disabled>>, mut commands: Commands| {
            for entity in &all {
                commands.entity(entity).try_remove::<Disabled>();
            }
        },
    );
    let goblins: Vec<_> = (0..100).map(|_| world.spawn(Health).id()).collect();
    world.qdel_batch(goblins);

    let mut pauses = 0;
    while world.flush_qdel() > 0 {
        pauses += 1;
        assert_eq!(world.query::<&Health>().iter(&world).count(), 0);
    }

    assert_eq!(pauses, 4);
}

#[test]
fn who_lives_on_after_somebody_enabled_it_is_seen() {
    let mut world = stage(Hiding::Hide);
    world.register_destroy::<Immortal>();
    world.add_observer(|told: On<Qdeleting>, mut commands: Commands| {
        commands.entity(told.entity).remove::<Disabled>();
    });
    let elf = world.spawn(Immortal).id();

    assert_eq!(world.qdel(elf), Ok(QdelOutcome::Kept));

    assert!(is_seen(&mut world, elf));
    assert!(world.get::<Disabled>(elf).is_none());
}

#[test]
fn deletion_in_a_tear_down_does_not_hide_who_is_about_to_go() {
    let mut world = stage(Hiding::Hide);
    world.init_resource::<Order>();
    let [orc] = spawn_many(&mut world);
    world.add_observer(move |_: On<Remove<Disabled>>, mut commands: Commands| {
        commands.entity(orc).qdel();
        commands.sync_references();
    });
    world.add_observer(
        |gone: On<Remove<Health>>, living: Query<()>, mut order: ResMut<Order>| {
            order.0.push(("removed", living.contains(gone.entity)));
        },
    );
    let goblin = world.spawn(Health).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Order>().0, [("removed", true)]);
}

#[test]
fn nobody_is_hidden_again_who_is_left_visible() {
    for look in LOOKS {
        let mut world = stage(Hiding::LeaveVisible);
        let goblin = waiting(&mut world);

        look(&mut world);

        assert!(is_seen(&mut world, goblin));
    }
}

#[test]
fn panic_of_whoever_hears_of_the_hiding_leaves_nobody_visible() {
    let mut world = stage(Hiding::Hide);
    let goblins = [waiting(&mut world), waiting(&mut world)];
    world.add_observer(|_: On<Add<Disabled>>| panic!("hidden"));
    for goblin in goblins {
        world.entity_mut(goblin).remove::<Disabled>();
    }

    let synced = catch_unwind(AssertUnwindSafe(|| world.sync_references()));

    assert!(synced.is_err());
    for goblin in goblins {
        assert!(!is_seen(&mut world, goblin));
    }
}

const BOTH: [Hiding; 2] = [Hiding::Hide, Hiding::LeaveVisible];

/// What marks an entity.
const VERBS: [fn(&mut World, Entity); 5] = [
    |world, entity| _ = world.qdel(entity).unwrap(),
    |world, entity| _ = world.force_qdel(entity).unwrap(),
    |world, entity| _ = world.qdel_batch([entity]),
    |world, entity| {
        world.commands().entity(entity).qdel();
        world.flush();
    },
    |world, entity| {
        // It has a listener.
        let listener = world.spawn(Listener).id();
        world
            .register_signal(listener, entity, Listener::hear)
            .unwrap();
        world.qdel(entity).unwrap();
    },
];

/// What hides the waiting entities again.
const LOOKS: [fn(&mut World); 9] = [
    |world| {
        let [orc] = spawn_many(world);
        world.qdel(orc).unwrap();
    },
    |world| {
        // It is refused.
        let [orc] = spawn_many(world);
        world.despawn(orc);
        world.qdel(orc).unwrap_err();
        world.qdel_batch([orc]);
        // But the setting holds from the next that is not.
        let [orc] = spawn_many(world);
        world.qdel(orc).unwrap();
    },
    |world| {
        let [orc, elf] = spawn_many(world);
        world.qdel_batch([orc, elf]);
    },
    |world| {
        let [orc] = spawn_many(world);
        world.commands().entity(orc).qdel();
        world.flush();
    },
    |world| {
        let settings = *world.resource::<QdelSettings>();
        world.insert_resource(settings.with_teardown(Teardown::Immediate));
        let [orc] = spawn_many(world);
        world.qdel(orc).unwrap();
        world.insert_resource(settings);
    },
    |world| {
        let settings = *world.resource::<QdelSettings>();
        world.insert_resource(settings.with_teardown(Teardown::Immediate));
        let [orc, elf] = spawn_many(world);
        world.qdel_batch([orc, elf]);
        world.insert_resource(settings);
    },
    |world| world.sync_references(),
    |world| _ = world.flush_qdel(),
    |world| _ = world.drain_qdel(),
];

#[derive(Component)]
struct Health;

#[derive(Component)]
struct Listener;

impl Listener {
    fn hear(&mut self, _: Received<Qdeleting>) {}
}

#[derive(Component)]
struct Socket;

impl Destroy for Socket {
    type Param = (Query<'static, 'static, Entity>, ResMut<'static, Order>);

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        let is_seen = going.param.0.contains(going.entity);
        going.param.1.0.push(("destroyed", is_seen));
        DestroyHint::Queue
    }
}

#[derive(Resource, Default)]
struct Order(Vec<(&'static str, bool)>);

fn stage(hiding: Hiding) -> World {
    let mut world = World::new();
    set_hiding(&mut world, hiding);
    world.register_destroy::<Says>();
    world
}

fn set_hiding(world: &mut World, hiding: Hiding) {
    world.insert_resource(QdelSettings::default().with_hiding(hiding));
}

/// Returns an entity that is being deleted, and is not torn down by a flush.
fn waiting(world: &mut World) -> Entity {
    let entity = world.spawn(Says(DestroyHint::IWillHandleIt)).id();
    world.qdel(entity).unwrap();
    entity
}

fn is_seen(world: &mut World, entity: Entity) -> bool {
    world.query::<()>().get(world, entity).is_ok()
}
