//! S5: handlers.
//! S6: order.

use super::*;
use qdel::QdelCause;

// S5: handlers.

/// S5.
#[test]
fn handler_of_fields_writes_its_component() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, Archer::note).unwrap();

    world.despawn(target);

    assert_eq!(
        world.get::<Archer>(archer).unwrap().causes,
        [QdelCause::Despawn]
    );
}

/// S5.
#[test]
fn handler_of_the_world_writes_whatever_it_likes() {
    let (mut world, target, archer) = pair();
    let bystander = world.spawn(Guard::default()).id();
    world.init_resource::<Order>();
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
        [QdelCause::Despawn]
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
        [QdelCause::Despawn]
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

/// S5: two registrations fit into the target's component, and a page of books is shared by
/// neighbours.
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
