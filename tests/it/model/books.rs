//! The books in the long run: churn, order, generations, and a comparison with a naive model.
//!
//! The rules are those of the design: S2, S3, S6, S7, S10, S12 and S14, all of them at once.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet, VecDeque},
};

use bevy_ecs::{
    component::Mutable,
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use proptest::prelude::*;
use qdel::{Footprint, Registered, Registration, Replaced, prelude::*};

struct Ping;

impl Signal for Ping {
    type Answer = Vec<Entity>;
}

#[derive(Component, Default, Clone)]
struct Archer {
    gone: u32,
}

#[derive(Component, Default, Clone)]
struct Guard;

fn archer_says(_: &mut Archer, ping: Received<Ping>) -> Vec<Entity> {
    vec![ping.listener()]
}

fn archer_shouts(archer: &mut Archer, ping: Received<Ping>) -> Vec<Entity> {
    archer_says(archer, ping)
}

fn guard_says(_: DeferredWorld, ping: Received<Ping, Guard>) -> Vec<Entity> {
    vec![ping.listener()]
}

impl Archer {
    fn note(&mut self, _: Received<Qdeleting>) {
        self.gone += 1;
    }
}

/// A million, or as many as a debug build gets through in a few seconds.
const MANY: usize = if cfg!(debug_assertions) {
    100_000
} else {
    1_000_000
};

const BATCH: usize = 1_000;

/// Does `round` again and again, and expects the books to be as small as after the first time.
fn expect_no_growth(world: &mut World, rounds: usize, mut round: impl FnMut(&mut World)) {
    // The first round warms up: the books keep a spare page.
    round(world);
    let before = world.signal_footprint();

    for _ in 1..rounds {
        round(world);
    }

    assert_eq!(world.signal_footprint(), before);
    assert_eq!(world.check_registrations(), Ok(()));
}

// S10: churn.

#[test]
fn million_short_lived_listeners_leave_nothing_on_a_long_lived_target() {
    for prepare in [false, true] {
        let mut world = World::new();
        if prepare {
            world.register_listener::<Archer>();
        }
        let target = world.spawn_empty().id();

        expect_no_growth(&mut world, MANY / BATCH, |world| {
            let archers: Vec<_> = (0..BATCH)
                .map(|_| world.spawn(Archer::default()).id())
                .collect();
            for archer in &archers {
                world
                    .register_signal(*archer, target, Archer::note)
                    .unwrap();
            }
            for archer in archers.iter().step_by(2) {
                world
                    .unregister_signal::<Archer, Qdeleting>(*archer, target)
                    .unwrap();
            }
            for archer in archers {
                world.despawn(archer);
            }
        });

        assert_eq!(world.signal_footprint().places, 0);
    }
}

/// The list is never empty, so it is tidied while it is in use.
#[test]
fn million_short_lived_listeners_beside_a_long_lived_one_leave_little() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let veteran = world.spawn(Archer::default()).id();
    world.register_signal(veteran, target, archer_says).unwrap();
    let before = world.signal_footprint();

    let mut alive = VecDeque::new();
    let mut most_places = 0;
    for round in 0..MANY {
        let archer = world.spawn(Archer::default()).id();
        world.register_signal(archer, target, archer_says).unwrap();
        alive.push_back(archer);
        if alive.len() > 10 {
            let oldest = alive.pop_front().unwrap();
            if round % 2 == 0 {
                world
                    .unregister_signal::<Archer, Ping>(oldest, target)
                    .unwrap();
            }
            world.despawn(oldest);
        }
        if round % 101 == 0 {
            most_places = most_places.max(world.signal_footprint().places);
        }
    }
    for archer in alive {
        world.despawn(archer);
    }

    let after = world.signal_footprint();
    assert_eq!(after.registrations, before.registrations);
    assert!(most_places < 100, "{most_places} places for 12 listeners");
    assert!(after.places < 32, "{after:?}");
    assert!(after.heap_bytes < before.heap_bytes + 1_000, "{after:?}");
    assert_eq!(world.send_signal(target, Ping), [veteran]);
}

#[test]
fn million_short_lived_targets_leave_nothing_in_the_books_of_a_long_lived_listener() {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();

    expect_no_growth(&mut world, MANY / BATCH, |world| {
        for index in 0..BATCH {
            let target = world.spawn_empty().id();
            world.register_signal(archer, target, Archer::note).unwrap();
            match index % 4 {
                0 => world
                    .unregister_signal::<Archer, Qdeleting>(archer, target)
                    .unwrap(),
                1 => {
                    world.qdel(target).unwrap();
                    world.flush_qdel();
                    continue;
                }
                _ => {}
            }
            world.despawn(target);
        }
    });

    assert!(world.get::<Archer>(archer).unwrap().gone as usize >= MANY / 2);
    assert_eq!(world.registrations_of(archer), []);
}

/// Several targets at a time, so that the listener has a map of its own.
#[test]
fn listener_of_a_changing_handful_of_targets_does_not_grow() {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();
    let home = world.spawn_empty().id();
    world.register_signal(archer, home, Archer::note).unwrap();

    expect_no_growth(&mut world, MANY / 10, |world| {
        let targets = [(); 5].map(|()| world.spawn_empty().id());
        for target in targets {
            world.register_signal(archer, target, Archer::note).unwrap();
        }
        world
            .unregister_signal::<Archer, Qdeleting>(archer, targets[2])
            .unwrap();
        for target in targets {
            world.qdel(target).unwrap();
        }
        world.flush_qdel();
    });

    assert_eq!(world.registrations_of(archer).len(), 1);
}

/// Registers one listener on very many targets, and does `end` with them.
fn one_listener_of_many(end: impl FnOnce(&mut World, Entity, &[Entity])) {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();
    let rally = |world: &mut World, count: usize| -> Vec<Entity> {
        let targets: Vec<_> = (0..count).map(|_| world.spawn_empty().id()).collect();
        for target in &targets {
            world
                .register_signal(archer, *target, Archer::note)
                .unwrap();
        }
        targets
    };
    for target in rally(&mut world, 10) {
        world.despawn(target);
    }
    let before = world.signal_footprint();
    let targets = rally(&mut world, 100_000);
    assert_eq!(world.signal_footprint().registrations, 100_000);

    end(&mut world, archer, &targets);
    let ended = world.signal_footprint();
    // An entity that was listened to may keep a list until it goes.
    world.despawn_all::<With<Signals>>();

    let after = world.signal_footprint();
    assert_eq!((ended.registrations, ended.places), (0, 0));
    assert_eq!(ended.crowded_listeners, 0);
    // Of some ten million bytes little may be left.
    assert!(
        after.heap_bytes < before.heap_bytes + 64 * 1024,
        "{before:?}, {after:?}"
    );
    assert_eq!(world.registrations_of(archer), []);
}

/// S10: as long as it takes to run.
#[test]
fn hundred_thousand_targets_of_one_listener_are_despawned_oldest_first() {
    one_listener_of_many(|world, _, targets| {
        for target in targets {
            world.despawn(*target);
        }
    });
}

/// S10.
#[test]
fn hundred_thousand_targets_of_one_listener_are_despawned_youngest_first() {
    one_listener_of_many(|world, _, targets| {
        for target in targets.iter().rev() {
            world.despawn(*target);
        }
    });
}

/// S10.
#[test]
fn hundred_thousand_targets_of_one_listener_are_deleted() {
    one_listener_of_many(|world, archer, targets| {
        for targets in targets.chunks(500) {
            for target in targets {
                world.qdel(*target).unwrap();
            }
            assert_eq!(world.flush_qdel(), 500);
        }
        assert_eq!(world.get::<Archer>(archer).unwrap().gone, 100_010);
    });
}

/// S10: the documentation says that it takes constant time.
#[test]
fn listener_of_hundred_thousand_targets_unregisters_oldest_first() {
    one_listener_of_many(|world, archer, targets| {
        for target in targets {
            world
                .unregister_signal::<Archer, Qdeleting>(archer, *target)
                .unwrap();
        }
    });
}

/// S10.
#[test]
fn listener_of_hundred_thousand_targets_unregisters_in_no_order() {
    one_listener_of_many(|world, archer, targets| {
        let mut targets = targets.to_vec();
        targets.sort_by_key(|target| target.index_u32().wrapping_mul(0x9E37_79B9));
        for target in targets {
            world
                .unregister_signal::<Archer, Qdeleting>(archer, target)
                .unwrap();
        }
    });
}

/// S10.
#[test]
fn listener_of_hundred_thousand_targets_is_despawned() {
    one_listener_of_many(|world, archer, _| {
        world.despawn(archer);
    });
}

/// S10.
#[test]
fn target_of_hundred_thousand_listeners_is_despawned() {
    let mut world = World::new();
    let archers: Vec<_> = (0..100_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    let target = world.spawn_empty().id();
    for archer in &archers {
        world
            .register_signal(*archer, target, Archer::note)
            .unwrap();
    }

    world.despawn(target);

    let mut all = world.query::<&Archer>();
    assert!(all.iter(&world).all(|archer| archer.gone == 1));
    assert_eq!(world.signal_footprint().places, 0);
}

/// S6 and S10: in constant time each, wherever they stand in the list.
#[test]
fn hundred_thousand_listeners_of_one_target_unregister_in_no_order() {
    let mut world = World::new();
    let mut archers: Vec<_> = (0..100_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    let target = world.spawn_empty().id();
    for archer in &archers {
        world.register_signal(*archer, target, archer_says).unwrap();
    }
    archers.sort_by_key(|archer| archer.index_u32().wrapping_mul(0x9E37_79B9));

    for archer in archers {
        world
            .unregister_signal::<Archer, Ping>(archer, target)
            .unwrap();
    }

    assert_eq!(world.signal_footprint().places, 0);
    assert_eq!(world.check_registrations(), Ok(()));
}

#[test]
fn replacing_again_and_again_takes_no_more_room() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archers = [(); 5].map(|()| world.spawn(Archer::default()).id());

    expect_no_growth(&mut world, 1_000, |world| {
        for archer in archers {
            world.replace_signal(archer, target, archer_says).unwrap();
            world.replace_signal(archer, target, archer_shouts).unwrap();
        }
    });

    assert_eq!(world.send_signal(target, Ping), archers);
}

#[test]
fn registering_for_one_call_again_and_again_takes_no_more_room() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archers = [(); 70].map(|()| world.spawn(Archer::default()).id());

    expect_no_growth(&mut world, 1_000, |world| {
        for archer in archers {
            world
                .register_signal_once(archer, target, archer_says)
                .unwrap();
        }
        assert_eq!(world.send_signal(target, Ping), archers);
    });

    assert_eq!(world.signal_footprint().places, 0);
}

/// Each with three registrations, so each with a map.
#[test]
fn busy_listeners_that_come_and_go_leave_nothing() {
    for way in 0..3 {
        let mut world = World::new();
        let targets = [(); 3].map(|()| world.spawn_empty().id());

        expect_no_growth(&mut world, 100, |world| {
            let soldiers: Vec<_> = (0..100)
                .map(|_| world.spawn((Archer::default(), Guard)).id())
                .collect();
            for soldier in &soldiers {
                for target in targets {
                    world
                        .register_signal(*soldier, target, archer_says)
                        .unwrap();
                }
                world
                    .register_signal(*soldier, targets[0], guard_says)
                    .unwrap();
            }
            assert_eq!(world.signal_footprint().crowded_listeners, 100);
            for soldier in soldiers {
                match way {
                    0 => {
                        world.despawn(soldier);
                    }
                    1 => {
                        world.entity_mut(soldier).remove::<Guard>();
                        world.entity_mut(soldier).remove::<Archer>();
                        assert_eq!(world.registrations_of(soldier), []);
                        world.despawn(soldier);
                    }
                    _ => {
                        world.qdel(soldier).unwrap();
                        world.flush_qdel();
                    }
                }
            }
        });

        assert_eq!(world.signal_footprint().crowded_listeners, 0);
        assert_eq!(world.signal_footprint().registrations, 0);
    }
}

#[test]
fn signals_that_come_and_go_on_one_target_leave_nothing() {
    struct Numbered<const N: usize>;
    impl<const N: usize> Signal for Numbered<N> {
        type Answer = ();
    }
    fn hear<const N: usize>(_: &mut Archer, _: Received<Numbered<N>>) {}
    fn register<const N: usize>(world: &mut World, archer: Entity, target: Entity) {
        world.register_signal(archer, target, hear::<N>).unwrap();
    }
    fn unregister<const N: usize>(world: &mut World, archer: Entity, target: Entity) {
        world
            .unregister_signal::<Archer, Numbered<N>>(archer, target)
            .unwrap();
    }
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archer = world.spawn(Archer::default()).id();

    expect_no_growth(&mut world, 1_000, |world| {
        register::<0>(world, archer, target);
        register::<1>(world, archer, target);
        register::<2>(world, archer, target);
        register::<3>(world, archer, target);
        unregister::<1>(world, archer, target);
        unregister::<0>(world, archer, target);
        register::<1>(world, archer, target);
        unregister::<3>(world, archer, target);
        unregister::<2>(world, archer, target);
        unregister::<1>(world, archer, target);
    });

    assert_eq!(world.signal_footprint().places, 0);
}

/// S13.
#[test]
fn global_registrations_that_come_and_go_leave_nothing() {
    let mut world = World::new();

    expect_no_growth(&mut world, 100, |world| {
        let archers: Vec<_> = (0..100)
            .map(|_| world.spawn(Archer::default()).id())
            .collect();
        for archer in &archers {
            world.register_global_signal(*archer, archer_says).unwrap();
        }
        assert_eq!(world.send_global_signal(Ping), archers);
        for (index, archer) in archers.into_iter().enumerate() {
            if index % 2 == 0 {
                world
                    .unregister_global_signal::<Archer, Ping>(archer)
                    .unwrap();
            }
            world.despawn(archer);
        }
    });
}

// S6: tidying.

/// S6: a list that is tidied keeps its order, and each listener its handler.
#[test]
fn tidying_keeps_order_and_handlers() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mut expected = Vec::new();
    for index in 0..1_000 {
        let soldier = world.spawn((Archer::default(), Guard)).id();
        let registered = match index % 7 {
            0..3 => world.register_signal(soldier, target, archer_says),
            3 | 4 => world.register_signal(soldier, target, archer_shouts),
            _ => world.register_signal(soldier, target, guard_says),
        };
        registered.unwrap();
        expected.push(soldier);
    }
    let full = world.signal_footprint().places;

    let mut dice = Dice(0);
    while expected.len() > 20 {
        let victim = expected.remove(dice.roll(expected.len()));
        match dice.roll(3) {
            0 => {
                world.despawn(victim);
            }
            1 => {
                world.entity_mut(victim).remove::<(Archer, Guard)>();
            }
            _ => {
                let ended = [
                    world.unregister_signal::<Archer, Ping>(victim, target),
                    world.unregister_signal::<Guard, Ping>(victim, target),
                ];
                assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
            }
        }
        if expected.len() % 10 == 0 {
            assert_eq!(world.send_signal(target, Ping), expected);
            assert_eq!(world.check_registrations(), Ok(()));
        }
    }

    assert_eq!(full, 1_000);
    assert!(world.signal_footprint().places <= 8 * expected.len());
    let listeners: Vec<_> = world
        .registrations_on(target)
        .iter()
        .map(|on| on.listener)
        .collect();
    assert_eq!(listeners, expected);
}

/// S10 and S14: thousands of targets go, and the memory of those that stay is tidied.
#[test]
fn tidying_of_all_targets_keeps_every_registration() {
    let mut world = World::new();
    let soldiers: Vec<_> = (0..1_500)
        .map(|_| world.spawn((Archer::default(), Guard)).id())
        .collect();
    let mut targets: Vec<_> = (0..3_000).map(|_| world.spawn_empty().id()).collect();
    let mut dice = Dice(7);
    // Each target has listeners for one, two, or three signals; some soldiers have one registration.
    for (index, target) in targets.iter().enumerate() {
        for _ in 0..=dice.roll(3) {
            let soldier = soldiers[dice.roll(soldiers.len())];
            // Whoever is chosen twice stays as it is.
            let _ = match dice.roll(3) {
                0 => world.register_signal(soldier, *target, archer_says),
                1 => world.register_signal(soldier, *target, Archer::note),
                _ => world.register_signal(soldier, *target, guard_says),
            };
        }
        if index < soldiers.len() / 10 {
            let loner = world.spawn(Archer::default()).id();
            world.register_signal(loner, *target, archer_says).unwrap();
        }
    }
    let full = world.signal_footprint().heap_bytes;
    let of_soldiers = |world: &World| -> Vec<Vec<Registration>> {
        let of = soldiers.iter().map(|it| world.registrations_of(*it));
        of.collect()
    };
    let mut expected = of_soldiers(&world);

    while targets.len() > 50 {
        let mut gone = HashSet::new();
        for _ in 0..targets.len() / 4 {
            let target = targets.swap_remove(dice.roll(targets.len()));
            if dice.roll(3) == 0 {
                world.qdel(target).unwrap();
            } else {
                world.despawn(target);
            }
            gone.insert(target);
        }
        if dice.roll(2) == 0 {
            world.flush_qdel();
        }
        for of in &mut expected {
            of.retain(|it| {
                let is_over = world.liveness(it.target) == Liveness::Gone;
                let was_told = it.signal.ends_with("Qdeleting") && gone.contains(&it.target);
                !is_over && !was_told
            });
        }

        assert_eq!(world.check_registrations(), Ok(()));
        assert_eq!(of_soldiers(&world), expected);
        for target in &targets {
            let on = world.registrations_on(*target).into_iter();
            let pinged = on.filter(|it| it.signal.ends_with("Ping"));
            let pinged: Vec<_> = pinged.map(|it| it.listener).collect();
            assert_eq!(world.send_signal(*target, Ping), pinged);
        }
    }
    world.flush_qdel();

    assert!(world.signal_footprint().heap_bytes < full / 4);
    for (soldier, of) in soldiers.iter().zip(&expected) {
        for it in of.iter().filter(|it| it.signal.ends_with("Qdeleting")) {
            world
                .unregister_signal::<Archer, Qdeleting>(*soldier, it.target)
                .unwrap();
        }
        world.despawn(*soldier);
    }
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S14: memory is tidied while some targets were told of, and are not torn down yet.
#[test]
fn tidying_of_all_targets_mixes_no_told_registration_with_another() {
    let mut world = World::new();
    let soldiers = [(); 3].map(|()| world.spawn(Archer::default()).id());
    let targets: Vec<_> = (0..4_000).map(|_| world.spawn_empty().id()).collect();
    for target in &targets {
        for soldier in soldiers {
            world
                .register_signal(soldier, *target, Archer::note)
                .unwrap();
        }
    }
    let (mut told, mut despawned, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (index, target) in targets.into_iter().enumerate() {
        match index % 40 {
            3 | 7 => told.push(target),
            0 | 20 | 39 => kept.push(target),
            _ => despawned.push(target),
        }
    }

    for target in told {
        world.qdel(target).unwrap();
    }
    for target in despawned {
        world.despawn(target);
    }
    for _ in 0..4_000 {
        let target = world.spawn_empty().id();
        for soldier in soldiers {
            world
                .register_signal(soldier, target, Archer::note)
                .unwrap();
        }
        kept.push(target);
    }

    for soldier in soldiers {
        let of = world.registrations_of(soldier);
        let of: Vec<_> = of.iter().map(|it| it.target).collect();
        assert_eq!(of.len(), kept.len());
        assert_eq!(of, kept);
    }
    world.flush_qdel();
    for soldier in soldiers {
        world.despawn(soldier);
    }
    assert_eq!(world.signal_footprint().registrations, 0);
    assert_eq!(world.signal_footprint().crowded_listeners, 0);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// A stream of numbers that is the same each time.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % sides
    }
}

/// S2: also after tidying everybody is found, to be refused, replaced and unregistered.
#[test]
fn tidied_list_knows_its_places() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archers: Vec<_> = (0..500)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    for archer in &archers {
        world.register_signal(*archer, target, archer_says).unwrap();
    }
    let (kept, dropped): (Vec<_>, Vec<_>) = archers
        .iter()
        .copied()
        .partition(|archer| archer.index_u32() % 10 == 0);
    for archer in dropped {
        world
            .unregister_signal::<Archer, Ping>(archer, target)
            .unwrap();
    }
    assert!(world.signal_footprint().places < 300);

    for archer in &kept {
        let duplicate = world.register_signal(*archer, target, archer_says);
        let replaced = world.replace_signal(*archer, target, archer_shouts);
        assert!(duplicate.is_err());
        assert_eq!(replaced, Ok(Replaced::Handler));
    }
    assert_eq!(world.send_signal(target, Ping), kept);
    for archer in &kept {
        world
            .unregister_signal::<Archer, Ping>(*archer, target)
            .unwrap();
    }

    assert_eq!(world.signal_footprint().places, 0);
}

// S10: generations.

/// Bevy gives an index out again after more than a hundred despawns.
#[test]
fn registrations_never_reach_the_next_owner_of_an_index() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mut indices = HashSet::new();
    let mut used_again = 0;
    for round in 0..20 {
        let archers: Vec<_> = (0..300)
            .map(|_| world.spawn(Archer::default()).id())
            .collect();
        let targets: Vec<_> = (0..300).map(|_| world.spawn_empty().id()).collect();
        for entity in archers.iter().chain(&targets) {
            used_again += usize::from(!indices.insert(entity.index_u32()));
            assert_eq!(world.registrations_of(*entity), []);
            assert_eq!(world.registrations_on(*entity), []);
        }
        assert_eq!(world.send_signal(target, Ping), []);
        for (archer, other) in archers.iter().zip(&targets) {
            world.register_signal(*archer, target, archer_says).unwrap();
            world
                .register_signal(*archer, *other, Archer::note)
                .unwrap();
            if round % 2 == 0 {
                world
                    .register_signal(*archer, target, Archer::note)
                    .unwrap();
            }
        }
        assert_eq!(world.send_signal(target, Ping), archers);
        let (first, second) = if round % 4 < 2 {
            (archers, targets)
        } else {
            (targets, archers)
        };
        for entity in first.into_iter().chain(second) {
            world.despawn(entity);
        }
        assert_eq!(world.check_registrations(), Ok(()));
    }

    assert!(used_again > 1_000, "{used_again}");
}

// All rules at once: a naive model.

/// A type of component that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// In a table, watched by an observer.
    Table,
    /// In a sparse set, watched by a hook.
    Sparse,
}

#[derive(Component, Clone)]
struct Table;

#[derive(Component, Clone)]
#[component(storage = "SparseSet")]
struct Sparse;

/// A component of the model.
trait Modelled: Component<Mutability = Mutable> + Clone {
    const KIND: Kind;
    const VALUE: Self;
}

impl Modelled for Table {
    const KIND: Kind = Kind::Table;
    const VALUE: Self = Self;
}

impl Modelled for Sparse {
    const KIND: Kind = Kind::Sparse;
    const VALUE: Self = Self;
}

/// A type of signal, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Topic {
    Gone,
    Ping,
    Pong,
}

#[derive(Clone)]
struct ModelPing;

#[derive(Clone)]
struct ModelPong;

impl Signal for ModelPing {
    type Answer = ();
}

impl Signal for ModelPong {
    type Answer = ();
}

trait ModelSignal: Signal<Answer = ()> {
    const TOPIC: Topic;
    fn cause(&self) -> Option<Cause>;
}

impl ModelSignal for Qdeleting {
    const TOPIC: Topic = Topic::Gone;
    fn cause(&self) -> Option<Cause> {
        Some(self.cause)
    }
}

impl ModelSignal for ModelPing {
    const TOPIC: Topic = Topic::Ping;
    fn cause(&self) -> Option<Cause> {
        None
    }
}

impl ModelSignal for ModelPong {
    const TOPIC: Topic = Topic::Pong;
    fn cause(&self) -> Option<Cause> {
        None
    }
}

/// Which handler is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Fields,
    OtherFields,
    World,
    /// Does the next act of the script.
    Actor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Add,
    Once,
    Replace,
    Ensure,
}

/// What can be done, by anybody, with entities that are named by `Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act<Id> {
    Register(Key<Id>, Tag, Manner),
    Unregister(Key<Id>),
    /// To another target.
    Retarget(Key<Id>, Id),
    Send(Id, Topic),
    Qdel(Id),
    Despawn(Id),
    Remove(Id, Kind),
    Overwrite(Id, Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key<Id> {
    listener: Id,
    kind: Kind,
    target: Id,
    topic: Topic,
}

impl<Id: Copy> Act<Id> {
    fn map<To>(self, mut to: impl FnMut(Id) -> To) -> Act<To> {
        let mut key = |key: Key<Id>| Key {
            listener: to(key.listener),
            kind: key.kind,
            target: to(key.target),
            topic: key.topic,
        };
        match self {
            Self::Register(it, tag, manner) => Act::Register(key(it), tag, manner),
            Self::Unregister(it) => Act::Unregister(key(it)),
            Self::Retarget(it, target) => {
                let it = key(it);
                Act::Retarget(it, to(target))
            }
            Self::Send(target, topic) => Act::Send(to(target), topic),
            Self::Qdel(entity) => Act::Qdel(to(entity)),
            Self::Despawn(entity) => Act::Despawn(to(entity)),
            Self::Remove(entity, kind) => Act::Remove(to(entity), kind),
            Self::Overwrite(entity, kind) => Act::Overwrite(to(entity), kind),
        }
    }
}

/// What is written down, by handlers and by those who act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Called(Key<Entity>, Tag, Option<Cause>),
    Registered(Result<Replaced, ()>),
    Unregistered(bool),
    Qdel(Option<Qdel>),
}

thread_local! {
    static JOURNAL: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    static SCRIPT: RefCell<VecDeque<Act<Entity>>> = const { RefCell::new(VecDeque::new()) };
}

fn note(event: Event) {
    JOURNAL.with_borrow_mut(|journal| journal.push(event));
}

// Handlers of the model.

fn note_call<C: Modelled, S: ModelSignal, T>(received: Received<S, T>, tag: Tag) {
    let key = Key {
        listener: received.listener(),
        kind: C::KIND,
        target: received.target(),
        topic: S::TOPIC,
    };
    note(Event::Called(key, tag, received.signal().cause()));
}

fn fields<C: Modelled, S: ModelSignal>(_: &mut C, received: Received<S>) {
    note_call::<C, S, ()>(received, Tag::Fields);
}

fn other_fields<C: Modelled, S: ModelSignal>(_: &mut C, received: Received<S>) {
    note_call::<C, S, ()>(received, Tag::OtherFields);
}

fn whole<C: Modelled, S: ModelSignal>(_: DeferredWorld, received: Received<S, C>) {
    note_call::<C, S, C>(received, Tag::World);
}

fn actor<C: Modelled, S: ModelSignal>(mut world: DeferredWorld, received: Received<S, C>) {
    assert_eq!(world.check_registrations(), Ok(()));
    note_call::<C, S, C>(received, Tag::Actor);
    let Some(act) = SCRIPT.with_borrow_mut(VecDeque::pop_front) else {
        return;
    };
    match act {
        Act::Register(key, tag, manner) => {
            if world.liveness(key.listener) == Liveness::Deleting {
                return;
            }
            let registered = register_key(&mut world, key, tag, manner);
            note(Event::Registered(registered));
        }
        Act::Unregister(key) => {
            unregister_and_note(&mut world, key);
        }
        Act::Retarget(key, to) => {
            if world.liveness(key.listener) == Liveness::Deleting {
                return;
            }
            let registered = retarget_key(&mut world, key, to);
            note(Event::Registered(registered));
        }
        Act::Send(target, topic) => send(&mut world, target, topic),
        Act::Qdel(entity) => world.queue_qdel(entity),
        Act::Despawn(entity) => world.commands().entity(entity).despawn(),
        Act::Remove(entity, Kind::Table) => {
            world.commands().entity(entity).remove::<Table>();
        }
        Act::Remove(entity, Kind::Sparse) => {
            world.commands().entity(entity).remove::<Sparse>();
        }
        Act::Overwrite(entity, Kind::Table) => {
            world.commands().entity(entity).insert(Table);
        }
        Act::Overwrite(entity, Kind::Sparse) => {
            world.commands().entity(entity).insert(Sparse);
        }
    }
    assert_eq!(world.check_registrations(), Ok(()));
}

/// Calls `$call::<C, S>` for the types that a key names.
macro_rules! typed {
    ($key:expr, $call:ident($($argument:expr),*)) => {
        match ($key.kind, $key.topic) {
            (Kind::Table, Topic::Gone) => $call::<Table, Qdeleting>($($argument),*),
            (Kind::Table, Topic::Ping) => $call::<Table, ModelPing>($($argument),*),
            (Kind::Table, Topic::Pong) => $call::<Table, ModelPong>($($argument),*),
            (Kind::Sparse, Topic::Gone) => $call::<Sparse, Qdeleting>($($argument),*),
            (Kind::Sparse, Topic::Ping) => $call::<Sparse, ModelPing>($($argument),*),
            (Kind::Sparse, Topic::Pong) => $call::<Sparse, ModelPong>($($argument),*),
        }
    };
}

fn register_key(
    world: &mut impl SignalExt,
    key: Key<Entity>,
    tag: Tag,
    manner: Manner,
) -> Result<Replaced, ()> {
    fn typed<C: Modelled, S: ModelSignal>(
        world: &mut impl SignalExt,
        key: Key<Entity>,
        tag: Tag,
        manner: Manner,
    ) -> Result<Replaced, ()> {
        match tag {
            Tag::Fields => handled(world, key, fields::<C, S>, manner),
            Tag::OtherFields => handled(world, key, other_fields::<C, S>, manner),
            Tag::World => handled(world, key, whole::<C, S>, manner),
            Tag::Actor => handled(world, key, actor::<C, S>, manner),
        }
    }
    fn handled<Shape: 'static>(
        world: &mut impl SignalExt,
        Key {
            listener, target, ..
        }: Key<Entity>,
        handler: impl qdel::SignalHandler<Shape, Signal: Signal>,
        manner: Manner,
    ) -> Result<Replaced, ()> {
        let registered = match manner {
            Manner::Add => world.register_signal(listener, target, handler),
            Manner::Once => world.register_signal_once(listener, target, handler),
            Manner::Ensure => world.ensure_signal(listener, target, handler),
            Manner::Replace => {
                return world
                    .replace_signal(listener, target, handler)
                    .map_err(|_| ());
            }
        };
        replaced(registered.map_err(|_| ()))
    }
    typed!(key, typed(world, key, tag, manner))
}

/// Says it in the words of a replacement.
fn replaced(registered: Result<Registered, ()>) -> Result<Replaced, ()> {
    registered.map(|registered| match registered {
        Registered::Now => Replaced::Nothing,
        Registered::Queued => Replaced::Queued,
    })
}

fn retarget_key(world: &mut impl SignalExt, key: Key<Entity>, to: Entity) -> Result<Replaced, ()> {
    fn typed<C: Modelled, S: ModelSignal>(
        world: &mut impl SignalExt,
        key: Key<Entity>,
        to: Entity,
    ) -> Result<Replaced, ()> {
        let moved = world.retarget_signal::<C, S>(key.listener, key.target, to);
        replaced(moved.map_err(|_| ()))
    }
    typed!(key, typed(world, key, to))
}

fn retarget_by_command(world: &mut World, key: Key<Entity>, to: Entity) {
    fn typed<C: Modelled, S: ModelSignal>(world: &mut World, key: Key<Entity>, to: Entity) {
        let mut commands = world.commands();
        let mut listener = commands.entity(key.listener);
        listener.retarget_signal::<C, S>(key.target, to);
    }
    typed!(key, typed(world, key, to));
}

fn register_by_command(world: &mut World, key: Key<Entity>, tag: Tag, manner: Manner) {
    fn typed<C: Modelled, S: ModelSignal>(
        world: &mut World,
        key: Key<Entity>,
        tag: Tag,
        manner: Manner,
    ) {
        match tag {
            Tag::Fields => handled(world, key, fields::<C, S>, manner),
            Tag::OtherFields => handled(world, key, other_fields::<C, S>, manner),
            Tag::World => handled(world, key, whole::<C, S>, manner),
            Tag::Actor => handled(world, key, actor::<C, S>, manner),
        }
    }
    fn handled<Shape: 'static>(
        world: &mut World,
        Key {
            listener, target, ..
        }: Key<Entity>,
        handler: impl qdel::SignalHandler<Shape, Signal: Signal>,
        manner: Manner,
    ) {
        let mut commands = world.commands();
        let mut listener = commands.entity(listener);
        match manner {
            Manner::Add => listener.register_signal(target, handler),
            Manner::Once => listener.register_signal_once(target, handler),
            Manner::Ensure => listener.ensure_signal(target, handler),
            Manner::Replace => listener.replace_signal(target, handler),
        };
    }
    typed!(key, typed(world, key, tag, manner));
}

fn unregister_key(world: &mut impl SignalExt, key: Key<Entity>) -> bool {
    fn typed<C: Modelled, S: ModelSignal>(world: &mut impl SignalExt, key: Key<Entity>) -> bool {
        world
            .unregister_signal::<C, S>(key.listener, key.target)
            .is_ok()
    }
    typed!(key, typed(world, key))
}

/// Says nothing of a target that is deleting: what was told may or may not be there to be given up.
fn unregister_and_note(world: &mut (impl SignalExt + LivenessExt), key: Key<Entity>) {
    let is_deleting = world.liveness(key.target) == Liveness::Deleting;
    let ended = unregister_key(world, key);
    if !is_deleting {
        note(Event::Unregistered(ended));
    }
}

fn unregister_by_command(world: &mut World, key: Key<Entity>) {
    fn typed<C: Modelled, S: ModelSignal>(world: &mut World, key: Key<Entity>) {
        let mut commands = world.commands();
        let mut listener = commands.entity(key.listener);
        listener.unregister_signal::<C, S>(key.target);
    }
    typed!(key, typed(world, key));
}

fn send(world: &mut impl SignalExt, target: Entity, topic: Topic) {
    match topic {
        Topic::Ping => world.send_signal(target, ModelPing),
        Topic::Pong => world.send_signal(target, ModelPong),
        Topic::Gone => unreachable!("only a deletion sends the notice"),
    }
}

// The model.

/// An entity of the model, by its place in a table: a new one for each spawn.
type Id = usize;

#[derive(Clone, Debug)]
struct ModelEntity {
    real: Entity,
    liveness: Liveness,
    /// Its notice has begun.
    closed: bool,
    /// Can be listened to without a structural change.
    prepared: bool,
    /// Whether it has the component of each kind.
    kinds: [bool; 2],
}

impl ModelEntity {
    fn is_spawned(&self) -> bool {
        self.liveness != Liveness::Gone
    }

    fn is_alive(&self) -> bool {
        self.liveness == Liveness::Alive
    }

    fn has(&self, kind: Kind) -> bool {
        self.kinds[kind as usize]
    }
}

#[derive(Clone, Copy, Debug)]
struct ModelRegistration {
    serial: u64,
    key: Key<Id>,
    tag: Tag,
    once: bool,
}

#[derive(Clone, Copy, Debug)]
enum Todo {
    Act(Act<Id>),
    /// Marks the target of what a deferred world registered.
    Complete(Key<Id>),
}

#[derive(Default)]
struct Model {
    entities: Vec<ModelEntity>,
    registrations: Vec<ModelRegistration>,
    serial: u64,
    journal: Vec<Event>,
    script: VecDeque<Act<Id>>,
    /// What heard the end of a target that is still there.
    told: Vec<ModelRegistration>,
    /// What was registered by a deferred world and is not complete.
    waiting: HashSet<Key<Id>>,
    /// Who was told, and lost the component, so that it depends on what else it does whether the books know.
    vague: HashSet<(Id, Kind)>,
    /// Whether that was asked.
    is_unsure: bool,
    /// Whether what was registered last was not there before.
    is_new: bool,
    /// What waits to be applied.
    commands: Vec<Todo>,
    busy: bool,
    to_tell: VecDeque<Id>,
    to_tear_down: VecDeque<Id>,
}

impl Model {
    fn spawn(&mut self, real: Entity, table: bool, sparse: bool, prepared: bool) -> Id {
        self.entities.push(ModelEntity {
            real,
            liveness: Liveness::Alive,
            closed: false,
            prepared,
            kinds: [table, sparse],
        });
        self.entities.len() - 1
    }

    fn real_key(&self, key: Key<Id>) -> Key<Entity> {
        Key {
            listener: self.entities[key.listener].real,
            kind: key.kind,
            target: self.entities[key.target].real,
            topic: key.topic,
        }
    }

    /// Does at once what a world does.
    fn act(&mut self, act: Act<Id>) {
        match act {
            Act::Register(key, tag, manner) => {
                let registered = self.register(key, tag, manner);
                self.journal.push(Event::Registered(registered));
            }
            Act::Unregister(key) => self.unregister_and_note(key),
            Act::Retarget(key, to) => {
                let moved = self.retarget(key, to);
                if moved.is_ok() {
                    self.entities[to].prepared = true;
                }
                self.journal.push(Event::Registered(moved));
            }
            Act::Send(target, topic) => {
                self.dispatch(target, topic, None);
                self.flush();
            }
            Act::Qdel(entity) => {
                let deleted = self.qdel(entity);
                self.journal.push(Event::Qdel(deleted));
            }
            Act::Despawn(entity) => self.despawn(entity),
            Act::Remove(entity, kind) => self.remove(entity, kind),
            Act::Overwrite(entity, kind) => {
                let entity = &mut self.entities[entity];
                entity.kinds[kind as usize] = entity.is_spawned();
            }
        }
    }

    /// Applies a command.
    fn apply(&mut self, todo: Todo) {
        let act = match todo {
            Todo::Act(act) => act,
            Todo::Complete(key) => return self.complete(key),
        };
        match act {
            Act::Register(key, tag, manner) => {
                if self.register(key, tag, manner).is_err() {
                    self.answer(key, tag);
                }
            }
            Act::Unregister(key) => {
                self.unregister(key);
            }
            Act::Retarget(key, to) => {
                if self.retarget(key, to).is_ok() {
                    self.entities[to].prepared = true;
                } else if let Some(place) = self.find(key)
                    && self.is_answered(Key { target: to, ..key })
                {
                    let moved = self.end(place);
                    self.answer(Key { target: to, ..key }, moved.tag);
                }
            }
            Act::Qdel(entity) => {
                self.qdel(entity);
            }
            Act::Send(..) | Act::Despawn(_) | Act::Remove(..) | Act::Overwrite(..) => {
                self.act(act);
            }
        }
    }

    /// Tells whether whoever registers late hears that its target goes or is gone.
    fn is_answered(&mut self, key: Key<Id>) -> bool {
        // Whoever is on its way out itself need not know.
        let listener = &self.entities[key.listener];
        let is_late = !self.entities[key.target].is_alive() && key.topic == Topic::Gone;
        if !is_late || !listener.is_alive() || !listener.has(key.kind) {
            return false;
        }
        self.is_unsure |= self.vague.contains(&(key.listener, key.kind));
        // Nobody is told twice.
        !self.told.iter().any(|told| told.key == key)
    }

    fn answer(&mut self, key: Key<Id>, tag: Tag) {
        if self.is_answered(key) {
            self.call(key, tag, Some(Cause::AlreadyGone));
        }
    }

    /// Completes what a deferred world registered.
    fn complete(&mut self, key: Key<Id>) {
        if !self.waiting.remove(&key) {
            return;
        }
        let target = &mut self.entities[key.target];
        if target.is_alive() && !target.closed {
            target.prepared = true;
        } else if let Some(place) = self.find(key) {
            let late = self.end(place);
            if key.topic == Topic::Gone {
                self.call(key, late.tag, Some(Cause::AlreadyGone));
            }
        }
    }

    /// Applies what waits, in order; what a command queues comes right after it.
    fn flush(&mut self) {
        for command in core::mem::take(&mut self.commands) {
            self.apply(command);
            self.flush();
        }
    }

    /// Does in a handler what a deferred world does.
    fn act_deferred(&mut self, act: Act<Id>) {
        match act {
            Act::Register(key, tag, manner) => {
                if self.is_going(key.listener) {
                    return;
                }
                let is_prepared = self.entities[key.target].prepared;
                let mut registered = self.register(key, tag, manner);
                self.entities[key.target].prepared = is_prepared;
                if registered.is_ok() && self.is_new && !is_prepared {
                    registered = Ok(self.wait(key));
                }
                self.journal.push(Event::Registered(registered));
            }
            Act::Unregister(key) => self.unregister_and_note(key),
            Act::Retarget(key, to) => {
                if self.is_going(key.listener) {
                    return;
                }
                let mut moved = self.retarget(key, to);
                if moved.is_ok() && !self.entities[to].prepared {
                    moved = Ok(self.wait(Key { target: to, ..key }));
                }
                self.journal.push(Event::Registered(moved));
            }
            Act::Send(target, topic) => self.dispatch(target, topic, None),
            Act::Qdel(_) | Act::Despawn(_) | Act::Remove(..) | Act::Overwrite(..) => {
                self.commands.push(Todo::Act(act));
            }
        }
    }

    /// Tells whether an entity is there and going.
    fn is_going(&self, entity: Id) -> bool {
        let entity = &self.entities[entity];
        entity.is_spawned() && (!entity.is_alive() || entity.closed)
    }

    /// Has a registration wait for its completion.
    fn wait(&mut self, key: Key<Id>) -> Replaced {
        self.waiting.insert(key);
        self.commands.push(Todo::Complete(key));
        Replaced::Queued
    }

    fn find(&self, key: Key<Id>) -> Option<usize> {
        self.registrations.iter().position(|it| it.key == key)
    }

    fn may_register(&self, key: Key<Id>) -> bool {
        let target = &self.entities[key.target];
        let listener = &self.entities[key.listener];
        target.is_alive() && !target.closed && listener.is_alive() && listener.has(key.kind)
    }

    fn register(&mut self, key: Key<Id>, tag: Tag, manner: Manner) -> Result<Replaced, ()> {
        if !self.may_register(key) {
            return Err(());
        }
        self.entities[key.target].prepared = true;
        let once = manner == Manner::Once;
        self.is_new = false;
        if let Some(place) = self.find(key) {
            return match manner {
                Manner::Add | Manner::Once => Err(()),
                Manner::Ensure => Ok(Replaced::Nothing),
                Manner::Replace => {
                    self.registrations[place].tag = tag;
                    Ok(Replaced::Handler)
                }
            };
        }
        self.is_new = true;
        self.serial += 1;
        self.registrations.push(ModelRegistration {
            serial: self.serial,
            key,
            tag,
            once,
        });
        Ok(Replaced::Nothing)
    }

    fn retarget(&mut self, key: Key<Id>, to: Id) -> Result<Replaced, ()> {
        let Some(place) = self.find(key) else {
            return Err(());
        };
        let key = Key { target: to, ..key };
        if !self.may_register(key) || self.find(key).is_some() {
            return Err(());
        }
        let moved = self.end(place);
        self.serial += 1;
        self.registrations.push(ModelRegistration {
            serial: self.serial,
            key,
            ..moved
        });
        Ok(Replaced::Nothing)
    }

    /// Ends a registration.
    fn end(&mut self, place: usize) -> ModelRegistration {
        let ended = self.registrations.remove(place);
        self.waiting.remove(&ended.key);
        ended
    }

    fn unregister(&mut self, key: Key<Id>) -> bool {
        if let Some(place) = self.find(key) {
            self.end(place);
            return true;
        }
        let told = self.told.iter().position(|it| it.key == key && !it.once);
        told.map(|told| self.told.remove(told)).is_some()
    }

    fn unregister_and_note(&mut self, key: Key<Id>) {
        let is_deleting = self.is_going(key.target);
        let ended = self.unregister(key);
        if !is_deleting {
            self.journal.push(Event::Unregistered(ended));
        }
    }

    /// Calls those who listened when it began and still do. With a cause it is the last they hear.
    fn dispatch(&mut self, target: Id, topic: Topic, cause: Option<Cause>) {
        let heard = |it: &&ModelRegistration| it.key.target == target && it.key.topic == topic;
        let listeners: Vec<_> = self.registrations.iter().filter(heard).copied().collect();
        for listener in listeners {
            let place = self
                .registrations
                .iter()
                .position(|it| it.serial == listener.serial);
            let Some(place) = place else {
                continue;
            };
            let registration = self.registrations[place];
            if cause.is_some() || registration.once {
                self.end(place);
            }
            if cause.is_some() {
                self.told.push(registration);
            }
            self.call(registration.key, registration.tag, cause);
        }
    }

    fn call(&mut self, key: Key<Id>, tag: Tag, cause: Option<Cause>) {
        let real = self.real_key(key);
        self.journal.push(Event::Called(real, tag, cause));
        if tag == Tag::Actor
            && let Some(act) = self.script.pop_front()
        {
            self.act_deferred(act);
        }
    }

    /// Tells of the end of `target`, if that was not done before.
    fn tell(&mut self, target: Id, cause: Cause) {
        if self.entities[target].prepared {
            self.entities[target].closed = true;
            self.dispatch(target, Topic::Gone, Some(cause));
        }
    }

    fn despawn(&mut self, entity: Id) {
        if !self.entities[entity].is_spawned() {
            return;
        }
        self.tell(entity, Cause::Despawn);
        self.remove(entity, Kind::Table);
        self.remove(entity, Kind::Sparse);
        // What waits is seen to when it is completed.
        let (waiting, is_marked) = (&self.waiting, self.entities[entity].prepared);
        self.registrations
            .retain(|it| it.key.target != entity || !is_marked && waiting.contains(&it.key));
        self.told.retain(|it| it.key.target != entity);
        self.entities[entity].liveness = Liveness::Gone;
        self.flush();
    }

    fn remove(&mut self, entity: Id, kind: Kind) {
        let stays = |key: &Key<Id>| key.listener != entity || key.kind != kind;
        self.registrations.retain(|it| stays(&it.key));
        self.waiting.retain(stays);
        if self.told.iter().any(|it| !stays(&it.key)) {
            self.vague.insert((entity, kind));
            self.told.retain(|it| stays(&it.key));
        }
        self.entities[entity].kinds[kind as usize] = false;
    }

    /// Takes the mark of a target off, which comes back if anybody is registered on it.
    fn unmark(&mut self, target: Id) {
        let is_heard = self.registrations.iter().any(|it| it.key.target == target);
        self.entities[target].prepared = is_heard;
    }

    fn qdel(&mut self, entity: Id) -> Option<Qdel> {
        if !self.entities[entity].is_spawned() {
            return None;
        }
        if !self.entities[entity].is_alive() {
            return Some(Qdel::AlreadyDeleting);
        }
        self.entities[entity].liveness = Liveness::Deleting;
        self.to_tell.push_back(entity);
        self.to_tear_down.push_back(entity);
        self.work(0);
        Some(Qdel::Queued)
    }

    fn flush_qdel(&mut self) {
        self.work(self.to_tear_down.len());
    }

    /// Tells of all that are marked, and tears `left` of them down, unless somebody further out does.
    fn work(&mut self, mut left: usize) {
        if core::mem::replace(&mut self.busy, true) {
            return;
        }
        loop {
            self.tell_all();
            if left == 0 {
                break;
            }
            let Some(entity) = self.to_tear_down.pop_front() else {
                break;
            };
            left -= 1;
            self.despawn(entity);
        }
        self.busy = false;
    }

    fn tell_all(&mut self) {
        while !self.to_tell.is_empty() {
            let wave = core::mem::take(&mut self.to_tell);
            for &entity in &wave {
                if self.entities[entity].is_spawned() {
                    self.tell(entity, Cause::Qdel);
                }
            }
            self.flush();
            // They hear nothing any more.
            self.registrations
                .retain(|it| !wave.contains(&it.key.listener));
        }
    }

    fn described(&self, registration: &ModelRegistration) -> Registration {
        fn names<C: Modelled, S: ModelSignal>() -> (&'static str, &'static str) {
            (core::any::type_name::<C>(), core::any::type_name::<S>())
        }
        let key = self.real_key(registration.key);
        let (component, signal) = typed!(key, names());
        Registration {
            listener: key.listener,
            component,
            target: key.target,
            signal,
        }
    }

    fn on(&self, target: Id) -> Vec<Registration> {
        let mut on: Vec<_> = self.registrations.iter().collect();
        on.retain(|it| it.key.target == target);
        on.sort_by_key(|it| it.key.topic);
        on.into_iter().map(|it| self.described(it)).collect()
    }

    /// Returns how many listeners have more than one registration.
    fn crowded_listeners(&self) -> usize {
        let listeners: HashMap<Id, usize> =
            self.registrations
                .iter()
                .fold(HashMap::new(), |mut listeners, it| {
                    *listeners.entry(it.key.listener).or_default() += 1;
                    listeners
                });
        listeners.values().filter(|count| **count > 1).count()
    }

    fn of(&self, listener: Id) -> Vec<Registration> {
        let of = self.registrations.iter();
        let of = of.filter(|it| it.key.listener == listener);
        of.map(|it| self.described(it)).collect()
    }
}

// The comparison.

/// How many entities there are at a time.
const SLOTS: usize = 12;

/// An entity by its slot, or the one that was there before it.
#[derive(Clone, Copy, Debug)]
struct Who {
    slot: usize,
    is_former: bool,
}

#[derive(Clone, Debug)]
enum Op {
    /// On the world, at once.
    Do(Act<Who>),
    /// By commands, which are then applied.
    Command(Vec<Act<Who>>),
    /// By somebody who holds a deferred world, outside of all handlers.
    Deferred(Act<Who>),
    Flush,
    /// Fills a slot whose entity is gone.
    Respawn {
        slot: usize,
        table: bool,
        sparse: bool,
        prepared: bool,
    },
    /// Clones an entity into a slot whose entity is gone.
    Clone {
        from: usize,
        to: usize,
    },
    /// Removes the list of an entity by hand.
    RemoveList(usize),
    /// Removes all components of an entity.
    Clear(usize),
    /// Makes Bevy use old indices again.
    Churn,
}

struct Pair {
    world: World,
    model: Model,
    /// The entity of each slot, and the one before it.
    slots: [(Id, Id); SLOTS],
}

impl Pair {
    fn new() -> Self {
        fn ignore(_: BevyError, _: ErrorContext) {}

        fn school<C: Modelled, S: ModelSignal>(world: &mut World) {
            let target = world.spawn_empty().id();
            let handlers: [fn(&mut World, Entity, Entity); 4] = [
                |world, pupil, target| {
                    world
                        .register_signal(pupil, target, fields::<C, S>)
                        .unwrap();
                },
                |world, pupil, target| {
                    world
                        .register_signal(pupil, target, other_fields::<C, S>)
                        .unwrap();
                },
                |world, pupil, target| {
                    world.register_signal(pupil, target, whole::<C, S>).unwrap();
                },
                |world, pupil, target| {
                    world.register_signal(pupil, target, actor::<C, S>).unwrap();
                },
            ];
            for register in handlers {
                let pupil = world.spawn(C::VALUE).id();
                register(world, pupil, target);
                world.despawn(pupil);
            }
            world.despawn(target);
        }

        let mut world = World::new();
        world.insert_resource(FallbackErrorHandler(ignore));
        world.spawn(Table);
        world.register_listener::<Sparse>();
        school::<Table, ModelPing>(&mut world);
        school::<Sparse, ModelPing>(&mut world);
        school::<Table, ModelPong>(&mut world);
        school::<Sparse, ModelPong>(&mut world);
        school::<Table, Qdeleting>(&mut world);
        school::<Sparse, Qdeleting>(&mut world);
        let mut model = Model::default();
        let slots = core::array::from_fn(|slot| {
            let id = Self::spawn(&mut world, &mut model, true, slot % 2 == 0, slot % 3 == 0);
            (id, id)
        });
        JOURNAL.take();
        SCRIPT.take();
        Self {
            world,
            model,
            slots,
        }
    }

    fn spawn(
        world: &mut World,
        model: &mut Model,
        table: bool,
        sparse: bool,
        prepared: bool,
    ) -> Id {
        let mut entity = world.spawn_empty();
        if table {
            entity.insert(Table);
        }
        if sparse {
            entity.insert(Sparse);
        }
        if prepared {
            entity.insert(Signals);
        }
        model.spawn(entity.id(), table, sparse, prepared)
    }

    fn id(&self, who: Who) -> Id {
        let (current, former) = self.slots[who.slot];
        if who.is_former { former } else { current }
    }

    fn is_gone(&self, slot: usize) -> bool {
        !self.model.entities[self.slots[slot].0].is_spawned()
    }

    fn fill(&mut self, slot: usize, id: Id) {
        self.slots[slot] = (id, self.slots[slot].0);
    }

    /// Does `op` to the world and to the model, and compares them.
    fn step(&mut self, op: &Op, script: &[Act<Who>]) -> Result<(), TestCaseError> {
        let script: VecDeque<_> = script
            .iter()
            .map(|act| act.map(|who| self.id(who)))
            .collect();
        let real_script = script
            .iter()
            .map(|act| act.map(|id| self.real(id)))
            .collect();
        self.model.script = script;
        SCRIPT.set(real_script);
        match op {
            Op::Do(act) => {
                let act = act.map(|who| self.id(who));
                self.do_at_once(act.map(|id| self.real(id)));
                self.model.act(act);
            }
            Op::Command(acts) => {
                for act in acts {
                    let act = act.map(|who| self.id(who));
                    self.queue(act.map(|id| self.real(id)));
                    self.model.commands.push(Todo::Act(act));
                }
                self.world.flush();
                self.model.flush();
            }
            Op::Deferred(act) => {
                let act = act.map(|who| self.id(who));
                self.do_deferred(act.map(|id| self.real(id)));
                self.model.act_deferred(act);
                self.world.flush();
                self.model.flush();
            }
            Op::Flush => {
                self.world.flush_qdel();
                self.model.flush_qdel();
            }
            &Op::Respawn {
                slot,
                table,
                sparse,
                prepared,
            } => {
                if self.is_gone(slot) {
                    let (world, model) = (&mut self.world, &mut self.model);
                    let id = Self::spawn(world, model, table, sparse, prepared);
                    self.fill(slot, id);
                }
            }
            &Op::Clone { from, to } => {
                let original = self.model.entities[self.slots[from].0].clone();
                if self.is_gone(to) && original.is_alive() {
                    let real = self.world.entity_mut(original.real).clone_and_spawn();
                    let id = self
                        .model
                        .spawn(real, original.kinds[0], original.kinds[1], false);
                    self.fill(to, id);
                }
            }
            &Op::RemoveList(slot) => {
                let id = self.slots[slot].0;
                let entity = &self.model.entities[id];
                if entity.is_alive() {
                    self.world.entity_mut(entity.real).remove::<Signals>();
                    self.model.unmark(id);
                }
            }
            &Op::Clear(slot) => {
                let id = self.slots[slot].0;
                let entity = &self.model.entities[id];
                if entity.is_alive() {
                    self.world.entity_mut(entity.real).clear();
                    self.model.remove(id, Kind::Table);
                    self.model.remove(id, Kind::Sparse);
                    self.model.unmark(id);
                }
            }
            Op::Churn => {
                let batch: Vec<_> = (0..200).map(|_| self.world.spawn_empty().id()).collect();
                for entity in batch {
                    self.world.despawn(entity);
                }
            }
        }
        self.compare()
    }

    fn real(&self, id: Id) -> Entity {
        self.model.entities[id].real
    }

    fn do_at_once(&mut self, act: Act<Entity>) {
        let world = &mut self.world;
        match act {
            Act::Register(key, tag, manner) => {
                let registered = register_key(world, key, tag, manner);
                note(Event::Registered(registered));
            }
            Act::Unregister(key) => unregister_and_note(world, key),
            Act::Retarget(key, to) => {
                let moved = retarget_key(world, key, to);
                note(Event::Registered(moved));
            }
            Act::Send(target, topic) => send(world, target, topic),
            Act::Qdel(entity) => {
                let deleted = world.qdel(entity).ok();
                note(Event::Qdel(deleted));
            }
            Act::Despawn(entity) => {
                let _ = world.try_despawn(entity);
            }
            Act::Remove(entity, kind) => {
                if let Ok(mut entity) = world.get_entity_mut(entity) {
                    match kind {
                        Kind::Table => entity.remove::<Table>(),
                        Kind::Sparse => entity.remove::<Sparse>(),
                    };
                }
            }
            Act::Overwrite(entity, kind) => {
                if let Ok(mut entity) = world.get_entity_mut(entity) {
                    match kind {
                        Kind::Table => entity.insert(Table),
                        Kind::Sparse => entity.insert(Sparse),
                    };
                }
            }
        }
    }

    fn queue(&mut self, act: Act<Entity>) {
        let world = &mut self.world;
        match act {
            Act::Register(key, tag, manner) => register_by_command(world, key, tag, manner),
            Act::Unregister(key) => unregister_by_command(world, key),
            Act::Retarget(key, to) => retarget_by_command(world, key, to),
            Act::Send(target, topic) => {
                let mut commands = world.commands();
                let mut target = commands.entity(target);
                match topic {
                    Topic::Ping => target.send_signal(ModelPing),
                    Topic::Pong => target.send_signal(ModelPong),
                    Topic::Gone => unreachable!("only a deletion sends the notice"),
                };
            }
            Act::Qdel(entity) => {
                world.commands().entity(entity).qdel();
            }
            Act::Despawn(entity) => world.commands().entity(entity).despawn(),
            Act::Remove(entity, Kind::Table) => {
                world.commands().entity(entity).remove::<Table>();
            }
            Act::Remove(entity, Kind::Sparse) => {
                world.commands().entity(entity).remove::<Sparse>();
            }
            Act::Overwrite(entity, Kind::Table) => {
                world.commands().entity(entity).insert(Table);
            }
            Act::Overwrite(entity, Kind::Sparse) => {
                world.commands().entity(entity).insert(Sparse);
            }
        }
    }

    fn do_deferred(&mut self, act: Act<Entity>) {
        match act {
            Act::Register(key, tag, manner) => {
                let mut world = DeferredWorld::from(&mut self.world);
                if world.liveness(key.listener) != Liveness::Deleting {
                    let registered = register_key(&mut world, key, tag, manner);
                    note(Event::Registered(registered));
                }
            }
            Act::Unregister(key) => {
                let mut world = DeferredWorld::from(&mut self.world);
                unregister_and_note(&mut world, key);
            }
            Act::Retarget(key, to) => {
                let mut world = DeferredWorld::from(&mut self.world);
                if world.liveness(key.listener) != Liveness::Deleting {
                    let moved = retarget_key(&mut world, key, to);
                    note(Event::Registered(moved));
                }
            }
            Act::Send(target, topic) => {
                let mut world = DeferredWorld::from(&mut self.world);
                send(&mut world, target, topic);
            }
            Act::Qdel(_) | Act::Despawn(_) | Act::Remove(..) | Act::Overwrite(..) => {
                self.queue(act);
            }
        }
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        let journal = JOURNAL.take();
        let expected = core::mem::take(&mut self.model.journal);
        prop_assert_eq!(journal, expected, "what was called");
        SCRIPT.take();
        self.model.script.clear();
        prop_assert_eq!(self.world.check_registrations(), Ok(()));
        let mut count = 0;
        for (current, former) in self.slots {
            let mut ids = vec![current, former];
            ids.dedup();
            for id in ids {
                let real = self.real(id);
                let on = self.world.registrations_on(real);
                let of = self.world.registrations_of(real);
                count += on.len();
                prop_assert_eq!(on, self.model.on(id), "what is registered on {}", real);
                prop_assert_eq!(of, self.model.of(id), "what {} registered", real);
                let entity = &self.model.entities[id];
                prop_assert_eq!(self.world.liveness(real), entity.liveness);
            }
        }
        let footprint = self.world.signal_footprint();
        prop_assert_eq!(footprint.registrations, count);
        prop_assert_eq!(count, self.model.registrations.len());
        if !self
            .model
            .entities
            .iter()
            .any(|it| it.liveness == Liveness::Deleting)
        {
            let crowded = self.model.crowded_listeners();
            prop_assert_eq!(footprint.crowded_listeners, crowded);
        }
        Ok(())
    }

    /// Despawns all, and expects that nothing is left.
    fn end(mut self) -> Result<(), TestCaseError> {
        for slot in 0..SLOTS {
            let who = Who {
                slot,
                is_former: false,
            };
            self.step(&Op::Do(Act::Despawn(who)), &[])?;
        }
        self.step(&Op::Flush, &[])?;
        let footprint = self.world.signal_footprint();
        let empty = Footprint {
            heap_bytes: footprint.heap_bytes,
            ..Footprint::default()
        };
        prop_assert_eq!(footprint, empty);
        // Room for a few lists may be left, but not another page.
        prop_assert!(footprint.heap_bytes < spare_page() + 12 * 1024);
        Ok(())
    }
}

/// Returns the bytes that are left after one listener.
fn spare_page() -> usize {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();
    let target = world.spawn_empty().id();
    world.register_signal(archer, target, archer_says).unwrap();
    world.despawn(archer);
    world.despawn(target);
    world.signal_footprint().heap_bytes
}

fn who() -> impl Strategy<Value = Who> {
    (0..SLOTS, prop::bool::weighted(0.05)).prop_map(|(slot, is_former)| Who { slot, is_former })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Table), Just(Kind::Sparse)]
}

/// Few targets for many listeners, so that lists get long.
fn key() -> impl Strategy<Value = Key<Who>> {
    let target = prop_oneof![
        3 => (0..2_usize).prop_map(|slot| Who { slot, is_former: false }),
        1 => who(),
    ];
    let topic = prop_oneof![Just(Topic::Gone), Just(Topic::Ping), Just(Topic::Pong)];
    (who(), kind(), target, topic).prop_map(|(listener, kind, target, topic)| Key {
        listener,
        kind,
        target,
        topic,
    })
}

fn act() -> impl Strategy<Value = Act<Who>> {
    let tag = prop_oneof![
        2 => Just(Tag::Fields),
        1 => Just(Tag::OtherFields),
        1 => Just(Tag::World),
        2 => Just(Tag::Actor),
    ];
    let manner = prop_oneof![
        4 => Just(Manner::Add),
        1 => Just(Manner::Once),
        1 => Just(Manner::Replace),
        1 => Just(Manner::Ensure),
    ];
    let topic = prop_oneof![Just(Topic::Ping), Just(Topic::Pong)];
    let sent_to = prop_oneof![
        3 => (0..2_usize).prop_map(|slot| Who { slot, is_former: false }),
        1 => who(),
    ];
    prop_oneof![
        12 => (key(), tag, manner).prop_map(|(key, tag, manner)| Act::Register(key, tag, manner)),
        3 => key().prop_map(Act::Unregister),
        3 => (key(), who()).prop_map(|(key, to)| Act::Retarget(key, to)),
        4 => (sent_to, topic).prop_map(|(target, topic)| Act::Send(target, topic)),
        1 => who().prop_map(Act::Qdel),
        1 => who().prop_map(Act::Despawn),
        1 => (who(), kind()).prop_map(|(entity, kind)| Act::Remove(entity, kind)),
        2 => (who(), kind()).prop_map(|(entity, kind)| Act::Overwrite(entity, kind)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let respawn = (0..SLOTS, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(slot, table, sparse, prepared)| Op::Respawn {
            slot,
            table,
            sparse,
            prepared,
        },
    );
    prop_oneof![
        30 => act().prop_map(Op::Do),
        8 => prop::collection::vec(act(), 1..5).prop_map(Op::Command),
        4 => act().prop_map(Op::Deferred),
        2 => Just(Op::Flush),
        8 => respawn,
        2 => (0..SLOTS, 0..SLOTS).prop_map(|(from, to)| Op::Clone { from, to }),
        1 => (0..SLOTS).prop_map(Op::RemoveList),
        1 => (0..SLOTS).prop_map(Op::Clear),
        1 => Just(Op::Churn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is done, in whatever order: the books are those of the model, and the calls as well.
    #[test]
    fn books_and_calls_are_those_of_a_naive_model(
        steps in prop::collection::vec((op(), prop::collection::vec(act(), 0..5)), 1..120),
    ) {
        let mut pair = Pair::new();
        for (op, script) in &steps {
            let compared = pair.step(op, script);
            if pair.model.is_unsure {
                return Ok(());
            }
            compared?;
        }
        pair.end()?;
    }
}

/// S10: the books of many listeners with more than one registration are given back as well.
#[test]
fn books_of_crowded_listeners_shrink_when_their_registrations_end() {
    let mut world = World::new();
    let targets = [(); 2].map(|()| world.spawn_empty().id());
    let archers: Vec<_> = (0..20_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    let join = |world: &mut World, archer: Entity| {
        for target in targets {
            world.register_signal(archer, target, Archer::note).unwrap();
        }
    };
    join(&mut world, archers[0]);
    let before = world.signal_footprint();
    for archer in &archers[1..] {
        join(&mut world, *archer);
    }
    let full = world.signal_footprint();

    for archer in &archers[1..] {
        for target in targets {
            world
                .unregister_signal::<Archer, Qdeleting>(*archer, target)
                .unwrap();
        }
    }

    let after = world.signal_footprint();
    assert_eq!(full.crowded_listeners, archers.len());
    assert_eq!(after.registrations, before.registrations);
    assert!(
        after.heap_bytes < before.heap_bytes + full.heap_bytes / 20,
        "before {before:?}, full {full:?}, after {after:?}"
    );
}
