//! Q10: what people read.

use super::*;

#[test]
fn plan_reads_well() {
    let mut world = stage();
    world.register_destroy::<Rope>().register_destroy::<Lamp>();
    let [ship, mast, flag, archer, gull] = spawn_many(&mut world);
    let story = story(&world);
    world
        .entity_mut(mast)
        .insert((ChildOf(ship), Lamp(story.clone())));
    world.entity_mut(flag).insert(LoadedOn(mast));
    world
        .entity_mut(ship)
        .insert((Rope(story.clone()), Lamp(story)));
    world.register_signal(gull, mast, Scribe::hear).unwrap();
    world.register_signal(archer, mast, Herald::hear).unwrap();
    world.register_signal(flag, flag, Clerk::hear).unwrap();
    let roles = [
        (ship, "[ship]"),
        (mast, "[mast]"),
        (flag, "[flag]"),
        (archer, "[archer]"),
        (gull, "[gull]"),
    ];

    let plans = [ship, flag, gull].map(|root| said(&mut world, root));

    expect("rich_plans", &roles, &plans.join("\n\n"));
}

#[test]
fn refused_plans_read_well() {
    let mut world = stage();
    let [dead, king, crown, ghost, chest] = spawn_many(&mut world);
    world.despawn(dead);
    world
        .entity_mut(crown)
        .insert((ChildOf(king), Ward::strict()));
    world.register_signal(crown, crown, Ward::guard).unwrap();
    world.qdel(ghost).unwrap();
    let weather = world.spawn(Weather).id();
    world.entity_mut(weather).insert(ChildOf(chest));
    let reserved = world.entity_allocator().alloc();
    let foreign = {
        let mut abroad = World::new();
        let crowd = (0..100).map(|_| abroad.spawn_empty().id());
        crowd.last().unwrap()
    };
    let roles = [
        (dead, "[dead]"),
        (king, "[king]"),
        (crown, "[crown]"),
        (ghost, "[ghost]"),
        (chest, "[chest]"),
        (weather, "[weather]"),
        (reserved, "[reserved]"),
        (foreign, "[foreign]"),
    ];
    assert!(world.entity(weather).contains::<IsResource>());

    let roots = [dead, reserved, foreign, weather, chest, king, crown, ghost];
    let plans = roots.map(|root| said(&mut world, root));

    expect("refused_plans", &roles, &plans.join("\n"));
}

/// Returns what the plan of a deletion says.
fn said(world: &mut World, root: Entity) -> String {
    world.plan_qdel(root).to_string()
}

/// Compares `said` with the snapshot of this name.
fn expect(name: &str, roles: &[(Entity, &str)], said: &str) {
    let roles: Vec<_> = roles
        .iter()
        .map(|(entity, role)| (format!(r"\b{entity}\b"), *role))
        .collect();
    let mut filters: Vec<_> = roles
        .iter()
        .map(|(id, role)| (id.as_str(), *role))
        .collect();
    filters.push((r"\b\d+v\d+\b", "[another entity]"));
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}
