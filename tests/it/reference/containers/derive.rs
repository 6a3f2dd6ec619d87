//! R1: what the derive takes.

use super::*;

/// A module in which nothing of the crate is in scope, and the names of the derive's own are taken.
mod strangers {
    use bevy_ecs::{component::Component, entity::Entity, resource::Resource};

    pub(super) fn policy() -> u8 {
        1
    }

    #[derive(Component, Debug, Default, qdel::References)]
    #[require(Other)]
    #[component(storage = "SparseSet")]
    pub(super) struct Names {
        #[entities]
        pub(super) policy: Option<Entity>,
        #[entities]
        pub(super) visitor: Option<Entity>,
        #[entities]
        pub(super) is_lost: Vec<Entity>,
        #[entities]
        pub(super) lost: Option<Entity>,
        #[entities]
        pub(super) r#type: Option<Entity>,
        #[entities]
        pub(super) field_0: Option<Entity>,
        pub(super) on_lost: u8,
    }

    #[derive(Component, Debug, Default)]
    pub(super) struct Other;

    #[derive(Resource, qdel::References)]
    pub(super) struct Chosen(#[entities] pub(super) Option<Entity>);

    #[expect(dead_code, reason = "it must compile")]
    #[derive(qdel::References)]
    pub(super) enum Never {}

    #[derive(qdel::References)]
    pub(super) enum Raw {
        #[expect(non_camel_case_types, reason = "a raw identifier")]
        r#match(#[entities] Option<Entity>),
    }

    #[derive(qdel::References)]
    pub(super) struct Bounded<V, T: Copy, const N: usize = 2>
    where
        T: Default,
    {
        #[entities]
        pub(super) array: [Option<Entity>; N],
        #[references]
        pub(super) generic: Vec<V>,
        pub(super) other: T,
    }

    #[expect(dead_code, reason = "names that the derive must not trip over")]
    mod shadows {
        pub(super) struct Option;
        pub(super) struct Vec;
        pub(super) struct Some;

        #[derive(qdel::References)]
        pub(super) struct Holder {
            #[references]
            list: std::vec::Vec<bevy_ecs::entity::Entity>,
        }
    }
}

#[test]
fn derive_reads_no_names_of_its_surroundings() {
    let [a, b] = entities();
    let mut names = strangers::Names {
        policy: Some(a),
        visitor: Some(b),
        is_lost: vec![a, b],
        lost: Some(a),
        r#type: Some(a),
        field_0: Some(b),
        on_lost: strangers::policy(),
    };

    let _ = let_go(&mut names, &[a]);

    assert_eq!(visited(&names), [b, b, b]);
    assert_eq!((names.policy, names.lost, names.r#type), (None, None, None));
    assert_eq!((names.visitor, names.field_0), (Some(b), Some(b)));
    assert_eq!((names.is_lost, names.on_lost), (vec![b], 1));
}

#[test]
fn derive_keeps_bounds_and_constants() {
    let [a, b] = entities();
    let mut bounded = strangers::Bounded {
        array: [Some(a), Some(b), None],
        generic: vec![(a, 1)],
        other: 5,
    };

    let _ = let_go(&mut bounded, &[a]);

    assert_eq!(bounded.array, [None, Some(b), None]);
    assert_eq!((bounded.generic, bounded.other), (vec![], 5));
}

#[test]
fn derived_resource_and_required_components_are_released() {
    let mut world = World::new();
    world
        .track_references::<strangers::Chosen>()
        .track_references::<strangers::Names>();
    let [goblin] = spawn_many(&mut world);
    world.insert_resource(strangers::Chosen(Some(goblin)));
    let holder = world
        .spawn(strangers::Names {
            lost: Some(goblin),
            ..Default::default()
        })
        .id();

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<strangers::Chosen>().0, None);
    assert_eq!(world.get::<strangers::Names>(holder).unwrap().lost, None);
    assert!(world.get::<strangers::Other>(holder).is_some());
}

#[test]
fn raw_variant_is_released() {
    let [a] = entities();
    let mut raw = strangers::Raw::r#match(Some(a));

    let _ = let_go(&mut raw, &[a]);

    assert!(matches!(raw, strangers::Raw::r#match(None)));
}

#[test]
fn every_container_is_released_in_a_world() {
    let mut world = World::new();
    world.track_references::<Everything>();
    let [goblin, orc] = spawn_many(&mut world);
    let both = [goblin, orc];
    let everything = Everything {
        option: Some(goblin),
        vec: both.to_vec(),
        deque: both.into(),
        array: both.map(Some),
        small: SmallVec::from_slice(&both),
        set: both.into(),
        platform_set: both.into_iter().collect(),
        tree_set: both.into(),
        index_set: both.into(),
        entity_set: both.into_iter().collect(),
        entity_index_set: both.into_iter().collect(),
        keys: both.map(|entity| (entity, 1)).into(),
        values: HashMap::from([("a", goblin), ("b", orc)]),
        entity_map: both.map(|entity| (entity, 1)).into_iter().collect(),
        entity_index_map: both.map(|entity| (entity, orc)).into_iter().collect(),
        pairs: both.map(|entity| (entity, 0.5)).to_vec(),
        lists: HashMap::from([(String::from("a"), both.to_vec())]),
        tuple: (Some(goblin), both.to_vec()),
        tuple_keys: both.map(|entity| ((entity, 1), 1)).into(),
        boxed: Box::new(both.map(Some)),
    };
    let holder = world.spawn(everything).id();

    let before = visited(world.get::<Everything>(holder).unwrap()).len();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let at = world.get::<Everything>(holder).unwrap();
    assert_eq!((before, visited(at)), (42, vec![orc; 20]));
    world.check_registrations().unwrap();
}

/// A component with every container.
#[derive(Component, References)]
struct Everything {
    #[entities]
    option: Option<Entity>,
    #[entities]
    vec: Vec<Entity>,
    #[entities]
    deque: VecDeque<Entity>,
    #[entities]
    array: [Option<Entity>; 2],
    #[entities]
    small: SmallVec<[Entity; 1]>,
    #[references]
    set: HashSet<Entity>,
    #[entities]
    platform_set: bevy_platform::collections::HashSet<Entity>,
    #[entities]
    tree_set: BTreeSet<Entity>,
    #[entities]
    index_set: IndexSet<Entity>,
    #[references]
    entity_set: EntityHashSet,
    #[entities]
    entity_index_set: EntityIndexSet,
    #[references]
    keys: HashMap<Entity, u32>,
    #[references]
    values: HashMap<&'static str, Entity>,
    #[references]
    entity_map: EntityHashMap<u32>,
    #[references]
    entity_index_map: EntityIndexMap<Entity>,
    #[references]
    pairs: Vec<(Entity, f32)>,
    #[references]
    lists: HashMap<String, Vec<Entity>>,
    #[references]
    tuple: (Option<Entity>, Vec<Entity>),
    #[references]
    tuple_keys: HashMap<(Entity, u32), u32>,
    #[references]
    boxed: Box<[Option<Entity>; 2]>,
}
