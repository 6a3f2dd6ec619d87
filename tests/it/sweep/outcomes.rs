//! Sweeps: who names what is gone, what becomes of it, and what hints, modes and tests make of
//! that.
//!
//! Rules H2 and H4 of the design, and the hints of Q6 that sweep. In texts, ids are replaced by the
//! part that their entity plays.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::{change_detection::DetectChanges, name::Name, prelude::*, reflect::AppTypeRegistry};
use bevy_platform::collections::{HashMap, HashSet};
use bevy_reflect::Reflect;
use qdel::{
    find::ReferencesFound,
    prelude::*,
    sweep::Mode,
    sweep::{LeftoverState, SweepFinished, SweepReport},
    testing::assert_no_leftovers,
};

use crate::stage::spawn_many;

/// Its fields are not declared.
#[derive(Component, Reflect, Default, Debug, PartialEq, Clone)]
#[reflect(Component)]
struct Mind {
    target: Option<Entity>,
    friends: Vec<Entity>,
    squads: Vec<Vec<Entity>>,
    threats: HashMap<Entity, u32>,
    names: HashMap<String, Entity>,
    pairs: HashMap<(u8, Entity), u32>,
    seen: HashSet<Entity>,
    known: BTreeSet<Entity>,
    ranks: BTreeMap<u32, Entity>,
    weighted: Vec<(Entity, u32)>,
    pair: Option<(Entity, Entity)>,
    state: State,
}

#[derive(Reflect, Default, Debug, PartialEq, Clone)]
enum State {
    #[default]
    Idle,
    Chasing(Entity),
    Guarding {
        whom: Option<Entity>,
    },
}

#[derive(Component, Reflect, Debug, PartialEq)]
#[reflect(Component)]
struct Bare(Entity, u32);

#[derive(Component, Reflect, Debug, PartialEq)]
#[component(immutable)]
#[reflect(Component)]
struct Carved {
    target: Option<Entity>,
    #[reflect(ignore)]
    note: u32,
}

#[derive(Resource, Reflect, Debug, PartialEq)]
#[reflect(Resource)]
struct Boss(Option<Entity>);

// H2: what is emptied.

#[test]
fn everything_that_can_be_emptied_is_emptied_and_the_rest_keeps_its_order() {
    let mut world = stage();
    let [goblin, orc, elf] = spawn_many(&mut world);
    let mind = |gone: &[Entity]| Mind {
        target: gone.first().copied(),
        friends: [&[orc], gone, &[elf], gone].concat(),
        squads: vec![vec![], [gone, &[orc]].concat()],
        threats: gone.iter().chain([&orc]).map(|at| (*at, 7)).collect(),
        names: gone
            .iter()
            .map(|at| ("a".to_owned(), *at))
            .chain([("b".to_owned(), orc)])
            .collect(),
        pairs: gone.iter().chain([&orc]).map(|at| ((1, *at), 7)).collect(),
        seen: gone.iter().chain([&orc]).copied().collect(),
        known: gone.iter().chain([&orc]).copied().collect(),
        ranks: gone.iter().map(|at| (1, *at)).chain([(2, orc)]).collect(),
        weighted: gone.iter().chain([&orc]).map(|at| (*at, 7)).collect(),
        pair: gone.first().map(|at| (*at, orc)),
        state: State::Guarding {
            whom: gone.first().copied(),
        },
    };
    let holder = world.spawn(mind(&[goblin])).id();
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(*world.get::<Mind>(holder).unwrap(), mind(&[]));
    assert_eq!(report.leftovers.len(), 13);
    assert_eq!(report.emptied(), 13, "{report}");
}

#[test]
fn bare_entity_becomes_a_placeholder() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holder = world.spawn(Bare(goblin, 7)).id();
    let chaser = world
        .spawn(Mind {
            state: State::Chasing(goblin),
            ..Mind::default()
        })
        .id();
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(report.emptied(), 2);
    assert_eq!(
        *world.get::<Bare>(holder).unwrap(),
        Bare(Entity::PLACEHOLDER, 7)
    );
    let state = &world.get::<Mind>(chaser).unwrap().state;
    assert_eq!(*state, State::Chasing(Entity::PLACEHOLDER));
    assert!(world.sweep().is_clean());
}

#[test]
fn immutable_component_is_emptied_and_keeps_what_reflection_ignores() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holder = world
        .spawn(Carved {
            target: Some(goblin),
            note: 7,
        })
        .id();
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(report.emptied(), 1, "{report}");
    assert_eq!(
        *world.get::<Carved>(holder).unwrap(),
        Carved {
            target: None,
            note: 7
        }
    );
}

#[test]
fn resource_is_emptied() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    world.insert_resource(Boss(Some(goblin)));
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(report.leftovers[0].holder.to_string(), "resource Boss");
    assert_eq!(*world.resource::<Boss>(), Boss(None));
}

#[test]
fn only_what_is_emptied_counts_as_changed() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let [holder, other] = [goblin, orc].map(|at| {
        world
            .spawn(Mind {
                target: Some(at),
                ..Mind::default()
            })
            .id()
    });
    world.despawn(goblin);
    world.clear_trackers();

    world.sweep();

    let is_changed = |at: Entity| world.entity(at).get_ref::<Mind>().unwrap().is_changed();
    assert_eq!([holder, other].map(is_changed), [true, false]);
}

#[test]
fn leftovers_are_asserted_with_field_holder_and_target() {
    let mut world = stage();
    let goblin = world.spawn(Name::new("goblin")).id();
    let orc = world
        .spawn((
            Name::new("orc"),
            Mind {
                friends: vec![goblin],
                ..Mind::default()
            },
        ))
        .id();
    world.qdel(goblin).unwrap();

    let asserted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        assert_no_leftovers(&mut world);
    }));

    let text = *asserted.unwrap_err().downcast::<String>().unwrap();
    let expected = format!("Mind.friends[0] of orc#{orc} names goblin#{goblin} (not declared)");
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn given_entity_is_forgotten_though_it_lives() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holder = world
        .spawn(Mind {
            target: Some(goblin),
            ..Mind::default()
        })
        .id();

    let report: SweepReport = world.sweep_for([goblin]);

    assert_eq!(report.leftovers[0].state, LeftoverState::Emptied);
    assert_eq!(world.get::<Mind>(holder).unwrap().target, None);
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

// H2: what is left out.

#[test]
fn type_that_is_left_out_is_left_alone_and_listed() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holder = world.spawn(Bare(goblin, 7)).id();
    world.despawn(goblin);
    world.exclude_from_sweeps::<Bare>();

    let report = world.sweep();

    assert_eq!(
        report.to_string(),
        "no leftovers\n1 blind spot, where there may be more\n  Bare of 1 entity: left out on request"
    );
    assert_eq!(*world.get::<Bare>(holder).unwrap(), Bare(goblin, 7));
    assert_no_leftovers(&mut world);
}

#[test]
fn resource_that_is_left_out_is_left_alone() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    world.insert_resource(Boss(Some(goblin)));
    world.despawn(goblin);
    world.exclude_from_sweeps::<Boss>();

    world.sweep();

    assert_eq!(*world.resource::<Boss>(), Boss(Some(goblin)));
}

#[test]
fn search_looks_into_what_sweeps_leave_out() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    world.spawn(Bare(goblin, 7));
    world.exclude_from_sweeps::<Bare>();

    let report = world.find_references(goblin);

    assert_eq!((report.place_count(), report.blind_spots.len()), (1, 0));
}

// H2: whose business sweeps are.

#[test]
fn system_asks_for_a_sweep_by_command() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holder = world
        .spawn(Mind {
            target: Some(goblin),
            ..Mind::default()
        })
        .id();
    world.despawn(goblin);

    world.commands().queue_sweep();
    world.flush();
    world.flush_qdel();

    assert_eq!(world.get::<Mind>(holder).unwrap().target, None);
}

#[test]
fn deletions_that_are_torn_down_at_once_share_the_sweep_of_the_next_flush() {
    let mut world = stage();
    let settings = QdelSettings::default().with_teardown(Teardown::Immediate);
    world.insert_resource(settings.with_sweep(Mode::EachFlush));
    world.insert_resource(Sweeps(0));
    world.add_observer(|_: On<SweepFinished>, mut sweeps: ResMut<Sweeps>| sweeps.0 += 1);
    for goblin in spawn_many::<50>(&mut world) {
        world.spawn(Mind {
            target: Some(goblin),
            ..Mind::default()
        });
        world.qdel(goblin).unwrap();
    }

    world.flush_qdel();

    assert_eq!(world.resource::<Sweeps>().0, 1);
    assert!(world.find_leftovers().is_clean());
}

#[test]
fn drain_ends_though_somebody_is_deleted_whenever_a_sweep_is_done() {
    let mut world = stage();
    let settings = QdelSettings::default().with_sweep(Mode::EachFlush);
    world.insert_resource(settings);
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.spawn_empty().qdel();
    });
    let [goblin] = spawn_many(&mut world);
    world.qdel(goblin).unwrap();

    world.drain_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn target_that_an_observer_of_the_search_despawns_is_not_counted() {
    let mut world = stage();
    world.register_destroy::<Wanted>();
    world.add_observer(|found: On<ReferencesFound>, mut commands: Commands| {
        commands.entity(found.report.target.entity).despawn();
    });
    let goblin = world.spawn(Wanted).id();
    world.qdel(goblin).unwrap();

    let torn_down = world.flush_qdel();

    assert_eq!((torn_down, world.liveness(goblin)), (0, Liveness::Gone));
}

#[derive(Resource)]
struct Sweeps(u32);

/// Has its holders searched for.
#[derive(Component)]
struct Wanted;

impl Destroy for Wanted {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        DestroyHint::FindReferences
    }
}

fn stage() -> World {
    let mut world = World::new();
    let registry = AppTypeRegistry::default();
    {
        let mut registry = registry.write();
        registry.register::<Mind>();
        registry.register::<Bare>();
        registry.register::<Carved>();
        registry.register::<Boss>();
    }
    world.insert_resource(registry);
    world
}
