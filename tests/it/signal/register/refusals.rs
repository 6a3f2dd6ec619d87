//! S4: what is refused.

use super::*;
use qdel::{QdelCause, SignalTarget};

/// Expects that registering `listener` on `target` is refused with `expected`, and changes nothing.
fn expect_refusal(
    world: &mut World,
    listener: Entity,
    target: Entity,
    expected: fn(Registration) -> RegisterError,
) {
    expect_refusal_once(world, listener, target, expected);
    warm_up(world);
    expect_refusal_once(world, listener, target, expected);
}

fn expect_refusal_once(
    world: &mut World,
    listener: Entity,
    target: Entity,
    expected: fn(Registration) -> RegisterError,
) {
    let wanted = Registration {
        listener,
        component: core::any::type_name::<Archer>(),
        target,
        signal: core::any::type_name::<Ping>(),
    };
    let books = |world: &World| {
        assert_eq!(world.check_registrations(), Ok(()));
        let on = world.registrations_on(target);
        let of = world.registrations_of(listener);
        (on, of, world.signal_footprint())
    };
    // The first call ever makes the books, also if it is refused.
    let _ = world.register_signal(listener, target, archer_says);
    let before = books(world);

    let refused = [
        world.register_signal(listener, target, archer_says),
        world.register_signal(listener, target, archer_of_the_world),
        world.register_signal_once(listener, target, archer_says),
        DeferredWorld::from(&mut *world).register_signal(listener, target, archer_says),
    ];
    let not_replaced = world.replace_signal(listener, target, archer_says);
    world.flush();

    assert_eq!(refused, [Err(expected(wanted)); 4]);
    assert_eq!(not_replaced, Err(expected(wanted)));
    assert_eq!(books(world), before);
}

/// Runs a test before and after the first registration of its world.
fn before_and_after_the_first_registration(test: impl Fn(World)) {
    test(World::new());
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();
    world
        .replace_signal(archer, target, archer_of_the_world)
        .unwrap();
    test(world);
}

/// S4.
#[test]
fn despawned_listener_is_refused() {
    before_and_after_the_first_registration(|mut world| {
        let target = world.spawn_empty().id();
        let archer = world.spawn(Archer::default()).id();
        world.despawn(archer);
        expect_refusal(
            &mut world,
            archer,
            target,
            RegisterError::ListenerNotSpawned,
        );
    });
}

/// S4.
#[test]
fn reserved_listener_is_refused() {
    let (mut world, target, _) = pair();
    let reserved = world.entity_allocator().alloc();

    let refused = world.register_signal(reserved, target, archer_says);

    assert!(
        matches!(refused, Err(RegisterError::ListenerNotSpawned(_))),
        "{refused:?}"
    );
}

/// S4.
#[test]
fn despawned_target_is_refused() {
    before_and_after_the_first_registration(|mut world| {
        let archer = world.spawn(Archer::default()).id();
        let target = world.spawn_empty().id();
        world.despawn(target);

        expect_refusal(&mut world, archer, target, RegisterError::TargetNotSpawned);
    });
}

/// S4.
#[test]
fn reserved_target_is_refused() {
    let (mut world, _, archer) = pair();
    let reserved = world.entity_allocator().alloc();

    let refused = world.register_signal(archer, reserved, archer_says);

    assert!(
        matches!(refused, Err(RegisterError::TargetNotSpawned(_))),
        "{refused:?}"
    );
}

/// S4.
#[test]
fn placeholder_is_refused_as_either_end() {
    let (mut world, target, archer) = pair();

    let as_target = world.register_signal(archer, Entity::PLACEHOLDER, archer_says);
    let as_listener = world.register_signal(Entity::PLACEHOLDER, target, archer_says);

    assert!(matches!(as_target, Err(RegisterError::TargetNotSpawned(_))));
    assert!(matches!(
        as_listener,
        Err(RegisterError::ListenerNotSpawned(_))
    ));
}

/// S4.
#[test]
fn deleting_target_is_refused() {
    before_and_after_the_first_registration(|mut world| {
        let archer = world.spawn(Archer::default()).id();
        let target = world.spawn_empty().id();
        world.qdel(target).unwrap();

        expect_refusal(&mut world, archer, target, RegisterError::TargetDeleting);
    });
}

/// S4.
#[test]
fn deleting_target_with_listeners_is_refused() {
    let (mut world, target, archer) = pair();
    let earlier = world.spawn((Archer::default(), Guard::default())).id();
    world.register_signal(earlier, target, guard_says).unwrap();
    world.qdel(target).unwrap();

    expect_refusal(&mut world, archer, target, RegisterError::TargetDeleting);
}

/// S4.
#[test]
fn target_that_a_deleting_owner_takes_along_is_refused() {
    let (mut world, owner, archer) = pair();
    let owned = world.spawn(ChildOf(owner)).id();
    world.qdel(owner).unwrap();

    let refused = world.register_signal(archer, owned, archer_says);

    assert!(matches!(refused, Err(RegisterError::TargetDeleting(_))));
}

/// S4: marked is marked, also before it is told of.
#[test]
fn target_that_waits_for_its_notice_is_refused() {
    fn cling(mut world: DeferredWorld, gone: Received<Qdeleting, Guard>) {
        let owned = world.get::<Children>(gone.target()).unwrap()[0];
        let refused = world.register_signal(gone.listener(), owned, archer_says);
        assert!(
            matches!(refused, Err(RegisterError::TargetDeleting(_))),
            "{refused:?}"
        );
        assert_eq!(world.registrations_on(owned).len(), 1);
        world.resource_mut::<Order>().0.push("refused");
    }
    let (mut world, owner, archer) = pair();
    world.init_resource::<Order>();
    warm_up(&mut world);
    let owned = world.spawn(ChildOf(owner)).id();
    let soldier = world.spawn((Archer::default(), Guard::default())).id();
    world.register_signal(archer, owned, Archer::note).unwrap();
    world.register_signal(soldier, owner, cling).unwrap();

    world.qdel(owner).unwrap();

    assert_eq!(world.resource::<Order>().0, ["refused"]);
    let told = &world.get::<Archer>(archer).unwrap().causes;
    assert_eq!(told, &[QdelCause::Owner(owner)]);
}

/// S4: the notice of a plain despawn has begun.
#[test]
fn target_is_refused_inside_the_notice_of_its_despawn() {
    fn late(mut world: DeferredWorld, gone: Received<Qdeleting, Guard>) {
        let archer = gone.listener();
        let refused = [
            world.register_signal(archer, gone.target(), archer_says),
            world.register_signal(archer, gone.target(), Archer::note),
        ];
        let is_deleting =
            |refused: &Result<_, _>| matches!(refused, Err(RegisterError::TargetDeleting(_)));
        assert!(refused.iter().all(is_deleting), "{refused:?}");
        world.resource_mut::<Order>().0.push("refused");
    }
    let mut world = World::new();
    world.init_resource::<Order>();
    let [target, another] = [(); 2].map(|()| world.spawn_empty().id());
    let soldier = world.spawn((Archer::default(), Guard::default())).id();
    // Both handlers are known before, so that the refusal does not wait in the queue.
    world
        .register_signal(soldier, another, archer_says)
        .unwrap();
    world
        .register_signal(soldier, another, Archer::note)
        .unwrap();
    world.register_signal(soldier, target, late).unwrap();

    world.despawn(target);

    assert_eq!(world.resource::<Order>().0, ["refused"]);
    assert_eq!(registrations(&world, &[target, another, soldier]).len(), 2);
}

/// S4.
#[test]
fn deleting_listener_is_refused() {
    let (mut world, target, archer) = pair();
    world.qdel(archer).unwrap();

    expect_refusal(&mut world, archer, target, RegisterError::ListenerDeleting);
}

/// S4.
#[test]
fn listener_without_the_component_is_refused() {
    before_and_after_the_first_registration(|mut world| {
        let target = world.spawn_empty().id();
        let guard = world.spawn(Guard::default()).id();

        expect_refusal(&mut world, guard, target, RegisterError::MissingComponent);
    });
}

/// S4.
#[test]
fn listener_that_lost_the_component_is_refused() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, archer_says).unwrap();
    world.entity_mut(archer).remove::<Archer>();

    expect_refusal(&mut world, archer, target, RegisterError::MissingComponent);
}

/// S4.
#[test]
fn resource_of_this_crate_is_refused_as_target() {
    let (mut world, doomed, archer) = pair();
    world.qdel(doomed).unwrap();
    let counts = world.resource_entity::<QdelCounts>().unwrap();

    expect_refusal(&mut world, archer, counts, RegisterError::ReservedTarget);
}

/// S4: also those that have no public name, and the one that global signals go through.
#[test]
fn all_resources_that_this_crate_makes_are_refused_as_targets() {
    let (mut world, doomed, archer) = pair();
    let resources = |world: &mut World| -> HashSet<Entity> {
        let mut resources = world.query_filtered::<Entity, With<IsResource>>();
        resources.iter(world).collect()
    };
    let of_others = resources(&mut world);
    world
        .register_global_signal(archer, archer_answers_pong)
        .unwrap();
    world.register_signal(archer, doomed, archer_says).unwrap();
    world.qdel(doomed).unwrap();
    let immortal = world.registrations_of(archer)[0].target;

    warm_up(&mut world);
    let all = resources(&mut world);
    let ours: Vec<_> = all.difference(&of_others).copied().collect();

    assert!(ours.contains(&immortal));
    assert!(ours.len() > 1);
    for resource in ours {
        let refused = world.register_signal(archer, resource, archer_says);
        assert!(matches!(refused, Err(RegisterError::ReservedTarget(_))));
    }
}

/// S4: the settings are a resource of this crate as well.
#[test]
fn settings_of_this_crate_are_refused_as_target() {
    let (mut world, _, archer) = pair();
    world.insert_resource(QdelSettings::default());
    let settings = world.resource_entity::<QdelSettings>().unwrap();

    let refused = world.register_signal(archer, settings, archer_says);

    assert!(
        matches!(refused, Err(RegisterError::ReservedTarget(_))),
        "{refused:?}"
    );
}

/// The word list: a resource is a component on an entity, so it can listen.
#[test]
fn resource_of_the_user_listens() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    world.init_resource::<Weather>();
    let weather = world.resource_entity::<Weather>().unwrap();
    let note = |weather: &mut Weather, gone: Received<Qdeleting>| weather.causes.push(gone.cause);

    let registered = world.register_signal(weather, target, note);
    world.despawn(target);

    assert_eq!(registered, Ok(Registered::Now));
    assert_eq!(world.resource::<Weather>().causes, [QdelCause::Despawn]);
}

/// The word list.
#[test]
fn resource_of_the_user_is_listened_to() {
    let mut world = World::new();
    world.init_resource::<Weather>();
    let weather = world.resource_entity::<Weather>().unwrap();
    let archer = world.spawn(Archer::default()).id();

    let registered = world.register_signal(archer, weather, archer_says);

    assert_eq!(registered, Ok(Registered::Now));
    assert_eq!(world.send_signal(weather, Ping), ["archer"]);
}

/// S10: a resource is a component, and removing it ends its registrations.
#[test]
fn registrations_of_a_resource_end_with_it() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    world.init_resource::<Weather>();
    let weather = world.resource_entity::<Weather>().unwrap();
    let note = |weather: &mut Weather, gone: Received<Qdeleting>| weather.causes.push(gone.cause);
    world.register_signal(weather, target, note).unwrap();

    world.remove_resource::<Weather>();

    assert_eq!(registrations(&world, &[target, weather]), []);
}

/// S10: Bevy takes the resource out and inserts it again, and the documentation says so.
#[test]
fn resource_scope_ends_the_registrations_of_its_resource() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    world.init_resource::<Weather>();
    let weather = world.resource_entity::<Weather>().unwrap();
    let note = |weather: &mut Weather, gone: Received<Qdeleting>| weather.causes.push(gone.cause);
    world.register_signal(weather, target, note).unwrap();

    world.resource_scope(|_, _: Mut<Weather>| ());

    assert_eq!(registrations(&world, &[target, weather]), []);
    let again = world.register_signal(weather, target, note);
    assert_eq!(again, Ok(Registered::Now));
}

/// S4: a command that waits in the world's own queue may delete the target in the middle of
/// registering.
#[test]
fn target_that_a_waiting_command_despawns_is_an_error_and_no_panic() {
    let (mut world, target, archer) = pair();
    let other = world.spawn_empty().id();
    let guard = world.spawn(Guard::default()).id();
    world.register_signal(guard, other, guard_says).unwrap();
    world.commands().entity(target).despawn();

    // The first handler of the component: the world gets an observer for it, which applies
    // commands.
    let refused = world.register_signal(archer, target, archer_says);

    assert!(
        matches!(refused, Err(RegisterError::TargetNotSpawned(_))),
        "{refused:?}"
    );
}

/// S4: as above, with a handler that is known.
#[test]
fn listener_that_a_waiting_command_despawns_is_an_error_and_no_panic() {
    let (mut world, target, archer) = pair();
    let other = world.spawn_empty().id();
    world.register_signal(archer, other, archer_says).unwrap();
    world.commands().entity(archer).despawn();

    let refused = world.register_signal(archer, target, archer_says);

    assert!(
        matches!(refused, Err(RegisterError::ListenerNotSpawned(_))),
        "{refused:?}"
    );
    assert_eq!(registrations(&world, &[target, other, archer]), []);
}

/// `SignalTarget` may be removed by hand, also by a command that waits.
#[test]
fn registering_survives_a_waiting_command_that_removes_the_list() {
    let (mut world, target, archer) = pair();
    let other = world.spawn_empty().id();
    world.register_signal(archer, other, archer_says).unwrap();
    world.commands().entity(target).remove::<SignalTarget>();

    let registered = world.register_signal(archer, target, archer_says);

    assert_eq!(registered, Ok(Registered::Now));
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}

// The stage.

/// A resource of the user.
#[derive(Resource, Default)]
struct Weather {
    causes: Vec<QdelCause>,
}
