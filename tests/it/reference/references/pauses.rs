//! R3 with Q8: the promise at every pause.

use super::*;

#[test]
fn immediate_tear_down_leaves_no_field_that_was_written_before() {
    let mut world = stage();
    let immediate = QdelSettings::default().with_teardown(Teardown::Immediate);
    world.insert_resource(immediate);
    let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
    write(&mut world, mob, goblin);

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(named(&world, mob), []);
    check(&world);
}

#[test]
fn at_every_pause_of_a_budget_no_field_names_who_is_gone() {
    let mut world = stage();
    let hand = Arc::new(AtomicU64::new(0));
    let reads = Arc::clone(&hand);
    let now = move || Duration::from_micros(reads.fetch_add(1, Ordering::Relaxed));
    world.insert_resource(WorkClock::new(now));
    let budget = Teardown::Budget(Duration::ZERO);
    world.insert_resource(QdelSettings::default().with_teardown(budget));
    let crowd: Vec<_> = (0..5 * TEARDOWN_BATCH).map(|_| spawn(&mut world)).collect();
    let mobs = [(); 7].map(|()| spawn_mob(&mut world));
    world.qdel_batch(crowd.clone());

    let mut pauses = 0;
    loop {
        // Some name who waits, in the middle of it all.
        let waiting = crowd
            .iter()
            .copied()
            .filter(|entity| world.liveness(*entity) == Liveness::Deleting)
            .collect::<Vec<_>>();
        if waiting.is_empty() {
            break;
        }
        for (number, mob) in mobs.into_iter().enumerate() {
            let target = waiting[number % waiting.len()];
            write(&mut world, mob, target);
            let friend = *waiting.last().unwrap();
            let mut at = world.get_mut::<Mob>(mob).unwrap();
            at.friends.push(friend);
        }
        assert_eq!(world.flush_qdel(), TEARDOWN_BATCH);
        pauses += 1;
        for mob in mobs {
            assert_eq!(named(&world, mob), []);
        }
        check(&world);
    }

    assert_eq!(pauses, 5);
}
