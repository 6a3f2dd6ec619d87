//! S1: the key of a registration.
//! S2: one registration per key.

use super::*;

// S1: the key of a registration.

/// S1.
#[test]
fn two_components_of_one_entity_listen_on_one_target() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let soldier = world.spawn((Archer::default(), Guard::default())).id();

    let archer = world.register_signal(soldier, target, archer_says);
    let guard = world.register_signal(soldier, target, guard_says);

    assert_eq!((archer, guard), (Ok(Registered::Now), Ok(Registered::Now)));
    assert_eq!(world.send_signal(target, Ping), ["archer", "guard"]);
}

/// S1.
#[test]
fn one_component_listens_for_two_signals_on_one_target() {
    let (mut world, target, archer) = pair();

    world.register_signal(archer, target, archer_says).unwrap();
    let second = world.register_signal(archer, target, archer_answers_pong);

    assert_eq!(second, Ok(Registered::Now));
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
    assert_eq!(world.send_signal(target, Pong), ["archer: pong"]);
}

/// S1.
#[test]
fn one_component_listens_on_two_targets() {
    let (mut world, target, archer) = pair();
    let second_target = world.spawn_empty().id();

    world.register_signal(archer, target, archer_says).unwrap();
    let second = world.register_signal(archer, second_target, archer_says);

    assert_eq!(second, Ok(Registered::Now));
    assert_eq!(world.send_signal(second_target, Ping), ["archer"]);
    assert_eq!(world.registrations_of(archer).len(), 2);
}

/// S1.
#[test]
fn unregistering_one_component_leaves_the_other() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let soldier = world.spawn((Archer::default(), Guard::default())).id();
    world.register_signal(soldier, target, archer_says).unwrap();
    world.register_signal(soldier, target, guard_says).unwrap();

    world
        .unregister_signal::<Archer, Ping>(soldier, target)
        .unwrap();

    assert_eq!(world.send_signal(target, Ping), ["guard"]);
    assert_eq!(registrations(&world, &[target, soldier]).len(), 1);
}

/// S1.
#[test]
fn an_entity_listens_to_itself() {
    let mut world = World::new();
    let hermit = world.spawn(Archer::default()).id();

    let registered = world.register_signal(hermit, hermit, archer_says);

    assert_eq!(registered, Ok(Registered::Now));
    assert_eq!(world.send_signal(hermit, Ping), ["archer"]);
    assert_eq!(registrations(&world, &[hermit]).len(), 1);
}

/// S10: both ends go at once.
#[test]
fn an_entity_that_listens_to_itself_is_told_of_its_own_despawn() {
    let mut world = World::new();
    world.init_resource::<Order>();
    let hermit = world.spawn(Archer::default()).id();
    let note = |mut world: DeferredWorld, gone: Received<Qdeleting, Archer>| {
        assert_eq!(gone.listener(), gone.target());
        assert!(world.get::<Archer>(gone.listener()).is_some());
        world.resource_mut::<Order>().0.push("told");
    };
    world.register_signal(hermit, hermit, note).unwrap();

    world.despawn(hermit);

    assert_eq!(world.resource::<Order>().0, ["told"]);
    assert_eq!(registrations(&world, &[hermit]), []);
}

// S2: one registration per key.

/// S2.
#[test]
fn second_registration_for_same_target_is_refused() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();

    let second = world.register_signal(archer, target, archer_says);

    let expected = Registration {
        listener: archer,
        component: core::any::type_name::<Archer>(),
        target,
        signal: core::any::type_name::<Ping>(),
    };
    assert_eq!(second, Err(RegisterError::AlreadyRegistered(expected)));
}

/// S2.
#[test]
fn first_handler_stays_when_a_second_is_refused() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();

    let refused = [
        world.register_signal(archer, target, archer_shouts),
        world.register_signal(archer, target, archer_of_the_world),
        world.register_signal_once(archer, target, archer_says),
        world.register_signal_once(archer, target, archer_shouts),
    ];

    let is_duplicate =
        |refused: &Result<_, _>| matches!(refused, Err(RegisterError::AlreadyRegistered(_)));
    assert!(refused.iter().all(is_duplicate), "{refused:?}");
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}

/// S2.
#[test]
fn refused_duplicate_leaves_all_registrations_and_their_order() {
    let mut scene = Scene::new(Watch::Observer);
    let before = (scene.registrations(), scene.world.signal_footprint());

    let (listener, target) = (scene.listener, scene.target);
    let world = &mut scene.world;
    world
        .register_signal(listener, target, archer_shouts)
        .unwrap_err();
    world
        .register_signal(listener, target, guard_says)
        .unwrap_err();

    let after = (scene.registrations(), scene.world.signal_footprint());
    assert_eq!(after, before);
}

/// S2.
#[test]
fn second_registration_in_a_deferred_world_is_refused() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();

    let mut deferred = DeferredWorld::from(&mut world);
    let second = deferred.register_signal(archer, target, archer_says);

    assert!(matches!(second, Err(RegisterError::AlreadyRegistered(_))));
    assert_eq!(registrations(&world, &[target, archer]).len(), 1);
}

/// S2.
#[test]
fn key_is_free_again_after_unregistering() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();
    world
        .unregister_signal::<Archer, Ping>(archer, target)
        .unwrap();

    let again = world.register_signal(archer, target, archer_shouts);

    assert_eq!(again, Ok(Registered::Now));
    assert_eq!(world.send_signal(target, Ping), ["ARCHER"]);
}

#[test]
fn unregistering_twice_is_refused() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();
    world
        .unregister_signal::<Archer, Ping>(archer, target)
        .unwrap();

    let second = world.unregister_signal::<Archer, Ping>(archer, target);

    assert!(matches!(second, Err(UnregisterError::NotRegistered(_))));
}

#[test]
fn unregistering_what_never_was_is_refused_whatever_the_entities() {
    let (mut world, target, archer) = pair();
    let stranger = world.spawn_empty().id();
    let gone = world.spawn_empty().id();
    world.despawn(gone);
    world.register_signal(archer, target, archer_says).unwrap();

    let refused = [
        world.unregister_signal::<Archer, Ping>(stranger, target),
        world.unregister_signal::<Archer, Ping>(archer, stranger),
        world.unregister_signal::<Archer, Pong>(archer, target),
        world.unregister_signal::<Guard, Ping>(archer, target),
        world.unregister_signal::<Archer, Ping>(gone, target),
        world.unregister_signal::<Archer, Ping>(archer, gone),
        world.unregister_signal::<Archer, Ping>(Entity::PLACEHOLDER, Entity::PLACEHOLDER),
    ];

    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}
