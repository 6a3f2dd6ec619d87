//! Many deletions in one go.
//!
//! Rules Q3 and Q9 of the design, for `qdel_batch`.

use bevy_ecs::{entity::EntityHashSet, prelude::*, world::DeferredWorld};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelBatchOutcome, QdelCause, QdelError, prelude::*, statistics::QdelCounts};

use crate::stage::{LoadedOn, counts, panic_of};

// Q9: what it answers.

#[test]
fn each_entity_stands_in_one_list_in_the_order_given() {
    let mut world = stage();
    let [orc, king, gone, cat, ghost, elf, queen, kitten] = spawn_many(&mut world);
    veto(&mut world, king);
    veto(&mut world, queen);
    world.despawn(gone);
    give_lives(&mut world, cat, 1);
    give_lives(&mut world, kitten, 1);
    world.qdel(ghost).unwrap();
    let weather = world.resource_entity::<Story>().unwrap();

    let batch = world.qdel_batch([
        kitten, queen, orc, weather, ghost, king, elf, gone, cat, orc,
    ]);

    assert_eq!(batch.queued, [orc, elf]);
    assert_eq!(batch.kept, [kitten, cat]);
    assert_eq!(batch.vetoed, [queen, king]);
    assert_eq!(batch.already_deleting, [ghost, orc]);
    let refused = [
        QdelError::Resource {
            entity: weather,
            resource: weather,
        },
        QdelError::NotSpawned { entity: gone },
    ];
    assert_eq!(batch.refused, refused);
}

#[test]
fn empty_batch_does_nothing() {
    for mut world in [stage(), World::new()] {
        let batch = world.qdel_batch([]);

        assert_eq!(batch, QdelBatchOutcome::default());
        assert_eq!(world.flush_qdel(), 0);
    }
}

/// As where the only one that is given is vetoed.
#[test]
fn batch_that_deletes_nobody_leaves_what_waits() {
    let mut world = stage();
    let [orc, king] = spawn_many(&mut world);
    world.qdel(orc).unwrap();
    veto(&mut world, king);
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));

    world.qdel(king).unwrap();
    let after_one = world.liveness(orc);
    world.qdel_batch([king]);
    world.qdel_batch([]);

    assert_eq!([after_one, world.liveness(orc)], [Liveness::Deleting; 2]);
}

#[test]
fn entity_given_twice_is_told_once() {
    let mut world = stage();
    let [orc] = spawn_many(&mut world);

    let batch = world.qdel_batch([orc, orc, orc]);

    assert_eq!(batch.queued, [orc]);
    assert_eq!(batch.already_deleting, [orc, orc]);
    assert_eq!(told(&world), [(orc, QdelCause::Qdel)]);
}

#[test]
fn owned_entity_after_its_owner_goes_with_it() {
    let mut world = stage();
    let [orc, axe] = spawn_many(&mut world);
    world.entity_mut(axe).insert(ChildOf(orc));

    let batch = world.qdel_batch([orc, axe]);

    assert_eq!(batch.queued, [orc]);
    assert_eq!(batch.already_deleting, [axe]);
    assert_eq!(
        told(&world),
        [(orc, QdelCause::Qdel), (axe, QdelCause::Owner(orc))]
    );
}

#[test]
fn owned_entity_before_its_owner_goes_on_its_own_account() {
    let mut world = stage();
    let [orc, axe] = spawn_many(&mut world);
    world.entity_mut(axe).insert(ChildOf(orc));

    let batch = world.qdel_batch([axe, orc]);
    world.flush_qdel();

    assert_eq!(batch.queued, [axe, orc]);
    assert_eq!(
        told(&world),
        [(axe, QdelCause::Qdel), (orc, QdelCause::Qdel)]
    );
    assert_eq!(gone(&world), [axe, orc]);
}

#[test]
fn batch_counts_like_calls() {
    let mut world = stage();
    let [orc, axe, king, gone, cat] = spawn_many(&mut world);
    world.entity_mut(axe).insert(ChildOf(orc));
    veto(&mut world, king);
    give_lives(&mut world, cat, 1);
    world.despawn(gone);

    world.qdel_batch([orc, king, gone, axe, cat]);
    world.flush_qdel();

    let counts = *world.resource::<QdelCounts>();
    assert_eq!((counts.deleted, counts.kept, counts.torn_down), (3, 1, 2));
    assert_eq!((counts.vetoed, counts.repeated, counts.refused), (1, 1, 1));
}

// Q9: a veto saves one and not all.

#[test]
fn vetoed_entity_stays_and_the_others_go() {
    let mut world = stage();
    let [orc, king, crown, elf] = spawn_many(&mut world);
    world.entity_mut(crown).insert(ChildOf(king));
    veto(&mut world, crown);

    let batch = world.qdel_batch([orc, king, elf]);

    assert_eq!(batch.vetoed, [king]);
    assert_eq!(
        told(&world),
        [(orc, QdelCause::Qdel), (elf, QdelCause::Qdel)]
    );
    assert_states(&world, &[king, crown], Liveness::Alive);
}

#[test]
fn what_a_vetoed_owner_owns_can_be_deleted_by_itself() {
    let mut world = stage();
    let [king, crown] = spawn_many(&mut world);
    world.entity_mut(crown).insert(ChildOf(king));
    veto(&mut world, king);

    let batch = world.qdel_batch([king, crown]);

    assert_eq!(batch.vetoed, [king]);
    assert_eq!(batch.queued, [crown]);
    assert_eq!(told(&world), [(crown, QdelCause::Qdel)]);
}

#[test]
fn what_a_vetoed_owner_owns_goes_with_another_owner() {
    let mut world = stage();
    let [king, castle, crown] = spawn_many(&mut world);
    world
        .entity_mut(crown)
        .insert((ChildOf(king), LoadedOn(castle)));
    veto(&mut world, king);

    let batch = world.qdel_batch([king, castle]);

    assert_eq!(batch.queued, [castle]);
    let expected = [(castle, QdelCause::Qdel), (crown, QdelCause::Owner(castle))];
    assert_eq!(told(&world), expected);
}

#[test]
fn vetoed_entity_given_twice_is_vetoed_twice() {
    let mut world = stage();
    let [king] = spawn_many(&mut world);
    veto(&mut world, king);

    let batch = world.qdel_batch([king, king]);

    assert_eq!(batch.vetoed, [king, king]);
    assert_eq!(batch.already_deleting, []);
    assert_eq!(world.resource::<QdelCounts>().vetoed, 2);
}

#[test]
fn what_the_owner_of_a_resource_owns_can_be_deleted_by_itself() {
    let mut world = stage();
    let [king, crown] = spawn_many(&mut world);
    world.entity_mut(crown).insert(ChildOf(king));
    let story = world.resource_entity::<Story>().unwrap();
    world.entity_mut(story).insert(ChildOf(king));

    let batch = world.qdel_batch([king, crown]);

    assert_eq!(batch.queued, [crown]);
    assert_eq!(told(&world), [(crown, QdelCause::Qdel)]);
}

#[test]
fn handlers_of_the_question_see_everybody_alive() {
    #[derive(Component)]
    struct Elder([Entity; 3]);

    let mut world = stage();
    let crowd: [Entity; 3] = spawn_many(&mut world);
    let elder = world.spawn(Elder(crowd)).id();
    let check = |world: &World, asked: Received<PreQdel, Elder>| {
        let elder = world.get::<Elder>(asked.listener()).unwrap();
        let states = elder.0.map(|entity| world.liveness(entity));
        assert_eq!(states, [Liveness::Alive; 3]);
        QdelVerdict::Allow
    };
    for entity in crowd {
        world.register_signal(elder, entity, check).unwrap();
    }

    let batch = world.qdel_batch(crowd);

    assert_eq!(batch.queued, crowd);
}

// Q9: all in one go.

#[test]
fn all_are_told_before_any_is_destroyed_and_destroyed_before_any_is_torn_down() {
    let mut world = immediate_stage();
    let [orc, axe, elf] = spawn_many(&mut world);
    world.entity_mut(axe).insert(ChildOf(orc));
    for entity in [orc, axe, elf] {
        give_lives(&mut world, entity, 0);
    }

    world.qdel_batch([orc, elf]);

    let kinds: Vec<_> = world.resource::<Story>().0.iter().map(Line::kind).collect();
    let expected = [
        "told",
        "observed",
        "told",
        "observed",
        "told",
        "observed",
        "destroyed",
        "destroyed",
        "destroyed",
        "torn down",
        "torn down",
        "torn down",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(gone(&world), [axe, orc, elf]);
}

#[test]
fn handlers_see_that_the_others_go_too() {
    #[derive(Component)]
    struct Friend(Vec<Entity>);

    let mut world = stage();
    let [orc, elf, wolf] = spawn_many(&mut world);
    let check = |friend: DeferredWorld, told: Received<Qdeleting, Friend>| {
        let others = &friend.get::<Friend>(told.listener()).unwrap().0;
        let states = others.iter().map(|other| friend.liveness(*other));
        assert!(states.eq([Liveness::Deleting; 2]));
    };
    for (entity, others) in [(orc, [elf, wolf]), (elf, [orc, wolf]), (wolf, [orc, elf])] {
        world.entity_mut(entity).insert(Friend(others.to_vec()));
        world.register_signal(entity, entity, check).unwrap();
    }

    let batch = world.qdel_batch([orc, elf, wolf]);

    assert_eq!(batch.queued, [orc, elf, wolf]);
}

#[test]
fn batch_in_a_command_of_a_handler_marks_at_once_and_is_told_afterwards() {
    #[derive(Component)]
    struct Avenger(Vec<Entity>);
    #[derive(Resource, Default)]
    struct Answer(QdelBatchOutcome, Vec<(Entity, QdelCause)>);

    let mut world = stage();
    world.init_resource::<Answer>();
    let [hero, orc, elf, cat] = spawn_many(&mut world);
    give_lives(&mut world, cat, 1);
    world
        .entity_mut(hero)
        .insert(Avenger(vec![orc, hero, elf, cat]));
    let avenge = |mut world: DeferredWorld, notice: Received<Qdeleting, Avenger>| {
        let prey = world.get::<Avenger>(notice.listener()).unwrap().0.clone();
        world.commands().queue(move |world: &mut World| {
            let batch = world.qdel_batch(prey);
            assert_states(world, &batch.queued, Liveness::Deleting);
            let told_then = told(world);
            *world.resource_mut::<Answer>() = Answer(batch, told_then);
        });
    };
    world.register_signal(hero, hero, avenge).unwrap();

    world.qdel(hero).unwrap();

    let Answer(batch, told_then) = world.remove_resource::<Answer>().unwrap();
    // Whether it lives on is not decided when the batch returns.
    assert_eq!(batch.queued, [orc, elf, cat]);
    assert_eq!(batch.already_deleting, [hero]);
    assert_eq!(told_then, [(hero, QdelCause::Qdel)]);
    let expected = [hero, orc, elf, cat].map(|entity| (entity, QdelCause::Qdel));
    assert_eq!(told(&world), expected);
    assert_states(&world, &[cat], Liveness::Alive);
}

#[test]
fn batch_command_deletes_all_and_passes_over_who_is_gone() {
    let mut world = stage();
    let [orc, gone, elf] = spawn_many(&mut world);
    world.despawn(gone);

    world.commands().qdel_batch([orc, gone, elf, orc]);
    world.flush();

    assert_eq!(
        told(&world).split_off(1),
        [(orc, QdelCause::Qdel), (elf, QdelCause::Qdel)]
    );
}

// Q9: panics.

/// Who calls it may have emptied a field or spent a timer by now, so the others must go.
#[test]
fn panic_of_the_question_is_a_veto_of_one_and_goes_on() {
    let mut world = stage();
    let [orc, bomb, elf] = spawn_many(&mut world);
    let explode = |_: &Item, _: Received<PreQdel>| -> QdelVerdict { panic!("boom") };
    world.register_signal(bomb, bomb, explode).unwrap();

    let panicked = panic_of(|| world.qdel_batch([orc, bomb, elf]));

    assert_eq!(panicked, "boom");
    assert_states(&world, &[bomb], Liveness::Alive);
    assert_states(&world, &[orc, elf], Liveness::Deleting);
    assert_eq!(world.flush_qdel(), 2);
    world
        .unregister_signal::<Item, PreQdel>(bomb, bomb)
        .unwrap();
    assert_eq!(world.qdel_batch([bomb]).queued, [bomb]);
}

#[test]
fn panic_of_the_question_goes_on_though_nobody_is_deleted() {
    let mut world = stage();
    let [bomb] = spawn_many(&mut world);
    let explode = |_: &Item, _: Received<PreQdel>| -> QdelVerdict { panic!("boom") };
    world.register_signal(bomb, bomb, explode).unwrap();

    let panicked = panic_of(|| world.qdel_batch([bomb]));

    assert_eq!(panicked, "boom");
    assert_states(&world, &[bomb], Liveness::Alive);
}

#[test]
fn panic_of_the_question_inside_a_deletion_is_a_veto_of_one() {
    let mut world = stage();
    let [hero, orc, bomb, elf] = spawn_many(&mut world);
    let explode = |_: &Item, _: Received<PreQdel>| -> QdelVerdict { panic!("boom") };
    world.register_signal(bomb, bomb, explode).unwrap();
    world.add_observer(move |told: On<Qdeleting>, mut commands: Commands| {
        if told.entity == hero {
            commands.qdel_batch([orc, bomb, elf]);
        }
    });

    let panicked = panic_of(|| world.qdel(hero));
    world.flush_qdel();

    assert_eq!(panicked, "boom");
    assert_states(&world, &[hero, orc, elf], Liveness::Gone);
    assert_states(&world, &[bomb], Liveness::Alive);
}

#[test]
fn panic_of_a_handler_goes_on_after_all_were_told() {
    for mut world in [stage(), immediate_stage()] {
        let [orc, bomb, elf] = spawn_many(&mut world);
        let explode = |_: DeferredWorld, _: Received<Qdeleting, Bomb>| panic!("boom");
        world.entity_mut(bomb).insert(Bomb);
        world.register_signal(bomb, bomb, explode).unwrap();

        let panicked = panic_of(|| world.qdel_batch([orc, bomb, elf]));
        world.flush_qdel();

        assert_eq!(panicked, "boom");
        let expected = [orc, bomb, elf].map(|entity| (entity, QdelCause::Qdel));
        assert_eq!(told(&world), expected);
        assert_eq!(gone(&world), [orc, bomb, elf]);
        world.check_registrations().unwrap();
    }
}

// Q3: in the large.

#[test]
fn batch_of_10_000_is_gone_when_it_returns_under_immediate() {
    let mut world = immediate_stage();
    let crowd: Vec<_> = (0..10_000).map(|_| spawn_item(&mut world)).collect();
    for pair in crowd.chunks(2) {
        world.entity_mut(pair[0]).insert(ChildOf(pair[1]));
    }

    let batch = world.qdel_batch(crowd.iter().copied());

    assert!(batch.queued == crowd, "each stands before its owner");
    assert_eq!(told(&world).len(), crowd.len());
    assert!(gone(&world) == crowd);
    assert_eq!(world.signal_footprint().registrations, 0);
}

// Q9: as one after the other.

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 4 * ProptestConfig::default().cases,
        ..ProptestConfig::default()
    })]

    #[test]
    fn batch_deletes_what_a_sequence_of_deletions_does(
        ownerships in vec((any::<bool>(), 0..CROWD, 0..CROWD), 0..20),
        vetoes in vec(0..CROWD, 0..3),
        before in vec((any::<bool>(), 0..CROWD), 0..3),
        treasurer in prop::option::weighted(0.2, 0..CROWD),
        roots in vec(0..CROWD, 0..8),
        immediate in any::<bool>(),
    ) {
        let build = || {
            let mut world = stage();
            let crowd: [Entity; CROWD] = spawn_many(&mut world);
            for &(by_child_of, owned, owner) in &ownerships {
                if owned == owner {
                    continue;
                }
                let mut owned = world.entity_mut(crowd[owned]);
                if by_child_of {
                    owned.insert(ChildOf(crowd[owner]));
                } else {
                    owned.insert(LoadedOn(crowd[owner]));
                }
            }
            for &who in &vetoes {
                if !world.has_listeners::<PreQdel>(crowd[who]) {
                    veto(&mut world, crowd[who]);
                }
            }
            for &(by_qdel, who) in &before {
                if by_qdel {
                    world.qdel(crowd[who]).ok();
                } else {
                    world.try_despawn(crowd[who]).ok();
                }
            }
            if let Some(treasurer) = treasurer
                && world.entities().contains_spawned(crowd[treasurer])
            {
                world.spawn((Weather, ChildOf(crowd[treasurer])));
            }
            if immediate {
                let settings = QdelSettings::default().with_teardown(Teardown::Immediate);
                world.insert_resource(settings);
            }
            (world, crowd)
        };
        let (mut one_by_one, crowd) = build();
        let (mut at_once, _) = build();

        let there: EntityHashSet = crowd
            .into_iter()
            .filter(|entity| at_once.entities().contains_spawned(*entity))
            .collect();
        let answers = roots.iter().map(|root| (crowd[*root], one_by_one.qdel(crowd[*root])));
        let answers: Vec<_> = answers.collect();
        let batch = at_once.qdel_batch(roots.iter().map(|root| crowd[*root]));

        let mut expected = QdelBatchOutcome::default();
        for (root, answer) in answers {
            match answer {
                Ok(QdelOutcome::Queued) => expected.queued.push(root),
                Ok(QdelOutcome::Vetoed { .. }) => expected.vetoed.push(root),
                Ok(QdelOutcome::AlreadyDeleting) => expected.already_deleting.push(root),
                // What was torn down meanwhile still stands in a batch.
                Err(QdelError::NotSpawned { .. }) if there.contains(&root) => {
                    expected.already_deleting.push(root);
                }
                Err(error) => expected.refused.push(error),
                answer => panic!("{answer:?}"),
            }
        }
        let states = |world: &World| crowd.map(|entity| world.liveness(entity));
        prop_assert_eq!(&batch, &expected);
        prop_assert_eq!(states(&at_once), states(&one_by_one));
        let sorted = |mut entities: Vec<Entity>| { entities.sort_unstable(); entities };
        let told_about = |world: &World| told(world).into_iter().map(|(entity, _)| entity).collect();
        prop_assert_eq!(sorted(told_about(&at_once)), sorted(told_about(&one_by_one)));
        if !immediate {
            prop_assert_eq!(told(&at_once), told(&one_by_one));
            prop_assert_eq!(counts(&at_once), counts(&one_by_one));
        }

        for world in [&mut one_by_one, &mut at_once] {
            world.flush_qdel();
        }

        prop_assert_eq!(states(&at_once), states(&one_by_one));
        prop_assert_eq!(sorted(gone(&at_once)), sorted(gone(&one_by_one)));
        if !immediate {
            prop_assert_eq!(gone(&at_once), gone(&one_by_one));
        }
        prop_assert_eq!(counts(&at_once).torn_down, counts(&one_by_one).torn_down);
        at_once.check_registrations().unwrap();
        prop_assert_eq!(at_once.signal_footprint(), one_by_one.signal_footprint());
    }
}

const CROWD: usize = 8;

// The stage.

/// A resource of the user.
#[derive(Resource)]
struct Weather;

/// Listens on its own entity.
#[derive(Component)]
struct Item;

#[derive(Component)]
struct Bomb;

/// Says `LetMeLive` so often.
#[derive(Component)]
struct Cat {
    lives: usize,
}

impl Destroy for Cat {
    type Param = ResMut<'static, Story>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push(Line::Destroyed);
        if self.lives == 0 {
            return DestroyHint::Queue;
        }
        self.lives -= 1;
        DestroyHint::LetMeLive
    }
}

/// What happened, in order.
#[derive(Resource, Default)]
struct Story(Vec<Line>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Told(Entity, QdelCause),
    Observed,
    Destroyed,
    TornDown(Entity),
}

impl Line {
    fn kind(&self) -> &'static str {
        match self {
            Self::Told(..) => "told",
            Self::Observed => "observed",
            Self::Destroyed => "destroyed",
            Self::TornDown(_) => "torn down",
        }
    }
}

/// Makes a world that writes down what happens to each [`Item`].
fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Story>();
    world.register_destroy::<Cat>();
    world.add_observer(|_: On<Qdeleting>, mut story: ResMut<Story>| {
        story.0.push(Line::Observed);
    });
    world.add_observer(|gone: On<Despawn<Item>>, mut story: ResMut<Story>| {
        story.0.push(Line::TornDown(gone.entity));
    });
    world
}

fn immediate_stage() -> World {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn_item(world))
}

fn spawn_item(world: &mut World) -> Entity {
    let write_down = |mut world: DeferredWorld, told: Received<Qdeleting, Item>| {
        let line = Line::Told(told.entity, told.cause);
        world.resource_mut::<Story>().0.push(line);
    };
    let item = world.spawn(Item).id();
    world.register_signal(item, item, write_down).unwrap();
    item
}

fn give_lives(world: &mut World, entity: Entity, lives: usize) {
    world.entity_mut(entity).insert(Cat { lives });
}

fn veto(world: &mut World, target: Entity) {
    let object = |_: &Item, _: Received<PreQdel>| QdelVerdict::Veto;
    world.register_signal(target, target, object).unwrap();
}

fn told(world: &World) -> Vec<(Entity, QdelCause)> {
    let lines = world.resource::<Story>().0.iter();
    let told = lines.filter_map(|line| match *line {
        Line::Told(entity, cause) => Some((entity, cause)),
        _ => None,
    });
    told.collect()
}

fn gone(world: &World) -> Vec<Entity> {
    let lines = world.resource::<Story>().0.iter();
    let gone = lines.filter_map(|line| match *line {
        Line::TornDown(entity) => Some(entity),
        _ => None,
    });
    gone.collect()
}

fn assert_states(world: &World, entities: &[Entity], state: Liveness) {
    for entity in entities {
        assert_eq!(world.liveness(*entity), state);
    }
}
