//! Q7: while it is deleting.
//! Q8: tear-down.

use super::*;

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

    assert_eq!(answer, Ok(QdelOutcome::Queued));
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
    world.resource_mut::<Order<String>>().0.clear();

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
    world.resource_mut::<Order<String>>().0.clear();

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
                world.qdel(inherits);
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

    assert_eq!(answer, Ok(QdelOutcome::Queued));
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
            assert_eq!(world.qdel(orc), Ok(QdelOutcome::Queued));
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
    on_death(&mut world, goblin, move |world, _| world.qdel(orc));

    world.despawn(goblin);

    let expected = ["gone goblin", "told goblin", "told orc", "gone orc"];
    assert_eq!(order(&world), expected);
}

/// A world that switched to `Immediate` while something waited, and a hook of that deletes
/// something more.
#[test]
fn immediate_qdel_inside_a_flush_is_gone_with_the_flush() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    world
        .entity_mut(goblin)
        .observe(move |_: On<Despawn<Named>>, mut world: DeferredWorld| world.qdel(orc));
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
            world.qdel(orc);
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
