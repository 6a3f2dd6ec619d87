//! A target lives on though all who listened to it have ended that: its books begin anew.
//!
//! Rule S10 of the design: registrations that were told can be ended, and leave nothing.

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::prelude::*;

#[derive(Component)]
struct Ear;

#[derive(Component)]
struct Eye;

impl Eye {
    fn see(&mut self, _: Received<Qdeleting>) {}
}

/// Lives on once.
#[derive(Component)]
struct Phoenix(bool);

impl Destroy for Phoenix {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
        if core::mem::replace(&mut self.0, false) {
            DestroyHint::LetMeLive
        } else {
            DestroyHint::Queue
        }
    }
}

fn end_all(mut world: DeferredWorld, lost: Received<Qdeleting, Ear>) {
    world.unregister_all(lost.target());
}

fn end_each(mut world: DeferredWorld, lost: Received<Qdeleting, Ear>) {
    for at in world.registrations_on(lost.target()) {
        let _ = world.unregister_signal::<Eye, Qdeleting>(at.listener, lost.target());
    }
    let ended = world.unregister_signal::<Ear, Qdeleting>(lost.listener(), lost.target());
    assert_eq!(ended, Ok(()));
}

fn end_with_commands(mut world: DeferredWorld, lost: Received<Qdeleting, Ear>) {
    let (phoenix, ear) = (lost.target(), lost.listener());
    let on = world.registrations_on(phoenix);
    let mut commands = world.commands();
    commands.entity(ear).remove::<Ear>().insert(Ear);
    for at in on {
        commands.entity(at.listener).remove::<Eye>().insert(Eye);
    }
}

fn stage() -> (World, [Entity; 3]) {
    let mut world = World::new();
    world.register_destroy::<Phoenix>();
    let phoenix = world.spawn(Phoenix(true)).id();
    let [ear, eye] = [world.spawn(Ear).id(), world.spawn(Eye).id()];
    (world, [phoenix, ear, eye])
}

/// Checks that `phoenix`, which lives on and has no listeners, takes registrations as it
/// did at first.
fn assert_begins_anew(mut world: World, [phoenix, ear, eye]: [Entity; 3]) {
    assert!(world.registrations_on(phoenix).is_empty());
    assert_eq!(world.signal_footprint().places, 0);

    world.register_signal(eye, phoenix, Eye::see).unwrap();
    world.register_signal(ear, phoenix, end_all).unwrap();

    let on = world.registrations_on(phoenix);
    let listeners: Vec<_> = on.iter().map(|at| at.listener).collect();
    assert_eq!(listeners, [eye, ear]);
    assert_eq!(world.check_registrations(), Ok(()));
    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Queued));
}

/// A list of two handlers that is empty when its target lives on takes registrations as a new one
/// (S10).
#[test]
fn target_that_lives_on_after_all_on_it_ended_takes_registrations_regression() {
    let (mut world, cast @ [phoenix, ear, eye]) = stage();
    world.register_signal(ear, phoenix, end_all).unwrap();
    world.register_signal(eye, phoenix, Eye::see).unwrap();

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));

    assert_begins_anew(world, cast);
}

/// It does not matter by which verb they end (S10).
#[test]
fn target_that_lives_on_after_each_on_it_ended_takes_registrations_regression() {
    let (mut world, cast @ [phoenix, ear, eye]) = stage();
    world.register_signal(ear, phoenix, end_each).unwrap();
    world.register_signal(eye, phoenix, Eye::see).unwrap();

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));

    assert_begins_anew(world, cast);
}

/// Nor whether the listeners lose their components (S10).
#[test]
fn target_that_lives_on_after_all_its_listeners_went_takes_registrations_regression() {
    let (mut world, cast @ [phoenix, ear, eye]) = stage();
    world
        .register_signal(ear, phoenix, end_with_commands)
        .unwrap();
    world.register_signal(eye, phoenix, Eye::see).unwrap();

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));

    assert_begins_anew(world, cast);
}
