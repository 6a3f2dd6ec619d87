//! H4: where leftovers keep appearing.

use core::any::type_name;

use super::*;

#[test]
fn fields_are_listed_without_numbers_the_worst_first() {
    let mut world = stage(Mode::EachFlush);
    for round in 0..2 {
        let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
        let target = Some(goblin);
        let friends = vec![goblin, elf];
        world.spawn((Name::new("orc"), Mind { target, friends }));
        if round == 0 {
            let grudge = Grudge {
                against: Some(goblin),
                ..Grudge::default()
            };
            world.spawn((Name::new("troll"), grudge));
        }
        world.qdel_batch([goblin, elf]);
        world.flush_qdel();
    }

    let fields = world.sweep_statistics();

    let listed: Vec<_> = fields
        .iter()
        .map(|field| (field.path.as_str(), field.sweeps, field.places))
        .collect();
    assert_eq!(
        listed,
        [
            (".friends[..]", 2, 4),
            (".target", 2, 2),
            (".against", 1, 1)
        ]
    );
    assert!(fields[2].component.ends_with(type_name::<Grudge>()));
    assert!(fields[2].last.starts_with("Grudge.against of troll#"));
}

#[test]
fn fields_of_looks_and_of_given_targets_are_not_listed() {
    let mut world = stage(Mode::OnDemand);
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.despawn(goblin);

    world.find_leftovers();
    world.sweep_for([elf]);
    let _ = failing_assert(&mut world);

    assert_eq!(world.sweep_statistics(), Vec::<LeftoverField>::new());
}

#[test]
fn type_is_warned_of_once_from_the_third_sweep_on() {
    let mut world = stage(Mode::EachFlush);
    let logged = collect_log();
    let mut after_each = Vec::new();
    for _ in 0..10 {
        leave_behind(&mut world, |goblin, mind, _| {
            mind.target = Some(goblin);
            mind.friends = vec![goblin, goblin];
        });
        after_each.push(logged().len());
    }

    assert_eq!(after_each, [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn each_type_is_warned_of_by_itself() {
    let mut world = stage(Mode::EachFlush);
    let logged = collect_log();
    for _ in 0..4 {
        leave_behind(&mut world, |goblin, mind, grudge| {
            mind.target = Some(goblin);
            grudge.against = Some(goblin);
        });
    }

    let types: Vec<_> = logged()
        .iter()
        .map(|line| line.contains("Grudge.against"))
        .collect();
    assert_eq!(types, [true, false]);
}

#[test]
fn type_is_warned_of_though_it_is_another_field_each_time() {
    let mut world = stage(Mode::EachFlush);
    let logged = collect_log();
    let fields: [fn(Entity, &mut Grudge); 3] = [
        |goblin, grudge| grudge.against = Some(goblin),
        |goblin, grudge| grudge.since = Some(goblin),
        |goblin, grudge| grudge.over = Some(goblin),
    ];
    for write in fields {
        leave_behind(&mut world, |goblin, _, grudge| write(goblin, grudge));
    }

    assert_eq!(logged().len(), 1);
}

#[test]
fn sweeps_that_are_called_warn_too() {
    let mut world = stage(Mode::Off);
    let logged = collect_log();
    for _ in 0..3 {
        leave_behind(&mut world, |goblin, mind, _| mind.target = Some(goblin));
        world.sweep();
    }

    assert_eq!(logged().len(), 1);
}

#[test]
fn warning_names_field_figures_place_and_what_to_do() {
    let mut world = stage(Mode::EachFlush);
    let logged = collect_log();
    for _ in 0..3 {
        leave_behind(&mut world, |goblin, mind, _| {
            mind.friends = vec![goblin; 2];
        });
    }

    let text = logged().join("\n");
    with_settings!({ filters => [(r"#\d+v\d+", "#[id]")], omit_expression => true }, {
        assert_snapshot!(text);
    });
}

// The stage.

/// Deletes an entity that is still named, in a flush of its own.
fn leave_behind(world: &mut World, write: impl FnOnce(Entity, &mut Mind, &mut Grudge)) {
    let goblin = named(world, "goblin");
    let (mut mind, mut grudge) = (Mind::default(), Grudge::default());
    write(goblin, &mut mind, &mut grudge);
    world.spawn((Name::new("orc"), mind, grudge));
    world.qdel(goblin).unwrap();
    world.flush_qdel();
}
