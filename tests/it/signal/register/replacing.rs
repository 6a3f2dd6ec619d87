//! S3: replace and once.

use super::*;

/// S3.
#[test]
fn replacing_keeps_the_place_in_the_order() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let soldiers: Vec<_> = (0..3)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    for soldier in &soldiers {
        world
            .register_signal(*soldier, target, archer_says)
            .unwrap();
    }

    for (index, soldier) in soldiers.iter().enumerate() {
        let replaced = world.replace_signal(*soldier, target, archer_shouts);

        assert_eq!(replaced, Ok(Registered::Replaced));
        let mut expected = ["ARCHER"; 3];
        expected[index + 1..].fill("archer");
        assert_eq!(world.send_signal(target, Ping), expected);
    }
    assert_eq!(listeners_on(&world, target), soldiers);
}

/// S3.
#[test]
fn replacing_nothing_registers_at_the_end() {
    let (mut world, target, archer) = pair();
    let latecomer = world.spawn(Archer::default()).id();
    world.register_signal(archer, target, archer_says).unwrap();

    let replaced = world.replace_signal(latecomer, target, archer_shouts);

    assert_eq!(replaced, Ok(Registered::Now));
    assert_eq!(world.send_signal(target, Ping), ["archer", "ARCHER"]);
    assert_eq!(registrations(&world, &[target, archer, latecomer]).len(), 2);
}

/// S3.
#[test]
fn replacing_by_the_other_shape_and_back_works() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();

    let to_world = world.replace_signal(archer, target, archer_of_the_world);
    let said_by_world = world.send_signal(target, Ping);
    let back = world.replace_signal(archer, target, archer_says);
    let said_by_fields = world.send_signal(target, Ping);

    assert_eq!(
        (to_world, back),
        (Ok(Registered::Replaced), Ok(Registered::Replaced))
    );
    assert_eq!(said_by_world, ["archer of the world"]);
    assert_eq!(said_by_fields, ["archer"]);
}

/// S3.
#[test]
fn replacing_by_the_same_handler_changes_nothing() {
    let mut scene = Scene::new(Watch::Hook);
    let before = scene.registrations();

    let (listener, target) = (scene.listener, scene.target);
    let replaced = scene.world.replace_signal(listener, target, archer_says);

    assert_eq!(replaced, Ok(Registered::Replaced));
    assert_eq!(scene.registrations(), before);
}

/// S3.
#[test]
fn replacing_a_registration_for_one_call_keeps_it_for_one_call() {
    let (mut world, target, archer) = pair();
    world
        .register_signal_once(archer, target, archer_says)
        .unwrap();

    let replaced = world.replace_signal(archer, target, archer_shouts);

    assert_eq!(replaced, Ok(Registered::Replaced));
    assert_eq!(world.send_signal(target, Ping), ["ARCHER"]);
    assert_eq!(world.send_signal(target, Ping), [""; 0]);
}

/// S3.
#[test]
fn registration_for_one_call_is_called_once() {
    let (mut world, target, archer) = pair();
    let soldier = world.spawn(Archer::default()).id();
    world
        .register_signal_once(archer, target, archer_says)
        .unwrap();
    world
        .register_signal_once(soldier, target, archer_of_the_world)
        .unwrap();

    let first = world.send_signal(target, Ping);
    let second = world.send_signal(target, Ping);

    assert_eq!(first, ["archer", "archer of the world"]);
    assert_eq!(second, [""; 0]);
    assert_eq!(registrations(&world, &[target, archer, soldier]), []);
}

/// S3.
#[test]
fn registration_for_one_call_is_over_inside_its_handler() {
    let (mut world, target, archer) = pair();
    let look = |world: DeferredWorld, ping: Received<Ping, Archer>| {
        let is_heard = world.has_listeners::<Ping>(ping.target());
        let on = world.registrations_on(ping.target()).len();
        let of = world.registrations_of(ping.listener()).len();
        assert_eq!((is_heard, on, of), (false, 0, 0));
        assert_eq!(world.check_registrations(), Ok(()));
        vec!["looked"]
    };
    world.register_signal_once(archer, target, look).unwrap();

    let answer = world.send_signal(target, Ping);

    assert_eq!(answer, ["looked"]);
}

/// S3.
#[test]
fn handler_called_once_can_register_anew() {
    fn again(mut world: DeferredWorld, ping: Received<Ping, Archer>) -> Vec<&'static str> {
        let registered = world.register_signal_once(ping.listener(), ping.target(), again);
        assert_eq!(registered, Ok(Registered::Now));
        vec!["again"]
    }
    let (mut world, target, archer) = pair();
    world.register_signal_once(archer, target, again).unwrap();

    let answers: Vec<_> = (0..100).map(|_| world.send_signal(target, Ping)).collect();

    assert_eq!(answers, vec![["again"]; 100]);
    assert_eq!(registrations(&world, &[target, archer]).len(), 1);
}
