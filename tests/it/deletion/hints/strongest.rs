//! Q6: the strongest hint wins.
//! Q1: the answer `Kept`, and the counts.
//! Q6: by force.

use super::*;

// Q6: the strongest hint wins.

#[test]
fn derived_order_of_hints_is_the_written_one() {
    let written = FROM_THE_WEAKEST.map(|(hint, _)| hint);

    let mut derived = written;
    derived.reverse();
    derived.sort_unstable();

    assert_eq!(derived, written);
    assert_eq!(DestroyHint::default(), DestroyHint::Queue);
}

#[test]
fn stronger_of_two_hints_wins_whichever_was_registered_first() {
    let register: [fn(&mut World); 2] = [
        |world| {
            world.register_destroy::<Will<0>>();
            world.register_destroy::<Will<1>>();
        },
        |world| {
            world.register_destroy::<Will<1>>();
            world.register_destroy::<Will<0>>();
        },
    ];
    for (strength, (first, first_fate)) in FROM_THE_WEAKEST.into_iter().enumerate() {
        for (other_strength, (second, second_fate)) in FROM_THE_WEAKEST.into_iter().enumerate() {
            for register in register {
                let expected = if strength > other_strength {
                    first_fate
                } else {
                    second_fate
                };

                let fate = fate_of(first, second, register);

                assert_eq!(fate, expected, "{first:?} and {second:?}");
            }
        }
    }
}

/// Deletes an entity with two components and looks what becomes of it.
fn fate_of(first: DestroyHint, second: DestroyHint, register: fn(&mut World)) -> Fate {
    let mut world = noting_world();
    register(&mut world);
    world.insert_resource(no_time());
    // As many wait in front of it as a flush without time tears down.
    for _ in 0..TEARDOWN_BATCH {
        let waits = world.spawn_empty().id();
        world.qdel(waits).unwrap();
    }
    let goblin = world
        .spawn((Named("goblin"), Will::<0>(first), Will::<1>(second)))
        .id();

    let answer = world.qdel(goblin).unwrap();
    match world.liveness(goblin) {
        Liveness::Gone => return Fate::GoesInTheCall,
        Liveness::Alive => {
            assert_eq!(answer, QdelOutcome::Kept);
            return Fate::Lives;
        }
        Liveness::Deleting => assert_eq!(answer, QdelOutcome::Queued),
    }
    world.flush_qdel();
    if world.liveness(goblin) == Liveness::Gone {
        return Fate::GoesAtTheNextFlush;
    }
    world.flush_qdel();
    if world.liveness(goblin) == Liveness::Gone {
        return Fate::GoesInItsTurn;
    }
    world.drain_qdel();
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
    Fate::StaysMarked
}

#[test]
fn strongest_of_many_hints_wins() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDeleteNow);
    world.entity_mut(goblin).insert((
        Will::<1>(DestroyHint::LetMeLive),
        Will::<2>(DestroyHint::Queue),
    ));

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Kept));
}

#[test]
fn whoever_cannot_wait_goes_before_those_that_waited_longer() {
    let mut world = stage();
    world.insert_resource(no_time());
    for (name, hint) in [
        ("goblin", DestroyHint::Queue),
        ("orc", DestroyHint::HardDelete),
        ("troll", DestroyHint::HardDeleteNow),
    ] {
        let entity = spawn(&mut world, name, hint);
        world.qdel(entity).unwrap();
    }

    world.flush_qdel();

    let mut gone = order(&world);
    gone.retain(|line| line.starts_with("gone"));
    assert_eq!(gone, ["gone troll", "gone orc", "gone goblin"]);
}

#[test]
fn owner_that_cannot_wait_takes_what_it_owns_along_owned_before_owner() {
    for hint in [DestroyHint::HardDelete, DestroyHint::HardDeleteNow] {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin", hint);
        let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
        spawn_owned(&mut world, "coin", purse, DestroyHint::FindReferences);

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        let mut gone = order(&world);
        gone.retain(|line| line.starts_with("gone"));
        assert_eq!(gone, ["gone coin", "gone purse", "gone goblin"], "{hint:?}");
        assert_eq!(counts(&world).torn_down, 3);
    }
}

#[test]
fn owned_entity_that_cannot_wait_leaves_its_owner_and_siblings_in_order() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let [purse, sword, hat] = ["purse", "sword", "hat"].map(|name| {
        let hint = match name {
            "sword" => DestroyHint::HardDeleteNow,
            _ => DestroyHint::Queue,
        };
        spawn_owned(&mut world, name, goblin, hint)
    });

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(sword), Liveness::Gone);
    assert_eq!(children_of(&world, goblin), [purse, hat]);
}

#[test]
fn immediate_tear_down_heeds_every_hint() {
    for (hint, fate) in FROM_THE_WEAKEST {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let goblin = spawn(&mut world, "goblin", hint);
        spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);

        let answer = world.qdel(goblin);

        let expected = match fate {
            Fate::Lives => (Ok(QdelOutcome::Kept), Liveness::Alive),
            Fate::StaysMarked => (Ok(QdelOutcome::Queued), Liveness::Deleting),
            Fate::GoesInTheCall | Fate::GoesAtTheNextFlush | Fate::GoesInItsTurn => {
                (Ok(QdelOutcome::Queued), Liveness::Gone)
            }
        };
        assert_eq!((answer, world.liveness(goblin)), expected, "{hint:?}");
    }
}

// Q1: the answer `Kept`, and the counts.

#[test]
fn outermost_qdel_of_one_that_lives_on_answers_kept() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);

    let answers = [world.qdel(goblin), world.entity_mut(goblin).qdel()];

    assert_eq!(answers, [Ok(QdelOutcome::Kept); 2]);
}

#[test]
fn owner_whose_owned_entity_lives_on_is_queued() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    spawn_owned(&mut world, "purse", goblin, DestroyHint::LetMeLive);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Queued));
}

#[test]
fn qdel_inside_another_one_answers_queued_because_nothing_is_decided() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let orc = spawn(&mut world, "orc", DestroyHint::LetMeLive);
    on_death(&mut world, goblin, move |world, _| {
        world.commands().queue(move |world: &mut World| {
            let answer = world.qdel(orc);
            let batch = world.qdel_batch([orc]);
            note(world, &format!("{answer:?} {:?}", batch.kept));
        });
    });

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world)[1], "Ok(Queued) []");
    assert_eq!(world.liveness(orc), Liveness::Alive);
}

#[test]
fn batch_lists_those_that_live_on_apart() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let orc = spawn(&mut world, "orc", DestroyHint::LetMeLive);
    let troll = spawn(&mut world, "troll", DestroyHint::HardDeleteNow);
    let elf = spawn(&mut world, "elf", DestroyHint::LetMeLive);
    let ghost = spawn(&mut world, "ghost", DestroyHint::IWillHandleIt);

    let batch = world.qdel_batch([goblin, orc, troll, elf, ghost]);

    assert_eq!(batch.queued, [goblin, troll, ghost]);
    assert_eq!(batch.kept, [orc, elf]);
    let nobody = QdelBatchOutcome::default();
    assert_eq!(
        (batch.vetoed, batch.already_deleting, batch.refused),
        (nobody.vetoed, nobody.already_deleting, nobody.refused)
    );
}

#[test]
fn timer_of_one_that_lives_on_is_spent() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    world.qdel_in(goblin, Duration::from_secs(1)).unwrap();

    let batch = world.advance_qdel_timers(Duration::from_secs(1));

    assert_eq!(batch.kept, [goblin]);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn command_that_deletes_one_that_lives_on_is_no_error() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);

    world.commands().entity(goblin).qdel();
    world.flush();

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(counts(&world).refused, 0);
}

#[test]
fn counts_say_how_many_live_on_were_overruled_and_were_left_alone() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    let orc = spawn(&mut world, "orc", DestroyHint::LetMeLive);
    world
        .entity_mut(orc)
        .insert(Will::<1>(DestroyHint::LetMeLive));
    let ghost = spawn(&mut world, "ghost", DestroyHint::IWillHandleIt);

    world.qdel(goblin).unwrap();
    world.force_qdel(orc).unwrap();
    world.qdel(ghost).unwrap();
    world.flush_qdel();

    let QdelCounts {
        deleted,
        torn_down,
        kept,
        overruled,
        left_alone,
        ..
    } = counts(&world);
    assert_eq!((deleted, torn_down), (4, 1));
    assert_eq!((kept, overruled, left_alone), (2, 2, 1));
}

// Q6: by force.

#[test]
fn forced_deletion_overrules_let_me_live_and_the_next_strongest_hint_counts() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    world.entity_mut(goblin).insert((
        Will::<1>(DestroyHint::HardDeleteNow),
        Will::<2>(DestroyHint::Queue),
    ));
    let orc = spawn(&mut world, "orc", DestroyHint::LetMeLive);
    let ghost = spawn(&mut world, "ghost", DestroyHint::LetMeLive);
    world
        .entity_mut(ghost)
        .insert(Will::<1>(DestroyHint::IWillHandleIt));

    let answers = [goblin, orc, ghost].map(|entity| world.force_qdel(entity));

    assert_eq!(answers, [Ok(QdelOutcome::Queued); 3]);
    let states = [goblin, orc, ghost].map(|entity| world.liveness(entity));
    let expected = [Liveness::Gone, Liveness::Deleting, Liveness::Deleting];
    assert_eq!(states, expected);
    assert_eq!(world.flush_qdel(), 1);
    assert_eq!((counts(&world).overruled, counts(&world).kept), (3, 0));
}

#[test]
fn force_overrules_the_whole_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::LetMeLive);

    world.force_qdel(goblin).unwrap();
    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 2);
    assert_eq!(world.liveness(purse), Liveness::Gone);
    assert_eq!(counts(&world).overruled, 1);
}

#[test]
fn force_does_not_overrule_who_handles_it() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", DestroyHint::IWillHandleIt);

    world.force_qdel(ghost).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert_eq!(counts(&world).overruled, 0);
}

#[test]
fn shutdown_overrules_let_me_live() {
    let mut world = noting_world();
    world.register_destroy::<Will<0>>();
    let goblin = world
        .spawn((Named("goblin"), Will::<0>(DestroyHint::LetMeLive)))
        .id();
    let purse = world
        .spawn((
            Named("purse"),
            Will::<0>(DestroyHint::LetMeLive),
            ChildOf(goblin),
        ))
        .id();

    let torn_down = world.shutdown_qdel();

    assert_eq!(torn_down, 2);
    let states = [goblin, purse].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone; 2]);
    assert_eq!(counts(&world).overruled, 2);
}

// The stage.

/// Returns settings by which a flush tears down as little as it can.
fn no_time() -> QdelSettings {
    QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO))
}

fn note(world: &mut World, line: &str) {
    world.resource_mut::<Order<String>>().note(line);
}
