//! H3: what is counted.

use super::*;

#[test]
fn plain_despawns_are_not_counted() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();

    world.despawn(goblin);

    assert_eq!(figures(&world.qdel_statistics().total()), nothing());
}

#[test]
fn entity_that_is_despawned_plainly_while_it_waits_is_not_counted_as_torn_down() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();

    world.despawn(goblin);
    world.flush_qdel();

    assert_eq!((goblins(&world).deleted, goblins(&world).torn_down), (1, 0));
}

#[test]
fn veto_counts_for_whom_the_call_was_made() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    let orc = world.spawn((Orc, ChildOf(goblin))).id();
    world.register_signal(orc, orc, Orc::veto).unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!((goblins(&world).vetoed, orcs(&world).vetoed), (1, 0));
    assert_eq!(goblins(&world).deleted, 0);
}

#[test]
fn repeats_count_for_whom_the_call_was_made() {
    let mut world = stage();
    let orc = world.spawn(Orc).id();
    let goblin = world.spawn((Goblin, ChildOf(orc))).id();
    world.qdel(orc).unwrap();

    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();

    assert_eq!((goblins(&world).repeated, orcs(&world).repeated), (2, 0));
}

#[test]
fn refusals_count_for_whom_the_call_was_made() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    world.insert_resource(Weather);
    let mut weather = world.query_filtered::<Entity, (With<IsResource>, With<Weather>)>();
    let weather = weather.single(&world).unwrap();
    world.entity_mut(weather).insert(ChildOf(goblin));

    world.qdel(goblin).unwrap_err();

    assert_eq!(goblins(&world).refused, 1);
}

#[test]
fn calls_for_whoever_is_gone_are_of_the_others() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    world.despawn(goblin);

    world.qdel(goblin).unwrap_err();

    assert_eq!((others(&world).refused, goblins(&world).refused), (1, 0));
}

#[test]
fn whoever_lives_on_and_whoever_is_spared_by_that_are_kept() {
    let mut world = stage();
    let orc = world.spawn((Orc, Says(DestroyHint::LetMeLive))).id();
    world.spawn((Goblin, ChildOf(orc)));

    world.qdel(orc).unwrap();

    let kept = [orcs(&world), goblins(&world)].map(|counts| (counts.deleted, counts.kept));
    assert_eq!(kept, [(1, 1), (1, 1)]);
}

#[test]
fn components_that_want_to_live_in_a_forced_deletion_are_overruled() {
    let mut world = stage();
    let goblin = world
        .spawn((
            Goblin,
            Says(DestroyHint::LetMeLive),
            SaysToo(DestroyHint::LetMeLive),
        ))
        .id();

    world.force_qdel(goblin).unwrap();

    assert_eq!((goblins(&world).overruled, goblins(&world).kept), (2, 0));
}

#[test]
fn whoever_is_handled_by_somebody_else_is_left_alone() {
    let mut world = stage();
    let goblin = world.spawn((Goblin, Says(DestroyHint::IWillHandleIt))).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        (goblins(&world).left_alone, goblins(&world).torn_down),
        (1, 0)
    );
}

#[test]
fn entities_of_a_batch_are_counted_one_by_one() {
    let mut world = stage();
    let [alive, deleting, gone] = [(); 3].map(|()| world.spawn(Goblin).id());
    let orc = world.spawn(Orc).id();
    world.register_signal(orc, orc, Orc::veto).unwrap();
    let rock = world.spawn_empty().id();
    world.qdel(deleting).unwrap();
    world.despawn(gone);
    world.reset_qdel_statistics();

    world.qdel_batch([alive, deleting, alive, orc, rock, gone]);

    let goblins = goblins(&world);
    assert_eq!((goblins.deleted, goblins.repeated), (1, 2));
    assert_eq!((orcs(&world).vetoed, orcs(&world).deleted), (1, 0));
    assert_eq!((others(&world).deleted, others(&world).refused), (1, 1));
}

#[test]
fn every_way_of_tearing_down_is_counted() {
    for way in [
        World::flush_qdel,
        World::drain_qdel,
        World::shutdown_qdel,
        |_: &mut World| 0,
    ] {
        let mut world = stage();
        let goblin = world.spawn(Goblin).id();
        let urgent = world.spawn((Goblin, Says(DestroyHint::HardDeleteNow))).id();
        let due = world.spawn((Goblin, Says(DestroyHint::HardDelete))).id();
        world.qdel_batch([goblin, urgent, due]);
        world.spawn((Orc, ChildOf(goblin)));

        way(&mut world);

        let total = world.resource::<QdelCounts>().torn_down;
        let torn_down = [goblins(&world), orcs(&world)].map(|counts| counts.torn_down);
        assert_eq!(torn_down.iter().sum::<u64>(), total);
        assert!([[3, 1], [1, 0]].contains(&torn_down), "{torn_down:?}");
    }
}

#[test]
fn immediate_tear_down_is_counted() {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let goblin = world.spawn(Goblin).id();

    world.qdel(goblin).unwrap();

    assert_eq!(goblins(&world).torn_down, 1);
}

#[test]
fn whoever_waits_for_the_tear_down_is_counted() {
    let mut world = stage();
    let due = world.spawn(Says(DestroyHint::HardDelete)).id();
    let goblin = world.spawn(Goblin).id();
    world.spawn(ChildOf(goblin));
    world.qdel_batch([due, goblin]);

    let before = world.qdel_statistics().waiting;
    world.flush_qdel();

    assert_eq!((before, world.qdel_statistics().waiting), (3, 0));
}

#[test]
fn nothing_is_lost_when_handlers_and_destroys_panic() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn(Goblin).id();
    let orc = world.spawn((Orc, ChildOf(goblin))).id();
    for (listener, takes) in [(goblin, 3), (orc, 4)] {
        world
            .entity_mut(listener)
            .insert(Watcher(slow(&hand, takes)));
        world
            .register_signal(listener, listener, Watcher::panic)
            .unwrap();
        world.entity_mut(listener).insert(Panics(slow(&hand, 5)));
    }

    let panicked = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));
    world.flush_qdel();

    assert!(panicked.is_err());
    let counts = [goblins(&world), orcs(&world)];
    assert_eq!(counts.map(|at| (at.deleted, at.torn_down)), [(1, 1); 2]);
    let costs = [row::<Goblin>(&world), row::<Orc>(&world)].map(|row| row.costs);
    assert_eq!(costs.map(|at| at.tell), [3, 4].map(Duration::from_micros));
    assert_eq!(
        costs.map(|at| at.destroy),
        [5; 2].map(Duration::from_micros)
    );
}

#[test]
fn hook_that_panics_in_the_tear_down_loses_nothing() {
    let mut world = stage();
    let [first, second, third] = [(); 3].map(|()| world.spawn(Goblin).id());
    world.entity_mut(second).insert(Explosive);
    world.qdel_batch([first, second, third]);

    let panicked = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));

    assert!(panicked.is_err());
    assert_eq!(goblins(&world).torn_down, 2);
}

#[test]
fn world_that_is_cleared_inside_a_deletion_forgets_its_kinds() {
    for measures in [false, true] {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_measure_costs(measures));
        let goblin = world.spawn((Goblin, Says(DestroyHint::LetMeLive))).id();
        let orc = world.spawn(Orc).id();
        world.register_signal(orc, goblin, clear_the_world).unwrap();

        let cleared = world.qdel_batch([goblin, orc]);

        assert_eq!(cleared.queued, [goblin, orc]);
        assert_eq!(world.qdel_statistics().kind::<Goblin>(), None);
    }
}

#[test]
fn kind_that_is_forgotten_inside_a_deletion_is_one_of_the_others() {
    let mut world = stage();
    let orc = world.spawn(Orc).id();
    world
        .register_signal(orc, orc, forget_all_but_goblins)
        .unwrap();

    world.qdel(orc).unwrap();
    world.flush_qdel();

    assert_eq!((others(&world).deleted, others(&world).torn_down), (0, 1));
    assert_eq!(figures(&row::<Goblin>(&world)), nothing());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kinds_and_others_add_up_to_the_counts_of_all(steps in vec(step(), 1..40)) {
        let mut world = World::new();
        world.register_destroy::<Says>();
        let mut entities = Vec::new();

        for step in &steps {
            step.carry_out(&mut world, &mut entities);

            let total = world.qdel_statistics().total();
            let counts = world.get_resource().copied().unwrap_or_default();
            prop_assert_eq!(total.counts, counts, "after {:?} of {:?}", step, steps);
        }
    }
}

// The stage.

#[derive(Resource)]
struct Weather;

fn clear_the_world(mut world: DeferredWorld, _: Received<Qdeleting, Orc>) {
    world.commands().queue(World::clear_all);
}

fn forget_all_but_goblins(mut world: DeferredWorld, _: Received<Qdeleting, Orc>) {
    world.commands().queue(|world: &mut World| {
        world.clear_resources();
        world.register_qdel_kind::<Goblin>();
    });
}

/// Panics when it is despawned.
#[derive(Component)]
#[component(on_despawn = explode)]
struct Explosive;

fn explode(_: DeferredWorld, _: HookContext) {
    panic!("boom");
}

/// What happens to a world; entities are meant by their number.
#[derive(Debug, Clone)]
enum Step {
    RegisterGoblins,
    RegisterOrcs,
    Spawn {
        kind: u8,
        owner: Option<usize>,
        says: u8,
    },
    Protect(usize),
    Qdel(usize),
    ForceQdel(usize),
    Batch(Vec<usize>),
    Despawn(usize),
    SwitchMarkers(usize),
    Flush,
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let entity = || 0..12_usize;
    prop_oneof![
        1 => Just(Step::RegisterGoblins),
        1 => Just(Step::RegisterOrcs),
        8 => (0..4_u8, proptest::option::of(entity()), 0..8_u8)
            .prop_map(|(kind, owner, says)| Step::Spawn { kind, owner, says }),
        1 => entity().prop_map(Step::Protect),
        5 => entity().prop_map(Step::Qdel),
        2 => entity().prop_map(Step::ForceQdel),
        3 => vec(entity(), 0..6).prop_map(Step::Batch),
        2 => entity().prop_map(Step::Despawn),
        2 => entity().prop_map(Step::SwitchMarkers),
        3 => Just(Step::Flush),
        1 => Just(Step::Reset),
    ]
}

impl Step {
    fn carry_out(&self, world: &mut World, entities: &mut Vec<Entity>) {
        let entity = |number: &usize| entities.get(*number).copied();
        match self {
            Self::RegisterGoblins => {
                world.register_qdel_kind::<Goblin>();
            }
            Self::RegisterOrcs => {
                world.register_qdel_kind::<Orc>();
            }
            Self::Spawn { kind, owner, says } => {
                let owner = owner.and_then(|number| entity(&number));
                let mut spawned = world.spawn_empty();
                if kind & 1 != 0 {
                    spawned.insert(Goblin);
                }
                if kind & 2 != 0 {
                    spawned.insert(Orc);
                }
                if let Some(hint) = hint(*says) {
                    spawned.insert(Says(hint));
                }
                let spawned = spawned.id();
                if let Some(owner) = owner
                    && world.entities().contains_spawned(owner)
                {
                    world.entity_mut(spawned).insert(ChildOf(owner));
                }
                entities.push(spawned);
            }
            Self::Protect(number) => {
                if let Some(entity) = entity(number) {
                    // Not every entity can be protected any more.
                    let _ = world.register_signal(entity, entity, Orc::veto);
                }
            }
            Self::Qdel(number) => {
                let _ = entity(number).map(|entity| world.qdel(entity));
            }
            Self::ForceQdel(number) => {
                let _ = entity(number).map(|entity| world.force_qdel(entity));
            }
            Self::Batch(numbers) => {
                let batch: Vec<_> = numbers.iter().filter_map(entity).collect();
                world.qdel_batch(batch);
            }
            Self::Despawn(number) => {
                if let Some(entity) = entity(number) {
                    let _ = world.try_despawn(entity);
                }
            }
            Self::SwitchMarkers(number) => {
                if let Some(entity) = entity(number)
                    && let Ok(mut entity) = world.get_entity_mut(entity)
                {
                    if entity.contains::<Goblin>() {
                        entity.remove::<Goblin>().insert(Orc);
                    } else {
                        entity.insert(Goblin);
                    }
                }
            }
            Self::Flush => {
                world.flush_qdel();
            }
            Self::Reset => world.reset_qdel_statistics(),
        }
    }
}

fn hint(number: u8) -> Option<DestroyHint> {
    match number {
        0 => Some(DestroyHint::LetMeLive),
        1 => Some(DestroyHint::IWillHandleIt),
        2 => Some(DestroyHint::HardDelete),
        3 => Some(DestroyHint::HardDeleteNow),
        _ => None,
    }
}
