//! H3: kinds.

use super::*;

#[test]
fn kind_that_was_not_registered_has_no_counts() {
    let mut world = stage();

    world.register_component::<Unknown>();

    assert_eq!(world.qdel_statistics().kind::<Unknown>(), None);
    assert_eq!(World::new().qdel_statistics().kind::<Goblin>(), None);
}

#[test]
fn kind_begins_with_nothing() {
    let world = stage();

    let statistics = world.qdel_statistics();

    assert_eq!(statistics.kind::<Goblin>().map(figures), Some(nothing()));
}

#[test]
fn row_of_a_kind_is_found_by_its_type_and_not_by_its_name() {
    let mut world = stage();
    world.register_qdel_kind::<cave::Goblin>();
    let entities = [world.spawn(cave::Goblin).id(), world.spawn(Goblin).id()];
    world.qdel_batch(entities);
    world.qdel(entities[0]).unwrap();

    let mut statistics = world.qdel_statistics();
    for row in &mut statistics.kinds {
        row.name = "goblin";
    }

    let repeated = [
        statistics.kind::<Goblin>().unwrap().counts.repeated,
        statistics.kind::<cave::Goblin>().unwrap().counts.repeated,
    ];
    assert_eq!(repeated, [0, 1]);
}

#[test]
fn second_registration_changes_nothing() {
    let mut world = stage();
    let both = world.spawn((Goblin, Orc)).id();
    world.qdel(both).unwrap();
    let before = world.qdel_statistics();

    world
        .register_qdel_kind::<Orc>()
        .register_qdel_kind::<Goblin>();

    assert_eq!(world.qdel_statistics(), before);
}

#[test]
fn entity_with_two_markers_is_of_the_kind_that_was_registered_first() {
    let mut world = stage();
    let both = world.spawn((Orc, Goblin)).id();

    world.qdel(both).unwrap();

    assert_eq!(goblins(&world).deleted, 1);
    assert_eq!(orcs(&world).deleted, 0);
}

#[test]
fn entity_without_a_marker_is_one_of_the_others() {
    let mut world = stage();
    let rock = world.spawn_empty().id();

    world.qdel(rock).unwrap();
    world.flush_qdel();

    let others = others(&world);
    assert_eq!((others.deleted, others.torn_down), (1, 1));
    assert_eq!(figures(&row::<Goblin>(&world)), nothing());
}

#[test]
fn what_is_owned_counts_for_its_own_kind() {
    let mut world = stage();
    let orc = world.spawn(Orc).id();
    world.spawn((Goblin, ChildOf(orc)));
    world.spawn((Goblin, ChildOf(orc)));
    world.spawn(ChildOf(orc));

    world.qdel(orc).unwrap();
    world.flush_qdel();

    let deleted = [orcs(&world), goblins(&world), others(&world)].map(|counts| counts.deleted);
    let torn_down = [orcs(&world), goblins(&world), others(&world)].map(|counts| counts.torn_down);
    assert_eq!((deleted, torn_down), ([1, 2, 1], [1, 2, 1]));
}

#[test]
fn marker_that_is_removed_during_the_deletion_still_counts() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    let orc = world.spawn(Orc).id();
    world.register_signal(orc, goblin, turn_to_stone).unwrap();

    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<QdelCounts>().torn_down, 1);
    let goblins = goblins(&world);
    assert_eq!(
        (goblins.deleted, goblins.repeated, goblins.torn_down),
        (1, 1, 1)
    );
}

#[test]
fn marker_that_is_inserted_during_the_deletion_does_not_count() {
    let mut world = stage();
    let rock = world.spawn_empty().id();
    world.qdel(rock).unwrap();

    world.entity_mut(rock).insert(Goblin);
    world.qdel(rock).unwrap();
    world.flush_qdel();

    assert_eq!(figures(&row::<Goblin>(&world)), nothing());
    assert_eq!((others(&world).repeated, others(&world).torn_down), (1, 1));
}

#[test]
fn entity_that_lives_on_is_of_the_kind_that_it_has_when_it_is_deleted_again() {
    let mut world = stage();
    let phoenix = world.spawn((Goblin, Says(DestroyHint::LetMeLive))).id();
    world.qdel(phoenix).unwrap();

    world.entity_mut(phoenix).remove::<Goblin>().insert(Orc);
    world.qdel(phoenix).unwrap();

    assert_eq!((goblins(&world).kept, orcs(&world).kept), (1, 1));
}

#[test]
fn deletions_before_the_first_registration_are_of_the_others() {
    let mut world = World::new();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();

    world.register_qdel_kind::<Goblin>();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let others = others(&world);
    assert_eq!(
        (others.deleted, others.repeated, others.torn_down),
        (1, 1, 1)
    );
    assert_eq!(figures(&row::<Goblin>(&world)), nothing());
}

#[test]
fn deletions_before_a_later_registration_are_of_the_others() {
    let mut world = World::new();
    world.register_qdel_kind::<Orc>();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();

    world.register_qdel_kind::<Goblin>();
    world.flush_qdel();

    assert_eq!((others(&world).deleted, others(&world).torn_down), (1, 1));
    assert_eq!(figures(&row::<Goblin>(&world)), nothing());
}

#[test]
fn without_kinds_everything_is_of_the_others() {
    let mut world = World::new();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();
    world.flush_qdel();
    world.qdel(goblin).unwrap_err();

    let statistics = world.qdel_statistics();

    assert!(statistics.kinds.is_empty());
    assert_eq!(figures(&statistics.total()), figures(&statistics.others));
    assert_eq!(statistics.others.counts, *world.resource::<QdelCounts>());
}

#[test]
fn statistics_of_a_new_world_are_empty() {
    let world = World::new();

    let statistics = world.qdel_statistics();

    assert!(statistics.kinds.is_empty());
    assert_eq!(figures(&statistics.total()), nothing());
    assert_eq!(statistics.waiting, 0);
}

// The stage.

#[derive(Component)]
struct Unknown;

fn turn_to_stone(mut world: DeferredWorld, told: Received<Qdeleting, Orc>) {
    world.commands().entity(told.target()).remove::<Goblin>();
}
