//! The budget of a tear-down: how long a flush takes, where the next one goes on, and what holds at every pause.
//!
//! Rule Q8 of the design. The clock of these tests is turned by what is torn down, and by nothing else.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bevy_ecs::{
    entity::{EntityHashMap, EntityHashSet},
    entity_disabling::Disabled,
    lifecycle::HookContext,
    prelude::*,
    world::DeferredWorld,
};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelCounts, TEARDOWN_BATCH, WorkClock, prelude::*};

// Q8: how long a flush takes.

#[test]
fn flushes_of_100_000_take_the_budget_to_the_batch() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100_000, 10);
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 100_000);

    // 224 entities are the first whole batches that take 2,000 microseconds or more.
    let mut expected = vec![flush(224, 2_240); 446];
    expected.push(flush(96, 960));
    assert_eq!(flushes, expected);
}

#[test]
fn flushes_of_100_000_owned_by_one_take_the_budget_to_the_batch() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let ship = spawn(&mut world, 10);
    for sailor in spawn_many(&mut world, 100_000, 10) {
        world.entity_mut(sailor).insert(SailsOn(ship));
    }
    world.qdel(ship).unwrap();

    let flushes = flush_until_gone(&mut world, 100_001);

    let mut expected = vec![flush(224, 2_240); 446];
    expected.push(flush(97, 970));
    assert_eq!(flushes, expected);
    assert_eq!(gone(&world).last(), Some(&ship));
}

#[test]
fn flushes_of_a_chain_of_owners_take_the_budget_to_the_batch() {
    let mut world = stage();
    set_budget(&mut world, 500);
    let chain = spawn_chain(&mut world, 10_000, 7);
    world.qdel(chain[0]).unwrap();

    let flushes = flush_until_gone(&mut world, 10_000);

    let mut expected = vec![flush(96, 672); 104];
    expected.push(flush(16, 112));
    assert_eq!(flushes, expected);
    assert!(gone(&world).iter().eq(chain.iter().rev()));
}

#[test]
fn flushes_of_a_ring_of_owners_take_the_budget_and_not_more() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let ring = spawn_chain(&mut world, 10_000, 10);
    world.entity_mut(ring[0]).insert(SailsOn(ring[9_999]));
    world.qdel(ring[0]).unwrap();

    let flushes = flush_until_gone(&mut world, 10_000);

    assert_within_budget(&flushes, 2_000, 10);
    assert_gone_once(&world, &ring);
}

#[test]
fn flushes_of_a_chain_that_joins_a_deleting_owner_take_the_budget_and_not_more() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let chain = spawn_chain(&mut world, 10_000, 10);
    let owner = spawn(&mut world, 10);
    world.qdel(owner).unwrap();
    world.entity_mut(chain[0]).insert(ChildOf(owner));

    let flushes = flush_until_gone(&mut world, 10_001);

    assert_within_budget(&flushes, 2_000, 10);
    let owned_first = chain.iter().rev().chain([&owner]);
    assert!(gone(&world).iter().eq(owned_first));
}

#[test]
fn flushes_of_many_that_join_a_deleting_owner_take_the_budget_and_not_more() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let ship = spawn(&mut world, 10);
    world.qdel(ship).unwrap();
    let crew = spawn_many(&mut world, 10_000, 10);
    for &sailor in &crew {
        world.entity_mut(sailor).insert(SailsOn(ship));
    }

    let flushes = flush_until_gone(&mut world, 10_001);

    assert_within_budget(&flushes, 2_000, 10);
    assert_eq!(gone(&world).last(), Some(&ship));
}

#[test]
fn budget_of_exactly_one_batch_takes_one_batch() {
    let mut world = stage();
    set_budget(&mut world, 320);
    let crowd = spawn_many(&mut world, 70, 10);
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 70);

    let expected = [flush(32, 320), flush(32, 320), flush(6, 60)];
    assert_eq!(flushes, expected);
}

#[test]
fn budget_that_a_batch_does_not_quite_spend_takes_two() {
    let mut world = stage();
    set_budget(&mut world, 321);
    let crowd = spawn_many(&mut world, 70, 10);
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 70);

    assert_eq!(flushes, [flush(64, 640), flush(6, 60)]);
}

#[test]
fn endless_budget_tears_down_everything() {
    let mut world = stage();
    let endless = Teardown::Budget(Duration::MAX);
    world.insert_resource(QdelSettings::default().with_teardown(endless));
    let crowd = spawn_many(&mut world, 1_000, 10);
    world.qdel_batch(crowd);

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 1_000);
}

#[test]
fn clock_of_the_machine_is_taken_where_there_is_no_other() {
    let mut world = stage();
    world.remove_resource::<WorkClock>();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 70, 10);
    world.qdel_batch(crowd);

    let torn_down = [(); 4].map(|()| world.flush_qdel());

    assert_eq!(torn_down, [32, 32, 6, 0]);
}

#[test]
fn clock_that_runs_backwards_does_no_harm() {
    let mut world = stage();
    let left = Arc::new(AtomicU64::new(1_000));
    world.insert_resource(WorkClock::new(move || {
        Duration::from_secs(left.fetch_sub(1, Ordering::Relaxed))
    }));
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 100);
}

#[test]
fn clock_that_panics_loses_nothing() {
    let mut world = stage();
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = Arc::clone(&is_broken);
    world.insert_resource(WorkClock::new(move || {
        assert!(!broken.load(Ordering::Relaxed), "the clock is broken");
        Duration::ZERO
    }));
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    is_broken.store(false, Ordering::Relaxed);
    let torn_down = world.flush_qdel();

    assert!(panicked);
    assert_eq!(torn_down, 100);
    assert_gone_once(&world, &crowd);
}

#[test]
fn clock_that_panics_in_the_middle_of_a_tear_down_loses_nothing() {
    let mut world = stage();
    let looks = Arc::new(AtomicU64::new(0));
    world.insert_resource(WorkClock::new(move || {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        assert!(look != 2, "the clock is broken");
        Duration::ZERO
    }));
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    world.flush_qdel();

    assert!(panicked);
    assert_gone_once(&world, &crowd);
}

// Q8: pauses change nothing but the time.

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
        .observe(move |_: On<Despawn<Heavy>>, mut world: DeferredWorld| world.queue_qdel(heir));
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
                world.queue_qdel(inherits);
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

/// Nothing can be said of what comes after: Bevy finds no place for resources in a world that was cleared.
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

    assert_eq!(answer, Ok(Qdel::Queued));
    assert_eq!(world.liveness(next), Liveness::Gone);
}

#[test]
fn who_is_let_live_between_two_flushes_survives_them() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    world.flush_qdel();
    let king = spawn_with_hint(&mut world, Hint::LetMeLive);
    world.entity_mut(king).insert(ChildOf(crowd[90]));

    let answer = world.qdel(king);
    flush_until_gone(&mut world, 100);

    assert_eq!(answer, Ok(Qdel::Kept));
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
    let king = spawn_with_hint(&mut world, Hint::LetMeLive);
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

/// Those whom somebody else sees to are not in the queue, but they go with an owner that they are given to.
#[test]
fn owner_that_owns_many_who_are_left_alone_goes_without_them() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let owner = spawn(&mut world, 10);
    let left_alone = [(); 100].map(|()| spawn_with_hint(&mut world, Hint::IWillHandleIt));
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

// Q8: panics.

#[test]
fn panic_in_a_hook_does_not_stop_the_flush() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 70, 10);
    world.entity_mut(crowd[5]).insert(Bomb { charges: 1 });
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    let torn_down = [(); 3].map(|()| world.flush_qdel());

    assert!(panicked);
    assert_eq!(torn_down, [32, 7, 0]);
    assert_gone_once(&world, &crowd);
}

#[test]
fn stuck_entity_comes_after_those_that_wait() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 70, 10);
    world.entity_mut(crowd[0]).insert(Bomb { charges: 1 });
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    flush_until_gone(&mut world, 70);

    assert!(panicked);
    let expected = [&crowd[1..], &crowd[..1]].concat();
    assert_eq!(gone(&world), expected);
}

#[test]
fn stuck_entity_is_tried_once_a_flush() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let bomb = spawn(&mut world, 10);
    world.entity_mut(bomb).insert(Bomb { charges: 100 });
    world.qdel(bomb).unwrap();

    for _ in 0..10 {
        panics(|| world.flush_qdel());
    }

    assert_eq!(world.get::<Bomb>(bomb).unwrap().charges, 90);
}

#[test]
fn stuck_owned_entity_is_tried_once_a_flush_when_its_owner_is_gone() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let owner = spawn(&mut world, 10);
    let bomb = spawn(&mut world, 10);
    world
        .entity_mut(bomb)
        .insert((Bomb { charges: 100 }, ChildOf(owner)));
    world.qdel(owner).unwrap();
    panics(|| world.flush_qdel());
    let left = world.get::<Bomb>(bomb).unwrap().charges;

    for _ in 0..10 {
        panics(|| world.flush_qdel());
    }

    assert_eq!(world.liveness(owner), Liveness::Gone);
    assert_eq!(world.get::<Bomb>(bomb).unwrap().charges, left - 10);
}

#[test]
fn panics_in_a_paused_ring_lose_nobody() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    for at in [10, 50, 51, 99] {
        world.entity_mut(ring[at]).insert(Bomb { charges: 1 });
    }
    world.qdel(ring[0]).unwrap();

    for _ in 0..40 {
        panics(|| world.flush_qdel());
    }

    assert_gone_once(&world, &ring);
    assert_eq!(world.flush_qdel(), 0);
}

#[test]
fn entity_that_takes_a_thousand_budgets_is_paid_for_by_one_flush() {
    let mut world = stage();
    set_budget(&mut world, 100);
    let ogre = spawn(&mut world, 100_000);
    let crowd = spawn_many(&mut world, 63, 1);
    world.qdel(ogre).unwrap();
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 64);

    assert_eq!(flushes, [flush(32, 100_031), flush(32, 32)]);
}

// Q8: nobody starves.

#[test]
fn budget_of_zero_tears_down_one_batch_a_flush() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);

    let torn_down = [(); 5].map(|()| world.flush_qdel());

    assert_eq!(TEARDOWN_BATCH, 32);
    assert_eq!(torn_down, [32, 32, 32, 4, 0]);
}

#[test]
fn ring_is_gone_after_as_many_flushes_as_its_size_says() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 1_000);
    world.qdel(ring[0]).unwrap();

    let flushes = flush_until_gone(&mut world, 1_000);

    // A step to get to each, and a step to tear it down.
    assert!(flushes.len() <= 2 * 1_000 / TEARDOWN_BATCH + 1);
}

#[test]
fn entity_that_takes_a_thousand_budgets_and_panics_does_not_stop_the_rest() {
    let mut world = stage();
    set_budget(&mut world, 100);
    let ogre = spawn(&mut world, 100_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.entity_mut(ogre).insert(Bomb { charges: u32::MAX });
    world.qdel(ogre).unwrap();
    world.qdel_batch(crowd.iter().copied());

    let panicked = [(); 4].map(|()| panics(|| world.flush_qdel()));

    assert_eq!(panicked, [true, false, false, true]);
    assert_eq!(gone(&world), crowd);
    assert_eq!(world.liveness(ogre), Liveness::Deleting);
}

#[test]
fn stream_of_new_deletions_does_not_starve_the_old() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let old = spawn_many(&mut world, 320, 10);
    world.qdel_batch(old.iter().copied());

    for _ in 0..10 {
        let new = spawn_many(&mut world, TEARDOWN_BATCH, 10);
        world.qdel_batch(new);
        world.flush_qdel();
    }

    assert_eq!(gone(&world), old);
}

#[test]
fn stream_of_new_deletions_does_not_starve_a_stuck_entity() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let bomb = spawn(&mut world, 10);
    world.entity_mut(bomb).insert(Bomb { charges: 1 });
    world.qdel(bomb).unwrap();
    panics(|| world.flush_qdel());

    let new = spawn_many(&mut world, 100, 10);
    world.qdel_batch(new);
    world.flush_qdel();

    assert_eq!(gone(&world).first(), Some(&bomb));
}

#[test]
fn stream_of_hard_deletes_does_not_starve_the_rest() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let old = spawn_many(&mut world, 320, 10);
    world.qdel_batch(old.iter().copied());

    let mut torn_down = Vec::new();
    for _ in 0..10 {
        for _ in 0..50 {
            let hasty = spawn_with_hint(&mut world, Hint::HardDelete);
            world.qdel(hasty).unwrap();
        }
        torn_down.push(world.flush_qdel());
    }

    assert_eq!(torn_down, [50 + TEARDOWN_BATCH; 10]);
    let there = old
        .iter()
        .filter(|at| world.liveness(**at) != Liveness::Gone);
    assert_eq!(there.count(), 0);
}

// Q8: those that do not wait for their turn.

#[test]
fn hard_delete_is_torn_down_by_the_next_flush_before_all_others() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    let hasty = spawn_with_hint(&mut world, Hint::HardDelete);
    world.qdel(hasty).unwrap();
    let before = world.liveness(hasty);

    let torn_down = world.flush_qdel();

    assert_eq!(before, Liveness::Deleting);
    assert_eq!(torn_down, 33);
    assert_eq!(gone(&world), [&[hasty], &crowd[..32]].concat());
}

#[test]
fn hard_delete_takes_what_it_owns_before_it_whatever_the_budget() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    let hasty = spawn_with_hint(&mut world, Hint::HardDelete);
    let chain = spawn_chain(&mut world, 100, 10);
    world.entity_mut(chain[0]).insert(ChildOf(hasty));
    world.qdel(hasty).unwrap();

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 101 + TEARDOWN_BATCH);
    let owned_first = chain.iter().rev().chain([&hasty]);
    assert!(gone(&world)[..101].iter().eq(owned_first));
}

#[test]
fn owned_hard_delete_does_not_hurry_its_owner() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    let owner = spawn(&mut world, 10);
    let hasty = spawn_with_hint(&mut world, Hint::HardDelete);
    world.entity_mut(hasty).insert(ChildOf(owner));
    world.qdel(owner).unwrap();

    world.flush_qdel();

    assert_eq!(gone(&world)[0], hasty);
    assert_eq!(world.liveness(owner), Liveness::Deleting);
}

#[test]
fn hard_deletes_are_torn_down_the_oldest_first() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let hasty = [(); 50].map(|()| spawn_with_hint(&mut world, Hint::HardDelete));
    for entity in hasty {
        world.qdel(entity).unwrap();
    }

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 50);
    assert_eq!(gone(&world), hasty);
}

#[test]
fn hard_delete_in_the_middle_of_a_paused_ring_goes_at_once_and_once() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    for _ in 0..5 {
        world.flush_qdel();
    }
    let there = ring
        .iter()
        .find(|at| world.liveness(**at) != Liveness::Gone)
        .copied()
        .expect("it should be half gone");
    let hasty = spawn_with_hint(&mut world, Hint::HardDelete);
    world.entity_mut(hasty).insert(ChildOf(there));
    world.qdel(hasty).unwrap();

    world.flush_qdel();
    let after = world.liveness(hasty);
    flush_until_gone(&mut world, 101);

    assert_eq!(after, Liveness::Gone);
    assert_gone_once(&world, &[ring, vec![hasty]].concat());
}

#[test]
fn hard_delete_now_is_gone_when_qdel_returns() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    let hasty = spawn_with_hint(&mut world, Hint::HardDeleteNow);
    let owned = spawn_many(&mut world, 50, 10);
    for &owned in &owned {
        world.entity_mut(owned).insert(ChildOf(hasty));
    }

    let answer = world.qdel(hasty);

    assert_eq!(answer, Ok(Qdel::Queued));
    let owned_first = owned.iter().rev().chain([&hasty]);
    assert!(gone(&world).iter().eq(owned_first));
}

#[test]
fn hard_delete_now_during_a_flush_is_gone_with_it() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    let hasty = spawn_with_hint(&mut world, Hint::HardDeleteNow);
    world
        .entity_mut(crowd[20])
        .observe(move |_: On<Despawn<Heavy>>, mut world: DeferredWorld| world.queue_qdel(hasty));
    world.qdel_batch(crowd);

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 33);
    assert_eq!(world.liveness(hasty), Liveness::Gone);
}

#[test]
fn hard_delete_during_a_flush_waits_for_the_next() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    let hasty = spawn_with_hint(&mut world, Hint::HardDelete);
    world
        .entity_mut(crowd[20])
        .observe(move |_: On<Despawn<Heavy>>, mut world: DeferredWorld| world.queue_qdel(hasty));
    world.qdel_batch(crowd.iter().copied());

    let torn_down = [world.flush_qdel(), world.flush_qdel()];

    assert_eq!(torn_down, [32, 33]);
    assert_eq!(gone(&world)[32], hasty);
}

#[test]
fn stuck_hard_delete_is_tried_again_and_stops_nobody() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 40, 10);
    let hasty = spawn_with_hint(&mut world, Hint::HardDelete);
    world.entity_mut(hasty).insert(Bomb { charges: 2 });
    world.qdel_batch(crowd.iter().copied());
    world.qdel(hasty).unwrap();

    let panicked = [(); 3].map(|()| panics(|| world.flush_qdel()));

    assert_eq!(panicked, [true, true, false]);
    assert_eq!(gone(&world), [crowd, vec![hasty]].concat());
}

#[test]
fn immediate_deletion_tears_down_what_the_budget_left() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    world.qdel(ring[0]).unwrap();
    world.flush_qdel();

    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let last = spawn(&mut world, 10);
    world.qdel(last).unwrap();

    assert_gone_once(&world, &[ring, crowd, vec![last]].concat());
}

#[test]
fn flush_under_immediate_ends_what_the_budget_left() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 100);
}

#[test]
fn qdel_under_a_budget_tears_nothing_down() {
    let mut world = stage();
    set_budget(&mut world, 1_000_000);
    let crowd = spawn_many(&mut world, 100, 10);

    world.qdel_batch(crowd);

    assert_eq!(gone(&world), []);
}

// Q8: what holds at every pause.

#[test]
fn at_every_pause_whoever_waits_is_deleting_and_hidden() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 200);
    world.qdel(ring[0]).unwrap();

    for _ in 0..20 {
        world.flush_qdel();

        for &entity in &ring {
            let is_gone = gone(&world).contains(&entity);
            let expected = if is_gone {
                Liveness::Gone
            } else {
                Liveness::Deleting
            };
            assert_eq!(world.liveness(entity), expected);
            assert_eq!(world.get_entity(entity).is_err(), is_gone);
        }
        let seen = world.query::<&Heavy>().iter(&world).count();
        assert_eq!(seen, 0);
    }
    assert_gone_once(&world, &ring);
}

#[test]
fn at_every_pause_mobs_name_nobody_who_is_gone() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 200, 10);
    for &target in &crowd {
        aim(&mut world, target);
    }
    world.qdel_batch(crowd);

    for _ in 0..20 {
        world.flush_qdel();

        assert_names_nobody_who_is_gone(&mut world);
    }
    assert_eq!(gone(&world).len(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: ProptestConfig::default().cases / 4,
        ..ProptestConfig::default()
    })]

    /// The same deeds in two worlds, which differ in their pauses only.
    #[test]
    fn order_is_the_same_with_and_without_pauses(
        hints in vec((0..CROWD, hint()), 0..8),
        before in vec(bond(), 0..120),
        deaths in vec(0..CROWD, 1..20),
        after in vec(bond(), 0..30),
        budgets in vec(0..1_500_u64, 1..4),
    ) {
        let scene = || {
            let mut world = stage();
            let crowd = spawn_cast(&mut world, &hints);
            for &bond in &before {
                tie(&mut world, &crowd, bond);
            }
            for &death in &deaths {
                world.qdel(crowd[death]).ok();
            }
            // Newcomers in a hurry go with the next flush, so that pauses are to their advantage.
            for &patient in &crowd {
                let hint = world.get::<Will>(patient).map(|will| will.0);
                let is_hard = matches!(hint, Some(Hint::HardDelete | Hint::HardDeleteNow));
                if is_hard && world.liveness(patient) == Liveness::Alive {
                    world.entity_mut(patient).remove::<Will>();
                }
            }
            for &bond in &after {
                tie(&mut world, &crowd, bond);
            }
            (world, crowd)
        };
        let (mut whole, crowd) = scene();
        let (mut paused, _) = scene();

        for _ in 0..4 {
            whole.flush_qdel();
        }
        for budget in budgets.iter().cycle().take(60) {
            set_budget(&mut paused, *budget);
            paused.flush_qdel();
        }

        prop_assert_eq!(gone(&paused), gone(&whole));
        for entity in crowd {
            prop_assert_eq!(paused.liveness(entity), whole.liveness(entity));
        }
    }

    #[test]
    fn panics_of_hooks_lose_nobody_in_any_forest(
        bombs in vec((0..CROWD, 1..3_u32), 1..10),
        bonds in vec(bond(), 0..120),
        deaths in vec(0..CROWD, 1..20),
        budget in 0..1_500_u64,
    ) {
        let mut world = stage();
        let crowd = spawn_cast(&mut world, &[]);
        for (who, charges) in bombs {
            world.entity_mut(crowd[who]).insert(Bomb { charges });
        }
        for bond in bonds {
            tie(&mut world, &crowd, bond);
        }
        for death in deaths {
            world.qdel(crowd[death]).ok();
        }
        let expected = deleting(&mut world);

        set_budget(&mut world, budget);
        for _ in 0..40 {
            panics(|| world.flush_qdel());
        }

        prop_assert_eq!(world.flush_qdel(), 0);
        assert_gone_once(&world, &expected);
        for entity in crowd {
            let is_expected = expected.contains(&entity);
            prop_assert_eq!(world.liveness(entity) == Liveness::Alive, !is_expected);
        }
    }

    #[test]
    fn at_every_pause_the_invariants_hold_whatever_happens_between(
        hints in vec((0..CROWD, hint()), 0..8),
        bonds in vec(bond(), 0..120),
        deeds in vec(deed(), 1..40),
    ) {
        let mut world = stage();
        let crowd = spawn_cast(&mut world, &hints);
        for bond in bonds {
            tie(&mut world, &crowd, bond);
        }

        for deed in deeds {
            let owners = owners(&mut world);
            let waiting: Vec<_> = deleting(&mut world);

            let torn_down = apply(&mut world, &crowd, deed);

            world.check_registrations().unwrap();
            assert_names_nobody_who_is_gone(&mut world);
            if let Some(torn_down) = torn_down {
                assert_no_owner_went_before_what_it_owned(&world, &owners);
                let there = waiting.iter().filter(|at| world.liveness(**at) == Liveness::Gone);
                // Newcomers to an owner that goes are on top.
                prop_assert!(there.count() <= torn_down, "after {:?}", deed);
            }
            for entity in waiting {
                prop_assert_ne!(world.liveness(entity), Liveness::Alive, "after {:?}", deed);
            }
        }
        world.drain_qdel();
        for entity in deleting(&mut world) {
            let hint = world.get::<Will>(entity).map(|will| will.0);
            prop_assert_eq!(hint, Some(Hint::IWillHandleIt));
        }
        let once: EntityHashSet = gone(&world).into_iter().collect();
        prop_assert_eq!(once.len(), gone(&world).len());
    }
}

/// More than two batches, so that there are pauses.
const CROWD: usize = 80;

/// Who is to be owned by whom, and by which relationship.
#[derive(Debug, Clone, Copy)]
enum Bond {
    Child(usize, usize),
    Sailor(usize, usize),
    Loose(usize),
}

fn bond() -> impl Strategy<Value = Bond> {
    let who = 0..CROWD;
    prop_oneof![
        6 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Bond::Child(owned, owner)),
        6 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Bond::Sailor(owned, owner)),
        1 => who.prop_map(Bond::Loose),
    ]
}

fn hint() -> impl Strategy<Value = Hint> {
    prop_oneof![
        Just(Hint::HardDelete),
        Just(Hint::HardDeleteNow),
        Just(Hint::LetMeLive),
        Just(Hint::IWillHandleIt),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Qdel(usize),
    QdelMany(usize, usize),
    Despawn(usize),
    Tie(Bond),
    Aim(usize, usize),
    SetBudget(u64),
    Flush,
    Drain,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..CROWD;
    prop_oneof![
        4 => who.clone().prop_map(Deed::Qdel),
        2 => (who.clone(), who.clone()).prop_map(|(from, to)| Deed::QdelMany(from, to)),
        1 => who.clone().prop_map(Deed::Despawn),
        6 => bond().prop_map(Deed::Tie),
        6 => (who.clone(), who).prop_map(|(mob, target)| Deed::Aim(mob, target)),
        2 => (0..1_500_u64).prop_map(Deed::SetBudget),
        8 => Just(Deed::Flush),
        1 => Just(Deed::Drain),
    ]
}

/// Spawns mobs, some of which have a will of their own.
fn spawn_cast(world: &mut World, hints: &[(usize, Hint)]) -> Vec<Entity> {
    set_budget(world, 0);
    world.remove_resource::<QdelSettings>();
    let crowd = spawn_many(world, CROWD, 10);
    for &mob in &crowd {
        world.entity_mut(mob).insert(Mob::default());
    }
    for &(who, hint) in hints {
        world.entity_mut(crowd[who]).insert(Will(hint));
    }
    crowd
}

fn tie(world: &mut World, crowd: &[Entity], bond: Bond) {
    let both_there = |one: usize, other: usize| {
        let is_there = |who: usize| world.liveness(crowd[who]) != Liveness::Gone;
        one != other && is_there(one) && is_there(other)
    };
    match bond {
        Bond::Child(owned, owner) if both_there(owned, owner) => {
            world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
        }
        Bond::Sailor(owned, owner) if both_there(owned, owner) => {
            world.entity_mut(crowd[owned]).insert(SailsOn(crowd[owner]));
        }
        Bond::Child(..) | Bond::Sailor(..) => {}
        Bond::Loose(who) => {
            if let Ok(mut entity) = world.get_entity_mut(crowd[who]) {
                entity.remove::<(ChildOf, SailsOn)>();
            }
        }
    }
}

/// Does what is to be done, and returns how many were torn down, if it tears down.
fn apply(world: &mut World, crowd: &[Entity], deed: Deed) -> Option<usize> {
    match deed {
        Deed::Qdel(who) => {
            world.qdel(crowd[who]).ok();
        }
        Deed::QdelMany(from, to) => {
            world.qdel_batch(crowd[from.min(to)..from.max(to)].iter().copied());
        }
        Deed::Despawn(who) => {
            world.try_despawn(crowd[who]).ok();
        }
        Deed::Tie(bond) => tie(world, crowd, bond),
        Deed::Aim(mob, target) => {
            let [mob, target] = [mob, target].map(|who| crowd[who]);
            let is_free = world
                .get::<Mob>(mob)
                .is_some_and(|mob| mob.target.is_none());
            if is_free && world.register_once_or_not(mob, target) {
                world.get_mut::<Mob>(mob).unwrap().target = Some(target);
            }
        }
        Deed::SetBudget(microseconds) => set_budget(world, microseconds),
        Deed::Flush => return Some(world.flush_qdel()),
        Deed::Drain => return Some(world.drain_qdel()),
    }
    None
}

/// Registering where it does not matter why it is refused.
trait TryRegister {
    fn register_once_or_not(&mut self, mob: Entity, target: Entity) -> bool;
}

impl TryRegister for World {
    fn register_once_or_not(&mut self, mob: Entity, target: Entity) -> bool {
        self.register_signal(mob, target, Mob::clear_target).is_ok()
    }
}

/// Returns who owns whom, the owned first.
fn owners(world: &mut World) -> Vec<(Entity, Entity)> {
    let mut query =
        world.query_filtered::<(Entity, Option<&ChildOf>, Option<&SailsOn>), Allow<Disabled>>();
    let mut owners = Vec::new();
    for (owned, child, sailor) in query.iter(world) {
        owners.extend(child.map(|child| (owned, child.parent())));
        owners.extend(sailor.map(|sailor| (owned, sailor.0)));
    }
    owners
}

fn deleting(world: &mut World) -> Vec<Entity> {
    let mut query = world.query_filtered::<Entity, (With<qdel::Deleting>, Allow<Disabled>)>();
    query.iter(world).collect()
}

/// Asserts that who is there belonged to nobody who was torn down, but to those of its own ring.
fn assert_no_owner_went_before_what_it_owned(world: &World, owners: &[(Entity, Entity)]) {
    let mut owned_by: EntityHashMap<Vec<Entity>> = EntityHashMap::default();
    for &(owned, owner) in owners {
        owned_by.entry(owner).or_default().push(owned);
    }
    for &(owned, owner) in owners {
        let is_left = world.liveness(owned) == Liveness::Deleting
            && world
                .get::<Will>(owned)
                .is_none_or(|will| will.0 != Hint::IWillHandleIt);
        if !is_left || world.liveness(owner) != Liveness::Gone {
            continue;
        }
        let mut reached = EntityHashSet::default();
        let mut steps = vec![owned];
        while let Some(entity) = steps.pop() {
            if reached.insert(entity) {
                steps.extend(owned_by.get(&entity).into_iter().flatten());
            }
        }
        assert!(
            reached.contains(&owner),
            "an owner went before what it owned"
        );
    }
}

/// Asserts that no living mob names an entity that is gone. A deleted one hears no signals after its destroy stage (S7).
fn assert_names_nobody_who_is_gone(world: &mut World) {
    let mut mobs = world.query_filtered::<&Mob, (Without<qdel::Deleting>, Allow<Disabled>)>();
    for target in mobs.iter(world).filter_map(|mob| mob.target) {
        assert_ne!(world.liveness(target), Liveness::Gone);
    }
}

// The stage.

/// What turns the clock.
#[derive(Resource, Clone, Default)]
struct Hand(Arc<AtomicU64>);

/// Who was torn down, in order.
#[derive(Resource, Default)]
struct Gone(Vec<Entity>);

/// Takes so many microseconds to tear down.
#[derive(Component, Clone, Copy)]
#[component(on_despawn = Heavy::take_time)]
struct Heavy(u64);

impl Heavy {
    fn take_time(mut world: DeferredWorld, context: HookContext) {
        let Self(microseconds) = *world.get(context.entity).unwrap();
        let Some(hand) = world.get_resource::<Hand>() else {
            return;
        };
        hand.0.fetch_add(microseconds, Ordering::Relaxed);
        if world.get::<Bomb>(context.entity).is_none() {
            world.resource_mut::<Gone>().0.push(context.entity);
        }
    }
}

/// Panics when it is torn down, so many times.
#[derive(Component)]
#[component(on_despawn = Bomb::explode)]
struct Bomb {
    charges: u32,
}

impl Bomb {
    fn explode(mut world: DeferredWorld, context: HookContext) {
        let mut bomb = world.get_mut::<Self>(context.entity).unwrap();
        if bomb.charges > 0 {
            bomb.charges -= 1;
            panic!("boom");
        }
        world.resource_mut::<Gone>().0.push(context.entity);
    }
}

/// Says how its deletion goes on.
#[derive(Component)]
struct Will(Hint);

impl Destroy for Will {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0
    }
}

#[derive(Component, Default)]
struct Mob {
    target: Option<Entity>,
}

impl Mob {
    fn clear_target(&mut self, _: Received<Qdeleting>) {
        self.target = None;
    }
}

#[derive(Component)]
#[relationship(relationship_target = Crew)]
struct SailsOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = SailsOn, linked_spawn)]
struct Crew(Vec<Entity>);

/// What a flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flush {
    count: usize,
    time: Duration,
}

fn flush(count: usize, microseconds: u64) -> Flush {
    let time = Duration::from_micros(microseconds);
    Flush { count, time }
}

fn stage() -> World {
    let mut world = World::new();
    let hand = Hand::default();
    let reads = hand.clone();
    world.insert_resource(WorkClock::new(move || reads.time()));
    world.insert_resource(hand);
    world.init_resource::<Gone>();
    world.register_destroy::<Will>();
    world
}

impl Hand {
    fn time(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

fn set_budget(world: &mut World, microseconds: u64) {
    let budget = Teardown::Budget(Duration::from_micros(microseconds));
    world.insert_resource(QdelSettings::default().with_teardown(budget));
}

fn spawn(world: &mut World, microseconds: u64) -> Entity {
    world.spawn(Heavy(microseconds)).id()
}

fn spawn_with_hint(world: &mut World, hint: Hint) -> Entity {
    world.spawn((Heavy(10), Will(hint))).id()
}

fn spawn_many(world: &mut World, count: usize, microseconds: u64) -> Vec<Entity> {
    let bundles = vec![Heavy(microseconds); count];
    world.spawn_batch(bundles).collect()
}

/// Spawns entities each of which owns the next.
fn spawn_chain(world: &mut World, count: usize, microseconds: u64) -> Vec<Entity> {
    let chain = spawn_many(world, count, microseconds);
    for pair in chain.windows(2) {
        world.entity_mut(pair[1]).insert(ChildOf(pair[0]));
    }
    chain
}

/// Spawns entities each of which owns the next, and the last the first.
fn spawn_ring(world: &mut World, count: usize) -> Vec<Entity> {
    let ring = spawn_chain(world, count, 10);
    world.entity_mut(ring[0]).insert(SailsOn(ring[count - 1]));
    ring
}

/// Spawns a mob that aims at `target` until that is deleted.
fn aim(world: &mut World, target: Entity) -> Entity {
    let mob = world
        .spawn(Mob {
            target: Some(target),
        })
        .id();
    world
        .register_signal(mob, target, Mob::clear_target)
        .unwrap();
    mob
}

/// Flushes until so many are gone, and returns what each flush did.
fn flush_until_gone(world: &mut World, count: usize) -> Vec<Flush> {
    let mut flushes = Vec::new();
    while world.resource::<Gone>().0.len() < count {
        assert!(flushes.len() < 2_000, "it should be over by now");
        let begun = world.resource::<Hand>().time();
        let count = world.flush_qdel();
        let time = world.resource::<Hand>().time() - begun;
        flushes.push(Flush { count, time });
    }
    flushes
}

/// Asserts that each flush spent the budget, but the last, and none more than a batch on top.
fn assert_within_budget(flushes: &[Flush], budget: u64, batch_of: u64) {
    let budget = Duration::from_micros(budget);
    let batch = Duration::from_micros(TEARDOWN_BATCH as u64 * batch_of);
    let (_, all_but_last) = flushes.split_last().unwrap();
    assert!(all_but_last.iter().all(|flush| flush.time >= budget));
    assert!(flushes.iter().all(|flush| flush.time < budget + batch));
}

fn gone(world: &World) -> Vec<Entity> {
    world.resource::<Gone>().0.clone()
}

fn assert_gone_once(world: &World, entities: &[Entity]) {
    let mut gone = gone(world);
    gone.sort_unstable_by_key(|entity| entity.index());
    let mut expected = entities.to_vec();
    expected.sort_unstable_by_key(|entity| entity.index());
    assert_eq!(gone, expected);
}

fn panics<T>(work: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}
