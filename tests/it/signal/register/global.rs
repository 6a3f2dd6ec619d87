//! S13: global signals.
//! S14: asking.

use super::*;
use qdel::Question;

// S13: global signals.

/// S13.
#[test]
fn global_signal_reaches_its_listeners_in_order() {
    let mut world = World::new();
    let guard = world.spawn(Guard::default()).id();
    let archer = world.spawn(Archer::default()).id();

    world
        .register_global_signal(guard, guard_answers_pong)
        .unwrap();
    world
        .register_global_signal(archer, archer_answers_pong)
        .unwrap();

    assert_eq!(
        world.send_global_signal(Pong),
        ["guard: pong", "archer: pong"]
    );
    assert_eq!(world.send_global_signal(Ping), [""; 0]);
}

/// S13.
#[test]
fn global_signal_without_any_books_is_heard_by_nobody() {
    let mut world = World::new();

    let said = world.send_global_signal(Ping);
    let ended = world.unregister_global_signal::<Archer, Ping>(Entity::PLACEHOLDER);

    assert_eq!(said, [""; 0]);
    assert!(ended.is_err());
}

/// S13.
#[test]
fn second_global_registration_is_refused() {
    let (mut world, _, archer) = pair();
    world
        .register_global_signal(archer, archer_answers_pong)
        .unwrap();

    let second = world.register_global_signal(archer, archer_answers_pong);

    assert!(matches!(second, Err(RegisterError::AlreadyRegistered(_))));
}

/// S13.
#[test]
fn global_registration_is_refused_for_bad_listeners() {
    let (mut world, _, archer) = pair();
    let guard = world.spawn(Guard::default()).id();
    let gone = world.spawn(Archer::default()).id();
    world.despawn(gone);
    world.qdel(archer).unwrap();

    let refused = [archer, guard, gone]
        .map(|listener| world.register_global_signal(listener, archer_answers_pong));

    assert!(
        matches!(
            refused,
            [
                Err(RegisterError::ListenerDeleting(_)),
                Err(RegisterError::MissingComponent(_)),
                Err(RegisterError::ListenerNotSpawned(_)),
            ]
        ),
        "{refused:?}"
    );
}

/// S13.
#[test]
fn global_registration_is_unregistered() {
    let (mut world, _, archer) = pair();
    world
        .register_global_signal(archer, archer_answers_pong)
        .unwrap();

    let ended = world.unregister_global_signal::<Archer, Pong>(archer);

    assert_eq!(ended, Ok(()));
    assert_eq!(world.send_global_signal(Pong), [""; 0]);
    assert_eq!(world.registrations_of(archer), []);
}

/// S13 and S10.
#[test]
fn global_registration_ends_with_its_listener() {
    for end in [
        |world: &mut World, archer: Entity| {
            world.despawn(archer);
        },
        |world: &mut World, archer: Entity| {
            world.entity_mut(archer).remove::<Archer>();
        },
    ] {
        let (mut world, _, archer) = pair();
        let other = world.spawn(Archer::default()).id();
        for listener in [archer, other] {
            world
                .register_global_signal(listener, archer_answers_pong)
                .unwrap();
        }

        end(&mut world, archer);

        assert_eq!(world.send_global_signal(Pong), ["archer: pong"]);
        assert_eq!(world.registrations_of(archer), []);
        assert_eq!(world.registrations_of(other).len(), 1);
        assert_eq!(world.check_registrations(), Ok(()));
    }
}

/// S13: a global registration and one on an entity have different targets.
#[test]
fn global_registration_is_apart_from_those_on_entities() {
    let (mut world, target, archer) = pair();
    world
        .register_signal(archer, target, archer_answers_pong)
        .unwrap();

    let global = world.register_global_signal(archer, archer_answers_pong);

    assert_eq!(global, Ok(Registered::Now));
    assert_eq!(world.send_global_signal(Pong), ["archer: pong"]);
    assert_eq!(world.send_signal(target, Pong), ["archer: pong"]);
    assert_eq!(world.registrations_of(archer).len(), 2);
}

/// S13: the target of global signals is immortal.
#[test]
fn target_of_global_signals_is_not_deleted() {
    let (mut world, _, archer) = pair();
    world
        .register_global_signal(archer, archer_answers_pong)
        .unwrap();
    let immortal = world.registrations_of(archer)[0].target;

    let refused = world.qdel(immortal);

    assert!(matches!(refused, Err(QdelError::Resource { .. })));
    assert_eq!(world.send_global_signal(Pong), ["archer: pong"]);
}

// S14: asking.

/// S14.
#[test]
fn nobody_listens_in_a_fresh_world() {
    let mut world = World::new();
    let entity = world.spawn_empty().id();

    assert!(!world.has_listeners::<Ping>(entity));
    assert!(!world.has_listeners::<Qdeleting>(Entity::PLACEHOLDER));
    assert_eq!(registrations(&world, &[entity, Entity::PLACEHOLDER]), []);
    assert_eq!(world.signal_footprint(), Footprint::default());
}

/// S14.
#[test]
fn has_listeners_tells_signals_apart() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();

    assert!(world.has_listeners::<Ping>(target));
    assert!(!world.has_listeners::<Pong>(target));
    assert!(!world.has_listeners::<Qdeleting>(target));
    assert!(!world.has_listeners::<Ping>(archer));
}

/// S14.
#[test]
fn registrations_are_mirror_images_in_every_step() {
    let mut scene = Scene::new(Watch::Observer);
    let mut count = scene.registrations().len();

    for target in [scene.target, scene.other] {
        for listener in [scene.listener, scene.bystander] {
            let world = &mut scene.world;
            world
                .unregister_signal::<Guard, Ping>(listener, target)
                .unwrap();
            count -= 1;
            assert_eq!(scene.registrations().len(), count);
            let world = &mut scene.world;
            world
                .unregister_signal::<Archer, Qdeleting>(listener, target)
                .unwrap();
            count -= 1;
            assert_eq!(scene.registrations().len(), count);
            let world = &mut scene.world;
            world
                .unregister_signal::<Archer, Ping>(listener, target)
                .unwrap();
            world
                .unregister_signal::<Archer, Pong>(listener, target)
                .unwrap();
            count -= 2;
            assert_eq!(scene.registrations().len(), count);
        }
    }
    assert_eq!(count, 0);
    assert_eq!(scene.world.signal_footprint().crowded_listeners, 0);
    assert_eq!(scene.world.signal_footprint().places, 0);
}

/// S14: a type may be a signal and a question; each has its own listeners.
#[test]
fn type_that_is_a_signal_and_a_question_is_both() {
    struct Knock;
    impl Signal for Knock {
        type Answer = Vec<&'static str>;
    }
    impl Question for Knock {
        type Answer = Vec<&'static str>;
    }
    let (mut world, door, archer) = pair();
    let guard = world.spawn(Guard::default()).id();
    let asked = |_: &Archer, _: Received<Knock>| vec!["asked"];
    let told = |_: &mut Guard, _: Received<Knock>| vec!["told"];

    // One of the two may be refused, but whatever is accepted must work.
    let as_question = world.register_signal(archer, door, asked).is_ok();
    let as_signal = world.register_signal(guard, door, told).is_ok();

    if as_question {
        assert_eq!(world.ask_signal(door, &Knock), ["asked"]);
    }
    if as_signal {
        assert_eq!(world.send_signal(door, Knock), ["told"]);
    }
}

/// S14: in a world without listeners of the notice.
#[test]
fn has_listeners_is_over_with_the_notice() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, Archer::note).unwrap();

    world.qdel(target).unwrap();

    assert!(!world.has_listeners::<Qdeleting>(target));
    assert_eq!(registrations(&world, &[target, archer]), []);
}

/// S10: code that despawns a whole level may sweep away the observer that watches a component.
#[test]
fn registrations_end_with_their_component_also_after_a_sweep() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();
    world.despawn_all::<Without<IsResource>>();
    let [target, archer] = [
        world.spawn_empty().id(),
        world.spawn(Archer::default()).id(),
    ];
    world.register_signal(archer, target, archer_says).unwrap();

    world.entity_mut(archer).remove::<Archer>();

    assert_eq!(registrations(&world, &[target, archer]), []);
    world.entity_mut(archer).insert(Archer::default());
    assert_eq!(
        world.register_signal(archer, target, archer_says),
        Ok(Registered::Now)
    );
}

// The stage.

fn guard_answers_pong(_: &mut Guard, _: Received<Pong>) -> Vec<&'static str> {
    vec!["guard: pong"]
}
