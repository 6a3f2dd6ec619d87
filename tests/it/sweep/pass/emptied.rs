//! What is emptied by reflection: the same as by hand, and nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bevy_ecs::{
    change_detection::DetectChanges,
    entity::{EntityHashMap, EntityHashSet},
    prelude::*,
    reflect::AppTypeRegistry,
};
use bevy_platform::{
    collections::{HashMap, HashSet},
    hash::FixedHasher,
};
use bevy_reflect::{GetTypeRegistration, Reflect};
use indexmap::{IndexMap, IndexSet};
use proptest::{array::uniform3, collection::vec, option, prelude::*};
use qdel::{
    WorldReferencesExt,
    find::{BlindReason, MAX_DEPTH},
    prelude::*,
};
use smallvec::SmallVec;

use super::{despawn_all, found, spawn_many};

/// All shapes that reflection can look into.
#[derive(Component, Reflect, Debug, PartialEq, Clone)]
#[reflect(Component)]
struct Rich {
    one: Option<Entity>,
    many: Vec<Option<Entity>>,
    nested: Vec<Vec<Entity>>,
    queue: VecDeque<(Entity, u8)>,
    small: SmallVec<[Entity; 2]>,
    array: [Option<Entity>; 3],
    duels: Vec<[Entity; 2]>,
    bare: Entity,
    bare_array: [Entity; 2],
    bare_pair: (Entity, Option<Entity>),
    keys: HashMap<Entity, Vec<Entity>>,
    values: BTreeMap<u8, (Entity, Option<Entity>)>,
    pairs: HashMap<(u8, Option<Entity>), Option<Entity>>,
    set: HashSet<(u8, Entity)>,
    ordered: BTreeSet<Entity>,
    hashed: EntityHashMap<u8>,
    hashed_set: EntityHashSet,
    indexed: IndexMap<Entity, u8, FixedHasher>,
    indexed_set: IndexSet<Entity, FixedHasher>,
    trees: Vec<Tree>,
    branch: Option<Branch>,
    marks: Vec<Mark>,
    weak: Vec<WeakEntity>,
    note: String,
    #[reflect(ignore)]
    hidden: Option<Entity>,
}

#[derive(Reflect, Debug, PartialEq, Clone)]
enum Tree {
    Leaf(u8),
    One(Entity),
    Both(Entity, Vec<Tree>),
    Maybe {
        who: Option<Entity>,
        more: Vec<Tree>,
    },
}

#[derive(Reflect, Debug, PartialEq, Clone)]
struct Branch {
    who: Entity,
    others: Vec<Entity>,
    inner: Option<Entity>,
}

/// Has more than reflection sees.
#[derive(Reflect, Debug, PartialEq, Clone)]
struct Mark {
    who: Entity,
    #[reflect(ignore)]
    depth: u8,
}

/// Who is gone.
struct Gone<'a>(&'a [Entity]);

impl Gone<'_> {
    fn has(&self, entity: Entity) -> bool {
        self.0.contains(&entity)
    }

    fn option(&self, at: Option<Entity>) -> Option<Entity> {
        at.filter(|at| !self.has(*at))
    }

    fn bare(&self, at: Entity) -> Entity {
        if self.has(at) {
            Entity::PLACEHOLDER
        } else {
            at
        }
    }

    fn list(&self, list: &[Entity]) -> Vec<Entity> {
        let list = list.iter().copied();
        list.filter(|at| !self.has(*at)).collect()
    }

    fn trees(&self, trees: &[Tree]) -> Vec<Tree> {
        trees.iter().filter_map(|tree| self.tree(tree)).collect()
    }

    /// Returns what is left of a tree, if it makes sense then.
    fn tree(&self, tree: &Tree) -> Option<Tree> {
        match tree {
            Tree::Leaf(number) => Some(Tree::Leaf(*number)),
            Tree::One(who) | Tree::Both(who, _) if self.has(*who) => None,
            Tree::One(who) => Some(Tree::One(*who)),
            Tree::Both(who, more) => Some(Tree::Both(*who, self.trees(more))),
            Tree::Maybe { who, more } => Some(Tree::Maybe {
                who: self.option(*who),
                more: self.trees(more),
            }),
        }
    }

    /// Empties a value by hand.
    fn emptied(&self, rich: &Rich) -> Rich {
        let mut rich = rich.clone();
        let has = |at: &Entity| self.has(*at);
        rich.one = self.option(rich.one);
        rich.many.iter_mut().for_each(|at| *at = self.option(*at));
        rich.nested
            .iter_mut()
            .for_each(|list| *list = self.list(list));
        rich.queue.retain(|(at, _)| !has(at));
        rich.small.retain(|at| !has(at));
        rich.array = rich.array.map(|at| self.option(at));
        rich.duels.retain(|duel| !duel.iter().any(has));
        rich.bare = self.bare(rich.bare);
        rich.bare_array = rich.bare_array.map(|at| self.bare(at));
        rich.bare_pair = (self.bare(rich.bare_pair.0), self.option(rich.bare_pair.1));
        rich.keys.retain(|key, list| {
            *list = self.list(list);
            !has(key)
        });
        rich.values.retain(|_, (at, option)| {
            *option = self.option(*option);
            !has(at)
        });
        rich.pairs.retain(|(_, key), value| {
            *value = self.option(*value);
            !key.as_ref().is_some_and(has)
        });
        rich.set.retain(|(_, at)| !has(at));
        rich.ordered.retain(|at| !has(at));
        rich.hashed.retain(|at, _| !has(at));
        rich.hashed_set.retain(|at| !has(at));
        rich.indexed.retain(|at, _| !has(at));
        rich.indexed_set.retain(|at| !has(at));
        rich.trees = self.trees(&rich.trees);
        rich.branch = rich.branch.filter(|branch| !self.has(branch.who));
        if let Some(branch) = &mut rich.branch {
            branch.others = self.list(&branch.others);
            branch.inner = self.option(branch.inner);
        }
        rich.marks.retain(|mark| !has(&mark.who));
        rich
    }

    /// Counts the places that name an entity which is gone.
    fn count(&self, rich: &Rich) -> usize {
        let mut named = Vec::new();
        named.extend(rich.one);
        named.extend(rich.many.iter().flatten());
        named.extend(rich.nested.iter().flatten());
        named.extend(rich.queue.iter().map(|(at, _)| *at));
        named.extend(&rich.small);
        named.extend(rich.array.iter().flatten());
        named.extend(rich.duels.iter().flatten());
        named.push(rich.bare);
        named.extend(rich.bare_array);
        named.push(rich.bare_pair.0);
        named.extend(rich.bare_pair.1);
        for (key, list) in &rich.keys {
            named.push(*key);
            named.extend(list);
        }
        for (at, option) in rich.values.values() {
            named.push(*at);
            named.extend(*option);
        }
        for ((_, key), value) in &rich.pairs {
            named.extend(*key);
            named.extend(*value);
        }
        named.extend(rich.set.iter().map(|(_, at)| *at));
        named.extend(&rich.ordered);
        named.extend(rich.hashed.keys());
        named.extend(rich.hashed_set.iter());
        named.extend(rich.indexed.keys());
        named.extend(&rich.indexed_set);
        let mut trees: Vec<_> = rich.trees.iter().collect();
        while let Some(tree) = trees.pop() {
            match tree {
                Tree::Leaf(_) => {}
                Tree::One(who) => named.push(*who),
                Tree::Both(who, more) => {
                    named.push(*who);
                    trees.extend(more);
                }
                Tree::Maybe { who, more } => {
                    named.extend(*who);
                    trees.extend(more);
                }
            }
        }
        if let Some(branch) = &rich.branch {
            named.push(branch.who);
            named.extend(&branch.others);
            named.extend(branch.inner);
        }
        named.extend(rich.marks.iter().map(|mark| mark.who));
        named.into_iter().filter(|at| self.has(*at)).count()
    }
}

/// How many entities of all kinds there are to be named.
const CAST: usize = 8;

/// Returns a world with those who can be named, and those of them who are gone.
fn cast() -> (World, [Entity; CAST], Vec<Entity>) {
    let mut world = stage();
    let mut cast: [Entity; CAST] = spawn_many(&mut world);
    let gone = cast[..4].to_vec();
    despawn_all(&mut world, gone.iter().copied());
    // An entity is about to have this id.
    cast[4] = world.entity_allocator().alloc();
    cast[5] = Entity::PLACEHOLDER;
    (world, cast, gone)
}

/// Returns an entity of the cast, which is the same in each world.
fn member() -> impl Strategy<Value = Entity> + Clone {
    let (_, cast, _) = cast();
    (0..CAST).prop_map(move |at| cast[at])
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(Tree::Leaf),
        member().prop_map(Tree::One)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (member(), vec(inner.clone(), 0..3)).prop_map(|(who, more)| Tree::Both(who, more)),
            (option::of(member()), vec(inner, 0..3))
                .prop_map(|(who, more)| Tree::Maybe { who, more }),
        ]
    })
}

fn rich() -> impl Strategy<Value = Rich> {
    let list = || vec(member(), 0..5);
    let lists = (
        option::of(member()),
        vec(option::of(member()), 0..5),
        vec(list(), 0..4),
        vec((member(), any::<u8>()), 0..5),
        list(),
        uniform3(option::of(member())),
        vec(member(), 4),
        option::of(member()),
    );
    let maps = (
        vec((member(), list()), 0..5),
        vec((any::<u8>(), (member(), option::of(member()))), 0..5),
        vec(
            ((0..3_u8, option::of(member())), option::of(member())),
            0..5,
        ),
        vec((0..3_u8, member()), 0..5),
        list(),
        list(),
    );
    let branch = (member(), list(), option::of(member()));
    let rest = (
        vec(tree(), 0..3),
        option::of(branch),
        vec((member(), any::<u8>()), 0..5),
        list(),
        option::of(member()),
    );
    (lists, maps, rest).prop_map(|(lists, maps, rest)| {
        let (one, many, nested, queue, small, array, bare, inner) = lists;
        let (keys, values, pairs, set, ordered, hashed) = maps;
        let (trees, branch, marks, weak, hidden) = rest;
        Rich {
            one,
            many,
            duels: nested
                .iter()
                .filter_map(|list| list.first_chunk().copied())
                .collect(),
            nested,
            queue: queue.into(),
            small: small.into(),
            array,
            bare: bare[0],
            bare_array: [bare[1], bare[2]],
            bare_pair: (bare[3], inner),
            keys: keys.into_iter().collect(),
            values: values.into_iter().collect(),
            pairs: pairs.into_iter().collect(),
            set: set.into_iter().collect(),
            indexed: ordered.iter().rev().map(|at| (*at, 7)).collect(),
            indexed_set: hashed.iter().rev().copied().collect(),
            ordered: ordered.into_iter().collect(),
            hashed: hashed.iter().map(|at| (*at, 7)).collect(),
            hashed_set: hashed.into_iter().collect(),
            trees,
            branch: branch.map(|(who, others, inner)| Branch { who, others, inner }),
            marks: marks
                .into_iter()
                .map(|(who, depth)| Mark { who, depth })
                .collect(),
            weak: weak.into_iter().map(WeakEntity::new).collect(),
            note: "as it was".to_owned(),
            hidden,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn reflected_value_is_emptied_as_by_hand(rich in rich(), other in rich()) {
        let (mut world, _, gone) = cast();
        let gone = Gone(&gone);
        let holders = [&rich, &other].map(|rich| world.spawn(rich.clone()).id());
        world.clear_trackers();

        let found = world.find_leftovers();
        let report = world.sweep();

        for (holder, before) in holders.into_iter().zip([&rich, &other]) {
            let at = world.entity(holder).get_ref::<Rich>().unwrap();
            let expected = gone.emptied(before);
            prop_assert_eq!(&*at, &expected);
            // Maps and sets of the kind that have an order keep it.
            prop_assert!(at.indexed.iter().eq(&expected.indexed));
            prop_assert!(at.indexed_set.iter().eq(&expected.indexed_set));
            let places = report.leftovers.iter().filter(|at| at.holder.entity == holder);
            prop_assert_eq!(places.count(), gone.count(before), "{}", report);
            prop_assert_eq!(at.is_changed(), gone.count(before) > 0);
        }
        prop_assert_eq!(report.left(), 0, "{}", report);
        let paths = |report: &qdel::sweep::SweepReport| {
            let leftovers = report.leftovers.iter();
            leftovers.map(|at| (at.holder.clone(), at.place.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(paths(&found), paths(&report));
        prop_assert_eq!(report.blind_spots.len(), 0, "{}", report);
        prop_assert!(world.sweep().is_clean());
    }
}

#[test]
fn entry_goes_by_its_key_or_its_value() {
    let (mut world, cast, _) = cast();
    let (gone, orc) = (cast[0], cast[7]);
    let keys = [(gone, vec![orc]), (orc, vec![gone, orc])];
    let holder = world
        .spawn(Plain {
            keys: keys.into_iter().collect(),
            values: BTreeMap::from([(1, gone), (2, orc)]),
        })
        .id();

    world.sweep();

    let expected = Plain {
        keys: [(orc, vec![orc])].into_iter().collect(),
        values: BTreeMap::from([(2, orc)]),
    };
    assert_eq!(*world.get::<Plain>(holder).unwrap(), expected);
}

#[derive(Component, Reflect, Debug, PartialEq)]
#[reflect(Component)]
struct Plain {
    keys: HashMap<Entity, Vec<Entity>>,
    values: BTreeMap<u8, Entity>,
}

// H2: depth.

/// Two steps a level.
#[derive(Reflect, Default, Debug, PartialEq, Clone)]
struct Nest {
    inner: Vec<Nest>,
    who: Option<Entity>,
    ordered: BTreeSet<Entity>,
    set: HashSet<Entity>,
    keys: HashMap<(u8, Entity), u8>,
}

#[derive(Component, Reflect, Default, Debug, PartialEq, Clone)]
#[reflect(Component)]
struct Even(Option<Entity>, Nest);

/// One step more.
#[derive(Component, Reflect, Default, Debug, PartialEq, Clone)]
#[reflect(Component)]
struct Odd(Option<Entity>, Wrapped);

#[derive(Reflect, Default, Debug, PartialEq, Clone)]
struct Wrapped(Nest);

/// Returns `levels` nests in each other, which all name `who` in each of their fields.
fn nested(levels: usize, who: Entity) -> Nest {
    let mut nest = Nest::default();
    for _ in 0..levels {
        nest = Nest {
            inner: vec![nest],
            who: Some(who),
            ordered: BTreeSet::from([who]),
            set: HashSet::from_iter([who]),
            keys: HashMap::from_iter([((1, who), 7)]),
        };
    }
    nest
}

/// Counts the places in a nest that name an entity.
fn named_in(nest: &Nest) -> usize {
    let mut count = 0;
    let mut nests = vec![nest];
    while let Some(nest) = nests.pop() {
        let ordered = nest.ordered.len() + nest.set.len() + nest.keys.len();
        count += usize::from(nest.who.is_some()) + ordered;
        nests.extend(&nest.inner);
    }
    count
}

#[test]
fn what_is_too_deep_to_be_seen_is_not_emptied() {
    let (mut world, cast, _) = cast();
    let gone = cast[0];
    let nest = nested(MAX_DEPTH, gone);
    let all = named_in(&nest);
    let even = world.spawn(Even(Some(gone), nest.clone())).id();
    let odd = world.spawn(Odd(Some(gone), Wrapped(nest))).id();

    let report = world.sweep();

    let emptied = |holder: Entity| {
        let leftovers = report.leftovers.iter();
        // The first field is not in the nest.
        leftovers.filter(|at| at.holder.entity == holder).count() - 1
    };
    let left = [
        named_in(&world.get::<Even>(even).unwrap().1),
        named_in(&world.get::<Odd>(odd).unwrap().1.0),
    ];
    assert_eq!(left, [even, odd].map(|holder| all - emptied(holder)));
    assert_eq!(report.left(), 0);
    let is_deep = |reason: &BlindReason| matches!(reason, BlindReason::TooDeep { .. });
    let spots = report.blind_spots.iter();
    assert_eq!(spots.filter(|spot| is_deep(&spot.reason)).count(), 2);
}

#[test]
fn very_deep_value_does_not_touch_the_stack() {
    let swept = std::thread::Builder::new().stack_size(512 * 1024);
    let swept = swept.spawn(|| {
        let (mut world, cast, _) = cast();
        let gone = cast[0];
        world.spawn(Even(Some(gone), nested(20_000, gone)));

        let report = world.sweep();

        // To drop such a value would.
        core::mem::forget(world);
        (report.emptied() > 0, report.left())
    });

    assert_eq!(swept.unwrap().join().unwrap(), (true, 0));
}

#[test]
fn long_collections_of_the_gone_are_emptied() {
    const MANY: usize = 100_000;
    let mut world = stage();
    let [orc] = spawn_many(&mut world);
    let crowd: Vec<_> = (0..MANY).map(|_| world.spawn_empty().id()).collect();
    despawn_all(&mut world, crowd.iter().copied());
    let long = Long {
        list: [&crowd[..], &[orc]].concat(),
        set: crowd.iter().chain([&orc]).copied().collect(),
    };
    let holder = world.spawn(long).id();

    let report = world.sweep();

    assert_eq!(report.emptied(), 2 * MANY);
    let long = world.get::<Long>(holder).unwrap();
    assert_eq!(long.list, [orc]);
    assert_eq!(long.set, HashSet::from_iter([orc]));
}

#[derive(Component, Reflect)]
#[reflect(Component)]
struct Long {
    list: Vec<Entity>,
    set: HashSet<Entity>,
}

#[test]
fn type_that_is_registered_twice_is_emptied_once() {
    let (mut world, cast, _) = cast();
    let registry = world.resource::<AppTypeRegistry>().clone();
    {
        let mut registry = registry.write();
        registry.overwrite_registration(Plain::get_type_registration());
        registry.register::<Plain>();
    }
    let values = BTreeMap::from([(1, cast[0])]);
    let keys = HashMap::default();
    let holder = world.spawn(Plain { keys, values }).id();

    let report = world.sweep();

    let places = found(&report)
        .into_iter()
        .map(|(holder, place, ..)| (holder, place));
    let expected = (holder, "Plain.values[value 0]".to_owned());
    assert_eq!(places.collect::<Vec<_>>(), [expected]);
}

fn stage() -> World {
    let mut world = World::new();
    let registry = AppTypeRegistry::default();
    {
        let mut registry = registry.write();
        registry.register::<Rich>();
        registry.register::<Plain>();
        registry.register::<Even>();
        registry.register::<Odd>();
        registry.register::<Long>();
    }
    world.insert_resource(registry);
    world
}
