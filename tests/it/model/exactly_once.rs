//! Everything at once: whatever deletes whatever, at whatever moment, each deletion happens once.
//!
//! Rule Q3 of the design in the large, with the hints of Q6 and the timers of Q9.

use core::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use std::sync::Arc;

use bevy_ecs::{prelude::*, world::DeferredWorld};
use proptest::{collection::vec, prelude::*};
use qdel::{Costs, Deleting, QdelCounts, WorkClock, prelude::*};

use crate::stage::in_a_process_of_its_own;

// Q3: a crowd with wills.

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

/// Where an entity stands in its life, by what was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Alive,
    Deleting(Heard),
    /// It is despawned this moment.
    Leaving(Heard),
    Gone,
}

/// How often what happened in one deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Heard {
    told: [u8; 2],
    observed: u8,
    destroyed: u8,
    is_forced: bool,
}

/// Follows the life of each entity through the story: marked once, told once, destroyed once at most, in that order,
/// and then kept or despawned.
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

/// Checks who must be gone after `deed`, and that nobody who is gone has a timer.
fn check_tear_down(world: &World, crowd: &[Entity], deed: &Deed) -> Result<(), TestCaseError> {
    let is_waiting = |entity: &&Entity| world.liveness(**entity) == Liveness::Deleting;
    for &entity in crowd.iter().filter(is_waiting) {
        let hint = last_hint(world, entity);
        let must_be_gone = match deed {
            _ if hint == Some(Hint::HardDeleteNow) => true,
            Deed::Drain => hint != Some(Hint::IWillHandleIt),
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
fn last_hint(world: &World, entity: Entity) -> Option<Hint> {
    let story = world.resource::<Story>().0.iter();
    let mut life = story.filter(|line| line.0 == entity).map(|line| line.1);
    match life.rfind(|event| matches!(event, Event::Destroyed(_) | Event::Marked)) {
        Some(Event::Destroyed(hint)) => Some(hint),
        _ => None,
    }
}

/// Returns the stage of a life after `event`, if that may happen in it.
fn next(stage: Stage, event: Event) -> Option<Stage> {
    match (stage, event) {
        (Stage::Alive, Event::Marked) => Some(Stage::Deleting(Heard::default())),
        (Stage::Alive, Event::Leaving) => Some(Stage::Leaving(Heard::default())),
        (Stage::Deleting(mut heard), event) => match event {
            Event::Told {
                by,
                cause,
                is_forced,
            } if heard.destroyed == 0 && cause != Cause::Despawn => {
                heard.is_forced = is_forced;
                heard.told[by] += 1;
                (heard.told[by] == 1).then_some(Stage::Deleting(heard))
            }
            Event::Observed if heard.destroyed == 0 && heard.told == [1, 1] => {
                heard.observed += 1;
                (heard.observed == 1).then_some(Stage::Deleting(heard))
            }
            Event::Destroyed(_) if heard.told == [1, 1] && heard.observed == 1 => {
                heard.destroyed += 1;
                (heard.destroyed == 1).then_some(Stage::Deleting(heard))
            }
            Event::Unmarked if !heard.is_forced => {
                (heard.told == [1, 1] && heard.observed == 1).then_some(Stage::Alive)
            }
            Event::Leaving => Some(Stage::Leaving(heard)),
            _ => None,
        },
        (Stage::Leaving(mut heard), event) => match event {
            // It was marked and not told about, or not even marked.
            Event::Told {
                by,
                cause: Cause::Despawn,
                ..
            } => {
                heard.told[by] += 1;
                (heard.told[by] == 1).then_some(Stage::Leaving(heard))
            }
            Event::Unmarked => Some(stage),
            Event::Left => (heard.told == [1, 1]).then_some(Stage::Gone),
            _ => None,
        },
        (Stage::Gone, Event::Unmarked) => Some(Stage::Gone),
        _ => None,
    }
}

/// Checks what must hold when the dust has settled.
fn check_ending(world: &mut World, crowd: &[Entity]) -> Result<(), TestCaseError> {
    let story = world.resource::<Story>().0.clone();
    let mut in_force = 0;
    for &entity in crowd {
        let is_left_alone = last_hint(world, entity) == Some(Hint::IWillHandleIt);
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
    let handled = count(|event| event == Event::Destroyed(Hint::IWillHandleIt));
    prop_assert_eq!(counts.left_alone, handled);
    prop_assert_eq!(world.flush_qdel(), 0);
    Ok(())
}

/// Returns the counts, which a world that never deleted does not have.
fn counts(world: &World) -> QdelCounts {
    world.get_resource().copied().unwrap_or_default()
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
    hints: Vec<Vec<Hint>>,
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

fn hint() -> impl Strategy<Value = Hint> {
    prop_oneof![
        2 => Just(Hint::Queue),
        1 => Just(Hint::FindReferencesOnFail),
        1 => Just(Hint::FindReferences),
        1 => Just(Hint::HardDelete),
        1 => Just(Hint::HardDeleteNow),
        1 => Just(Hint::IWillHandleIt),
        3 => Just(Hint::LetMeLive),
    ]
}

fn settings() -> impl Strategy<Value = QdelSettings> {
    let teardown = prop_oneof![
        3 => Just(Teardown::EndOfFrame),
        1 => Just(Teardown::Budget(Duration::ZERO)),
        2 => Just(Teardown::Immediate),
    ];
    let costs = prop_oneof![3 => Just(Costs::Ignore), 1 => Just(Costs::Measure)];
    (teardown, costs).prop_map(|(teardown, costs)| {
        let settings = QdelSettings::default();
        settings.with_teardown(teardown).with_costs(costs)
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

/// What is done when somebody of the crowd is deleted.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Marked,
    /// By itself, or by the chronicler.
    Told {
        by: usize,
        cause: Cause,
        is_forced: bool,
    },
    Observed,
    Destroyed(Hint),
    Unmarked,
    Leaving,
    Left,
}

impl Event {
    fn told(by: usize, told: &Qdeleting) -> Self {
        Self::Told {
            by,
            cause: told.cause,
            is_forced: told.force,
        }
    }
}

/// Somebody of the crowd, who listens on itself.
#[derive(Component)]
struct Actor {
    /// So often it says no.
    vetoes: AtomicUsize,
    /// What it says when it is destroyed, last first.
    hints: Vec<Hint>,
}

/// Hears of others.
#[derive(Component)]
struct Ear;

/// Listens on everybody, and is never deleted.
#[derive(Component)]
struct Chronicler;

impl Actor {
    fn object(&self, _: Received<PreQdel>) -> Verdict {
        let lower = |left: usize| left.checked_sub(1);
        match self
            .vetoes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, lower)
        {
            Ok(_) => Verdict::Veto,
            Err(_) => Verdict::Allow,
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

    fn destroy(&mut self, going: Destroying<Self::Param>) -> Hint {
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

#[derive(Component)]
#[relationship(relationship_target = Cargo)]
struct LoadedOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = LoadedOn, linked_spawn)]
struct Cargo(Vec<Entity>);

// Q3: owned before owner.

/// Its owner is deleted first, and then two join that, one of which owns the other.
#[test]
fn owned_goes_before_its_owner_where_both_joined_a_deleting_one() {
    for is_child_of_the_ship in [true, false] {
        let mut world = World::new();
        world.init_resource::<Gone>();
        world.add_observer(|gone: On<Despawn<Ear>>, mut order: ResMut<Gone>| {
            order.0.push(gone.entity);
        });
        let [ship, chest, coin] = [(); 3].map(|()| world.spawn(Ear).id());
        world.qdel(ship).unwrap();
        if is_child_of_the_ship {
            let coin_is = (ChildOf(ship), LoadedOn(chest));
            world.entity_mut(coin).insert(coin_is);
            world.entity_mut(chest).insert(LoadedOn(ship));
        } else {
            let coin_is = (LoadedOn(ship), ChildOf(chest));
            world.entity_mut(coin).insert(coin_is);
            world.entity_mut(chest).insert(ChildOf(ship));
        }

        world.flush_qdel();

        assert_eq!(world.resource::<Gone>().0, [coin, chest, ship]);
    }
}

/// Who went, in order.
#[derive(Resource, Default)]
struct Gone(Vec<Entity>);

// Q1 and Q3: resources among those that are owned.

#[derive(Resource)]
struct Treasure;

#[test]
fn resource_of_an_entity_that_joins_a_deleting_owner_stays() {
    let mut world = World::new();
    let [ship, chest] = [(); 2].map(|()| world.spawn_empty().id());
    world.qdel(ship).unwrap();
    world.entity_mut(chest).insert(ChildOf(ship));
    let treasure = world.spawn((Treasure, ChildOf(chest))).id();

    world.flush_qdel();

    let states = [ship, chest, treasure].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone, Liveness::Gone, Liveness::Alive]);
    assert!(world.contains_resource::<Treasure>());
}

#[test]
fn resource_that_an_entity_owns_survives_the_shutdown() {
    let mut world = World::new();
    let chest = world.spawn_empty().id();
    let treasure = world.spawn((Treasure, ChildOf(chest))).id();

    let torn_down = world.shutdown_qdel();

    assert_eq!(torn_down, 1);
    let states = [chest, treasure].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone, Liveness::Alive]);
    assert!(world.contains_resource::<Treasure>());
}

// Q3: nothing touches the stack, and nothing is quadratic.

/// Answers with a hint, and deletes the next.
#[derive(Component)]
struct Link {
    hint: Hint,
    next: Option<Entity>,
    destroyed: Arc<AtomicUsize>,
}

impl Destroy for Link {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
        self.destroyed.fetch_add(1, Ordering::Relaxed);
        if let Some(next) = self.next.take() {
            going.param.entity(next).qdel();
        }
        self.hint
    }
}

const LINKS: usize = 100_000;

/// Spawns links that all say `hint`, and returns them with the count of those that were destroyed.
fn spawn_links(world: &mut World, hint: Hint) -> (Vec<Entity>, Arc<AtomicUsize>) {
    world.register_destroy::<Link>();
    let count = Arc::<AtomicUsize>::default();
    let link = || Link {
        hint,
        next: None,
        destroyed: Arc::clone(&count),
    };
    let links = (0..LINKS).map(|_| world.spawn(link()).id());
    let links = links.collect();
    (links, count)
}

/// A stack overflow ends the process, so this one runs in a process of its own.
#[test]
fn chain_of_100_000_whose_destroys_delete_the_next_does_not_touch_the_stack() {
    let test = "chain_of_100_000_whose_destroys_delete_the_next_does_not_touch_the_stack";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, Hint::Queue);
        for pair in links.windows(2) {
            world.get_mut::<Link>(pair[0]).unwrap().next = Some(pair[1]);
        }

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), LINKS);
        assert_eq!(world.flush_qdel(), LINKS);
    });
}

#[test]
fn chain_of_100_000_whose_destroys_delete_the_next_under_immediate_does_not_touch_the_stack() {
    let test =
        "chain_of_100_000_whose_destroys_delete_the_next_under_immediate_does_not_touch_the_stack";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let (links, destroyed) = spawn_links(&mut world, Hint::HardDeleteNow);
        for pair in links.windows(2) {
            world.get_mut::<Link>(pair[0]).unwrap().next = Some(pair[1]);
        }

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), LINKS);
        assert_eq!(world.liveness(links[LINKS - 1]), Liveness::Gone);
        assert_eq!(world.resource::<QdelCounts>().torn_down, LINKS as u64);
    });
}

#[test]
fn chain_of_100_000_lives_with_its_root() {
    let test = "chain_of_100_000_lives_with_its_root";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, Hint::Queue);
        let root = world.get_mut::<Link>(links[0]);
        root.unwrap().hint = Hint::LetMeLive;
        own_each_other(&mut world, &links);

        let answer = world.qdel(links[0]);

        assert_eq!(answer, Ok(Qdel::Kept));
        assert_eq!(destroyed.load(Ordering::Relaxed), 1);
        assert_all(&world, &links, Liveness::Alive);
        assert_eq!(world.resource::<QdelCounts>().kept, LINKS as u64);
        assert_eq!(world.flush_qdel(), 0);
    });
}

#[test]
fn chain_of_100_000_lives_from_where_one_says_so() {
    let test = "chain_of_100_000_lives_from_where_one_says_so";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, Hint::Queue);
        let second = world.get_mut::<Link>(links[1]);
        second.unwrap().hint = Hint::LetMeLive;
        own_each_other(&mut world, &links);

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), 2);
        assert_eq!(world.flush_qdel(), 1);
        assert_all(&world, &links[1..], Liveness::Alive);
    });
}

#[test]
fn chain_of_100_000_lives_of_which_each_says_so() {
    let test = "chain_of_100_000_lives_of_which_each_says_so";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, Hint::LetMeLive);
        own_each_other(&mut world, &links);

        let answer = world.qdel(links[0]);

        assert_eq!(answer, Ok(Qdel::Kept));
        // The root lives, and all others live with it without being destroyed.
        assert_eq!(destroyed.load(Ordering::Relaxed), 1);
        assert_all(&world, &links, Liveness::Alive);
    });
}

#[test]
fn chain_of_100_000_that_are_left_alone_stays_when_its_root_goes() {
    let test = "chain_of_100_000_that_are_left_alone_stays_when_its_root_goes";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, Hint::IWillHandleIt);
        let root = world.get_mut::<Link>(links[0]);
        root.unwrap().hint = Hint::Queue;
        own_each_other(&mut world, &links);

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), LINKS);
        assert_eq!(world.flush_qdel(), 1);
        assert_all(&world, &links[1..], Liveness::Deleting);
    });
}

fn own_each_other(world: &mut World, links: &[Entity]) {
    for pair in links.windows(2) {
        world.entity_mut(pair[1]).insert(ChildOf(pair[0]));
    }
}

fn assert_all(world: &World, entities: &[Entity], state: Liveness) {
    let mut states = entities.iter().map(|entity| world.liveness(*entity));
    assert!(states.all(|at| at == state), "all should be {state:?}");
}
