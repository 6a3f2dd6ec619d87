//! Q1: answers, errors and counts.
//! Q11: the end of a world.

use super::*;

// Q1: answers, errors and counts.

#[test]
fn first_qdel_answers_queued() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Queued));
}

#[test]
fn second_qdel_answers_already_deleting() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    let answers = [world.qdel(goblin), world.force_qdel(goblin)];

    assert_eq!(answers, [Ok(QdelOutcome::AlreadyDeleting); 2]);
    assert_eq!(order(&world), ["told goblin"]);
}

#[test]
fn qdel_of_an_owned_entity_of_a_deleted_tree_answers_already_deleting() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.qdel(goblin).unwrap();

    let answer = world.qdel(purse);

    assert_eq!(answer, Ok(QdelOutcome::AlreadyDeleting));
}

#[test]
fn vetoed_qdel_names_the_entity_that_must_stay() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    veto(&mut world, purse);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Vetoed { on: purse }));
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

    assert_eq!(answer, Ok(QdelOutcome::Queued));
    assert_eq!(world.flush_qdel(), 1);
}

#[test]
fn qdel_of_a_resource_is_an_error() {
    let mut world = stage();
    world
        .qdel(world.resource_entity::<Order<String>>().unwrap())
        .ok();
    let users = world.resource_entity::<Order<String>>().unwrap();
    let ours = world.resource_entity::<QdelCounts>().unwrap();

    let answers = [world.qdel(users), world.qdel(ours)];

    let refused = |entity| {
        let resource = entity;
        Err(QdelError::Resource { entity, resource })
    };
    assert_eq!(answers, [refused(users), refused(ours)]);
    assert!(world.contains_resource::<Order<String>>());
}

#[test]
fn qdel_of_a_tree_that_owns_a_resource_is_an_error_and_changes_nothing() {
    let mut world = stage();
    let entity = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", entity);
    let resource = world.resource_entity::<Order<String>>().unwrap();
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
    let resource = world.resource_entity::<Order<String>>().unwrap();

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
    let resource = world.resource_entity::<Order<String>>().unwrap();

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
        QdelOutcome::Queued,
        QdelOutcome::AlreadyDeleting,
        QdelOutcome::Vetoed { on: king },
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
