//! R5 with Q10: the plan.

use super::*;

#[test]
fn plans_with_references_read_well() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let purse = world
        .spawn((ChildOf(goblin), Will(DestroyHint::Queue)))
        .id();
    let shadow = world.spawn((Shadow(purse), Bond::to(goblin))).id();
    let leash = world.spawn((Leash(shadow), Seal(goblin))).id();
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            friends: vec![orc, shadow, goblin],
            grudges: BTreeMap::from([(orc, vec![purse])]),
        })
        .id();
    let mood = world
        .spawn(Charter::Drafted(vec![Some(orc), Some(goblin)]))
        .id();
    world.register_signal(mob, goblin, Mob::hear).unwrap();
    let roles = [
        (goblin, "[goblin]"),
        (orc, "[orc]"),
        (purse, "[purse]"),
        (shadow, "[shadow]"),
        (leash, "[leash]"),
        (mob, "[mob]"),
        (mood, "[charter]"),
    ];

    let plans = [goblin, orc, mob].map(|root| world.plan_qdel(root).to_string());

    expect("plans_with_references", &roles, &plans.join("\n\n"));
}

#[test]
fn plan_that_a_member_of_a_cascade_vetoes_says_why_it_would_go() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn((Shadow(goblin), Ward)).id();
    world.register_signal(shadow, shadow, Ward::object).unwrap();

    let said = world.plan_qdel(goblin).to_string();

    assert!(!said.contains("which it owns"), "{said}");
}

#[test]
fn plan_says_what_will_be_released_without_doing_it() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world
        .spawn(Mob {
            target: Some(orc),
            friends: vec![goblin, orc, goblin],
            grudges: BTreeMap::new(),
        })
        .id();
    let leash = world.spawn(Leash(goblin)).id();
    let before = picture(&world);

    let plan = world.plan_qdel(goblin);

    assert_eq!(picture(&world), before);
    let released: Vec<_> = plan.deletions[0]
        .released
        .iter()
        .map(|at| (at.holder, at.component, at.path.as_str(), at.policy))
        .collect();
    let mobs = type_name::<Mob>();
    let expected = [
        (mob, mobs, ".friends[0]", OnLoss::Clear),
        (mob, mobs, ".friends[2]", OnLoss::Clear),
        (leash, type_name::<Leash>(), ".0", OnLoss::Remove),
    ];
    assert_eq!(released, expected);
}

#[test]
fn plan_leaves_out_who_is_being_deleted() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world.spawn((Mob::after(goblin), ChildOf(orc))).id();
    let other = world.spawn(Mob::after(goblin)).id();
    world.qdel(orc).unwrap();
    assert_eq!(world.liveness(mob), Liveness::Deleting);

    let plan = world.plan_qdel(goblin);

    let holders: Vec<_> = plan.deletions[0]
        .released
        .iter()
        .map(|at| at.holder)
        .collect();
    assert_eq!(holders, [other]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn plan_is_what_the_deletion_then_does(
        names in vec((0..CROWD, 0..KINDS, 0..CROWD), 0..30),
        owners in vec((0..CROWD, 0..CROWD), 0..6),
        root in 0..CROWD,
    ) {
        let mut world = stage();
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        for (owned, owner) in owners {
            if owned < owner {
                world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
            }
        }
        for (holder, kind, target) in names {
            name(&mut world, crowd[holder], kind, crowd[target]);
        }
        world.sync_references();
        let root = crowd[root];
        let before = picture(&world);
        let counted = counts_or_none(&world);
        let cascade = cascade(&world, &crowd, root);

        let planned = world.plan_qdel(root);
        prop_assert_eq!(&picture(&world), &before);
        prop_assert_eq!(counts_or_none(&world), counted);
        let done = world.qdel(root);

        prop_assert_eq!(done, planned.answer);
        match planned.answer {
            Err(error) => {
                prop_assert_eq!(&picture(&world), &before);
                let QdelError::Denied { target, holder, .. } = error else {
                    return Err(TestCaseError::fail(error.to_string()));
                };
                prop_assert!(cascade.contains(&target) && !cascade.contains(&holder));
                let first = &planned.refusals[0];
                prop_assert_eq!((first.target, first.holder), (target, holder));
                prop_assert!(world.get::<Bond>(holder).unwrap().0.contains(&target));
            }
            Ok(_) => {
                prop_assert_eq!(&planned.refusals, &[]);
                for holder in crowd.iter().filter(|holder| !cascade.contains(holder)) {
                    let bond = &before.fields[holder].bond;
                    prop_assert!(bond.iter().flatten().all(|target| !cascade.contains(target)));
                }
                check_plan(&world, &planned, &before, &cascade, &crowd)?;
                world.flush_qdel();
                assert_no_leftovers(&world);
            }
        }
        world.check_registrations().unwrap();
    }
}

/// Compares what a plan says, and what was done, with what the world was like before.
fn check_plan(
    world: &World,
    plan: &QdelPlan,
    before: &Picture,
    cascade: &BTreeSet<Entity>,
    crowd: &[Entity],
) -> Result<(), TestCaseError> {
    let planned: Vec<_> = plan
        .deletions
        .iter()
        .map(|at| (at.entity, at.cause))
        .collect();
    prop_assert_eq!(&planned, &world.resource::<Told>().0);
    let members: BTreeSet<_> = planned.iter().map(|at| at.0).collect();
    prop_assert_eq!(&members, cascade);
    prop_assert_eq!(members.len(), planned.len());

    // Each place that names an entity which goes is planned, and no other.
    let mut places = BTreeMap::<_, usize>::new();
    for deletion in &plan.deletions {
        for at in &deletion.released {
            let place = (deletion.entity, at.holder, at.component, at.policy);
            *places.entry(place).or_default() += 1;
        }
    }
    let mut expected = BTreeMap::<_, usize>::new();
    for &holder in crowd {
        for (target, component, policy) in before.fields[&holder].names() {
            if cascade.contains(&target) {
                *expected
                    .entry((target, holder, component, policy))
                    .or_default() += 1;
            }
        }
    }
    prop_assert_eq!(places, expected);

    for &holder in crowd {
        let after = fields(world, holder);
        let state = world.liveness(holder);
        if cascade.contains(&holder) {
            prop_assert_eq!(state, Liveness::Deleting);
            continue;
        }
        prop_assert_eq!(state, Liveness::Alive);
        prop_assert_eq!(after, before.fields[&holder].without(cascade));
    }
    Ok(())
}

/// Returns all that go with `root`, by looking at all fields.
fn cascade(world: &World, crowd: &[Entity], root: Entity) -> BTreeSet<Entity> {
    let mut going = BTreeSet::from([root]);
    loop {
        let grows = |entity: &&Entity| {
            let shadow = world.get::<Shadow>(**entity).map(|shadow| shadow.0);
            let owner = world.get::<ChildOf>(**entity).map(ChildOf::parent);
            let mut causes = shadow.into_iter().chain(owner);
            !going.contains(*entity) && causes.any(|cause| going.contains(&cause))
        };
        let Some(next) = crowd.iter().find(grows) else {
            return going;
        };
        going.insert(*next);
    }
}

const CROWD: usize = 9;

const KINDS: usize = 7;

// The stage.

fn counts_or_none(world: &World) -> QdelCounts {
    world.get_resource().copied().unwrap_or_default()
}
