//! Q8: pauses change nothing but the time.

use super::*;

#[test]
fn pauses_do_not_change_the_order() {
    let mut orders = Vec::new();
    for budget in [None, Some(0), Some(700)] {
        let mut world = stage();
        let first = spawn_chain(&mut world, 100, 10);
        let loose = spawn_many(&mut world, 50, 10);
        let second = spawn_chain(&mut world, 100, 10);
        let late = spawn_chain(&mut world, 50, 10);
        world.qdel(first[0]).unwrap();
        world.qdel_batch(loose);
        world.qdel(second[0]).unwrap();
        world.entity_mut(late[0]).insert(ChildOf(second[70]));
        if let Some(budget) = budget {
            set_budget(&mut world, budget);
        }
        flush_until_gone(&mut world, 300);
        orders.push(gone(&world));
    }

    let [without, zero, some] = orders.try_into().unwrap();

    assert_eq!(zero, without);
    assert_eq!(some, without);
}

#[test]
fn what_is_deleted_between_two_flushes_comes_after() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let [old, new] = [40, 40].map(|count| spawn_many(&mut world, count, 10));
    world.qdel_batch(old.iter().copied());
    world.flush_qdel();
    world.qdel_batch(new.iter().copied());

    flush_until_gone(&mut world, 80);

    assert_eq!(gone(&world), [old, new].concat());
}

#[test]
fn what_a_hook_deletes_comes_after_what_waits() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 40, 10);
    let heir = spawn(&mut world, 10);
    world
        .entity_mut(crowd[0])
        .observe(move |_: On<Despawn<Heavy>>, mut world: DeferredWorld| world.qdel(heir));
    world.qdel_batch(crowd.iter().copied());

    let torn_down = [world.flush_qdel(), world.flush_qdel()];

    assert_eq!(torn_down, [32, 9]);
    assert_eq!(gone(&world), [crowd, vec![heir]].concat());
}

#[test]
fn smaller_budget_between_two_flushes_holds_from_the_next() {
    let mut world = stage();
    let crowd = spawn_many(&mut world, 200, 10);
    world.qdel_batch(crowd.iter().copied());

    set_budget(&mut world, 640);
    let first = world.flush_qdel();
    set_budget(&mut world, 0);
    let second = world.flush_qdel();
    set_budget(&mut world, 960);
    let third = world.flush_qdel();

    assert_eq!([first, second, third], [64, 32, 96]);
    assert_eq!(gone(&world), crowd[..192]);
}

#[test]
fn flush_without_settings_ends_what_was_paused() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    world.flush_qdel();

    world.remove_resource::<QdelSettings>();
    world.flush_qdel();

    assert_gone_once(&world, &ring);
}

#[test]
fn drain_ends_what_was_paused_whatever_the_budget() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel(ring[0]).unwrap();
    world.qdel_batch(crowd.iter().copied());
    let before = world.flush_qdel();

    let torn_down = world.drain_qdel();

    assert_eq!(before + torn_down, 200);
    assert_gone_once(&world, &[ring, crowd].concat());
}

#[test]
fn drain_tears_down_what_hooks_delete_meanwhile() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    for pair in crowd.windows(2) {
        let [dies, inherits] = [pair[0], pair[1]];
        world
            .entity_mut(dies)
            .observe(move |_: On<Despawn<Heavy>>, mut world: DeferredWorld| {
                world.qdel(inherits);
            });
    }
    world.qdel(crowd[0]).unwrap();

    let torn_down = world.drain_qdel();

    assert_eq!(torn_down, 100);
    assert_eq!(gone(&world), crowd);
}

#[test]
fn drain_by_a_command_of_a_hook_ends_the_flush_whatever_the_budget() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world
        .entity_mut(crowd[3])
        .observe(|_: On<Despawn<Heavy>>, mut commands: Commands| {
            commands.queue(|world: &mut World| {
                world.drain_qdel();
            });
        });
    world.qdel_batch(crowd.iter().copied());

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 100);
    assert_eq!(gone(&world), crowd);
}

#[test]
fn what_is_despawned_by_hand_between_two_flushes_is_passed_over() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    world.flush_qdel();
    for &entity in &crowd[40..50] {
        world.despawn(entity);
    }

    let flushes = flush_until_gone(&mut world, 100);

    let torn_down: usize = flushes.iter().map(|flush| flush.count).sum();
    assert_eq!(torn_down, 58);
    assert_gone_once(&world, &crowd);
    assert_eq!(world.resource::<QdelCounts>().torn_down, 90);
}

/// [`Teardown::Budget`] says that at least a batch is torn down each time.
#[test]
fn what_is_gone_by_hand_does_not_count_for_the_batch() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    for &entity in &crowd[..60] {
        world.despawn(entity);
    }

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, TEARDOWN_BATCH);
}

#[test]
fn owner_that_is_despawned_by_hand_in_a_paused_descent_takes_the_rest_with_it() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    for _ in 0..5 {
        world.flush_qdel();
    }
    let there: Vec<_> = ring
        .iter()
        .filter(|entity| world.liveness(**entity) != Liveness::Gone)
        .copied()
        .collect();
    assert!((2..100).contains(&there.len()), "it should be half gone");

    world.despawn(there[0]);
    flush_until_gone(&mut world, 100);

    assert_gone_once(&world, &ring);
}

/// Nothing can be said of what comes after: Bevy finds no place for resources in a world that was
/// cleared.
#[test]
fn flush_of_a_world_that_was_cleared_in_a_pause_does_nothing() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    for _ in 0..4 {
        world.flush_qdel();
    }

    world.clear_entities();
    let torn_down = [world.flush_qdel(), world.drain_qdel()];

    assert_eq!(torn_down, [0, 0]);
}

#[test]
fn hook_whose_command_clears_the_world_ends_the_flush() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world
        .entity_mut(crowd[3])
        .observe(|_: On<Despawn<Heavy>>, mut commands: Commands| {
            commands.queue(World::clear_entities);
        });
    world.qdel_batch(crowd.iter().copied());

    let torn_down = [world.flush_qdel(), world.flush_qdel()];

    assert_eq!(torn_down, [4, 0]);
}

#[test]
fn resources_that_are_cleared_in_a_pause_do_no_harm() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    world.flush_qdel();

    world.clear_resources();
    world.flush_qdel();
    let next = world.spawn_empty().id();
    let answer = world.qdel(next);
    world.flush_qdel();

    assert_eq!(answer, Ok(QdelOutcome::Queued));
    assert_eq!(world.liveness(next), Liveness::Gone);
}

#[test]
fn who_is_let_live_between_two_flushes_survives_them() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    world.flush_qdel();
    let king = spawn_with_hint(&mut world, DestroyHint::LetMeLive);
    world.entity_mut(king).insert(ChildOf(crowd[90]));

    let answer = world.qdel(king);
    flush_until_gone(&mut world, 100);

    assert_eq!(answer, Ok(QdelOutcome::Kept));
    assert_eq!(world.liveness(king), Liveness::Alive);
    assert_gone_once(&world, &crowd);
}

#[test]
fn newcomer_that_is_let_live_leaves_its_owner_in_a_paused_tear_down() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    world.flush_qdel();
    let king = spawn_with_hint(&mut world, DestroyHint::LetMeLive);
    world.entity_mut(king).insert(ChildOf(ring[50]));

    flush_until_gone(&mut world, 100);

    assert_eq!(world.liveness(king), Liveness::Alive);
    assert_eq!(world.resource::<QdelCounts>().kept, 1);
    assert_gone_once(&world, &ring);
}

#[test]
fn newcomer_to_an_owner_of_a_paused_descent_is_told_and_goes_before_it() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    world.flush_qdel();
    let late = spawn(&mut world, 10);
    let mob = aim(&mut world, late);
    world.entity_mut(late).insert(ChildOf(ring[50]));

    flush_until_gone(&mut world, 101);

    assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
    let gone = gone(&world);
    let place = |entity| gone.iter().position(|at| *at == entity);
    assert!(place(late) < place(ring[50]));
}

/// Those that other code sees to are not in the queue, but they go with an owner that they are
/// given to.
#[test]
fn owner_that_owns_many_who_are_left_alone_goes_without_them() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let owner = spawn(&mut world, 10);
    let left_alone = [(); 100].map(|()| spawn_with_hint(&mut world, DestroyHint::IWillHandleIt));
    world.qdel_batch(left_alone);
    for entity in left_alone {
        world.entity_mut(entity).insert(ChildOf(owner));
    }
    world.qdel(owner).unwrap();

    flush_until_gone(&mut world, 1);

    assert_eq!(gone(&world), [owner]);
    let is_left = |entity: &Entity| world.liveness(*entity) == Liveness::Deleting;
    assert!(left_alone.iter().all(is_left));
}
