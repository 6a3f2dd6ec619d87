//! Deletions that are not noticed, which skip the stages that have nothing to do.
//!
//! Rules Q1, Q3, Q7 and H3 of the design: whatever is skipped, no code can tell.

use core::mem::ManuallyDrop;
use std::sync::{Arc, Mutex};

use bevy_ecs::{
    entity::EntityHashSet, entity_disabling::Disabled, lifecycle::HookContext, prelude::*,
    world::DeferredWorld,
};
use proptest::{collection::vec, prelude::*};
use qdel::{Deleting, DestroyContext, DestroyHint, prelude::*, statistics::QdelCounts};

// Q7: what could notice does.

#[test]
fn observer_of_the_mark_sees_who_is_torn_down_at_once() {
    let mut world = stage(Teardown::Immediate);
    let [goblin, orc] = spawn_many(&mut world);
    world.add_observer(|marked: On<Add<Deleting>>, mut seen: ResMut<Seen>| {
        seen.0.push(marked.entity);
    });

    world.qdel(goblin).unwrap();
    world.qdel_batch([orc]);

    assert_eq!(seen(&world), [goblin, orc]);
}

#[test]
fn observer_of_the_end_of_hiding_sees_who_is_torn_down_at_once() {
    let mut world = stage(Teardown::Immediate);
    let [goblin, orc] = spawn_many(&mut world);
    world.add_observer(|shown: On<Remove<Disabled>>, mut seen: ResMut<Seen>| {
        seen.0.push(shown.entity);
    });

    world.qdel(goblin).unwrap();
    world.qdel_batch([orc]);

    assert_eq!(seen(&world), [goblin, orc]);
}

#[test]
fn observer_of_deletions_is_told_from_the_moment_it_is_there() {
    for teardown in TEARDOWNS {
        let mut world = stage(teardown);
        let [goblin, orc, elf] = spawn_many(&mut world);
        world.qdel(goblin).unwrap();
        let observer = world.add_observer(|told: On<Qdeleting>, mut seen: ResMut<Seen>| {
            seen.0.push(told.entity);
        });
        let observer = observer.id();
        world.qdel(orc).unwrap();
        world.despawn(observer);
        world.qdel(elf).unwrap();

        assert_eq!(seen(&world), [orc]);
    }
}

#[test]
fn hook_of_a_component_finds_its_entity_deleting() {
    let mut world = stage(Teardown::Immediate);
    world.register_component_hooks::<Named>().on_remove(
        |mut world: DeferredWorld, context: HookContext| {
            assert_eq!(world.liveness(context.entity), Liveness::Deleting);
            world.resource_mut::<Seen>().0.push(context.entity);
        },
    );
    let [goblin, orc] = [(), ()].map(|()| world.spawn(Named).id());

    world.qdel(goblin).unwrap();
    world.qdel_batch([orc]);

    assert_eq!(seen(&world), [goblin, orc]);
}

#[test]
fn hook_of_the_mark_can_be_set_before_the_first_deletion_and_sees_all() {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world.register_destroy::<Wealth>();
    world.register_component_hooks::<Deleting>().on_add(
        |mut world: DeferredWorld, context: HookContext| {
            world.resource_mut::<Seen>().0.push(context.entity);
        },
    );
    let crowd: [Entity; 4] = spawn_many(&mut world);

    for entity in crowd {
        world.qdel(entity).unwrap();
    }

    assert_eq!(seen(&world), crowd);
}

#[test]
fn query_does_not_see_who_waits_for_its_tear_down() {
    let mut world = stage(Teardown::EndOfFrame);
    let [goblin, orc] = spawn_many(&mut world);

    world.qdel(goblin).unwrap();

    let mut entities = world.query_filtered::<Entity, With<Plain>>();
    let left: Vec<_> = entities.iter(&world).collect();
    assert_eq!(left, [orc]);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn type_that_begins_to_be_destroyed_is_from_then_on() {
    for teardown in TEARDOWNS {
        let mut world = stage(teardown);
        let [goblin, orc] = spawn_many(&mut world);
        world.qdel(goblin).unwrap();
        world.register_destroy::<Plain>();

        world.qdel(orc).unwrap();

        assert_eq!(seen(&world), [orc]);
    }
}

#[test]
fn costs_of_an_unheard_deletion_are_measured_on_request() {
    let mut world = stage(Teardown::EndOfFrame);
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel(goblin).unwrap();
    world.insert_resource(QdelSettings::default().with_measure_costs(true));

    world.qdel(orc).unwrap();

    let has_costs = |entity| world.get::<Deleting>(entity).unwrap().costs().is_some();
    assert_eq!([goblin, orc].map(has_costs), [false, true]);
}

// Q1: answers.

#[test]
fn entity_that_is_named_twice_in_a_batch_is_deleted_once() {
    for teardown in TEARDOWNS {
        let mut world = stage(teardown);
        let [goblin, orc] = spawn_many(&mut world);

        let batch = world.qdel_batch([goblin, orc, goblin]);

        assert_eq!(batch.queued, [goblin, orc]);
        assert_eq!(batch.already_deleting, [goblin]);
        let counts = world.resource::<QdelCounts>();
        assert_eq!((counts.deleted, counts.repeated), (2, 1));
    }
}

#[test]
fn value_that_panics_when_it_is_dropped_ends_the_batch() {
    // What is stored is not whole any more: to drop the world would drop some of it twice.
    let mut world = ManuallyDrop::new(stage(Teardown::Immediate));
    let [goblin, orc] = [true, false].map(|panics| world.spawn(Fragile { panics }).id());
    let deletion = std::panic::AssertUnwindSafe(|| world.qdel_batch([goblin, orc]));

    let panicked = std::panic::catch_unwind(deletion);

    let panicked = panicked.unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"broken"));
    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(orc), Liveness::Alive);
}

#[test]
fn value_that_panics_when_it_is_dropped_leaves_the_rest_of_a_tree_deleting() {
    // What is stored is not whole any more: to drop the world would drop some of it twice.
    let mut world = ManuallyDrop::new(stage(Teardown::Immediate));
    let [owner, owned, leaf] =
        [false, true, false].map(|panics| world.spawn(Fragile { panics }).id());
    world.entity_mut(owned).insert(ChildOf(owner));
    world.entity_mut(leaf).insert(ChildOf(owned));
    let deletion = std::panic::AssertUnwindSafe(|| world.qdel(owner));

    let panicked = std::panic::catch_unwind(deletion);

    let panicked = panicked.unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"broken"));
    let liveness = [owner, owned, leaf].map(|entity| world.liveness(entity));
    assert_eq!(
        liveness,
        [Liveness::Deleting, Liveness::Gone, Liveness::Gone]
    );
}

#[test]
fn listener_of_a_leaf_is_told_though_its_owners_are_unheard() {
    let mut world = stage(Teardown::Immediate);
    let [owner, owned, leaf, hearer] = spawn_many(&mut world);
    world.entity_mut(owned).insert(ChildOf(owner));
    world.entity_mut(leaf).insert(ChildOf(owned));
    world.entity_mut(hearer).insert(Mind::default());
    let hear = |mind: &mut Mind, lost: Received<Qdeleting>| mind.0.push(lost.target());
    world.register_signal(hearer, leaf, hear).unwrap();

    world.qdel(owner).unwrap();

    assert_eq!(world.get::<Mind>(hearer).unwrap().0, [leaf]);
    assert_eq!(world.liveness(owner), Liveness::Gone);
}

#[test]
fn owner_that_stays_loses_who_is_torn_down_at_once() {
    let mut world = stage(Teardown::Immediate);
    let [owner, owned, leaf, other] = spawn_many(&mut world);
    world.entity_mut(owned).insert(ChildOf(owner));
    world.entity_mut(leaf).insert(ChildOf(owned));
    world.entity_mut(other).insert(ChildOf(owner));

    world.qdel(owned).unwrap();

    let children = world.get::<Children>(owner).unwrap();
    assert_eq!(children[..], [other]);
    assert_eq!(world.liveness(leaf), Liveness::Gone);
    assert_eq!(world.resource::<QdelCounts>().torn_down, 2);
}

#[test]
fn observer_of_the_loss_of_a_child_sees_it_deleting() {
    let mut world = stage(Teardown::Immediate);
    let [owner, owned] = spawn_many(&mut world);
    world.entity_mut(owned).insert(ChildOf(owner));
    world.add_observer(
        move |_: On<Remove<Children>>, liveness: EntityLiveness, mut seen: ResMut<Seen>| {
            assert_ne!(liveness.liveness(owned), Liveness::Alive);
            seen.0.push(owned);
        },
    );

    world.qdel(owned).unwrap();

    assert_eq!(seen(&world), [owned]);
}

// H3: no code can tell the difference.

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The second world has an observer of all deletions, which does nothing but that no deletion
    /// is unnoticed.
    #[test]
    fn unnoticed_deletions_do_what_noticed_ones_do(
        crowd in vec(role(), 1..8),
        deeds in vec(deed(), 1..12),
    ) {
        let mut lonely = stage(Teardown::EndOfFrame);
        let mut watched = stage(Teardown::EndOfFrame);
        lonely.spawn_empty();
        watched.add_observer(|_: On<Qdeleting>| {});
        let [lonely_crowd, watched_crowd] =
            [&mut lonely, &mut watched].map(|world| spawn_crowd(world, &crowd));

        for deed in deeds {
            let happened = perform(&mut lonely, &lonely_crowd, deed);
            prop_assert_eq!(happened, perform(&mut watched, &watched_crowd, deed));
            prop_assert_eq!(
                facts(&mut lonely, &lonely_crowd),
                facts(&mut watched, &watched_crowd)
            );
        }
    }
}

const TEARDOWNS: [Teardown; 2] = [Teardown::EndOfFrame, Teardown::Immediate];

/// What an entity of a crowd is.
#[derive(Debug, Clone, Copy)]
enum Role {
    Plain,
    Hidden,
    /// It listens to the entity of that number.
    Listener(usize),
    /// It belongs to the entity of that number, if that is another one.
    Owned(usize),
    Destroyed,
}

/// What is done to a world.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Qdel(usize),
    ForceQdel(usize),
    Batch(usize, usize),
    Despawn(usize),
    Flush,
    Set(Teardown),
}

/// Who was seen by an observer, a hook or a `Destroy`, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Entity>);

#[derive(Component)]
struct Plain;

#[derive(Component)]
struct Named;

/// What was heard.
#[derive(Component, Default)]
struct Mind(Vec<Entity>);

/// Writes down when it is dropped.
#[derive(Component)]
struct Remains {
    number: usize,
    dropped: Arc<Mutex<Vec<usize>>>,
}

impl Drop for Remains {
    fn drop(&mut self) {
        self.dropped.lock().unwrap().push(self.number);
    }
}

/// In which order the remains of a crowd were dropped.
#[derive(Resource, Default)]
struct Dropped(Arc<Mutex<Vec<usize>>>);

#[derive(Component)]
struct Wealth;

#[derive(Component)]
struct Fragile {
    panics: bool,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        if self.panics {
            panic!("broken");
        }
    }
}

impl Destroy for Plain {
    type Param = ResMut<'static, Seen>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push(going.entity);
        DestroyHint::Queue
    }
}

impl Destroy for Wealth {
    type Param = ();

    fn destroy(&mut self, going: DestroyContext) -> DestroyHint {
        if going.force {
            DestroyHint::Queue
        } else {
            DestroyHint::LetMeLive
        }
    }
}

fn stage(teardown: Teardown) -> World {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.insert_resource(QdelSettings::default().with_teardown(teardown));
    // A deletion has to see all types once before it can pass over what does not concern them.
    let first = world.spawn(Plain).id();
    world.qdel(first).unwrap();
    world.flush_qdel();
    world.reset_qdel_statistics();
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn(Plain).id())
}

fn seen(world: &World) -> Vec<Entity> {
    world.resource::<Seen>().0.clone()
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        4 => Just(Role::Plain),
        1 => Just(Role::Hidden),
        1 => (0..8_usize).prop_map(Role::Listener),
        1 => (0..8_usize).prop_map(Role::Owned),
        1 => Just(Role::Destroyed),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..8_usize).prop_map(Deed::Qdel),
        1 => (0..8_usize).prop_map(Deed::ForceQdel),
        2 => (0..8_usize, 0..8_usize).prop_map(|(from, to)| Deed::Batch(from, to)),
        1 => (0..8_usize).prop_map(Deed::Despawn),
        2 => Just(Deed::Flush),
        2 => prop_oneof![Just(TEARDOWNS[0]), Just(TEARDOWNS[1])].prop_map(Deed::Set),
    ]
}

fn spawn_crowd(world: &mut World, roles: &[Role]) -> Vec<Entity> {
    // Where nothing is ever destroyed, more is passed over.
    if roles.iter().any(|role| matches!(role, Role::Destroyed)) {
        world.register_destroy::<Wealth>();
    }
    world.init_resource::<Dropped>();
    let dropped = Arc::clone(&world.resource::<Dropped>().0);
    let crowd: Vec<_> = (0..roles.len())
        .map(|number| {
            let dropped = Arc::clone(&dropped);
            let remains = Remains { number, dropped };
            world.spawn((Mind::default(), remains)).id()
        })
        .collect();
    for (&entity, role) in crowd.iter().zip(roles) {
        let other = |number: usize| crowd[number % crowd.len()];
        match *role {
            Role::Plain => {}
            Role::Hidden => {
                world.entity_mut(entity).insert(Disabled);
            }
            Role::Listener(number) => {
                let hear = |mind: &mut Mind, lost: Received<Qdeleting>| mind.0.push(lost.target());
                let registered = world.register_signal(entity, other(number), hear);
                registered.unwrap();
            }
            Role::Owned(number) => {
                if other(number) != entity {
                    world.entity_mut(entity).insert(ChildOf(other(number)));
                }
            }
            Role::Destroyed => {
                world.entity_mut(entity).insert(Wealth);
            }
        }
    }
    crowd
}

/// Does a deed, and says in words what came of it, with numbers in place of entities.
fn perform(world: &mut World, crowd: &[Entity], deed: Deed) -> String {
    let at = |number: usize| crowd[number % crowd.len()];
    let happened = match deed {
        Deed::Qdel(number) => format!("{:?}", world.qdel(at(number))),
        Deed::ForceQdel(number) => format!("{:?}", world.force_qdel(at(number))),
        Deed::Batch(from, to) => {
            let batch = world.qdel_batch((from.min(to)..=from.max(to)).map(at));
            format!("{batch:?}")
        }
        Deed::Despawn(number) => {
            let is_there = world.entities().contains_spawned(at(number));
            (is_there && world.despawn(at(number))).to_string()
        }
        Deed::Flush => world.flush_qdel().to_string(),
        Deed::Set(teardown) => {
            world.insert_resource(QdelSettings::default().with_teardown(teardown));
            String::new()
        }
    };
    let roles = crowd.iter().enumerate();
    roles.fold(happened, |text, (number, entity)| {
        text.replace(&format!("{entity:?}"), &format!("entity {number}"))
    })
}

/// Returns what can be told of a world and a crowd, in words.
fn facts(world: &mut World, crowd: &[Entity]) -> String {
    let mut hidden = world.query_filtered::<Entity, With<Disabled>>();
    let hidden: EntityHashSet = hidden.iter(world).collect();
    let forced = |entity| world.get::<Deleting>(entity).map(Deleting::is_forced);
    let of_each: Vec<_> = crowd
        .iter()
        .map(|&entity| {
            (
                world.liveness(entity),
                hidden.contains(&entity),
                forced(entity),
            )
        })
        .collect();
    let number_of = |entity: &Entity| crowd.iter().position(|at| at == entity);
    let heard: Vec<Option<Vec<_>>> = crowd
        .iter()
        .map(|&entity| {
            let mind = world.get::<Mind>(entity)?;
            Some(mind.0.iter().map(number_of).collect())
        })
        .collect();
    world.check_registrations().unwrap();
    let dropped = world.resource::<Dropped>().0.lock().unwrap();
    let counts = world.resource::<QdelCounts>();
    let statistics = world.qdel_statistics();
    format!("{of_each:?} {heard:?} {dropped:?} {counts:?} {statistics}")
}
