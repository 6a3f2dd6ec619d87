//! What is found by reflection.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use bevy_ecs::{
    change_detection::DetectChanges,
    entity::{EntityHashMap, EntityHashSet, EntityIndexMap, EntityIndexSet},
    prelude::*,
};
use bevy_reflect::{GetTypeRegistration, Reflect};
use insta::{assert_snapshot, with_settings};
use qdel::{
    WorldReferencesExt,
    find::{BlindReason, MAX_DEPTH, PlaceKind, ReferenceReport},
    prelude::*,
    reference::OnLoss,
};

use super::{Mob, chain, chasing, filters, kinds, named, pairs, places, spawn_many, stage};

// H1: shapes.

#[derive(Component, Reflect, Default)]
#[reflect(Component)]
struct Shapes {
    lists: Vec<Vec<Entity>>,
    array: [Option<Entity>; 2],
    pair: (u8, Option<Entity>),
    keys: HashMap<Entity, u32>,
    values: BTreeMap<String, Vec<Entity>>,
    pairs: HashMap<(u8, Entity), f32>,
    set: HashSet<Entity>,
    ordered: BTreeSet<Entity>,
    hashed: EntityHashMap<Entity>,
    hashed_set: EntityHashSet,
    inner: Inner,
    deed: Deed,
    weak: Option<WeakEntity>,
}

#[derive(Reflect, Default)]
struct Inner(u32, Option<Entity>);

#[derive(Reflect, Default)]
enum Deed {
    #[default]
    Nothing,
    Robs(Entity),
    Follows {
        who: Option<Entity>,
        steps: u32,
    },
}

/// Returns where `shapes` name an entity.
fn found_in(shapes: impl FnOnce(Entity, Entity) -> Shapes) -> (Vec<String>, Vec<PlaceKind>) {
    let mut world = stage();
    register::<Shapes>(&world);
    let [goblin, orc, holder] = spawn_many(&mut world);
    world.entity_mut(holder).insert(shapes(goblin, orc));

    let report = world.find_references(goblin);

    assert_eq!(report.blind_spots, []);
    let paths = places(&report).into_iter().map(|(_, path)| path);
    (paths.collect(), kinds(&report))
}

#[test]
fn nested_lists_are_looked_into() {
    let (paths, kinds) = found_in(|goblin, orc| Shapes {
        lists: vec![vec![orc], vec![], vec![orc, goblin]],
        array: [None, Some(goblin)],
        ..Shapes::default()
    });

    assert_eq!(paths, ["Shapes.lists[2][1]", "Shapes.array[1]"]);
    assert_eq!(kinds, [PlaceKind::Plain; 2]);
}

#[test]
fn keys_and_values_of_maps_are_looked_into() {
    let (paths, _) = found_in(|goblin, orc| Shapes {
        keys: HashMap::from([(goblin, 1)]),
        values: BTreeMap::from([
            ("allies".to_owned(), vec![orc, goblin]),
            ("foes".to_owned(), vec![goblin]),
        ]),
        hashed: EntityHashMap::from_iter([(goblin, goblin)]),
        ..Shapes::default()
    });

    let expected = [
        "Shapes.keys[key 0]",
        "Shapes.values[value 0][1]",
        "Shapes.values[value 1][0]",
        "Shapes.hashed[key 0]",
        "Shapes.hashed[value 0]",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn tuple_that_is_a_key_is_looked_into() {
    let (paths, _) = found_in(|goblin, _| Shapes {
        pair: (3, Some(goblin)),
        pairs: HashMap::from([((7, goblin), 0.5)]),
        ..Shapes::default()
    });

    assert_eq!(paths, ["Shapes.pair.1", "Shapes.pairs[key 0].1"]);
}

#[test]
fn sets_are_looked_into() {
    let (paths, _) = found_in(|goblin, _| Shapes {
        set: HashSet::from([goblin]),
        ordered: BTreeSet::from([goblin]),
        hashed_set: EntityHashSet::from_iter([goblin]),
        ..Shapes::default()
    });

    let expected = ["Shapes.set[0]", "Shapes.ordered[0]", "Shapes.hashed_set[0]"];
    assert_eq!(paths, expected);
}

#[test]
fn structs_and_enums_are_looked_into() {
    let (paths, _) = found_in(|goblin, _| Shapes {
        inner: Inner(1, Some(goblin)),
        deed: Deed::Robs(goblin),
        ..Shapes::default()
    });
    let (following, _) = found_in(|goblin, _| Shapes {
        deed: Deed::Follows {
            who: Some(goblin),
            steps: 2,
        },
        ..Shapes::default()
    });

    assert_eq!(paths, ["Shapes.inner.1", "Shapes.deed::Robs.0"]);
    assert_eq!(following, ["Shapes.deed::Follows.who"]);
}

#[test]
fn weak_handles_are_told_apart() {
    let (paths, kinds) = found_in(|goblin, _| Shapes {
        weak: Some(WeakEntity::new(goblin)),
        ..Shapes::default()
    });

    assert_eq!(paths, ["Shapes.weak"]);
    assert_eq!(kinds, [PlaceKind::Weak]);
}

// H1: resources.

#[derive(Resource, Reflect, Default)]
#[reflect(Resource)]
struct Score {
    best: Option<Entity>,
}

#[test]
fn resource_is_a_holder_and_a_root() {
    let mut world = stage();
    register::<Score>(&world);
    let [goblin] = spawn_many(&mut world);
    let best = Some(goblin);
    world.insert_resource(Score { best });

    let report = world.find_references(goblin);

    let score = world.resource_entity::<Score>().unwrap();
    assert_eq!(places(&report), [(score, "Score.best".to_owned())]);
    assert_eq!(report.holders[0].label.to_string(), "resource Score");
    assert_eq!(report.holders[0].chain.as_deref(), Some(&[][..]));
}

#[test]
fn chain_begins_at_a_resource() {
    let mut world = stage();
    register::<Score>(&world);
    let [goblin, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    let best = Some(mob);
    world.insert_resource(Score { best });

    let report = world.find_references(goblin);

    let score = world.resource_entity::<Score>().unwrap();
    assert_eq!(chain(&report, 0), named([(score, "Score.best")]));
}

// H1: declared and reflected beside each other.

#[test]
fn place_that_is_declared_and_reflected_is_listed_once() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    let squads = vec![vec![goblin]];
    world.entity_mut(mob).insert(Mob {
        squads,
        last_seen: Some(goblin),
        ..chasing(goblin)
    });

    let report = world.find_references(goblin);

    let declared = PlaceKind::Declared(OnLoss::Clear);
    let paths = ["Mob.target", "Mob.squads[0][0]", "Mob.last_seen"];
    assert_eq!(places(&report), paths.map(|path| (mob, path.to_owned())));
    assert_eq!(kinds(&report), [declared, declared, PlaceKind::Plain]);
}

#[derive(Component, Reflect, References, Default)]
#[reflect(Component)]
struct Everything {
    #[entities]
    option: Option<Entity>,
    #[entities]
    list: VecDeque<Entity>,
    #[entities]
    array: [Option<Entity>; 2],
    #[references]
    pairs: Vec<(u8, Option<Entity>)>,
    #[references]
    keys: HashMap<Entity, u32>,
    #[references]
    values: BTreeMap<u8, Vec<Entity>>,
    #[references]
    set: HashSet<Entity>,
    #[references]
    ordered: BTreeSet<Entity>,
    #[references]
    hashed: EntityHashMap<Option<Entity>>,
    #[references]
    hashed_set: EntityHashSet,
    #[references]
    indexed: EntityIndexMap<u8>,
    #[references]
    indexed_set: EntityIndexSet,
    #[references]
    spot: Spot,
    #[references]
    rank: Rank,
}

#[derive(Reflect, References, Default)]
struct Spot(#[references] Option<Entity>, u8);

#[derive(Reflect, References, Default)]
enum Rank {
    #[default]
    Free,
    Sworn {
        #[references]
        lord: Option<Entity>,
    },
}

#[test]
fn paths_by_declaration_and_by_reflection_are_the_same() {
    let mut world = stage();
    register::<Everything>(&world);
    let [goblin, orc, holder] = spawn_many(&mut world);
    world.entity_mut(holder).insert(Everything {
        option: Some(goblin),
        list: VecDeque::from([orc, goblin]),
        array: [Some(orc), Some(goblin)],
        pairs: vec![(0, None), (1, Some(goblin))],
        keys: HashMap::from([(goblin, 1)]),
        values: BTreeMap::from([(1, vec![orc]), (2, vec![orc, goblin])]),
        set: HashSet::from([goblin]),
        ordered: BTreeSet::from([goblin]),
        hashed: EntityHashMap::from_iter([(goblin, Some(goblin))]),
        hashed_set: EntityHashSet::from_iter([goblin]),
        indexed: EntityIndexMap::from_iter([(goblin, 1)]),
        indexed_set: EntityIndexSet::from_iter([goblin]),
        spot: Spot(Some(goblin), 1),
        rank: Rank::Sworn { lord: Some(goblin) },
    });
    let reflected = world.find_references(goblin);

    world.track_references::<Everything>();
    let declared = world.find_references(goblin);

    assert_eq!(places(&declared), places(&reflected));
    assert_eq!(kinds(&reflected), [PlaceKind::Plain; 15]);
    let expected = [PlaceKind::Declared(OnLoss::Clear); 15];
    assert_eq!(kinds(&declared), expected);
    assert_eq!(reflected.blind_spots, []);
}

#[test]
fn components_of_both_kinds_are_found_on_one_entity() {
    let mut world = stage();
    register::<Shapes>(&world);
    let [goblin, mob] = spawn_many(&mut world);
    let lists = vec![vec![goblin]];
    let shapes = Shapes {
        lists,
        ..Shapes::default()
    };
    world.entity_mut(mob).insert((shapes, chasing(goblin)));

    let report = world.find_references(goblin);

    let paths = ["Mob.target", "Shapes.lists[0][0]"];
    assert_eq!(places(&report), paths.map(|path| (mob, path.to_owned())));
}

#[test]
fn relationship_that_is_registered_is_listed_once() {
    let mut world = stage();
    register::<ChildOf>(&world);
    register::<Children>(&world);
    let [ship, mast] = spawn_many(&mut world);
    world.entity_mut(mast).insert(ChildOf(ship));

    let of_ship = world.find_references(ship);
    let of_mast = world.find_references(mast);

    assert_eq!(places(&of_ship), [(mast, "ChildOf.0".to_owned())]);
    assert_eq!(places(&of_mast), [(ship, "Children.0[0]".to_owned())]);
    assert_eq!(kinds(&of_ship), [PlaceKind::Kept]);
}

// H1: blind spots.

#[derive(Component, Reflect)]
#[reflect(Component)]
struct Shared {
    inner: Vec<Arc<Entity>>,
    also: Option<Arc<Entity>>,
    label: Arc<str>,
    number: Arc<u32>,
    range: core::ops::Range<u32>,
}

#[test]
fn opaque_part_is_a_blind_spot_with_its_path() {
    let mut world = stage();
    register::<Shared>(&world);
    let [goblin, holder] = spawn_many(&mut world);
    world.entity_mut(holder).insert(Shared {
        inner: vec![Arc::new(goblin)],
        also: None,
        label: Arc::from("goblin"),
        number: Arc::new(1),
        range: 0..1,
    });

    let report = world.find_references(goblin);

    assert_eq!(report.holders, []);
    let texts = blind_spots(&report);
    let expected = ["Shared of 1 entity: opaque `Arc<Entity>` at `.inner[..]`"];
    assert_eq!(texts, expected);
}

#[derive(Component, Reflect)]
struct Unreachable(Entity);

#[test]
fn type_that_is_registered_and_not_as_a_component_is_a_blind_spot() {
    let mut world = stage();
    register::<Unreachable>(&world);
    let [goblin, holder] = spawn_many(&mut world);
    world.entity_mut(holder).insert(Unreachable(goblin));

    let report = world.find_references(goblin);

    assert_eq!(report.holders, []);
    let spot = &report.blind_spots[0];
    assert!(spot.component.ends_with("::Unreachable"));
    assert_eq!(spot.reason, BlindReason::NotReflected);
}

#[derive(Component, Reflect)]
#[reflect(Component)]
struct Forgetful {
    #[reflect(ignore)]
    _ignored: Option<Entity>,
    kept: Option<Entity>,
}

#[test]
fn ignored_field_is_not_seen() {
    let mut world = stage();
    register::<Forgetful>(&world);
    let [goblin, holder] = spawn_many(&mut world);
    let (_ignored, kept) = (Some(goblin), Some(goblin));
    world
        .entity_mut(holder)
        .insert(Forgetful { _ignored, kept });

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(holder, "Forgetful.kept".to_owned())]);
    assert_eq!(report.blind_spots, []);
}

#[derive(Component, Reflect, Default)]
#[reflect(Component)]
struct Node {
    children: Vec<Node>,
    friends: Vec<Entity>,
    target: Option<Entity>,
}

/// Returns `inner` within `depth` others.
fn nested(depth: usize, inner: Node) -> Node {
    (0..depth).fold(inner, |inner, _| Node {
        children: vec![inner],
        ..Node::default()
    })
}

#[test]
fn places_are_found_up_to_the_depth_and_no_deeper() {
    let mut world = stage();
    register::<Node>(&world);
    let [goblin, shallow, deep] = spawn_many(&mut world);
    let leaf = || Node {
        friends: vec![goblin],
        ..Node::default()
    };
    // Two steps for each that is nested, and two to the friend.
    let half = MAX_DEPTH / 2;
    world.entity_mut(shallow).insert(nested(half - 1, leaf()));
    world.entity_mut(deep).insert(nested(half, leaf()));

    let report = world.find_references(goblin);

    let expected = format!("Node{}.friends[0]", ".children[0]".repeat(half - 1));
    assert_eq!(places(&report), [(shallow, expected)]);
    let path = format!("{}.children", ".children[0]".repeat(half));
    let reason = BlindReason::TooDeep { path };
    let spots: Vec<_> = report.blind_spots.iter().map(|spot| &spot.reason).collect();
    assert_eq!(spots, [&reason]);
    assert_eq!(report.blind_spots[0].entities, 1);
}

#[test]
fn type_that_contains_itself_is_surveyed_in_full() {
    let mut world = stage();
    register::<Outer>(&world);
    let [goblin, holder] = spawn_many(&mut world);
    let last = Outer {
        middles: vec![],
        entity: Some(goblin),
    };
    let middle = Middle { outers: vec![last] };
    let outer = Outer {
        middles: vec![middle],
        entity: None,
    };
    world.entity_mut(holder).insert(outer);

    let report = world.find_references(goblin);

    let path = "Outer.middles[0].outers[0].entity";
    assert_eq!(places(&report), [(holder, path.to_owned())]);
}

#[derive(Component, Reflect)]
#[reflect(Component)]
struct Outer {
    middles: Vec<Middle>,
    entity: Option<Entity>,
}

#[derive(Reflect)]
struct Middle {
    outers: Vec<Outer>,
}

#[test]
fn world_without_a_registry_is_searched_for_what_is_declared() {
    let mut world = World::new();
    world.track_references::<Mob>();
    let [goblin, mob] = spawn_many(&mut world);
    world
        .entity_mut(mob)
        .insert((chasing(goblin), Unreachable(goblin)));

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(mob, "Mob.target".to_owned())]);
    let reasons: Vec<_> = report.blind_spots.iter().map(|spot| &spot.reason).collect();
    assert_eq!(reasons, [&BlindReason::NotRegistered]);
}

// H1: it reads only.

#[test]
fn reflection_marks_nothing_as_changed() {
    let mut world = stage();
    register::<Score>(&world);
    register::<Inert>(&world);
    let [goblin] = spawn_many(&mut world);
    let holder = world.spawn(Inert(goblin)).id();
    let best = Some(holder);
    world.insert_resource(Score { best });
    world.clear_trackers();

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(holder, "Inert.0".to_owned())]);
    assert!(!world.is_resource_changed::<Score>());
    let inert = world.entity(holder).get_ref::<Inert>().unwrap();
    assert!(!inert.is_changed());
}

#[derive(Component, Reflect)]
#[component(immutable)]
#[reflect(Component)]
struct Inert(Entity);

// What people read.

#[test]
fn reports_of_what_is_reflected_read_well() {
    let mut world = stage();
    register::<Score>(&world);
    register::<Shapes>(&world);
    register::<Shared>(&world);
    register::<Unreachable>(&world);
    register::<Node>(&world);
    let [goblin, mob, chest] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(Name::new("goblin"));
    world.entity_mut(mob).insert(Name::new("mob"));
    world.entity_mut(mob).insert(Mob {
        last_seen: Some(goblin),
        ..chasing(goblin)
    });
    let keys = HashMap::from([(goblin, 1)]);
    let weak = Some(WeakEntity::new(goblin));
    world.entity_mut(chest).insert(Shapes {
        keys,
        weak,
        lists: vec![vec![mob]],
        ..Shapes::default()
    });
    world.entity_mut(chest).insert(Unreachable(goblin));
    world
        .entity_mut(chest)
        .insert(nested(MAX_DEPTH, Node::default()));
    world.entity_mut(chest).insert(Shared {
        inner: vec![],
        also: None,
        label: Arc::from(""),
        number: Arc::new(1),
        range: 0..1,
    });
    let best = Some(chest);
    world.insert_resource(Score { best });

    let report = world.find_references(goblin);

    let score = world.resource_entity::<Score>().unwrap();
    let roles = [
        (goblin, "[goblin]"),
        (mob, "[mob]"),
        (chest, "[chest]"),
        (score, "[score]"),
    ];
    with_settings!({ filters => pairs(&filters(&roles)), omit_expression => true }, {
        assert_snapshot!("report", report);
        assert_snapshot!("report_dot", report.to_dot());
    });
}

fn register<T: GetTypeRegistration>(world: &World) {
    world.resource::<AppTypeRegistry>().write().register::<T>();
}

fn blind_spots(report: &ReferenceReport) -> Vec<String> {
    report.blind_spots.iter().map(ToString::to_string).collect()
}
