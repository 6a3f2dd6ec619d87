//! H1: whatever state the target and its holders are in.

use super::*;

#[test]
fn target_that_is_gone_is_still_found() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(Mob::default());
    world.despawn(goblin);
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    let report = world.find_references(goblin);

    assert_eq!(report.target.liveness, Liveness::Gone);
    assert_eq!(places(&report), [(mob, "Mob.target".to_owned())]);
}

#[test]
fn new_tenant_of_an_index_is_somebody_else() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    let tenant =
        Entity::from_index_and_generation(goblin.index(), goblin.generation().after_versions(1));

    let report = world.find_references(tenant);

    assert_eq!(report.holders, []);
}

#[test]
fn target_that_is_being_deleted_says_so() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.qdel(goblin).unwrap();
    world.entity_mut(mob).insert(Mob::default());
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    let report = world.find_references(goblin);

    assert_eq!(report.target.liveness, Liveness::Deleting);
    assert_eq!(places(&report), [(mob, "Mob.target".to_owned())]);
}

#[test]
fn hidden_holders_are_found() {
    let mut world = stage();
    let [goblin, hidden] = spawn_many(&mut world);
    world.entity_mut(hidden).insert((chasing(goblin), Disabled));

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(hidden, "Mob.target".to_owned())]);
}

#[test]
fn holder_that_is_being_deleted_is_found_and_says_so() {
    let mut world = stage();
    let [goblin, dying] = spawn_many(&mut world);
    world.entity_mut(dying).insert(chasing(goblin));
    world.qdel(dying).unwrap();

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(dying, "Mob.target".to_owned())]);
    assert_eq!(report.holders[0].label.liveness, Liveness::Deleting);
}

#[test]
fn holders_come_by_index() {
    let mut world = stage();
    let crowd: [Entity; 6] = spawn_many(&mut world);
    for at in [4, 1, 5, 2] {
        world.entity_mut(crowd[at]).insert(chasing(crowd[0]));
    }
    world.entity_mut(crowd[2]).insert(Flag);

    let report = world.find_references(crowd[0]);

    let holders: Vec<_> = report.holders.iter().map(|at| at.label.entity).collect();
    assert_eq!(holders, [1, 2, 4, 5].map(|at| crowd[at]));
}
