//! Q9: the entity is held weakly.

use super::*;

#[test]
fn despawned_entity_takes_its_timers_with_it() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.qdel_in(goblin, 2 * SECOND).unwrap();
    let kept = world.qdel_in(orc, SECOND).unwrap();

    world.despawn(goblin);

    assert_eq!(world.qdel_timers(), [(kept, SECOND)]);
}

#[test]
fn torn_down_entity_takes_its_timers_with_it() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_of_an_entity_that_was_deleted_before_does_nothing() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.qdel(goblin).unwrap();

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!((batch.queued, batch.already_deleting), (vec![], vec![]));
    assert_eq!(world.resource::<QdelCounts>().repeated, 0);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn cleared_entity_takes_its_timers_with_it() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();

    world.entity_mut(goblin).clear();
    world.advance_qdel_timers(SECOND);

    assert_eq!(world.qdel_timers(), []);
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

#[test]
fn owned_entity_that_goes_with_its_owner_takes_its_timers_with_it() {
    let mut world = stage();
    let [goblin, purse] = spawn_many(&mut world);
    world.entity_mut(purse).insert(ChildOf(goblin));
    world.qdel_in(purse, SECOND).unwrap();

    world.despawn(goblin);

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_does_not_hit_the_entity_that_reuses_the_index() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.despawn(goblin);
    let crowd: Vec<_> = (0..300).map(|_| world.spawn_empty().id()).collect();
    for extra in crowd {
        world.despawn(extra);
    }
    let heir = (0..600)
        .map(|_| world.spawn_empty().id())
        .find(|entity| entity.index() == goblin.index())
        .expect("an index should be used again after so many despawns");

    world.advance_qdel_timers(SECOND);

    assert_eq!(world.liveness(heir), Liveness::Alive);
}

#[test]
fn short_lives_with_long_delays_leave_nothing_behind() {
    let mut world = stage();

    for number in 0..10_000 {
        let goblin = world.spawn_empty().id();
        world.qdel_in(goblin, Duration::MAX).unwrap();
        if number % 2 == 0 {
            world.despawn(goblin);
        } else {
            world.qdel(goblin).unwrap();
            world.flush_qdel();
        }
    }

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timers_that_come_and_go_on_one_entity_leave_nothing_behind() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);

    for _ in 0..10_000 {
        let timer = world.qdel_in(goblin, Duration::MAX).unwrap();
        world.cancel_qdel(timer).unwrap();
    }

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn clone_of_an_entity_has_no_timer() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    let timer = world.qdel_in(goblin, SECOND).unwrap();

    let clone = world.entity_mut(goblin).clone_and_spawn();

    assert_eq!(world.qdel_timers(), [(timer, SECOND)]);
    world.advance_qdel_timers(SECOND);
    assert_eq!(world.liveness(clone), Liveness::Alive);
}

#[test]
fn components_may_come_and_go_on_a_timed_entity() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    let timer = world.qdel_in(goblin, SECOND).unwrap();

    world.entity_mut(goblin).insert(Name::new("goblin"));
    world.entity_mut(goblin).remove::<(Name, Listener)>();

    assert_eq!(world.qdel_timers(), [(timer, SECOND)]);
}
