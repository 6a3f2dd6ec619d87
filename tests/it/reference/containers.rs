//! What can name entities, and how it lets go of them: every container, nested values, policies, and the derive.
//!
//! Rules R1, R2, R4 and R5 of the design, on values alone and on components of a world. Maps and sets of `hashbrown` are
//! tested with its feature. Errors of the derive are in `compile_fail/`.

use core::{any::type_name, fmt::Debug, hash::Hash, marker::PhantomData, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bevy_ecs::{
    entity::{EntityHashMap, EntityHashSet, EntityIndexMap, EntityIndexSet},
    prelude::*,
};
use indexmap::{IndexMap, IndexSet};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, option, prelude::*};
use qdel::{
    Lost, PlannedRelease, Policy, ReferenceVisitor, References, Releasable, Remains, Step,
    prelude::*,
};
use smallvec::SmallVec;

// R2, R4: lists let go of what is lost, and keep the order of the rest.

#[test]
fn vec_keeps_the_order_of_the_rest() {
    check_list::<Vec<Entity>>();
}

#[test]
fn vec_deque_keeps_the_order_of_the_rest() {
    check_list::<VecDeque<Entity>>();
}

#[test]
fn vec_deque_that_wraps_around_keeps_the_order_of_the_rest() {
    let [a, b, c, d] = entities();
    let mut ring = VecDeque::with_capacity(4);
    ring.extend([d, d, a, b]);
    ring.drain(..2);
    ring.extend([c, d]);
    assert!(!ring.as_slices().1.is_empty());

    let remains = let_go(&mut ring, &[b]);

    assert_eq!((ring, remains), (VecDeque::from([a, c, d]), Remains::Valid));
}

#[test]
fn small_vec_keeps_the_order_of_the_rest() {
    check_list::<SmallVec<[Entity; 2]>>();
    check_list::<SmallVec<[Entity; 8]>>();
}

#[test]
fn list_of_options_keeps_its_places() {
    let [a, b, c] = entities();
    let mut list = vec![Some(a), None, Some(b), Some(a), Some(c)];

    let remains = let_go(&mut list, &[a]);

    assert_eq!(list, [None, None, Some(b), None, Some(c)]);
    assert_eq!(remains, Remains::Valid);
}

#[test]
fn array_of_options_keeps_its_places() {
    let [a, b, c] = entities();
    for (lost, expected) in [
        (vec![], [Some(a), None, Some(b), Some(a)]),
        (vec![c], [Some(a), None, Some(b), Some(a)]),
        (vec![a], [None, None, Some(b), None]),
        (vec![b, a], [None; 4]),
    ] {
        let mut array = [Some(a), None, Some(b), Some(a)];

        let remains = let_go(&mut array, &lost);

        assert_eq!((array, remains), (expected, Remains::Valid));
    }
}

#[test]
fn empty_array_is_left_alone() {
    let [a] = entities();
    let mut array: [Option<Entity>; 0] = [];

    assert_eq!(let_go(&mut array, &[a]), Remains::Valid);
    assert_eq!(visited(&array), []);
}

#[test]
fn array_of_entities_is_void_without_one_of_them() {
    let [a, b, c] = entities();

    assert_eq!(let_go(&mut [a, b], &[b]), Remains::Void);
    assert_eq!(let_go(&mut [a, b], &[c]), Remains::Valid);
}

#[test]
fn list_of_arrays_of_entities_drops_what_is_void() {
    let [a, b, c] = entities();
    let mut list = vec![[a, b], [c, c], [b, a], [a, c]];

    let remains = let_go(&mut list, &[b]);

    assert_eq!((list, remains), (vec![[c, c], [a, c]], Remains::Valid));
}

#[test]
fn list_of_lists_keeps_lists_that_are_empty_now() {
    let [a, b, c] = entities();
    let mut list = vec![vec![a, b], vec![], vec![b, b], vec![c]];

    let remains = let_go(&mut list, &[b]);

    let expected = vec![vec![a], vec![], vec![], vec![c]];
    assert_eq!((list, remains), (expected, Remains::Valid));
}

#[test]
fn list_of_pairs_drops_pairs_and_keeps_their_values() {
    let [a, b, c] = entities();
    let mut list = vec![(a, 1.5), (b, 2.5), (c, 3.5), (b, 4.5), (a, 5.5)];

    let remains = let_go(&mut list, &[b]);

    assert_eq!(list, [(a, 1.5), (c, 3.5), (a, 5.5)]);
    assert_eq!(remains, Remains::Valid);
}

// R2: one entity or none.

#[test]
fn option_is_empty_afterwards() {
    let [a, b] = entities();
    for (before, lost, after) in [
        (None, vec![a], None),
        (Some(a), vec![], Some(a)),
        (Some(a), vec![b], Some(a)),
        (Some(a), vec![b, a], None),
    ] {
        let mut option = before;

        let remains = let_go(&mut option, &lost);

        assert_eq!((option, remains), (after, Remains::Valid));
    }
}

#[test]
fn entity_is_void_and_stays_as_it_is() {
    let [a, b] = entities();
    let mut entity = a;

    let answers = [let_go(&mut entity, &[b]), let_go(&mut entity, &[a])];

    assert_eq!(answers, [Remains::Valid, Remains::Void]);
    assert_eq!(entity, a);
}

#[test]
fn option_of_a_pair_is_empty_without_its_entity() {
    let [a, b] = entities();
    let mut pair = Some((a, 0.5));

    let _ = let_go(&mut pair, &[b]);
    assert_eq!(pair, Some((a, 0.5)));
    let _ = let_go(&mut pair, &[a]);

    assert_eq!(pair, None);
}

#[test]
fn option_in_an_option_is_emptied_inside() {
    let [a] = entities();
    let mut option = Some(Some(a));

    let _ = let_go(&mut option, &[a]);

    assert_eq!(option, Some(None));
}

#[test]
fn option_of_a_list_stays_with_an_empty_list() {
    let [a] = entities();
    let mut option = Some(vec![a, a]);

    let _ = let_go(&mut option, &[a]);

    assert_eq!(option, Some(vec![]));
}

#[test]
fn boxes_are_as_what_is_in_them() {
    let [a, b] = entities();
    let mut boxed = Box::new(vec![a, b]);
    let mut optional = Some(Box::new(a));
    let mut bare = Box::new(a);

    let answers = [
        let_go(&mut boxed, &[a]),
        let_go(&mut optional, &[a]),
        let_go(&mut bare, &[a]),
    ];

    assert_eq!(answers, [Remains::Valid, Remains::Valid, Remains::Void]);
    assert_eq!((*boxed, optional, *bare), (vec![b], None, a));
}

#[test]
fn tuple_is_void_without_any_of_its_entities_and_looks_at_all_parts() {
    let [a, b, c] = entities();
    let mut tuple = (a, vec![a, b], 7, Some(a), "name", [Some(c)]);

    let remains = let_go(&mut tuple, &[a, c]);

    assert_eq!(remains, Remains::Void);
    assert_eq!(tuple, (a, vec![b], 7, None, "name", [None]));
}

#[test]
fn tuple_of_what_can_be_empty_is_never_void() {
    let [a] = entities();
    let mut tuple = (Some(a), vec![a]);

    let remains = let_go(&mut tuple, &[a]);

    assert_eq!((tuple, remains), ((None, vec![]), Remains::Valid));
}

#[test]
fn what_names_nobody_is_never_touched() {
    let [a] = entities();
    let mut values = (
        (true, 'c', (), String::from("s"), "str", Duration::MAX),
        (1_u8, 2_u16, 3_u32, 4_u64, 5_u128, 6_usize),
        (1_i8, 2_i16, 3_i32, 4_i64, 5_i128, 6_isize),
        (0.5_f32, 1.5_f64, PhantomData::<Entity>),
    );
    let before = values.clone();

    let remains = let_go(&mut values, &[a]);

    assert_eq!((&values, remains), (&before, Remains::Valid));
    assert_eq!(visited(&values), []);
}

// R2: sets.

#[test]
fn hash_sets_drop_what_is_lost_and_nothing_else() {
    check_set::<HashSet<Entity>>();
    check_set::<bevy_platform::collections::HashSet<Entity>>();
    check_set::<EntityHashSet>();
}

#[test]
fn sets_with_another_hasher_drop_what_is_lost_and_nothing_else() {
    check_set::<HashSet<Entity, bevy_platform::hash::FixedHasher>>();
    check_set::<IndexSet<Entity, bevy_platform::hash::FixedHasher>>();
}

#[cfg(feature = "hashbrown")]
#[test]
fn hashbrown_sets_drop_what_is_lost_and_nothing_else() {
    check_set::<hashbrown::HashSet<Entity, bevy_platform::hash::RandomState>>();
}

#[test]
fn sets_with_an_order_drop_what_is_lost_and_nothing_else() {
    check_set::<BTreeSet<Entity>>();
    check_set::<IndexSet<Entity>>();
    check_set::<EntityIndexSet>();
}

#[test]
fn index_sets_keep_the_order_of_the_rest() {
    let [a, b, c, d] = entities();
    let mut plain = IndexSet::<Entity>::from_iter([d, b, a, c]);
    let mut hashed = EntityIndexSet::from_iter([d, b, a, c]);

    let _ = let_go(&mut plain, &[b]);
    let _ = let_go(&mut hashed, &[b]);

    assert_eq!(plain.into_iter().collect::<Vec<_>>(), [d, a, c]);
    assert_eq!(hashed.into_iter().collect::<Vec<_>>(), [d, a, c]);
}

#[test]
fn set_of_lists_drops_lists_that_name_what_is_lost() {
    let [a, b, c] = entities();
    let mut set = BTreeSet::from([vec![a, b], vec![c], vec![]]);

    let remains = let_go(&mut set, &[b]);

    let expected = BTreeSet::from([vec![c], vec![]]);
    assert_eq!((set, remains), (expected, Remains::Valid));
}

// R2: maps.

#[test]
fn maps_drop_entries_whose_key_is_lost() {
    check_keys::<HashMap<Entity, u32>>();
    check_keys::<bevy_platform::collections::HashMap<Entity, u32>>();
    check_keys::<BTreeMap<Entity, u32>>();
    check_keys::<IndexMap<Entity, u32>>();
    check_keys::<EntityHashMap<u32>>();
    check_keys::<EntityIndexMap<u32>>();
}

#[test]
fn maps_drop_entries_whose_value_is_lost() {
    check_values::<HashMap<u32, Entity>>();
    check_values::<bevy_platform::collections::HashMap<u32, Entity>>();
    check_values::<BTreeMap<u32, Entity>>();
    check_values::<IndexMap<u32, Entity>>();
}

#[cfg(feature = "hashbrown")]
#[test]
fn hashbrown_maps_drop_entries() {
    check_keys::<hashbrown::HashMap<Entity, u32, bevy_platform::hash::RandomState>>();
    check_values::<hashbrown::HashMap<u32, Entity, bevy_platform::hash::RandomState>>();
}

#[test]
fn maps_from_entities_to_entities_look_at_both_sides() {
    check_both_sides::<HashMap<Entity, Entity>>();
    check_both_sides::<bevy_platform::collections::HashMap<Entity, Entity>>();
    check_both_sides::<BTreeMap<Entity, Entity>>();
    check_both_sides::<IndexMap<Entity, Entity>>();
    check_both_sides::<EntityHashMap<Entity>>();
    check_both_sides::<EntityIndexMap<Entity>>();
}

#[test]
fn index_maps_keep_the_order_of_the_rest() {
    let [a, b, c, d] = entities();
    let entries = [(d, 1), (b, 2), (a, 3), (c, 4)];
    let mut plain = IndexMap::<Entity, u32>::from_iter(entries);
    let mut hashed = EntityIndexMap::from_iter(entries);

    let _ = let_go(&mut plain, &[b]);
    let _ = let_go(&mut hashed, &[b]);

    let expected = [(d, 1), (a, 3), (c, 4)];
    assert_eq!(plain.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(hashed.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn map_of_names_to_lists_keeps_its_names() {
    let [a, b] = entities();
    let mut map = HashMap::from([
        (String::from("friends"), vec![a, b, a]),
        (String::from("foes"), vec![a]),
        (String::from("nobody"), vec![]),
    ]);

    let remains = let_go(&mut map, &[a]);

    let expected = HashMap::from([
        (String::from("friends"), vec![b]),
        (String::from("foes"), vec![]),
        (String::from("nobody"), vec![]),
    ]);
    assert_eq!((map, remains), (expected, Remains::Valid));
}

#[test]
fn map_with_an_optional_value_keeps_the_key() {
    let [a, b] = entities();
    let mut map = EntityHashMap::from_iter([(a, Some(b)), (b, Some(a))]);

    let _ = let_go(&mut map, &[b]);

    assert_eq!(map, EntityHashMap::from_iter([(a, None)]));
}

#[test]
fn key_that_is_a_tuple_goes_with_its_entity() {
    let [a, b] = entities();
    let mut map = HashMap::from([((a, 1), 'x'), ((b, 1), 'y'), ((a, 2), 'z')]);

    let _ = let_go(&mut map, &[a]);

    assert_eq!(map, HashMap::from([((b, 1), 'y')]));
}

#[test]
fn keys_and_elements_of_more_than_one_entity_go_with_any_of_them() {
    let [a, b, c] = entities();
    for lost in [a, b] {
        let mut map = HashMap::from([((a, b), 1), ((c, c), 2)]);
        let mut set = HashSet::from([[a, b], [c, c]]);

        let _ = let_go(&mut map, &[lost]);
        let _ = let_go(&mut set, &[lost]);

        assert_eq!(map, HashMap::from([((c, c), 2)]));
        assert_eq!(set, HashSet::from([[c, c]]));
    }
}

#[test]
fn key_that_could_be_empty_goes_as_a_whole() {
    let [a, b] = entities();
    let mut map = HashMap::from([(Some(a), 1), (Some(b), 2), (None, 3)]);

    let _ = let_go(&mut map, &[a]);

    assert_eq!(map, HashMap::from([(Some(b), 2), (None, 3)]));
}

// R2: whatever a release may take, a visit has shown.

#[test]
fn release_asks_about_what_a_visit_shows() {
    let [a, b, c] = entities();

    check_same_places(&mut Some(a));
    check_same_places(&mut [Some(a), None, Some(b)]);
    check_same_places(&mut vec![vec![a, b], vec![], vec![c, a]]);
    check_same_places(&mut VecDeque::from([(a, b), (c, c)]));
    check_same_places(&mut SmallVec::<[_; 1]>::from_vec(vec![
        Some(Box::new(a)),
        Some(Box::new(b)),
    ]));
    check_same_places(&mut HashSet::from([a, b, c]));
    check_same_places(&mut BTreeSet::from([(a, b), (b, c)]));
    check_same_places(&mut EntityIndexSet::from_iter([c, b, a]));
    check_same_places(&mut HashMap::from([
        ((a, 1), vec![b]),
        ((b, 2), vec![a, c]),
    ]));
    check_same_places(&mut BTreeMap::from([(a, b), (b, c)]));
    check_same_places(&mut EntityIndexMap::from_iter([(a, Some(b)), (b, Some(b))]));
    check_same_places(&mut (a, 1, Some(b), "x", [c, a], vec![(b, 0.5)]));
}

#[test]
fn nothing_is_released_under_another_policy() {
    let [a, b] = entities();
    let mut tuple = (
        (a, Some(a)),
        (vec![a, b], [Some(a)], SmallVec::<[_; 2]>::from_slice(&[a])),
        (HashSet::from([a]), EntityIndexSet::from_iter([a])),
        (HashMap::from([(a, b)]), BTreeMap::from([(b, Box::new(a))])),
    );
    let before = tuple.clone();
    for policy in [Policy::Remove, Policy::Qdel] {
        let remains = tuple.release_references(policy, &mut |_| true);

        assert_eq!((&tuple, remains), (&before, Remains::Valid));
    }
}

#[test]
fn what_comes_too_late_to_refuse_is_released_as_if_it_were_to_clear() {
    let [a, b] = entities();
    let values = || {
        (
            (vec![a, b], Some(a), [Some(a), Some(b)]),
            (HashSet::from([a, b]), EntityIndexSet::from_iter([a, b])),
            (HashMap::from([(a, b), (b, b)]), BTreeMap::from([(b, a)])),
        )
    };
    let (mut cleared, mut denied) = (values(), values());

    let remains = [
        cleared.release_references(Policy::Clear, &mut |entity| entity == a),
        denied.release_references(Policy::Deny, &mut |entity| entity == a),
    ];

    assert_eq!(remains, [Remains::Valid; 2]);
    assert_eq!(denied, cleared);
    let mut bare = a;
    assert_eq!(
        bare.release_references(Policy::Deny, &mut |_| true),
        Remains::Void
    );
    assert_eq!(bare, a);
}

#[test]
fn policy_is_handed_down_to_every_place() {
    let [a, b] = entities();
    let tuple = (
        a,
        vec![Some(b)],
        HashMap::from([(a, [b])]),
        BTreeSet::from([a]),
    );
    let mut found = Vec::new();

    tuple.visit_references(Policy::Deny, &mut |entity, policy| {
        found.push((entity, policy));
    });

    let expected = [a, b, a, b, a].map(|entity| (entity, Policy::Deny));
    assert_eq!(found, expected);
}

#[test]
fn remains_are_void_if_one_is() {
    let both = [Remains::Valid, Remains::Void];

    let answers = both.map(|one| both.map(|other| one.and(other)));

    let expected = [[Remains::Valid, Remains::Void], [Remains::Void; 2]];
    assert_eq!(answers, expected);
}

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
    assert_eq!((mob, remains), (expected, Remains::Valid));
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
    assert_eq!(after, expected.map(|mood| (mood, Remains::Valid)));
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

    assert_eq!(let_go(&mut Marker, &[a]), Remains::Valid);
    assert_eq!(let_go(&mut Empty {}, &[a]), Remains::Valid);
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
    let [goblin] = spawn(&mut world);
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

    (moods, BTreeMap::from([(a, Some(a))]), vec![[a]]).visit_references(Policy::Clear, &mut depth);

    assert_eq!((depth.now, depth.deepest), (0, 5));
}

// R5: policies at fields, and of what is nested in them.

#[test]
fn nested_struct_inherits_the_policy_of_its_field() {
    let mut world = World::new();
    world.track_references::<Line>();
    let [first, second] = spawn(&mut world);
    let heir = world.spawn(Line::below(Some(first), Some(second))).id();

    world.qdel(first).unwrap();

    assert_eq!(world.liveness(heir), Liveness::Deleting);
}

#[test]
fn policy_inside_a_nested_struct_wins() {
    let mut world = World::new();
    world.track_references::<Line>();
    let [first, second] = spawn(&mut world);
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

    Line::below(Some(a), Some(b)).visit_references(Policy::Clear, &mut |entity, policy| {
        found.push((entity, policy));
    });

    assert_eq!(found, [(a, Policy::Qdel), (b, Policy::Clear)]);
}

#[test]
fn bare_entity_with_remove_takes_its_component_along() {
    let mut world = World::new();
    world.track_references::<Removed>();
    let [goblin, orc] = spawn(&mut world);
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
    let [goblin, orc, king] = spawn(&mut world);
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

// R4: the method that is told.

#[test]
fn lost_entities_are_told_once_each_in_the_order_of_the_fields() {
    let mut world = mourning();
    let [a, b, c, d] = spawn(&mut world);
    let mourner = Mourner {
        first: vec![c, a, c],
        second: Some(a),
        third: vec![(b, 1), (d, 2), (c, 3)],
        ..Default::default()
    };
    let mourner = world.spawn(mourner).id();

    world.qdel_batch([a, b, c]);

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![c, a, b])]);
    assert_eq!(at.seen_then, [d]);
}

#[test]
fn each_deletion_is_told_by_itself() {
    let mut world = mourning();
    let [a, b] = spawn(&mut world);
    let mourner = world.spawn(Mourner::of([a, b])).id();

    world.qdel(b).unwrap();
    world.qdel(a).unwrap();
    world.flush_qdel();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![b]), (mourner, vec![a])]);
}

#[test]
fn tree_that_goes_is_told_once() {
    let mut world = mourning();
    let [ship, mast, flag] = spawn(&mut world);
    world.entity_mut(mast).insert(ChildOf(ship));
    world.entity_mut(flag).insert(ChildOf(mast));
    let mourner = world.spawn(Mourner::of([flag, ship, mast])).id();

    world.qdel(ship).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![flag, ship, mast])]);
}

#[test]
fn component_that_goes_as_well_is_not_told() {
    let mut world = mourning();
    let [goblin] = spawn(&mut world);
    let mourner = world.spawn((Mourner::of([goblin]), ChildOf(goblin))).id();

    world.qdel(goblin).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!((&at.first, &at.heard), (&vec![], &vec![]));
}

#[test]
fn component_of_a_listener_that_is_deleting_is_not_told_later() {
    let mut world = mourning();
    let [goblin] = spawn(&mut world);
    let mourner = world.spawn(Mourner::of([goblin])).id();
    world.qdel(mourner).unwrap();

    world.qdel(goblin).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!((&at.first, &at.heard), (&vec![], &vec![]));
}

#[test]
fn component_that_loses_itself_is_not_told() {
    let mut world = mourning();
    let [mourner] = spawn(&mut world);
    world.entity_mut(mourner).insert(Mourner::of([mourner]));

    world.qdel(mourner).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!((&at.first, &at.heard), (&vec![], &vec![]));
}

#[test]
fn despawn_tells_while_the_lost_entity_is_whole() {
    let mut world = mourning();
    let [goblin, orc] = spawn(&mut world);
    let mourner = world.spawn(Mourner::of([goblin, orc])).id();

    world.despawn(goblin);

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![goblin])]);
    assert_eq!(at.seen_then, [orc]);
}

#[test]
fn field_that_is_written_after_the_end_is_told_by_the_sync() {
    let mut world = mourning();
    let [goblin, orc] = spawn(&mut world);
    let mourner = world.spawn(Mourner::default()).id();
    world.despawn(goblin);
    world.get_mut::<Mourner>(mourner).unwrap().first = vec![goblin, orc];

    world.sync_references();
    world.sync_references();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![goblin])]);
    assert_eq!(at.first, [orc]);
}

#[test]
fn many_despawns_at_once_are_told_each_once() {
    let mut world = mourning();
    let [a, b, c, d] = spawn(&mut world);
    for entity in [a, b, c] {
        world.entity_mut(entity).insert(Marker);
    }
    let mourner = world.spawn(Mourner::of([c, d, a, b])).id();

    world.despawn_all::<With<Marker>>();

    let mut heard: Vec<_> = world.get::<Mourner>(mourner).unwrap().all_heard();
    heard.sort_unstable();
    let mut expected = vec![a, b, c];
    expected.sort_unstable();
    assert_eq!(heard, expected);
}

#[test]
fn component_that_loses_what_was_to_take_its_entity_along_hears_nothing_of_it() {
    let mut world = World::new();
    world.track_references::<Widow>();
    let [husband, friend] = spawn(&mut world);
    let widow = Widow {
        husband: Some(husband),
        friends: vec![friend],
        heard: 0,
    };
    let widow = world.spawn(widow).id();

    world.qdel_batch([friend, husband]);

    assert_eq!(world.liveness(widow), Liveness::Deleting);
    let at = world.get::<Widow>(widow).unwrap();
    assert_eq!((&at.friends, at.heard), (&vec![], 0));
}

#[test]
fn component_that_is_removed_hears_nothing() {
    let mut world = World::new();
    world.track_references::<Rider>();
    let [horse, friend] = spawn(&mut world);
    let heard = Arc::new(AtomicUsize::new(0));
    let rider = Rider {
        horse,
        friends: vec![friend],
        heard: Arc::clone(&heard),
    };
    let rider = world.spawn(rider).id();

    world.qdel_batch([friend, horse]);

    assert!(world.get::<Rider>(rider).is_none());
    assert_eq!(heard.load(Ordering::Relaxed), 0);
}

#[test]
fn method_may_name_somebody_else_and_is_linked_to_them() {
    let mut world = World::new();
    world.track_references::<Fickle>();
    let [goblin, orc, troll] = spawn(&mut world);
    let fickle = Fickle {
        target: Some(goblin),
        next: vec![troll, orc],
    };
    let fickle = world.spawn(fickle).id();

    world.qdel(goblin).unwrap();
    let after_goblin = world.get::<Fickle>(fickle).unwrap().target;
    world.flush_qdel();
    world.despawn(orc);
    let after_orc = world.get::<Fickle>(fickle).unwrap().target;

    assert_eq!((after_goblin, after_orc), (Some(orc), Some(troll)));
}

#[test]
fn method_that_names_who_goes_too_is_told_again_and_ends() {
    let mut world = World::new();
    world.track_references::<Fickle>();
    let [goblin, orc, troll] = spawn(&mut world);
    let fickle = Fickle {
        target: Some(goblin),
        next: vec![troll, orc],
    };
    let fickle = world.spawn(fickle).id();

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    let at = world.get::<Fickle>(fickle).unwrap();
    assert_eq!(at.target, Some(troll));
}

#[test]
fn panic_in_one_method_leaves_the_others_released_and_goes_on() {
    let mut world = World::new();
    world
        .track_references::<Touchy>()
        .track_references::<Mourner>();
    let [goblin] = spawn(&mut world);
    let touchy = [false, true, false].map(|panics| {
        let target = Some(goblin);
        world.spawn(Touchy { target, panics }).id()
    });
    let mourner = world.spawn(Mourner::of([goblin])).id();

    let panicked = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));

    let panicked = panicked.unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"too much"));
    for touchy in touchy {
        assert_eq!(world.get::<Touchy>(touchy).unwrap().target, None);
    }
    let heard = world.get::<Mourner>(mourner).unwrap().all_heard();
    assert_eq!(heard, [goblin]);
    world.check_registrations().unwrap();
    assert_eq!(world.flush_qdel(), 1);
}

#[test]
fn panic_in_a_method_of_a_despawn_leaves_the_others_released_and_goes_on() {
    let mut world = World::new();
    world.track_references::<Touchy>();
    let [goblin] = spawn(&mut world);
    let touchy = [true, false].map(|panics| {
        let target = Some(goblin);
        world.spawn(Touchy { target, panics }).id()
    });

    let panicked = catch_unwind(AssertUnwindSafe(|| world.despawn(goblin)));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"too much"));
    for touchy in touchy {
        assert_eq!(world.get::<Touchy>(touchy).unwrap().target, None);
    }
    world.check_registrations().unwrap();
}

#[test]
fn panic_in_a_method_during_a_sync_leaves_the_others_released_and_goes_on() {
    let mut world = World::new();
    world.track_references::<Touchy>();
    let [goblin] = spawn(&mut world);
    let touchy = [true, false].map(|panics| {
        world
            .spawn(Touchy {
                target: None,
                panics,
            })
            .id()
    });
    for touchy in touchy {
        world.get_mut::<Touchy>(touchy).unwrap().target = Some(goblin);
    }
    world.despawn(goblin);

    let panicked = catch_unwind(AssertUnwindSafe(|| world.sync_references()));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"too much"));
    for touchy in touchy {
        assert_eq!(world.get::<Touchy>(touchy).unwrap().target, None);
    }
    world.check_registrations().unwrap();
}

#[test]
fn method_may_be_any_path_to_a_function() {
    let mut world = World::new();
    world
        .track_references::<Counted<u8>>()
        .track_references::<Plain>();
    let [goblin] = spawn(&mut world);
    let counted = Counted::<u8> {
        target: Some(goblin),
        count: 0,
        of: PhantomData,
    };
    let plain = Plain {
        target: Some(goblin),
        heard: false,
    };
    let holder = world.spawn((counted, plain)).id();

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Counted<u8>>(holder).unwrap().count, 1);
    assert!(world.get::<Plain>(holder).unwrap().heard);
}

// R2: random values.

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn release_takes_exactly_what_is_lost(nest in nests(), lost in vec(any::<bool>(), CAST)) {
        let cast: [Entity; CAST] = entities();
        let is_lost = |entity: &Entity| lost[cast.iter().position(|at| at == entity).unwrap()];
        let mut nest = nest.cast(&cast);
        let before = visited(&nest);

        let remains = nest.release_references(Policy::Clear, &mut |entity| is_lost(&entity));

        let expected: Vec<_> = before.iter().copied().filter(|entity| !is_lost(entity)).collect();
        prop_assert_eq!(visited(&nest), expected);
        prop_assert_eq!(remains, Remains::Valid);
    }

    #[test]
    fn release_of_nobody_changes_nothing(nest in nests()) {
        let cast: [Entity; CAST] = entities();
        let mut nest = nest.cast(&cast);
        let (before, mut asked) = (nest.clone(), Vec::new());

        let remains = nest.release_references(Policy::Clear, &mut |entity| {
            asked.push(entity);
            false
        });

        prop_assert_eq!(&nest, &before);
        prop_assert_eq!(asked, visited(&nest));
        prop_assert_eq!(remains, Remains::Valid);
    }

    #[test]
    fn components_of_a_world_name_exactly_who_is_alive(
        nests in vec(nests(), 1..4),
        ends in vec((0..CAST, 0..4_u8), 0..6),
    ) {
        let mut world = World::new();
        world.track_references::<Nest>();
        let cast: [Entity; CAST] = spawn(&mut world);
        let nests: Vec<_> = nests.iter().map(|nest| nest.cast(&cast)).collect();
        let holders: Vec<_> = nests.iter().map(|nest| world.spawn(nest.clone()).id()).collect();

        for (who, how) in ends {
            match how {
                0 => drop(world.despawn(cast[who])),
                1 => drop(world.qdel(cast[who])),
                2 => drop(world.flush_qdel()),
                _ => drop(world.qdel_batch([cast[who], cast[(who + 1) % CAST]])),
            }
            for (nest, holder) in nests.iter().zip(&holders) {
                let is_alive = |entity: &Entity| world.liveness(*entity) == Liveness::Alive;
                let expected: Vec<_> = visited(nest).into_iter().filter(is_alive).collect();
                prop_assert_eq!(visited(world.get::<Nest>(*holder).unwrap()), expected);
            }
            prop_assert!(world.check_registrations().is_ok());
        }
    }
}

/// So many entities take part in a random value.
const CAST: usize = 6;

/// A random value, with the places that its entities take in the cast.
#[derive(Debug, Clone)]
struct Draft {
    one: Option<usize>,
    many: Vec<usize>,
    pairs: Vec<(usize, u8)>,
    rows: Vec<Vec<Option<usize>>>,
    map: BTreeMap<u8, usize>,
    keys: Vec<usize>,
    knots: Vec<(u8, usize)>,
}

/// Any shape, nested and not.
#[derive(Component, Debug, Clone, PartialEq, References)]
struct Nest {
    #[entities]
    one: Option<Entity>,
    #[entities]
    many: Vec<Entity>,
    #[references]
    pairs: VecDeque<(Entity, u8)>,
    #[references]
    rows: Vec<Vec<Option<Entity>>>,
    #[references]
    map: BTreeMap<u8, Entity>,
    #[references]
    keys: IndexMap<Entity, SmallVec<[u8; 1]>>,
    #[references]
    knots: Vec<Knot>,
    #[references]
    boxed: Option<Box<(u8, Knot)>>,
}

#[derive(Debug, Clone, PartialEq, References)]
enum Knot {
    Loose,
    Tied(#[entities] Option<Entity>, u8),
    Double {
        #[references]
        ends: [Option<Entity>; 2],
    },
    Set(#[references] BTreeSet<Entity>),
}

impl Draft {
    fn cast(&self, cast: &[Entity; CAST]) -> Nest {
        let to = |at: &usize| cast[*at];
        let knot = |(kind, at): &(u8, usize)| match kind {
            0 => Knot::Loose,
            1 => Knot::Tied(Some(to(at)), 3),
            2 => Knot::Double {
                ends: [None, Some(to(at))],
            },
            _ => Knot::Set(BTreeSet::from([to(at), cast[0]])),
        };
        Nest {
            one: self.one.as_ref().map(to),
            many: self.many.iter().map(to).collect(),
            pairs: self.pairs.iter().map(|(at, tag)| (to(at), *tag)).collect(),
            rows: self
                .rows
                .iter()
                .map(|row| row.iter().map(|at| at.as_ref().map(to)).collect())
                .collect(),
            map: self.map.iter().map(|(key, at)| (*key, to(at))).collect(),
            keys: self
                .keys
                .iter()
                .map(|at| (to(at), SmallVec::from_slice(&[1, 2])))
                .collect(),
            knots: self.knots.iter().map(knot).collect(),
            boxed: self.knots.first().map(|first| Box::new((7, knot(first)))),
        }
    }
}

fn nests() -> impl Strategy<Value = Draft> {
    let at = 0..CAST;
    let lists = (
        option::of(at.clone()),
        vec(at.clone(), 0..20),
        vec((at.clone(), any::<u8>()), 0..5),
        vec(vec(option::of(at.clone()), 0..4), 0..4),
    );
    let others = (
        proptest::collection::btree_map(any::<u8>(), at.clone(), 0..5),
        vec(at.clone(), 0..5),
        vec((0..4_u8, at), 0..5),
    );
    (lists, others).prop_map(|((one, many, pairs, rows), (map, keys, knots))| Draft {
        one,
        many,
        pairs,
        rows,
        map,
        keys,
        knots,
    })
}

// R1: what the derive takes.

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
    let [goblin] = spawn(&mut world);
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
    let [goblin, orc] = spawn(&mut world);
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

// The shapes.

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

#[derive(Component, Debug, PartialEq, References)]
struct Marker;

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

    fn visit_references<V: ReferenceVisitor>(&self, policy: Policy, visitor: &mut V) {
        visitor.enter(Step::Field("from"));
        self.from.visit_references(policy, visitor);
        visitor.leave();
        visitor.enter(Step::Field("to"));
        self.to.visit_references(policy, visitor);
        visitor.leave();
    }

    fn release_references(
        &mut self,
        policy: Policy,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> Remains {
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

/// Writes down what it lost.
#[derive(Component, Default, References)]
#[references(on_lost = Mourner::mourn)]
struct Mourner {
    #[entities]
    first: Vec<Entity>,
    #[entities]
    second: Option<Entity>,
    #[references]
    third: Vec<(Entity, u32)>,
    #[references(ignore)]
    heard: Vec<(Entity, Vec<Entity>)>,
    /// What it named when it was told last.
    #[references(ignore)]
    seen_then: Vec<Entity>,
}

impl Mourner {
    fn of<const N: usize>(entities: [Entity; N]) -> Self {
        Self {
            first: entities.to_vec(),
            ..Default::default()
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.heard.push((lost.listener(), lost.to_vec()));
        self.seen_then = visited(self);
    }

    fn all_heard(&self) -> Vec<Entity> {
        self.heard
            .iter()
            .flat_map(|(_, lost)| lost.clone())
            .collect()
    }
}

/// Goes with one that it names, and lets go of others.
#[derive(Component, References)]
#[references(on_lost = Self::mourn)]
struct Widow {
    #[references(qdel)]
    husband: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    heard: u32,
}

impl Widow {
    fn mourn(&mut self, _: Lost) {
        self.heard += 1;
    }
}

/// Makes no sense without one that it names, and lets go of others.
#[derive(Component, References)]
#[references(on_lost = Self::mourn)]
struct Rider {
    #[references(remove)]
    horse: Entity,
    #[entities]
    friends: Vec<Entity>,
    heard: Arc<AtomicUsize>,
}

impl Rider {
    fn mourn(&mut self, _: Lost) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes the next when it loses its target.
#[derive(Component, References)]
#[references(on_lost = Self::pick_next)]
struct Fickle {
    #[entities]
    target: Option<Entity>,
    #[references(ignore)]
    next: Vec<Entity>,
}

impl Fickle {
    fn pick_next(&mut self, _: Lost) {
        self.target = self.next.pop();
    }
}

#[derive(Component, References)]
#[references(on_lost = Touchy::shout)]
struct Touchy {
    #[entities]
    target: Option<Entity>,
    panics: bool,
}

impl Touchy {
    fn shout(&mut self, _: Lost) {
        if self.panics {
            std::panic::panic_any("too much");
        }
    }
}

#[derive(Component, References)]
#[references(on_lost = Counted::<T>::count)]
struct Counted<T: Send + Sync + 'static> {
    #[entities]
    target: Option<Entity>,
    count: u32,
    of: PhantomData<T>,
}

impl<T: Send + Sync + 'static> Counted<T> {
    fn count(&mut self, _: Lost<'_>) {
        self.count += 1;
    }
}

#[derive(Component, References)]
#[references(on_lost = hear)]
struct Plain {
    #[entities]
    target: Option<Entity>,
    heard: bool,
}

fn hear(plain: &mut Plain, _: Lost) {
    plain.heard = true;
}

/// Counts how deep it is.
#[derive(Default)]
struct Depth {
    now: usize,
    deepest: usize,
}

impl ReferenceVisitor for Depth {
    fn reference(&mut self, _: Entity, _: Policy) {
        self.deepest = self.deepest.max(self.now);
    }

    fn enter(&mut self, _: Step) {
        self.now += 1;
    }

    fn leave(&mut self) {
        self.now -= 1;
    }
}

// The stage.

/// Returns entities of a world that is of no interest.
fn entities<const N: usize>() -> [Entity; N] {
    spawn(&mut World::new())
}

fn spawn<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn_empty().id())
}

fn mourning() -> World {
    let mut world = World::new();
    world.track_references::<Mourner>();
    world
}

fn visited(value: &impl References) -> Vec<Entity> {
    let mut visited = Vec::new();
    value.visit_references(Policy::Clear, &mut |entity, _| visited.push(entity));
    visited
}

fn let_go(value: &mut impl References, lost: &[Entity]) -> Remains {
    value.release_references(Policy::Clear, &mut |entity| lost.contains(&entity))
}

fn planned(world: &mut World, target: Entity) -> Vec<PlannedRelease> {
    let plan = world.plan_qdel(target).unwrap();
    plan.deletions[0].released.clone()
}

/// What is named before, what is lost of it, and what is left.
fn stories() -> Vec<(Vec<Entity>, Vec<Entity>, Vec<Entity>)> {
    let [a, b, c, d] = entities();
    vec![
        (vec![], vec![a], vec![]),
        (vec![a], vec![], vec![a]),
        (vec![a], vec![b], vec![a]),
        (vec![a], vec![a], vec![]),
        (vec![a, b, c, d], vec![b], vec![a, c, d]),
        (vec![d, c, b, a], vec![d, a], vec![c, b]),
        (vec![a, b, c], vec![c, b, a, d], vec![]),
        (vec![b, a, b, c, b, d, b], vec![b], vec![a, c, d]),
        (vec![c, a, c, b, a], vec![b], vec![c, a, c, a]),
        (vec![b, b], vec![b], vec![]),
    ]
}

/// A list goes through all stories.
fn check_list<L>()
where
    L: References + Releasable + FromIterator<Entity> + IntoIterator<Item = Entity>,
{
    for (before, lost, after) in stories() {
        let mut list: L = before.iter().copied().collect();

        assert_eq!(visited(&list), before, "{}", type_name::<L>());
        assert_eq!(let_go(&mut list, &lost), Remains::Valid);

        let list: Vec<_> = list.into_iter().collect();
        assert_eq!(list, after, "{} without {lost:?}", type_name::<L>());
    }
}

/// A set goes through all stories, without their order.
fn check_set<L>()
where
    L: References + Releasable + FromIterator<Entity> + PartialEq + Debug,
{
    for (before, lost, after) in stories() {
        let mut set: L = before.iter().copied().collect();

        assert_eq!(
            sorted(visited(&set)),
            sorted(before),
            "{}",
            type_name::<L>()
        );
        assert_eq!(let_go(&mut set, &lost), Remains::Valid);

        assert_eq!(set, after.into_iter().collect());
    }
}

/// A map goes through all stories with its keys.
fn check_keys<M>()
where
    M: References + Releasable + FromIterator<(Entity, u32)> + PartialEq + Debug,
{
    for (before, lost, after) in stories() {
        let entry = |entity: &Entity| (*entity, 1);
        let mut map: M = before.iter().map(entry).collect();

        assert_eq!(
            sorted(visited(&map)),
            sorted(before),
            "{}",
            type_name::<M>()
        );
        assert_eq!(let_go(&mut map, &lost), Remains::Valid);

        assert_eq!(map, after.iter().map(entry).collect());
    }
}

/// A map goes through all stories with its values, each under a key of its own.
fn check_values<M>()
where
    M: References + Releasable + FromIterator<(u32, Entity)> + PartialEq + Debug,
{
    for (before, lost, after) in stories() {
        let entries: Vec<(u32, Entity)> = (0..).zip(before).collect();
        let mut map: M = entries.iter().copied().collect();

        assert_eq!(let_go(&mut map, &lost), Remains::Valid);

        let rest = entries.iter().filter(|(_, entity)| !lost.contains(entity));
        let rest: Vec<_> = rest.copied().collect();
        let values: Vec<_> = rest.iter().map(|(_, entity)| *entity).collect();
        assert_eq!(values, after);
        assert_eq!(map, rest.into_iter().collect(), "{}", type_name::<M>());
    }
}

/// A map lets go of entries whose key or value is lost.
fn check_both_sides<M>()
where
    M: References + Releasable + FromIterator<(Entity, Entity)> + PartialEq + Debug,
{
    let [a, b, c] = entities();
    let entries = [(a, b), (b, c), (c, c)];
    for (lost, expected) in [
        (vec![], vec![(a, b), (b, c), (c, c)]),
        (vec![a], vec![(b, c), (c, c)]),
        (vec![b], vec![(c, c)]),
        (vec![c], vec![(a, b)]),
        (vec![a, c], vec![]),
    ] {
        let mut map: M = entries.into_iter().collect();

        assert_eq!(visited(&map).len(), 6);
        assert_eq!(let_go(&mut map, &lost), Remains::Valid);

        assert_eq!(map, expected.into_iter().collect(), "{}", type_name::<M>());
    }
}

/// A release asks about the entities that a visit shows, in the same order.
fn check_same_places<T: References + Clone + PartialEq + Debug>(value: &mut T) {
    let before = value.clone();
    let mut asked = Vec::new();

    let remains = value.release_references(Policy::Clear, &mut |entity| {
        asked.push(entity);
        false
    });

    assert_eq!(asked, visited(value), "{}", type_name::<T>());
    assert_eq!((&*value, remains), (&before, Remains::Valid));
}

/// Returns entities in some order, each once.
fn sorted<T: Ord + Hash>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}
