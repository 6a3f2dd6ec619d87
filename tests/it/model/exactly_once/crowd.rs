//! Q3: a crowd with wills.

use super::*;
use qdel::QdelTimer;

use crate::stage::counts;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn everybody_is_deleted_exactly_as_often_as_that_begins(scene in scene()) {
        let mut world = World::new();
        let crowd = build(&mut world, &scene);

        for deed in &scene.deeds {
            apply(&mut world, &crowd, deed.clone());
            world.check_registrations().unwrap();
            check_deletions(&world, &crowd)?;
            check_tear_down(&world, &crowd, deed)?;
        }
        settle(&mut world);

        check_deletions(&world, &crowd)?;
        world.check_registrations().unwrap();
        check_ending(&mut world, &crowd)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: ProptestConfig::default().cases / 4,
        ..ProptestConfig::default()
    })]

    #[test]
    fn same_run_tells_the_same_story(scene in scene()) {
        let play = || {
            let mut world = World::new();
            let crowd = build(&mut world, &scene);
            for deed in &scene.deeds {
                apply(&mut world, &crowd, deed.clone());
            }
            settle(&mut world);
            let counts = counts(&world);
            (world.remove_resource::<Story>().unwrap().0, counts)
        };

        let [first, second] = [play(), play()];

        prop_assert_eq!(first, second);
    }
}

/// Lets all timers run out and tears everything down. Each will is executed once, so that it ends.
fn settle(world: &mut World) {
    for _ in 0..20 {
        world.advance_qdel_timers(Duration::from_secs(60));
        world.drain_qdel();
        world.flush_qdel();
    }
}

/// Follows the life of each entity through the story: marked once, told once, destroyed once at
/// most, in that order, and then kept or despawned.
fn check_deletions(world: &World, crowd: &[Entity]) -> Result<(), TestCaseError> {
    let story = &world.resource::<Story>().0;
    for &entity in crowd {
        let mut stage = Stage::Alive;
        for line in story.iter().filter(|line| line.0 == entity) {
            stage = match next(stage, line.1) {
                Some(stage) => stage,
                None => {
                    let life: Vec<_> = story.iter().filter(|at| at.0 == entity).collect();
                    let complaint = format!("{:?} in stage {stage:?} in {life:?}", line.1);
                    return Err(TestCaseError::fail(complaint));
                }
            };
        }
        let expected = match stage {
            Stage::Alive => Liveness::Alive,
            Stage::Deleting(_) => Liveness::Deleting,
            Stage::Leaving(_) => return Err(TestCaseError::fail("it did not leave")),
            Stage::Gone => Liveness::Gone,
        };
        prop_assert_eq!(world.liveness(entity), expected);
        if let Stage::Deleting(heard) = stage {
            prop_assert_eq!((heard.told, heard.observed), ([1, 1], 1));
        }
    }
    Ok(())
}

/// Checks which entities must be gone after `deed`, and that none of them has a timer.
fn check_tear_down(world: &World, crowd: &[Entity], deed: &Deed) -> Result<(), TestCaseError> {
    let is_waiting = |entity: &&Entity| world.liveness(**entity) == Liveness::Deleting;
    for &entity in crowd.iter().filter(is_waiting) {
        let hint = last_hint(world, entity);
        let must_be_gone = match deed {
            _ if hint == Some(DestroyHint::HardDeleteNow) => true,
            Deed::Drain => hint != Some(DestroyHint::IWillHandleIt),
            _ => false,
        };
        prop_assert!(!must_be_gone, "{} after {:?}", entity, deed);
    }
    for (timer, _) in world.qdel_timers() {
        prop_assert_ne!(world.liveness(timer.entity()), Liveness::Gone);
    }
    Ok(())
}

/// Returns what an entity said in its last deletion.
fn last_hint(world: &World, entity: Entity) -> Option<DestroyHint> {
    let story = world.resource::<Story>().0.iter();
    let mut life = story.filter(|line| line.0 == entity).map(|line| line.1);
    match life.rfind(|event| matches!(event, Event::Destroyed(_) | Event::Marked)) {
        Some(Event::Destroyed(hint)) => Some(hint),
        _ => None,
    }
}

/// Checks what must hold when the dust has settled.
fn check_ending(world: &mut World, crowd: &[Entity]) -> Result<(), TestCaseError> {
    let story = world.resource::<Story>().0.clone();
    let mut in_force = 0;
    for &entity in crowd {
        let is_left_alone = last_hint(world, entity) == Some(DestroyHint::IWillHandleIt);
        let state = world.liveness(entity);
        prop_assert!(
            state != Liveness::Deleting || is_left_alone,
            "{} is left behind",
            entity
        );
        for registration in world.registrations_on(entity) {
            in_force += 1;
            prop_assert_ne!(world.liveness(registration.listener), Liveness::Gone);
            let of_listener = world.registrations_of(registration.listener);
            prop_assert!(of_listener.contains(&registration));
        }
        if state == Liveness::Alive {
            let told = world.registrations_on(entity);
            prop_assert!(told.len() >= 2, "{} is not listened to any more", entity);
        }
    }
    prop_assert_eq!(world.signal_footprint().registrations, in_force);
    prop_assert_eq!(world.qdel_timers(), []);

    let count = |is_it: fn(Event) -> bool| story.iter().filter(|line| is_it(line.1)).count() as u64;
    let counts = counts(world);
    prop_assert_eq!(counts.deleted, count(|event| event == Event::Marked));
    let handled = count(|event| event == Event::Destroyed(DestroyHint::IWillHandleIt));
    prop_assert_eq!(counts.left_alone, handled);
    prop_assert_eq!(world.flush_qdel(), 0);
    Ok(())
}

const CROWD: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Marked,
    Told,
    Observed,
    Destroyed,
    Unmarked,
    Leaving,
    Left,
}

#[derive(Debug, Clone)]
enum Deed {
    Qdel(usize),
    ForceQdel(usize),
    Batch(Vec<usize>),
    Despawn(usize),
    Attach(usize, usize),
    Load(usize, usize),
    Free(usize),
    Listen(usize, usize),
    Flush,
    Drain,
    Set(QdelSettings),
    QdelIn(usize, u64),
    Cancel,
    Pass(u64),
}

/// A crowd, what each does when it is deleted, and what is done to it.
#[derive(Debug, Clone)]
struct Scene {
    wills: Vec<(Moment, usize, Deed)>,
    hints: Vec<Vec<DestroyHint>>,
    vetoes: Vec<usize>,
    settings: QdelSettings,
    deeds: Vec<Deed>,
}

fn scene() -> impl Strategy<Value = Scene> {
    (
        vec((moment(), 0..CROWD, deed()), 0..25),
        vec(vec(hint(), 0..3), CROWD),
        vec(prop_oneof![6 => Just(0usize), 1 => 1..3usize], CROWD),
        settings(),
        vec(deed(), 1..25),
    )
        .prop_map(|(wills, hints, vetoes, settings, deeds)| Scene {
            wills,
            hints,
            vetoes,
            settings,
            deeds,
        })
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        1 => Just(Moment::Marked),
        2 => Just(Moment::Told),
        2 => Just(Moment::Observed),
        2 => Just(Moment::Destroyed),
        1 => Just(Moment::Unmarked),
        1 => Just(Moment::Leaving),
        1 => Just(Moment::Left),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..CROWD;
    let two = (who.clone(), who.clone());
    prop_oneof![
        4 => who.clone().prop_map(Deed::Qdel),
        1 => who.clone().prop_map(Deed::ForceQdel),
        2 => vec(who.clone(), 0..5).prop_map(Deed::Batch),
        2 => who.clone().prop_map(Deed::Despawn),
        5 => two.clone().prop_map(|(owned, owner)| Deed::Attach(owned, owner)),
        5 => two.clone().prop_map(|(owned, owner)| Deed::Load(owned, owner)),
        1 => who.clone().prop_map(Deed::Free),
        1 => two.prop_map(|(by, on)| Deed::Listen(by, on)),
        1 => Just(Deed::Flush),
        1 => Just(Deed::Drain),
        1 => settings().prop_map(Deed::Set),
        1 => (who, 0..5u64).prop_map(|(who, seconds)| Deed::QdelIn(who, seconds)),
        1 => Just(Deed::Cancel),
        1 => (0..5u64).prop_map(Deed::Pass),
    ]
}

fn settings() -> impl Strategy<Value = QdelSettings> {
    let teardown = prop_oneof![
        3 => Just(Teardown::EndOfFrame),
        1 => Just(Teardown::Budget(Duration::ZERO)),
        2 => Just(Teardown::Immediate),
    ];
    let measures = prop_oneof![3 => Just(false), 1 => Just(true)];
    (teardown, measures).prop_map(|(teardown, measures)| {
        let settings = QdelSettings::default();
        settings
            .with_teardown(teardown)
            .with_measure_costs(measures)
    })
}

/// Fills an empty world with the crowd of a scene.
fn build(world: &mut World, scene: &Scene) -> [Entity; CROWD] {
    world.init_resource::<Story>();
    world.insert_resource(scene.settings);
    let clock = AtomicUsize::new(0);
    let tick = move || Duration::from_micros(clock.fetch_add(1, Ordering::Relaxed) as u64);
    world.insert_resource(WorkClock::new(tick));
    world.register_destroy::<Actor>();
    let chronicler = world.spawn(Chronicler).id();
    let crowd = core::array::from_fn(|number| {
        let actor = Actor {
            vetoes: AtomicUsize::new(scene.vetoes[number]),
            hints: scene.hints[number].clone(),
        };
        let entity = world.spawn((actor, Ear)).id();
        world
            .register_signal(entity, entity, Actor::object)
            .unwrap();
        world.register_signal(entity, entity, Actor::hear).unwrap();
        world
            .register_signal(chronicler, entity, Chronicler::hear)
            .unwrap();
        entity
    });
    world.insert_resource(Wills {
        crowd,
        wills: scene.wills.clone(),
        timers: Vec::new(),
    });
    world.add_observer(|marked: On<Insert<Deleting>>, world: DeferredWorld| {
        note(world, marked.entity, Event::Marked, Some(Moment::Marked));
    });
    world.add_observer(|told: On<Qdeleting>, world: DeferredWorld| {
        note(world, told.entity, Event::Observed, Some(Moment::Observed));
    });
    world.add_observer(|unmarked: On<Remove<Deleting>>, world: DeferredWorld| {
        note(
            world,
            unmarked.entity,
            Event::Unmarked,
            Some(Moment::Unmarked),
        );
    });
    world.add_observer(|leaving: On<Despawn<Actor>>, world: DeferredWorld| {
        note(world, leaving.entity, Event::Leaving, Some(Moment::Leaving));
    });
    world.add_observer(|left: On<Remove<Actor>>, world: DeferredWorld| {
        note(world, left.entity, Event::Left, Some(Moment::Left));
    });
    crowd
}

/// Writes down what happens to an actor, and has done what is to be done then.
fn note(mut world: DeferredWorld, entity: Entity, event: Event, moment: Option<Moment>) {
    world.resource_mut::<Story>().0.push((entity, event));
    let Some(moment) = moment else {
        return;
    };
    let mut wills = world.resource_mut::<Wills>();
    let crowd = wills.crowd;
    for deed in wills.take(moment, entity) {
        world
            .commands()
            .queue(move |world: &mut World| apply(world, &crowd, deed));
    }
}

fn apply(world: &mut World, crowd: &[Entity; CROWD], deed: Deed) {
    let both_there = |world: &World, one: usize, other: usize| {
        let is_there = |who: usize| world.entities().contains_spawned(crowd[who]);
        one != other && is_there(one) && is_there(other)
    };
    match deed {
        Deed::Qdel(who) => {
            world.qdel(crowd[who]).ok();
        }
        Deed::ForceQdel(who) => {
            world.force_qdel(crowd[who]).ok();
        }
        Deed::Batch(who) => {
            world.qdel_batch(who.into_iter().map(|who| crowd[who]));
        }
        Deed::Despawn(who) => {
            world.try_despawn(crowd[who]).ok();
        }
        Deed::Attach(owned, owner) if both_there(world, owned, owner) => {
            world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
        }
        Deed::Load(owned, owner) if both_there(world, owned, owner) => {
            world
                .entity_mut(crowd[owned])
                .insert(LoadedOn(crowd[owner]));
        }
        Deed::Attach(..) | Deed::Load(..) => {}
        Deed::Free(who) => {
            if let Ok(mut entity) = world.get_entity_mut(crowd[who]) {
                entity.remove::<(ChildOf, LoadedOn)>();
            }
        }
        Deed::Listen(by, on) => {
            let [by, on] = [crowd[by], crowd[on]];
            let may_not = [by, on].map(|entity| world.liveness(entity)) != [Liveness::Alive; 2];
            let hear = |_: &mut Ear, _: Received<Qdeleting>| {};
            let registered = world.register_signal(by, on, hear);
            assert!(!(may_not && registered.is_ok()));
        }
        Deed::Flush => {
            world.flush_qdel();
        }
        Deed::Drain => {
            world.drain_qdel();
        }
        Deed::Set(settings) => world.insert_resource(settings),
        Deed::QdelIn(who, seconds) => {
            let timer = world.qdel_in(crowd[who], Duration::from_secs(seconds));
            world.resource_mut::<Wills>().timers.extend(timer.ok());
        }
        Deed::Cancel => {
            if let Some(timer) = world.resource_mut::<Wills>().timers.pop() {
                world.cancel_qdel(timer).ok();
            }
        }
        Deed::Pass(seconds) => {
            world.advance_qdel_timers(Duration::from_secs(seconds));
        }
    }
}

/// What is done when an entity of the crowd is deleted.
#[derive(Resource)]
struct Wills {
    crowd: [Entity; CROWD],
    wills: Vec<(Moment, usize, Deed)>,
    timers: Vec<QdelTimer>,
}

impl Wills {
    /// Takes what is to be done at this moment in the life of `entity`.
    fn take(&mut self, moment: Moment, entity: Entity) -> Vec<Deed> {
        let crowd = self.crowd;
        let wills = &mut self.wills;
        let due = wills.extract_if(.., |will| will.0 == moment && crowd[will.1] == entity);
        due.map(|will| will.2).collect()
    }
}

/// What happened, in order.
#[derive(Resource, Default)]
struct Story(Vec<(Entity, Event)>);

/// An entity of the crowd, which listens on itself.
#[derive(Component)]
struct Actor {
    /// So often it says no.
    vetoes: AtomicUsize,
    /// What it says when it is destroyed, last first.
    hints: Vec<DestroyHint>,
}

/// Listens on every entity, and is never deleted.
#[derive(Component)]
struct Chronicler;

impl Actor {
    fn object(&self, _: Received<PreQdel>) -> QdelVerdict {
        let lower = |left: usize| left.checked_sub(1);
        match self
            .vetoes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, lower)
        {
            Ok(_) => QdelVerdict::Veto,
            Err(_) => QdelVerdict::Allow,
        }
    }

    fn hear(world: DeferredWorld, told: Received<Qdeleting, Self>) {
        note(
            world,
            told.entity,
            Event::told(0, &told),
            Some(Moment::Told),
        );
    }
}

impl Chronicler {
    fn hear(world: DeferredWorld, told: Received<Qdeleting, Self>) {
        note(world, told.entity, Event::told(1, &told), None);
    }
}

impl Destroy for Actor {
    type Param = (
        Commands<'static, 'static>,
        ResMut<'static, Story>,
        ResMut<'static, Wills>,
    );

    fn destroy(&mut self, going: DestroyContext<Self::Param>) -> DestroyHint {
        let (mut commands, mut story, mut wills) = going.param;
        let hint = self.hints.pop().unwrap_or_default();
        story.0.push((going.entity, Event::Destroyed(hint)));
        let crowd = wills.crowd;
        for deed in wills.take(Moment::Destroyed, going.entity) {
            commands.queue(move |world: &mut World| apply(world, &crowd, deed));
        }
        hint
    }
}
