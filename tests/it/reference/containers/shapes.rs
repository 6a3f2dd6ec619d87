//! R2: structs and enums.
//! R1: the paths that people read.
//! R5: policies at fields, and of what is nested in them.

use super::*;

// R2: structs and enums.

#[test]
fn undeclared_and_ignored_fields_are_left_alone() {
    let [a, b] = entities();
    let mut mob = Mob {
        name: String::from("ork"),
        target: Some(a),
        friends: vec![a, b],
        home: a,
        dead: vec![a],
    };

    let remains = let_go(&mut mob, &[a]);

    let expected = Mob {
        name: String::from("ork"),
        target: None,
        friends: vec![b],
        home: a,
        dead: vec![a],
    };
    assert_eq!((mob, remains), (expected, AfterRelease::Valid));
}

#[test]
fn enum_lets_go_in_the_variant_that_it_is() {
    let [a, b] = entities();
    let before = [
        Mood::Calm,
        Mood::Angry(Some(a), 3),
        Mood::Fond {
            of: vec![a, b],
            since: 4,
        },
        Mood::Torn(vec![(a, b)], a),
        Mood::Numb {},
    ];

    let after = before.map(|mut mood| {
        let remains = let_go(&mut mood, &[a]);
        (mood, remains)
    });

    let expected = [
        Mood::Calm,
        Mood::Angry(None, 3),
        Mood::Fond {
            of: vec![b],
            since: 4,
        },
        Mood::Torn(vec![], a),
        Mood::Numb {},
    ];
    assert_eq!(after, expected.map(|mood| (mood, AfterRelease::Valid)));
}

#[test]
fn tuple_struct_lets_go_of_its_marked_fields() {
    let [a, b] = entities();
    let mut pair = Pair(1.5, Some(a), a, vec![b, a]);

    let _ = let_go(&mut pair, &[a]);

    assert_eq!(pair, Pair(1.5, None, a, vec![b]));
    assert_eq!(visited(&Pair(0.0, Some(a), b, vec![a])), [a, a]);
}

#[test]
fn shapes_without_fields_name_nobody() {
    let [a] = entities();

    assert_eq!(let_go(&mut Marker, &[a]), AfterRelease::Valid);
    assert_eq!(let_go(&mut Empty {}, &[a]), AfterRelease::Valid);
    assert_eq!((visited(&Marker), visited(&Empty {})), (vec![], vec![]));
}

#[test]
fn generic_struct_is_as_good_as_its_parts() {
    let [a, b] = entities();
    let mut slots = Slots::<Entity, u8, 2> {
        list: vec![a, b],
        fixed: [Some(a), Some(b)],
        tag: 9,
        keyed: BTreeMap::from([(1, b)]),
    };

    let _ = let_go(&mut slots, &[b]);

    assert_eq!((slots.list, slots.fixed), (vec![a], [Some(a), None]));
    assert_eq!((slots.tag, slots.keyed), (9, BTreeMap::new()));
}

#[test]
fn nested_structs_let_go_through_containers() {
    let [a, b, c] = entities();
    let link = |to| Link { to, weight: 1 };
    let mut net = Net {
        first: link(Some(a)),
        links: vec![link(Some(a)), link(Some(b)), link(None)],
        named: BTreeMap::from([("x", link(Some(a))), ("y", link(Some(c)))]),
        spare: Some(Box::new(link(Some(a)))),
    };

    let _ = let_go(&mut net, &[a]);

    assert_eq!(visited(&net), [b, c]);
    assert_eq!((net.links.len(), net.named.len()), (3, 2));
    assert_eq!(net.spare, Some(Box::new(link(None))));
}

#[test]
fn hand_written_implementation_may_be_void() {
    let [a, b] = entities();
    let route = |from, to| Route { from, to };
    let mut map = Map {
        routes: vec![route(a, Some(b)), route(b, Some(a)), route(b, None)],
        main: Some(route(a, None)),
    };

    let _ = let_go(&mut map, &[a]);

    assert_eq!(map.routes, [route(b, None), route(b, None)]);
    assert_eq!(map.main, None);
}

#[test]
fn cascades_says_whether_any_place_has_such_a_policy() {
    const { assert!(!Mob::CASCADES && !Mood::CASCADES && !Net::CASCADES && !Marker::CASCADES) };
    const { assert!(!Removed::CASCADES) };
    const { assert!(Heir::CASCADES && Guard::CASCADES) };
    const { assert!(<Vec<Option<Box<Heir>>>>::CASCADES && <[Guard; 3]>::CASCADES) };
    const { assert!(<(u8, Heir)>::CASCADES && <(Heir, u8)>::CASCADES) };
    const { assert!(<HashMap<u8, Heir>>::CASCADES && <BTreeMap<Heir, u8>>::CASCADES) };
    const { assert!(<VecDeque<Heir>>::CASCADES && <SmallVec<[Heir; 1]>>::CASCADES) };
    const { assert!(<BTreeSet<Heir>>::CASCADES && <EntityHashMap<Heir>>::CASCADES) };
    const { assert!(Line::CASCADES && !<Vec<Entity>>::CASCADES) };
}

// R1: the paths that people read.

#[test]
fn paths_lead_to_every_place() {
    let mut world = World::new();
    world.track_references::<Shelf>();
    let [goblin] = spawn_many(&mut world);
    let link = |to| Link { to, weight: 1 };
    let at = Some(goblin);
    let shelf = Shelf {
        plain: at,
        list: vec![goblin, goblin],
        array: [None, at],
        nested: vec![vec![], vec![goblin]],
        pairs: vec![(0.5, goblin)],
        keys: BTreeMap::from([(goblin, 1)]),
        values: BTreeMap::from([("a", vec![]), ("b", vec![goblin])]),
        both: EntityIndexMap::from_iter([(goblin, goblin)]),
        tuple_keys: BTreeMap::from([((1, goblin), 'c')]),
        set: BTreeSet::from([goblin]),
        moods: vec![
            Mood::Calm,
            Mood::Angry(at, 0),
            Mood::Fond {
                of: vec![goblin],
                since: 0,
            },
        ],
        pair: Pair(0.0, at, goblin, vec![]),
        boxed: Some(Box::new(link(at))),
        net: Net {
            first: link(None),
            links: vec![link(None), link(at)],
            named: BTreeMap::from([("x", link(at))]),
            spare: None,
        },
        heir: vec![Heir(Some(goblin))],
        hand: Map {
            routes: vec![Route {
                from: goblin,
                to: at,
            }],
            main: None,
        },
    };
    let holder = world.spawn(shelf).id();

    let released = planned(&mut world, goblin);

    assert!(released.iter().all(|at| at.holder == holder));
    assert!(
        released
            .iter()
            .all(|at| at.component == type_name::<Shelf>())
    );
    let lines: Vec<_> = released
        .iter()
        .map(|at| format!("{:?} {}", at.policy, at.path))
        .collect();
    with_settings!({ omit_expression => true }, {
        assert_snapshot!("paths", lines.join("\n"));
    });
}

#[test]
fn every_step_that_is_entered_is_left() {
    let [a] = entities();
    let mut depth = Depth::default();
    let moods = vec![
        Mood::Fond {
            of: vec![a],
            since: 0,
        },
        Mood::Calm,
    ];

    (moods, BTreeMap::from([(a, Some(a))]), vec![[a]]).visit_references(OnLoss::Clear, &mut depth);

    assert_eq!((depth.now, depth.deepest), (0, 5));
}

// R5: policies at fields, and of what is nested in them.

#[test]
fn nested_struct_inherits_the_policy_of_its_field() {
    let mut world = World::new();
    world.track_references::<Line>();
    let [first, second] = spawn_many(&mut world);
    let heir = world.spawn(Line::below(Some(first), Some(second))).id();

    world.qdel(first).unwrap();

    assert_eq!(world.liveness(heir), Liveness::Deleting);
}

#[test]
fn policy_inside_a_nested_struct_wins() {
    let mut world = World::new();
    world.track_references::<Line>();
    let [first, second] = spawn_many(&mut world);
    let heir = world.spawn(Line::below(Some(first), Some(second))).id();

    world.qdel(second).unwrap();

    assert_eq!(world.liveness(heir), Liveness::Alive);
    let line = world.get::<Line>(heir).unwrap();
    assert_eq!(visited(line), [first]);
}

#[test]
fn every_place_is_visited_with_its_own_policy_or_that_of_its_field() {
    let [a, b] = entities();
    let mut found = Vec::new();

    Line::below(Some(a), Some(b)).visit_references(OnLoss::Clear, &mut |entity, policy| {
        found.push((entity, policy));
    });

    assert_eq!(found, [(a, OnLoss::Qdel), (b, OnLoss::Clear)]);
}

#[test]
fn bare_entity_with_remove_takes_its_component_along() {
    let mut world = World::new();
    world.track_references::<Removed>();
    let [goblin, orc] = spawn_many(&mut world);
    let [lost, kept] = [goblin, orc].map(|entity| world.spawn((Removed(entity), Marker)).id());

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Removed>(lost), None);
    assert_eq!(world.get::<Removed>(kept), Some(&Removed(orc)));
    assert!(world.get::<Marker>(lost).is_some());
    world.check_registrations().unwrap();
}

#[test]
fn component_may_mix_policies() {
    let mut world = World::new();
    world.track_references::<Guard>();
    let [goblin, orc, king] = spawn_many(&mut world);
    let guard = Guard {
        king: Some(king),
        foes: vec![goblin, orc, goblin],
    };
    let guard = world.spawn(guard).id();

    let denied = world.qdel(king).is_err();
    world.qdel(goblin).unwrap();

    assert!(denied);
    assert_eq!(world.get::<Guard>(guard).unwrap().foes, [orc]);
    assert_eq!(world.liveness(king), Liveness::Alive);
}

// The stage.

#[derive(Debug, PartialEq, References)]
struct Mob {
    name: String,
    #[entities]
    target: Option<Entity>,
    #[references]
    friends: Vec<Entity>,
    #[references(ignore)]
    home: Entity,
    #[references(ignore)]
    dead: Vec<Entity>,
}

#[derive(Debug, PartialEq, References)]
enum Mood {
    Calm,
    Angry(#[entities] Option<Entity>, u32),
    Fond {
        #[entities]
        of: Vec<Entity>,
        since: u32,
    },
    Torn(
        #[references] Vec<(Entity, Entity)>,
        #[references(ignore)] Entity,
    ),
    Numb {},
}

#[derive(Debug, PartialEq, References)]
struct Pair(
    f32,
    #[entities] Option<Entity>,
    #[references(ignore)] Entity,
    #[entities] Vec<Entity>,
);

#[derive(References)]
struct Empty {}

#[derive(References)]
struct Slots<T, K, const N: usize>
where
    K: Ord + References + Copy,
{
    #[references]
    list: Vec<T>,
    #[references]
    fixed: [Option<T>; N],
    tag: K,
    #[references]
    keyed: BTreeMap<K, T>,
}

#[derive(Debug, PartialEq, References)]
struct Link {
    #[entities]
    to: Option<Entity>,
    weight: u32,
}

#[derive(Debug, PartialEq, References)]
struct Net {
    #[references]
    first: Link,
    #[references]
    links: Vec<Link>,
    #[references]
    named: BTreeMap<&'static str, Link>,
    #[references]
    spare: Option<Box<Link>>,
}

/// A hand-written one that makes no sense without where it comes from.
#[derive(Debug, PartialEq)]
struct Route {
    from: Entity,
    to: Option<Entity>,
}

impl References for Route {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        visitor.enter(PathStep::Field("from"));
        self.from.visit_references(policy, visitor);
        visitor.leave();
        visitor.enter(PathStep::Field("to"));
        self.to.visit_references(policy, visitor);
        visitor.leave();
    }

    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease {
        let from = self.from.release_references(policy, is_lost);
        from.and(self.to.release_references(policy, is_lost))
    }
}

#[derive(References)]
struct Map {
    #[references]
    routes: Vec<Route>,
    #[references]
    main: Option<Route>,
}

#[derive(Component, Debug, PartialEq, References)]
struct Removed(#[references(remove)] Entity);

#[derive(Component, PartialEq, Eq, PartialOrd, Ord, References)]
struct Heir(#[references(qdel)] Option<Entity>);

#[derive(Component, References)]
struct Guard {
    #[references(deny)]
    king: Option<Entity>,
    #[entities]
    foes: Vec<Entity>,
}

/// Hands its policy down to one field of what is nested in it, and not to the other.
#[derive(Component, References)]
struct Line {
    #[references(qdel)]
    parents: Option<Parents>,
}

#[derive(References)]
struct Parents {
    #[entities]
    mother: Option<Entity>,
    #[references(clear)]
    aunt: Option<Entity>,
}

impl Line {
    fn below(mother: Option<Entity>, aunt: Option<Entity>) -> Self {
        let parents = Some(Parents { mother, aunt });
        Self { parents }
    }
}

/// All shapes whose paths are of interest.
#[derive(Component, References)]
struct Shelf {
    #[entities]
    plain: Option<Entity>,
    #[entities]
    list: Vec<Entity>,
    #[entities]
    array: [Option<Entity>; 2],
    #[references]
    nested: Vec<Vec<Entity>>,
    #[references]
    pairs: Vec<(f32, Entity)>,
    #[references]
    keys: BTreeMap<Entity, u32>,
    #[references]
    values: BTreeMap<&'static str, Vec<Entity>>,
    #[references]
    both: EntityIndexMap<Entity>,
    #[references]
    tuple_keys: BTreeMap<(u32, Entity), char>,
    #[entities]
    set: BTreeSet<Entity>,
    #[references]
    moods: Vec<Mood>,
    #[references]
    pair: Pair,
    #[references]
    boxed: Option<Box<Link>>,
    #[references]
    net: Net,
    #[references(remove)]
    heir: Vec<Heir>,
    #[references]
    hand: Map,
}

/// Counts how deep it is.
#[derive(Default)]
struct Depth {
    now: usize,
    deepest: usize,
}

impl ReferenceVisitor for Depth {
    fn reference(&mut self, _: Entity, _: OnLoss) {
        self.deepest = self.deepest.max(self.now);
    }

    fn enter(&mut self, _: PathStep) {
        self.now += 1;
    }

    fn leave(&mut self) {
        self.now -= 1;
    }
}

fn planned(world: &mut World, target: Entity) -> Vec<Release> {
    let plan = world.plan_qdel(target);
    plan.deletions[0].released.clone()
}
