//! S10: `retarget_signal`.

use super::*;

/// S10 and S6.
#[test]
fn retargeting_moves_a_registration_to_the_end_of_another_list() {
    let mut world = World::new();
    let [from, to] = spawn_targets(&mut world);
    let [first, second] = [(); 2].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(first, from, Mob::shouts).unwrap();
    world.register_signal(second, to, Mob::says).unwrap();

    let moved = world.retarget_signal::<Mob, Ping>(first, from, to);

    assert_eq!(moved, Ok(Registered::Now));
    assert_eq!(listeners_on(&world, from), []);
    assert_eq!(listeners_on(&world, to), [second, first]);
    assert_eq!(world.send_signal(to, Ping), ["mob", "MOB"]);
    assert_eq!(world.send_signal(from, Ping), [""; 0]);
}

/// S10: on a target that had no listeners before, from each kind of world.
#[test]
fn everybody_retargets() {
    let ways: [WayToMove; 4] = [
        ("world", |world, mob, from, to| {
            let moved = world.retarget_signal::<Mob, Qdeleting>(mob, from, to);
            assert_eq!(moved, Ok(Registered::Now));
        }),
        ("entity", |world, mob, from, to| {
            let mut mob = world.entity_mut(mob);
            let moved = mob.retarget_signal::<Mob, Qdeleting>(from, to);
            assert_eq!(moved, Ok(Registered::Now));
        }),
        ("deferred world", |world, mob, from, to| {
            let mut deferred = DeferredWorld::from(&mut *world);
            let moved = deferred.retarget_signal::<Mob, Qdeleting>(mob, from, to);
            assert_eq!(moved, Ok(Registered::Queued));
            assert_eq!(listeners_on(world, to), [mob]);
            world.flush();
        }),
        ("command", |world, mob, from, to| {
            let mut commands = world.commands();
            commands
                .entity(mob)
                .retarget_signal::<Mob, Qdeleting>(from, to);
            world.flush();
        }),
    ];
    for (way, retarget) in ways {
        let mut world = World::new();
        let [from, to] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::of(to)).id();
        world.register_signal(mob, from, Mob::clear).unwrap();

        retarget(&mut world, mob, from, to);

        assert_eq!(listeners_on(&world, from), [], "{way}");
        assert_eq!(listeners_on(&world, to), [mob], "{way}");
        world.despawn(from);
        world.despawn(to);
        assert_eq!(world.get::<Mob>(mob).unwrap().lost, [to], "{way}");
    }
}

/// S10 and S3.
#[test]
fn retargeting_keeps_how_often_a_handler_is_called() {
    let mut world = World::new();
    let [from, to] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    world.register_signal_once(mob, from, Mob::says).unwrap();

    world.retarget_signal::<Mob, Ping>(mob, from, to).unwrap();

    assert_eq!(world.send_signal(to, Ping), ["mob"]);
    assert_eq!(world.send_signal(to, Ping), [""; 0]);
}

/// S10 and S4: and nothing has changed.
#[test]
fn retargeting_is_refused_with_a_reason_and_changes_nothing() {
    let mut world = World::new();
    let [from, taken, gone, going, nowhere] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    let other = world.spawn(Mob::default()).id();
    for target in [from, taken, going] {
        world.register_signal(mob, target, Mob::says).unwrap();
        world.register_signal(other, target, Mob::says).unwrap();
    }
    world.despawn(gone);
    world.unregister_signal::<Mob, Ping>(mob, going).unwrap();
    world.qdel(going).unwrap();
    let before = world.registrations_of(mob);

    let mut retarget = |from, to| {
        let refused = world.retarget_signal::<Mob, Ping>(mob, from, to);
        let deferred = DeferredWorld::from(&mut world).retarget_signal::<Mob, Ping>(mob, from, to);
        assert_eq!(refused, deferred);
        refused.unwrap_err()
    };

    use RegisterError::{AlreadyRegistered, TargetDeleting, TargetNotSpawned};
    assert!(matches!(
        retarget(nowhere, from),
        RetargetError::NotRegistered { registration, to } if registration.target == nowhere && to == from
    ));
    for (to, is_expected) in [
        (
            taken,
            (|error| matches!(error, AlreadyRegistered(_))) as fn(RegisterError) -> bool,
        ),
        (from, |error| matches!(error, AlreadyRegistered(_))),
        (gone, |error| matches!(error, TargetNotSpawned(_))),
        (going, |error| matches!(error, TargetDeleting(_))),
    ] {
        let RetargetError::Refused(error) = retarget(from, to) else {
            panic!("{to}");
        };
        assert!(is_expected(error), "{error}");
    }
    assert_eq!(world.registrations_of(mob), before);
    assert_eq!(listeners_on(&world, from), [mob, other]);
}

/// S10 and S12: a listener that comes too late hears it, and of no other target.
#[test]
fn retargeting_by_command_to_a_target_that_is_gone_tells_at_once() {
    for is_gone in [false, true] {
        let mut world = World::new();
        let [from, to] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::of(to)).id();
        world.register_signal(mob, from, Mob::clear).unwrap();
        if is_gone {
            world.despawn(to);
        } else {
            world.qdel(to).unwrap();
        }

        world
            .commands()
            .entity(mob)
            .retarget_signal::<Mob, Qdeleting>(from, to);
        world.flush();

        assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
        assert_eq!(listeners_on(&world, from), []);
        world.despawn(from);
        assert_eq!(world.get::<Mob>(mob).unwrap().lost, [to]);
    }
}

/// S10: an insert hook that knows the value before moves the registration with the aim.
#[test]
fn handler_retargets_in_a_dispatch() {
    fn flee(mut world: DeferredWorld, ping: Received<Ping, Mob>) -> Vec<&'static str> {
        let to = world.get::<Mob>(ping.listener()).unwrap().target.unwrap();
        world
            .retarget_signal::<Mob, Ping>(ping.listener(), ping.target(), to)
            .unwrap();
        vec!["flees"]
    }

    let mut world = World::new();
    let [from, to] = spawn_targets(&mut world);
    let mobs = [(); 3].map(|()| world.spawn(Mob::of(to)).id());
    for mob in mobs {
        world.register_signal(mob, from, flee).unwrap();
    }

    let said = world.send_signal(from, Ping);

    assert_eq!(said, ["flees"; 3]);
    assert_eq!(listeners_on(&world, from), []);
    assert_eq!(listeners_on(&world, to), mobs);
}

// The stage.

/// How a listener moves its registration from one target to another.
type WayToMove = (&'static str, fn(&mut World, Entity, Entity, Entity));
