//! Copies of a world.

use super::*;

#[test]
fn mapping_entities_maps_handles() {
    let mut world = World::new();
    let [old, new, other] = spawn_many(&mut world);
    let mut mapper = EntityHashMap::from_iter([(old, new)]);
    let mut handles = [WeakEntity::new(old), WeakEntity::new(other)];

    for handle in &mut handles {
        handle.map_entities(&mut mapper);
    }

    assert_eq!(handles, [WeakEntity::new(new), WeakEntity::new(other)]);
}

#[test]
fn mapping_entities_maps_handles_in_components() {
    let mut world = World::new();
    let [old, new] = spawn_many(&mut world);
    let mut mapper = EntityHashMap::from_iter([(old, new)]);
    let mut missile = Missile {
        homes_in_on: Some(old.into()),
        decoys: vec![old.into(), new.into()],
    };

    Component::map_entities(&mut missile, &mut mapper);

    assert_eq!(missile.homes_in_on, Some(new.into()));
    assert_eq!(missile.decoys, [WeakEntity::new(new), WeakEntity::new(new)]);
}

#[test]
fn clone_of_a_tree_names_its_own_members() {
    let mut world = World::new();
    let ship = world.spawn_empty().id();
    let mast = world.spawn(ChildOf(ship)).id();
    world.entity_mut(ship).insert(Missile {
        homes_in_on: Some(mast.into()),
        decoys: Vec::new(),
    });

    let mut ship = world.entity_mut(ship);
    let copy = ship.clone_and_spawn_with_opt_out(|builder| {
        builder.linked_cloning(true);
    });

    let copied_mast = world.get::<Children>(copy).unwrap()[0];
    let homes_in_on = world.get::<Missile>(copy).unwrap().homes_in_on;
    assert_ne!(copied_mast, mast);
    assert_eq!(homes_in_on, Some(copied_mast.into()));
}

#[cfg(feature = "serde")]
#[test]
fn handle_is_written_and_read_like_an_entity() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);
    for entity in [old, new, Entity::PLACEHOLDER] {
        let handle = WeakEntity::new(entity);

        let written = serde_json::to_string(&handle).unwrap();
        let read: WeakEntity = serde_json::from_str(&written).unwrap();

        assert_eq!(written, serde_json::to_string(&entity).unwrap());
        assert_eq!(read, handle);
    }
}

#[cfg(feature = "serde")]
#[test]
fn what_is_no_handle_cannot_be_read() {
    for nonsense in ["\"goblin\"", "null", "-1", "{}"] {
        let read = serde_json::from_str::<WeakEntity>(nonsense);

        assert!(read.is_err(), "{nonsense} was read as {read:?}");
    }
}

#[cfg(feature = "bevy_reflect")]
mod reflected {
    use bevy_ecs::prelude::*;
    use bevy_reflect::{PartialReflect, Reflect, TypeRegistry};
    use qdel::prelude::*;

    use super::spawn_many;

    /// A component of the user with a handle in it.
    #[derive(Component, Reflect, Default)]
    #[reflect(Component)]
    struct Grudge {
        against: Option<WeakEntity>,
        others: Vec<WeakEntity>,
    }

    #[test]
    fn reflected_handles_compare_and_hash_like_handles() {
        let mut world = World::new();
        let [goblin, orc] = spawn_many(&mut world).map(WeakEntity::new);

        let compared = [goblin, orc].map(|other| goblin.reflect_partial_eq(&other));

        assert_eq!(compared, [Some(true), Some(false)]);
        assert!(goblin.reflect_hash().is_some());
        assert_eq!(goblin.reflect_hash(), { goblin }.reflect_hash());
    }

    #[test]
    fn reflected_handle_is_cloned_and_applied() {
        let mut world = World::new();
        let [goblin, orc] = spawn_many(&mut world).map(WeakEntity::new);
        let mut target = orc;

        let clone = goblin.reflect_clone().unwrap();
        target.apply(clone.as_partial_reflect());

        assert_eq!(target, goblin);
    }

    #[test]
    fn handles_are_found_in_the_fields_of_a_component() {
        let mut world = World::new();
        let [goblin] = spawn_many(&mut world).map(WeakEntity::new);
        let grudge = Grudge {
            against: None,
            others: vec![goblin],
        };

        let others = grudge.others.as_partial_reflect().reflect_ref();
        let found = others.as_list().unwrap().get(0).unwrap();

        assert_eq!(found.try_downcast_ref::<WeakEntity>(), Some(&goblin));
        assert!(grudge.against.is_none());
    }

    #[test]
    fn registering_a_component_registers_the_handle_in_it() {
        let mut registry = TypeRegistry::default();

        registry.register::<Grudge>();

        assert!(registry.contains(core::any::TypeId::of::<WeakEntity>()));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn handle_is_written_and_read_by_reflection() {
        use bevy_reflect::{
            FromReflect, TypeRegistration,
            serde::{TypedReflectDeserializer, TypedReflectSerializer},
        };
        use serde::de::DeserializeSeed;

        let mut world = World::new();
        let [goblin, orc] = spawn_many(&mut world).map(WeakEntity::new);
        let grudge = Grudge {
            against: Some(goblin),
            others: vec![orc, goblin],
        };
        let mut registry = TypeRegistry::default();
        registry.register::<Grudge>();

        let serializer = TypedReflectSerializer::new(&grudge, &registry);
        let written = serde_json::to_string(&serializer).unwrap();
        let registration: &TypeRegistration =
            registry.get(core::any::TypeId::of::<Grudge>()).unwrap();
        let mut reader = serde_json::Deserializer::from_str(&written);
        let read = TypedReflectDeserializer::new(registration, &registry)
            .deserialize(&mut reader)
            .unwrap();
        let read = Grudge::from_reflect(read.as_partial_reflect()).unwrap();

        let id = |handle: WeakEntity| serde_json::to_string(&handle.id()).unwrap();
        let expected = format!(
            r#"{{"against":{},"others":[{},{}]}}"#,
            id(goblin),
            id(orc),
            id(goblin)
        );
        assert_eq!(written, expected);
        assert_eq!(read.against, Some(goblin));
        assert_eq!(read.others, [orc, goblin]);
    }
}

// The stage.

#[derive(Component, Clone)]
struct Missile {
    #[entities]
    homes_in_on: Option<WeakEntity>,
    #[entities]
    decoys: Vec<WeakEntity>,
}
