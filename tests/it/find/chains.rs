//! H1: chains to roots.

use super::*;

#[test]
fn holder_that_is_a_root_needs_no_chain() {
    let mut world = stage();
    let [goblin, player] = spawn_many(&mut world);
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));

    let report = world.find_references(goblin);

    assert_eq!(report.holders[0].chain.as_deref(), Some(&[][..]));
}

#[test]
fn holder_that_no_root_leads_to_has_no_chain() {
    let mut world = stage();
    let [goblin, mob, player] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    world.entity_mut(player).insert(ReferenceRoot);

    let report = world.find_references(goblin);

    assert_eq!(report.holders[0].chain, None);
}

#[test]
fn chain_is_the_shortest_and_then_the_one_through_the_lowest_ids() {
    let mut world = stage();
    let [goblin, mob, far, near, later, player, other] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    world.entity_mut(far).insert(chasing(near));
    for holder in [near, later] {
        world.entity_mut(holder).insert(chasing(mob));
    }
    for root in [player, other] {
        let friends = vec![far, later, near];
        let befriended = Mob {
            friends,
            ..Mob::default()
        };
        world.entity_mut(root).insert((befriended, ReferenceRoot));
    }

    let report = world.find_references(goblin);

    let expected = [(player, "Mob.friends[2]"), (near, "Mob.target")];
    assert_eq!(chain(&report, 0), named(expected));
}

#[test]
fn rings_do_not_keep_a_chain_from_its_end() {
    let mut world = stage();
    let [goblin, one, two, three, player] = spawn_many(&mut world);
    for (holder, named) in [(one, two), (two, three), (player, one)] {
        world.entity_mut(holder).insert(chasing(named));
    }
    let friends = vec![goblin, one];
    world.entity_mut(three).insert(Mob {
        friends,
        ..Mob::default()
    });
    world.entity_mut(player).insert(ReferenceRoot);

    let report = world.find_references(goblin);

    let expected = [
        (player, "Mob.target"),
        (one, "Mob.target"),
        (two, "Mob.target"),
    ];
    assert_eq!(chain(&report, 0), named(expected));
}

#[test]
fn ring_without_a_root_ends_the_search() {
    let mut world = stage();
    let [goblin, one, two, player] = spawn_many(&mut world);
    let friends = vec![two, goblin];
    world.entity_mut(one).insert(Mob {
        friends,
        ..Mob::default()
    });
    world.entity_mut(two).insert(chasing(one));
    world
        .entity_mut(player)
        .insert((chasing(player), ReferenceRoot));

    let report = world.find_references(goblin);

    assert_eq!(report.holders[0].chain, None);
}

#[test]
fn chains_do_not_lead_by_way_of_the_target() {
    let mut world = stage();
    let [goblin, pet, player] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(chasing(pet));
    world.entity_mut(pet).insert(chasing(goblin));
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));

    let report = world.find_references(goblin);

    let holders: Vec<_> = report.holders.iter().map(|at| at.label.entity).collect();
    assert_eq!(holders, [pet, player]);
    assert_eq!(report.holders[0].chain, None);
}

#[test]
fn target_that_names_itself_is_reached_by_a_root() {
    let mut world = stage();
    let [goblin, player] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(chasing(goblin));
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));

    let report = world.find_references(goblin);

    assert_eq!(chain(&report, 0), named([(player, "Mob.target")]));
}

#[test]
fn chain_has_a_longest_length() {
    let mut world = stage();
    let [goblin, player] = spawn_many(&mut world);
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));
    let mut last = player;
    for _ in 0..=MAX_DEPTH {
        let next = world.spawn(chasing(goblin)).id();
        world.get_mut::<Mob>(last).unwrap().friends.push(next);
        last = next;
    }

    let report = world.find_references(goblin);

    let holders = report.holders.iter();
    let lengths = holders.map(|holder| holder.chain.as_ref().map(Vec::len));
    let lengths: Vec<_> = lengths.collect();
    let expected: Vec<_> = (0..=MAX_DEPTH).map(Some).chain([None]).collect();
    assert_eq!(lengths, expected);
}
