//! S15: Bevy's observers.

use super::*;
use qdel::QdelCause;

use crate::stage::Order;

/// Makes a world with observers of the notice, global and on a target, and one handler.
fn observed() -> (World, Entity) {
    let mut world = World::new();
    world.init_resource::<Order>();
    let target = world.spawn_empty().id();
    let listener = Listener {
        ledger: Ledger::default(),
        script: Vec::new(),
    };
    let listener = world.spawn(listener).id();
    let note = |mut world: DeferredWorld, _: Received<Qdeleting, Listener>| {
        world.resource_mut::<Order>().0.push("handler");
    };
    world.register_signal(listener, target, note).unwrap();
    world.add_observer(move |gone: On<Qdeleting>, mut order: ResMut<Order>| {
        order.0.push(if gone.entity == target {
            "global observer"
        } else {
            "global observer, for another"
        });
    });
    world
        .entity_mut(target)
        .observe(|_: On<Qdeleting>, mut order: ResMut<Order>| order.0.push("own observer"));
    (world, target)
}

/// S15.
#[test]
fn observers_run_after_the_handlers_of_a_qdel() {
    let (mut world, target) = observed();

    world.qdel(target).unwrap();
    world.flush_qdel();

    assert_eq!(
        world.resource::<Order>().0,
        ["handler", "global observer", "own observer"]
    );
}

/// S15: there are Bevy's own events for that.
#[test]
fn observers_do_not_run_for_a_plain_despawn() {
    let (mut world, target) = observed();

    world.despawn(target);

    assert_eq!(world.resource::<Order>().0, ["handler"]);
}

/// S15.
#[test]
fn observers_run_also_where_nobody_listens() {
    let (mut world, _) = observed();
    let lonely = world.spawn_empty().id();

    world.qdel(lonely).unwrap();

    assert_eq!(
        world.resource::<Order>().0,
        ["global observer, for another"]
    );
}

/// S15: the target can still be read.
#[test]
fn observers_see_the_whole_target_and_the_notice() {
    #[derive(Component)]
    struct Name(&'static str);
    let mut world = World::new();
    world.init_resource::<Order>();
    let owner = world.spawn(Name("owner")).id();
    let owned = world.spawn((Name("owned"), ChildOf(owner))).id();
    world.add_observer(
        move |gone: On<Qdeleting>, world: DeferredWorld, mut commands: Commands| {
            assert!(gone.force);
            let expected = if gone.entity == owned {
                QdelCause::Owner(owner)
            } else {
                QdelCause::Qdel
            };
            assert_eq!(gone.cause, expected);
            let name = world.get::<Name>(gone.entity).unwrap().0;
            commands.queue(move |world: &mut World| world.resource_mut::<Order>().0.push(name));
        },
    );

    world.force_qdel(owner).unwrap();

    assert_eq!(world.resource::<Order>().0, ["owner", "owned"]);
}

fn hit_world() -> (World, Entity) {
    let mut world = World::new();
    world.init_resource::<Order>();
    let target = world.spawn_empty().id();
    let listener = Listener {
        ledger: Ledger::default(),
        script: Vec::new(),
    };
    let listener = world.spawn(listener).id();
    let note = |mut world: DeferredWorld, hit: Received<Hit, Listener>| {
        world.resource_mut::<Order>().0.push("handler");
        world
            .commands()
            .queue(|world: &mut World| world.resource_mut::<Order>().0.push("command"));
        u64::from(hit.damage)
    };
    world.register_signal(listener, target, note).unwrap();
    world.add_observer(|hit: On<Hit>, mut order: ResMut<Order>| {
        assert_eq!(hit.damage, 2);
        order.0.push("global observer");
    });
    world
        .entity_mut(target)
        .observe(|_: On<Hit>, mut order: ResMut<Order>| order.0.push("own observer"));
    (world, target)
}

/// S15.
#[test]
fn observers_of_a_user_signal_run_after_its_handlers() {
    let (mut world, target) = hit_world();
    let hit = Hit {
        entity: target,
        damage: 2,
    };

    let answer = world.send_signal(target, hit);

    assert_eq!(answer, 2);
    let mut order = world.resource::<Order>().0.clone();
    // When the command of a handler is applied is not said, but it is before sending returns.
    assert!(order.contains(&"command"));
    order.retain(|said| *said != "command");
    assert_eq!(order, ["handler", "global observer", "own observer"]);
}

/// S15: a deferred world cannot run observers at once.
#[test]
fn observers_of_a_user_signal_wait_where_the_sender_is_deferred() {
    let (mut world, target) = hit_world();
    let hit = Hit {
        entity: target,
        damage: 2,
    };

    DeferredWorld::from(&mut world).send_signal(target, hit);
    let at_once = world.resource::<Order>().0.clone();
    world.flush();

    assert_eq!(at_once, ["handler"]);
    let mut later = world.resource::<Order>().0.clone();
    later.retain(|said| *said != "command");
    assert_eq!(later, ["handler", "global observer", "own observer"]);
}

/// S9 and S15: an observer may be global, so such a signal is always built.
#[test]
fn observed_signal_is_built_also_where_nobody_listens() {
    let (mut world, _) = hit_world();
    let lonely = world.spawn_empty().id();

    world.send_signal_with(lonely, || Hit {
        entity: lonely,
        damage: 2,
    });

    assert_eq!(world.resource::<Order>().0, ["global observer"]);
}

/// S15: an observer may do anything, also delete who is next.
#[test]
fn observer_deletes_another_entity_of_the_tree() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Qdel);
    let owned = crowd.world.spawn(ChildOf(crowd.target)).id();
    let friend = crowd.spawn();
    register::<Qdeleting>(&mut crowd.world, friend, owned, Shape::Fields).unwrap();
    let target = crowd.target;
    crowd
        .world
        .add_observer(move |gone: On<Qdeleting>, mut commands: Commands| {
            if gone.entity == target {
                commands.entity(owned).despawn();
            }
        });

    let called = crowd.call();
    crowd.world.flush_qdel();

    assert_eq!(called, [friend]);
    assert_eq!(crowd.world.liveness(target), Liveness::Gone);
}
