//! The life of a deletion: what it answers, in which order it goes, and what it survives.
//!
//! The numbers are those of the rules in the design. Which entities go with which is the subject of
//! `ownership.rs`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bevy_ecs::{
    entity_disabling::Disabled, lifecycle::HookContext, prelude::*, world::DeferredWorld,
};
use qdel::{Deleting, QdelCounts, QdelError, RegisterError, prelude::*};

// Q1: answers, errors and counts.

#[test]
fn first_qdel_answers_queued() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Queued));
}

#[test]
fn second_qdel_answers_already_deleting() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    let answers = [world.qdel(goblin), world.force_qdel(goblin)];

    assert_eq!(answers, [Ok(Qdel::AlreadyDeleting); 2]);
    assert_eq!(order(&world), ["told goblin"]);
}

#[test]
fn qdel_of_an_owned_entity_of_a_deleted_tree_answers_already_deleting() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.qdel(goblin).unwrap();

    let answer = world.qdel(purse);

    assert_eq!(answer, Ok(Qdel::AlreadyDeleting));
}

#[test]
fn vetoed_qdel_names_the_entity_that_must_stay() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    veto(&mut world, purse);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Vetoed { on: purse }));
}

#[test]
fn qdel_of_an_entity_that_is_gone_is_an_error() {
    let mut world = stage();
    let entity = spawn(&mut world, "goblin");
    world.despawn(entity);

    let answers = [world.qdel(entity), world.force_qdel(entity)];

    assert_eq!(answers, [Err(QdelError::NotSpawned { entity }); 2]);
}

#[test]
fn qdel_of_a_torn_down_entity_is_an_error() {
    let mut world = stage();
    let entity = spawn(&mut world, "goblin");
    world.qdel(entity).unwrap();
    world.flush_qdel();

    let answer = world.qdel(entity);

    assert_eq!(answer, Err(QdelError::NotSpawned { entity }));
}

#[test]
fn qdel_of_a_reserved_id_is_an_error() {
    let mut world = stage();
    let reserved = world.entity_allocator().alloc();

    let answers = [world.qdel(reserved), world.qdel(Entity::PLACEHOLDER)];

    let not_spawned = |entity| Err(QdelError::NotSpawned { entity });
    assert_eq!(
        answers,
        [not_spawned(reserved), not_spawned(Entity::PLACEHOLDER)]
    );
}

#[test]
fn qdel_in_a_world_that_never_heard_of_the_crate_is_answered() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Queued));
    assert_eq!(world.flush_qdel(), 1);
}

#[test]
fn qdel_of_a_resource_is_an_error() {
    let mut world = stage();
    world.qdel(world.resource_entity::<Order>().unwrap()).ok();
    let users = world.resource_entity::<Order>().unwrap();
    let ours = world.resource_entity::<QdelCounts>().unwrap();

    let answers = [world.qdel(users), world.qdel(ours)];

    let refused = |entity| {
        let resource = entity;
        Err(QdelError::Resource { entity, resource })
    };
    assert_eq!(answers, [refused(users), refused(ours)]);
    assert!(world.contains_resource::<Order>());
}

#[test]
fn qdel_of_a_tree_that_owns_a_resource_is_an_error_and_changes_nothing() {
    let mut world = stage();
    let entity = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", entity);
    let resource = world.resource_entity::<Order>().unwrap();
    world.entity_mut(resource).insert(ChildOf(purse));

    let answer = world.qdel(entity);

    assert_eq!(answer, Err(QdelError::Resource { entity, resource }));
    assert_alive(&world, &[entity, purse, resource]);
    assert_eq!(order(&world), [""; 0]);
    assert_eq!(world.flush_qdel(), 0);
}

#[test]
fn vetoes_repeats_and_refusals_are_counted_apart_from_deletions() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    let king = spawn(&mut world, "king");
    veto(&mut world, king);
    let gone = world.spawn_empty().id();
    world.despawn(gone);
    let resource = world.resource_entity::<Order>().unwrap();

    world.qdel(king).unwrap();
    world.force_qdel(king).unwrap();
    world.qdel(king).unwrap();
    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();
    world.qdel(gone).unwrap_err();
    world.qdel(resource).unwrap_err();
    world.flush_qdel();
    world.qdel(goblin).unwrap_err();
    world.qdel(goblin).unwrap_err();

    let counts = Counts {
        deleted: 2,
        vetoed: 3,
        repeated: 1,
        refused: 4,
        torn_down: 2,
    };
    assert_eq!(counts_of(&world), counts);
}

#[test]
fn qdel_commands_count_like_calls() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let king = spawn(&mut world, "king");
    veto(&mut world, king);

    world.commands().entity(goblin).qdel().qdel();
    world.commands().entity(king).qdel().force_qdel();
    world.flush();

    let counts = counts_of(&world);
    let (deleted, repeated, vetoed) = (counts.deleted, counts.repeated, counts.vetoed);
    assert_eq!((deleted, repeated, vetoed), (1, 1, 2));
}

#[test]
fn command_for_an_entity_that_is_gone_does_not_panic() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");

    world.commands().entity(goblin).despawn();
    world.commands().entity(goblin).qdel().force_qdel();
    world.flush();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(counts_of(&world).refused, 2);
}

#[test]
fn command_for_a_resource_does_not_panic() {
    let mut world = stage();
    let resource = world.resource_entity::<Order>().unwrap();

    world.commands().entity(resource).qdel();
    world.flush();

    assert_eq!(world.liveness(resource), Liveness::Alive);
}

#[test]
fn command_deletes_an_entity_that_another_command_spawns() {
    let mut world = stage();

    let goblin = world.commands().spawn(Named("goblin")).qdel().id();
    world.flush();

    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn entity_world_mut_deletes_like_a_world() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let king = spawn(&mut world, "king");
    veto(&mut world, king);

    let answers = [
        world.entity_mut(goblin).qdel(),
        world.entity_mut(goblin).force_qdel(),
        world.entity_mut(king).qdel(),
    ];

    let expected = [
        Qdel::Queued,
        Qdel::AlreadyDeleting,
        Qdel::Vetoed { on: king },
    ];
    assert_eq!(answers, expected.map(Ok));
}

#[test]
fn resetting_the_counts_leaves_deletions_as_they_are() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    world.insert_resource(QdelCounts::default());
    world.flush_qdel();

    assert_eq!(
        (counts_of(&world).deleted, counts_of(&world).torn_down),
        (0, 1)
    );
}

/// `QdelCounts` is public, so a user who wants to start anew may remove it.
#[test]
fn removing_the_counts_does_not_break_the_flush() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    world.remove_resource::<QdelCounts>();
    world.flush_qdel();

    assert_eq!(order(&world), ["told goblin", "gone goblin"]);
}

// Q2: the question before.

#[test]
fn veto_stops_the_whole_tree_before_anything_is_marked() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let sword = spawn_owned(&mut world, "sword", goblin);
    let tree = [goblin, purse, coin, sword];
    let listeners = tree.map(|entity| world.registrations_on(entity));
    veto(&mut world, coin);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Vetoed { on: coin }));
    assert_alive(&world, &tree);
    assert_eq!(order(&world), [""; 0]);
    let qdeleting = |entity| {
        let mut registrations = world.registrations_on(entity);
        registrations.retain(|registration| registration.signal.ends_with("Qdeleting"));
        registrations
    };
    assert_eq!(tree.map(qdeleting), listeners);
    assert_eq!(world.flush_qdel(), 0);
}

#[test]
fn veto_holds_only_as_long_as_it_is_registered() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let guard = veto(&mut world, goblin);
    world.qdel(goblin).unwrap();
    world.despawn(guard);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Queued));
    assert_eq!(order(&world), ["told goblin"]);
}

#[test]
fn one_veto_among_many_who_allow_is_a_veto() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    for answer in [Verdict::Allow, Verdict::Veto, Verdict::Allow] {
        let guard = world.spawn(Guard(answer)).id();
        world.register_signal(guard, goblin, Guard::judge).unwrap();
    }

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Vetoed { on: goblin }));
}

#[test]
fn everybody_in_the_tree_is_asked_once_and_owner_first() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let sword = spawn_owned(&mut world, "sword", goblin);
    for entity in [coin, sword, goblin, purse] {
        world
            .register_signal(entity, entity, record_question)
            .unwrap();
    }

    world.qdel(goblin).unwrap();

    let questions = world.resource::<Questions>().0.lock().unwrap();
    let mut asked: Vec<_> = questions.iter().map(|question| question.0).collect();
    let place = |entity| asked.iter().position(|at| *at == entity).unwrap();
    let owners = [(goblin, purse), (goblin, sword), (purse, coin)];
    assert!(
        owners
            .iter()
            .all(|&(owner, owned)| place(owner) < place(owned))
    );
    assert!(place(purse) < place(sword));
    assert!(
        questions
            .iter()
            .all(|&(_, root, force)| root == goblin && !force)
    );
    asked.sort_unstable();
    asked.dedup();
    assert_eq!((asked.len(), questions.len()), (4, 4));
}

#[test]
fn entities_that_are_deleting_already_are_not_asked_again() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world
        .register_signal(purse, purse, record_question)
        .unwrap();
    world.qdel(purse).unwrap();

    world.qdel(purse).unwrap();
    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Questions>().0.lock().unwrap().len(), 1);
}

#[test]
fn handler_of_the_question_decides_what_force_means() {
    let mut world = stage();
    let king = spawn(&mut world, "king");
    let god = spawn(&mut world, "god");
    veto(&mut world, god);
    world
        .register_signal(king, king, |_: &Named, asked: Received<PreQdel>| {
            if asked.force {
                Verdict::Allow
            } else {
                Verdict::Veto
            }
        })
        .unwrap();

    let answers = [
        world.qdel(king),
        world.force_qdel(king),
        world.force_qdel(god),
    ];

    let expected = [
        Qdel::Vetoed { on: king },
        Qdel::Queued,
        Qdel::Vetoed { on: god },
    ];
    assert_eq!(answers, expected.map(Ok));
}

#[test]
fn in_a_handler_of_the_question_everybody_is_alive() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    world
        .register_signal(
            goblin,
            goblin,
            |world: &World, asked: Received<PreQdel, Named>| {
                let mut tree = vec![asked.root];
                tree.extend(world.get::<Children>(asked.root).unwrap().iter());
                assert_alive(world, &tree);
                Verdict::Veto
            },
        )
        .unwrap();

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Vetoed { on: goblin }));
}

#[test]
fn after_a_veto_everybody_can_register_and_is_told_in_the_end() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let guard = veto(&mut world, goblin);
    world.qdel(goblin).unwrap();
    on_death(&mut world, goblin, |world, _| {
        note(world, "told late listener");
    });
    world.despawn(guard);

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin", "told late listener"]);
}

#[test]
fn qdel_by_a_handler_is_asked_too() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let king = spawn(&mut world, "king");
    veto(&mut world, king);
    on_death(&mut world, goblin, move |world, _| world.queue_qdel(king));

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(king), Liveness::Alive);
    assert_eq!(counts_of(&world).vetoed, 1);
}

#[test]
fn panic_in_a_handler_of_the_question_leaves_everything_as_it_was() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let guard = world.spawn(Guard(Verdict::Allow)).id();
    let panics = |_: &Guard, _: Received<PreQdel>| -> Verdict { panic!("no answer") };
    world.register_signal(guard, purse, panics).unwrap();

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "no answer");
    assert_alive(&world, &[goblin, purse]);
    assert_eq!(order(&world), [""; 0]);
    world.despawn(guard);
    assert_eq!(world.qdel(goblin), Ok(Qdel::Queued));
    assert_eq!(world.flush_qdel(), 2);
}

// Q3: exactly once, whoever deletes whom meanwhile.

#[test]
fn handler_that_deletes_its_own_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.queue_qdel(cast.target));
}

#[test]
fn handler_that_deletes_the_owner_of_its_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.queue_qdel(cast.owner));
}

#[test]
fn handler_that_deletes_what_its_target_owns_changes_nothing() {
    assert_exactly_once(|world, cast| world.queue_qdel(cast.owned));
}

#[test]
fn handler_that_deletes_a_third_entity_deletes_it_once() {
    assert_exactly_once(|world, cast| world.queue_qdel(cast.other));
}

#[test]
fn handler_that_deletes_everybody_twice_changes_nothing() {
    assert_exactly_once(|world, cast| {
        for entity in cast.all().into_iter().chain(cast.all()) {
            world.queue_force_qdel(entity);
        }
    });
}

#[test]
fn handler_that_despawns_its_own_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.target).try_despawn());
}

#[test]
fn handler_that_despawns_the_owner_of_its_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.owner).try_despawn());
}

#[test]
fn handler_that_despawns_a_member_that_is_not_told_yet_changes_nothing() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.owned).try_despawn());
}

#[test]
fn handler_that_despawns_a_third_entity_has_it_told_once() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.other).try_despawn());
}

#[test]
fn handler_that_despawns_and_deletes_the_same_changes_nothing() {
    assert_exactly_once(|world, cast| {
        for entity in cast.all() {
            world.commands().entity(entity).try_despawn();
            world.queue_qdel(entity);
        }
    });
    assert_exactly_once(|world, cast| {
        for entity in cast.all().into_iter().rev() {
            world.queue_qdel(entity);
            world.commands().entity(entity).try_despawn();
        }
    });
}

#[test]
fn handler_that_gives_its_target_away_changes_nothing() {
    assert_exactly_once(|world, cast| {
        world
            .commands()
            .entity(cast.target)
            .try_insert(ChildOf(cast.other));
        world.commands().entity(cast.owned).try_remove::<ChildOf>();
        world.queue_qdel(cast.other);
    });
}

#[test]
fn handler_that_gives_the_owner_to_a_third_entity_and_deletes_that_changes_nothing() {
    assert_exactly_once(|world, cast| {
        world
            .commands()
            .entity(cast.owner)
            .try_insert(ChildOf(cast.other));
        world.queue_qdel(cast.other);
    });
}

#[test]
fn handler_that_flushes_by_command_changes_nothing() {
    assert_exactly_once(|world, cast| {
        let work = move |world: &mut World| {
            world.flush_qdel();
            world.qdel(cast.other).ok();
            world.flush_qdel();
        };
        world.commands().queue(work);
    });
}

#[test]
fn handler_that_deletes_its_listener_is_called_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let archer = spawn(&mut world, "archer");
    let flee = |mut world: DeferredWorld, told: Received<Qdeleting, Named>| {
        note(&mut world, "archer hears");
        world.queue_qdel(told.listener());
    };
    world.register_signal(archer, goblin, flee).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = [
        "told goblin",
        "archer hears",
        "told archer",
        "gone goblin",
        "gone archer",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn handler_that_despawns_its_listener_is_called_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let archer = spawn(&mut world, "archer");
    let flee = |mut world: DeferredWorld, told: Received<Qdeleting, Named>| {
        note(&mut world, "archer hears");
        world.commands().entity(told.listener()).despawn();
    };
    world.register_signal(archer, goblin, flee).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = [
        "told goblin",
        "archer hears",
        "gone archer",
        "told archer",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn two_whose_handlers_delete_each_other_are_told_once_each() {
    let mut world = stage();
    let jack = spawn(&mut world, "jack");
    let jill = spawn(&mut world, "jill");
    on_death(&mut world, jack, move |world, _| world.queue_qdel(jill));
    on_death(&mut world, jill, move |world, _| world.queue_qdel(jack));

    world.qdel(jack).unwrap();
    world.flush_qdel();

    let expected = ["told jack", "told jill", "gone jack", "gone jill"];
    assert_eq!(order(&world), expected);
    assert_eq!(observed(&world), [jack, jill]);
}

#[test]
fn two_whose_handlers_despawn_each_other_are_told_once_each() {
    let mut world = stage();
    let jack = spawn(&mut world, "jack");
    let jill = spawn(&mut world, "jill");
    on_death(&mut world, jack, move |world, _| {
        world.commands().entity(jill).try_despawn();
    });
    on_death(&mut world, jill, move |world, _| {
        world.commands().entity(jack).try_despawn();
    });

    world.qdel(jack).unwrap();
    world.flush_qdel();

    let expected = ["told jack", "told jill", "gone jack", "gone jill"];
    let mut happened = order(&world);
    happened.sort_unstable();
    let mut expected_in_any_order = expected;
    expected_in_any_order.sort_unstable();
    assert_eq!(happened, expected_in_any_order);
}

#[test]
fn despawn_of_a_listener_whose_handler_despawns_its_target_ends() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, move |world, _| {
        world.commands().entity(goblin).try_despawn();
    });

    world.despawn(goblin);

    assert_eq!(order(&world), ["gone goblin", "told goblin"]);
}

#[test]
fn plain_despawn_of_a_told_entity_tells_nobody_twice() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.qdel(goblin).unwrap();

    world.despawn(purse);
    world.despawn(goblin);
    let torn_down = world.flush_qdel();

    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
    assert_eq!(torn_down, 0);
}

#[test]
fn plain_despawn_tells_handlers_and_no_observers() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");

    world.despawn(goblin);

    assert_eq!(order(&world), ["gone goblin", "told goblin"]);
    assert_eq!(observed(&world), []);
}

/// The marks are set one by one, and Bevy runs observers and their commands after each.
#[test]
fn observer_of_the_mark_that_deletes_a_member_not_marked_yet_changes_nothing() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let meddle = move |marked: On<Insert<Disabled>>, mut world: DeferredWorld| {
        if marked.entity == goblin {
            world.queue_qdel(purse);
        }
    };
    world.add_observer(meddle);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
    assert_eq!(observed(&world), [goblin, purse]);
    assert_eq!(counts_of(&world).deleted, 2);
}

#[test]
fn observer_of_the_mark_that_despawns_a_member_does_so_when_everybody_is_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let meddle = move |marked: On<Add<Deleting>>, mut commands: Commands| {
        if marked.entity == goblin {
            commands.entity(purse).despawn();
        }
    };
    world.add_observer(meddle);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
    assert_eq!(observed(&world), [goblin, purse]);
}

/// Bevy's own lifecycle events are there for who despawns plainly.
#[test]
fn entity_despawned_after_its_mark_and_before_its_notice_is_told_of_a_despawn_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| {
        world.queue_qdel(orc);
        world.commands().entity(orc).despawn();
    });
    let notices = record_notices(&mut world, &[orc]);

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin", "gone orc", "told orc"]);
    assert_eq!(notices.all(), [(orc, Cause::Despawn, false)]);
    assert_eq!(observed(&world), [goblin]);
}

#[test]
fn observer_of_the_mark_that_despawns_the_marked_has_everybody_told_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    let meddle = |marked: On<Add<Deleting>>, mut commands: Commands| {
        commands.entity(marked.entity).try_despawn();
    };
    world.add_observer(meddle);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let mut happened = order(&world);
    happened.sort_unstable();
    let expected = ["gone goblin", "gone purse", "told goblin", "told purse"];
    assert_eq!(happened, expected);
}

/// Whoever names `Deleting` can remove it, though the docs say not to.
#[test]
fn entity_whose_mark_was_removed_by_hand_is_torn_down_all_the_same() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).remove::<Deleting>();
    world.flush_qdel();

    assert_eq!(order(&world), ["told goblin", "gone goblin"]);
    assert_eq!(observed(&world), [goblin]);
}

#[test]
fn entity_that_is_deleted_again_without_its_mark_is_told_and_torn_down_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();
    world.entity_mut(goblin).remove::<Deleting>();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(order(&world), ["told goblin", "gone goblin"]);
}

#[test]
fn chain_of_100_000_whose_handlers_delete_the_next_does_not_touch_the_stack() {
    on_a_small_stack(|| {
        let mut world = World::new();
        let links = spawn_links(&mut world);
        for &link in &links {
            let delete_next = |mut world: DeferredWorld, told: Received<Qdeleting, Link>| {
                let link = world.get_mut::<Link>(told.listener()).unwrap();
                let next = link.into_inner().tell();
                next.into_iter().for_each(|next| world.queue_qdel(next));
            };
            world.register_signal(link, link, delete_next).unwrap();
        }

        world.qdel(links[0]).unwrap();

        assert_each_told_once(&world, &links);
        assert_eq!(world.flush_qdel(), links.len());
    });
}

#[test]
fn chain_of_100_000_whose_observers_delete_the_next_does_not_touch_the_stack() {
    on_a_small_stack(|| {
        let mut world = World::new();
        let links = spawn_links(&mut world);
        world.add_observer(|told: On<Qdeleting>, mut world: DeferredWorld| {
            let link = world.get_mut::<Link>(told.entity).unwrap();
            let next = link.into_inner().tell();
            next.into_iter().for_each(|next| world.queue_qdel(next));
        });

        world.qdel(links[0]).unwrap();

        assert_each_told_once(&world, &links);
        assert_eq!(world.flush_qdel(), links.len());
    });
}

#[test]
fn chain_of_100_000_whose_despawns_delete_the_next_does_not_touch_the_stack() {
    on_a_small_stack(|| {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let links = spawn_links(&mut world);
        world.add_observer(|gone: On<Despawn<Link>>, mut world: DeferredWorld| {
            let link = world.get_mut::<Link>(gone.entity).unwrap();
            let next = link.into_inner().tell();
            next.into_iter().for_each(|next| world.queue_qdel(next));
        });

        world.qdel(links[0]).unwrap();

        assert!(
            links
                .iter()
                .all(|&link| world.liveness(link) == Liveness::Gone)
        );
        assert_eq!(counts_of(&world).torn_down, links.len() as u64);
    });
}

/// A world may have commands that nobody has applied yet, of whoever held it as a `DeferredWorld`.
#[test]
fn commands_that_wait_when_a_deletion_begins_do_no_harm() {
    let waiting: [fn(&mut Commands, Entity); 3] = [
        |commands, entity| commands.entity(entity).despawn(),
        |commands, entity| {
            commands.entity(entity).qdel();
        },
        |commands, entity| {
            commands.entity(entity).insert(Gold(1)).remove::<ChildOf>();
        },
    ];
    for (queue, victim, is_first) in (0..12).map(|n| (waiting[n % 3], n / 3 % 2, n < 6)) {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin");
        let purse = spawn_owned(&mut world, "purse", goblin);
        if !is_first {
            let other = world.spawn_empty().id();
            world.qdel(other).unwrap();
        }
        queue(&mut world.commands(), [goblin, purse][victim]);

        world.qdel(goblin).ok();
        world.flush();
        world.qdel(purse).ok();
        world.flush_qdel();

        let mut happened = order(&world);
        happened.sort_unstable();
        let expected = ["gone goblin", "gone purse", "told goblin", "told purse"];
        assert_eq!(happened, expected);
    }
}

// Q4: what a notice says, and what its handlers can reach.

#[test]
fn cause_says_how_each_entity_came_to_be_deleted() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let orc = spawn(&mut world, "orc");
    let notices = record_notices(&mut world, &[goblin, purse, coin, orc]);

    world.qdel(goblin).unwrap();
    world.despawn(orc);

    let expected = [
        (goblin, Cause::Qdel, false),
        (purse, Cause::Owner(goblin), false),
        (coin, Cause::Owner(purse), false),
        (orc, Cause::Despawn, false),
    ];
    assert_eq!(notices.all(), expected);
}

#[test]
fn force_is_told_to_the_whole_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let notices = record_notices(&mut world, &[goblin, purse]);

    world.force_qdel(goblin).unwrap();

    let expected = [
        (goblin, Cause::Qdel, true),
        (purse, Cause::Owner(goblin), true),
    ];
    assert_eq!(notices.all(), expected);
}

#[test]
fn observers_hear_what_handlers_heard_after_them() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.add_observer(|told: On<Qdeleting>, mut order: ResMut<Order>| {
        order
            .0
            .push(format!("observed {:?} {}", told.cause, told.force));
    });

    world.force_qdel(purse).unwrap();
    world.qdel(goblin).unwrap();

    let expected = [
        "told purse",
        "observed Qdel true",
        "told goblin",
        "observed Qdel false",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn member_despawned_by_a_handlers_command_was_told_with_its_owner() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    on_death(&mut world, goblin, move |world, _| {
        world.commands().entity(purse).despawn();
    });
    let notices = record_notices(&mut world, &[purse]);

    world.qdel(goblin).unwrap();

    assert_eq!(notices.all(), [(purse, Cause::Owner(goblin), false)]);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn handlers_read_and_write_every_component_of_the_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let tree = [goblin, purse, coin];
    for entity in tree {
        world.entity_mut(entity).insert((Gold(0), Weight(0)));
    }
    for entity in tree {
        on_death(&mut world, entity, move |world, _| {
            for other in tree {
                world.get_mut::<Gold>(other).unwrap().0 += 1;
                world.get_mut::<Weight>(other).unwrap().0 += 1;
            }
            assert_eq!(world.get::<ChildOf>(coin).unwrap().parent(), purse);
            assert!(world.get::<Children>(purse).unwrap().contains(&coin));
        });
    }

    world.qdel(goblin).unwrap();

    let gold = tree.map(|entity| world.get::<Gold>(entity).unwrap().0);
    let weight = tree.map(|entity| world.get::<Weight>(entity).unwrap().0);
    assert_eq!((gold, weight), ([3; 3], [3; 3]));
}

#[test]
fn observers_read_and_write_every_component_of_the_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    for entity in [goblin, purse] {
        world.entity_mut(entity).insert((Gold(0), Weight(0)));
    }
    world.add_observer(
        move |_: On<Qdeleting>, mut tree: Query<(&mut Gold, &mut Weight), Allow<Disabled>>| {
            for entity in [goblin, purse] {
                let (mut gold, mut weight) = tree.get_mut(entity).unwrap();
                gold.0 += 1;
                weight.0 += 1;
            }
        },
    );

    world.qdel(goblin).unwrap();

    let gold = [goblin, purse].map(|entity| world.get::<Gold>(entity).unwrap().0);
    assert_eq!(gold, [2, 2]);
}

#[test]
fn handlers_of_a_plain_despawn_read_and_write_every_component_of_the_target() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert((Gold(7), Weight(5)));
    on_death(&mut world, goblin, move |world, _| {
        world.get_mut::<Gold>(goblin).unwrap().0 += 1;
        let carried = (
            world.get::<Gold>(goblin).unwrap().0,
            world.get::<Weight>(goblin).unwrap().0,
        );
        assert_eq!(carried, (8, 5));
    });

    world.despawn(goblin);

    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn commands_of_handlers_are_applied_when_everybody_is_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let write = |world: &mut World| world.resource_mut::<Order>().0.push("command".to_owned());
    for entity in [goblin, purse] {
        on_death(&mut world, entity, move |world, _| {
            world.commands().queue(write);
        });
    }
    world.add_observer(move |_: On<Qdeleting>, mut commands: Commands| commands.queue(write));

    world.qdel(goblin).unwrap();

    let expected = [
        "told goblin",
        "told purse",
        "command",
        "command",
        "command",
        "command",
    ];
    assert_eq!(order(&world), expected);
}

/// Bevy runs observers of `Remove` after the hook that tells of a despawn: who registers there comes too late.
#[test]
fn registering_in_the_last_moments_of_a_plain_despawn_is_refused() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let archer = world.spawn(Guard(Verdict::Allow)).id();
    let look_away = |_: &mut Guard, _: Received<Qdeleting>| ();
    let other = spawn(&mut world, "other");
    world.register_signal(archer, other, look_away).unwrap();
    world.add_observer(
        move |removed: On<Remove<Named>>, mut world: DeferredWorld| {
            let answer = world.register_signal(archer, removed.entity, look_away);
            let line = match answer {
                Err(RegisterError::TargetDeleting(_)) => "refused".to_owned(),
                answer => format!("{answer:?}"),
            };
            note(&mut world, &line);
        },
    );

    world.despawn(goblin);

    assert_eq!(order(&world), ["gone goblin", "told goblin", "refused"]);
    assert_eq!(world.registrations_of(archer).len(), 1);
}

// Q7: while it is deleting.

#[test]
fn deleting_entities_are_hidden_from_queries() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    let orc = spawn(&mut world, "orc");
    let mut seen = world.query_filtered::<Entity, With<Named>>();

    world.qdel(goblin).unwrap();

    assert_eq!(seen.iter(&world).collect::<Vec<_>>(), [orc]);
    assert!(seen.get(&world, goblin).is_err());
}

#[test]
fn query_that_allows_disabled_lists_what_waits() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    spawn(&mut world, "orc");
    world.qdel(goblin).unwrap();

    let mut waiting = world.query_filtered::<Entity, (With<Deleting>, Allow<Disabled>)>();
    let waiting: Vec<_> = waiting.iter(&world).collect();

    assert_eq!(waiting, [goblin, purse]);
}

#[test]
fn deleting_entity_is_readable_and_writable_by_id() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert(Gold(7));
    world.qdel(goblin).unwrap();

    world.get_mut::<Gold>(goblin).unwrap().0 += 1;

    assert_eq!(world.get::<Gold>(goblin).unwrap().0, 8);
}

#[test]
fn commands_on_a_deleting_entity_do_no_harm() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.qdel(goblin).unwrap();

    world.commands().entity(goblin).insert(Gold(1));
    world.commands().entity(goblin).remove::<Gold>();
    world.commands().entity(goblin).remove::<Children>();
    world.commands().entity(purse).insert(ChildOf(goblin));
    world
        .commands()
        .entity(goblin)
        .with_child(Named("late coin"));
    world.commands().entity(purse).despawn();
    world.flush();
    world.flush_qdel();

    let expected = [
        "told goblin",
        "told purse",
        "gone purse",
        "gone late coin",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn cleared_entity_is_still_torn_down() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).clear();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn entity_that_was_disabled_before_is_told_and_torn_down() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert(Disabled);

    let answer = world.qdel(goblin);
    world.flush_qdel();

    assert_eq!(answer, Ok(Qdel::Queued));
    assert_eq!(order(&world), ["told goblin", "gone goblin"]);
}

#[test]
fn clone_of_a_deleting_entity_is_alive() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    let clone = world.entity_mut(goblin).clone_and_spawn();
    world.flush_qdel();

    assert_eq!(world.liveness(clone), Liveness::Alive);
}

// Q8: tear-down.

#[test]
fn nothing_is_torn_down_before_the_flush() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");

    world.qdel(goblin).unwrap();
    world.flush();
    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(goblin), Liveness::Deleting);
    assert_eq!(order(&world), ["told goblin"]);
}

#[test]
fn flush_tears_down_owned_before_owner() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    spawn_owned(&mut world, "coin", purse);
    world.qdel(goblin).unwrap();
    world.resource_mut::<Order>().0.clear();

    let torn_down = world.flush_qdel();

    assert_eq!(order(&world), ["gone coin", "gone purse", "gone goblin"]);
    assert_eq!(torn_down, 3);
}

#[test]
fn flush_tears_down_the_oldest_deletion_first() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    let troll = spawn(&mut world, "troll");
    for entity in [orc, troll, goblin] {
        world.qdel(entity).unwrap();
    }
    world.resource_mut::<Order>().0.clear();

    world.flush_qdel();

    assert_eq!(order(&world), ["gone orc", "gone troll", "gone goblin"]);
}

#[test]
fn owner_is_there_while_its_owned_are_torn_down() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.entity_mut(purse).observe(
        move |_: On<Despawn<Named>>, entities: Query<&Named, Allow<Disabled>>| {
            assert!(entities.contains(goblin));
        },
    );
    world.qdel(goblin).unwrap();

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 2);
}

#[test]
fn flush_of_a_world_without_deletions_does_nothing() {
    let mut world = World::new();
    let entities = world.entities().count_spawned();

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 0);
    assert_eq!(world.entities().count_spawned(), entities);
}

#[test]
fn second_flush_has_nothing_to_do() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 0);
    assert_eq!(order(&world), ["told goblin", "gone goblin"]);
}

#[test]
fn entities_deleted_during_a_flush_wait_for_the_next() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let heir = spawn(&mut world, "heir");
    let heirs_heir = spawn(&mut world, "heir's heir");
    for (dies, inherits) in [(goblin, heir), (heir, heirs_heir)] {
        world
            .entity_mut(dies)
            .observe(move |_: On<Despawn<Named>>, mut world: DeferredWorld| {
                world.queue_qdel(inherits);
            });
    }
    world.qdel(goblin).unwrap();

    let torn_down = [(); 4].map(|()| world.flush_qdel());

    assert_eq!(torn_down, [1, 1, 1, 0]);
    let expected = [
        "told goblin",
        "gone goblin",
        "told heir",
        "gone heir",
        "told heir's heir",
        "gone heir's heir",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn immediate_teardown_is_over_when_qdel_returns() {
    let mut world = immediate_stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(Qdel::Queued));
    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
    assert_eq!(world.flush_qdel(), 0);
}

#[test]
fn immediate_qdel_inside_another_is_gone_after_the_outermost() {
    let mut world = immediate_stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| {
        world.commands().queue(move |world: &mut World| {
            assert_eq!(world.qdel(orc), Ok(Qdel::Queued));
            assert_eq!(world.liveness(orc), Liveness::Deleting);
            assert_eq!(world.liveness(goblin), Liveness::Deleting);
        });
    });

    world.qdel(goblin).unwrap();

    let expected = ["told goblin", "told orc", "gone goblin", "gone orc"];
    assert_eq!(order(&world), expected);
}

#[test]
fn immediate_qdel_inside_a_plain_despawn_is_gone_with_it() {
    let mut world = immediate_stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| world.queue_qdel(orc));

    world.despawn(goblin);

    let expected = ["gone goblin", "told goblin", "told orc", "gone orc"];
    assert_eq!(order(&world), expected);
}

/// Somebody who switched to `Immediate` while something waited, and a hook of that deletes something more.
#[test]
fn immediate_qdel_inside_a_flush_is_gone_with_the_flush() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    world
        .entity_mut(goblin)
        .observe(move |_: On<Despawn<Named>>, mut world: DeferredWorld| world.queue_qdel(orc));
    world.qdel(goblin).unwrap();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));

    world.flush_qdel();

    assert_eq!(world.liveness(orc), Liveness::Gone);
}

#[test]
fn settings_may_change_while_something_waits() {
    let mut world = stage();
    let [goblin, orc, troll] = ["goblin", "orc", "troll"].map(|name| spawn(&mut world, name));

    world.qdel(goblin).unwrap();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world.qdel(orc).unwrap();
    let after_orc = world.liveness(orc);
    world.remove_resource::<QdelSettings>();
    world.qdel(troll).unwrap();
    let after_troll = world.liveness(troll);
    world.flush_qdel();

    assert_eq!(after_orc, Liveness::Gone);
    assert_eq!(after_troll, Liveness::Deleting);
    let mut happened = order(&world);
    happened.sort_unstable();
    let expected = [
        "gone goblin",
        "gone orc",
        "gone troll",
        "told goblin",
        "told orc",
        "told troll",
    ];
    assert_eq!(happened, expected);
}

#[test]
fn settings_changed_by_a_handler_lose_nothing() {
    for (before, after) in [
        (Teardown::EndOfFrame, Teardown::Immediate),
        (Teardown::Immediate, Teardown::EndOfFrame),
    ] {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(before));
        let goblin = spawn(&mut world, "goblin");
        let orc = spawn(&mut world, "orc");
        on_death(&mut world, goblin, move |world, _| {
            world.resource_mut::<QdelSettings>().teardown = after;
            world.queue_qdel(orc);
        });

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        let expected = ["told goblin", "told orc", "gone goblin", "gone orc"];
        assert_eq!(order(&world), expected);
    }
}

#[test]
fn stale_id_in_the_queue_does_not_hit_the_entity_that_reuses_its_index() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();
    world.despawn(goblin);
    let crowd: Vec<_> = (0..300).map(|_| world.spawn_empty().id()).collect();
    for extra in crowd {
        world.despawn(extra);
    }
    let heir = (0..600)
        .map(|_| world.spawn_empty().id())
        .find(|entity| entity.index() == goblin.index())
        .expect("an index should be used again after so many despawns");

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 0);
    assert_alive(&world, &[heir]);
    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

// Q11: the end of a world.

#[test]
fn dropping_a_world_sends_nothing() {
    let told = Arc::new(AtomicUsize::new(0));
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    for target in [goblin, orc] {
        let told = told.clone();
        on_death(&mut world, target, move |_, _| {
            told.fetch_add(1, Ordering::Relaxed);
        });
    }
    world.qdel(orc).unwrap();
    world.commands().entity(goblin).qdel();

    drop(world);

    assert_eq!(told.load(Ordering::Relaxed), 1);
}

// S11 and Q3: panics of user code.

#[test]
fn panic_in_a_handler_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, |_, _| panic!("first"));
    on_death(&mut world, goblin, |world, _| note(world, "told after"));
    let purse = spawn_owned(&mut world, "purse", goblin);
    on_death(&mut world, purse, |_, _| panic!("second"));

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "first");
    assert_eq!(order(&world), ["told goblin", "told after", "told purse"]);
    assert_eq!(observed(&world), [goblin, purse]);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_an_observer_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world
        .entity_mut(goblin)
        .observe(|_: On<Qdeleting>| panic!("observer"));

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "observer");
    assert_eq!(order(&world), ["told goblin", "told purse"]);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_an_observer_of_the_mark_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let panics = world
        .add_observer(|_: On<Insert<Disabled>>| panic!("mark"))
        .id();

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "mark");
    assert_eq!(order(&world), ["told goblin", "told purse"]);
    let states = [goblin, purse].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Deleting; 2]);
    world.despawn(panics);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_a_command_of_a_handler_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, |world, _| {
        world.commands().queue(|_: &mut World| panic!("command"));
    });
    let purse = spawn_owned(&mut world, "purse", goblin);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "command");
    assert_eq!(order(&world), ["told goblin", "told purse"]);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_a_deletion_inside_another_leaves_both_whole() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| world.queue_qdel(orc));
    let panics =
        move |marked: On<Insert<Disabled>>| assert_ne!(marked.entity, orc, "orc is marked");
    let panics = world.add_observer(panics).id();

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("orc is marked"), "{panicked}");
    assert_eq!(order(&world), ["told goblin", "told orc"]);
    world.despawn(panics);
    assert_works_on(&mut world, &[goblin, orc]);
}

#[test]
fn panic_in_a_deletion_inside_another_does_not_lose_a_third() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    let troll = spawn(&mut world, "troll");
    on_death(&mut world, goblin, move |world, _| world.queue_qdel(orc));
    on_death(&mut world, goblin, move |world, _| world.queue_qdel(troll));
    let panics =
        move |marked: On<Insert<Disabled>>| assert_ne!(marked.entity, orc, "orc is marked");
    let panics = world.add_observer(panics).id();

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("orc is marked"), "{panicked}");
    assert_eq!(order(&world), ["told goblin", "told orc", "told troll"]);
    world.despawn(panics);
    assert_works_on(&mut world, &[goblin, orc, troll]);
}

#[test]
fn panic_in_a_handler_under_immediate_goes_on_after_the_tear_down() {
    let mut world = immediate_stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    on_death(&mut world, goblin, |_, _| panic!("handler"));

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "handler");
    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
}

#[test]
fn panic_in_a_hook_goes_on_after_the_rest_was_torn_down() {
    let mut world = stage();
    let bomb = spawn(&mut world, "bomb");
    world.entity_mut(bomb).insert(Bomb);
    let orc = spawn(&mut world, "orc");
    for entity in [bomb, orc] {
        world.qdel(entity).unwrap();
    }
    world.insert_resource(Charges(1));

    let panicked = panic_of(|| world.flush_qdel());

    assert_eq!(panicked, "boom");
    assert_eq!(world.liveness(orc), Liveness::Gone);
    assert_eq!(world.liveness(bomb), Liveness::Deleting);
}

#[test]
fn entity_whose_hook_panicked_is_torn_down_at_a_later_flush() {
    let mut world = stage();
    let bomb = spawn(&mut world, "bomb");
    world.entity_mut(bomb).insert(Bomb);
    world.qdel(bomb).unwrap();
    world.insert_resource(Charges(2));
    panic_of(|| world.flush_qdel());
    panic_of(|| world.flush_qdel());

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 1);
    assert_eq!(world.liveness(bomb), Liveness::Gone);
    let told: Vec<_> = order(&world)
        .into_iter()
        .filter(|line| line == "told bomb")
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(counts_of(&world).torn_down, 1);
}

#[test]
fn panic_in_the_hook_of_an_owned_entity_is_counted_right() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let bomb = spawn_owned(&mut world, "bomb", goblin);
    world.entity_mut(bomb).insert(Bomb);
    world.qdel(goblin).unwrap();
    world.insert_resource(Charges(1));

    panic_of(|| world.flush_qdel());
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(bomb), Liveness::Gone);
    assert_eq!(counts_of(&world).torn_down, 2);
}

#[test]
fn panic_in_a_handler_of_a_plain_despawn_tells_nobody_twice() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, |_, _| panic!("handler"));
    on_death(&mut world, goblin, |world, _| note(world, "told after"));

    let panicked = panic_of(|| world.despawn(goblin));
    let was = world.liveness(goblin);
    let answer = world.qdel(goblin);
    world.flush_qdel();

    assert_eq!(panicked, "handler");
    assert_eq!((was, answer), (Liveness::Deleting, Ok(Qdel::Queued)));
    let mut told = order(&world);
    told.retain(|line| line.starts_with("told"));
    assert_eq!(told, ["told goblin", "told after"]);
    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

// Re-entrancy: the world's own verbs, in commands that handlers queue.

#[test]
fn qdel_by_a_command_of_a_handler_marks_at_once_and_tells_before_the_outermost_returns() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| {
        world.commands().queue(move |world: &mut World| {
            let answer = world.qdel(orc);
            let state = world.liveness(orc);
            let line = format!("{answer:?} {state:?}");
            world.resource_mut::<Order>().0.push(line);
        });
    });

    world.qdel(goblin).unwrap();

    let expected = ["told goblin", "Ok(Queued) Deleting", "told orc"];
    assert_eq!(order(&world), expected);
}

#[test]
fn flush_by_a_command_of_a_handler_tears_nothing_down_before_everybody_is_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| {
        world.queue_qdel(orc);
        world.commands().queue(|world: &mut World| {
            let torn_down = world.flush_qdel();
            let line = format!("{torn_down} torn down");
            world.resource_mut::<Order>().0.push(line);
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = [
        "told goblin",
        "0 torn down",
        "told orc",
        "gone goblin",
        "gone orc",
    ];
    assert_eq!(order(&world), expected);
    assert_eq!(counts_of(&world).torn_down, 2);
}

#[test]
fn qdel_inside_a_command_applies_the_commands_behind_it_afterwards() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let write = |world: &mut World| world.resource_mut::<Order>().0.push("next".to_owned());

    world.commands().entity(goblin).qdel();
    world.commands().queue(write);
    world.flush();

    assert_eq!(order(&world), ["told goblin", "next"]);
}

// The stage.

/// What happened, in order.
#[derive(Resource, Default)]
struct Order(Vec<String>);

/// Whose end observers were told of, in order.
#[derive(Resource, Default)]
struct Observed(Vec<Entity>);

/// Who was asked: entity, root, force. Behind a lock, because those who are asked can only look.
#[derive(Resource, Default)]
struct Questions(Mutex<Vec<(Entity, Entity, bool)>>);

#[derive(Component, Clone)]
struct Named(&'static str);

#[derive(Component)]
struct Gold(u32);

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Weight(u32);

#[derive(Component)]
struct Guard(Verdict);

impl Guard {
    fn judge(&self, _: Received<PreQdel>) -> Verdict {
        self.0
    }
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

/// Panics on its despawn as long as there are [`Charges`].
#[derive(Component)]
#[component(on_despawn = explode)]
struct Bomb;

#[derive(Resource)]
struct Charges(u32);

fn explode(mut world: DeferredWorld, _: HookContext) {
    let mut charges = world.resource_mut::<Charges>();
    if charges.0 > 0 {
        charges.0 -= 1;
        panic!("boom");
    }
}

/// The counts, as they can be compared.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    deleted: u64,
    vetoed: u64,
    repeated: u64,
    refused: u64,
    torn_down: u64,
}

fn counts_of(world: &World) -> Counts {
    let counts = world.resource::<QdelCounts>();
    Counts {
        deleted: counts.deleted,
        vetoed: counts.vetoed,
        repeated: counts.repeated,
        refused: counts.refused,
        torn_down: counts.torn_down,
    }
}

/// Makes a world that writes down what happens to whoever is [`Named`].
fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.init_resource::<Observed>();
    world.init_resource::<Questions>();
    world.init_resource::<QdelCounts>();
    world.add_observer(
        |gone: On<Despawn<Named>>,
         names: Query<&Named, Allow<Disabled>>,
         mut order: ResMut<Order>| {
            let Named(name) = names.get(gone.entity).unwrap();
            order.0.push(format!("gone {name}"));
        },
    );
    world.add_observer(|told: On<Qdeleting>, mut observed: ResMut<Observed>| {
        observed.0.push(told.entity);
    });
    world
}

fn immediate_stage() -> World {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world
}

/// Spawns somebody whose end is written down.
fn spawn(world: &mut World, name: &'static str) -> Entity {
    let entity = world.spawn(Named(name)).id();
    on_death(world, entity, move |world, _| {
        note(world, &format!("told {name}"));
    });
    entity
}

fn spawn_owned(world: &mut World, name: &'static str, owner: Entity) -> Entity {
    let entity = spawn(world, name);
    world.entity_mut(entity).insert(ChildOf(owner));
    entity
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

/// Sets a guard that vetoes the deletion of `target`, and returns it.
fn veto(world: &mut World, target: Entity) -> Entity {
    let guard = world.spawn(Guard(Verdict::Veto)).id();
    world.register_signal(guard, target, Guard::judge).unwrap();
    guard
}

fn record_question(world: &World, asked: Received<PreQdel, Named>) -> Verdict {
    let mut questions = world.resource::<Questions>().0.lock().unwrap();
    questions.push((asked.entity, asked.root, asked.force));
    Verdict::Allow
}

fn note(world: &mut DeferredWorld, line: &str) {
    world.resource_mut::<Order>().0.push(line.to_owned());
}

fn order(world: &World) -> Vec<String> {
    world.resource::<Order>().0.clone()
}

fn observed(world: &World) -> Vec<Entity> {
    world.resource::<Observed>().0.clone()
}

/// The notices about some targets, in order.
struct Notices(Arc<Mutex<Vec<(Entity, Cause, bool)>>>);

impl Notices {
    fn all(&self) -> Vec<(Entity, Cause, bool)> {
        self.0.lock().unwrap().clone()
    }
}

fn record_notices(world: &mut World, targets: &[Entity]) -> Notices {
    let notices = Notices(Arc::default());
    for &target in targets {
        let notices = notices.0.clone();
        on_death(world, target, move |_, told| {
            notices
                .lock()
                .unwrap()
                .push((told.entity, told.cause, told.force));
        });
    }
    notices
}

/// Asserts that nothing was begun with any of `entities`.
fn assert_alive(world: &World, entities: &[Entity]) {
    for &entity in entities {
        assert_eq!(world.liveness(entity), Liveness::Alive);
        assert!(world.get::<Disabled>(entity).is_none());
        assert!(world.get::<Deleting>(entity).is_none());
    }
}

/// Asserts that `deleted` are torn down by the next flush, and that the world deletes as ever.
fn assert_works_on(world: &mut World, deleted: &[Entity]) {
    assert_eq!(world.flush_qdel(), deleted.len());
    for &entity in deleted {
        assert_eq!(world.liveness(entity), Liveness::Gone);
    }
    world.check_registrations().unwrap();
    world.resource_mut::<Order>().0.clear();
    let next = spawn(world, "next");
    assert_eq!(world.qdel(next), Ok(Qdel::Queued));
    assert_eq!(world.flush_qdel(), 1);
    assert_eq!(order(world), ["told next", "gone next"]);
}

/// Runs `work` and returns what it panicked with.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(work)) else {
        panic!("it should have panicked");
    };
    match payload.downcast::<&str>() {
        Ok(message) => (*message).to_owned(),
        Err(payload) => *payload
            .downcast::<String>()
            .expect("a panic should have a message"),
    }
}

/// Those who meet in [`assert_exactly_once`].
#[derive(Clone, Copy)]
struct Cast {
    owner: Entity,
    target: Entity,
    owned: Entity,
    other: Entity,
}

impl Cast {
    fn all(self) -> [Entity; 4] {
        [self.owner, self.target, self.owned, self.other]
    }
}

/// Meddles with a deletion in its despawn hook.
#[derive(Component)]
#[component(on_despawn = meddle_on_despawn)]
struct Meddling(fn(&mut DeferredWorld, Cast), Cast);

fn meddle_on_despawn(mut world: DeferredWorld, context: HookContext) {
    let &Meddling(meddle, cast) = world.get::<Meddling>(context.entity).unwrap();
    meddle(&mut world, cast);
}

/// Who notices a deletion and meddles with it.
#[derive(Debug, Clone, Copy)]
enum Meddler {
    Handler,
    Observer,
    ObserverOfTheMark,
    Hook,
}

/// Deletes an owner, its target, and what that owns, in several ways, and has `meddle` called in the
/// middle of it.
///
/// Whatever it does: all who go are told once and torn down once, and the three who must go are gone.
fn assert_exactly_once(meddle: fn(&mut DeferredWorld, Cast)) {
    let meddlers = [
        Meddler::Handler,
        Meddler::Observer,
        Meddler::ObserverOfTheMark,
        Meddler::Hook,
    ];
    let teardowns = [Teardown::EndOfFrame, Teardown::Immediate];
    let starts: [fn(&mut World, Entity); 2] = [
        |world, owner| assert_eq!(world.qdel(owner), Ok(Qdel::Queued)),
        |world, owner| world.entity_mut(owner).despawn(),
    ];
    for meddler in meddlers {
        for teardown in teardowns {
            for (number, start) in starts.into_iter().enumerate() {
                let mut world = stage();
                world.insert_resource(QdelSettings::default().with_teardown(teardown));
                let cast = set_stage(&mut world, meddler, meddle);

                start(&mut world, cast.owner);
                world.flush_qdel();
                world.flush_qdel();

                let scene = format!("{meddler:?}, {teardown:?}, start {number}");
                assert_told_and_torn_down_once(&world, cast, &scene);
            }
        }
    }
}

fn set_stage(world: &mut World, meddler: Meddler, meddle: fn(&mut DeferredWorld, Cast)) -> Cast {
    let owner = spawn(world, "owner");
    let target = spawn_owned(world, "target", owner);
    let owned = spawn_owned(world, "owned", target);
    let other = spawn(world, "other");
    let cast = Cast {
        owner,
        target,
        owned,
        other,
    };
    match meddler {
        Meddler::Handler => {
            on_death(world, target, move |world, _| meddle(world, cast));
        }
        Meddler::Observer => {
            let observer = move |_: On<Qdeleting>, mut world: DeferredWorld| {
                meddle(&mut world, cast);
            };
            world.entity_mut(target).observe(observer);
        }
        Meddler::ObserverOfTheMark => {
            let observer = move |_: On<Add<Deleting>>, mut world: DeferredWorld| {
                meddle(&mut world, cast);
            };
            world.entity_mut(target).observe(observer);
        }
        Meddler::Hook => {
            world.entity_mut(target).insert(Meddling(meddle, cast));
        }
    }
    cast
}

fn assert_told_and_torn_down_once(world: &World, cast: Cast, scene: &str) {
    let happened = order(world);
    let count = |line: String| happened.iter().filter(|at| **at == line).count();
    for name in ["owner", "target", "owned"] {
        let counts = (count(format!("told {name}")), count(format!("gone {name}")));
        assert_eq!(counts, (1, 1), "{name}: {scene}: {happened:?}");
    }
    let told = count("told other".to_owned());
    assert!(told <= 1, "{scene}: {happened:?}");
    assert_eq!(
        told,
        count("gone other".to_owned()),
        "{scene}: {happened:?}"
    );
    for entity in cast.all() {
        let notices = observed(world).iter().filter(|at| **at == entity).count();
        assert!(
            notices <= 1,
            "{entity} observed {notices} times: {scene}: {happened:?}"
        );
    }
    for entity in [cast.owner, cast.target, cast.owned] {
        assert_eq!(
            world.liveness(entity),
            Liveness::Gone,
            "{scene}: {happened:?}"
        );
    }
    world.check_registrations().unwrap();
    let counts = counts_of(world);
    assert!(counts.deleted <= 4, "{scene}: {counts:?}");
    assert!(counts.torn_down <= counts.deleted, "{scene}: {counts:?}");
}

/// One of a long chain.
#[derive(Component)]
struct Link {
    next: Option<Entity>,
    told: u32,
}

impl Link {
    fn tell(&mut self) -> Option<Entity> {
        self.told += 1;
        self.next
    }
}

/// Spawns 100,000 links that know the next, the last of which knows the first.
fn spawn_links(world: &mut World) -> Vec<Entity> {
    let link = || Link {
        next: None,
        told: 0,
    };
    let links: Vec<_> = (0..100_000).map(|_| world.spawn(link()).id()).collect();
    for (at, &link) in links.iter().enumerate() {
        let next = links[(at + 1) % links.len()];
        world.get_mut::<Link>(link).unwrap().next = Some(next);
    }
    links
}

fn assert_each_told_once(world: &World, links: &[Entity]) {
    let told = |link: &Entity| world.get::<Link>(*link).unwrap().told;
    assert!(links.iter().all(|link| told(link) == 1));
}

/// Runs `work` on a stack on which no recursion gets far.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(512 * 1024).spawn(work);
    thread.unwrap().join().unwrap();
}

/// Q11: who wants the end of a world to be heard says so; nobody can object.
#[test]
fn shutdown_tells_and_tears_down_everything_in_order() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    spawn(&mut world, "orc");
    let guard = world.spawn(Guard(Verdict::Veto)).id();
    world
        .register_signal(guard, goblin, |guard: &Guard, _: Received<PreQdel>| guard.0)
        .unwrap();
    let there = |world: &mut World| world.query::<&Named>().iter(world).count();
    assert_eq!(there(&mut world), 3);

    world.shutdown_qdel();

    let happened = order(&world);
    let told = ["told goblin", "told purse", "told orc"];
    assert_eq!(happened[..3], told);
    assert_eq!(happened.len(), 6);
    let place = |line: &str| happened.iter().position(|at| at == line).unwrap();
    assert!(place("gone purse") < place("gone goblin"));
    assert_eq!(there(&mut world), 0);
    assert_eq!(world.liveness(guard), Liveness::Gone);
}

/// Q11, Q3: a ring of owners has no first, and goes all the same.
#[test]
fn shutdown_ends_rings_and_what_waited_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    world.entity_mut(goblin).insert(ChildOf(orc));
    world.entity_mut(orc).insert(ChildOf(goblin));
    let troll = spawn(&mut world, "troll");
    world.qdel(troll).unwrap();

    world.shutdown_qdel();

    for entity in [goblin, orc, troll] {
        assert_eq!(world.liveness(entity), Liveness::Gone);
    }
    assert_eq!(world.shutdown_qdel(), 0);
}

/// A boss whose death resets the level does this.
#[test]
fn handler_whose_command_clears_the_world_does_no_harm() {
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let boss = world.spawn(Guard(Verdict::Allow)).id();
        let orc = world.spawn(ChildOf(boss)).id();
        let reset = |mut world: DeferredWorld, _: Received<Qdeleting, Guard>| {
            world.commands().queue(World::clear_entities);
        };
        world.register_signal(boss, boss, reset).unwrap();

        world.qdel(boss).unwrap();
        world.flush_qdel();

        assert_eq!(world.liveness(boss), Liveness::Gone);
        assert_eq!(world.liveness(orc), Liveness::Gone);
    }
}

/// The panic goes on when the outer deletion is done; the handler's other commands are applied.
#[test]
fn veto_that_panics_inside_another_deletion_loses_no_command() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    let guard = world.spawn(Guard(Verdict::Allow)).id();
    let refuse = |_: &Guard, _: Received<PreQdel>| panic!("the guard stumbles");
    world.register_signal(guard, orc, refuse).unwrap();
    on_death(&mut world, goblin, move |world, _| {
        world.queue_qdel(orc);
        world.commands().spawn(Guard(Verdict::Allow));
    });

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("the guard stumbles"), "{panicked}");
    assert_eq!(world.liveness(orc), Liveness::Alive);
    assert_eq!(world.query::<&Guard>().iter(&world).count(), 2);
}

/// Q3: a notice that somebody kept cannot be sent again, neither about the same entity nor about another.
#[test]
fn copy_of_a_notice_reaches_nobody() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, notice| {
        world.send_signal(notice.entity, notice);
        world.send_signal(orc, notice);
    });

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin"]);
    assert_eq!(observed(&world), [goblin]);
    assert_eq!(world.registrations_on(orc).len(), 1);
}
