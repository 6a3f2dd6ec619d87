//! Q8: what holds at every pause.

use super::*;

#[test]
fn at_every_pause_whoever_waits_is_deleting_and_hidden() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 200);
    world.qdel(ring[0]).unwrap();

    for _ in 0..20 {
        world.flush_qdel();

        for &entity in &ring {
            let is_gone = gone(&world).contains(&entity);
            let expected = if is_gone {
                Liveness::Gone
            } else {
                Liveness::Deleting
            };
            assert_eq!(world.liveness(entity), expected);
            assert_eq!(world.get_entity(entity).is_err(), is_gone);
        }
        let seen = world.query::<&Heavy>().iter(&world).count();
        assert_eq!(seen, 0);
    }
    assert_gone_once(&world, &ring);
}

#[test]
fn at_every_pause_mobs_name_nobody_who_is_gone() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 200, 10);
    for &target in &crowd {
        aim(&mut world, target);
    }
    world.qdel_batch(crowd);

    for _ in 0..20 {
        world.flush_qdel();

        assert_names_nobody_who_is_gone(&mut world);
    }
    assert_eq!(gone(&world).len(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: ProptestConfig::default().cases / 4,
        ..ProptestConfig::default()
    })]

    /// The same deeds in two worlds, which differ in their pauses only.
    #[test]
    fn order_is_the_same_with_and_without_pauses(
        hints in vec((0..CROWD, hint()), 0..8),
        before in vec(bond(), 0..120),
        deaths in vec(0..CROWD, 1..20),
        after in vec(bond(), 0..30),
        budgets in vec(0..1_500_u64, 1..4),
    ) {
        let scene = || {
            let mut world = stage();
            let crowd = spawn_cast(&mut world, &hints);
            for &bond in &before {
                tie(&mut world, &crowd, bond);
            }
            for &death in &deaths {
                world.qdel(crowd[death]).ok();
            }
            // Newcomers in a hurry go with the next flush, so that pauses are to their advantage.
            for &patient in &crowd {
                let hint = world.get::<Says>(patient).map(|will| will.0);
                let is_hard = matches!(hint, Some(DestroyHint::HardDelete | DestroyHint::HardDeleteNow));
                if is_hard && world.liveness(patient) == Liveness::Alive {
                    world.entity_mut(patient).remove::<Says>();
                }
            }
            for &bond in &after {
                tie(&mut world, &crowd, bond);
            }
            (world, crowd)
        };
        let (mut whole, crowd) = scene();
        let (mut paused, _) = scene();

        for _ in 0..4 {
            whole.flush_qdel();
        }
        for budget in budgets.iter().cycle().take(60) {
            set_budget(&mut paused, *budget);
            paused.flush_qdel();
        }

        prop_assert_eq!(gone(&paused), gone(&whole));
        for entity in crowd {
            prop_assert_eq!(paused.liveness(entity), whole.liveness(entity));
        }
    }

    #[test]
    fn panics_of_hooks_lose_nobody_in_any_forest(
        bombs in vec((0..CROWD, 1..3_u32), 1..10),
        bonds in vec(bond(), 0..120),
        deaths in vec(0..CROWD, 1..20),
        budget in 0..1_500_u64,
    ) {
        let mut world = stage();
        let crowd = spawn_cast(&mut world, &[]);
        for (who, charges) in bombs {
            world.entity_mut(crowd[who]).insert(Bomb { charges });
        }
        for bond in bonds {
            tie(&mut world, &crowd, bond);
        }
        for death in deaths {
            world.qdel(crowd[death]).ok();
        }
        let expected = deleting(&mut world);

        set_budget(&mut world, budget);
        for _ in 0..40 {
            panics(|| world.flush_qdel());
        }

        prop_assert_eq!(world.flush_qdel(), 0);
        assert_gone_once(&world, &expected);
        for entity in crowd {
            let is_expected = expected.contains(&entity);
            prop_assert_eq!(world.liveness(entity) == Liveness::Alive, !is_expected);
        }
    }

    #[test]
    fn at_every_pause_the_invariants_hold_whatever_happens_between(
        hints in vec((0..CROWD, hint()), 0..8),
        bonds in vec(bond(), 0..120),
        deeds in vec(deed(), 1..40),
    ) {
        let mut world = stage();
        let crowd = spawn_cast(&mut world, &hints);
        for bond in bonds {
            tie(&mut world, &crowd, bond);
        }

        for deed in deeds {
            let owners = owners(&mut world);
            let waiting: Vec<_> = deleting(&mut world);

            let torn_down = apply(&mut world, &crowd, deed);

            world.check_registrations().unwrap();
            assert_names_nobody_who_is_gone(&mut world);
            if let Some(torn_down) = torn_down {
                assert_no_owner_went_before_what_it_owned(&world, &owners);
                let there = waiting.iter().filter(|at| world.liveness(**at) == Liveness::Gone);
                // Newcomers to an owner that goes are on top.
                prop_assert!(there.count() <= torn_down, "after {:?}", deed);
            }
            for entity in waiting {
                prop_assert_ne!(world.liveness(entity), Liveness::Alive, "after {:?}", deed);
            }
        }
        world.drain_qdel();
        for entity in deleting(&mut world) {
            let hint = world.get::<Says>(entity).map(|will| will.0);
            prop_assert_eq!(hint, Some(DestroyHint::IWillHandleIt));
        }
        let once: EntityHashSet = gone(&world).into_iter().collect();
        prop_assert_eq!(once.len(), gone(&world).len());
    }
}

/// More than two batches, so that there are pauses.
const CROWD: usize = 80;

/// Who is to be owned by whom, and by which relationship.
#[derive(Debug, Clone, Copy)]
enum Bond {
    Child(usize, usize),
    Sailor(usize, usize),
    Loose(usize),
}

fn bond() -> impl Strategy<Value = Bond> {
    let who = 0..CROWD;
    prop_oneof![
        6 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Bond::Child(owned, owner)),
        6 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Bond::Sailor(owned, owner)),
        1 => who.prop_map(Bond::Loose),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Qdel(usize),
    QdelMany(usize, usize),
    Despawn(usize),
    Tie(Bond),
    Aim(usize, usize),
    SetBudget(u64),
    Flush,
    Drain,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..CROWD;
    prop_oneof![
        4 => who.clone().prop_map(Deed::Qdel),
        2 => (who.clone(), who.clone()).prop_map(|(from, to)| Deed::QdelMany(from, to)),
        1 => who.clone().prop_map(Deed::Despawn),
        6 => bond().prop_map(Deed::Tie),
        6 => (who.clone(), who).prop_map(|(mob, target)| Deed::Aim(mob, target)),
        2 => (0..1_500_u64).prop_map(Deed::SetBudget),
        8 => Just(Deed::Flush),
        1 => Just(Deed::Drain),
    ]
}

/// Spawns mobs, some of which have a will of their own.
fn spawn_cast(world: &mut World, hints: &[(usize, DestroyHint)]) -> Vec<Entity> {
    set_budget(world, 0);
    world.remove_resource::<QdelSettings>();
    let crowd = spawn_many(world, CROWD, 10);
    for &mob in &crowd {
        world.entity_mut(mob).insert(Mob::default());
    }
    for &(who, hint) in hints {
        world.entity_mut(crowd[who]).insert(Says(hint));
    }
    crowd
}

fn tie(world: &mut World, crowd: &[Entity], bond: Bond) {
    let both_there = |one: usize, other: usize| {
        let is_there = |who: usize| world.liveness(crowd[who]) != Liveness::Gone;
        one != other && is_there(one) && is_there(other)
    };
    match bond {
        Bond::Child(owned, owner) if both_there(owned, owner) => {
            world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
        }
        Bond::Sailor(owned, owner) if both_there(owned, owner) => {
            world.entity_mut(crowd[owned]).insert(SailsOn(crowd[owner]));
        }
        Bond::Child(..) | Bond::Sailor(..) => {}
        Bond::Loose(who) => {
            if let Ok(mut entity) = world.get_entity_mut(crowd[who]) {
                entity.remove::<(ChildOf, SailsOn)>();
            }
        }
    }
}

/// Does what is to be done, and returns how many were torn down, if it tears down.
fn apply(world: &mut World, crowd: &[Entity], deed: Deed) -> Option<usize> {
    match deed {
        Deed::Qdel(who) => {
            world.qdel(crowd[who]).ok();
        }
        Deed::QdelMany(from, to) => {
            world.qdel_batch(crowd[from.min(to)..from.max(to)].iter().copied());
        }
        Deed::Despawn(who) => {
            world.try_despawn(crowd[who]).ok();
        }
        Deed::Tie(bond) => tie(world, crowd, bond),
        Deed::Aim(mob, target) => {
            let [mob, target] = [mob, target].map(|who| crowd[who]);
            let is_free = world
                .get::<Mob>(mob)
                .is_some_and(|mob| mob.target.is_none());
            if is_free && world.register_once_or_not(mob, target) {
                world.get_mut::<Mob>(mob).unwrap().target = Some(target);
            }
        }
        Deed::SetBudget(microseconds) => set_budget(world, microseconds),
        Deed::Flush => return Some(world.flush_qdel()),
        Deed::Drain => return Some(world.drain_qdel()),
    }
    None
}

/// Returns who owns whom, the owned first.
fn owners(world: &mut World) -> Vec<(Entity, Entity)> {
    let mut query =
        world.query_filtered::<(Entity, Option<&ChildOf>, Option<&SailsOn>), Allow<Disabled>>();
    let mut owners = Vec::new();
    for (owned, child, sailor) in query.iter(world) {
        owners.extend(child.map(|child| (owned, child.parent())));
        owners.extend(sailor.map(|sailor| (owned, sailor.0)));
    }
    owners
}

fn deleting(world: &mut World) -> Vec<Entity> {
    let mut query = world.query_filtered::<Entity, (With<qdel::Deleting>, Allow<Disabled>)>();
    query.iter(world).collect()
}

/// Asserts that no entity is there whose owner was torn down, but for those of its own ring.
fn assert_no_owner_went_before_what_it_owned(world: &World, owners: &[(Entity, Entity)]) {
    let mut owned_by: EntityHashMap<Vec<Entity>> = EntityHashMap::default();
    for &(owned, owner) in owners {
        owned_by.entry(owner).or_default().push(owned);
    }
    for &(owned, owner) in owners {
        let is_left = world.liveness(owned) == Liveness::Deleting
            && world
                .get::<Says>(owned)
                .is_none_or(|will| will.0 != DestroyHint::IWillHandleIt);
        if !is_left || world.liveness(owner) != Liveness::Gone {
            continue;
        }
        let mut reached = EntityHashSet::default();
        let mut steps = vec![owned];
        while let Some(entity) = steps.pop() {
            if reached.insert(entity) {
                steps.extend(owned_by.get(&entity).into_iter().flatten());
            }
        }
        assert!(
            reached.contains(&owner),
            "an owner went before what it owned"
        );
    }
}

/// Asserts that no living mob names an entity that is gone. A deleted one hears no signals after
/// its destroy stage (S7).
fn assert_names_nobody_who_is_gone(world: &mut World) {
    let mut mobs = world.query_filtered::<&Mob, (Without<qdel::Deleting>, Allow<Disabled>)>();
    for target in mobs.iter(world).filter_map(|mob| mob.target) {
        assert_ne!(world.liveness(target), Liveness::Gone);
    }
}
