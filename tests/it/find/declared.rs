//! H1: declared references.

use super::*;

#[test]
fn target_that_nobody_names_has_no_holders() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.entity_mut(orc).insert(Mob::default());

    let report = world.find_references(goblin);

    assert_eq!(report.holders, []);
    assert_eq!(report.to_string(), format!("{goblin} is named nowhere"));
}

#[test]
fn every_declared_place_is_found_with_its_path() {
    let mut world = stage();
    let [goblin, orc, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(Mob {
        target: Some(goblin),
        friends: vec![orc, orc, goblin],
        squads: vec![vec![], vec![orc, goblin]],
        ..Mob::default()
    });

    let report = world.find_references(goblin);

    let expected = ["Mob.target", "Mob.friends[2]", "Mob.squads[1][1]"];
    assert_eq!(places(&report), expected.map(|path| (mob, path.to_owned())));
    assert_eq!(kinds(&report), [PlaceKind::Declared(OnLoss::Clear); 3]);
}

#[test]
fn self_reference_is_found() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(chasing(goblin));

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(goblin, "Mob.target".to_owned())]);
}

#[test]
fn variants_of_an_enum_are_part_of_the_path() {
    let mut world = stage();
    let [goblin, fetcher, guard] = spawn_many(&mut world);
    let item = Some(goblin);
    world.entity_mut(fetcher).insert(Errand::Fetch { item });
    let keys = BTreeMap::from([(goblin, 7)]);
    world.entity_mut(guard).insert(Errand::Guard(goblin, keys));

    let report = world.find_references(goblin);

    let expected = [
        (fetcher, "Errand::Fetch.item".to_owned()),
        (guard, "Errand::Guard.0".to_owned()),
        (guard, "Errand::Guard.1[key 0]".to_owned()),
    ];
    assert_eq!(places(&report), expected);
    let policies = [OnLoss::Clear, OnLoss::Remove, OnLoss::Clear];
    assert_eq!(kinds(&report), policies.map(PlaceKind::Declared));
}

#[test]
fn written_field_is_found_before_the_next_sync() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(Mob::default());
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(mob, "Mob.target".to_owned())]);
}
