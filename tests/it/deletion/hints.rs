//! What becomes of an entity whose components were destroyed: the hints, what each of them leads to, and what a
//! deletion that is taken back gives back.
//!
//! Rules Q1, Q3 and Q6 of the design. When `Destroy` is called, and with what, is the subject of `destroy.rs`.

use core::time::Duration;
use std::sync::Arc;

use bevy_ecs::{entity_disabling::Disabled, prelude::*, world::DeferredWorld};
use proptest::{collection::vec, prelude::*};
use qdel::{
    Deleting, QdelBatch, QdelCounts, QdelTimerExt, Registration, TEARDOWN_BATCH, prelude::*,
};

// Q6: the strongest hint wins.

/// All hints, from the weakest to the strongest, and what becomes of an entity by each, as it is written down in the
/// docs of `Hint`.
const FROM_THE_WEAKEST: [(Hint, Fate); 7] = [
    (Hint::Queue, Fate::GoesInItsTurn),
    (Hint::FindReferencesOnFail, Fate::GoesInItsTurn),
    (Hint::FindReferences, Fate::GoesInItsTurn),
    (Hint::HardDelete, Fate::GoesAtTheNextFlush),
    (Hint::HardDeleteNow, Fate::GoesInTheCall),
    (Hint::IWillHandleIt, Fate::StaysMarked),
    (Hint::LetMeLive, Fate::Lives),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    GoesInTheCall,
    GoesAtTheNextFlush,
    GoesInItsTurn,
    StaysMarked,
    Lives,
}

#[test]
fn derived_order_of_hints_is_the_written_one() {
    let written = FROM_THE_WEAKEST.map(|(hint, _)| hint);

    let mut derived = written;
    derived.reverse();
    derived.sort_unstable();

    assert_eq!(derived, written);
    assert_eq!(Hint::default(), Hint::Queue);
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

/// Deletes somebody with two components and looks what becomes of it.
fn fate_of(first: Hint, second: Hint, register: fn(&mut World)) -> Fate {
    let mut world = bare_stage();
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
            assert_eq!(answer, Qdel::Kept);
            return Fate::Lives;
        }
        Liveness::Deleting => assert_eq!(answer, Qdel::Queued),
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
    let goblin = spawn(&mut world, "goblin", Hint::HardDeleteNow);
    world
        .entity_mut(goblin)
        .insert((Will::<1>(Hint::LetMeLive), Will::<2>(Hint::Queue)));

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Kept));
}

#[test]
fn whoever_cannot_wait_goes_before_those_that_waited_longer() {
    let mut world = stage();
    world.insert_resource(no_time());
    for (name, hint) in [
        ("goblin", Hint::Queue),
        ("orc", Hint::HardDelete),
        ("troll", Hint::HardDeleteNow),
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
    for hint in [Hint::HardDelete, Hint::HardDeleteNow] {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin", hint);
        let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
        spawn_owned(&mut world, "coin", purse, Hint::FindReferences);

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
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let [purse, sword, hat] = ["purse", "sword", "hat"].map(|name| {
        let hint = match name {
            "sword" => Hint::HardDeleteNow,
            _ => Hint::Queue,
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
        spawn_owned(&mut world, "purse", goblin, Hint::Queue);

        let answer = world.qdel(goblin);

        let expected = match fate {
            Fate::Lives => (Ok(Qdel::Kept), Liveness::Alive),
            Fate::StaysMarked => (Ok(Qdel::Queued), Liveness::Deleting),
            Fate::GoesInTheCall | Fate::GoesAtTheNextFlush | Fate::GoesInItsTurn => {
                (Ok(Qdel::Queued), Liveness::Gone)
            }
        };
        assert_eq!((answer, world.liveness(goblin)), expected, "{hint:?}");
    }
}

// Q1: the answer `Kept`, and the counts.

#[test]
fn outermost_qdel_of_one_that_lives_on_answers_kept() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);

    let answers = [world.qdel(goblin), world.entity_mut(goblin).qdel()];

    assert_eq!(answers, [Ok(Qdel::Kept); 2]);
}

#[test]
fn owner_whose_owned_entity_lives_on_is_queued() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    spawn_owned(&mut world, "purse", goblin, Hint::LetMeLive);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Queued));
}

#[test]
fn qdel_inside_another_one_answers_queued_because_nothing_is_decided() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let orc = spawn(&mut world, "orc", Hint::LetMeLive);
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
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let orc = spawn(&mut world, "orc", Hint::LetMeLive);
    let troll = spawn(&mut world, "troll", Hint::HardDeleteNow);
    let elf = spawn(&mut world, "elf", Hint::LetMeLive);
    let ghost = spawn(&mut world, "ghost", Hint::IWillHandleIt);

    let batch = world.qdel_batch([goblin, orc, troll, elf, ghost]);

    assert_eq!(batch.queued, [goblin, troll, ghost]);
    assert_eq!(batch.kept, [orc, elf]);
    let nobody = QdelBatch::default();
    assert_eq!(
        (batch.vetoed, batch.already_deleting, batch.refused),
        (nobody.vetoed, nobody.already_deleting, nobody.refused)
    );
}

#[test]
fn timer_of_one_that_lives_on_is_spent() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    world.qdel_in(goblin, Duration::from_secs(1)).unwrap();

    let batch = world.advance_qdel_timers(Duration::from_secs(1));

    assert_eq!(batch.kept, [goblin]);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn command_that_deletes_one_that_lives_on_is_no_error() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);

    world.commands().entity(goblin).qdel();
    world.flush();

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(counts(&world).refused, 0);
}

#[test]
fn counts_say_how_many_live_on_were_overruled_and_were_left_alone() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    let orc = spawn(&mut world, "orc", Hint::LetMeLive);
    world.entity_mut(orc).insert(Will::<1>(Hint::LetMeLive));
    let ghost = spawn(&mut world, "ghost", Hint::IWillHandleIt);

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

// Q6: `IWillHandleIt`.

#[test]
fn entity_left_alone_stays_marked_and_hidden_however_often_is_flushed() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", Hint::IWillHandleIt);
    world.qdel(ghost).unwrap();

    let torn_down: usize = (0..10).map(|_| world.flush_qdel()).sum();
    let drained = world.drain_qdel();

    assert_eq!((torn_down, drained, counts(&world).torn_down), (0, 0, 0));
    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert!(world.get::<Disabled>(ghost).is_some());
    assert_eq!(world.qdel(ghost), Ok(Qdel::AlreadyDeleting));
    assert_eq!(order(&world), ["told ghost", "destroyed ghost"]);
}

#[test]
fn entity_left_alone_can_be_despawned_by_hand() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", Hint::IWillHandleIt);
    world.qdel(ghost).unwrap();

    world.despawn(ghost);
    world.flush_qdel();

    assert_eq!(
        order(&world),
        ["told ghost", "destroyed ghost", "gone ghost"]
    );
    assert_eq!(counts(&world).torn_down, 0);
    world.check_registrations().unwrap();
}

#[test]
fn entity_left_alone_does_not_go_with_its_owner() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let ghost = spawn_owned(&mut world, "ghost", goblin, Hint::IWillHandleIt);
    let sheet = spawn_owned(&mut world, "sheet", ghost, Hint::Queue);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert_eq!(world.liveness(sheet), Liveness::Gone);
    assert!(world.get::<ChildOf>(ghost).is_none());
}

#[test]
fn what_an_entity_left_alone_owns_is_torn_down_on_its_own_account() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", Hint::IWillHandleIt);
    let sheet = spawn_owned(&mut world, "sheet", ghost, Hint::Queue);
    let chain = spawn_owned(&mut world, "chain", ghost, Hint::LetMeLive);

    world.qdel(ghost).unwrap();
    world.flush_qdel();

    let states = [ghost, sheet, chain].map(|entity| world.liveness(entity));
    let expected = [Liveness::Deleting, Liveness::Gone, Liveness::Alive];
    assert_eq!(states, expected);
    world.despawn(ghost);
    assert_eq!(world.liveness(chain), Liveness::Alive);
}

/// Its owner was alive when it was left alone, so it had no reason to leave that.
#[test]
fn entity_left_alone_does_not_go_with_an_owner_that_is_deleted_later() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let ghost = spawn_owned(&mut world, "ghost", goblin, Hint::IWillHandleIt);
    world.qdel(ghost).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert_eq!(counts(&world).torn_down, 1);
}

#[test]
fn entity_left_alone_keeps_an_owner_that_lives() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let ghost = spawn_owned(&mut world, "ghost", goblin, Hint::IWillHandleIt);

    world.qdel(ghost).unwrap();
    world.flush_qdel();

    assert_eq!(children_of(&world, goblin), [ghost]);
}

// Q6: `LetMeLive` gives everything back.

#[test]
fn kept_entity_is_alive_and_its_weak_handles_name_it() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let handle = Weak::new(goblin);

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(handle.resolve(&world), Some(goblin));
    assert!(world.get::<Deleting>(goblin).is_none());
    assert_eq!(world.flush_qdel() + world.drain_qdel(), 0);
    assert_eq!(order(&world), ["told goblin", "destroyed goblin"]);
}

#[test]
fn kept_entities_are_seen_by_queries_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    let hidden = spawn_owned(&mut world, "hidden", goblin, Hint::Queue);
    world.entity_mut(hidden).insert(Disabled);
    let mut seen = world.query_filtered::<Entity, With<Named>>();

    world.qdel(goblin).unwrap();

    let mut seen: Vec<_> = seen.iter(&world).collect();
    seen.sort_unstable();
    let mut expected = [goblin, purse];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert!(world.get::<Disabled>(hidden).is_some());
    let states = [goblin, purse, hidden].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 3]);
}

#[test]
fn entity_that_was_disabled_stays_disabled_when_it_is_kept() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    world.entity_mut(goblin).insert(Disabled);

    let answers = [world.qdel(goblin), world.qdel(goblin)];

    assert_eq!(answers, [Ok(Qdel::Kept); 2]);
    assert!(world.get::<Disabled>(goblin).is_some());
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

#[test]
fn kept_entity_has_the_components_that_it_had() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    world.qdel_in(goblin, Duration::from_secs(9)).unwrap();
    let components = |world: &World| world.entity(goblin).archetype().components().to_vec();
    let before = components(&world);

    world.qdel(goblin).unwrap();

    assert_eq!(components(&world), before);
}

#[test]
fn kept_entity_keeps_its_timers() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let timer = world.qdel_in(goblin, Duration::from_secs(9)).unwrap();

    world.qdel(goblin).unwrap();

    let left = Duration::from_secs(9);
    assert_eq!(world.qdel_timers(), [(timer, left)]);
    assert_eq!(world.cancel_qdel(timer), Ok(()));
}

#[test]
fn kept_entity_is_listened_to_as_before_in_order_and_from_both_ends() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let orc = spawn(&mut world, "orc", Hint::LetMeLive);
    let [bow, sling] = [(), ()].map(|()| world.spawn((Ear::<0>, Ear::<1>)).id());
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.register_signal(sling, orc, hear_loudly::<1>).unwrap();
    world
        .register_signal(sling, goblin, hear_loudly::<0>)
        .unwrap();
    world.register_signal(bow, goblin, hear::<1>).unwrap();
    world.register_signal(sling, goblin, hear::<1>).unwrap();
    world.register_signal(bow, orc, hear::<0>).unwrap();
    world.register_signal(bow, goblin, hear_ping).unwrap();
    let everybody = [goblin, orc, bow, sling];
    let before = registrations(&world, &everybody);

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &everybody), before);
    world.check_registrations().unwrap();
}

#[test]
fn kept_entity_is_heard_with_other_signals_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let bow = world.spawn(Ear::<0>).id();
    world.register_signal(bow, goblin, hear_ping).unwrap();

    world.qdel(goblin).unwrap();
    let heard = world.send_signal(goblin, Ping);

    assert_eq!(heard, 1);
}

#[test]
fn kept_entity_listens_to_others_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let orc = spawn(&mut world, "orc", Hint::Queue);
    world.entity_mut(goblin).insert((Ear::<0>, Ear::<1>));
    world.register_signal(goblin, orc, hear::<0>).unwrap();
    world.register_signal(goblin, orc, hear_ping).unwrap();
    let before = registrations(&world, &[goblin, orc]);
    world.qdel(goblin).unwrap();
    let after = registrations(&world, &[goblin, orc]);

    world.qdel(orc).unwrap();

    assert_eq!(after, before);
    let expected = [
        "told goblin",
        "destroyed goblin",
        "told orc",
        "heard 0",
        "destroyed orc",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn kept_entity_that_listens_to_itself_does_so_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    world.entity_mut(goblin).insert((Ear::<0>, Ear::<1>));
    world.register_signal(goblin, goblin, hear::<0>).unwrap();
    world
        .register_signal(goblin, goblin, hear_loudly::<1>)
        .unwrap();
    let before = registrations(&world, &[goblin]);

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &[goblin]), before);
}

#[test]
fn kept_tree_listens_to_itself_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    let coin = spawn_owned(&mut world, "coin", purse, Hint::Queue);
    let tree = [goblin, purse, coin];
    for listener in tree {
        world.entity_mut(listener).insert(Ear::<0>);
        for target in tree {
            world.register_signal(listener, target, hear::<0>).unwrap();
        }
    }
    let before = registrations(&world, &tree);

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &tree), before);
}

#[test]
fn two_that_are_kept_together_listen_to_each_other_as_before() {
    let mut world = stage();
    let both = ["goblin", "orc"].map(|name| spawn(&mut world, name, Hint::LetMeLive));
    for (listener, target) in [(0, 1), (1, 0)] {
        let (listener, target) = (both[listener], both[target]);
        world.entity_mut(listener).insert(Ear::<0>);
        world.register_signal(listener, target, hear::<0>).unwrap();
    }
    let before = registrations(&world, &both);

    world.qdel_batch(both);

    assert_eq!(registrations(&world, &both), before);
}

#[test]
fn listener_that_is_left_alone_does_not_listen_any_more() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let ghost = spawn(&mut world, "ghost", Hint::IWillHandleIt);
    world.entity_mut(ghost).insert(Ear::<0>);
    world.register_signal(ghost, goblin, hear::<0>).unwrap();
    world.qdel(ghost).unwrap();

    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();

    let heard = order(&world);
    let heard = heard.iter().filter(|line| *line == "heard 0").count();
    assert_eq!(heard, 0);
}

#[test]
fn kept_entity_takes_new_registrations() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let unheard = world.spawn(Will::<1>(Hint::LetMeLive)).id();
    let bow = world.spawn((Ear::<0>, Ear::<1>)).id();
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.qdel_batch([goblin, unheard]);

    let anew = world.register_signal(bow, goblin, hear::<1>);
    let again = world.register_signal(bow, goblin, hear::<0>);
    let first = world.register_signal(bow, unheard, hear::<0>);

    assert!(anew.is_ok() && again.is_err() && first.is_ok());
    world.check_registrations().unwrap();
}

#[test]
fn listener_can_end_what_it_was_given_back() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let bow = world.spawn(Ear::<0>).id();
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.qdel(goblin).unwrap();

    let ended = world.unregister_signal::<Ear<0>, Qdeleting>(bow, goblin);
    world.qdel(goblin).unwrap();

    assert!(ended.is_ok());
    let heard = order(&world);
    let heard = heard.iter().filter(|line| *line == "heard 0").count();
    assert_eq!(heard, 1);
}

#[test]
fn second_deletion_tells_and_destroys_again() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let bow = world.spawn(Ear::<0>).id();
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.qdel(goblin).unwrap();
    world.get_mut::<Will<0>>(goblin).unwrap().0 = Hint::Queue;

    let answer = world.qdel(goblin);
    world.flush_qdel();

    assert_eq!(answer, Ok(Qdel::Queued));
    let expected = [
        "told goblin",
        "heard 0",
        "destroyed goblin",
        "told goblin",
        "heard 0",
        "destroyed goblin",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
    world.check_registrations().unwrap();
}

#[test]
fn despawn_of_a_kept_entity_tells_again() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    world.qdel(goblin).unwrap();

    world.despawn(goblin);

    let expected = [
        "told goblin",
        "destroyed goblin",
        "gone goblin",
        "told goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn what_handlers_and_destroys_did_stays_done() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    on_death(&mut world, goblin, move |world, _| {
        world.commands().entity(goblin).insert(Marker);
        world.commands().entity(purse).remove::<ChildOf>();
    });

    world.qdel(goblin).unwrap();

    assert!(world.get::<Marker>(goblin).is_some());
    assert!(world.get::<ChildOf>(purse).is_none());
    assert_eq!(world.liveness(purse), Liveness::Alive);
}

#[test]
fn handler_that_was_called_once_is_not_given_back() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let before = registrations(&world, &[goblin]);
    let [bow, sling] = [(), ()].map(|()| world.spawn((Ear::<0>, Ear::<1>)).id());
    world.register_signal_once(bow, goblin, hear::<0>).unwrap();
    world
        .register_signal_once(sling, goblin, hear_loudly::<0>)
        .unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &[goblin]), before);
    let none = registrations(&world, &[bow, sling]);
    assert_eq!(none, [Vec::new(), Vec::new(), Vec::new(), Vec::new()]);
    world.check_registrations().unwrap();
    assert!(world.register_signal(bow, goblin, hear::<0>).is_ok());
}

#[test]
fn listener_that_was_despawned_meanwhile_is_not_given_back() {
    assert_lost(|world, cast| {
        world.commands().entity(cast.listener).despawn();
    });
}

#[test]
fn listener_that_lost_its_component_meanwhile_is_not_given_back() {
    assert_lost(|world, cast| {
        world.commands().entity(cast.listener).remove::<Ear<0>>();
    });
}

#[test]
fn listener_that_overwrote_its_component_meanwhile_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().entity(cast.listener).insert(Ear::<0>);
    });
}

#[test]
fn listener_that_lost_its_component_and_got_another_meanwhile_is_not_given_back() {
    assert_lost(|world, cast| {
        let mut listener = world.commands();
        let mut listener = listener.entity(cast.listener);
        listener.remove::<Ear<0>>().insert(Ear::<0>);
    });
}

#[test]
fn listener_that_overwrote_its_component_and_moved_on_meanwhile_has_its_old_target_again() {
    assert_given_back(true, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world.entity_mut(cast.listener).insert(Ear::<0>);
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
        });
    });
}

#[test]
fn listener_that_moved_on_and_overwrote_its_component_meanwhile_has_its_old_target_again() {
    assert_given_back(true, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
            world.entity_mut(cast.listener).insert(Ear::<0>);
        });
    });
}

#[test]
fn listener_that_moved_on_meanwhile_keeps_that_and_has_its_old_target_again() {
    assert_given_back(true, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
        });
    });
}

#[test]
fn listener_that_moved_on_and_back_meanwhile_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
            world
                .unregister_signal::<Ear<0>, Qdeleting>(cast.listener, cast.other)
                .unwrap();
        });
    });
}

#[test]
fn listener_whose_next_target_went_too_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
            world.despawn(cast.other);
        });
    });
}

#[test]
fn listener_that_heard_something_once_meanwhile_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world.entity_mut(cast.listener).insert(Ear::<1>);
            world
                .register_signal_once(
                    cast.listener,
                    cast.other,
                    |_: &mut Ear<1>, _: Received<Ping>| 1,
                )
                .unwrap();
            world.send_signal(cast.other, Ping);
        });
    });
}

#[test]
fn thousand_listeners_are_given_back_in_order() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let orc = spawn(&mut world, "orc", Hint::Queue);
    let mut all = vec![goblin, orc];
    for number in 0..1000 {
        let listener = world.spawn((Ear::<0>, Ear::<1>)).id();
        all.push(listener);
        world.register_signal(listener, goblin, hear::<0>).unwrap();
        if number % 3 == 0 {
            world.register_signal(listener, orc, hear::<0>).unwrap();
        }
        if number % 7 == 0 {
            world
                .register_signal(listener, goblin, hear_loudly::<1>)
                .unwrap();
        }
    }
    let (before, footprint) = (registrations(&world, &all), world.signal_footprint());

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &all), before);
    assert_eq!(world.signal_footprint(), footprint);
    world.check_registrations().unwrap();
}

#[test]
fn most_of_a_thousand_listeners_that_end_meanwhile_leave_the_rest_in_order() {
    let mut world = stage();
    let goblin = world
        .spawn((Named("goblin"), Will::<0>(Hint::LetMeLive)))
        .id();
    let listeners: Vec<_> = (0..1000)
        .map(|_| {
            let listener = world.spawn(Ear::<0>).id();
            world.register_signal(listener, goblin, hear::<0>).unwrap();
            listener
        })
        .collect();
    let (stay, go): (Vec<_>, Vec<_>) = (0..)
        .zip(listeners)
        .partition(|(number, _)| number % 10 == 0);
    let reaper = on_death(&mut world, goblin, move |world, _| {
        for &(_, listener) in &go {
            world.commands().entity(listener).despawn();
        }
    });

    world.qdel(goblin).unwrap();

    let mut expected: Vec<_> = stay.iter().map(|(_, listener)| *listener).collect();
    expected.push(reaper);
    let registrations = world.registrations_on(goblin);
    let left: Vec<_> = registrations.iter().map(|at| at.listener).collect();
    assert_eq!(left, expected);
    assert!(world.signal_footprint().places < 500);
    world.check_registrations().unwrap();
}

#[test]
fn entity_that_nobody_listens_to_can_be_kept() {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.register_destroy::<Will<0>>();
    let goblin = world
        .spawn((Named("goblin"), Will::<0>(Hint::LetMeLive)))
        .id();

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Kept));
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

// Q6: `LetMeLive` and ownership.

#[test]
fn kept_owner_keeps_what_it_owns_which_is_told_and_not_destroyed() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    let coin = spawn_owned(&mut world, "coin", purse, Hint::HardDeleteNow);
    let sword = spawn_owned(&mut world, "sword", goblin, Hint::IWillHandleIt);

    let answer = world.qdel(goblin);
    let torn_down = world.flush_qdel();

    assert_eq!((answer, torn_down), (Ok(Qdel::Kept), 0));
    let expected = [
        "told goblin",
        "told purse",
        "told coin",
        "told sword",
        "destroyed goblin",
    ];
    assert_eq!(order(&world), expected);
    assert_eq!(children_of(&world, goblin), [purse, sword]);
    assert_eq!(children_of(&world, purse), [coin]);
    let states = [goblin, purse, coin, sword].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 4]);
    assert_eq!(counts(&world).kept, 4);
}

#[test]
fn kept_entity_leaves_the_owner_that_goes_and_keeps_what_it_owns() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let [hat, purse, sword] = ["hat", "purse", "sword"].map(|name| {
        let hint = match name {
            "purse" => Hint::LetMeLive,
            _ => Hint::Queue,
        };
        spawn_owned(&mut world, name, goblin, hint)
    });
    let coin = spawn_owned(&mut world, "coin", purse, Hint::Queue);

    world.qdel(goblin).unwrap();

    assert_eq!(children_of(&world, goblin), [hat, sword]);
    assert!(world.get::<ChildOf>(purse).is_none());
    assert_eq!(children_of(&world, purse), [coin]);
    assert_eq!(world.flush_qdel(), 3);
    let states = [purse, coin].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 2]);
    let expected = [
        "told goblin",
        "told hat",
        "told purse",
        "told coin",
        "told sword",
        "destroyed goblin",
        "destroyed hat",
        "destroyed purse",
        "destroyed sword",
        "gone sword",
        "gone hat",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn kept_entity_stays_with_an_owner_that_was_not_to_go() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let [hat, purse, sword] = ["hat", "purse", "sword"]
        .map(|name| spawn_owned(&mut world, name, goblin, Hint::LetMeLive));

    world.qdel(purse).unwrap();

    assert_eq!(children_of(&world, goblin), [hat, purse, sword]);
}

#[test]
fn kept_entity_leaves_all_owners_that_go_and_no_other() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let orc = spawn(&mut world, "orc", Hint::Queue);
    let chest = spawn(&mut world, "chest", Hint::Queue);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::LetMeLive);
    world
        .entity_mut(purse)
        .insert((HeldBy(orc), StoredIn(chest)));

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    assert_eq!(world.liveness(purse), Liveness::Alive);
    assert!(world.get::<ChildOf>(purse).is_none() && world.get::<HeldBy>(purse).is_none());
    assert_eq!(world.get::<StoredIn>(purse).map(|at| at.0), Some(chest));
}

#[test]
fn entity_owned_by_one_that_lives_and_by_one_that_goes_goes() {
    for (first, second) in [
        (Hint::LetMeLive, Hint::Queue),
        (Hint::Queue, Hint::LetMeLive),
    ] {
        let mut world = stage();
        let camp = spawn(&mut world, "camp", Hint::Queue);
        let goblin = spawn_owned(&mut world, "goblin", camp, first);
        let orc = spawn_owned(&mut world, "orc", camp, second);
        let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
        world.entity_mut(purse).insert(HeldBy(orc));

        world.qdel(camp).unwrap();
        world.flush_qdel();

        assert_eq!(world.liveness(purse), Liveness::Gone, "{first:?}");
        let happened = order(&world);
        for line in ["told purse", "destroyed purse", "gone purse"] {
            assert_eq!(happened.iter().filter(|at| *at == line).count(), 1);
        }
        assert_eq!(counts(&world).kept, 1);
    }
}

/// The owner that goes is decided after what it owns, because that belongs to the first of the batch too.
#[test]
fn entity_owned_by_one_that_lives_and_by_a_later_one_of_a_batch_that_goes_goes_at_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let orc = spawn(&mut world, "orc", Hint::Queue);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    world.entity_mut(purse).insert(HeldBy(orc));

    world.qdel_batch([goblin, orc]);
    let before_the_flush = world.liveness(purse);
    world.flush_qdel();

    let expected = [
        "told goblin",
        "told purse",
        "told orc",
        "destroyed goblin",
        "destroyed orc",
        "destroyed purse",
    ];
    let mut happened = order(&world);
    happened.retain(|line| !line.starts_with("gone"));
    happened[3..].sort_unstable();
    assert_eq!(happened, expected);
    assert_eq!(before_the_flush, Liveness::Deleting);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn owned_entity_that_is_kept_is_told_and_destroyed_once_wherever_its_owner_stands_in_the_batch() {
    for is_owner_first in [true, false] {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin", Hint::Queue);
        let purse = spawn_owned(&mut world, "purse", goblin, Hint::LetMeLive);
        let batch = if is_owner_first {
            [goblin, purse]
        } else {
            [purse, goblin]
        };

        world.qdel_batch(batch);
        world.flush_qdel();

        let mut happened = order(&world);
        happened.retain(|line| line.ends_with("purse"));
        assert_eq!(happened, ["told purse", "destroyed purse"]);
        assert_eq!(world.liveness(purse), Liveness::Alive);
        assert_eq!(counts(&world).kept, 1);
    }
}

#[test]
fn owned_entity_that_was_deleted_before_goes_though_its_owner_lives() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);
    world.qdel(purse).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn owned_entity_that_stands_before_its_owner_in_a_batch_goes_though_that_lives() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::Queue);

    let batch = world.qdel_batch([purse, goblin]);

    assert_eq!((batch.queued, batch.kept), (vec![purse], vec![goblin]));
    assert_eq!(world.liveness(purse), Liveness::Deleting);
}

#[test]
fn newcomer_that_is_kept_leaves_the_owner_that_is_torn_down() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    world.qdel(goblin).unwrap();
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::LetMeLive);
    let coin = spawn_owned(&mut world, "coin", purse, Hint::Queue);

    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    let states = [purse, coin].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 2]);
    assert!(world.get::<ChildOf>(purse).is_none());
}

#[test]
fn ring_whose_root_is_kept_lives_on_whole() {
    let mut world = stage();
    let ring = ring(&mut world, [Hint::LetMeLive, Hint::Queue, Hint::Queue]);

    let answer = world.qdel(ring[0]);
    let torn_down = world.flush_qdel();

    assert_eq!((answer, torn_down), (Ok(Qdel::Kept), 0));
    let states = ring.map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 3]);
    let expected = ["told first", "told second", "told third", "destroyed first"];
    assert_eq!(order(&world), expected);
    for at in 0..3 {
        assert_eq!(children_of(&world, ring[at]), [ring[(at + 1) % 3]]);
    }
}

#[test]
fn entity_of_a_ring_that_is_kept_keeps_what_comes_behind_it() {
    let mut world = stage();
    let ring = ring(&mut world, [Hint::Queue, Hint::LetMeLive, Hint::Queue]);

    world.qdel(ring[0]).unwrap();
    world.flush_qdel();

    let states = ring.map(|entity| world.liveness(entity));
    let expected = [Liveness::Gone, Liveness::Alive, Liveness::Alive];
    assert_eq!(states, expected);
    assert_eq!(children_of(&world, ring[1]), [ring[2]]);
    assert_eq!(children_of(&world, ring[2]), []);
    let expected = [
        "told first",
        "told second",
        "told third",
        "destroyed first",
        "destroyed second",
        "gone first",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn mutual_owners_of_which_one_is_kept_are_told_and_destroyed_once() {
    for hints in [
        [Hint::LetMeLive, Hint::LetMeLive],
        [Hint::Queue, Hint::LetMeLive],
        [Hint::HardDeleteNow, Hint::LetMeLive],
        [Hint::IWillHandleIt, Hint::LetMeLive],
        [Hint::Queue, Hint::IWillHandleIt],
    ] {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin", hints[0]);
        let orc = spawn_owned(&mut world, "orc", goblin, hints[1]);
        world.entity_mut(goblin).insert(ChildOf(orc));

        world.qdel(goblin).unwrap();
        world.flush_qdel();
        world.drain_qdel();

        for (entity, name, hint) in [(goblin, "goblin", hints[0]), (orc, "orc", hints[1])] {
            let expected = match hint {
                Hint::LetMeLive => Liveness::Alive,
                Hint::IWillHandleIt => Liveness::Deleting,
                _ => Liveness::Gone,
            };
            assert_eq!(world.liveness(entity), expected, "{name} by {hints:?}");
            let happened = order(&world);
            let count = |what: &str| {
                let line = format!("{what} {name}");
                happened.iter().filter(|at| **at == line).count()
            };
            assert_eq!(count("told"), 1, "{name} by {hints:?}");
            assert!(count("destroyed") <= 1, "{name} by {hints:?}");
        }
        world.check_registrations().unwrap();
    }
}

#[test]
fn chain_of_kept_and_not_kept_is_cut_where_somebody_goes() {
    let mut world = stage();
    let hints = [
        ("first", Hint::Queue),
        ("second", Hint::LetMeLive),
        ("third", Hint::HardDeleteNow),
        ("fourth", Hint::Queue),
    ];
    let mut chain: Vec<Entity> = Vec::new();
    for (name, hint) in hints {
        let entity = spawn(&mut world, name, hint);
        if let Some(owner) = chain.last() {
            world.entity_mut(entity).insert(ChildOf(*owner));
        }
        chain.push(entity);
    }

    world.qdel(chain[0]).unwrap();
    world.flush_qdel();

    let states: Vec<_> = chain.iter().map(|at| world.liveness(*at)).collect();
    let expected = [
        Liveness::Gone,
        Liveness::Alive,
        Liveness::Alive,
        Liveness::Alive,
    ];
    assert_eq!(states, expected);
}

// Q6: by force.

#[test]
fn forced_deletion_overrules_let_me_live_and_the_next_strongest_hint_counts() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    world
        .entity_mut(goblin)
        .insert((Will::<1>(Hint::HardDeleteNow), Will::<2>(Hint::Queue)));
    let orc = spawn(&mut world, "orc", Hint::LetMeLive);
    let ghost = spawn(&mut world, "ghost", Hint::LetMeLive);
    world
        .entity_mut(ghost)
        .insert(Will::<1>(Hint::IWillHandleIt));

    let answers = [goblin, orc, ghost].map(|entity| world.force_qdel(entity));

    assert_eq!(answers, [Ok(Qdel::Queued); 3]);
    let states = [goblin, orc, ghost].map(|entity| world.liveness(entity));
    let expected = [Liveness::Gone, Liveness::Deleting, Liveness::Deleting];
    assert_eq!(states, expected);
    assert_eq!(world.flush_qdel(), 1);
    assert_eq!((counts(&world).overruled, counts(&world).kept), (3, 0));
}

#[test]
fn force_overrules_the_whole_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::Queue);
    let purse = spawn_owned(&mut world, "purse", goblin, Hint::LetMeLive);

    world.force_qdel(goblin).unwrap();
    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 2);
    assert_eq!(world.liveness(purse), Liveness::Gone);
    assert_eq!(counts(&world).overruled, 1);
}

#[test]
fn force_does_not_overrule_who_handles_it() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", Hint::IWillHandleIt);

    world.force_qdel(ghost).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert_eq!(counts(&world).overruled, 0);
}

#[test]
fn shutdown_overrules_let_me_live() {
    let mut world = bare_stage();
    world.register_destroy::<Will<0>>();
    let goblin = world
        .spawn((Named("goblin"), Will::<0>(Hint::LetMeLive)))
        .id();
    let purse = world
        .spawn((Named("purse"), Will::<0>(Hint::LetMeLive), ChildOf(goblin)))
        .id();

    let torn_down = world.shutdown_qdel();

    assert_eq!(torn_down, 2);
    let states = [goblin, purse].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone; 2]);
    assert_eq!(counts(&world).overruled, 2);
}

// Q3: who is kept, and deleted again by a `Destroy`.

/// A deletion that goes round for ever would not end: so it is counted, and given in to.
#[test]
fn kept_entity_that_deletes_itself_by_a_command_of_its_destroy_is_destroyed_once() {
    let mut world = bare_stage();
    world.register_destroy::<Stubborn>();
    let goblin = world.spawn_empty().id();
    let victims = vec![goblin];
    world
        .entity_mut(goblin)
        .insert(Stubborn { calls: 0, victims });

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Stubborn>(goblin).unwrap().calls, 1);
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

#[test]
fn two_kept_entities_that_delete_each_other_by_commands_are_destroyed_once() {
    let mut world = bare_stage();
    world.register_destroy::<Stubborn>();
    let both = [(), ()].map(|()| world.spawn_empty().id());
    for (entity, victim) in [(both[0], both[1]), (both[1], both[0])] {
        let victims = vec![victim];
        world
            .entity_mut(entity)
            .insert(Stubborn { calls: 0, victims });
    }

    world.qdel(both[0]).unwrap();

    let calls = both.map(|entity| world.get::<Stubborn>(entity).unwrap().calls);
    assert_eq!(calls, [1; 2]);
}

/// Says that it wants to live, and deletes `victims`. It gives in after a while.
#[derive(Component)]
struct Stubborn {
    calls: u32,
    victims: Vec<Entity>,
}

impl Destroy for Stubborn {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
        self.calls += 1;
        if self.calls >= 5 {
            return Hint::LetMeLive;
        }
        for victim in &self.victims {
            going.param.entity(*victim).qdel();
        }
        Hint::LetMeLive
    }
}

// Q3: any hints in any forest.

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_the_hints_everybody_is_told_once_and_meets_its_fate(
        owners in vec(0..8_usize, 8),
        others in vec(0..8_usize, 8),
        hints in vec(0..7_usize, 8),
        root in 0..8_usize,
        force in any::<bool>(),
    ) {
        let mut world = stage();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let hints: Vec<_> = hints.iter().map(|at| FROM_THE_WEAKEST[*at].0).collect();
        let all: Vec<_> = names
            .iter()
            .zip(&hints)
            .map(|(name, hint)| spawn(&mut world, name, *hint))
            .collect();
        // An owner stands before what it owns, but for those who have none.
        for at in 0..8 {
            if owners[at] < at {
                world.entity_mut(all[at]).insert(ChildOf(all[owners[at]]));
            }
            if others[at] < at {
                world.entity_mut(all[at]).insert(HeldBy(all[others[at]]));
            }
        }
        let expected = expected_fates(&owners, &others, &hints, root, force);
        let before = registrations(&world, &all);

        if force {
            world.force_qdel(all[root]).unwrap();
        } else {
            world.qdel(all[root]).unwrap();
        }
        world.flush_qdel();

        let happened = order(&world);
        for at in 0..8 {
            let count = |what: &str| {
                let line = format!("{what} {}", names[at]);
                happened.iter().filter(|at| **at == line).count()
            };
            let (fate, is_destroyed) = expected[at];
            let state = world.liveness(all[at]);
            let is_told = fate.is_some();
            let state_expected = match fate {
                None | Some(Fate::Lives) => Liveness::Alive,
                Some(Fate::StaysMarked) => Liveness::Deleting,
                Some(_) => Liveness::Gone,
            };
            prop_assert_eq!(state, state_expected, "{}: {:?}", names[at], happened);
            prop_assert_eq!(count("told"), usize::from(is_told));
            prop_assert_eq!(count("destroyed"), usize::from(is_destroyed));
            prop_assert_eq!(count("gone"), usize::from(state == Liveness::Gone));
            if state == Liveness::Alive {
                let [on, of] = [world.registrations_on(all[at]), world.registrations_of(all[at])];
                prop_assert_eq!([&on, &of], [&before[2 * at], &before[2 * at + 1]]);
            }
        }
        world.check_registrations().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whoever_is_kept_listens_and_is_listened_to_as_before(
        owners in vec(0..8_usize, 8),
        hints in vec(0..7_usize, 8),
        links in vec((0..8_usize, 0..8_usize, any::<bool>()), 0..24),
        roots in vec(0..8_usize, 1..3),
    ) {
        let mut world = stage();
        let hints = hints.iter().map(|at| FROM_THE_WEAKEST[*at].0);
        let all: Vec<_> = hints.map(|hint| spawn(&mut world, "somebody", hint)).collect();
        for at in 0..8 {
            world.entity_mut(all[at]).insert((Ear::<0>, Ear::<1>));
            if owners[at] < at {
                world.entity_mut(all[at]).insert(ChildOf(all[owners[at]]));
            }
        }
        for (listener, target, is_fields) in links {
            let (listener, target) = (all[listener], all[target]);
            // A second one of the same kind is refused.
            let _ = if is_fields {
                world.register_signal(listener, target, hear_loudly::<1>)
            } else {
                world.register_signal(listener, target, hear::<0>)
            };
        }
        let mut expected = registrations(&world, &all);

        world.qdel_batch(roots.iter().map(|at| all[*at]));
        world.flush_qdel();

        let is_in_force = |registration: &Registration| {
            world.liveness(registration.target) == Liveness::Alive
                && world.liveness(registration.listener) == Liveness::Alive
        };
        expected.iter_mut().for_each(|list| list.retain(is_in_force));
        prop_assert_eq!(registrations(&world, &all), expected);
        world.check_registrations().unwrap();
    }
}

/// Says for each what becomes of it, if it is deleted at all, and whether it is destroyed.
fn expected_fates(
    owners: &[usize],
    others: &[usize],
    hints: &[Hint],
    root: usize,
    force: bool,
) -> Vec<(Option<Fate>, bool)> {
    let mut fates: Vec<(Option<Fate>, bool)> = Vec::new();
    for at in 0..hints.len() {
        let owners = [owners[at], others[at]];
        let mut owners = owners.iter().filter(|owner| **owner < at);
        let owner_fates: Vec<_> = owners
            .by_ref()
            .filter_map(|owner| fates[*owner].0)
            .collect();
        let goes_with = owner_fates.iter().any(|fate| *fate != Fate::Lives);
        let fate = if at != root && owner_fates.is_empty() {
            (None, false)
        } else if at != root && !goes_with {
            (Some(Fate::Lives), false)
        } else {
            let hint = match hints[at] {
                Hint::LetMeLive if force => Hint::Queue,
                hint => hint,
            };
            let by_hint = FROM_THE_WEAKEST.iter().find(|(known, _)| *known == hint);
            (by_hint.map(|(_, fate)| *fate), true)
        };
        fates.push(fate);
    }
    fates
}

// The stage.

/// What happened, in order.
#[derive(Resource, Default)]
struct Order(Vec<String>);

#[derive(Component)]
struct Named(&'static str);

/// Gives its hint when it is destroyed. An entity may have several.
#[derive(Component)]
struct Will<const N: usize>(Hint);

impl<const N: usize> Destroy for Will<N> {
    type Param = (
        Query<'static, 'static, &'static Named, Allow<Disabled>>,
        ResMut<'static, Order>,
    );

    fn destroy(&mut self, going: Destroying<Self::Param>) -> Hint {
        let (names, mut order) = going.param;
        if let (Ok(Named(name)), 0) = (names.get(going.entity), N) {
            order.0.push(format!("destroyed {name}"));
        }
        self.0
    }
}

#[derive(Component)]
struct Marker;

/// A second relationship by which one owns another.
#[derive(Component)]
#[relationship(relationship_target = Holds)]
struct HeldBy(Entity);

#[derive(Component)]
#[relationship_target(relationship = HeldBy, linked_spawn)]
struct Holds(Vec<Entity>);

/// A third one.
#[derive(Component)]
#[relationship(relationship_target = Stores)]
struct StoredIn(Entity);

#[derive(Component)]
#[relationship_target(relationship = StoredIn, linked_spawn)]
struct Stores(Vec<Entity>);

struct Ping;

impl Signal for Ping {
    type Answer = u32;
}

/// A listener.
#[derive(Component)]
struct Ear<const N: usize>;

/// Reaches the world, and so stands in no batch.
fn hear<const N: usize>(mut world: DeferredWorld, _: Received<Qdeleting, Ear<N>>) {
    world.resource_mut::<Order>().0.push(format!("heard {N}"));
}

/// Reaches its own fields only.
fn hear_loudly<const N: usize>(_: &mut Ear<N>, _: Received<Qdeleting>) {}

fn hear_ping(_: &mut Ear<0>, _: Received<Ping>) -> u32 {
    1
}

/// Does what a test wants when a target goes away.
#[derive(Component, Clone)]
struct Reaction(Arc<React>);

type React = dyn Fn(&mut DeferredWorld, Qdeleting) + Send + Sync;

impl Reaction {
    fn react(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let reaction = world.get::<Self>(told.listener()).unwrap().clone();
        (reaction.0)(&mut world, *told.signal());
    }
}

/// Makes a world that writes down who goes.
fn bare_stage() -> World {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.add_observer(
        |gone: On<Despawn<Named>>,
         names: Query<&Named, Allow<Disabled>>,
         mut order: ResMut<Order>| {
            let Named(name) = names.get(gone.entity).unwrap();
            order.0.push(format!("gone {name}"));
        },
    );
    world
}

/// Makes a world that writes down what happens to whoever is [`Named`].
fn stage() -> World {
    let mut world = bare_stage();
    world.register_destroy::<Will<0>>();
    world.register_destroy::<Will<1>>();
    world.register_destroy::<Will<2>>();
    world
}

/// Returns settings by which a flush tears down as little as it can.
fn no_time() -> QdelSettings {
    QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO))
}

/// Spawns somebody whose end is written down, and who says `hint` to it.
fn spawn(world: &mut World, name: &'static str, hint: Hint) -> Entity {
    let entity = world.spawn((Named(name), Will::<0>(hint))).id();
    on_death(world, entity, move |world, _| {
        let mut order = world.resource_mut::<Order>();
        order.0.push(format!("told {name}"));
    });
    entity
}

fn spawn_owned(world: &mut World, name: &'static str, owner: Entity, hint: Hint) -> Entity {
    let entity = spawn(world, name, hint);
    world.entity_mut(entity).insert(ChildOf(owner));
    entity
}

/// Spawns three of whom each owns the next, and the last the first.
fn ring(world: &mut World, hints: [Hint; 3]) -> [Entity; 3] {
    let first = spawn(world, "first", hints[0]);
    let second = spawn_owned(world, "second", first, hints[1]);
    let third = spawn_owned(world, "third", second, hints[2]);
    world.entity_mut(first).insert(ChildOf(third));
    [first, second, third]
}

/// Has `reaction` called when `target` goes away, and returns the listener.
fn on_death(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(&mut DeferredWorld, Qdeleting) + Send + Sync + 'static,
) -> Entity {
    let listener = world.spawn(Reaction(Arc::new(reaction))).id();
    world
        .register_signal(listener, target, Reaction::react)
        .unwrap();
    listener
}

fn note(world: &mut World, line: &str) {
    world.resource_mut::<Order>().0.push(line.to_owned());
}

fn order(world: &World) -> Vec<String> {
    world.resource::<Order>().0.clone()
}

fn counts(world: &World) -> QdelCounts {
    *world.resource::<QdelCounts>()
}

fn children_of(world: &World, owner: Entity) -> Vec<Entity> {
    let children = world.get::<Children>(owner);
    children.map_or(Vec::new(), |children| children.to_vec())
}

/// Returns for each of `entities` who listens to it, and to whom it listens.
fn registrations(world: &World, entities: &[Entity]) -> Vec<Vec<Registration>> {
    let both = |entity: &Entity| {
        [
            world.registrations_on(*entity),
            world.registrations_of(*entity),
        ]
    };
    entities.iter().flat_map(both).collect()
}

/// Those who meet while somebody is kept.
#[derive(Clone, Copy)]
struct Cast {
    listener: Entity,
    /// A possible next target.
    other: Entity,
}

/// Who listens besides, so that the books of the listener have every shape.
#[derive(Debug, Clone, Copy)]
enum Besides {
    Nothing,
    AnotherComponentToTheSame,
    AnotherComponentToAnother,
    TheSameToAThird,
    Much,
}

const BESIDES: [Besides; 5] = [
    Besides::Nothing,
    Besides::AnotherComponentToTheSame,
    Besides::AnotherComponentToAnother,
    Besides::TheSameToAThird,
    Besides::Much,
];

/// Deletes somebody who is kept, and lets `meddle` do something to one of its listeners meanwhile.
///
/// Returns the world, the kept entity and the cast.
fn meddle_with(
    besides: Besides,
    meddle: fn(&mut DeferredWorld, Cast),
) -> (World, Entity, Cast, Vec<Registration>) {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", Hint::LetMeLive);
    let other = spawn(&mut world, "other", Hint::Queue);
    let third = spawn(&mut world, "third", Hint::Queue);
    let listener = world.spawn((Ear::<0>, Ear::<2>)).id();
    world.register_signal(listener, goblin, hear::<0>).unwrap();
    let targets: &[Entity] = match besides {
        Besides::Nothing | Besides::TheSameToAThird => &[],
        Besides::AnotherComponentToTheSame => &[goblin],
        Besides::AnotherComponentToAnother => &[third],
        Besides::Much => &[goblin, third],
    };
    for target in targets {
        world.register_signal(listener, *target, hear::<2>).unwrap();
    }
    if matches!(besides, Besides::TheSameToAThird | Besides::Much) {
        world.register_signal(listener, third, hear::<0>).unwrap();
    }
    let before = world.registrations_of(listener);
    let cast = Cast { listener, other };
    on_death(&mut world, goblin, move |world, _| meddle(world, cast));

    assert_eq!(world.qdel(goblin), Ok(Qdel::Kept));

    world.check_registrations().unwrap();
    (world, goblin, cast, before)
}

/// Asserts that a listener which `meddle` ended while somebody is kept stays ended, and that its other component goes on
/// listening.
fn assert_lost(meddle: fn(&mut DeferredWorld, Cast)) {
    for besides in BESIDES {
        let (world, goblin, cast, before) = meddle_with(besides, meddle);

        let is_lost = |at: &Registration| at.component == core::any::type_name::<Ear<0>>();
        let on = world.registrations_on(goblin);
        let mut on = on.iter().filter(|at| at.listener == cast.listener);
        assert!(!on.any(is_lost), "{besides:?}");
        if world.liveness(cast.listener) == Liveness::Alive {
            let mut kept = world.registrations_of(cast.listener);
            kept.retain(|at| !is_lost(at));
            let mut expected = before;
            expected.retain(|at| !is_lost(at));
            assert_eq!(kept, expected, "{besides:?}");
        }
    }
}

/// Asserts that a listener has what it had before, whatever `meddle` did while somebody was kept, and also another
/// target, if it `moved_on`.
fn assert_given_back(moved_on: bool, meddle: fn(&mut DeferredWorld, Cast)) {
    for besides in BESIDES {
        let (world, _, cast, before) = meddle_with(besides, meddle);

        let mut after = world.registrations_of(cast.listener);
        let has_next = after.iter().any(|at| at.target == cast.other);
        after.retain(|at| at.target != cast.other);
        let mut sorted = [before, after].map(|registrations| {
            let lines = registrations.iter().map(ToString::to_string);
            lines.collect::<Vec<_>>()
        });
        sorted.iter_mut().for_each(|lines| lines.sort_unstable());
        assert_eq!(sorted[1], sorted[0], "{besides:?}");
        assert_eq!(has_next, moved_on, "{besides:?}");
    }
}
