//! Registrations by command that come late, and the notice exactly once.
//!
//! Rules S4, S12 and Q6 of the design.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{QdelCause, RegisterError, prelude::*};

/// Notes which target it lost, and why.
#[derive(Component, Default, Debug)]
struct Mourner(Vec<(Entity, QdelCause)>);

impl Mourner {
    fn note(&mut self, lost: Received<Qdeleting>) {
        self.0.push((lost.target(), lost.cause));
    }
}

/// Lives as often as it says.
#[derive(Component)]
struct Lives(usize);

impl Destroy for Lives {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
        if self.0 == 0 {
            return DestroyHint::Queue;
        }
        self.0 -= 1;
        DestroyHint::LetMeLive
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.register_destroy::<Lives>();
    world
}

fn mourner(world: &mut World) -> Entity {
    world.spawn(Mourner::default()).id()
}

fn noted(world: &World, listener: Entity) -> Vec<(Entity, QdelCause)> {
    world.get::<Mourner>(listener).unwrap().0.clone()
}

fn register(world: &mut World, listener: Entity, target: Entity) {
    let mut commands = world.commands();
    commands
        .entity(listener)
        .register_signal(target, Mourner::note);
}

fn listeners_on(world: &World, target: Entity) -> Vec<Entity> {
    let on = world.registrations_on(target);
    on.into_iter().map(|at| at.listener).collect()
}

/// The command is applied while the listener is marked; it lives on, and hears that its target does
/// not (S12).
#[test]
fn listener_that_lives_on_is_answered_regression() {
    let mut world = stage();
    let target = world.spawn_empty().id();
    let listener = world.spawn((Mourner::default(), Lives(1))).id();
    let witness = mourner(&mut world);
    // Heard, so that there is a stage in which commands are applied.
    world
        .register_signal(witness, listener, Mourner::note)
        .unwrap();
    register(&mut world, listener, target);

    let batch = world.qdel_batch([target, listener]);

    assert_eq!(batch.kept, [listener]);
    assert_eq!(noted(&world, listener), [(target, QdelCause::AlreadyGone)]);
    assert_eq!(world.registrations_of(listener), []);
}

/// The listener lives on and so does the target: the registration is in force (S12).
#[test]
fn registration_of_two_who_live_on_is_in_force() {
    let mut world = stage();
    let target = world.spawn(Lives(1)).id();
    let listener = world.spawn((Mourner::default(), Lives(1))).id();
    register(&mut world, listener, target);

    world.qdel_batch([target, listener]);

    assert_eq!(listeners_on(&world, target), [listener]);
    assert_eq!(noted(&world, listener), []);
    world.qdel(target).unwrap();
    assert_eq!(noted(&world, listener), [(target, QdelCause::Qdel)]);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// A listener that does not live on need not know (S12).
#[test]
fn listener_that_goes_is_not_answered() {
    let mut world = stage();
    let target = world.spawn(Lives(1)).id();
    let listener = world.spawn((Mourner::default(), Lives(0))).id();
    register(&mut world, listener, target);

    world.qdel_batch([target, listener]);

    assert_eq!(noted(&world, listener), []);
    assert_eq!(listeners_on(&world, target), []);
}

/// Hears of the end of another one, and has a third register on that by command.
#[derive(Component)]
struct Messenger(Entity);

fn pass_on(mut world: DeferredWorld, lost: Received<Qdeleting, Messenger>) {
    let third = world.get::<Messenger>(lost.listener()).unwrap().0;
    let mut commands = world.commands();
    commands
        .entity(third)
        .register_signal(lost.target(), Mourner::note);
}

/// A target that is told about and lives on is not gone: who registers meanwhile is not told so,
/// and hears its real end (S12).
#[test]
fn target_that_lives_on_is_not_said_to_be_gone_regression() {
    for lives in [0, 1] {
        let mut world = stage();
        let target = world.spawn(Lives(lives)).id();
        let third = mourner(&mut world);
        let messenger = world.spawn(Messenger(third)).id();
        world.register_signal(messenger, target, pass_on).unwrap();

        world.qdel(target).unwrap();

        if lives == 0 {
            assert_eq!(noted(&world, third), [(target, QdelCause::AlreadyGone)]);
            assert_eq!(listeners_on(&world, target), []);
            continue;
        }
        assert_eq!(noted(&world, third), []);
        assert_eq!(listeners_on(&world, target), [messenger, third]);
        world.entity_mut(messenger).remove::<Messenger>();
        world.qdel(target).unwrap();
        assert_eq!(noted(&world, third), [(target, QdelCause::Qdel)]);
    }
}

/// What waits may be cancelled and replaced as what is in force, by command and at once (S12).
#[test]
fn registration_that_waits_can_be_cancelled_and_replaced() {
    fn shout(mourner: &mut Mourner, lost: Received<Qdeleting>) {
        mourner.note(lost);
        mourner.note(lost);
    }
    for how in 0..4 {
        let mut world = stage();
        let target = world.spawn(Lives(0)).id();
        let third = mourner(&mut world);
        let messenger = world.spawn(Messenger(third)).id();
        world.register_signal(messenger, target, pass_on).unwrap();
        let relay = move |mut world: DeferredWorld, lost: Received<Qdeleting, Lives>| {
            let _ = lost;
            let third = world.get::<Names>(lost.listener()).unwrap().0;
            let how = world.resource::<How>().0;
            let mut commands = world.commands();
            let mut third = commands.entity(third);
            match how {
                0 => {
                    third.unregister_signal::<Mourner, Qdeleting>(lost.target());
                }
                1 => {
                    third.replace_signal(lost.target(), shout);
                }
                2 => {
                    third.register_signal(lost.target(), shout);
                }
                _ => {
                    let target = lost.target();
                    commands.queue(move |world: &mut World| {
                        let third = world.get::<Names>(target).unwrap().0;
                        let ended = world.unregister_signal::<Mourner, Qdeleting>(third, target);
                        assert_eq!(ended, Ok(()));
                        let ended = world.unregister_signal::<Mourner, Qdeleting>(third, target);
                        assert!(ended.is_err());
                    });
                }
            }
        };
        world.insert_resource(How(how));
        world.entity_mut(target).insert(Names(third));
        world.register_signal(target, target, relay).unwrap();

        world.qdel(target).unwrap();

        let notices = [1, 2, 1, 0][how as usize] * usize::from(how != 0);
        assert_eq!(noted(&world, third).len(), notices, "way {how}");
    }
}

#[derive(Component)]
struct Names(Entity);

#[derive(Resource)]
struct How(u32);

/// Those that wait come in force in the order of their commands, whatever they wait for (S6, S12).
#[test]
fn registrations_that_wait_keep_their_order() {
    let mut world = stage();
    let target = world.spawn_empty().id();
    let listeners: Vec<_> = (0..6)
        .map(|_| world.spawn((Mourner::default(), Lives(1))).id())
        .collect();
    let mut backwards = listeners.clone();
    backwards.reverse();
    for listener in &listeners {
        register(&mut world, *listener, target);
    }

    world.qdel_batch(backwards);

    assert_eq!(listeners_on(&world, target), listeners);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// A thousand that wait for one are each answered once, with no more looks than there are (S12).
#[test]
fn many_that_wait_for_one_are_each_answered_once() {
    for lives in [0, 1] {
        let mut world = stage();
        let target = world.spawn(Lives(lives)).id();
        let listeners: Vec<_> = (0..1000).map(|_| mourner(&mut world)).collect();
        let first = mourner(&mut world);
        world.register_signal(first, target, Mourner::note).unwrap();
        let queue = {
            let listeners = listeners.clone();
            move |world: &mut World| {
                for listener in listeners {
                    register(world, listener, target);
                }
            }
        };
        world.commands().queue(|world: &mut World| {
            // Applied by the deletion, when all are told.
            world.commands().queue(queue);
        });

        world.commands().entity(target).qdel();
        world.flush();

        let answered = listeners
            .iter()
            .filter(|listener| !noted(&world, **listener).is_empty())
            .count();
        let in_force = listeners_on(&world, target).len();
        assert!(answered + in_force >= 1000, "{answered} and {in_force}");
        assert_eq!(world.check_registrations(), Ok(()));
    }
}

/// By a world, a registration on the dying is refused at once, as ever (S4).
#[test]
fn world_is_refused_at_once() {
    let mut world = stage();
    let target = world.spawn(Lives(0)).id();
    let listener = mourner(&mut world);
    world.qdel(target).unwrap();

    let refused = world.register_signal(listener, target, Mourner::note);

    assert!(matches!(refused, Err(RegisterError::TargetDeleting(_))));
    assert_eq!(noted(&world, listener), []);
}

/// Where no entity can live on, there is nothing to wait for (S12).
#[test]
fn without_destroys_the_late_are_answered_at_once() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let third = mourner(&mut world);
    let messenger = world.spawn(Messenger(third)).id();
    world.register_signal(messenger, target, pass_on).unwrap();

    world.qdel(target).unwrap();

    assert_eq!(noted(&world, third), [(target, QdelCause::AlreadyGone)]);
}

/// Two registrations wait for the decision, and the first one's handler panics.
struct TwoThatWait {
    world: World,
    kept: Entity,
    doomed: Entity,
    witness: Entity,
}

/// Panics when it hears, with what `throw` says.
#[derive(Component)]
struct Squeamish {
    throw: fn(),
    heard: usize,
}

impl Squeamish {
    fn hear(&mut self, _: Received<Qdeleting>) {
        self.heard += 1;
        (self.throw)();
    }
}

/// What is thrown first.
struct First;

/// Panics when it is dropped.
struct Evil;

impl Drop for Evil {
    fn drop(&mut self) {
        resume_unwind(Box::new("the payload was dropped"));
    }
}

fn throw_first() {
    resume_unwind(Box::new(First));
}

fn throw_evil() {
    resume_unwind(Box::new(Evil));
}

impl TwoThatWait {
    fn new(throw: fn(), handler: FallbackErrorHandler) -> Self {
        let mut world = stage();
        world.insert_resource(handler);
        let squeamish = Squeamish { throw, heard: 0 };
        let kept = world.spawn((squeamish, Lives(1))).id();
        let doomed = world.spawn(Lives(0)).id();
        let witness = mourner(&mut world);
        // Heard, so that there is a stage in which commands are applied.
        world
            .register_signal(witness, doomed, Mourner::note)
            .unwrap();
        let mut commands = world.commands();
        commands
            .entity(kept)
            .register_signal(doomed, Squeamish::hear);
        register(&mut world, witness, kept);
        Self {
            world,
            kept,
            doomed,
            witness,
        }
    }

    /// Deletes both, and returns what that panicked with.
    fn qdel(&mut self) -> Result<(), Box<dyn core::any::Any + Send>> {
        let roots = [self.kept, self.doomed];
        let qdel = || {
            self.world.qdel_batch(roots);
        };
        catch_unwind(AssertUnwindSafe(qdel))
    }

    fn assert_answered(&self) {
        assert_eq!(self.world.get::<Squeamish>(self.kept).unwrap().heard, 1);
        assert_eq!(listeners_on(&self.world, self.kept), [self.witness]);
        assert_eq!(self.world.check_registrations(), Ok(()));
    }
}

fn swallow(error: BevyError, _: ErrorContext) {
    drop(error);
}

/// Bevy goes on with the panic, and drops the commands that wait behind it (S11, S12).
#[test]
fn late_registration_outlives_the_panic_of_another_regression() {
    let mut two = TwoThatWait::new(throw_first, FallbackErrorHandler::default());

    let outcome = two.qdel();

    assert!(outcome.unwrap_err().is::<First>());
    two.assert_answered();
}

/// The error handler drops what the first one panicked with, and that panics (S11, S12).
#[test]
fn late_registration_outlives_a_payload_that_panics_when_it_is_dropped_regression() {
    let mut two = TwoThatWait::new(throw_evil, FallbackErrorHandler(swallow));

    let outcome = two.qdel();

    let payload = outcome.unwrap_err();
    let said = payload.downcast_ref::<&str>().copied();
    assert_eq!(said, Some("the payload was dropped"));
    two.assert_answered();
}

/// What a registration that is tried again panics with goes only to the error handler,
/// as with every command (S12).
#[test]
fn late_registrations_are_all_tried_where_panics_are_swallowed() {
    let mut two = TwoThatWait::new(throw_first, FallbackErrorHandler(swallow));

    let outcome = two.qdel();

    assert!(outcome.is_ok());
    two.assert_answered();
}
