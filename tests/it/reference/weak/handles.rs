//! The handle.

use super::*;

#[test]
fn weak_is_as_small_as_an_entity_and_so_is_an_optional_one() {
    assert_eq!(size_of::<WeakEntity>(), 8);
    assert_eq!(size_of::<Option<WeakEntity>>(), 8);
    assert_eq!(align_of::<WeakEntity>(), align_of::<Entity>());
}

#[test]
fn equal_ids_make_equal_handles() {
    let mut world = World::new();
    let [goblin, orc] = spawn_many(&mut world);

    let handles = [
        WeakEntity::new(goblin),
        WeakEntity::from(goblin),
        goblin.into(),
    ];

    assert!(handles.iter().all(|handle| *handle == handles[0]));
    assert_ne!(handles[0], WeakEntity::new(orc));
    assert_eq!(handles[0].id(), goblin);
}

#[test]
fn handles_of_one_index_and_two_generations_differ() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);

    let handles = [WeakEntity::new(old), WeakEntity::new(new)];

    assert_eq!(old.index(), new.index());
    assert_ne!(handles[0], handles[1]);
}

#[test]
fn handles_are_ordered_as_their_ids() {
    let mut world = World::new();
    let [goblin, orc, troll] = spawn_many(&mut world);
    let mut ids = [troll, goblin, orc];
    let mut handles = ids.map(WeakEntity::new);

    ids.sort_unstable();
    handles.sort_unstable();

    assert_eq!(handles.map(WeakEntity::id), ids);
}

#[test]
fn handle_is_a_key_of_a_hash_map_also_when_its_entity_is_gone() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);
    let grudges = HashMap::from([(WeakEntity::new(old), "old"), (WeakEntity::new(new), "new")]);

    let found = [old, new].map(|entity| grudges[&WeakEntity::new(entity)]);

    assert_eq!(found, ["old", "new"]);
}

#[test]
fn handle_is_a_key_of_a_tree_map_also_when_its_entity_is_gone() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);
    let grudges = BTreeMap::from([(WeakEntity::new(old), "old"), (WeakEntity::new(new), "new")]);

    let found = [old, new].map(|entity| grudges[&WeakEntity::new(entity)]);

    assert_eq!(found, ["old", "new"]);
}

#[test]
fn handle_says_which_entity_it_names() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();

    let said = format!("{:?}", WeakEntity::new(goblin));

    assert_eq!(said, format!("WeakEntity({goblin})"));
}
