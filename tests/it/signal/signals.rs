//! Registering and unregistering: who listens to whom, what is refused, and how registrations end.
//!
//! The rules are those of the design: S1 to S6, S10, and S12 to S14.

use std::{cell::RefCell, collections::HashSet};

use bevy_ecs::{
    entity::EntityCloner,
    error::{BevyError, ErrorContext, FallbackErrorHandler, Severity},
    lifecycle::HookContext,
    prelude::*,
    resource::IsResource,
    world::DeferredWorld,
};
use qdel::{
    Footprint, QdelCounts, QdelError, RegisterError, Registered, Registration, Replaced,
    UnregisterError, prelude::*,
};

// Signals and listeners.

#[derive(Debug)]
struct Ping;

impl Signal for Ping {
    type Answer = Vec<&'static str>;
}

#[derive(Debug)]
struct Pong;

impl Signal for Pong {
    type Answer = Vec<&'static str>;
}

#[derive(Component, Default, Clone)]
struct Archer {
    causes: Vec<Cause>,
}

impl Archer {
    fn note(&mut self, gone: Received<Qdeleting>) {
        self.causes.push(gone.cause);
    }
}

#[derive(Component, Default, Clone)]
struct Guard {
    causes: Vec<Cause>,
}

impl Guard {
    fn note(&mut self, gone: Received<Qdeleting>) {
        self.causes.push(gone.cause);
    }
}

/// Cannot be written, so only handlers that take the world can listen for it.
#[derive(Component)]
#[component(immutable)]
struct Statue;

/// A resource of the user.
#[derive(Resource, Default)]
struct Weather {
    causes: Vec<Cause>,
}

/// What happened, in order.
#[derive(Resource, Default, Debug, PartialEq)]
struct Order(Vec<&'static str>);

fn archer_says(_: &mut Archer, _: Received<Ping>) -> Vec<&'static str> {
    vec!["archer"]
}

fn archer_shouts(_: &mut Archer, _: Received<Ping>) -> Vec<&'static str> {
    vec!["ARCHER"]
}

fn archer_of_the_world(_: DeferredWorld, _: Received<Ping, Archer>) -> Vec<&'static str> {
    vec!["archer of the world"]
}

fn archer_answers_pong(_: &mut Archer, _: Received<Pong>) -> Vec<&'static str> {
    vec!["archer: pong"]
}

fn guard_says(_: &mut Guard, _: Received<Ping>) -> Vec<&'static str> {
    vec!["guard"]
}

fn guard_answers_pong(_: &mut Guard, _: Received<Pong>) -> Vec<&'static str> {
    vec!["guard: pong"]
}

// What is said about all registrations at once.

/// Returns all registrations on `entities`, after comparing both sides of the books (S14).
fn registrations(world: &World, entities: &[Entity]) -> Vec<Registration> {
    assert_eq!(world.check_registrations(), Ok(()));
    let on: Vec<_> = entities
        .iter()
        .flat_map(|entity| world.registrations_on(*entity))
        .collect();
    let of: Vec<_> = entities
        .iter()
        .flat_map(|entity| world.registrations_of(*entity))
        .collect();
    assert_eq!(on.len(), of.len(), "on {on:#?}\nof {of:#?}");
    let mirrored: HashSet<_> = of.into_iter().collect();
    assert_eq!(mirrored, on.iter().copied().collect::<HashSet<_>>());
    on
}

fn listeners_on(world: &World, target: Entity) -> Vec<Entity> {
    let on = world.registrations_on(target);
    on.into_iter().map(|on| on.listener).collect()
}

/// How the end of a component is noticed.
#[derive(Clone, Copy, Debug)]
enum Watch {
    /// The component was registered as a listener before anything else.
    Hook,
    /// It was in use before it first listened.
    Observer,
}

/// A world in which each of two listeners listens to each of two targets.
struct Scene {
    world: World,
    target: Entity,
    other: Entity,
    listener: Entity,
    bystander: Entity,
}

impl Scene {
    fn new(watch: Watch) -> Self {
        let mut world = World::new();
        if let Watch::Hook = watch {
            world.register_listener::<Archer>();
            world.register_listener::<Guard>();
        }
        let target = world.spawn_empty().id();
        let other = world.spawn_empty().id();
        let both = (Archer::default(), Guard::default());
        let listener = world.spawn(both.clone()).id();
        let bystander = world.spawn(both).id();
        for target in [target, other] {
            for listener in [listener, bystander] {
                let registered = [
                    world.register_signal(listener, target, archer_says),
                    world.register_signal(listener, target, archer_answers_pong),
                    world.register_signal(listener, target, Archer::note),
                    world.register_signal(listener, target, guard_says),
                ];
                assert_eq!(registered, [Ok(Registered::Now); 4]);
            }
        }
        Self {
            world,
            target,
            other,
            listener,
            bystander,
        }
    }

    fn registrations(&self) -> Vec<Registration> {
        let entities = [self.target, self.other, self.listener, self.bystander];
        registrations(&self.world, &entities)
    }

    /// Does `act` for both kinds of watch, and expects exactly the registrations to end that `ends`.
    fn ends(act: impl Fn(&mut Scene), ends: impl Fn(&Scene, &Registration) -> bool) {
        for watch in [Watch::Hook, Watch::Observer] {
            let mut scene = Scene::new(watch);
            let mut expected = scene.registrations();
            assert_eq!(expected.len(), 16);

            act(&mut scene);

            expected.retain(|registration| !ends(&scene, registration));
            assert_eq!(scene.registrations(), expected, "{watch:?}");
        }
    }
}

fn is_archer(registration: &Registration) -> bool {
    registration.component.ends_with("Archer")
}

/// Makes a fresh world with a target and an archer.
fn pair() -> (World, Entity, Entity) {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archer = world.spawn(Archer::default()).id();
    (world, target, archer)
}

thread_local! {
    /// What Bevy's error handler was given on this thread.
    static COMPLAINTS: RefCell<Vec<(Severity, String)>> = const { RefCell::new(Vec::new()) };
}

fn record_complaints(world: &mut World) {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "error handlers take errors by value"
    )]
    fn record(error: BevyError, _: ErrorContext) {
        let said = (error.severity(), error.to_string());
        COMPLAINTS.with_borrow_mut(|complaints| complaints.push(said));
    }
    world.insert_resource(FallbackErrorHandler(record));
}

fn complaints() -> Vec<(Severity, String)> {
    COMPLAINTS.with_borrow_mut(core::mem::take)
}

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

// S3: replace and once.

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

        assert_eq!(replaced, Ok(Replaced::Handler));
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

    assert_eq!(replaced, Ok(Replaced::Nothing));
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
        (Ok(Replaced::Handler), Ok(Replaced::Handler))
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

    assert_eq!(replaced, Ok(Replaced::Handler));
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

    assert_eq!(replaced, Ok(Replaced::Handler));
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

// S4: what is refused.

/// Registers the handlers of an `Archer` here and there, so that nothing about them is new any more.
fn warm_up(world: &mut World) {
    let targets = [(); 2].map(|()| world.spawn_empty().id());
    let archers = [(); 2].map(|()| world.spawn(Archer::default()).id());
    for target in targets {
        world
            .register_signal(archers[0], target, archer_says)
            .unwrap();
        world
            .register_signal(archers[1], target, archer_of_the_world)
            .unwrap();
        world
            .replace_signal(archers[0], target, archer_says)
            .unwrap();
        world
            .replace_signal(archers[1], target, archer_of_the_world)
            .unwrap();
        for archer in archers {
            world.register_signal(archer, target, Archer::note).unwrap();
        }
    }
    for entity in targets.into_iter().chain(archers) {
        world.despawn(entity);
    }
}

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
    assert_eq!(told, &[Cause::Owner(owner)]);
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
    assert_eq!(world.resource::<Weather>().causes, [Cause::Despawn]);
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

/// S4: a command that waits in the world's own queue may delete the target in the middle of registering.
#[test]
fn target_that_a_waiting_command_despawns_is_an_error_and_no_panic() {
    let (mut world, target, archer) = pair();
    let other = world.spawn_empty().id();
    let guard = world.spawn(Guard::default()).id();
    world.register_signal(guard, other, guard_says).unwrap();
    world.commands().entity(target).despawn();

    // The first handler of the component: the world gets an observer for it, which applies commands.
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

/// `Signals` may be removed by hand, also by a command that waits.
#[test]
fn registering_survives_a_waiting_command_that_removes_the_list() {
    let (mut world, target, archer) = pair();
    let other = world.spawn_empty().id();
    world.register_signal(archer, other, archer_says).unwrap();
    world.commands().entity(target).remove::<Signals>();

    let registered = world.register_signal(archer, target, archer_says);

    assert_eq!(registered, Ok(Registered::Now));
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}

// S5: handlers.

/// S5.
#[test]
fn handler_of_fields_writes_its_component() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, Archer::note).unwrap();

    world.despawn(target);

    assert_eq!(
        world.get::<Archer>(archer).unwrap().causes,
        [Cause::Despawn]
    );
}

/// S5.
#[test]
fn handler_of_the_world_writes_whatever_it_likes() {
    let (mut world, target, archer) = pair();
    let bystander = world.spawn(Guard::default()).id();
    world.insert_resource(Order::default());
    let write = |mut world: DeferredWorld, gone: Received<Qdeleting, Archer>| {
        world.resource_mut::<Order>().0.push("told");
        let mut archer = world.get_mut::<Archer>(gone.listener()).unwrap();
        archer.causes.push(gone.cause);
        world.commands().spawn(Guard::default());
    };
    world.register_signal(archer, target, write).unwrap();

    world.despawn(target);

    assert_eq!(world.resource::<Order>().0, ["told"]);
    assert_eq!(
        world.get::<Archer>(archer).unwrap().causes,
        [Cause::Despawn]
    );
    let mut guards = world.query_filtered::<Entity, With<Guard>>();
    assert_eq!(guards.iter(&world).filter(|it| *it != bystander).count(), 1);
}

/// S5.
#[test]
fn closure_that_captures_nothing_is_a_handler() {
    let (mut world, target, archer) = pair();
    let note = |archer: &mut Archer, gone: Received<Qdeleting>| archer.note(gone);

    world.register_signal(archer, target, note).unwrap();
    world.despawn(target);

    assert_eq!(
        world.get::<Archer>(archer).unwrap().causes,
        [Cause::Despawn]
    );
}

/// S5.
#[test]
fn generic_function_is_one_handler_per_type() {
    fn hear<S: Signal<Answer = Vec<&'static str>>>(
        _: &mut Archer,
        _: Received<S>,
    ) -> Vec<&'static str> {
        vec![core::any::type_name::<S>()]
    }
    let (mut world, target, archer) = pair();

    world.register_signal(archer, target, hear::<Ping>).unwrap();
    world.register_signal(archer, target, hear::<Pong>).unwrap();

    let said = [
        world.send_signal(target, Ping),
        world.send_signal(target, Pong),
    ];
    assert!(said[0][0].ends_with("Ping"));
    assert!(said[1][0].ends_with("Pong"));
}

/// S5.
#[test]
fn immutable_component_listens_with_a_handler_of_the_world() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let statue = world.spawn(Statue).id();
    let say = |_: DeferredWorld, _: Received<Ping, Statue>| vec!["statue"];

    world.register_signal(statue, target, say).unwrap();

    assert_eq!(world.send_signal(target, Ping), ["statue"]);
}

/// S5.
#[test]
fn received_names_both_ends_and_the_signal() {
    struct Hit {
        damage: u32,
    }
    impl Signal for Hit {
        type Answer = Vec<(Entity, Entity, u32)>;
    }
    let (mut world, target, archer) = pair();
    let soldier = world.spawn(Archer::default()).id();
    let fields =
        |_: &mut Archer, hit: Received<Hit>| vec![(hit.listener(), hit.target(), hit.damage)];
    let whole = |_: DeferredWorld, hit: Received<Hit, Archer>| {
        vec![(hit.listener(), hit.target(), hit.signal().damage)]
    };
    world.register_signal(archer, target, fields).unwrap();
    world.register_signal(soldier, target, whole).unwrap();

    let answer = world.send_signal(target, Hit { damage: 7 });

    assert_eq!(answer, [(archer, target, 7), (soldier, target, 7)]);
}

/// S5: two registrations fit into the target's component, and a page of books is shared by neighbours.
#[test]
fn registration_takes_no_memory_of_its_own() {
    let (mut world, target, archer) = pair();
    let second = world.spawn(Archer::default()).id();
    let second_target = world.spawn_empty().id();
    world.register_signal(archer, target, archer_says).unwrap();
    let one = world.signal_footprint();

    world.register_signal(second, target, archer_says).unwrap();
    let two = world.signal_footprint();
    let third = world.spawn(Archer::default()).id();
    world
        .register_signal(third, second_target, archer_says)
        .unwrap();
    let three = world.signal_footprint();

    assert_eq!(
        [one.registrations, two.registrations, three.registrations],
        [1, 2, 3]
    );
    assert_eq!(two.heap_bytes, one.heap_bytes);
    assert_eq!(three.heap_bytes, one.heap_bytes);
}

/// S5.
#[test]
fn entity_is_not_spawned_per_registration() {
    let mut scene = Scene::new(Watch::Observer);
    let newcomer = scene.world.spawn(Archer::default()).id();
    let count = scene.world.entities().count_spawned();

    let target = scene.target;
    scene
        .world
        .register_signal(newcomer, target, archer_says)
        .unwrap();

    assert_eq!(scene.world.entities().count_spawned(), count);
}

/// S5.
#[test]
fn handlers_have_no_size() {
    fn size_of_handler<Shape, H: qdel::SignalHandler<Shape>>(_: H) -> usize {
        size_of::<H>()
    }

    let closure = |_: &mut Archer, _: Received<Qdeleting>| ();

    assert_eq!(size_of_handler(archer_says), 0);
    assert_eq!(size_of_handler(archer_of_the_world), 0);
    assert_eq!(size_of_handler(closure), 0);
}

// S6: order.

/// Says which entity listens.
fn name_listener(_: &mut Archer, call: Received<WhoIsThere>) -> Vec<Entity> {
    vec![call.listener()]
}

struct WhoIsThere;

impl Signal for WhoIsThere {
    type Answer = Vec<Entity>;
}

/// S6.
#[test]
fn handlers_are_called_in_order_of_registration() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mut soldiers: Vec<_> = (0..200)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    // Neither the order of spawning nor its reverse.
    soldiers.sort_by_key(|soldier| soldier.index_u32().wrapping_mul(0x9E37_79B9));
    for soldier in &soldiers {
        world
            .register_signal(*soldier, target, name_listener)
            .unwrap();
    }

    let called = world.send_signal(target, WhoIsThere);

    assert_eq!(called, soldiers);
    assert_eq!(listeners_on(&world, target), soldiers);
}

/// S6.
#[test]
fn registering_anew_goes_to_the_end() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let soldiers = [(); 3].map(|()| world.spawn(Archer::default()).id());
    for soldier in soldiers {
        world
            .register_signal(soldier, target, name_listener)
            .unwrap();
    }

    world
        .unregister_signal::<Archer, WhoIsThere>(soldiers[0], target)
        .unwrap();
    world
        .register_signal(soldiers[0], target, name_listener)
        .unwrap();

    let expected = [soldiers[1], soldiers[2], soldiers[0]];
    assert_eq!(world.send_signal(target, WhoIsThere), expected);
    assert_eq!(listeners_on(&world, target), expected);
}

/// S6.
#[test]
fn registrations_of_a_listener_are_in_order() {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();
    let targets = [(); 5].map(|()| world.spawn_empty().id());
    for target in targets {
        world.register_signal(archer, target, archer_says).unwrap();
    }

    world
        .unregister_signal::<Archer, Ping>(archer, targets[1])
        .unwrap();
    world
        .register_signal(archer, targets[1], archer_says)
        .unwrap();

    let of: Vec<_> = world
        .registrations_of(archer)
        .iter()
        .map(|of| of.target)
        .collect();
    assert_eq!(
        of,
        [targets[0], targets[2], targets[3], targets[4], targets[1]]
    );
}

// S10: both ends clean up.

/// S10.
#[test]
fn registrations_end_when_the_target_is_despawned() {
    Scene::ends(
        |scene| assert!(scene.world.despawn(scene.target)),
        |scene, it| it.target == scene.target,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_target_is_torn_down() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.target).unwrap();
            scene.world.flush_qdel();
        },
        |scene, it| it.target == scene.target,
    );
}

/// S10: the notice is the last that listeners hear of a target; other signals may follow until it is gone.
#[test]
fn only_the_notice_is_over_while_the_target_is_deleting() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.target).unwrap();
        },
        |scene, it| it.target == scene.target && it.signal.ends_with("Qdeleting"),
    );
}

/// S10.
#[test]
fn registrations_end_when_the_listener_is_despawned() {
    Scene::ends(
        |scene| assert!(scene.world.despawn(scene.listener)),
        |scene, it| it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_listener_is_torn_down() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.listener).unwrap();
            scene.world.flush_qdel();
        },
        |scene, it| it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_end_when_both_ends_are_despawned_at_once() {
    Scene::ends(
        |scene| {
            let doomed = [scene.target, scene.listener];
            scene
                .world
                .despawn_all_where::<Entity, ()>(|entity| doomed.contains(&entity));
        },
        |scene, it| it.target == scene.target || it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_component_is_removed() {
    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.listener).remove::<Archer>();
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10.
#[test]
fn registrations_end_when_the_component_is_taken() {
    Scene::ends(
        |scene| {
            let taken = scene.world.entity_mut(scene.listener).take::<Archer>();
            assert!(taken.is_some());
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10: whoever is removed and put back is another listener.
#[test]
fn registrations_do_not_return_with_the_component() {
    Scene::ends(
        |scene| {
            let mut listener = scene.world.entity_mut(scene.listener);
            let archer = listener.take::<Archer>().unwrap();
            listener.insert(archer);
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10.
#[test]
fn registrations_stay_when_the_component_is_overwritten() {
    Scene::ends(
        |scene| {
            let mut listener = scene.world.entity_mut(scene.listener);
            listener.insert(Archer::default());
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn registrations_stay_when_an_insertion_is_skipped() {
    Scene::ends(
        |scene| {
            let mut listener = scene.world.entity_mut(scene.listener);
            listener.insert_if_new(Archer::default());
        },
        |_, _| false,
    );
}

/// S10: writing a value is no overwriting.
#[test]
fn registrations_stay_when_the_component_is_written() {
    Scene::ends(
        |scene| {
            *scene.world.get_mut::<Archer>(scene.listener).unwrap() = Archer::default();
        },
        |_, _| false,
    );
}

/// S10: moving an entity to another archetype is nobody's end.
#[test]
fn registrations_stay_when_either_end_changes_its_archetype() {
    #[derive(Component)]
    struct Hat;

    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.listener).insert(Hat);
            scene.world.entity_mut(scene.target).insert(Hat);
            scene.world.entity_mut(scene.target).remove::<Hat>();
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_listener_is_cleared() {
    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.listener).clear();
        },
        |scene, it| it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_stay_when_the_target_is_cleared() {
    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.target).clear();
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn registrations_stay_when_the_mark_is_removed_by_hand() {
    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.target).remove::<Signals>();
        },
        |_, _| false,
    );
}

/// S10: inserting the mark where it is already changes nothing.
#[test]
fn registrations_stay_when_the_mark_of_a_target_is_inserted_again() {
    Scene::ends(
        |scene| {
            let mut target = scene.world.entity_mut(scene.target);
            target.insert(Signals);
            target.insert_if_new(Signals);
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn target_whose_mark_was_removed_by_hand_still_tells() {
    let mut scene = Scene::new(Watch::Observer);

    scene.world.entity_mut(scene.target).remove::<Signals>();
    scene.world.despawn(scene.target);

    let archer = scene.world.get::<Archer>(scene.listener).unwrap();
    assert_eq!(archer.causes, [Cause::Despawn]);
}

/// S10.
#[test]
fn target_whose_mark_was_removed_is_listened_to_as_before() {
    let mut scene = Scene::new(Watch::Observer);
    scene.world.entity_mut(scene.target).remove::<Signals>();

    let (listener, target) = (scene.listener, scene.target);
    let again = scene.world.register_signal(listener, target, archer_says);

    assert!(matches!(again, Err(RegisterError::AlreadyRegistered(_))));
    let said = scene.world.send_signal(target, Ping);
    assert_eq!(said, ["archer", "guard", "archer", "guard"]);
    assert_eq!(scene.registrations().len(), 16);
}

/// S10: the mark may go while its target is being deleted.
#[test]
fn registrations_that_were_not_told_stay_when_a_deleting_target_is_cleared() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.target).unwrap();
            scene.world.entity_mut(scene.target).clear();
        },
        |scene, it| it.target == scene.target && it.signal.ends_with("Qdeleting"),
    );
}

/// S10.
#[test]
fn clone_of_a_listener_has_no_registrations() {
    Scene::ends(
        |scene| {
            let clone = scene.world.entity_mut(scene.listener).clone_and_spawn();
            assert!(scene.world.get::<Archer>(clone).is_some());
            assert_eq!(scene.world.registrations_of(clone), []);
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn clone_of_a_target_has_no_registrations() {
    Scene::ends(
        |scene| {
            let clone = scene.world.entity_mut(scene.target).clone_and_spawn();
            assert_eq!(scene.world.registrations_on(clone), []);
            scene.world.despawn(clone);
            let archer = scene.world.get::<Archer>(scene.listener).unwrap();
            assert_eq!(archer.causes, []);
        },
        |_, _| false,
    );
}

/// S10: a clone overwrites what its destination had, which keeps its registrations.
#[test]
fn cloning_onto_a_listener_keeps_its_registrations() {
    Scene::ends(
        |scene| {
            let mut cloner = EntityCloner::build_opt_out(&mut scene.world);
            cloner.clone_entity(scene.listener, scene.bystander);
        },
        |_, _| false,
    );
}

/// S10: a moved component is another listener.
#[test]
fn moving_a_component_ends_its_registrations() {
    Scene::ends(
        |scene| {
            let heir = scene.world.spawn_empty().id();
            let mut listener = scene.world.entity_mut(scene.listener);
            listener.move_components::<Archer>(heir);
            assert!(scene.world.get::<Archer>(heir).is_some());
            assert_eq!(scene.world.registrations_of(heir), []);
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10: the only way to change an immutable component is to put another value in its place.
#[test]
fn registrations_stay_when_an_immutable_component_is_modified() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let statue = world.spawn(Statue).id();
    let say = |_: DeferredWorld, _: Received<Ping, Statue>| vec!["statue"];
    world.register_signal(statue, target, say).unwrap();

    world.modify_component(statue, |_: &mut Statue| ()).unwrap();

    assert_eq!(registrations(&world, &[target, statue]).len(), 1);
    assert_eq!(world.send_signal(target, Ping), ["statue"]);
}

/// S10: a component's own hook stays, before and after it listens.
#[test]
fn own_hook_of_a_listening_component_stays() {
    #[derive(Component)]
    #[component(on_remove = note_end)]
    struct Tidy;

    fn note_end(mut world: DeferredWorld, context: HookContext) {
        let registered = world.registrations_of(context.entity).len();
        assert_eq!(world.check_registrations(), Ok(()));
        assert!(registered <= 1);
        world.resource_mut::<Order>().0.push("removed");
    }

    for prepare in [
        |_: &mut World| (),
        |world: &mut World| {
            world.register_listener::<Tidy>();
        },
        |world: &mut World| {
            world.spawn(Tidy);
            world.register_listener::<Tidy>();
        },
    ] {
        let mut world = World::new();
        world.init_resource::<Order>();
        prepare(&mut world);
        let target = world.spawn_empty().id();
        let tidy = world.spawn(Tidy).id();
        let say = |_: &mut Tidy, _: Received<Ping>| vec!["tidy"];
        world.register_signal(tidy, target, say).unwrap();

        world.entity_mut(tidy).remove::<Tidy>().insert(Tidy);
        world.register_signal(tidy, target, say).unwrap();
        world.despawn(tidy);

        assert_eq!(world.resource::<Order>().0, ["removed", "removed"]);
        assert_eq!(registrations(&world, &[target, tidy]), []);
    }
}

/// S10: `register_listener` comes early, late, and twice.
#[test]
fn registering_a_component_as_listener_twice_or_late_does_no_harm() {
    let mut world = World::new();
    world.register_listener::<Archer>();
    world.register_listener::<Archer>();
    let target = world.spawn_empty().id();
    let soldier = world.spawn((Archer::default(), Guard::default())).id();
    world.register_signal(soldier, target, archer_says).unwrap();
    world.register_signal(soldier, target, guard_says).unwrap();
    world.register_listener::<Archer>();
    world.register_listener::<Guard>();

    world.entity_mut(soldier).remove::<(Archer, Guard)>();

    assert_eq!(registrations(&world, &[target, soldier]), []);
}

/// S10.
#[test]
fn books_are_as_small_after_a_despawn_as_before() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let newcomer = scene.world.spawn(Archer::default()).id();
        let before = scene.world.signal_footprint();

        for target in [scene.target, scene.other] {
            scene
                .world
                .register_signal(newcomer, target, Archer::note)
                .unwrap();
        }
        scene.world.despawn(newcomer);

        // The lists of four keep room for their fifth; everything else is as before.
        let after = scene.world.signal_footprint();
        assert_eq!(after.registrations, before.registrations);
        assert_eq!(after.crowded_listeners, before.crowded_listeners);
        assert!(after.places <= before.places + 2);
    }
}

/// S10.
#[test]
fn books_are_empty_when_all_ends_are_gone() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);

        for entity in [scene.target, scene.listener, scene.other, scene.bystander] {
            scene.world.despawn(entity);
        }

        let footprint = scene.world.signal_footprint();
        let expected = Footprint {
            heap_bytes: footprint.heap_bytes,
            ..Footprint::default()
        };
        assert_eq!(footprint, expected);
    }
}

/// S10: a listener that lives keeps a slot of 12 bytes, as the documentation says, and no more.
#[test]
fn books_of_surviving_listeners_keep_no_more_than_a_slot_each() {
    let mut world = World::new();
    let bell = world.spawn_empty().id();
    let ringer = world.spawn(Archer::default()).id();
    world.register_signal(ringer, bell, archer_says).unwrap();
    let before = world.signal_footprint();
    let soldiers: Vec<_> = (0..10_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();

    let target = world.spawn_empty().id();
    for soldier in &soldiers {
        world
            .register_signal(*soldier, target, archer_says)
            .unwrap();
    }
    world.despawn(target);
    let after_the_target = world.signal_footprint();
    for soldier in &soldiers {
        world.despawn(*soldier);
    }
    let after_all = world.signal_footprint();

    let slots = 12 * soldiers.len();
    let page = 20 * 1024;
    assert!(
        after_the_target.heap_bytes <= before.heap_bytes + slots + 2 * page,
        "before {before:?}, after {after_the_target:?}"
    );
    assert!(
        after_all.heap_bytes <= before.heap_bytes + page,
        "before {before:?}, after {after_all:?}"
    );
}

/// S10: as above, for a crowd of targets of whom the last, which stands highest in all tables, survives.
#[test]
fn books_shrink_though_one_target_is_still_listened_to() {
    for survivor_is_last in [false, true] {
        let mut world = World::new();
        let targets: Vec<_> = (0..10_000).map(|_| world.spawn_empty().id()).collect();
        let soldiers: Vec<_> = targets
            .iter()
            .map(|_| world.spawn(Archer::default()).id())
            .collect();
        let survivor = if survivor_is_last { 9_999 } else { 0 };
        for (soldier, target) in soldiers.iter().zip(&targets) {
            world
                .register_signal(*soldier, *target, archer_says)
                .unwrap();
        }
        let full = world.signal_footprint().heap_bytes;

        for (index, (soldier, target)) in soldiers.iter().zip(&targets).enumerate() {
            if index != survivor {
                world.despawn(*target);
                world.despawn(*soldier);
            }
        }

        let after = world.signal_footprint();
        assert_eq!(after.registrations, 1);
        assert!(
            after.heap_bytes < full / 10,
            "full {full}, after {after:?}, the last survives: {survivor_is_last}"
        );
    }
}

// S10, in the middle of the end: hooks and observers that act while a component is on its way out.

/// A component whose removal hook listens with the entity's `Archer` once more.
#[derive(Component)]
#[component(on_remove = sign_up_again)]
struct Clinger {
    target: Entity,
}

fn sign_up_again(mut world: DeferredWorld, context: HookContext) {
    let target = world.get::<Clinger>(context.entity).unwrap().target;
    // Refusing and accepting are both fine, as long as nothing is left behind.
    let _ = world.register_signal(context.entity, target, archer_says);
}

/// S10: whatever a hook of the dying listener does, nothing of it stays.
#[test]
fn registration_by_a_hook_of_the_dying_listener_leaves_nothing() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let (world, target) = (&mut scene.world, scene.target);
        let clinger = world.spawn((Archer::default(), Clinger { target })).id();

        world.despawn(clinger);

        assert!(!listeners_on(world, target).contains(&clinger), "{watch:?}");
        assert_eq!(world.check_registrations(), Ok(()));
    }
}

/// S10: as above, and the index of the dead listener is used again.
#[test]
fn books_stay_whole_when_the_index_of_a_clinging_listener_is_used_again() {
    let mut world = World::new();
    let [target, other] = [(); 2].map(|()| world.spawn_empty().id());
    let archer = world.spawn(Archer::default()).id();
    world.register_signal(archer, target, archer_says).unwrap();
    let clinger = world.spawn((Archer::default(), Clinger { target })).id();
    world.despawn(clinger);

    let heir = respawn_index(&mut world, clinger);
    world.entity_mut(heir).insert(Archer::default());
    world.register_signal(heir, other, archer_says).unwrap();

    assert_eq!(world.check_registrations(), Ok(()));
    assert_eq!(listeners_on(&world, target), [archer]);
}

/// S10: a component that listens from its own `Remove` is gone all the same.
#[test]
fn registration_by_a_removal_observer_of_the_component_leaves_nothing() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let (world, target) = (&mut scene.world, scene.target);
        world.add_observer(
            move |removed: On<Remove<Archer>>, mut world: DeferredWorld| {
                let _ = world.register_signal(removed.entity, target, archer_says);
            },
        );
        let clinger = world.spawn((Archer::default(), Guard::default())).id();

        world.entity_mut(clinger).remove::<Archer>();

        assert!(!listeners_on(world, target).contains(&clinger), "{watch:?}");
    }
}

/// S10: and nobody is called for a component that returns.
#[test]
fn registration_by_a_removal_observer_does_not_wait_for_the_next_component() {
    let mut scene = Scene::new(Watch::Hook);
    let (world, target) = (&mut scene.world, scene.target);
    world.add_observer(
        move |removed: On<Remove<Archer>>, mut world: DeferredWorld| {
            let _ = world.register_signal(removed.entity, target, archer_shouts);
        },
    );
    world.flush();
    let another = world.spawn(Archer::default()).id();
    let other = scene.other;
    world
        .register_signal(another, other, archer_shouts)
        .unwrap();
    let clinger = world.spawn((Archer::default(), Guard::default())).id();
    world.entity_mut(clinger).remove::<Archer>();

    world.entity_mut(clinger).insert(Archer::default());

    assert!(!world.send_signal(target, Ping).contains(&"ARCHER"));
}

/// Listens on its own entity with the helper's `Archer`, when it is removed.
///
/// Hooks of components in tables run before those in sparse sets.
#[derive(Component)]
#[component(on_remove = call_for_help::<Self>)]
struct Dying {
    helper: Entity,
}

/// The same, after the hooks of this crate, as those of sparse sets run in order of their registration.
#[derive(Component)]
#[component(storage = "SparseSet", on_remove = call_for_help::<Self>)]
struct DyingLast {
    helper: Entity,
}

trait Helped: Component {
    fn with(helper: Entity) -> Self;
    fn helper(&self) -> Entity;
}

impl Helped for Dying {
    fn with(helper: Entity) -> Self {
        Self { helper }
    }
    fn helper(&self) -> Entity {
        self.helper
    }
}

impl Helped for DyingLast {
    fn with(helper: Entity) -> Self {
        Self { helper }
    }
    fn helper(&self) -> Entity {
        self.helper
    }
}

fn call_for_help<C: Helped>(mut world: DeferredWorld, context: HookContext) {
    let helper = world.get::<C>(context.entity).unwrap().helper();
    let registered = world.register_signal(helper, context.entity, archer_says);
    let said = match registered {
        Ok(Registered::Now) => "now",
        Ok(Registered::Queued) => "queued",
        Err(_) => "refused",
    };
    world.resource_mut::<Order>().0.push(said);
}

/// Makes a world with a busy archer and a target whose `C` calls for it.
fn world_with_dying_target<C: Helped>() -> (World, Entity, Entity) {
    let (mut world, target, archer) = pair();
    world.init_resource::<Order>();
    world.register_component::<Signals>();
    world.register_component::<C>();
    let dying = world.spawn((C::with(archer), Signals)).id();
    world.register_signal(archer, target, archer_says).unwrap();
    world.register_signal(archer, dying, archer_says).unwrap();
    world
        .register_signal(archer, dying, archer_answers_pong)
        .unwrap();
    (world, archer, dying)
}

fn registration_by_a_hook_of_the_dying_target_leaves_nothing<C: Helped>() {
    let (mut world, archer, dying) = world_with_dying_target::<C>();

    world.despawn(dying);

    // Refusing and accepting are both fine, as long as nothing is left behind.
    assert_eq!(world.resource::<Order>().0.len(), 1);
    assert_eq!(world.registrations_on(dying), []);
    assert_eq!(world.registrations_of(archer).len(), 1);
    assert_eq!(world.signal_footprint().registrations, 1);
    assert_eq!(world.signal_footprint().crowded_listeners, 0);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S10 and S4.
#[test]
fn registration_by_an_early_hook_of_the_dying_target_leaves_nothing() {
    registration_by_a_hook_of_the_dying_target_leaves_nothing::<Dying>();
}

/// S10 and S4.
#[test]
fn registration_by_a_late_hook_of_the_dying_target_leaves_nothing() {
    registration_by_a_hook_of_the_dying_target_leaves_nothing::<DyingLast>();
}

fn target_that_is_cleared_can_be_listened_to_again<C: Helped>() {
    let (mut world, archer, cleared) = world_with_dying_target::<C>();
    warm_up(&mut world);
    let second = world.spawn(Archer::default()).id();

    world.entity_mut(cleared).clear();
    world
        .register_signal(second, cleared, Archer::note)
        .unwrap();
    // Whether the hook was refused or not: the books must know, and the end of the target is told.
    let listening = world.registrations_of(archer).len();
    let listened_to = world.registrations_on(cleared).len();
    assert_eq!(listening + 1, listened_to + 1);
    assert_eq!(world.check_registrations(), Ok(()));
    world.despawn(cleared);

    let told = &world.get::<Archer>(second).unwrap().causes;
    assert_eq!(told, &[Cause::Despawn]);
    assert_eq!(world.registrations_of(archer).len(), 1);
    assert_eq!(world.signal_footprint().registrations, 1);
    assert_eq!(world.signal_footprint().crowded_listeners, 0);
}

/// S10: a hook that listens to a target that is being cleared leaves it whole.
#[test]
fn target_that_is_cleared_past_an_early_hook_can_be_listened_to_again() {
    target_that_is_cleared_can_be_listened_to_again::<Dying>();
}

/// S10: as above.
#[test]
fn target_that_is_cleared_past_a_late_hook_can_be_listened_to_again() {
    target_that_is_cleared_can_be_listened_to_again::<DyingLast>();
}

/// S10: a listener that is told of its own end can sign up elsewhere, but not beyond that end.
#[test]
fn registration_in_the_notice_of_the_own_despawn_leaves_nothing() {
    fn flee(mut world: DeferredWorld, gone: Received<Qdeleting, Archer>) {
        let refuge = world.resource::<Refuge>().0;
        // Refusing and accepting are both fine, as long as nothing is left behind.
        let _ = world.register_signal(gone.listener(), refuge, archer_says);
        assert_eq!(world.check_registrations(), Ok(()));
    }
    #[derive(Resource)]
    struct Refuge(Entity);
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        scene.world.insert_resource(Refuge(scene.target));
        let hermit = scene.world.spawn(Archer::default()).id();
        scene.world.register_signal(hermit, hermit, flee).unwrap();

        scene.world.despawn(hermit);

        assert_eq!(scene.registrations().len(), 16);
        assert_eq!(scene.world.registrations_of(hermit), []);
    }
}

/// Spawns until the index of `gone` is in use again.
fn respawn_index(world: &mut World, gone: Entity) -> Entity {
    // Bevy keeps the last freed ids in a buffer of 128 before it gives them out again.
    for _ in 0..10 {
        let batch: Vec<_> = (0..512).map(|_| world.spawn_empty().id()).collect();
        let heir = batch.iter().find(|it| it.index() == gone.index()).copied();
        for entity in batch.into_iter().filter(|it| Some(*it) != heir) {
            world.despawn(entity);
        }
        if let Some(heir) = heir {
            assert_ne!(heir, gone);
            return heir;
        }
    }
    panic!("Bevy should give a freed index out again");
}

/// S10: ids carry a generation.
#[test]
fn new_owner_of_an_index_inherits_no_registrations() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let world = &mut scene.world;
        world.despawn(scene.listener);
        world.despawn(scene.target);

        let new_listener = respawn_index(world, scene.listener);
        let new_target = respawn_index(world, scene.target);
        world.entity_mut(new_listener).insert(Archer::default());

        assert_eq!(world.registrations_of(new_listener), []);
        assert_eq!(world.registrations_on(new_target), []);
        assert_eq!(world.send_signal(new_target, Ping), [""; 0]);
        let registered = world.register_signal(new_listener, new_target, archer_says);
        assert_eq!(registered, Ok(Registered::Now));
        assert_eq!(registrations(world, &[new_listener, new_target]).len(), 1);
    }
}

/// S10: the index of a target is used again while its listener's books still hold the old one.
#[test]
fn new_owner_of_an_index_is_another_target_for_an_old_listener() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, Archer::note).unwrap();
    world.despawn(target);
    let heir = respawn_index(&mut world, target);

    let registered = world.register_signal(archer, heir, Archer::note);
    let stale = world.unregister_signal::<Archer, Qdeleting>(archer, target);
    world.despawn(heir);

    assert_eq!(registered, Ok(Registered::Now));
    assert!(stale.is_err());
    assert_eq!(
        world.get::<Archer>(archer).unwrap().causes,
        [Cause::Despawn; 2]
    );
}

// S12: commands.

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
    assert_eq!(told, &[Cause::AlreadyGone]);
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
    assert_eq!(told, &[Cause::AlreadyGone]);
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
    assert_eq!(told, &[Cause::AlreadyGone; 5]);
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

    // Whoever lacks the component has nothing that could name the target.
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
    assert_eq!(replaced, Ok(Replaced::Handler));
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

// S12: hooks, observers and handlers, which hold a `DeferredWorld`.

/// What a deferred world answered.
#[derive(Resource, Default)]
struct Answers(Vec<Result<Registered, RegisterError>>);

/// A component that listens as soon as it is there.
#[derive(Component)]
#[component(on_insert = Hunter::listen)]
struct Hunter {
    prey: Option<Entity>,
    causes: Vec<Cause>,
}

impl Hunter {
    fn of(prey: Entity) -> Self {
        Self {
            prey: Some(prey),
            causes: Vec::new(),
        }
    }

    fn listen(mut world: DeferredWorld, context: HookContext) {
        let prey = world.get::<Hunter>(context.entity).unwrap().prey.unwrap();
        let answer = world.register_signal(context.entity, prey, Hunter::forget);
        world.resource_mut::<Answers>().0.push(answer);
    }

    fn forget(&mut self, gone: Received<Qdeleting>) {
        assert_eq!(self.prey, Some(gone.target()));
        self.prey = None;
        self.causes.push(gone.cause);
    }
}

/// S12.
#[test]
fn hook_registers_by_command_what_needs_a_structural_change() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let prey = world.spawn_empty().id();

    let hunter = world.spawn(Hunter::of(prey)).id();

    assert_eq!(world.resource::<Answers>().0, [Ok(Registered::Queued)]);
    assert_eq!(registrations(&world, &[prey, hunter]).len(), 1);
    world.despawn(prey);
    assert_eq!(world.get::<Hunter>(hunter).unwrap().prey, None);
}

/// S12.
#[test]
fn hook_registers_at_once_on_a_target_that_is_prepared() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let prey = world.spawn(Signals).id();
    world.spawn(Hunter::of(prey));
    world.resource_mut::<Answers>().0.clear();

    let hunters: Vec<_> = (0..3).map(|_| world.spawn(Hunter::of(prey)).id()).collect();

    assert_eq!(world.resource::<Answers>().0, [Ok(Registered::Now); 3]);
    assert_eq!(listeners_on(&world, prey)[1..], hunters);
}

/// S12 and S10: the registration of the value before stays.
#[test]
fn hook_of_an_overwritten_component_registers_the_new_one() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let [first, second] = [(); 2].map(|()| world.spawn(Signals).id());
    let hunter = world.spawn(Hunter::of(first)).id();

    world.entity_mut(hunter).insert(Hunter::of(second));

    assert_eq!(listeners_on(&world, first), [hunter]);
    assert_eq!(listeners_on(&world, second), [hunter]);
    assert_eq!(registrations(&world, &[first, second, hunter]).len(), 2);
}

/// S12.
#[test]
fn queued_registration_of_a_hook_whose_target_dies_first_is_told_at_once() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let prey = world.spawn_empty().id();
    // The command waits ahead of the one that the hook queues.
    world.commands().entity(prey).despawn();

    let mut deferred_hunter = world.commands();
    let hunter = deferred_hunter.spawn(Hunter::of(prey)).id();
    world.flush();

    let said = world.resource::<Answers>().0.clone();
    assert!(
        matches!(
            said[..],
            [Ok(Registered::Queued) | Err(RegisterError::TargetNotSpawned(_))]
        ),
        "{said:?}"
    );
    if said == [Ok(Registered::Queued)] {
        let hunter = world.get::<Hunter>(hunter).unwrap();
        assert_eq!(hunter.causes, [Cause::AlreadyGone]);
    }
}

/// S12: the handler queues the end of the target before it registers on it.
#[test]
fn registration_that_waits_behind_the_end_of_its_target_is_told_at_once() {
    let (mut world, bell, archer) = pair();
    world.init_resource::<Answers>();
    fn aim(mut world: DeferredWorld, ping: Received<Ping, Archer>) -> Vec<&'static str> {
        let victims: Vec<_> = world.resource::<Victims>().0.clone();
        for (victim, end) in victims {
            match end {
                End::Despawn => world.commands().entity(victim).despawn(),
                End::Qdel => world.queue_qdel(victim),
            }
            let answer = world.register_signal(ping.listener(), victim, Archer::note);
            world.resource_mut::<Answers>().0.push(answer);
        }
        vec![]
    }
    #[derive(Clone, Copy)]
    enum End {
        Despawn,
        Qdel,
    }
    #[derive(Resource)]
    struct Victims(Vec<(Entity, End)>);
    let victims = [End::Despawn, End::Qdel].map(|end| (world.spawn_empty().id(), end));
    world.insert_resource(Victims(victims.to_vec()));
    world.register_signal(archer, bell, aim).unwrap();

    world.send_signal(bell, Ping);

    assert_eq!(world.resource::<Answers>().0, [Ok(Registered::Queued); 2]);
    let told = &world.get::<Archer>(archer).unwrap().causes;
    assert_eq!(told, &[Cause::AlreadyGone; 2]);
}

/// S12.
#[test]
fn observer_registers_at_once_or_by_command() {
    #[derive(Event)]
    struct Alarm {
        listener: Entity,
        target: Entity,
    }

    let (mut world, target, archer) = pair();
    world.init_resource::<Answers>();
    let second = world.spawn(Archer::default()).id();
    world.add_observer(|alarm: On<Alarm>, mut world: DeferredWorld| {
        let answer = world.register_signal(alarm.listener, alarm.target, Archer::note);
        world.resource_mut::<Answers>().0.push(answer);
    });

    for listener in [archer, second] {
        world.trigger(Alarm { listener, target });
        world.flush();
    }

    assert_eq!(
        world.resource::<Answers>().0,
        [Ok(Registered::Queued), Ok(Registered::Now)]
    );
    assert_eq!(listeners_on(&world, target), [archer, second]);
}

/// S12: the same verbs on a deferred world.
#[test]
fn deferred_world_replaces_unregisters_sends_and_asks() {
    let mut scene = Scene::new(Watch::Hook);
    let (listener, target) = (scene.listener, scene.target);
    let mut world = DeferredWorld::from(&mut scene.world);

    let replaced = world.replace_signal(listener, target, archer_says);
    let is_heard = world.has_listeners::<Ping>(target);
    let said = world.send_signal(target, Ping);
    let said_with = world.send_signal_with(target, || Pong);
    let ended = world.unregister_signal::<Archer, Ping>(listener, target);
    let once = world.register_signal_once(listener, target, archer_says);
    let unprepared = world.replace_signal(target, target, archer_says);

    assert_eq!(replaced, Ok(Replaced::Handler));
    assert!(is_heard);
    assert_eq!(said, ["archer", "guard", "archer", "guard"]);
    assert_eq!(said_with, ["archer: pong", "archer: pong"]);
    assert_eq!((ended, once), (Ok(()), Ok(Registered::Now)));
    assert!(matches!(
        unprepared,
        Err(RegisterError::MissingComponent(_))
    ));
    assert_eq!(scene.registrations().len(), 16);
}

/// S12.
#[test]
fn deferred_world_queues_a_replacement_that_needs_a_structural_change() {
    let (mut world, target, archer) = pair();
    let mut deferred = DeferredWorld::from(&mut world);

    let replaced = deferred.replace_signal(archer, target, archer_says);
    let global = deferred.register_global_signal(archer, archer_answers_pong);
    world.flush();

    assert_eq!(replaced, Ok(Replaced::Queued));
    assert_eq!(global, Ok(Registered::Queued));
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
    assert_eq!(world.send_global_signal(Pong), ["archer: pong"]);
}

/// S12: two queued registrations for one key are one registration and one warning.
#[test]
fn second_queued_registration_is_a_warning() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);
    let mut deferred = DeferredWorld::from(&mut world);

    let first = deferred.register_signal(archer, target, archer_says);
    let second = deferred.register_signal(archer, target, archer_shouts);
    world.flush();

    assert_eq!(
        (first, second),
        (Ok(Registered::Queued), Ok(Registered::Queued))
    );
    let [(severity, _)] = complaints().try_into().expect("one complaint");
    assert_eq!(severity, Severity::Warning);
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}

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

/// S10: whoever despawns a whole level may sweep away the observer that watches a component.
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
