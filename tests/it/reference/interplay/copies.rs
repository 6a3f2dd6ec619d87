//! R3: clones.
//! R1: Bevy maps what the crate clears.
//! R3: who is hidden is tracked as well.

use super::*;

// R3: clones.

#[test]
fn clone_is_tracked_too() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    let clone = world.entity_mut(mob).clone_and_spawn();
    world.entity_mut(mob).despawn();

    assert_eq!(holders(&mut world, goblin), [clone]);
    world.qdel(goblin).unwrap();
    assert_eq!(world.get::<Mob>(clone).unwrap().target, None);
    world.check_registrations().unwrap();
}

#[test]
fn clone_onto_an_entity_replaces_what_it_named() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let [mob, other] = [goblin, orc].map(|target| world.spawn(Mob::at(target)).id());

    EntityCloner::build_opt_out(&mut world).clone_entity(mob, other);

    assert_eq!(holders(&mut world, goblin), [mob, other]);
    assert_eq!(holders(&mut world, orc), []);
}

#[test]
fn component_that_is_moved_is_tracked_where_it_is() {
    let mut world = stage();
    let [goblin, heir] = spawn_many(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    EntityCloner::build_opt_in(&mut world)
        .move_components(true)
        .allow::<Mob>()
        .clone_entity(mob, heir);

    assert_eq!(holders(&mut world, goblin), [heir]);
    world.qdel(goblin).unwrap();
    assert_eq!(world.get::<Mob>(heir).unwrap().target, None);
    world.check_registrations().unwrap();
}

#[test]
fn linked_clone_names_the_new_owner_and_is_linked_to_it() {
    let mut world = stage();
    let [ship, port] = spawn_many(&mut world);
    let mut sailor = Mob::at(ship);
    sailor.friends = vec![port];
    let sailor = world.spawn((sailor, ChildOf(ship))).id();

    let twin = world
        .entity_mut(ship)
        .clone_and_spawn_with_opt_out(|builder| {
            builder.linked_cloning(true);
        });
    let other = world.get::<Children>(twin).unwrap()[0];

    let found = [ship, twin, port].map(|target| holders(&mut world, target));
    assert_eq!(found, [vec![sailor], vec![other], vec![sailor, other]]);
    world.entity_mut(other).remove::<ChildOf>();
    world.qdel(twin).unwrap();
    assert_eq!(world.get::<Mob>(other).unwrap().target, None);
    world.check_registrations().unwrap();
}

#[test]
fn component_that_is_not_cloned_leaves_no_link() {
    let mut world = World::new();
    world.track_references::<Tattoo>();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(Tattoo(Some(goblin))).id();

    let clone = world.entity_mut(mob).clone_and_spawn();

    assert!(world.get::<Tattoo>(clone).is_none());
    assert_eq!(holders(&mut world, goblin), [mob]);
}

#[test]
fn clone_of_what_is_being_deleted_lets_go_at_the_next_sync() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();
    world.qdel(mob).unwrap();

    let clone = world.entity_mut(mob).clone_and_spawn();
    world.entity_mut(clone).remove::<Disabled>();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(clone), Liveness::Alive);
    assert_eq!(world.get::<Mob>(clone).unwrap().target, None);
}

// R1: Bevy maps what the crate clears.

#[test]
fn mapping_and_clearing_see_the_same_fields() {
    let mut world = stage();
    let [goblin, orc, other] = spawn_many(&mut world);
    let mut mob = Mob::at(goblin);
    mob.friends = vec![orc, goblin];
    mob.marked_by = vec![(goblin, 1)];
    let mut seen = Seen(Vec::new(), other);

    <Mob as Component>::map_entities(&mut mob, &mut seen);
    let mob = world.spawn(mob).id();

    assert_eq!(seen.0, [goblin, orc, goblin]);
    assert_eq!(holders(&mut world, other), [mob, mob, mob]);
    assert_eq!(holders(&mut world, goblin), [mob]);
}

#[test]
fn mapped_in_place_is_seen_by_the_sync() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();
    let mut map = EntityHashMap::from_iter([(goblin, orc)]);

    <Mob as Component>::map_entities(&mut world.get_mut::<Mob>(mob).unwrap(), &mut map);
    world.sync_references();

    assert_eq!(holders(&mut world, goblin), []);
    assert_eq!(holders(&mut world, orc), [mob]);
}

#[test]
fn map_entities_of_the_user_and_the_derive_live_side_by_side() {
    let mut world = World::new();
    world.track_references::<Own>();
    let [goblin, orc] = spawn_many(&mut world);
    let mut map = EntityHashMap::from_iter([(goblin, orc)]);
    let mut own = Own(vec![(goblin, 1)]);

    <Own as Component>::map_entities(&mut own, &mut map);
    let own = world.spawn(own).id();
    world.qdel(orc).unwrap();

    assert_eq!(world.get::<Own>(own).unwrap().0, []);
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn reflection_reads_and_writes_what_is_tracked() {
    use bevy_ecs::reflect::{AppTypeRegistry, ReflectComponent};

    let mut world = World::new();
    world.track_references::<Mirror>();
    let registry = AppTypeRegistry::default();
    registry.write().register::<Mirror>();
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world
        .spawn(Mirror {
            target: Some(goblin),
            count: 1,
        })
        .id();
    let registry = registry.read();
    let data = registry
        .get_type_data::<ReflectComponent>(core::any::TypeId::of::<Mirror>())
        .unwrap();

    let copy = Mirror {
        target: Some(orc),
        count: 2,
    };
    data.apply(world.entity_mut(mob), &copy);
    world.qdel(orc).unwrap();
    world.flush_qdel();

    let at = world.get::<Mirror>(mob).unwrap();
    assert_eq!((at.target, at.count), (None, 2));
}

// R3: who is hidden is tracked as well.

#[test]
fn hidden_listeners_are_released() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let hidden = world.spawn((Mob::at(goblin), Disabled)).id();

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Mob>(hidden).unwrap().target, None);
}

#[test]
fn writes_to_hidden_listeners_are_seen_however_they_are_hidden() {
    let mut world = World::new();
    let asleep = world.register_component::<Asleep>();
    world
        .resource_mut::<DefaultQueryFilters>()
        .register_disabling_component(asleep);
    world.track_references::<Mob>();
    let away = world.register_component::<Away>();
    world
        .resource_mut::<DefaultQueryFilters>()
        .register_disabling_component(away);
    let [goblin] = spawn_many(&mut world);
    let hidden = [
        world.spawn((Mob::default(), Disabled)).id(),
        world.spawn((Mob::default(), Asleep)).id(),
        world.spawn((Mob::default(), Away)).id(),
        world.spawn((Mob::default(), Disabled, Asleep, Away)).id(),
    ];
    for mob in hidden {
        world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
    }

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        hidden.map(|mob| world.get::<Mob>(mob).unwrap().target),
        [None; 4]
    );
}

// The stage.

/// Hides its entity; known after that.
#[derive(Component)]
struct Away;

#[derive(Component, Clone, References)]
#[component(clone_behavior = Ignore)]
struct Tattoo(#[entities] Option<Entity>);

/// A component that maps what Bevy cannot.
#[derive(Component, References)]
#[component(map_entities)]
struct Own(#[references] Vec<(Entity, u32)>);

impl MapEntities for Own {
    fn map_entities<M: EntityMapper>(&mut self, mapper: &mut M) {
        for (entity, _) in &mut self.0 {
            entity.map_entities(mapper);
        }
    }
}

#[cfg(feature = "bevy_reflect")]
#[derive(Component, bevy_reflect::Reflect, References)]
#[reflect(Component)]
struct Mirror {
    #[entities]
    target: Option<Entity>,
    count: u32,
}

/// Notes whom it is asked to map, and maps all to one.
struct Seen(Vec<Entity>, Entity);

impl EntityMapper for Seen {
    fn get_mapped(&mut self, source: Entity) -> Entity {
        self.0.push(source);
        self.1
    }

    fn set_mapped(&mut self, _: Entity, _: Entity) {}
}
