//! Copies of an entity that is being deleted: clones, moves, and what is loaded from a save.
//!
//! Rule Q7 of the design.

use bevy_ecs::{entity::EntityCloner, entity_disabling::Disabled, prelude::*};
use qdel::{Deleting, Hiding, prelude::*};

#[test]
fn clone_of_what_is_being_deleted_is_alive_and_seen() {
    for (way, copy) in WAYS {
        let mut world = World::new();
        let goblin = world.spawn(Health(7)).id();
        world.qdel(goblin).unwrap();

        let corpse = copy(&mut world, goblin);

        assert_eq!(world.liveness(corpse), Liveness::Alive, "{way}");
        assert!(is_seen(&mut world, corpse), "{way}");
        assert_eq!(world.get::<Health>(corpse), Some(&Health(7)), "{way}");
        assert_eq!(world.liveness(goblin), Liveness::Deleting, "{way}");
        assert!(!is_seen(&mut world, goblin), "{way}");
        world.flush_qdel();
        assert_eq!(world.liveness(goblin), Liveness::Gone, "{way}");
        assert!(is_seen(&mut world, corpse), "{way}");
    }
}

#[test]
fn clone_of_what_was_hidden_before_is_hidden() {
    for (way, copy) in WAYS {
        let mut world = World::new();
        let ghost = world.spawn((Health(7), Disabled)).id();
        world.qdel(ghost).unwrap();

        let corpse = copy(&mut world, ghost);

        assert_eq!(world.liveness(corpse), Liveness::Alive, "{way}");
        assert!(!is_seen(&mut world, corpse), "{way}");
        assert_eq!(world.liveness(ghost), Liveness::Deleting, "{way}");
    }
}

#[test]
fn clone_of_what_is_left_visible_is_seen() {
    for (way, copy) in WAYS {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_hiding(Hiding::LeaveVisible));
        let goblin = world.spawn(Health(7)).id();
        world.qdel(goblin).unwrap();

        let corpse = copy(&mut world, goblin);

        assert_eq!(world.liveness(corpse), Liveness::Alive, "{way}");
        assert!(is_seen(&mut world, corpse), "{way}");
        assert_eq!(world.liveness(goblin), Liveness::Deleting, "{way}");
    }
}

#[test]
fn clone_onto_what_is_hidden_on_its_own_account_leaves_that_hidden() {
    let mut world = World::new();
    let ghost = world.spawn(Disabled).id();
    let goblin = world.spawn(Health(7)).id();
    let orc = world.spawn(Health(8)).id();
    world.qdel_batch([goblin, orc]);

    for target in [ghost, orc] {
        EntityCloner::build_opt_out(&mut world).clone_entity(goblin, target);
        world.flush();

        assert!(!is_seen(&mut world, target));
    }
    assert_eq!(world.liveness(orc), Liveness::Deleting);
}

#[test]
fn corpse_that_a_handler_makes_is_alive_and_seen() {
    let mut world = World::new();
    world.init_resource::<Corpses>();
    world.add_observer(
        |told: On<Qdeleting>, mut commands: Commands, mut corpses: ResMut<Corpses>| {
            let corpse = commands.entity(told.entity).clone_and_spawn().id();
            corpses.0.push(corpse);
        },
    );
    let goblin = world.spawn(Health(7)).id();
    let orc = world.spawn(Health(8)).id();

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    let corpses = core::mem::take(&mut world.resource_mut::<Corpses>().0);
    assert_eq!(corpses.len(), 2);
    for corpse in corpses {
        assert_eq!(world.liveness(corpse), Liveness::Alive);
        assert!(is_seen(&mut world, corpse));
    }
}

#[test]
fn linked_clone_of_a_tree_is_alive_and_seen() {
    let mut world = World::new();
    let goblin = world.spawn(Health(7)).id();
    world.spawn((Health(8), ChildOf(goblin)));
    world.qdel(goblin).unwrap();

    let corpse = world
        .entity_mut(goblin)
        .clone_and_spawn_with_opt_out(|builder| {
            builder.linked_cloning(true);
        });

    let purse = world.get::<Children>(corpse).unwrap()[0];
    for copy in [corpse, purse] {
        assert_eq!(world.liveness(copy), Liveness::Alive);
        assert!(is_seen(&mut world, copy));
    }
}

#[test]
fn copy_can_be_deleted_like_anybody() {
    let mut world = World::new();
    let goblin = world.spawn(Health(7)).id();
    world.qdel(goblin).unwrap();
    let corpse = world.entity_mut(goblin).clone_and_spawn();

    assert_eq!(world.qdel(corpse), Ok(QdelOutcome::Queued));

    assert!(!is_seen(&mut world, corpse));
    assert_eq!(world.flush_qdel(), 2);
}

#[test]
fn move_keeps_what_the_mark_says() {
    let mut world = World::new();
    let goblin = world.spawn(Health(7)).id();
    world.force_qdel(goblin).unwrap();

    let heir = moved(&mut world, goblin);

    assert!(world.get::<Deleting>(goblin).unwrap().is_forced());
    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::AlreadyDeleting));
    assert_eq!(world.query::<&Observer>().iter(&world).count(), 0);
    assert_eq!(world.flush_qdel(), 1);
    assert!(is_seen(&mut world, heir));
}

type Copying = fn(&mut World, Entity) -> Entity;

/// The ways to copy an entity.
const WAYS: [(&str, Copying); 6] = [
    ("clone_and_spawn", |world, goblin| {
        world.entity_mut(goblin).clone_and_spawn()
    }),
    ("spawn_clone", |world, goblin| {
        EntityCloner::build_opt_out(world)
            .finish()
            .spawn_clone(world, goblin)
    }),
    ("clone_with_opt_out", |world, goblin| {
        let corpse = world.spawn_empty().id();
        world.entity_mut(goblin).clone_with_opt_out(corpse, |_| {});
        corpse
    }),
    ("by command", |world, goblin| {
        let corpse = world.commands().entity(goblin).clone_and_spawn().id();
        world.flush();
        corpse
    }),
    ("by command, onto another", |world, goblin| {
        let corpse = world.spawn_empty().id();
        world
            .commands()
            .entity(goblin)
            .clone_with_opt_out(corpse, |_| {});
        world.flush();
        corpse
    }),
    ("moved", moved),
];

fn moved(world: &mut World, goblin: Entity) -> Entity {
    let heir = world.spawn_empty().id();
    EntityCloner::build_opt_out(world)
        .move_components(true)
        .clone_entity(goblin, heir);
    heir
}

#[derive(Component, Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Component)
)]
struct Health(u32);

#[derive(Resource, Default)]
struct Corpses(Vec<Entity>);

fn is_seen(world: &mut World, entity: Entity) -> bool {
    world.query::<()>().get(world, entity).is_ok()
}

/// Saves as `DynamicWorld` of Bevy keeps and writes them.
#[cfg(feature = "bevy_reflect")]
mod saves {
    use bevy_ecs::{
        component::ComponentCloneBehavior, entity::EntityHashMap, reflect::ReflectComponent,
        relationship::RelationshipHookMode,
    };
    use bevy_reflect::{
        PartialReflect, TypeRegistry,
        serde::{TypedReflectDeserializer, TypedReflectSerializer},
    };
    use serde::de::DeserializeSeed;

    use super::*;

    #[test]
    fn what_was_being_deleted_when_it_was_saved_comes_back_alive_and_seen() {
        for written in [Written::InMemory, Written::AsText] {
            let registry = registry();
            let mut world = World::new();
            let goblin = world.spawn(Health(7)).id();
            world.qdel(goblin).unwrap();
            let save = save(&world, &registry, goblin);

            let mut other = World::new();
            let loaded = other.spawn_empty().id();
            load(&mut other, &registry, loaded, &save, written);

            assert_eq!(other.liveness(loaded), Liveness::Alive);
            assert!(is_seen(&mut other, loaded));
            assert_eq!(other.get::<Health>(loaded), Some(&Health(7)));
            assert!(other.get::<Deleting>(loaded).is_none());
        }
    }

    #[test]
    fn what_was_hidden_before_comes_back_hidden() {
        for written in [Written::InMemory, Written::AsText] {
            let registry = registry();
            let mut world = World::new();
            let ghost = world.spawn((Health(7), Disabled)).id();
            world.qdel(ghost).unwrap();
            let save = save(&world, &registry, ghost);

            let mut other = World::new();
            let loaded = other.spawn_empty().id();
            load(&mut other, &registry, loaded, &save, written);

            assert_eq!(other.liveness(loaded), Liveness::Alive);
            assert!(!is_seen(&mut other, loaded));
        }
    }

    #[test]
    fn save_that_is_loaded_onto_what_is_being_deleted_changes_nothing_about_that() {
        let registry = registry();
        let mut world = World::new();
        let goblin = world.spawn(Health(7)).id();
        world.qdel(goblin).unwrap();
        let save = save(&world, &registry, goblin);

        load(&mut world, &registry, goblin, &save, Written::InMemory);

        assert_eq!(world.liveness(goblin), Liveness::Deleting);
        assert!(!is_seen(&mut world, goblin));
        assert_eq!(world.flush_qdel(), 1);
    }

    #[test]
    fn mark_that_is_inserted_or_copied_by_reflection_marks_nobody() {
        let registry = registry();
        let mut world = World::new();
        let [goblin, orc, elf] = [(), (), ()].map(|()| world.spawn(Disabled).id());
        let troll = world.spawn_empty().id();
        world.qdel(troll).unwrap();
        let mark = registry.get_type_data::<ReflectComponent>(core::any::TypeId::of::<Deleting>());
        let mark = mark.unwrap();
        let value = mark
            .reflect(world.entity(troll))
            .unwrap()
            .to_dynamic()
            .unwrap();

        mark.insert(&mut world.entity_mut(goblin), &*value, &registry);
        let mut other = World::new();
        let copy = other.spawn(Disabled).id();
        mark.copy(&world, &mut other, troll, copy, &registry);
        mark.apply(world.entity_mut(troll), &*value);
        mark.apply_or_insert_mapped(
            &mut world.entity_mut(orc),
            &*value,
            &registry,
            &mut EntityHashMap::<Entity>::default(),
            RelationshipHookMode::Skip,
        );

        for seen in [goblin, orc] {
            assert!(is_seen(&mut world, seen));
            assert_eq!(world.liveness(seen), Liveness::Alive);
        }
        assert!(is_seen(&mut other, copy));
        assert!(!is_seen(&mut world, elf));
        assert_eq!(world.liveness(troll), Liveness::Deleting);
    }

    #[cfg(feature = "bevy_app")]
    #[test]
    fn plugin_registers_the_mark() {
        let mut app = bevy_app::App::new();
        app.add_plugins(QdelPlugin::default());

        let registry = app.world().resource::<AppTypeRegistry>().read();

        assert!(
            registry
                .get_type_data::<ReflectComponent>(core::any::TypeId::of::<Deleting>())
                .is_some()
        );
    }

    /// In which form a component is kept.
    #[derive(Clone, Copy)]
    enum Written {
        InMemory,
        AsText,
    }

    type Save = Vec<(&'static str, Box<dyn PartialReflect>)>;

    fn registry() -> TypeRegistry {
        let mut registry = TypeRegistry::default();
        registry.register::<Health>();
        registry.register::<Disabled>();
        registry.register::<Deleting>();
        registry
    }

    /// Returns all components that can be kept, in the order of a `DynamicWorldBuilder`.
    fn save(world: &World, registry: &TypeRegistry, entity: Entity) -> Save {
        let entity = world.entity(entity);
        let components = entity.archetype().components().iter();
        let kept = components.filter_map(|component| {
            let info = world.components().get_info(*component)?;
            if matches!(info.clone_behavior(), ComponentCloneBehavior::Ignore) {
                return None;
            }
            let registration = registry.get(info.type_id()?)?;
            let component = registration.data::<ReflectComponent>()?.reflect(entity)?;
            Some((
                registration.type_info().type_path(),
                component.to_dynamic().unwrap(),
            ))
        });
        kept.collect()
    }

    fn load(
        world: &mut World,
        registry: &TypeRegistry,
        entity: Entity,
        save: &Save,
        written: Written,
    ) {
        let mut entries: Vec<_> = save.iter().collect();
        if let Written::AsText = written {
            // They are sorted before they are written.
            entries.sort_by_key(|(path, _)| *path);
        }
        for (path, component) in entries {
            let registration = registry.get_with_type_path(path).unwrap();
            let component = match written {
                Written::InMemory => component.to_dynamic().unwrap(),
                Written::AsText => {
                    let text =
                        serde_json::to_string(&TypedReflectSerializer::new(&**component, registry));
                    let text = text.unwrap();
                    let mut reader = serde_json::Deserializer::from_str(&text);
                    TypedReflectDeserializer::new(registration, registry)
                        .deserialize(&mut reader)
                        .unwrap()
                }
            };
            registration
                .data::<ReflectComponent>()
                .unwrap()
                .apply_or_insert_mapped(
                    &mut world.entity_mut(entity),
                    &*component,
                    registry,
                    &mut EntityHashMap::<Entity>::default(),
                    RelationshipHookMode::Skip,
                );
        }
    }
}
