//! H2: events.
//! H3: counts.

use super::*;

// H2: events.

#[test]
fn observer_that_deletes_has_that_torn_down_by_the_next_flush() {
    for pace in [Pace::AtOnce, Pace::Budget(Duration::MAX)] {
        let mut world = stage(Mode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
        let orc = spawn_mind(&mut world, "orc", [goblin]);
        world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
            commands.entity(goblin).qdel();
        });
        world.queue_sweep();

        world.flush_qdel();
        let between = world.liveness(goblin);
        world.flush_qdel();

        assert_eq!(between, Liveness::Deleting, "{pace:?}");
        assert_eq!(world.liveness(goblin), Liveness::Gone);
        assert_eq!(
            story(&world),
            ["swept", "swept", "  orc.friends[0] named goblin: emptied"]
        );
        assert_eq!(friends(&world, orc), []);
    }
}

#[test]
fn what_an_observer_of_a_sweep_deletes_within_the_call_is_swept_by_the_next_flush() {
    let mut world = stage(Mode::EachFlush);
    world.resource_mut::<QdelSettings>().teardown = Teardown::Immediate;
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
        if let Ok(mut elf) = commands.get_entity(elf) {
            elf.qdel();
        }
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();
    let after_one = story(&world).len();
    world.flush_qdel();

    assert_eq!(after_one, 2);
    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "swept",
            "  orc.friends[0] named elf: emptied",
        ]
    );
}

#[test]
fn observer_that_always_requests_a_sweep_has_one_in_each_flush() {
    for pace in [Pace::AtOnce, Pace::Budget(Duration::MAX)] {
        let mut world = stage(Mode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let mut left = 10;
        world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
            // A bound, or the test would never fail.
            if left > 0 {
                left -= 1;
                commands.queue(|world: &mut World| world.queue_sweep());
            }
        });
        world.queue_sweep();

        let sweeps: Vec<_> = (0..3)
            .map(|_| {
                world.flush_qdel();
                take_story(&mut world).len()
            })
            .collect();

        assert_eq!(sweeps, [1, 1, 1], "{pace:?}");
    }
}

#[test]
fn observer_that_sweeps_again_finds_nothing_and_is_told_of_no_more() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.queue(|world: &mut World| {
            let report = world.sweep();
            note(world, &format!("again: {report}"));
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "again: no leftovers",
        ]
    );
    assert_eq!(swept_counts(&world), (1, 1));
}

#[test]
fn observer_that_flushes_changes_nothing() {
    let mut world = stage(Mode::EachFlush);
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.queue(|world: &mut World| {
            let count = world.flush_qdel();
            note(world, &format!("flushed {count}"));
        });
    });

    world.qdel_batch([goblin, elf]);
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[1] named elf: emptied",
            "flushed 0",
        ]
    );
}

#[test]
fn observer_that_despawns_the_holder_hears_of_it_once() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
        commands.entity(orc).despawn();
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn observer_that_panics_costs_nobody_a_sweep() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let elf = spawn(&mut world, "elf", DestroyHint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
    let has_panicked = AtomicBool::new(false);
    world.add_observer(move |_: On<SweepFinished>| {
        assert!(has_panicked.swap(true, Ordering::Relaxed), "once");
    });

    world.qdel(goblin).unwrap();
    let first = panic_of(|| world.flush_qdel());
    world.qdel(elf).unwrap();
    world.flush_qdel();

    assert_eq!(first.as_deref(), Some("once"));
    assert_eq!(friends(&world, orc), []);
    assert_eq!(swept_counts(&world), (2, 2));
}

#[test]
fn observer_of_a_search_that_panics_costs_nobody_a_sweep() {
    let mut world = stage(Mode::OnDemand);
    let [goblin, elf] =
        ["goblin", "elf"].map(|name| spawn(&mut world, name, DestroyHint::FindReferencesOnFail));
    let troll = spawn(&mut world, "troll", DestroyHint::FindReferences);
    let dwarf = spawn(&mut world, "dwarf", DestroyHint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin, elf, troll, dwarf]);
    // Which of two observers comes first is Bevy's business, so the one that panics keeps its own
    // story.
    world.add_observer(|found: On<ReferencesFound>, mut story: ResMut<Story>| {
        story.0.push("searched".into());
        panic!("{} holder", found.report.holders.len());
    });

    world.qdel_batch([goblin, elf, troll, dwarf]);
    let panicked = panic_of(|| world.flush_qdel());
    world.flush_qdel();

    assert_eq!(panicked.as_deref(), Some("1 holder"));
    let told = story(&world);
    assert_eq!(told.iter().filter(|line| *line == "swept").count(), 1);
    assert_eq!(told.iter().filter(|line| *line == "searched").count(), 3);
    assert_eq!(friends(&world, orc), [goblin, elf, troll]);
}

#[test]
fn clearing_the_world_from_an_observer_of_a_sweep_ends_it_well() {
    for clear in CLEARS {
        let mut world = stage(Mode::EachFlush);
        let goblin = spawn(&mut world, "goblin", DestroyHint::HardDeleteNow);
        let elf = spawn(&mut world, "elf", DestroyHint::HardDelete);
        spawn_mind(&mut world, "orc", [goblin, elf]);
        world.qdel(elf).unwrap();
        world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
            commands.queue(clear);
        });

        world.qdel(goblin).unwrap();

        assert_eq!(world.flush_qdel(), 0);
    }
}

#[test]
fn clearing_the_world_from_an_observer_of_a_search_ends_it_well() {
    for clear in CLEARS {
        for hint in [
            DestroyHint::FindReferences,
            DestroyHint::FindReferencesOnFail,
        ] {
            let mut world = stage(Mode::OnDemand);
            let goblin = spawn(&mut world, "goblin", hint);
            spawn_mind(&mut world, "orc", [goblin]);
            world.add_observer(move |_: On<ReferencesFound>, mut commands: Commands| {
                commands.queue(clear);
            });
            world.qdel(goblin).unwrap();

            world.flush_qdel();

            assert_eq!(world.flush_qdel(), 0, "{hint:?}");
        }
    }
}

#[test]
fn clearing_the_world_while_places_are_emptied_ends_the_sweep_well() {
    for clear in CLEARS {
        for pace in [Pace::AtOnce, Pace::Budget(Duration::ZERO)] {
            let mut world = stage(Mode::OnDemand);
            world.resource_mut::<QdelSettings>().sweep_pace = pace;
            let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
            for _ in 0..3 {
                let carved = Carved { whom: Some(goblin) };
                let mind = Mind {
                    target: Some(goblin),
                    friends: vec![goblin],
                };
                world.spawn((Name::new("orc"), carved, mind));
            }
            spawn_crowd(&mut world, 3 * SLICE);
            world.add_observer(move |_: On<Insert<Carved>>, mut commands: Commands| {
                commands.queue(clear);
            });
            world.qdel(goblin).unwrap();

            world.flush_qdel();

            assert_eq!(world.flush_qdel(), 0, "{pace:?}");
        }
    }
}

#[test]
fn sweeps_come_again_after_resources_were_cleared_from_inside() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);
    let mut is_first = true;
    world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
        if core::mem::take(&mut is_first) {
            commands.queue(World::clear_resources);
        }
    });
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.init_resource::<Story>();
    world.queue_sweep();
    world.flush_qdel();

    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn shutdown_from_an_observer_ends_all_sweeps_well() {
    let mut world = stage(Mode::EachFlush);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.queue(|world: &mut World| {
            world.shutdown_qdel();
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(orc), Liveness::Gone);
    let later = named(&mut world, "later");
    world.qdel(later).unwrap();
    world.flush_qdel();
    assert_eq!(world.liveness(later), Liveness::Gone);
}

// H3: counts.

#[test]
fn leftovers_count_places_and_hard_deletes_count_entities() {
    let mut world = stage(Mode::EachFlush);
    // Asked for it, and is not named.
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    // Did not ask for it, and is named.
    let elf = named(&mut world, "elf");
    // Neither.
    let troll = named(&mut world, "troll");
    spawn_mind(&mut world, "orc", [elf, elf, elf]);

    world.qdel_batch([goblin, elf, troll]);
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (3, 2));
}

#[test]
fn whoever_is_swept_out_on_request_is_a_hard_delete() {
    let mut world = stage(Mode::OnDemand);
    let goblin = named(&mut world, "goblin");
    spawn_mind(&mut world, "orc", [goblin, goblin]);
    world.despawn(goblin);

    world.queue_sweep();
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (2, 1));
}

#[test]
fn whoever_is_only_searched_for_is_no_hard_delete() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::FindReferencesOnFail);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (1, 0));
}

#[test]
fn call_counts_its_leftovers_and_looking_does_not() {
    let mut world = stage(Mode::Off);
    let goblin = named(&mut world, "goblin");
    spawn_mind(&mut world, "orc", [goblin]);
    world.despawn(goblin);

    world.find_leftovers();
    let looked = swept_counts(&world).0;
    world.sweep();

    assert_eq!((looked, swept_counts(&world).0), (0, 1));
}

#[test]
fn call_that_panics_counts_what_it_found_all_the_same() {
    let mut world = stage(Mode::Off);
    let goblin = named(&mut world, "goblin");
    world.spawn((Name::new("orc"), Carved { whom: Some(goblin) }));
    world.add_observer(|_: On<Insert<Carved>>| panic!("the observer panics"));
    world.despawn(goblin);

    let panicked = panic_of(|| world.sweep());

    assert_eq!(panicked.as_deref(), Some("the observer panics"));
    assert_eq!(swept_counts(&world).0, 1);
}

// The stage.

/// The ways to clear a world.
const CLEARS: [fn(&mut World); 2] = [World::clear_all, World::clear_resources];

fn note(world: &mut World, line: &str) {
    world.resource_mut::<Story>().0.push(line.to_owned());
}
