//! Listeners that register again: what was told already, what is told again and again, and what is
//! given up in the last notice.
//!
//! The rules are those of the design: S3, S10 and S12.

use std::cell::RefCell;

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler, Severity},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{QdelCause, RegisterError, error::UnregisterError, prelude::*};

use crate::stage::{record_log, take_log};

#[derive(Component, Default)]
struct Mob {
    lost: Vec<(Entity, QdelCause)>,
    /// The targets that it picks when it loses one.
    next: Vec<Entity>,
}

impl Mob {
    fn note(&mut self, lost: Received<Qdeleting>) {
        self.lost.push((lost.target(), lost.cause));
    }
}

thread_local! {
    static COMPLAINTS: RefCell<Vec<(Severity, String)>> = const { RefCell::new(Vec::new()) };
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "error handlers take errors by value"
)]
fn complain(error: BevyError, _: ErrorContext) {
    let said = (error.severity(), error.to_string());
    COMPLAINTS.with_borrow_mut(|complaints| complaints.push(said));
}

fn warnings() -> Vec<String> {
    let complaints = COMPLAINTS.take().into_iter();
    let warnings = complaints.filter(|(severity, _)| *severity == Severity::Warning);
    warnings.map(|(_, said)| said).collect()
}

fn new_world() -> World {
    let mut world = World::new();
    world.insert_resource(FallbackErrorHandler(complain));
    COMPLAINTS.take();
    world
}

fn lost(world: &World, mob: Entity) -> Vec<(Entity, QdelCause)> {
    world.get::<Mob>(mob).unwrap().lost.clone()
}

// S12: no listener is told twice.

/// How a command registers.
type Register = fn(&mut EntityCommands, Entity);

/// S12: one command earlier it is a refused duplicate, and so it is here.
#[test]
fn late_registration_of_who_was_told_is_a_refused_duplicate() {
    let ways: [(usize, Register); 4] = [
        (1, |mob, target| {
            mob.register_signal(target, Mob::note);
        }),
        (1, |mob, target| {
            mob.register_signal_once(target, Mob::note);
        }),
        (1, |mob, target| {
            mob.replace_signal(target, Mob::note);
        }),
        (0, |mob, target| {
            mob.ensure_signal(target, Mob::note);
        }),
    ];
    for (complaints, register) in ways {
        for has_destroyers in [false, true] {
            let mut world = new_world();
            if has_destroyers {
                world.register_destroy::<Cat>();
            }
            let target = world.spawn_empty().id();
            let mob = world.spawn(Mob::default()).id();
            world.register_signal(mob, target, Mob::note).unwrap();

            world.commands().entity(target).qdel();
            register(&mut world.commands().entity(mob), target);
            world.flush();

            assert_eq!(lost(&world, mob), [(target, QdelCause::Qdel)]);
            let warnings = warnings();
            assert_eq!(warnings.len(), complaints, "{warnings:?}");
            assert!(warnings.iter().all(|said| said.contains("already listens")));
            world.flush_qdel();
            assert_eq!(lost(&world, mob), [(target, QdelCause::Qdel)]);
        }
    }
}

/// S12: also if it has picked another target in the notice, so that its own books lead elsewhere.
#[test]
fn late_registration_of_who_was_told_and_picked_another_is_a_refused_duplicate() {
    fn pick(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        let mut mob = world.get_mut::<Mob>(lost.listener()).unwrap();
        mob.lost.push((lost.target(), lost.cause));
        if let Some(next) = mob.next.pop() {
            world.register_signal(lost.listener(), next, pick).unwrap();
        }
    }

    let mut world = new_world();
    let [target, next] = [(); 2].map(|()| world.spawn_empty().id());
    let mobs: Vec<_> = (0..500)
        .map(|_| {
            let mob = Mob {
                next: vec![next],
                ..Mob::default()
            };
            world.spawn(mob).id()
        })
        .collect();
    let stranger = world.spawn(Mob::default()).id();
    for mob in &mobs {
        world.register_signal(*mob, target, pick).unwrap();
    }

    world.commands().entity(target).qdel();
    for mob in mobs.iter().rev() {
        world.commands().entity(*mob).register_signal(target, pick);
    }
    world
        .commands()
        .entity(stranger)
        .register_signal(target, Mob::note);
    world.flush();

    for mob in &mobs {
        assert_eq!(lost(&world, *mob), [(target, QdelCause::Qdel)]);
    }
    assert_eq!(lost(&world, stranger), [(target, QdelCause::AlreadyGone)]);
    assert_eq!(warnings().len(), mobs.len());
    assert_eq!(world.registrations_on(next).len(), mobs.len());
    world.flush_qdel();
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S12: a component that was replaced by another one was not told.
#[test]
fn late_registration_of_a_new_component_is_told() {
    let mut world = new_world();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    world.register_signal(mob, target, Mob::note).unwrap();

    world.commands().entity(target).qdel();
    world.commands().entity(mob).remove::<Mob>();
    world.commands().entity(mob).insert(Mob::default());
    world
        .commands()
        .entity(mob)
        .register_signal(target, Mob::note);
    world.flush();

    assert_eq!(lost(&world, mob), [(target, QdelCause::AlreadyGone)]);
    assert_eq!(warnings(), [""; 0]);
}

/// S12: a listener that was not told yet is told, once for each time that it asks.
#[test]
fn late_registration_of_who_was_not_told_is_told() {
    let mut world = new_world();
    let target = world.spawn_empty().id();
    let [listener, mob] = [(); 2].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(listener, target, Mob::note).unwrap();

    world.commands().entity(target).qdel();
    world
        .commands()
        .entity(mob)
        .register_signal(target, Mob::note);
    world.flush();

    assert_eq!(lost(&world, mob), [(target, QdelCause::AlreadyGone)]);
}

// S12: no listener is told without end.

/// Registers again by command, on the very target that it is told of.
fn cling(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
    let mut mob = world.get_mut::<Mob>(lost.listener()).unwrap();
    mob.lost.push((lost.target(), lost.cause));
    assert!(mob.lost.len() < 1_000, "it goes on for ever");
    let mut commands = world.commands();
    let mut mob = commands.entity(lost.listener());
    mob.register_signal(lost.target(), cling);
}

/// S12: by whatever means the target goes, and whenever it is that the first comes too late.
#[test]
fn handler_that_clings_to_its_target_is_called_so_often_and_reported_once() {
    record_log();
    let ends: [fn(&mut World, Entity); 4] = [
        |world, target| {
            world.despawn(target);
        },
        |world, target| world.commands().entity(target).despawn(),
        |world, target| {
            let mut settings = QdelSettings::default();
            settings.teardown = Teardown::Immediate;
            world.insert_resource(settings);
            world.qdel(target).unwrap();
        },
        |world, target| {
            world.qdel(target).unwrap();
            world.flush_qdel();
        },
    ];
    for (at, end) in ends.into_iter().enumerate() {
        for is_listening in [false, true] {
            let mut world = new_world();
            let target = world.spawn_empty().id();
            let mob = world.spawn(Mob::default()).id();
            if is_listening {
                world.register_signal(mob, target, cling).unwrap();
            }

            end(&mut world, target);
            world.flush();
            if !is_listening {
                world.commands().entity(mob).register_signal(target, cling);
                world.flush();
            }
            world.flush_qdel();

            let told = lost(&world, mob).len();
            assert!((1..=17).contains(&told), "{at}: {told}");
            let logged = take_log();
            if told > 1 {
                let [logged] = logged.try_into().expect("it should be said once");
                for named in ["`Mob`", &mob.to_string(), &target.to_string()] {
                    assert!(logged.contains(named), "{logged}");
                }
            } else {
                assert_eq!(logged, [""; 0]);
            }
            assert_eq!(world.signal_footprint().registrations, 0);
        }
    }
}

/// S12: a target that waits for its tear-down.
#[test]
fn handler_that_clings_to_a_deleting_target_is_called_so_often() {
    record_log();
    let mut world = new_world();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    world.qdel(target).unwrap();

    world.commands().entity(mob).register_signal(target, cling);
    world.flush();

    assert_eq!(lost(&world, mob).len(), 16);
    assert_eq!(take_log().len(), 1);
}

/// S12: the count begins anew each time, and is each listener's own.
#[test]
fn count_of_who_clings_ends_with_its_command() {
    record_log();
    let mut world = new_world();
    let target = world.spawn_empty().id();
    world.despawn(target);
    let mobs = [(); 2].map(|()| world.spawn(Mob::default()).id());

    for round in 1..=3 {
        for mob in mobs {
            world.commands().entity(mob).register_signal(target, cling);
        }
        world.flush();

        for mob in mobs {
            assert_eq!(lost(&world, mob).len(), 16 * round);
        }
        assert_eq!(take_log().len(), 2);
    }
}

/// S12: a chain over targets that all are gone comes to its end.
#[test]
fn chain_over_different_gone_targets_is_not_cut() {
    fn follow(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        let mut mob = world.get_mut::<Mob>(lost.listener()).unwrap();
        mob.lost.push((lost.target(), lost.cause));
        if let Some(next) = mob.next.pop() {
            let mut commands = world.commands();
            commands
                .entity(lost.listener())
                .register_signal(next, follow);
        }
    }

    record_log();
    let mut world = new_world();
    let mut targets: Vec<_> = (0..200).map(|_| world.spawn_empty().id()).collect();
    let first = targets.pop().unwrap();
    for target in targets.iter().chain([&first]) {
        world.despawn(*target);
    }
    let mob = Mob {
        next: targets,
        ..Mob::default()
    };
    let mob = world.spawn(mob).id();

    world.commands().entity(mob).register_signal(first, follow);
    world.flush();

    assert_eq!(lost(&world, mob).len(), 200);
    assert_eq!(take_log(), [""; 0]);
}

/// S11 and S12: a panic on the way does not count for ever.
#[test]
fn panic_of_who_clings_leaves_the_count_whole() {
    fn burst(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        let listener = lost.listener();
        let mut mob = world.get_mut::<Mob>(listener).unwrap();
        mob.lost.push((lost.target(), lost.cause));
        let is_deep = mob.lost.len().is_multiple_of(5);
        let target = lost.target();
        world
            .commands()
            .entity(listener)
            .register_signal(target, burst);
        assert!(!is_deep, "in the depth");
    }

    record_log();
    let mut world = new_world();
    let target = world.spawn_empty().id();
    world.despawn(target);
    let mob = world.spawn(Mob::default()).id();

    for round in 1..=10 {
        world.commands().entity(mob).register_signal(target, burst);
        // Bevy gives it to the error handler.
        world.flush();
        assert_eq!(lost(&world, mob).len(), 5 * round);
        assert!(
            COMPLAINTS
                .take()
                .iter()
                .any(|(_, said)| said.contains("panicked"))
        );
    }

    assert_eq!(take_log(), [""; 0]);
}

// S3 and S10: what is given up in the last notice.

/// Lives on this number of times.
#[derive(Component)]
struct Cat(u32);

impl Destroy for Cat {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0 = self.0.saturating_sub(1);
        if self.0 > 0 {
            DestroyHint::LetMeLive
        } else {
            DestroyHint::Queue
        }
    }
}

#[derive(Resource, Default)]
struct Answers(Vec<Result<(), UnregisterError>>);

/// Gives its own registration up, twice.
fn give_up(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
    let (listener, target) = (lost.listener(), lost.target());
    for _ in 0..2 {
        let answer = world.unregister_signal::<Mob, Qdeleting>(listener, target);
        world.resource_mut::<Answers>().0.push(answer);
    }
    let mut mob = world.get_mut::<Mob>(listener).unwrap();
    mob.lost.push((target, lost.cause));
}

/// S10: it answers what it does, and does it.
#[test]
fn unregistering_in_the_own_last_notice_is_done_and_stays_done() {
    let mut world = new_world();
    world.init_resource::<Answers>();
    world.register_destroy::<Cat>();
    let cat = world.spawn(Cat(2)).id();
    let [mob, other] = [(); 2].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(mob, cat, give_up).unwrap();
    world.register_signal(other, cat, Mob::note).unwrap();

    assert_eq!(world.qdel(cat), Ok(QdelOutcome::Kept));

    let answers = &world.resource::<Answers>().0;
    assert!(
        matches!(
            answers[..],
            [Ok(()), Err(UnregisterError::NotRegistered(_))]
        ),
        "{answers:?}"
    );
    let on = world.registrations_on(cat);
    assert_eq!(on.iter().map(|on| on.listener).collect::<Vec<_>>(), [other]);
    world.qdel(cat).unwrap();
    assert_eq!(lost(&world, mob), [(cat, QdelCause::Qdel)]);
    assert_eq!(lost(&world, other), [(cat, QdelCause::Qdel); 2]);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S10: in the notice of a plain despawn as well, where no entity can live on.
#[test]
fn unregistering_in_the_last_notice_of_a_despawn_is_answered_alike() {
    let mut world = new_world();
    world.init_resource::<Answers>();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    world.register_signal(mob, target, give_up).unwrap();

    world.despawn(target);

    let answers = &world.resource::<Answers>().0;
    assert!(
        matches!(
            answers[..],
            [Ok(()), Err(UnregisterError::NotRegistered(_))]
        ),
        "{answers:?}"
    );
    assert_eq!(world.signal_footprint().places, 0);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S10: also by other code, and of all at once; a listener that was not told yet is not called.
#[test]
fn all_that_was_told_is_given_up_in_the_middle_of_a_notice() {
    fn hush(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        assert_eq!(world.unregister_all(lost.target()), 1);
    }

    let mut world = new_world();
    world.register_destroy::<Cat>();
    let cat = world.spawn(Cat(2)).id();
    let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(mobs[0], cat, Mob::note).unwrap();
    world.register_signal(mobs[1], cat, hush).unwrap();
    world.register_signal(mobs[2], cat, Mob::note).unwrap();

    assert_eq!(world.qdel(cat), Ok(QdelOutcome::Kept));

    assert_eq!(world.registrations_on(cat), []);
    assert_eq!(lost(&world, mobs[0]).len(), 1);
    assert_eq!(lost(&world, mobs[2]), []);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S10: what was given up can be registered anew, once its target lives on.
#[test]
fn what_was_given_up_is_registered_anew() {
    let mut world = new_world();
    world.init_resource::<Answers>();
    world.register_destroy::<Cat>();
    let cat = world.spawn(Cat(2)).id();
    let mob = world.spawn(Mob::default()).id();
    world.register_signal(mob, cat, give_up).unwrap();
    world.qdel(cat).unwrap();

    let again = world.register_signal(mob, cat, Mob::note);

    assert!(again.is_ok());
    world.despawn(cat);
    let causes: Vec<_> = lost(&world, mob).iter().map(|(_, cause)| *cause).collect();
    assert_eq!(causes, [QdelCause::Qdel, QdelCause::Despawn]);
}

/// S3: a registration for one call is over before its call, so there is none to end.
#[test]
fn registration_for_one_call_is_over_in_its_last_notice() {
    let mut world = new_world();
    world.init_resource::<Answers>();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    world.register_signal_once(mob, target, give_up).unwrap();

    world.qdel(target).unwrap();

    let answers = &world.resource::<Answers>().0;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
}

/// S4: on the dying it is no duplicate but too late.
#[test]
fn registering_at_once_on_the_dying_is_refused_as_before() {
    let mut world = new_world();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    world.register_signal(mob, target, Mob::note).unwrap();
    world.qdel(target).unwrap();

    let refused = world.register_signal(mob, target, Mob::note);

    assert!(matches!(refused, Err(RegisterError::TargetDeleting(_))));
}
