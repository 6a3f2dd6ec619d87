//! H2: the assertion for tests.

use super::*;

#[test]
fn assertion_holds_where_nobody_names_the_gone_in_any_mode() {
    for mode in [Mode::Off, Mode::OnDemand, sampled(2), Mode::EachFlush] {
        let mut world = stage(mode);
        let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
        spawn_mind(&mut world, "orc", [elf]);
        world.qdel(goblin).unwrap();

        assert_no_leftovers(&mut world);

        assert_eq!(world.liveness(goblin), Liveness::Gone);
        assert_eq!(story(&world), [""; 0], "{mode:?}");
    }
}

#[test]
fn assertion_fails_and_empties_nothing_in_any_mode_whatever_the_hint() {
    let hints = [DestroyHint::Queue].into_iter().chain(HINTS_THAT_LOOK);
    for hint in hints {
        for mode in [Mode::Off, Mode::OnDemand, Mode::EachFlush] {
            // The sweep of this one is over when the assertion comes.
            if hint == DestroyHint::HardDeleteNow && mode != Mode::Off {
                continue;
            }
            let mut world = stage(mode);
            let goblin = spawn(&mut world, "goblin", hint);
            let orc = spawn_mind(&mut world, "orc", [goblin]);
            world.qdel(goblin).unwrap();

            let text = failing_assert(&mut world);

            assert!(text.contains("Mind.friends[0] of orc"), "{text}");
            assert_eq!(friends(&world, orc), [goblin], "{hint:?} {mode:?}");
            assert_eq!(swept_counts(&world), (0, 0), "{hint:?} {mode:?}");
        }
    }
}

#[test]
fn assertion_that_fails_lists_who_names_whom() {
    let mut world = stage(Mode::OnDemand);
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [elf, goblin]);
    spawn_mind(&mut world, "troll", [goblin]);
    world.qdel(goblin).unwrap();

    let text = failing_assert(&mut world);

    with_settings!({ filters => [(r"#\d+v\d+", "#[id]")], omit_expression => true }, {
        assert_snapshot!(text);
    });
}

#[test]
fn assertion_leaves_the_settings_and_the_requests_as_they_were() {
    let mut world = stage(Mode::OnDemand);
    let settings = *world.resource::<QdelSettings>();
    world.queue_sweep();

    assert_no_leftovers(&mut world);
    let between = story(&world);
    world.flush_qdel();

    assert_eq!(*world.resource::<QdelSettings>(), settings);
    assert_eq!(between, [""; 0]);
    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn assertion_is_no_flush_of_a_sample() {
    let mut world = stage(sampled(2));
    for name in ["one", "two", "three"] {
        let entity = named(&mut world, name);
        world.qdel(entity).unwrap();
        assert_no_leftovers(&mut world);
    }
    let goblin = named(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    world.flush_qdel();

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn assertion_leaves_what_a_hint_asked_for_to_the_next_flush() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.qdel(goblin).unwrap();

    let _ = failing_assert(&mut world);
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn assertion_with_sweeps_off_tells_of_no_search() {
    let mut world = stage(Mode::Off);
    let goblin = spawn(&mut world, "goblin", DestroyHint::FindReferences);
    world.qdel(goblin).unwrap();

    assert_no_leftovers(&mut world);

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn assertion_leaves_a_running_sweep_where_it_is() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_crowd(&mut world, 3 * SLICE);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let text = failing_assert(&mut world);
    let between = friends(&world, orc);
    flush_many(&mut world, 10);

    assert!(text.contains("of orc"), "{text}");
    assert_eq!(between, [goblin]);
    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn assertion_lets_timers_run_and_whoever_is_handled_by_others_be() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::IWillHandleIt);
    let elf = named(&mut world, "elf");
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.qdel(goblin).unwrap();
    world.qdel_in(elf, Duration::from_secs(1)).unwrap();

    assert_no_leftovers(&mut world);

    assert_eq!(world.liveness(goblin), Liveness::Deleting);
    assert_eq!(world.liveness(elf), Liveness::Alive);
}

#[test]
fn assertion_whose_tear_down_panics_leaves_sweeps_on() {
    let mut world = stage(Mode::OnDemand);
    let goblin = named(&mut world, "goblin");
    let has_panicked = AtomicBool::new(false);
    world
        .entity_mut(goblin)
        .observe(move |_: On<Despawn<Name>>| {
            assert!(has_panicked.swap(true, Ordering::Relaxed), "not yet");
        });
    world.qdel(goblin).unwrap();

    let panicked = panic_of(|| assert_no_leftovers(&mut world));
    world.queue_sweep();
    world.flush_qdel();

    assert_eq!(panicked.as_deref(), Some("not yet"));
    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn assertion_inside_an_assertion_leaves_sweeps_as_they_were() {
    let mut world = stage(Mode::OnDemand);
    world.queue_sweep();
    let goblin = named(&mut world, "goblin");
    world
        .entity_mut(goblin)
        .observe(|_: On<Despawn<Name>>, mut commands: Commands| {
            commands.queue(|world: &mut World| assert_no_leftovers(world));
        });
    world.qdel(goblin).unwrap();

    assert_no_leftovers(&mut world);
    let between = story(&world);
    world.flush_qdel();

    assert_eq!(between, [""; 0]);
    assert_eq!(story(&world), ["swept"]);
}
