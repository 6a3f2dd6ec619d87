//! What a `DeferredWorld` registers where a command must do the rest: it is in the books at once.
//!
//! The rules are those of the design: S4, S6, S10, S12 and S14.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    lifecycle::{HookContext, Remove},
    prelude::*,
    world::DeferredWorld,
};
use proptest::prelude::*;
use qdel::{RegisterError, Registered, Replaced, RetargetError, UnregisterError, prelude::*};

struct Ping;

impl Signal for Ping {
    type Answer = Vec<u32>;
}

struct Other;

impl Signal for Other {
    type Answer = ();
}

#[derive(Component, Default, Clone)]
struct Mob {
    lost: Vec<(Entity, Cause)>,
}

/// A handler that nobody has used yet: one for each `N`.
fn says<const N: u32>(_: &mut Mob, _: Received<Ping>) -> Vec<u32> {
    vec![N]
}

/// The same, of the world.
fn shouts<const N: u32>(_: DeferredWorld, _: Received<Ping, Mob>) -> Vec<u32> {
    vec![N]
}

fn note<const N: u32>(mob: &mut Mob, lost: Received<Qdeleting>) {
    mob.lost.push((lost.target(), lost.cause));
}

fn note_by_the_world<const N: u32>(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
    let mut mob = world.get_mut::<Mob>(lost.listener()).unwrap();
    mob.lost.push((lost.target(), lost.cause));
}

/// Makes a world in which somebody has registered, with a target that nobody listens to and some mobs.
fn world_with_books<const N: usize>() -> (World, Entity, [Entity; N]) {
    let mut world = World::new();
    let pupil = world.spawn(Mob::default()).id();
    world.register_signal(pupil, pupil, says::<0>).unwrap();
    world.despawn(pupil);
    let target = world.spawn_empty().id();
    let mobs = [(); N].map(|()| world.spawn(Mob::default()).id());
    (world, target, mobs)
}

fn deferred(world: &mut World) -> DeferredWorld<'_> {
    DeferredWorld::from(world)
}

fn listeners_on(world: &World, target: Entity) -> Vec<Entity> {
    assert_eq!(world.check_registrations(), Ok(()));
    let on = world.registrations_on(target);
    on.into_iter().map(|on| on.listener).collect()
}

fn lost(world: &World, mob: Entity) -> Vec<(Entity, Cause)> {
    world.get::<Mob>(mob).unwrap().lost.clone()
}

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
    assert!(world.entity(target).contains::<Signals>());
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

/// S12: the stated limit. As long as nobody has registered at all, there is nothing to write in.
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
    assert_eq!(replaced, Ok(Replaced::Handler));
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

    assert_eq!(lost(&world, mob), [(target, Cause::AlreadyGone)]);
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
    assert_eq!(lost(&world, mob), [(to, Cause::Despawn)]);
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

/// S6: the first is of a handler never used before, and the next is not; on first use and right afterwards.
#[test]
fn order_is_that_of_registration_whatever_is_used_first() {
    let (mut world, _, [first, second, third]) = world_with_books();
    for _ in 0..2 {
        let target = world.spawn(Signals).id();
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

// S12: its target goes.

/// S12: by whatever command that is ahead of it, and exactly once.
#[test]
fn queued_registration_is_told_once_of_a_target_that_goes_before_its_command() {
    let ends: [fn(&mut World, Entity); 4] = [
        |world, target| world.commands().entity(target).despawn(),
        |world, target| {
            world.commands().entity(target).qdel();
        },
        |world, target| {
            world.commands().queue(move |world: &mut World| {
                world.qdel(target).unwrap();
                world.flush_qdel();
            });
        },
        |world, target| {
            let owner = world.spawn_empty().id();
            world.entity_mut(target).insert(ChildOf(owner));
            world.commands().entity(owner).qdel();
        },
    ];
    for end in ends {
        for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
            for is_observed in [false, true] {
                let (mut world, target, [field, whole, other]) = world_with_books();
                let mut settings = QdelSettings::default();
                settings.teardown = teardown;
                world.insert_resource(settings);
                if is_observed {
                    world.add_observer(|_: On<Qdeleting>| ());
                }
                end(&mut world, target);
                let mut deferred = deferred(&mut world);
                deferred.register_signal(field, target, note::<1>).unwrap();
                deferred
                    .register_signal(whole, target, note_by_the_world::<2>)
                    .unwrap();
                deferred.register_signal(other, target, note::<1>).unwrap();
                deferred.register_signal(other, target, says::<1>).unwrap();
                world.flush();
                world.flush_qdel();

                for mob in [field, whole, other] {
                    let lost = lost(&world, mob);
                    assert!(matches!(lost[..], [(at, _)] if at == target), "{lost:?}");
                }
                assert_eq!(listeners_on(&world, target), []);
                assert_eq!(world.signal_footprint().registrations, 0);
                assert_eq!(world.signal_footprint().places, 0);
            }
        }
    }
}

/// S12: and its index is another's by then.
#[test]
fn queued_registration_is_told_though_the_index_of_its_target_is_used_again() {
    let (mut world, target, [mob, other]) = world_with_books();
    world.commands().queue(move |world: &mut World| {
        world.despawn(target);
        let mut spawned = Vec::new();
        let heir = loop {
            let batch: Vec<_> = (0..200).map(|_| world.spawn_empty().id()).collect();
            let same = |heir: &&Entity| heir.index() == target.index();
            if let Some(heir) = batch.iter().find(same) {
                break *heir;
            }
            for entity in batch {
                world.despawn(entity);
            }
            spawned.push(());
        };
        world.register_signal(other, heir, says::<0>).unwrap();
    });
    deferred(&mut world)
        .register_signal(mob, target, note::<1>)
        .unwrap();

    world.flush();

    assert_eq!(lost(&world, mob), [(target, Cause::AlreadyGone)]);
    assert_eq!(world.signal_footprint().registrations, 1);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S12: a target that somebody else has marked by then tells by itself.
#[test]
fn queued_registration_hears_of_its_target_as_others_do_once_that_is_marked() {
    let (mut world, target, [mob, other]) = world_with_books();
    world.commands().queue(move |world: &mut World| {
        world.register_signal(other, target, says::<0>).unwrap();
        world.despawn(target);
    });
    deferred(&mut world)
        .register_signal(mob, target, note::<1>)
        .unwrap();

    world.flush();

    assert_eq!(lost(&world, mob), [(target, Cause::Despawn)]);
    assert_eq!(world.signal_footprint().registrations, 0);
}

/// S12: a signal that has no words for latecomers ends with a warning.
#[test]
fn queued_registration_for_another_signal_is_a_warning_if_its_target_goes() {
    thread_local! {
        static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }
    #[expect(
        clippy::needless_pass_by_value,
        reason = "error handlers take errors by value"
    )]
    fn record(error: BevyError, _: ErrorContext) {
        SAID.with_borrow_mut(|said| said.push(error.to_string()));
    }

    let (mut world, target, [mob]) = world_with_books();
    world.insert_resource(FallbackErrorHandler(record));
    world.commands().entity(target).despawn();
    deferred(&mut world)
        .register_signal(mob, target, says::<1>)
        .unwrap();
    world.flush();

    let said = SAID.take();
    assert!(
        matches!(&said[..], [said] if said.contains("is not spawned")),
        "{said:?}"
    );
    assert_eq!(world.signal_footprint().registrations, 0);
}

// S12: its listener goes.

/// S12: nobody is there to be told, of this target or of a later one.
#[test]
fn queued_registration_ends_with_its_listener() {
    let ends: [fn(&mut World, Entity); 3] = [
        |world, mob| world.commands().entity(mob).despawn(),
        |world, mob| {
            world.commands().entity(mob).remove::<Mob>();
        },
        |world, mob| {
            world.commands().entity(mob).remove::<Mob>();
            world.commands().entity(mob).insert(Mob::default());
        },
    ];
    for end in ends {
        for target_goes in [false, true] {
            let (mut world, target, [mob]) = world_with_books();
            if target_goes {
                world.commands().entity(target).despawn();
            }
            end(&mut world, mob);
            let mut deferred = deferred(&mut world);
            deferred.register_signal(mob, target, note::<1>).unwrap();
            deferred.register_signal(mob, target, says::<0>).unwrap();
            world.flush();

            assert_eq!(listeners_on(&world, target), []);
            assert_eq!(world.registrations_of(mob), []);
            assert!(world.get::<Mob>(mob).is_none_or(|mob| mob.lost.is_empty()));
            assert_eq!(world.signal_footprint().registrations, 0);
        }
    }
}

/// S12: nobody watches a component that never listened before, and yet its end is noticed.
#[test]
fn queued_registration_of_a_new_kind_ends_with_its_listener() {
    #[derive(Component)]
    struct Newcomer;

    fn say(_: &mut Newcomer, _: Received<Ping>) -> Vec<u32> {
        vec![9]
    }

    let ends: [fn(&mut World, Entity); 2] = [
        |world, mob| world.commands().entity(mob).despawn(),
        |world, mob| {
            world.commands().entity(mob).remove::<Newcomer>();
        },
    ];
    for end in ends {
        let (mut world, target, []) = world_with_books();
        let newcomers = [(); 2].map(|()| world.spawn(Newcomer).id());
        end(&mut world, newcomers[0]);
        let mut deferred = deferred(&mut world);
        for newcomer in newcomers {
            deferred.register_signal(newcomer, target, say).unwrap();
        }
        world.flush();

        assert_eq!(listeners_on(&world, target), [newcomers[1]]);
        world.entity_mut(newcomers[1]).remove::<Newcomer>();
        assert_eq!(world.signal_footprint().registrations, 0);
    }
}

// S12: a panic drops the command.

/// S12: the next flush of deletions completes it, or tells.
#[test]
fn flush_completes_what_a_panic_left() {
    for target_goes in [false, true] {
        let (mut world, target, [mob]) = world_with_books();
        world.commands().queue(|_: &mut World| panic!("on the way"));
        deferred(&mut world)
            .register_signal(mob, target, note::<1>)
            .unwrap();
        catch_unwind(AssertUnwindSafe(|| world.flush())).unwrap_err();
        assert!(!world.entity(target).contains::<Signals>());
        if target_goes {
            world.despawn(target);
        }

        world.flush_qdel();

        if target_goes {
            assert_eq!(lost(&world, mob), [(target, Cause::AlreadyGone)]);
        } else {
            world.despawn(target);
            assert_eq!(lost(&world, mob), [(target, Cause::Despawn)]);
        }
        assert_eq!(world.signal_footprint().registrations, 0);
    }
}

// S4: on the dying.

/// S4: from whatever handler of the notice, with whatever handler.
#[test]
fn dying_refuses_handlers_that_were_never_used() {
    #[derive(Resource, Default)]
    struct Answers(Vec<Result<Registered, RegisterError>>);

    fn try_all(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        let (mob, target) = (lost.listener(), lost.target());
        let answers = [
            world.register_signal(mob, target, says::<0>),
            world.register_signal(mob, target, says::<1>),
            world.register_signal(mob, target, note::<1>),
            world.register_signal_once(mob, target, shouts::<1>),
            world.ensure_signal(mob, target, shouts::<2>),
        ];
        world.resource_mut::<Answers>().0.extend(answers);
    }

    let ends: [fn(&mut World, Entity); 2] = [
        |world, target| {
            world.qdel(target).unwrap();
        },
        |world, target| {
            world.despawn(target);
        },
    ];
    for end in ends {
        let (mut world, target, [mob]) = world_with_books();
        world.init_resource::<Answers>();
        world.register_signal(mob, target, try_all).unwrap();

        end(&mut world, target);
        world.flush_qdel();

        let answers = &world.resource::<Answers>().0;
        assert_eq!(answers.len(), 5);
        let is_refused = |answer: &_| matches!(answer, Err(RegisterError::TargetDeleting(_)));
        assert!(answers.iter().all(is_refused), "{answers:?}");
        assert_eq!(lost(&world, mob), []);
    }
}

/// S4: a target that nobody listens to is despawned without a notice, and whoever registers then is told.
#[test]
fn registration_by_an_observer_of_the_dying_is_told_once() {
    #[derive(Component)]
    struct Prey;

    #[derive(Resource)]
    struct Hunter(Entity);

    let (mut world, _, [mob]) = world_with_books();
    world.insert_resource(Hunter(mob));
    world.add_observer(|removed: On<Remove<Prey>>, mut world: DeferredWorld| {
        let hunter = world.resource::<Hunter>().0;
        let _ = world.register_signal(hunter, removed.entity, note::<1>);
    });
    for end in [
        (|world: &mut World, prey: Entity| {
            world.despawn(prey);
        }) as fn(&mut World, Entity),
        |world, prey| {
            world.qdel(prey).unwrap();
            world.flush_qdel();
        },
    ] {
        world.get_mut::<Mob>(mob).unwrap().lost.clear();
        let prey = world.spawn(Prey).id();

        end(&mut world, prey);

        assert!(lost(&world, mob).len() <= 1);
        assert_eq!(world.signal_footprint().registrations, 0);
        assert_eq!(world.registrations_of(mob), []);
    }
}

// Every mixture, against a naive model.

const MOBS: usize = 4;
const TARGETS: usize = 4;

/// What somebody does with the registrations for one of two signals.
#[derive(Debug, Clone, Copy)]
enum Act {
    Register(usize, usize, u32),
    Once(usize, usize, u32),
    Replace(usize, usize, u32),
    Ensure(usize, usize, u32),
    Unregister(usize, usize),
    Retarget(usize, usize, usize),
    UnregisterAll(usize),
    Ping(usize),
    /// By commands.
    Despawn(usize),
    Qdel(usize),
}

/// Who does it.
#[derive(Debug, Clone, Copy)]
enum Actor {
    World,
    Handler,
    Hook,
    Observer,
}

thread_local! {
    static SCRIPT: RefCell<Vec<Act>> = const { RefCell::new(Vec::new()) };
    static ANSWERS: RefCell<Vec<Answer>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    /// Whether it went well.
    Done(bool),
    /// Whether it went well for `Ping`, and for `Qdeleting`.
    Both(bool, bool),
    Ended(usize),
    Said(Vec<u32>),
    /// Who listens, by their places, once it was done.
    Listeners(Vec<(usize, Vec<usize>)>),
}

#[derive(Resource, Clone, Copy)]
struct Cast {
    mobs: [Entity; MOBS],
    targets: [Entity; TARGETS],
}

macro_rules! with_handler {
    ($number:expr, $register:expr) => {
        match $number {
            0 => $register(says::<0>),
            1 => $register(says::<1>),
            2 => $register(says::<2>),
            3 => $register(says::<3>),
            4 => $register(says::<4>),
            5 => $register(says::<5>),
            6 => $register(says::<6>),
            _ => $register(says::<7>),
        }
    };
}

/// Does what the script says, and writes down what comes of it.
fn play<W: SignalExt>(world: &mut W, cast: Cast, end: impl Fn(&mut W, Act)) {
    let Cast { mobs, targets } = cast;
    for act in SCRIPT.take() {
        let answer = match act {
            Act::Register(mob, target, number) => {
                let (mob, target) = (mobs[mob], targets[target]);
                let noted = world.register_signal(mob, target, note::<7>);
                let done = with_handler!(number, |handler| world
                    .register_signal(mob, target, handler)
                    .is_ok());
                Answer::Both(done, noted.is_ok())
            }
            Act::Once(mob, target, number) => Answer::Done(with_handler!(number, |handler| world
                .register_signal_once(mobs[mob], targets[target], handler)
                .is_ok())),
            Act::Replace(mob, target, number) => {
                Answer::Done(with_handler!(number, |handler| world
                    .replace_signal(mobs[mob], targets[target], handler)
                    .is_ok()))
            }
            Act::Ensure(mob, target, number) => {
                Answer::Done(with_handler!(number, |handler| world
                    .ensure_signal(mobs[mob], targets[target], handler)
                    .is_ok()))
            }
            Act::Unregister(mob, target) => {
                let ended = world.unregister_signal::<Mob, Ping>(mobs[mob], targets[target]);
                let note = world.unregister_signal::<Mob, Qdeleting>(mobs[mob], targets[target]);
                Answer::Both(ended.is_ok(), note.is_ok())
            }
            Act::Retarget(mob, from, to) => {
                let (from, to) = (targets[from], targets[to]);
                let moved = world.retarget_signal::<Mob, Ping>(mobs[mob], from, to);
                let note = world.retarget_signal::<Mob, Qdeleting>(mobs[mob], from, to);
                Answer::Both(moved.is_ok(), note.is_ok())
            }
            Act::UnregisterAll(target) => Answer::Ended(world.unregister_all(targets[target])),
            Act::Ping(target) => Answer::Said(world.send_signal(targets[target], Ping)),
            Act::Despawn(_) | Act::Qdel(_) => {
                end(world, act);
                continue;
            }
        };
        let on = |target: &Entity| {
            let on = world.registrations_on(*target).into_iter();
            let ping = on.filter(|on| on.signal.ends_with("Ping"));
            ping.map(|on| mobs.iter().position(|mob| *mob == on.listener).unwrap())
                .collect::<Vec<_>>()
        };
        let listeners = targets.iter().map(on).enumerate().collect();
        assert_eq!(world.check_registrations(), Ok(()));
        ANSWERS.with_borrow_mut(|answers| {
            answers.push(answer);
            answers.push(Answer::Listeners(listeners));
        });
    }
}

fn play_deferred(mut world: DeferredWorld) {
    let cast = *world.resource::<Cast>();
    play(&mut world, cast, |world, act| match act {
        Act::Despawn(target) => world.commands().entity(cast.targets[target]).try_despawn(),
        Act::Qdel(target) => world.queue_qdel(cast.targets[target]),
        _ => unreachable!("the rest is done by `play`"),
    });
}

#[derive(Component)]
#[component(on_insert = Cue::play)]
struct Cue;

impl Cue {
    fn play(world: DeferredWorld, _: HookContext) {
        play_deferred(world);
    }

    fn hear(world: DeferredWorld, _: Received<Other, Self>) {
        play_deferred(world);
    }
}

#[derive(Event)]
struct Stage;

/// A registration for `Ping`.
#[derive(Clone, Copy, PartialEq)]
struct Entry {
    mob: usize,
    target: usize,
    number: u32,
    is_once: bool,
}

#[derive(Default)]
struct Model {
    pings: Vec<Entry>,
    /// Who listens for the end of whom.
    notes: Vec<(usize, usize)>,
    /// Who was told of whose end.
    told: Vec<(usize, usize)>,
    gone: [bool; TARGETS],
}

impl Model {
    fn find(&self, mob: usize, target: usize) -> Option<usize> {
        let mut pings = self.pings.iter();
        pings.position(|entry| entry.mob == mob && entry.target == target)
    }

    fn register(&mut self, mob: usize, target: usize, number: u32, is_once: bool) -> bool {
        let is_new = !self.gone[target] && self.find(mob, target).is_none();
        if is_new {
            self.pings.push(Entry {
                mob,
                target,
                number,
                is_once,
            });
        }
        is_new
    }

    fn act(&mut self, act: Act) -> Option<Answer> {
        let done = match act {
            Act::Register(mob, target, number) => {
                let is_noted = !self.gone[target] && !self.notes.contains(&(mob, target));
                if is_noted {
                    self.notes.push((mob, target));
                }
                let is_registered = self.register(mob, target, number, false);
                return Some(Answer::Both(is_registered, is_noted));
            }
            Act::Once(mob, target, number) => self.register(mob, target, number, true),
            Act::Replace(mob, target, number) => match self.find(mob, target) {
                Some(place) => {
                    self.pings[place].number = number;
                    true
                }
                None => self.register(mob, target, number, false),
            },
            Act::Ensure(mob, target, number) => {
                self.find(mob, target).is_some() || self.register(mob, target, number, false)
            }
            Act::Unregister(mob, target) => {
                let note = self.notes.iter().position(|note| *note == (mob, target));
                let is_unnoted = note.map(|place| self.notes.remove(place)).is_some();
                let place = self.find(mob, target);
                let is_ended = place.map(|place| self.pings.remove(place)).is_some();
                return Some(Answer::Both(is_ended, is_unnoted));
            }
            Act::Retarget(mob, from, to) => {
                let is_open = !self.gone[to];
                let is_note_moved = is_open
                    && self.notes.contains(&(mob, from))
                    && !self.notes.contains(&(mob, to));
                if is_note_moved {
                    self.notes.retain(|note| *note != (mob, from));
                    self.notes.push((mob, to));
                }
                let is_moved = match (self.find(mob, from), self.find(mob, to)) {
                    (Some(place), None) if is_open => {
                        let entry = self.pings.remove(place);
                        self.pings.push(Entry {
                            target: to,
                            ..entry
                        });
                        true
                    }
                    _ => false,
                };
                return Some(Answer::Both(is_moved, is_note_moved));
            }
            Act::UnregisterAll(target) => {
                let before = self.pings.len() + self.notes.len();
                self.pings.retain(|entry| entry.target != target);
                self.notes.retain(|(_, at)| *at != target);
                let ended = before - self.pings.len() - self.notes.len();
                return Some(Answer::Ended(ended));
            }
            Act::Ping(target) => {
                let heard = self.pings.iter().filter(|entry| entry.target == target);
                let said = heard.map(|entry| entry.number).collect();
                self.pings
                    .retain(|entry| entry.target != target || !entry.is_once);
                return Some(Answer::Said(said));
            }
            Act::Despawn(_) | Act::Qdel(_) => return None,
        };
        Some(Answer::Done(done))
    }

    fn end(&mut self, target: usize) {
        self.gone[target] = true;
        self.pings.retain(|entry| entry.target != target);
        let told = self.notes.iter().filter(|(_, at)| *at == target);
        self.told.extend(told);
        self.notes.retain(|(_, at)| *at != target);
    }

    fn listeners(&self) -> Answer {
        let on = |target| {
            let on = self.pings.iter().filter(|entry| entry.target == target);
            (target, on.map(|entry| entry.mob).collect())
        };
        Answer::Listeners((0..TARGETS).map(on).collect())
    }
}

fn act() -> impl Strategy<Value = Act> {
    let (mob, target, number) = (0..MOBS, 0..TARGETS, 0..8_u32);
    let all = (mob.clone(), target.clone(), number);
    prop_oneof![
        6 => all.clone().prop_map(|(mob, target, number)| Act::Register(mob, target, number)),
        1 => all.clone().prop_map(|(mob, target, number)| Act::Once(mob, target, number)),
        2 => all.clone().prop_map(|(mob, target, number)| Act::Replace(mob, target, number)),
        2 => all.prop_map(|(mob, target, number)| Act::Ensure(mob, target, number)),
        3 => (mob.clone(), target.clone()).prop_map(|(mob, target)| Act::Unregister(mob, target)),
        4 => (mob, target.clone(), target.clone())
            .prop_map(|(mob, from, to)| Act::Retarget(mob, from, to)),
        1 => target.clone().prop_map(Act::UnregisterAll),
        2 => target.clone().prop_map(Act::Ping),
        1 => target.clone().prop_map(Act::Despawn),
        1 => target.prop_map(Act::Qdel),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::World),
        Just(Actor::Handler),
        Just(Actor::Hook),
        Just(Actor::Observer)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// S6, S12 and S14: whoever acts, and whatever a command has yet to do.
    #[test]
    fn every_mixture_is_that_of_a_naive_model(
        scenes in prop::collection::vec((actor(), prop::collection::vec(act(), 1..8)), 1..12),
        prepared in prop::collection::vec(any::<bool>(), TARGETS),
    ) {
        fn ignore(_: BevyError, _: ErrorContext) {}

        // A case that panicked leaves what it has said.
        SCRIPT.take();
        ANSWERS.take();
        let (mut world, _, mobs) = world_with_books();
        world.insert_resource(FallbackErrorHandler(ignore));
        let targets = core::array::from_fn(|at| {
            let mut target = world.spawn_empty();
            if prepared[at] {
                target.insert(Signals);
            }
            target.id()
        });
        let cast = Cast { mobs, targets };
        world.insert_resource(cast);
        let bell = world.spawn_empty().id();
        let actor_entity = world.spawn(Cue).id();
        world.register_signal(actor_entity, bell, Cue::hear).unwrap();
        world.add_observer(|_: On<Stage>, world: DeferredWorld| play_deferred(world));
        let mut model = Model::default();

        for (actor, acts) in scenes {
            SCRIPT.set(acts.clone());
            match actor {
                Actor::World => play(&mut world, cast, |world, act| match act {
                    Act::Despawn(target) => {
                        let _ = world.try_despawn(targets[target]);
                    }
                    Act::Qdel(target) => {
                        let _ = world.qdel(targets[target]);
                        world.flush_qdel();
                    }
                    _ => unreachable!("the rest is done by `play`"),
                }),
                Actor::Handler => world.send_signal(bell, Other),
                Actor::Hook => {
                    world.entity_mut(actor_entity).insert(Cue);
                }
                Actor::Observer => world.trigger(Stage),
            }
            world.flush();
            world.flush_qdel();

            let mut expected = Vec::new();
            let mut ends = Vec::new();
            for act in acts {
                match (act, actor) {
                    (Act::Despawn(target) | Act::Qdel(target), Actor::World) => model.end(target),
                    (Act::Despawn(target) | Act::Qdel(target), _) => ends.push(target),
                    _ => {}
                }
                if let Some(answer) = model.act(act) {
                    expected.push(answer);
                    expected.push(model.listeners());
                }
            }
            for target in ends {
                model.end(target);
            }
            prop_assert_eq!(ANSWERS.take(), expected, "{:?}", actor);
            for (at, target) in targets.into_iter().enumerate() {
                prop_assert_eq!(world.get_entity(target).is_err(), model.gone[at]);
            }
            let registrations = model.pings.len() + model.notes.len() + 1;
            prop_assert_eq!(world.signal_footprint().registrations, registrations);
            for (at, mob) in mobs.into_iter().enumerate() {
                let mut told: Vec<_> = lost(&world, mob).into_iter().map(|(gone, _)| gone).collect();
                let told_in_model = model.told.iter().filter(|(mob, _)| *mob == at);
                let mut expected: Vec<_> = told_in_model.map(|(_, gone)| targets[*gone]).collect();
                told.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(told, expected, "who {} lost", at);
            }
        }
    }
}
