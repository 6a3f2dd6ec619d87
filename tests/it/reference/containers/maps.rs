//! R2: maps.
//! R2: whatever a release may take, a visit has shown.

use super::*;

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
    assert_eq!((map, remains), (expected, AfterRelease::Valid));
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
    for policy in [OnLoss::Remove, OnLoss::Qdel] {
        let remains = tuple.release_references(policy, &mut |_| true);

        assert_eq!((&tuple, remains), (&before, AfterRelease::Valid));
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
        cleared.release_references(OnLoss::Clear, &mut |entity| entity == a),
        denied.release_references(OnLoss::Deny, &mut |entity| entity == a),
    ];

    assert_eq!(remains, [AfterRelease::Valid; 2]);
    assert_eq!(denied, cleared);
    let mut bare = a;
    assert_eq!(
        bare.release_references(OnLoss::Deny, &mut |_| true),
        AfterRelease::Void
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

    tuple.visit_references(OnLoss::Deny, &mut |entity, policy| {
        found.push((entity, policy));
    });

    let expected = [a, b, a, b, a].map(|entity| (entity, OnLoss::Deny));
    assert_eq!(found, expected);
}

#[test]
fn remains_are_void_if_one_is() {
    let both = [AfterRelease::Valid, AfterRelease::Void];

    let answers = both.map(|one| both.map(|other| one.and(other)));

    let expected = [
        [AfterRelease::Valid, AfterRelease::Void],
        [AfterRelease::Void; 2],
    ];
    assert_eq!(answers, expected);
}

// The stage.

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
        assert_eq!(let_go(&mut map, &lost), AfterRelease::Valid);

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

        assert_eq!(let_go(&mut map, &lost), AfterRelease::Valid);

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
        assert_eq!(let_go(&mut map, &lost), AfterRelease::Valid);

        assert_eq!(map, expected.into_iter().collect(), "{}", type_name::<M>());
    }
}

/// A release asks about the entities that a visit shows, in the same order.
fn check_same_places<T: References + Clone + PartialEq + Debug>(value: &mut T) {
    let before = value.clone();
    let mut asked = Vec::new();

    let remains = value.release_references(OnLoss::Clear, &mut |entity| {
        asked.push(entity);
        false
    });

    assert_eq!(asked, visited(value), "{}", type_name::<T>());
    assert_eq!((&*value, remains), (&before, AfterRelease::Valid));
}
