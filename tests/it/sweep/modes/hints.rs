//! Q6: hints that sweep.
//! Q6: hints that search.

use super::*;

// Q6: hints that sweep.

#[test]
fn hard_delete_is_swept_by_the_flush_that_tears_it_down() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().teardown = Teardown::Budget(Duration::ZERO);
    let crowd: Vec<_> = (0..100).map(|_| named(&mut world, "one")).collect();
    world.qdel_batch(crowd);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    let before = friends(&world, orc);
    world.flush_qdel();

    assert_eq!(before, [goblin]);
    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn hard_delete_now_is_swept_before_the_call_returns() {
    for teardown in [
        Teardown::EndOfFrame,
        Teardown::Immediate,
        Teardown::Budget(Duration::ZERO),
    ] {
        let mut world = stage(Mode::OnDemand);
        world.resource_mut::<QdelSettings>().teardown = teardown;
        world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
        let goblin = spawn(&mut world, "goblin", DestroyHint::HardDeleteNow);
        spawn_crowd(&mut world, 3 * SLICE);
        let orc = spawn_mind(&mut world, "orc", [goblin]);

        world.qdel(goblin).unwrap();

        assert_eq!(
            take_story(&mut world),
            ["swept", "  orc.friends[0] named goblin: emptied"]
        );
        assert_eq!(friends(&world, orc), []);
        world.flush_qdel();
        assert_eq!(story(&world), [""; 0]);
    }
}

#[test]
fn all_of_a_batch_that_cannot_wait_share_a_pass() {
    let mut world = stage(Mode::OnDemand);
    let crowd = spawn_many(&mut world, 50, DestroyHint::HardDeleteNow);
    let meter = add_probe(&mut world);

    world.qdel_batch(crowd);

    assert_eq!(story(&world), ["swept"]);
    assert_eq!(meter.take_visits(), 1);
    assert_eq!(swept_counts(&world), (0, 50));
}

#[test]
fn all_that_a_flush_tears_down_share_a_pass() {
    for mode in [Mode::OnDemand, sampled(1), Mode::EachFlush] {
        let mut world = stage(mode);
        let crowd = spawn_many(&mut world, 50, DestroyHint::HardDelete);
        let meter = add_probe(&mut world);
        for entity in crowd {
            world.qdel(entity).unwrap();
        }

        world.flush_qdel();

        assert_eq!(story(&world), ["swept"], "{mode:?}");
        assert_eq!(meter.take_visits(), 1, "{mode:?}");
    }
}

#[test]
fn one_that_cannot_wait_and_is_deleted_by_a_handler_is_swept_by_the_outermost_call() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDeleteNow);
    let elf = spawn(&mut world, "elf", DestroyHint::HardDeleteNow);
    let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
    let meter = add_probe(&mut world);
    when_told_of(&mut world, goblin, move |commands| {
        commands.entity(elf).qdel();
    });

    world.qdel(goblin).unwrap();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[1] named elf: emptied",
        ]
    );
    assert_eq!(friends(&world, orc), []);
    assert_eq!(meter.take_visits(), 1);
}

#[test]
fn two_that_delete_each_other_are_swept_once() {
    let mut world = stage(Mode::OnDemand);
    let [goblin, elf] =
        ["goblin", "elf"].map(|name| spawn(&mut world, name, DestroyHint::HardDeleteNow));
    for (one, other) in [(goblin, elf), (elf, goblin)] {
        when_told_of(&mut world, one, move |commands| {
            commands.entity(other).qdel();
        });
    }
    spawn_mind(&mut world, "orc", [goblin, elf]);

    world.qdel(goblin).unwrap();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[1] named elf: emptied",
        ]
    );
    assert_eq!(swept_counts(&world), (2, 2));
}

#[test]
fn owned_entities_are_looked_for_on_their_own_account() {
    let mut world = stage(Mode::OnDemand);
    let goblin = named(&mut world, "goblin");
    let purse = spawn(&mut world, "purse", DestroyHint::HardDelete);
    world.entity_mut(purse).insert(ChildOf(goblin));
    let coin = named(&mut world, "coin");
    world.entity_mut(coin).insert(ChildOf(purse));
    let orc = spawn_mind(&mut world, "orc", [goblin, purse, coin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[1] named purse: emptied"]
    );
    assert_eq!(friends(&world, orc), [goblin, coin]);
}

#[test]
fn owned_entity_that_asks_is_looked_for_by_the_next_flush_if_its_owner_cannot_wait() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDeleteNow);
    let purse = spawn(&mut world, "purse", DestroyHint::HardDelete);
    world.entity_mut(purse).insert(ChildOf(goblin));
    spawn_mind(&mut world, "orc", [goblin, purse]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "swept",
            "  orc.friends[0] named purse: emptied",
        ]
    );
}

#[test]
fn forced_deletion_is_looked_for_as_any_other() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);

    world.force_qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn whoever_is_despawned_plainly_before_its_tear_down_is_not_looked_for() {
    for hint in [DestroyHint::FindReferencesOnFail, DestroyHint::HardDelete] {
        let mut world = stage(Mode::OnDemand);
        let goblin = spawn(&mut world, "goblin", hint);
        let orc = spawn_mind(&mut world, "orc", [goblin]);
        world.qdel(goblin).unwrap();
        world.despawn(goblin);

        world.flush_qdel();

        assert_eq!(story(&world), [""; 0]);
        assert_eq!(friends(&world, orc), [goblin]);
    }
}

#[test]
fn whoever_lives_on_or_is_left_alone_is_not_looked_for() {
    for hint in [DestroyHint::LetMeLive, DestroyHint::IWillHandleIt] {
        let mut world = stage(Mode::EachFlush);
        let goblin = spawn(&mut world, "goblin", hint);
        let elf = named(&mut world, "elf");
        let orc = spawn_mind(&mut world, "orc", [goblin]);

        world.qdel(goblin).unwrap();
        world.qdel(elf).unwrap();
        world.flush_qdel();

        assert_eq!(story(&world), ["swept"]);
        assert_eq!(friends(&world, orc), [goblin]);
    }
}

#[test]
fn shutdown_sweeps_for_nobody() {
    for mode in [Mode::OnDemand, Mode::EachFlush] {
        let mut world = stage(mode);
        world.queue_sweep();
        let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
        let elf = spawn(&mut world, "elf", DestroyHint::HardDeleteNow);
        spawn_mind(&mut world, "orc", [goblin, elf]);

        world.shutdown_qdel();
        world.flush_qdel();

        assert_eq!(story(&world), [""; 0], "{mode:?}");
    }
}

#[test]
fn shutdown_with_sweeps_off_searches_for_nobody() {
    let mut world = stage(Mode::Off);
    spawn(&mut world, "goblin", DestroyHint::FindReferences);

    world.shutdown_qdel();

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn world_sweeps_again_after_a_shutdown() {
    let mut world = stage(Mode::OnDemand);
    world.shutdown_qdel();
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

// Q6: hints that search.

#[test]
fn find_references_tells_who_names_the_target_before_its_tear_down_and_empties_nothing() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::FindReferences);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(|found: On<ReferencesFound>, mut story: ResMut<Story>| {
        let liveness = found.report.target.liveness;
        story.0.push(format!("{liveness:?}"));
    });

    world.qdel(goblin).unwrap();
    let before = story(&world);
    world.flush_qdel();
    world.flush_qdel();

    assert_eq!(before, [""; 0]);
    assert_eq!(story(&world), ["found: goblin in orc", "Deleting"]);
    assert_eq!(friends(&world, orc), [goblin]);
    assert_eq!(swept_counts(&world), (0, 0));
}

#[test]
fn find_references_tells_also_if_nobody_names_the_target() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::FindReferences);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(story(&world), ["found: goblin in "]);
}

#[test]
fn find_references_on_fail_tells_of_who_fails_and_empties_nothing() {
    for mode in [Mode::OnDemand, sampled(1), Mode::EachFlush] {
        let mut world = stage(mode);
        let [goblin, elf] = ["goblin", "elf"]
            .map(|name| spawn(&mut world, name, DestroyHint::FindReferencesOnFail));
        let orc = spawn_mind(&mut world, "orc", [goblin]);

        world.qdel_batch([goblin, elf]);
        world.flush_qdel();
        world.flush_qdel();

        let told = story(&world);
        let searches = told.iter().filter(|line| line.starts_with("found"));
        assert_eq!(searches.count(), 1, "{mode:?}");
        assert!(told.contains(&"  orc.friends[0] named goblin: found".to_owned()));
        assert_eq!(friends(&world, orc), [goblin], "{mode:?}");
    }
}

#[test]
fn search_for_one_who_is_gone_says_what_it_was_called() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::FindReferencesOnFail);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "found: goblin in orc",
            "swept",
            "  orc.friends[0] named goblin: found",
        ]
    );
}

#[test]
fn search_is_told_once_though_the_tear_down_has_to_be_tried_again() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::FindReferences);
    let has_panicked = AtomicBool::new(false);
    // One of all entities, which names none.
    world.add_observer(move |_: On<Despawn<Says>>| {
        assert!(has_panicked.swap(true, Ordering::Relaxed), "not yet");
    });

    world.qdel(goblin).unwrap();
    let first = panic_of(|| world.flush_qdel());
    let between = world.liveness(goblin);
    world.flush_qdel();

    assert_eq!(first.as_deref(), Some("not yet"));
    assert_eq!(
        (between, world.liveness(goblin)),
        (Liveness::Deleting, Liveness::Gone)
    );
    assert_eq!(story(&world), ["found: goblin in "]);
}

#[test]
fn declared_reference_is_released_and_no_leftover_in_any_mode() {
    for hint in HINTS_THAT_LOOK {
        let mut world = stage(Mode::EachFlush);
        let goblin = spawn(&mut world, "goblin", hint);
        let friend = Friend {
            of: Some(goblin),
            panics: false,
        };
        world.spawn((Name::new("orc"), friend));

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        assert_eq!(swept_counts(&world).0, 0, "{hint:?}");
        let lines = story(&world);
        assert!(!lines.iter().any(|line| line.contains("orc")), "{lines:?}");
    }
}

// The stage.

fn spawn_many(world: &mut World, count: usize, hint: DestroyHint) -> Vec<Entity> {
    (0..count).map(|_| spawn(world, "one", hint)).collect()
}

/// Has something done when `target` is told of.
fn when_told_of(
    world: &mut World,
    target: Entity,
    what: impl Fn(&mut Commands) + Send + Sync + 'static,
) {
    world
        .entity_mut(target)
        .observe(move |_: On<Qdeleting>, mut commands: Commands| what(&mut commands));
}
