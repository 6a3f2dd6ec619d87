//! R2, R4: lists let go of what is lost, and keep the order of the rest.
//! R2: one entity or none.
//! R2: sets.

use super::*;

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

    assert_eq!(
        (ring, remains),
        (VecDeque::from([a, c, d]), AfterRelease::Valid)
    );
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
    assert_eq!(remains, AfterRelease::Valid);
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

        assert_eq!((array, remains), (expected, AfterRelease::Valid));
    }
}

#[test]
fn empty_array_is_left_alone() {
    let [a] = entities();
    let mut array: [Option<Entity>; 0] = [];

    assert_eq!(let_go(&mut array, &[a]), AfterRelease::Valid);
    assert_eq!(visited(&array), []);
}

#[test]
fn array_of_entities_is_void_without_one_of_them() {
    let [a, b, c] = entities();

    assert_eq!(let_go(&mut [a, b], &[b]), AfterRelease::Void);
    assert_eq!(let_go(&mut [a, b], &[c]), AfterRelease::Valid);
}

#[test]
fn list_of_arrays_of_entities_drops_what_is_void() {
    let [a, b, c] = entities();
    let mut list = vec![[a, b], [c, c], [b, a], [a, c]];

    let remains = let_go(&mut list, &[b]);

    assert_eq!((list, remains), (vec![[c, c], [a, c]], AfterRelease::Valid));
}

#[test]
fn list_of_lists_keeps_lists_that_are_empty_now() {
    let [a, b, c] = entities();
    let mut list = vec![vec![a, b], vec![], vec![b, b], vec![c]];

    let remains = let_go(&mut list, &[b]);

    let expected = vec![vec![a], vec![], vec![], vec![c]];
    assert_eq!((list, remains), (expected, AfterRelease::Valid));
}

#[test]
fn list_of_pairs_drops_pairs_and_keeps_their_values() {
    let [a, b, c] = entities();
    let mut list = vec![(a, 1.5), (b, 2.5), (c, 3.5), (b, 4.5), (a, 5.5)];

    let remains = let_go(&mut list, &[b]);

    assert_eq!(list, [(a, 1.5), (c, 3.5), (a, 5.5)]);
    assert_eq!(remains, AfterRelease::Valid);
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

        assert_eq!((option, remains), (after, AfterRelease::Valid));
    }
}

#[test]
fn entity_is_void_and_stays_as_it_is() {
    let [a, b] = entities();
    let mut entity = a;

    let answers = [let_go(&mut entity, &[b]), let_go(&mut entity, &[a])];

    assert_eq!(answers, [AfterRelease::Valid, AfterRelease::Void]);
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

    assert_eq!(
        answers,
        [AfterRelease::Valid, AfterRelease::Valid, AfterRelease::Void]
    );
    assert_eq!((*boxed, optional, *bare), (vec![b], None, a));
}

#[test]
fn tuple_is_void_without_any_of_its_entities_and_looks_at_all_parts() {
    let [a, b, c] = entities();
    let mut tuple = (a, vec![a, b], 7, Some(a), "name", [Some(c)]);

    let remains = let_go(&mut tuple, &[a, c]);

    assert_eq!(remains, AfterRelease::Void);
    assert_eq!(tuple, (a, vec![b], 7, None, "name", [None]));
}

#[test]
fn tuple_of_what_can_be_empty_is_never_void() {
    let [a] = entities();
    let mut tuple = (Some(a), vec![a]);

    let remains = let_go(&mut tuple, &[a]);

    assert_eq!((tuple, remains), ((None, vec![]), AfterRelease::Valid));
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

    assert_eq!((&values, remains), (&before, AfterRelease::Valid));
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
    assert_eq!((set, remains), (expected, AfterRelease::Valid));
}

// The stage.

/// A list goes through all stories.
fn check_list<L>()
where
    L: References + Releasable + FromIterator<Entity> + IntoIterator<Item = Entity>,
{
    for (before, lost, after) in stories() {
        let mut list: L = before.iter().copied().collect();

        assert_eq!(visited(&list), before, "{}", type_name::<L>());
        assert_eq!(let_go(&mut list, &lost), AfterRelease::Valid);

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
        assert_eq!(let_go(&mut set, &lost), AfterRelease::Valid);

        assert_eq!(set, after.into_iter().collect());
    }
}
