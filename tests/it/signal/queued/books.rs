//! S12 and S14: it can be asked about.
//! S12: it can be cancelled.
//! S12 and S3: it can be replaced.
//! S6: the order.

use super::*;
use qdel::{QdelCause, SignalTarget};

// S12 and S14: it can be asked about.

/// S14.
#[test]
fn queued_registration_is_in_the_books_at_once() {
    let (mut world, target, [mob]) = world_with_books();

    let registered = deferred(&mut world).register_signal(mob, target, says::<1>);

    assert_eq!(registered, Ok(Registered::Queued));
    assert!(world.has_listeners::<Ping>(target));
    assert_eq!(world.registrations_on(target), world.registrations_of(mob));
    assert_eq!(listeners_on(&world, target), [mob]);
    world.flush();
    assert_eq!(listeners_on(&world, target), [mob]);
    assert!(world.entity(target).contains::<SignalTarget>());
}

/// S12: signals about the target reach it.
#[test]
fn queued_registration_hears_before_its_command() {
    let (mut world, target, [field, whole, once]) = world_with_books();
    let mut deferred = deferred(&mut world);
    deferred.register_signal(field, target, says::<1>).unwrap();
    deferred
        .register_signal(whole, target, shouts::<2>)
        .unwrap();
    deferred
        .register_signal_once(once, target, says::<3>)
        .unwrap();

    assert_eq!(deferred.send_signal(target, Ping), [1, 2, 3]);
    assert_eq!(deferred.send_signal(target, Ping), [1, 2]);
    world.flush();

    assert_eq!(world.send_signal(target, Ping), [1, 2]);
    assert_eq!(listeners_on(&world, target), [field, whole]);
}

/// S12: the stated limit. Before the first registration there is nothing to write in.
#[test]
fn first_registration_of_a_world_only_waits_in_the_queue() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();

    let registered = deferred(&mut world).register_signal(mob, target, says::<1>);

    assert_eq!(registered, Ok(Registered::Queued));
    assert_eq!(listeners_on(&world, target), []);
    world.flush();
    assert_eq!(listeners_on(&world, target), [mob]);
}

// S12: it can be cancelled.

/// S12.
#[test]
fn queued_registration_is_cancelled() {
    let (mut world, target, [mob]) = world_with_books();
    let mut deferred = deferred(&mut world);
    deferred.register_signal(mob, target, note::<1>).unwrap();

    let cancelled = deferred.unregister_signal::<Mob, Qdeleting>(mob, target);
    let again = deferred.unregister_signal::<Mob, Qdeleting>(mob, target);
    world.flush();

    assert_eq!(cancelled, Ok(()));
    assert!(matches!(again, Err(UnregisterError::NotRegistered(_))));
    assert_eq!(listeners_on(&world, target), []);
    world.despawn(target);
    assert_eq!(lost(&world, mob), []);
    assert_eq!(world.signal_footprint().registrations, 0);
}

/// S12 and S6: what is cancelled and registered again is another one, at the end.
#[test]
fn cancelled_registration_can_be_made_again() {
    let (mut world, target, [first, second]) = world_with_books();
    let mut deferred = deferred(&mut world);
    deferred.register_signal(first, target, says::<1>).unwrap();
    deferred.register_signal(second, target, says::<2>).unwrap();
    deferred
        .unregister_signal::<Mob, Ping>(first, target)
        .unwrap();
    deferred.register_signal(first, target, says::<3>).unwrap();
    world.flush();

    assert_eq!(world.send_signal(target, Ping), [2, 3]);
}

/// S12 and S10.
#[test]
fn queued_registrations_end_all_at_once() {
    let (mut world, target, mobs) = world_with_books::<3>();
    let mut deferred = deferred(&mut world);
    for mob in mobs {
        deferred.register_signal(mob, target, says::<1>).unwrap();
        deferred.register_signal(mob, target, note::<1>).unwrap();
    }

    assert_eq!(deferred.unregister_all(target), 6);
    world.flush();

    assert_eq!(listeners_on(&world, target), []);
    world.despawn(target);
    assert_eq!(lost(&world, mobs[0]), []);
}

/// S10: nothing of it stays, whatever is cancelled where.
#[test]
fn cancelled_registrations_leave_nothing() {
    let (mut world, _, _) = world_with_books::<0>();
    let round = |world: &mut World| {
        let target = world.spawn_empty().id();
        let mob = world.spawn(Mob::default()).id();
        let mut deferred = deferred(world);
        deferred.register_signal(mob, target, says::<1>).unwrap();
        deferred.register_signal(mob, target, note::<1>).unwrap();
        deferred
            .unregister_signal::<Mob, Ping>(mob, target)
            .unwrap();
        deferred
            .unregister_signal::<Mob, Qdeleting>(mob, target)
            .unwrap();
        world.flush();
        world.despawn(target);
        world.despawn(mob);
        world.signal_footprint()
    };
    let first = round(&mut world);

    let later: Vec<_> = (0..300).map(|_| round(&mut world)).collect();

    assert_eq!(later.last(), Some(&first));
}

// S12 and S3: it can be replaced.

/// S12 and S3.
#[test]
fn queued_registration_is_replaced_and_refused_like_others() {
    let (mut world, target, [mob, other]) = world_with_books();
    let mut deferred = deferred(&mut world);
    deferred.register_signal(mob, target, says::<1>).unwrap();
    deferred.register_signal(other, target, says::<2>).unwrap();

    let again = deferred.register_signal(mob, target, says::<3>);
    let ensured = deferred.ensure_signal(mob, target, says::<3>);
    let replaced = deferred.replace_signal(mob, target, shouts::<4>);
    world.flush();

    assert!(matches!(again, Err(RegisterError::AlreadyRegistered(_))));
    assert_eq!(ensured, Ok(Registered::Now));
    assert_eq!(replaced, Ok(Registered::Replaced));
    assert_eq!(world.send_signal(target, Ping), [4, 2]);
}

/// S12: the handler that is in force by then is told.
#[test]
fn replacement_of_a_queued_registration_is_told_of_a_target_that_went() {
    fn wrong(_: &mut Mob, _: Received<Qdeleting>) {
        panic!("it was replaced");
    }

    let (mut world, target, [mob]) = world_with_books();
    world.commands().entity(target).despawn();
    let mut deferred = deferred(&mut world);
    deferred.register_signal(mob, target, wrong).unwrap();
    deferred
        .replace_signal(mob, target, note_by_the_world::<1>)
        .unwrap();
    world.flush();

    assert_eq!(lost(&world, mob), [(target, QdelCause::AlreadyGone)]);
}

/// S12 and S10: it may go elsewhere, too.
#[test]
fn queued_registration_is_retargeted() {
    let (mut world, from, [mob]) = world_with_books();
    let to = world.spawn_empty().id();
    let mut deferred = deferred(&mut world);
    deferred.register_signal(mob, from, note::<1>).unwrap();

    let moved = deferred.retarget_signal::<Mob, Qdeleting>(mob, from, to);
    let again = deferred.retarget_signal::<Mob, Qdeleting>(mob, from, to);
    world.flush();

    assert_eq!(moved, Ok(Registered::Queued));
    assert!(matches!(again, Err(RetargetError::NotRegistered { .. })));
    world.despawn(from);
    world.despawn(to);
    assert_eq!(lost(&world, mob), [(to, QdelCause::Despawn)]);
}

/// S12 and S13.
#[test]
fn queued_global_registration_is_in_the_books_and_cancelled() {
    let (mut world, _, [mob, other]) = world_with_books();
    let mut deferred = deferred(&mut world);

    let queued = deferred.register_global_signal(mob, says::<1>);
    deferred.register_global_signal(other, says::<2>).unwrap();

    assert_eq!(queued, Ok(Registered::Queued));
    assert_eq!(deferred.send_global_signal(Ping), [1, 2]);
    let cancelled = deferred.unregister_global_signal::<Mob, Ping>(mob);
    assert_eq!(cancelled, Ok(()));
    world.flush();
    assert_eq!(world.send_global_signal(Ping), [2]);
}

// S6: the order.

/// S6: the first is of a handler never used before, and the next is not; on first use and right
/// afterwards.
#[test]
fn order_is_that_of_registration_whatever_is_used_first() {
    let (mut world, _, [first, second, third]) = world_with_books();
    for _ in 0..2 {
        let target = world.spawn(SignalTarget).id();
        let mut deferred = deferred(&mut world);
        deferred.register_signal(first, target, says::<1>).unwrap();
        deferred.register_signal(second, target, says::<0>).unwrap();
        deferred
            .register_signal(third, target, shouts::<2>)
            .unwrap();
        world.flush();

        assert_eq!(listeners_on(&world, target), [first, second, third]);
        assert_eq!(world.send_signal(target, Ping), [1, 0, 2]);
    }
}

/// S6: and those of commands come where their command stands.
#[test]
fn order_of_commands_is_that_of_their_queue() {
    let (mut world, target, [first, second, third]) = world_with_books();
    let mut deferred = deferred(&mut world);
    deferred
        .commands()
        .entity(third)
        .register_signal(target, says::<3>);
    deferred.register_signal(first, target, says::<1>).unwrap();
    deferred.register_signal(second, target, says::<2>).unwrap();
    world.flush();

    assert_eq!(world.send_signal(target, Ping), [1, 2, 3]);
}
