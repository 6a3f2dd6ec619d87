//! The three states.

use super::*;

#[test]
fn handle_of_an_entity_that_is_alive_resolves() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();

    let seen = see(&world, goblin);

    assert_eq!(seen, alive(goblin));
}

#[test]
fn handle_of_a_deleting_entity_resolves_hard_only() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();

    let seen = see(&world, goblin);

    assert_eq!(seen, deleting(goblin));
}

#[test]
fn handle_of_an_owned_entity_follows_its_owner() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    let purse = world.spawn(ChildOf(goblin)).id();
    world.qdel(goblin).unwrap();

    let waiting = see(&world, purse);
    world.flush_qdel();
    let afterwards = see(&world, purse);

    assert_eq!((waiting, afterwards), (deleting(purse), gone()));
}

#[test]
fn handle_of_an_entity_that_is_gone_does_not_resolve() {
    let mut world = World::new();
    let [torn_down, despawned] = spawn_many(&mut world);
    world.qdel(torn_down).unwrap();
    world.flush_qdel();
    world.despawn(despawned);

    let seen = [torn_down, despawned].map(|entity| see(&world, entity));

    assert_eq!(seen, [gone(), gone()]);
}

#[test]
fn handle_of_a_vetoed_entity_resolves() {
    let mut world = World::new();
    let king = world.spawn(Mob).id();
    let refuse = |_: &Mob, _: Received<PreQdel>| QdelVerdict::Veto;
    world.register_signal(king, king, refuse).unwrap();
    world.qdel(king).unwrap();

    let seen = see(&world, king);

    assert_eq!(seen, alive(king));
}

#[test]
fn handle_of_an_entity_that_is_merely_disabled_resolves() {
    let mut world = World::new();
    let goblin = world.spawn(Disabled).id();

    let seen = [see(&world, goblin), see_in_system(&mut world, goblin)];

    assert_eq!(seen, [alive(goblin), alive(goblin)]);
}

#[test]
fn handle_stays_dead_when_its_index_is_used_again() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);

    let seen = [see(&world, old), see(&world, new)];

    assert_eq!(seen, [gone(), alive(new)]);
    assert_eq!(see_in_system(&mut world, old), gone());
}

#[test]
fn handle_stays_dead_while_the_next_user_of_its_index_is_deleting() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);
    world.qdel(new).unwrap();

    let seen = [see(&world, old), see(&world, new)];

    assert_eq!(seen, [gone(), deleting(new)]);
}

#[test]
fn handle_of_a_reserved_id_resolves_from_its_spawn_on() {
    let mut world = World::new();
    let reserved = world.entity_allocator().alloc();

    let before = [see(&world, reserved), see_in_system(&mut world, reserved)];
    world.spawn_empty_at(reserved).unwrap();
    let after = [see(&world, reserved), see_in_system(&mut world, reserved)];

    assert_eq!(before, [gone(), gone()]);
    assert_eq!(after, [alive(reserved), alive(reserved)]);
}

#[test]
fn handle_of_an_entity_that_a_command_will_spawn_resolves_when_it_has() {
    let mut world = World::new();
    let goblin = world.commands().spawn(Mob).id();

    let before = see(&world, goblin);
    world.flush();
    let after = see(&world, goblin);

    assert_eq!((before, after), (gone(), alive(goblin)));
}

#[test]
fn handle_of_the_placeholder_never_resolves() {
    let world = World::new();

    let seen = see(&world, Entity::PLACEHOLDER);

    assert_eq!(seen, gone());
}
