//! Sweeps in slices: they find what one at once finds, whatever happens in between.

use core::time::Duration;
use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bevy_ecs::{
    change_detection::DetectChangesMut, entity_disabling::Disabled, prelude::*,
    reflect::AppTypeRegistry,
};
use bevy_platform::collections::HashMap;
use bevy_reflect::Reflect;
use proptest::{collection::vec, prelude::*};
use qdel::{
    WorldReferencesExt,
    find::ReferencesFound,
    prelude::*,
    sweep::{LeftoverState, Mode, Pace, SweepFinished, SweepReport},
    testing::WorkClock,
};

use super::{Chief, Coward, Mob, Said, Vow, despawn_all, found, plant, said, spawn_many};

/// How many entities are looked at in a step.
const STEP: u32 = 128;

/// Its fields are not declared.
#[derive(Component, Reflect, Default, Debug, PartialEq, Clone)]
#[reflect(Component)]
struct Mind {
    target: Option<Entity>,
    friends: Vec<Entity>,
    threats: HashMap<Entity, u32>,
}

#[derive(Component, Reflect, Debug, PartialEq, Clone)]
#[component(immutable)]
#[reflect(Component)]
struct Carved(Option<Entity>);

#[derive(Resource, Reflect)]
#[reflect(Resource)]
struct Boss(Option<Entity>);

#[derive(Component)]
struct Paint;

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Flag;

/// The reports of the sweeps that finished.
#[derive(Resource, Default)]
struct Reports(Vec<SweepReport>);

/// What an entity of the crowd is, with the number of an entity that is gone.
#[derive(Debug, Clone)]
enum Kind {
    Bystander,
    Mob(usize),
    /// Also names the one after it, in the crowd.
    Mind(usize),
    Both(usize, usize),
    Carved(usize),
}

/// What happens between two slices, to an entity of the crowd.
#[derive(Debug, Clone)]
enum Deed {
    Spawn(usize),
    Despawn(usize),
    Qdel(usize),
    Paint(usize),
    Strip(usize),
    RaiseFlag(usize),
    Hide(usize),
    Forget(usize),
}

/// How many are gone when a sweep begins.
const GONE: usize = 20;

fn kind() -> impl Strategy<Value = Kind> {
    let gone = 0..GONE;
    prop_oneof![
        2 => Just(Kind::Bystander),
        1 => gone.clone().prop_map(Kind::Mob),
        1 => gone.clone().prop_map(Kind::Mind),
        1 => (gone.clone(), gone.clone()).prop_map(|(mob, mind)| Kind::Both(mob, mind)),
        1 => gone.prop_map(Kind::Carved),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let at = 0..1000_usize;
    prop_oneof![
        (0..GONE).prop_map(Deed::Spawn),
        at.clone().prop_map(Deed::Despawn),
        at.clone().prop_map(Deed::Qdel),
        at.clone().prop_map(Deed::Paint),
        at.clone().prop_map(Deed::Strip),
        at.clone().prop_map(Deed::RaiseFlag),
        at.clone().prop_map(Deed::Hide),
        at.prop_map(Deed::Forget),
    ]
}

/// A world with a crowd that names some who are gone.
struct Scene {
    world: World,
    crowd: Vec<Entity>,
    gone: HashSet<Entity>,
    /// The gone, by number.
    gone_by_number: Vec<Entity>,
    /// Who was changed in a way that matters since the beginning.
    touched: HashSet<Entity>,
}

impl Scene {
    fn new(kinds: &[Kind]) -> Self {
        let mut world = stage();
        let doomed: [Entity; GONE] = spawn_many(&mut world);
        let crowd: Vec<_> = kinds.iter().map(|_| world.spawn_empty().id()).collect();
        for (at, (&holder, kind)) in crowd.iter().zip(kinds).enumerate() {
            let next = crowd[(at + 1) % crowd.len()];
            let mind = |gone: usize| Mind {
                target: Some(doomed[gone]),
                friends: vec![next, doomed[gone], doomed[(gone + 1) % GONE]],
                threats: HashMap::from_iter([(doomed[gone], 7)]),
            };
            let mut holder = world.entity_mut(holder);
            match *kind {
                Kind::Bystander => holder.insert(Paint),
                Kind::Mob(_) => holder.insert(Mob::default()),
                Kind::Mind(gone) => holder.insert(mind(gone)),
                Kind::Both(_, gone) => holder.insert((Mob::default(), mind(gone))),
                Kind::Carved(gone) => holder.insert(Carved(Some(doomed[gone]))),
            };
        }
        world.insert_resource(Boss(Some(doomed[0])));
        world.init_resource::<Chief>();
        despawn_all(&mut world, doomed);
        world.sync_references();
        for (&holder, kind) in crowd.iter().zip(kinds) {
            if let Kind::Mob(gone) | Kind::Both(gone, _) = *kind {
                let mut mob = world.get_mut::<Mob>(holder).unwrap();
                let mob = mob.bypass_change_detection();
                mob.target = Some(doomed[gone]);
                mob.friends = vec![doomed[(gone + 3) % GONE]];
            }
        }
        let mut chief = world.resource_mut::<Chief>();
        chief.bypass_change_detection().0 = Some(doomed[1]);
        Self {
            world,
            crowd,
            gone: HashSet::from_iter(doomed),
            gone_by_number: doomed.to_vec(),
            touched: HashSet::new(),
        }
    }

    fn does(&mut self, deed: &Deed) {
        let Self {
            world,
            crowd,
            touched,
            ..
        } = self;
        let at = |at: usize| crowd[at % crowd.len()];
        if let Deed::Spawn(gone) = *deed {
            let gone = Some(self.gone_by_number[gone]);
            world.spawn((
                Mind {
                    target: gone,
                    ..Mind::default()
                },
                Carved(gone),
            ));
            return;
        }
        if let Deed::Despawn(who) | Deed::Qdel(who) | Deed::Forget(who) = *deed {
            touched.insert(at(who));
        }
        match *deed {
            Deed::Despawn(who) => {
                let _ = world.try_despawn(at(who));
                return;
            }
            Deed::Qdel(who) => {
                let _ = world.qdel(at(who));
                return;
            }
            _ => {}
        }
        let (Deed::Spawn(who)
        | Deed::Despawn(who)
        | Deed::Qdel(who)
        | Deed::Paint(who)
        | Deed::Strip(who)
        | Deed::RaiseFlag(who)
        | Deed::Hide(who)
        | Deed::Forget(who)) = *deed;
        let Ok(mut who) = world.get_entity_mut(at(who)) else {
            return;
        };
        match deed {
            Deed::Paint(_) => {
                who.insert(Paint);
            }
            Deed::Strip(_) => {
                who.remove::<(Paint, Flag)>();
            }
            Deed::RaiseFlag(_) => {
                who.insert(Flag);
            }
            Deed::Hide(_) => {
                who.insert(Disabled);
            }
            _ => {
                if let Some(mut mind) = who.get_mut::<Mind>() {
                    mind.target = None;
                }
            }
        }
    }

    /// Returns what an entity knows, without those of the crowd that may be gone by now.
    fn state(&self, who: Entity) -> (Option<Mob>, Option<Mind>, Option<Carved>) {
        let who = self.world.entity(who);
        let mind = who.get::<Mind>().cloned().map(|mut mind| {
            mind.friends.retain(|friend| !self.crowd.contains(friend));
            mind
        });
        (
            who.get::<Mob>().cloned(),
            mind,
            who.get::<Carved>().cloned(),
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 24,
        ..ProptestConfig::default()
    })]

    /// Two worlds that are the same: one is swept at once, the other in slices while life goes on.
    #[test]
    fn slices_find_what_was_there_and_stayed_whatever_happens_in_between(
        kinds in vec(kind(), 300..1000),
        deeds in vec(vec(deed(), 0..12), 3..8),
    ) {
        let mut quick = Scene::new(&kinds);
        let expected = quick.world.sweep();
        let mut slow = Scene::new(&kinds);
        let steps = slow.world.entities().len().div_ceil(STEP) as usize;

        slow.world.queue_sweep();
        let mut flushes = 0;
        let mut deeds = deeds.iter();
        while slow.world.resource::<Reports>().0.is_empty() {
            slow.world.flush_qdel();
            flushes += 1;
            prop_assert!(flushes < 100);
            for deed in deeds.next().into_iter().flatten() {
                slow.does(deed);
            }
        }
        let reports = &slow.world.resource::<Reports>().0;

        prop_assert_eq!(reports.len(), 1);
        prop_assert!(flushes >= steps);
        let is_of_the_gone = |at: &Said| slow.gone.contains(&at.2);
        let expected = found(&expected);
        prop_assert!(expected.iter().all(|at| at.3 == LeftoverState::Emptied));
        prop_assert!(expected.iter().all(is_of_the_gone));
        let was_there = |at: &Said| expected.contains(at);
        let (old, new): (Vec<_>, Vec<_>) = found(&reports[0]).into_iter().partition(was_there);
        let is_untouched = |at: &&Said| !slow.touched.contains(&at.0);
        // Each once, and in the same order.
        let must: Vec<_> = expected.iter().filter(is_untouched).collect();
        let untouched: Vec<_> = old.iter().filter(is_untouched).collect();
        prop_assert_eq!(untouched, must);
        let once: HashSet<_> = old.iter().map(|at| (at.0, &at.1, at.2)).collect();
        prop_assert_eq!(once.len(), old.len());
        // Everything else came after the beginning.
        for at in new {
            let is_new_holder = !slow.crowd.contains(&at.0) && !expected.iter().any(|old| old.0 == at.0);
            let is_new_target = slow.touched.contains(&at.2) && !slow.gone.contains(&at.2);
            prop_assert!(is_new_holder || is_new_target, "{at:?}");
        }
        for &who in &slow.crowd {
            if slow.world.get_entity(who).is_ok() && !slow.touched.contains(&who) {
                prop_assert_eq!(slow.state(who), quick.state(who));
            }
        }
        slow.world.check_registrations().unwrap();
    }
}

#[test]
fn slices_take_a_step_each_flush() {
    let mut world = stage();
    world.spawn_batch((0..5 * STEP).map(|_| Paint));
    let len = world.entities().len();
    world.queue_sweep();

    let flushes = flushes_until_finished(&mut world);

    // Whether there is more is seen at the next one.
    let steps = len.div_ceil(STEP) as usize;
    assert!((steps..=steps + 1).contains(&flushes), "{flushes}");
}

#[test]
fn sweep_ends_though_entities_keep_coming() {
    let mut world = stage();
    world.spawn_batch((0..2 * STEP).map(|_| Paint));
    world.queue_sweep();

    for _ in 0..20 {
        world.flush_qdel();
        world.spawn_batch((0..2 * STEP).map(|_| Paint));
    }

    assert_eq!(world.resource::<Reports>().0.len(), 1);
}

#[test]
fn namesakes_come_in_the_same_order_in_slices() {
    let reports = [Pace::AtOnce, Pace::Budget(Duration::ZERO)].map(|pace| {
        let mut world = stage();
        set_pace(&mut world, pace);
        // The first is tracked, the second is not.
        world.track_references::<west::Guard>();
        let registry = world.resource::<AppTypeRegistry>().clone();
        registry.write().register::<east::Guard>();
        let [goblin] = spawn_many(&mut world);
        let guard = (east::Guard(Some(goblin)), west::Guard(None));
        let guard = world.spawn(guard).id();
        despawn_all(&mut world, [goblin]);
        plant::<west::Guard>(&mut world, guard, |guard| guard.0 = Some(goblin));
        world.queue_sweep();
        flushes_until_finished(&mut world);
        let report = world.resource_mut::<Reports>().0.remove(0);
        let leftovers = report.leftovers.into_iter();
        leftovers.map(|at| at.place.component).collect::<Vec<_>>()
    });

    assert_eq!(reports[0].len(), 2);
    assert_eq!(reports[0], reports[1]);
}

mod east {
    use super::{Component, Entity, Reflect, ReflectComponent};

    #[derive(Component, Reflect)]
    #[reflect(Component)]
    pub(super) struct Guard(pub(super) Option<Entity>);
}

mod west {
    use super::{Component, Entity};

    #[derive(Component, qdel::References)]
    pub(super) struct Guard(#[entities] pub(super) Option<Entity>);
}

#[test]
fn sweep_is_done_at_once_when_somebody_drains() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    world.spawn_batch((0..5 * STEP).map(|_| Paint));
    let last = world
        .spawn(Mind {
            target: Some(goblin),
            ..Mind::default()
        })
        .id();
    despawn_all(&mut world, [goblin]);
    world.queue_sweep();
    world.flush_qdel();

    world.drain_qdel();

    assert_eq!(world.resource::<Reports>().0.len(), 1);
    assert_eq!(world.get::<Mind>(last).unwrap().target, None);
}

#[test]
fn holder_that_moves_to_another_archetype_is_met_once() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let minds: Vec<_> = (0..3 * STEP)
        .map(|_| {
            let target = Some(goblin);
            world
                .spawn(Mind {
                    target,
                    ..Mind::default()
                })
                .id()
        })
        .collect();
    despawn_all(&mut world, [goblin]);
    world.queue_sweep();

    let mut flushes = 0;
    while world.resource::<Reports>().0.is_empty() {
        world.flush_qdel();
        flushes += 1;
        for &mind in &minds {
            let mut mind = world.entity_mut(mind);
            if flushes % 2 == 1 {
                mind.insert((Paint, Flag));
            } else {
                mind.remove::<(Paint, Flag)>();
            }
        }
    }

    let report = &world.resource::<Reports>().0[0];
    let holders: Vec<_> = report.leftovers.iter().map(|at| at.holder.entity).collect();
    assert_eq!(holders, minds);
}

/// Wants to know who names it still.
#[derive(Component)]
struct Curious;

impl Destroy for Curious {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        DestroyHint::FindReferencesOnFail
    }
}

#[test]
fn who_is_only_to_be_found_is_not_cleared_by_a_sweep_that_runs() {
    let mut world = stage();
    world.register_destroy::<Curious>();
    let curious = world.spawn(Curious).id();
    world.spawn_batch((0..4 * STEP).map(|_| Paint));
    let target = Some(curious);
    let last = world
        .spawn(Mind {
            target,
            ..Mind::default()
        })
        .id();
    world.init_resource::<Asked>();
    world.add_observer(|found: On<ReferencesFound>, mut asked: ResMut<Asked>| {
        asked.0.push(found.report.holders.len());
    });
    world.queue_sweep();
    world.flush_qdel();

    world.qdel(curious).unwrap();
    for _ in 0..20 {
        world.flush_qdel();
    }

    assert_eq!(world.resource::<Asked>().0, [1]);
    assert_eq!(world.get::<Mind>(last).unwrap().target, target);
}

#[derive(Resource, Default)]
struct Asked(Vec<usize>);

#[test]
fn what_is_deleted_meanwhile_is_found_by_the_next_sweep_at_the_latest() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let first = world
        .spawn(Mind {
            target: Some(goblin),
            ..Mind::default()
        })
        .id();
    world.spawn_batch((0..4 * STEP).map(|_| Paint));
    world.queue_sweep();
    world.flush_qdel();

    world.qdel(goblin).unwrap();
    world.flush_qdel();
    world.queue_sweep();
    for _ in 0..20 {
        world.flush_qdel();
    }

    assert_eq!(world.get::<Mind>(first).unwrap().target, None);
    let reports = &world.resource::<Reports>().0;
    let leftovers: Vec<_> = reports.iter().map(|at| at.leftovers.len()).collect();
    assert_eq!(leftovers, [0, 1]);
}

#[test]
fn sweep_in_slices_goes_on_after_a_panic() {
    let mut world = stage();
    world.track_references::<Coward>();
    let [goblin] = spawn_many(&mut world);
    let coward = world.spawn(Coward::default()).id();
    world.spawn_batch((0..2 * STEP).map(|_| Paint));
    let target = Some(goblin);
    let last = world.spawn(Mind::default()).id();
    world.get_mut::<Mind>(last).unwrap().target = target;
    despawn_all(&mut world, [goblin]);
    plant::<Coward>(&mut world, coward, |coward| coward.0 = target);
    world.queue_sweep();

    let panicked = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));
    flushes_until_finished(&mut world);

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"boom"));
    let report = &world.resource::<Reports>().0[0];
    let expected = [
        (coward, "Coward.0", goblin, LeftoverState::Emptied),
        (last, "Mind.target", goblin, LeftoverState::Emptied),
    ];
    assert_eq!(found(report), said(expected));
}

#[test]
fn declared_fields_are_read_before_a_sweep_that_was_requested() {
    let [at_once, requested] = [false, true].map(|is_requested| {
        let mut world = stage();
        let [goblin, orc] = spawn_many(&mut world);
        let vow = world.spawn(Vow { to: orc }).id();
        despawn_all(&mut world, [goblin]);
        world.get_mut::<Vow>(vow).unwrap().to = goblin;
        let report = if is_requested {
            world.queue_sweep();
            flushes_until_finished(&mut world);
            world.resource_mut::<Reports>().0.remove(0)
        } else {
            world.sweep()
        };
        (found(&report), world.get::<Vow>(vow).is_some())
    });

    assert_eq!(at_once, (vec![], false));
    assert_eq!(requested, at_once);
}

/// Returns a world whose sweeps take a step each flush.
fn stage() -> World {
    let mut world = super::stage();
    world.track_references::<Chief>();
    let registry = AppTypeRegistry::default();
    {
        let mut registry = registry.write();
        registry.register::<Mob>();
        registry.register::<Mind>();
        registry.register::<Carved>();
        registry.register::<Boss>();
    }
    world.insert_resource(registry);
    world.init_resource::<Reports>();
    world.add_observer(
        |finished: On<SweepFinished>, mut reports: ResMut<Reports>| {
            reports.0.push(finished.report.clone());
        },
    );
    let hand = Arc::new(AtomicU64::new(0));
    let clock = move || Duration::from_millis(hand.fetch_add(1, Ordering::Relaxed));
    world.insert_resource(WorkClock::new(clock));
    set_pace(&mut world, Pace::Budget(Duration::from_millis(1)));
    world
}

fn set_pace(world: &mut World, pace: Pace) {
    let settings = QdelSettings::default().with_sweep(Mode::OnDemand);
    world.insert_resource(settings.with_sweep_pace(pace));
}

fn flushes_until_finished(world: &mut World) -> usize {
    let mut flushes = 0;
    while world.resource::<Reports>().0.is_empty() {
        assert!(flushes < 100, "a sweep should end");
        world.flush_qdel();
        flushes += 1;
    }
    flushes
}
