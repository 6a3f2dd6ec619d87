//! Roads: a plain despawn tells, wherever it comes from.

use super::*;
use qdel::QdelCause;

#[derive(Component)]
struct Doomed;

/// A child, as it says itself.
#[derive(Component)]
struct Minor;

#[derive(Component, Debug, PartialEq)]
struct InTable(u32);

#[derive(Component, Debug, PartialEq)]
#[component(storage = "SparseSet")]
struct InSparseSet(u32);

/// Two doomed entities, the second a child of the first, and a witness of both ends.
struct Road {
    world: World,
    parent: Entity,
    child: Entity,
}

#[derive(Component, Default)]
struct Witness {
    causes: Vec<(Entity, QdelCause)>,
}

impl Road {
    fn new() -> Self {
        let mut world = World::new();
        let whole = (Doomed, InTable(1), InSparseSet(2));
        let parent = world.spawn(whole).id();
        let child = world
            .spawn((Doomed, InTable(1), InSparseSet(2), Minor, ChildOf(parent)))
            .id();
        let look = |mut world: DeferredWorld, gone: Received<Qdeleting, Witness>| {
            let target = gone.target();
            assert_eq!(gone.entity, target);
            assert_eq!(world.get::<InTable>(target), Some(&InTable(1)));
            assert_eq!(world.get::<InSparseSet>(target), Some(&InSparseSet(2)));
            let is_child = world.get::<Minor>(target).is_some();
            assert_eq!(world.get::<ChildOf>(target).is_some(), is_child);
            world.get_mut::<InTable>(target).unwrap().0 = 3;
            assert_eq!(world.liveness(target), Liveness::Deleting);
            assert_eq!(WeakEntity::new(target).resolve(&world), None);
            assert_eq!(WeakEntity::new(target).hard_resolve(&world), Some(target));
            let mut witness = world.get_mut::<Witness>(gone.listener()).unwrap();
            witness.causes.push((target, gone.cause));
        };
        let witness = world.spawn(Witness::default()).id();
        for target in [parent, child] {
            world.register_signal(witness, target, look).unwrap();
        }
        Self {
            world,
            parent,
            child,
        }
    }

    /// Goes a road, and expects that parent and child are told of, each once and whole.
    fn leads_to_the_end(go: impl FnOnce(&mut Self)) {
        let mut road = Self::new();

        go(&mut road);
        road.world.flush();

        let mut witnesses = road.world.query::<&Witness>();
        let witness = witnesses.single(&road.world).unwrap();
        let mut told = witness.causes.clone();
        told.sort_by_key(|(target, _)| *target != road.parent);
        let expected = [road.parent, road.child].map(|target| (target, QdelCause::Despawn));
        assert_eq!(told, expected);
        for target in [road.parent, road.child] {
            assert_eq!(road.world.liveness(target), Liveness::Gone);
            assert_eq!(road.world.registrations_on(target), []);
        }
        assert_eq!(road.world.check_registrations(), Ok(()));
        assert_eq!(road.world.signal_footprint().registrations, 0);
        assert_eq!(road.world.signal_footprint().crowded_listeners, 0);
    }
}

#[test]
fn despawn_by_the_world_tells() {
    Road::leads_to_the_end(|road| assert!(road.world.despawn(road.parent)));
}

#[test]
fn despawn_that_tries_tells() {
    Road::leads_to_the_end(|road| road.world.try_despawn(road.parent).unwrap());
}

#[test]
fn despawn_by_commands_tells() {
    Road::leads_to_the_end(|road| road.world.commands().entity(road.parent).despawn());
}

#[test]
fn despawn_of_an_entity_at_hand_tells() {
    Road::leads_to_the_end(|road| road.world.entity_mut(road.parent).despawn());
}

#[test]
fn despawn_of_all_tells() {
    Road::leads_to_the_end(|road| road.world.despawn_all::<With<Doomed>>());
}

#[test]
fn despawn_of_all_by_commands_tells() {
    Road::leads_to_the_end(|road| road.world.commands().despawn_all::<With<Doomed>>());
}

#[test]
fn despawn_of_all_that_meet_a_condition_tells() {
    Road::leads_to_the_end(|road| {
        let doomed = [road.parent, road.child];
        road.world
            .despawn_all_where::<Entity, ()>(|entity| doomed.contains(&entity));
    });
}

#[test]
fn despawn_of_children_tells() {
    Road::leads_to_the_end(|road| {
        road.world.entity_mut(road.parent).despawn_children();
        let mut told = road.world.query::<&Witness>();
        assert_eq!(told.single(&road.world).unwrap().causes.len(), 1);
        road.world.despawn(road.parent);
    });
}

#[test]
fn despawn_in_a_system_tells() {
    fn end(doomed: Query<Entity, With<Doomed>>, mut commands: Commands) {
        for entity in &doomed {
            commands.entity(entity).try_despawn();
        }
    }
    Road::leads_to_the_end(|road| road.world.run_system_cached(end).unwrap());
}

#[test]
fn despawn_by_an_observer_tells() {
    #[derive(Event)]
    struct Doom;

    Road::leads_to_the_end(|road| {
        let parent = road.parent;
        road.world
            .add_observer(move |_: On<Doom>, mut commands: Commands| {
                commands.entity(parent).despawn();
            });
        road.world.trigger(Doom);
    });
}

/// A plain despawn of an entity whose deletion was told tells nothing more.
#[test]
fn despawn_of_a_deleting_entity_tells_nobody_twice() {
    let mut crowd = Crowd::new(70, Mix::Runs, Call::Qdel);
    crowd.call();

    crowd.world.despawn(crowd.target);
    crowd.world.flush_qdel();

    assert_eq!(crowd.ledger.take(), []);
    assert_eq!(crowd.world.resource::<QdelCounts>().deleted, 1);
    assert_eq!(crowd.world.resource::<QdelCounts>().torn_down, 0);
}

/// A mass of targets with one listener, despawned in one call.
#[test]
fn despawn_of_many_targets_tells_of_each() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Despawn);
    let listener = crowd.spawn();
    for index in 0..300 {
        let target = crowd.world.spawn(Doomed).id();
        let shape = Mix::Runs.shape(index);
        register::<Qdeleting>(&mut crowd.world, listener, target, shape).unwrap();
    }

    crowd.world.despawn_all::<With<Doomed>>();

    assert_eq!(crowd.ledger.take(), [listener; 300]);
    assert_eq!(crowd.world.registrations_of(listener), []);
    assert_eq!(crowd.world.check_registrations(), Ok(()));
}

/// Targets that are each other's listeners, despawned in one call.
#[test]
fn despawn_of_targets_that_listen_to_each_other_tells_each_that_is_left() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Despawn);
    let ring: Vec<_> = (0..100).map(|_| crowd.spawn()).collect();
    for (index, listener) in ring.iter().enumerate() {
        crowd.world.entity_mut(*listener).insert(Doomed);
        let target = ring[(index + 1) % ring.len()];
        register::<Qdeleting>(&mut crowd.world, *listener, target, Shape::Fields).unwrap();
    }

    let schooled = crowd.world.signal_footprint().registrations - 100;

    crowd.world.despawn_all::<With<Doomed>>();

    // Each but one is despawned before its listener, as Bevy begins with the last.
    assert_eq!(crowd.ledger.take().len(), 99);
    assert_eq!(crowd.world.check_registrations(), Ok(()));
    assert_eq!(crowd.world.signal_footprint().registrations, schooled);
}
