//! H3: the report.

use core::any::type_name;

use super::*;

#[test]
fn kinds_are_sorted_by_time_and_then_by_deletions_and_then_by_name() {
    let (mut world, hand) = measured_stage();
    world
        .register_qdel_kind::<Wolf>()
        .register_qdel_kind::<Bear>()
        .register_qdel_kind::<Ant>();
    let takes = [9, 5].map(|takes| slow(&hand, takes));
    let [nine, five] = takes;
    let spawned = [
        world.spawn((Orc, Ballast(nine))).id(),
        world.spawn((Bear, Ballast(five))).id(),
        world.spawn(Goblin).id(),
        world.spawn(Goblin).id(),
        world.spawn(Goblin).id(),
    ];
    let watcher = world.spawn(Watcher(slow(&hand, 5))).id();
    world
        .register_signal(watcher, spawned[1], Watcher::work)
        .unwrap();

    world.qdel_batch(spawned);

    let statistics = world.qdel_statistics();
    let names: Vec<_> = statistics
        .kinds
        .iter()
        .map(|kind| &*kind.short_name)
        .collect();
    assert_eq!(names, ["Bear", "Orc", "Goblin", "Ant", "Wolf"]);
}

#[test]
fn kinds_have_their_whole_names_too() {
    let world = stage();

    let statistics = world.qdel_statistics();

    let names: Vec<_> = statistics.kinds.iter().map(|kind| kind.name).collect();
    assert_eq!(names, [type_name::<Goblin>(), type_name::<Orc>()]);
}

#[test]
fn kinds_that_share_a_short_name_go_by_their_whole_names() {
    let mut world = stage();

    world.register_qdel_kind::<cave::Goblin>();

    let statistics = world.qdel_statistics();
    let names: Vec<_> = statistics
        .kinds
        .iter()
        .map(|kind| &*kind.short_name)
        .collect();
    assert_eq!(
        names,
        [type_name::<Goblin>(), "Orc", type_name::<cave::Goblin>()]
    );
}

#[test]
fn table_without_kinds_has_one_row() {
    let world = World::new();

    let said = world.qdel_statistics().to_string();

    expect("statistics_of_a_new_world", &said, &[]);
}

#[test]
fn table_leaves_out_what_never_happened() {
    let mut world = stage();
    let [goblin, other] = [(); 2].map(|()| world.spawn(Goblin).id());
    let orc = world.spawn(Orc).id();
    world.register_signal(orc, orc, Orc::veto).unwrap();

    world.qdel_batch([goblin, other, orc, orc]);

    let said = world.qdel_statistics().to_string();
    expect("short_statistics", &said, &[]);
}

#[test]
fn table_of_all_that_can_happen_reads_well() {
    let (mut world, hand) = measured_stage();
    let watcher = world
        .spawn((Name::new("watcher"), Watcher(slow(&hand, 1_250))))
        .id();
    let sentinel = world.spawn(Watcher(slow(&hand, 2_000_000))).id();
    for (number, listener) in [watcher, sentinel].into_iter().enumerate() {
        let entity = world.spawn(Ballast(slow(&hand, 40))).id();
        if number == 0 {
            world.entity_mut(entity).insert(Goblin);
        }
        world
            .register_signal(listener, entity, Watcher::work)
            .unwrap();
        world.qdel(entity).unwrap();
    }
    let mut statistics = world.qdel_statistics();
    let goblins = &mut statistics.kinds[0];
    goblins.counts.deleted = 123_456;
    goblins.counts.torn_down = 123_400;
    goblins.counts.vetoed = 12;
    goblins.counts.repeated = 3;
    goblins.counts.refused = 4;
    goblins.counts.kept = 5;
    goblins.counts.overruled = 6;
    goblins.counts.left_alone = 7;
    goblins.counts.leftovers = 8;
    goblins.counts.hard_deletes = 2;
    goblins.costs.hard_delete_time = Duration::from_nanos(1_234_567);
    goblins.costs.hard_delete_max = Duration::from_nanos(999);

    let said = statistics.to_string();

    expect(
        "rich_statistics",
        &said,
        &[("watcher", watcher), ("sentinel", sentinel)],
    );
}

#[cfg(feature = "serde")]
#[test]
fn statistics_are_written_for_programs() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn((Goblin, Ballast(slow(&hand, 1_500)))).id();
    world.qdel(goblin).unwrap();

    let written = serde_json::to_value(world.qdel_statistics()).unwrap();

    let first = &written["kinds"][0];
    assert_eq!(first["name"], type_name::<Goblin>());
    assert_eq!(first["counts"]["deleted"], 1);
    assert_eq!(first["costs"]["destroy"]["nanos"], 1_500_000);
    assert_eq!(written["others"]["counts"]["deleted"], 0);
    assert_eq!(written["waiting"], 1);
}

// The stage.

#[derive(Component)]
struct Wolf;

#[derive(Component)]
struct Bear;

#[derive(Component)]
struct Ant;

/// Compares what is said with the snapshot of this name.
fn expect(name: &str, said: &str, roles: &[(&str, Entity)]) {
    let filters: Vec<_> = roles
        .iter()
        .map(|(role, entity)| (format!(r"\b{entity}\b"), format!("[{role}]")))
        .collect();
    let filters = filters.iter().map(|(id, role)| (&**id, &**role));
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}
