//! R7: several fields that name one target are one link.
//! R3: nothing grows with churn.

use super::*;

// R7: several fields that name one target are one link.

#[test]
fn several_names_of_one_target_are_one_link() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            friends: vec![goblin; 20],
            ..Mob::default()
        })
        .id();

    assert_eq!(world.registrations_on(goblin).len(), 1);
    assert_eq!(
        world.registrations_on(goblin),
        world.registrations_of(mob),
        "both ends say the same"
    );
    world.get_mut::<Mob>(mob).unwrap().friends.truncate(3);
    world.sync_references();
    assert_eq!(world.registrations_on(goblin).len(), 1);
    world.get_mut::<Mob>(mob).unwrap().target = None;
    world.sync_references();
    assert_eq!(world.registrations_on(goblin).len(), 1);
    world.get_mut::<Mob>(mob).unwrap().friends.clear();
    world.sync_references();
    assert_eq!(world.registrations_on(goblin), []);
    check(&world);
}

#[test]
fn components_of_one_entity_have_a_link_each() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let both = (Mob::after(goblin), Mood::Torn(vec![goblin, goblin]));
    let mob = world.spawn(both).id();

    let names = world
        .registrations_on(goblin)
        .iter()
        .map(|at| (at.listener, at.component))
        .collect::<Vec<_>>();

    assert_eq!(
        names,
        [(mob, type_name::<Mob>()), (mob, type_name::<Mood>())]
    );
    world.entity_mut(mob).remove::<Mob>();
    assert_eq!(links_of::<Mob>(&world, goblin), []);
    assert_eq!(links_of::<Mood>(&world, goblin), [mob]);
    check(&world);
}

#[test]
fn link_stands_beside_a_registration_of_the_same_component_on_the_same_target() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn(Mob::after(goblin)).id();

    world.register_signal(mob, goblin, Mob::count).unwrap();
    let again = world.register_signal(mob, goblin, Mob::count);
    assert!(again.is_err());
    assert_eq!(world.registrations_on(goblin).len(), 2);
    write(&mut world, mob, orc);
    world.sync_references();

    let [only] = world.registrations_on(goblin).try_into().unwrap();
    assert_eq!(only.signal, type_name::<Qdeleting>());
    assert_eq!(links_on(&world, orc), [mob]);
    write(&mut world, mob, goblin);
    world.sync_references();
    world
        .unregister_signal::<Mob, Qdeleting>(mob, goblin)
        .unwrap();
    assert_eq!(links_on(&world, goblin), [mob]);
    check(&world);
}

#[test]
fn listener_is_told_before_its_field_is_cleared_and_both_once() {
    for (end, delete) in ends() {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let mob = world.spawn(Mob::after(goblin)).id();
        world.register_signal(mob, goblin, Mob::count).unwrap();

        delete(&mut world, goblin);

        let at = world.get::<Mob>(mob).unwrap();
        assert_eq!(at.told, [Some(goblin)], "{end}");
        assert_eq!(at.mourned, [[goblin]], "{end}");
        check(&world);
    }
}

#[test]
fn links_are_mirror_images_whatever_was_written() {
    let mut world = stage();
    let crowd: Vec<_> = (0..40).map(|_| spawn_mob(&mut world)).collect();
    let mut dice = 1usize;
    let mut roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) % crowd.len()
    };
    for _ in 0..300 {
        let mob = crowd[roll()];
        let friends = (0..roll()).map(|_| crowd[roll()]).collect::<Vec<_>>();
        let target = Some(crowd[roll()]);
        let mut at = world.get_mut::<Mob>(mob).unwrap();
        at.target = target;
        at.friends = friends;
        if roll() % 4 == 0 {
            world.sync_references();
        }
    }

    world.sync_references();

    for &target in &crowd {
        let mut expected: Vec<_> = crowd
            .iter()
            .copied()
            .filter(|mob| named(&world, *mob).contains(&target))
            .collect();
        let mut links = links_on(&world, target);
        links.sort_unstable();
        expected.sort_unstable();
        assert_eq!(links, expected);
    }
    check(&world);
}

// R3: nothing grows with churn.

#[test]
fn ten_thousand_retargets_leave_nothing_behind() {
    let mut world = stage();
    let [goblin, orc, mob, other] = [(); 4].map(|()| spawn(&mut world));
    world.entity_mut(mob).insert(Mob::after(goblin));
    world.entity_mut(other).insert(Mob::after(goblin));
    for target in [orc, goblin] {
        world.entity_mut(mob).insert(Mob::after(target));
        write(&mut world, mob, target);
        world.sync_references();
    }
    let before = world.signal_footprint();

    for round in 0..10_000 {
        let target = [orc, goblin][round % 2];
        if round % 3 == 0 {
            world.entity_mut(mob).insert(Mob::after(target));
        } else {
            world.get_mut::<Mob>(mob).unwrap().target = Some(target);
            world.sync_references();
        }
    }

    assert_eq!(world.signal_footprint(), before);
    check(&world);
}

#[test]
fn ten_thousand_targets_leave_nothing_behind() {
    let mut world = stage();
    let mob = spawn_mob(&mut world);
    let deaths = |world: &mut World, rounds: usize| {
        for round in 0..rounds {
            let target = spawn(world);
            write(world, mob, target);
            match round % 4 {
                0 => {
                    world.sync_references();
                    world.despawn(target);
                }
                1 => {
                    world.qdel(target).unwrap();
                    world.flush_qdel();
                }
                2 => {
                    world.sync_references();
                    world.qdel(target).unwrap();
                    world.flush_qdel();
                }
                _ => {
                    world.despawn(target);
                    world.sync_references();
                }
            }
            world.get_mut::<Mob>(mob).unwrap().mourned.clear();
        }
    };
    deaths(&mut world, 8);
    let before = world.signal_footprint();

    deaths(&mut world, 10_000);

    assert_eq!(world.signal_footprint(), before);
    assert_eq!(before.registrations, 0);
    check(&world);
}

#[test]
fn ten_thousand_targets_at_once_leave_nothing_behind() {
    let mut world = stage();
    let mob = spawn_mob(&mut world);
    let live_and_die = |world: &mut World| {
        let crowd: Vec<_> = (0..10_000).map(|_| spawn(world)).collect();
        world.get_mut::<Mob>(mob).unwrap().friends = crowd.clone();
        world.sync_references();
        assert_eq!(world.signal_footprint().registrations, 10_000);
        for target in crowd {
            // One by one: a batch would be compared with all that is named.
            world.get_mut::<Mob>(mob).unwrap().friends.clear();
            world.despawn(target);
        }
        world.sync_references();
    };
    live_and_die(&mut world);
    let before = world.signal_footprint();

    live_and_die(&mut world);

    assert_eq!(world.signal_footprint(), before);
    assert_eq!(before.registrations, 0);
    assert_eq!(before.crowded_listeners, 0);
    check(&world);
}

#[test]
fn ten_thousand_holders_leave_nothing_behind() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let live_and_die = |world: &mut World| {
        let mobs: Vec<_> = (0..10_000)
            .map(|_| world.spawn(Mob::after(goblin)).id())
            .collect();
        assert_eq!(world.registrations_on(goblin).len(), 10_000);
        for (number, mob) in mobs.into_iter().enumerate() {
            match number % 3 {
                0 => {
                    world.despawn(mob);
                }
                1 => {
                    world.entity_mut(mob).remove::<Mob>();
                }
                _ => {
                    world.qdel(mob).unwrap();
                }
            }
        }
        world.flush_qdel();
    };
    live_and_die(&mut world);
    let before = world.signal_footprint();

    live_and_die(&mut world);

    let after = world.signal_footprint();
    assert_eq!(after.registrations, 0);
    assert_eq!(after.crowded_listeners, 0);
    assert!(after.places <= before.places);
    assert!(after.heap_bytes <= before.heap_bytes * 11 / 10);
    check(&world);
}

#[test]
fn component_that_listens_and_names_somebody_needs_no_books_of_its_own() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn(Mob::after(goblin)).id();

    world.register_signal(mob, orc, Mob::count).unwrap();

    let footprint = world.signal_footprint();
    assert_eq!(footprint.registrations, 2);
    assert_eq!(footprint.crowded_listeners, 0);
    check(&world);
}

#[test]
fn registrations_come_before_declared_references_where_both_are_listed() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn(Mob::after(goblin)).id();
    world.register_signal(mob, orc, Mob::count).unwrap();
    world.register_signal(mob, goblin, Mob::count).unwrap();

    let targets = world.registrations_of(mob).into_iter();
    let targets: Vec<_> = targets.map(|at| at.target).collect();

    assert_eq!(targets, [orc, goblin, goblin]);
}
