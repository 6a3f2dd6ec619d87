//! S6: tidying.
//! S10: generations.

use super::*;

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
    // Each target has listeners for one, two, or three signals; some soldiers have one
    // registration.
    for (index, target) in targets.iter().enumerate() {
        for _ in 0..=dice.roll(3) {
            let soldier = soldiers[dice.roll(soldiers.len())];
            // An entity that is chosen twice stays as it is.
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

/// S2: all listeners are found after tidying too, to be refused, replaced and unregistered.
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
        assert_eq!(replaced, Ok(Registered::Replaced));
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
