//! S12: commands.

use super::*;
use qdel::QdelCause;

/// S12.
#[test]
fn command_registers_when_it_is_applied() {
    let (mut world, target, archer) = pair();

    let mut commands = world.commands();
    commands.entity(archer).register_signal(target, archer_says);
    let before = world.registrations_on(target);
    world.flush();

    assert_eq!(before, []);
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}

/// S12.
#[test]
fn all_verbs_of_commands_work() {
    let (mut world, target, archer) = pair();
    let soldier = world.spawn(Archer::default()).id();

    let mut commands = world.commands();
    commands.entity(archer).register_signal(target, archer_says);
    commands
        .entity(soldier)
        .register_signal_once(target, archer_says);
    commands
        .entity(archer)
        .replace_signal(target, archer_shouts)
        .register_global_signal(archer_answers_pong);
    world.flush();

    assert_eq!(world.send_signal(target, Ping), ["ARCHER", "archer"]);
    assert_eq!(world.send_global_signal(Pong), ["archer: pong"]);
    world
        .commands()
        .entity(archer)
        .unregister_signal::<Archer, Ping>(target)
        .unregister_global_signal::<Archer, Pong>();
    world.flush();
    assert_eq!(world.send_signal(target, Ping), [""; 0]);
    assert_eq!(world.send_global_signal(Pong), [""; 0]);
}

/// S12.
#[test]
fn command_sends() {
    let (mut world, target, archer) = pair();
    world.init_resource::<Order>();
    let note = |mut world: DeferredWorld, _: Received<Ping, Archer>| {
        world.resource_mut::<Order>().0.push("heard");
        vec![]
    };
    world.register_signal(archer, target, note).unwrap();

    world
        .commands()
        .entity(target)
        .send_signal(Ping)
        .send_signal(Ping);
    world.flush();

    assert_eq!(world.resource::<Order>().0, ["heard", "heard"]);
}

/// S12.
#[test]
fn late_registration_on_a_gone_target_is_told_at_once() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);
    world.despawn(target);

    let mut commands = world.commands();
    commands
        .entity(archer)
        .register_signal(target, Archer::note);
    world.flush();

    let told = &world.get::<Archer>(archer).unwrap().causes;
    assert_eq!(told, &[QdelCause::AlreadyGone]);
    assert_eq!(complaints(), []);
    assert_eq!(registrations(&world, &[target, archer]), []);
}

/// S12.
#[test]
fn late_registration_on_a_deleting_target_is_told_at_once() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);
    world.qdel(target).unwrap();

    let mut commands = world.commands();
    commands
        .entity(archer)
        .register_signal(target, Archer::note);
    world.flush();
    world.flush_qdel();

    let told = &world.get::<Archer>(archer).unwrap().causes;
    assert_eq!(told, &[QdelCause::AlreadyGone]);
    assert_eq!(complaints(), []);
}

/// S12: each verb that registers, and each shape.
#[test]
fn every_late_registration_is_told_at_once() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);
    let note = |mut world: DeferredWorld, gone: Received<Qdeleting, Archer>| {
        assert_eq!(gone.entity, gone.target());
        assert!(!gone.force);
        let mut archer = world.get_mut::<Archer>(gone.listener()).unwrap();
        archer.causes.push(gone.cause);
    };
    world.despawn(target);

    world
        .commands()
        .entity(archer)
        .register_signal(target, note)
        .register_signal_once(target, note)
        .replace_signal(target, note)
        .register_signal_once(target, Archer::note)
        .replace_signal(target, Archer::note);
    world.flush();

    let told = &world.get::<Archer>(archer).unwrap().causes;
    assert_eq!(told, &[QdelCause::AlreadyGone; 5]);
    assert_eq!(complaints(), []);
}

/// S12.
#[test]
fn late_registration_without_its_component_is_told_nothing() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);
    world.despawn(target);

    let mut commands = world.commands();
    commands.entity(archer).register_signal(target, Guard::note);
    world.flush();

    // Without the component, nothing could name the target.
    let is_panic = |(severity, _): &(Severity, String)| *severity == Severity::Panic;
    assert!(!complaints().iter().any(is_panic));
}

/// S12.
#[test]
fn late_registration_of_a_gone_listener_is_dropped() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);

    let mut commands = world.commands();
    commands.entity(archer).despawn();
    commands
        .entity(archer)
        .register_signal(target, Archer::note);
    world.flush();

    let [(severity, _)] = complaints().try_into().expect("one complaint");
    assert_eq!(severity, Severity::Debug);
    assert_eq!(registrations(&world, &[target, archer]), []);
}

/// S12.
#[test]
fn late_registration_for_another_signal_is_a_warning() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);
    world.despawn(target);

    let mut commands = world.commands();
    commands.entity(archer).register_signal(target, archer_says);
    world.flush();

    let [(severity, said)] = complaints().try_into().expect("one complaint");
    assert_eq!(severity, Severity::Warning);
    assert!(said.contains("is not spawned"), "{said}");
}

/// S12: a signal of the user may have words for latecomers, too.
#[test]
fn late_registration_is_told_what_the_signal_has_for_it() {
    struct Farewell(&'static str);

    impl Signal for Farewell {
        type Answer = ();

        fn missed(_: Entity) -> Option<Self> {
            Some(Self("too late"))
        }
    }

    let (mut world, target, archer) = pair();
    world.init_resource::<Order>();
    let note = |mut world: DeferredWorld, farewell: Received<Farewell, Archer>| {
        world.resource_mut::<Order>().0.push(farewell.0);
    };

    let mut commands = world.commands();
    commands.entity(target).despawn();
    commands.entity(archer).register_signal(target, note);
    world.flush();

    assert_eq!(world.resource::<Order>().0, ["too late"]);
}

/// S12.
#[test]
fn duplicate_by_command_is_a_warning() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);

    let mut commands = world.commands();
    commands.entity(archer).register_signal(target, archer_says);
    commands
        .entity(archer)
        .register_signal(target, archer_shouts);
    world.flush();

    let [(severity, said)] = complaints().try_into().expect("one complaint");
    assert_eq!(severity, Severity::Warning);
    assert!(said.contains("already listens"), "{said}");
    assert!(said.contains(&archer.to_string()), "{said}");
    assert!(said.contains(&target.to_string()), "{said}");
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}

/// S12: with Bevy's own handler.
#[test]
fn nothing_that_goes_wrong_by_command_panics() {
    let (mut world, target, archer) = pair();
    let gone = world.spawn_empty().id();
    world.despawn(gone);
    let doomed = world.spawn_empty().id();
    world.qdel(doomed).unwrap();
    let counts = world.resource_entity::<QdelCounts>().unwrap();

    let mut commands = world.commands();
    commands.entity(archer).register_signal(target, archer_says);
    commands.entity(archer).register_signal(target, archer_says);
    commands.entity(archer).register_signal(counts, archer_says);
    commands.entity(archer).register_signal(gone, archer_says);
    commands.entity(target).register_signal(archer, archer_says);
    commands.entity(gone).register_signal(archer, archer_says);
    commands
        .entity(gone)
        .unregister_signal::<Archer, Ping>(archer);
    commands
        .entity(gone)
        .unregister_global_signal::<Archer, Ping>();
    commands.entity(gone).send_signal(Ping);
    world.flush();

    assert_eq!(registrations(&world, &[target, archer, gone]).len(), 1);
}

/// S12.
#[test]
fn unregistering_nothing_by_command_is_said_quietly() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);

    world
        .commands()
        .entity(archer)
        .unregister_signal::<Archer, Ping>(target);
    world.flush();

    let [(severity, said)] = complaints().try_into().expect("one complaint");
    assert_eq!(severity, Severity::Debug);
    assert!(said.contains("does not listen"), "{said}");
}

/// S12.
#[test]
fn verbs_of_an_entity_work_at_once() {
    let (mut world, target, archer) = pair();
    let mut archer = world.entity_mut(archer);

    let registered = archer.register_signal(target, archer_says);
    let replaced = archer.replace_signal(target, archer_shouts);
    let global = archer.register_global_signal(archer_answers_pong);
    let of = archer.registrations_of();
    let mut target = archer.into_world_mut().entity_mut(target);
    let on = target.registrations_on();
    let is_heard = target.has_listeners::<Ping>();
    let said = target.send_signal(Ping);
    let said_with = target.send_signal_with(|| Ping);

    assert_eq!(registered, Ok(Registered::Now));
    assert_eq!(replaced, Ok(Registered::Replaced));
    assert_eq!(global, Ok(Registered::Now));
    assert_eq!((of.len(), on.len(), is_heard), (2, 1, true));
    assert_eq!((said, said_with), (vec!["ARCHER"], vec!["ARCHER"]));
}

/// S12.
#[test]
fn entity_unregisters_at_once() {
    let (mut world, target, archer) = pair();
    let mut archer = world.entity_mut(archer);
    archer.register_signal_once(target, archer_says).unwrap();
    archer.register_global_signal(archer_answers_pong).unwrap();

    let ended = archer.unregister_signal::<Archer, Ping>(target);
    let global_ended = archer.unregister_global_signal::<Archer, Pong>();

    assert_eq!((ended, global_ended), (Ok(()), Ok(())));
    assert_eq!(archer.registrations_of(), []);
}
