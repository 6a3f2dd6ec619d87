//! Weak handles and liveness: who is there, who is going, and who is gone.
//!
//! Section 7 of the design.

use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};

use bevy_ecs::{
    entity::{EntityHashMap, MapEntities},
    entity_disabling::Disabled,
    prelude::*,
    system::RunSystemOnce,
    world::DeferredWorld,
};
use qdel::{Deleting, prelude::*};

// The handle.

#[test]
fn weak_is_as_small_as_an_entity_and_so_is_an_optional_one() {
    assert_eq!(size_of::<Weak>(), 8);
    assert_eq!(size_of::<Option<Weak>>(), 8);
    assert_eq!(align_of::<Weak>(), align_of::<Entity>());
}

#[test]
fn equal_ids_make_equal_handles() {
    let mut world = World::new();
    let [goblin, orc] = spawn_many(&mut world);

    let handles = [Weak::new(goblin), Weak::from(goblin), goblin.into()];

    assert!(handles.iter().all(|handle| *handle == handles[0]));
    assert_ne!(handles[0], Weak::new(orc));
    assert_eq!(handles[0].id(), goblin);
}

#[test]
fn handles_of_one_index_and_two_generations_differ() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);

    let handles = [Weak::new(old), Weak::new(new)];

    assert_eq!(old.index(), new.index());
    assert_ne!(handles[0], handles[1]);
}

#[test]
fn handles_are_ordered_as_their_ids() {
    let mut world = World::new();
    let [goblin, orc, troll] = spawn_many(&mut world);
    let mut ids = [troll, goblin, orc];
    let mut handles = ids.map(Weak::new);

    ids.sort_unstable();
    handles.sort_unstable();

    assert_eq!(handles.map(Weak::id), ids);
}

#[test]
fn handle_is_a_key_of_a_hash_map_also_when_its_entity_is_gone() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);
    let grudges = HashMap::from([(Weak::new(old), "old"), (Weak::new(new), "new")]);

    let found = [old, new].map(|entity| grudges[&Weak::new(entity)]);

    assert_eq!(found, ["old", "new"]);
}

#[test]
fn handle_is_a_key_of_a_tree_map_also_when_its_entity_is_gone() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);
    let grudges = BTreeMap::from([(Weak::new(old), "old"), (Weak::new(new), "new")]);

    let found = [old, new].map(|entity| grudges[&Weak::new(entity)]);

    assert_eq!(found, ["old", "new"]);
}

#[test]
fn handle_says_which_entity_it_names() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();

    let said = format!("{:?}", Weak::new(goblin));

    assert_eq!(said, format!("Weak({goblin})"));
}

// The three states.

#[test]
fn handle_of_an_entity_that_is_alive_resolves() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();

    let seen = see(&world, goblin);

    assert_eq!(seen, alive(goblin));
}

#[test]
fn handle_of_a_deleting_entity_resolves_hard_only() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();

    let seen = see(&world, goblin);

    assert_eq!(seen, deleting(goblin));
}

#[test]
fn handle_of_an_owned_entity_follows_its_owner() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    let purse = world.spawn(ChildOf(goblin)).id();
    world.qdel(goblin).unwrap();

    let waiting = see(&world, purse);
    world.flush_qdel();
    let afterwards = see(&world, purse);

    assert_eq!((waiting, afterwards), (deleting(purse), gone()));
}

#[test]
fn handle_of_an_entity_that_is_gone_does_not_resolve() {
    let mut world = World::new();
    let [torn_down, despawned] = spawn_many(&mut world);
    world.qdel(torn_down).unwrap();
    world.flush_qdel();
    world.despawn(despawned);

    let seen = [torn_down, despawned].map(|entity| see(&world, entity));

    assert_eq!(seen, [gone(), gone()]);
}

#[test]
fn handle_of_a_vetoed_entity_resolves() {
    let mut world = World::new();
    let king = world.spawn(Mob).id();
    let refuse = |_: &Mob, _: Received<PreQdel>| Verdict::Veto;
    world.register_signal(king, king, refuse).unwrap();
    world.qdel(king).unwrap();

    let seen = see(&world, king);

    assert_eq!(seen, alive(king));
}

#[test]
fn handle_of_an_entity_that_is_merely_disabled_resolves() {
    let mut world = World::new();
    let goblin = world.spawn(Disabled).id();

    let seen = [see(&world, goblin), see_in_system(&mut world, goblin)];

    assert_eq!(seen, [alive(goblin), alive(goblin)]);
}

#[test]
fn handle_stays_dead_when_its_index_is_used_again() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);

    let seen = [see(&world, old), see(&world, new)];

    assert_eq!(seen, [gone(), alive(new)]);
    assert_eq!(see_in_system(&mut world, old), gone());
}

#[test]
fn handle_stays_dead_while_the_next_user_of_its_index_is_deleting() {
    let mut world = World::new();
    let (old, new) = same_index_twice(&mut world);
    world.qdel(new).unwrap();

    let seen = [see(&world, old), see(&world, new)];

    assert_eq!(seen, [gone(), deleting(new)]);
}

#[test]
fn handle_of_a_reserved_id_resolves_from_its_spawn_on() {
    let mut world = World::new();
    let reserved = world.entity_allocator().alloc();

    let before = [see(&world, reserved), see_in_system(&mut world, reserved)];
    world.spawn_empty_at(reserved).unwrap();
    let after = [see(&world, reserved), see_in_system(&mut world, reserved)];

    assert_eq!(before, [gone(), gone()]);
    assert_eq!(after, [alive(reserved), alive(reserved)]);
}

#[test]
fn handle_of_an_entity_that_a_command_will_spawn_resolves_when_it_has() {
    let mut world = World::new();
    let goblin = world.commands().spawn(Mob).id();

    let before = see(&world, goblin);
    world.flush();
    let after = see(&world, goblin);

    assert_eq!((before, after), (gone(), alive(goblin)));
}

#[test]
fn handle_of_the_placeholder_never_resolves() {
    let world = World::new();

    let seen = see(&world, Entity::PLACEHOLDER);

    assert_eq!(seen, gone());
}

// Inside handlers and observers.

#[test]
fn in_its_handlers_a_target_of_a_qdel_resolves_hard_only() {
    let mut world = stage();
    let [goblin, archer] = [(); 2].map(|()| world.spawn(Mob).id());
    world.register_signal(archer, goblin, look).unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_its_handlers_a_target_of_a_plain_despawn_resolves_hard_only() {
    let mut world = stage();
    let [goblin, archer] = [(); 2].map(|()| world.spawn(Mob).id());
    world.register_signal(archer, goblin, look).unwrap();

    world.despawn(goblin);

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_the_handlers_of_an_owner_all_it_owns_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.spawn((Mob, ChildOf(goblin)));
    let look_at_children = |mut world: DeferredWorld, told: Received<Qdeleting, Mob>| {
        let purse = world.get::<Children>(told.entity).unwrap()[0];
        let seen = see(&world, purse);
        world.resource_mut::<Seen>().0.push(seen);
    };
    world
        .register_signal(goblin, goblin, look_at_children)
        .unwrap();
    let purse = world.get::<Children>(goblin).unwrap()[0];

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(purse)]);
}

#[test]
fn in_handlers_of_the_question_the_target_resolves() {
    let mut world = World::new();
    let king = world.spawn(Mob).id();
    let look = |world: &World, asked: Received<PreQdel, Mob>| {
        assert_eq!(see(world, asked.entity), alive(asked.entity));
        Verdict::Allow
    };
    world.register_signal(king, king, look).unwrap();

    let answer = world.qdel(king);

    assert_eq!(answer, Ok(Qdel::Queued));
}

#[test]
fn in_observers_of_the_notice_the_target_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.add_observer(
        |told: On<Qdeleting>, liveness: EntityLiveness, mut seen: ResMut<Seen>| {
            seen.0.push(see(&liveness, told.entity));
        },
    );

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_observers_of_the_mark_the_target_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.add_observer(
        |marked: On<Add<Deleting>>, liveness: EntityLiveness, mut seen: ResMut<Seen>| {
            seen.0.push(see(&liveness, marked.entity));
        },
    );

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_observers_of_the_tear_down_the_target_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.add_observer(
        |gone: On<Despawn<Mob>>, liveness: EntityLiveness, mut seen: ResMut<Seen>| {
            seen.0.push(see(&liveness, gone.entity));
        },
    );
    world.qdel(goblin).unwrap();

    world.flush_qdel();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

// The system parameter.

#[test]
fn system_parameter_knows_all_three_states() {
    let mut world = World::new();
    let [healthy, dying, dead] = spawn_many(&mut world);
    world.qdel(dead).unwrap();
    world.flush_qdel();
    world.qdel(dying).unwrap();

    let seen = [healthy, dying, dead].map(|entity| see_in_system(&mut world, entity));

    assert_eq!(seen, [alive(healthy), deleting(dying), gone()]);
}

#[test]
fn system_parameter_works_in_a_world_that_never_deleted() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();

    let seen = see_in_system(&mut world, goblin);

    assert_eq!(seen, alive(goblin));
}

#[test]
fn system_parameter_made_before_the_first_deletion_knows_of_it() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    let look = move |liveness: EntityLiveness| see(&liveness, goblin);
    let system = world.register_system(look);
    let before = world.run_system(system).unwrap();
    world.qdel(goblin).unwrap();

    let after = world.run_system(system).unwrap();

    assert_eq!((before, after), (alive(goblin), deleting(goblin)));
}

#[test]
fn system_parameter_sees_through_a_disabling_component_of_the_user() {
    let mut world = World::new();
    world.register_disabling_component::<Prefab>();
    let [hidden, dying] = [(); 2].map(|()| world.spawn(Prefab).id());
    world.qdel(dying).unwrap();

    let seen = [hidden, dying].map(|entity| see_in_system(&mut world, entity));

    assert_eq!(seen, [alive(hidden), deleting(dying)]);
}

/// Bevy runs observers of `Remove` after the hook that tells of a despawn, so the target has been told of.
#[test]
fn target_of_a_plain_despawn_stays_deleting_until_it_is_gone() {
    let (goblin, sights) = look_during_a_plain_despawn(Mob);

    assert_eq!(sights, [deleting(goblin); 2]);
}

#[test]
fn disabled_target_of_a_plain_despawn_stays_deleting_until_it_is_gone() {
    let (goblin, sights) = look_during_a_plain_despawn((Mob, Disabled));

    assert_eq!(sights, [deleting(goblin); 2]);
}

#[test]
fn hidden_target_of_a_plain_despawn_stays_deleting_until_it_is_gone() {
    let (goblin, sights) = look_during_a_plain_despawn((Mob, Prefab));

    assert_eq!(sights, [deleting(goblin); 2]);
}

#[test]
fn hidden_target_of_a_plain_despawn_that_panicked_stays_deleting() {
    let mut world = stage();
    world.register_disabling_component::<Prefab>();
    let goblin = world.spawn((Mob, Prefab)).id();
    let panics = |_: DeferredWorld, _: Received<Qdeleting, Mob>| panic!("handler");
    world.register_signal(goblin, goblin, panics).unwrap();
    catch_unwind(AssertUnwindSafe(|| world.despawn(goblin))).unwrap_err();

    let sights = [see(&world, goblin), see_in_system(&mut world, goblin)];

    assert_eq!(sights, [deleting(goblin); 2]);
}

#[test]
fn system_parameter_stands_beside_queries_that_write() {
    let mut world = World::new();
    let goblin = world.spawn(Mob).id();
    let look = move |mut mobs: Query<&mut Mob>, liveness: EntityLiveness, _: Commands| {
        mobs.get_mut(goblin).unwrap().set_changed();
        see(&liveness, goblin)
    };

    let seen = world.run_system_once(look).unwrap();

    assert_eq!(seen, alive(goblin));
}

// Copies of a world.

#[test]
fn mapping_entities_maps_handles() {
    let mut world = World::new();
    let [old, new, other] = spawn_many(&mut world);
    let mut mapper = EntityHashMap::from_iter([(old, new)]);
    let mut handles = [Weak::new(old), Weak::new(other)];

    for handle in &mut handles {
        handle.map_entities(&mut mapper);
    }

    assert_eq!(handles, [Weak::new(new), Weak::new(other)]);
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
    assert_eq!(missile.decoys, [Weak::new(new), Weak::new(new)]);
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
        let handle = Weak::new(entity);

        let written = serde_json::to_string(&handle).unwrap();
        let read: Weak = serde_json::from_str(&written).unwrap();

        assert_eq!(written, serde_json::to_string(&entity).unwrap());
        assert_eq!(read, handle);
    }
}

#[cfg(feature = "serde")]
#[test]
fn what_is_no_handle_cannot_be_read() {
    for nonsense in ["\"goblin\"", "null", "-1", "{}"] {
        let read = serde_json::from_str::<Weak>(nonsense);

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
        against: Option<Weak>,
        others: Vec<Weak>,
    }

    #[test]
    fn reflected_handles_compare_and_hash_like_handles() {
        let mut world = World::new();
        let [goblin, orc] = spawn_many(&mut world).map(Weak::new);

        let compared = [goblin, orc].map(|other| goblin.reflect_partial_eq(&other));

        assert_eq!(compared, [Some(true), Some(false)]);
        assert!(goblin.reflect_hash().is_some());
        assert_eq!(goblin.reflect_hash(), { goblin }.reflect_hash());
    }

    #[test]
    fn reflected_handle_is_cloned_and_applied() {
        let mut world = World::new();
        let [goblin, orc] = spawn_many(&mut world).map(Weak::new);
        let mut target = orc;

        let clone = goblin.reflect_clone().unwrap();
        target.apply(clone.as_partial_reflect());

        assert_eq!(target, goblin);
    }

    #[test]
    fn handles_are_found_in_the_fields_of_a_component() {
        let mut world = World::new();
        let [goblin] = spawn_many(&mut world).map(Weak::new);
        let grudge = Grudge {
            against: None,
            others: vec![goblin],
        };

        let others = grudge.others.as_partial_reflect().reflect_ref();
        let found = others.as_list().unwrap().get(0).unwrap();

        assert_eq!(found.try_downcast_ref::<Weak>(), Some(&goblin));
        assert!(grudge.against.is_none());
    }

    #[test]
    fn registering_a_component_registers_the_handle_in_it() {
        let mut registry = TypeRegistry::default();

        registry.register::<Grudge>();

        assert!(registry.contains(core::any::TypeId::of::<Weak>()));
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
        let [goblin, orc] = spawn_many(&mut world).map(Weak::new);
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

        let id = |handle: Weak| serde_json::to_string(&handle.id()).unwrap();
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

#[derive(Component)]
struct Mob;

/// A disabling component of the user's own.
#[derive(Component)]
struct Prefab;

#[derive(Component, Clone)]
struct Missile {
    #[entities]
    homes_in_on: Option<Weak>,
    #[entities]
    decoys: Vec<Weak>,
}

/// What a handle says: what `resolve` and `hard_resolve` return, and the liveness.
type Sight = (Option<Entity>, Option<Entity>, Liveness);

/// What was seen, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Sight>);

fn see(world: &impl LivenessExt, entity: Entity) -> Sight {
    let handle = Weak::new(entity);
    (
        handle.resolve(world),
        handle.hard_resolve(world),
        world.liveness(entity),
    )
}

fn see_in_system(world: &mut World, entity: Entity) -> Sight {
    let look = move |liveness: EntityLiveness| see(&liveness, entity);
    world.run_system_once(look).unwrap()
}

fn alive(entity: Entity) -> Sight {
    (Some(entity), Some(entity), Liveness::Alive)
}

fn deleting(entity: Entity) -> Sight {
    (None, Some(entity), Liveness::Deleting)
}

fn gone() -> Sight {
    (None, None, Liveness::Gone)
}

/// Writes down what its target's handle says in the moment of the notice.
fn look(mut world: DeferredWorld, told: Received<Qdeleting, Mob>) {
    let seen = see(&world, told.target());
    world.resource_mut::<Seen>().0.push(seen);
}

/// Despawns a target with `bundle` that somebody listens to, and returns it with what the world and the
/// system parameter say of it in the middle of that.
fn look_during_a_plain_despawn(bundle: impl Bundle) -> (Entity, [Sight; 2]) {
    let mut world = stage();
    world.register_disabling_component::<Prefab>();
    let goblin = world.spawn(bundle).id();
    world
        .register_signal(goblin, goblin, |_: &mut Mob, _: Received<Qdeleting>| ())
        .unwrap();
    world.add_observer(|removed: On<Remove<Mob>>, mut world: DeferredWorld| {
        let seen = see(&world, removed.entity);
        world.resource_mut::<Seen>().0.push(seen);
    });
    world.add_observer(
        |removed: On<Remove<Mob>>, liveness: EntityLiveness, mut seen: ResMut<SeenBySystem>| {
            seen.0.push(see(&liveness, removed.entity));
        },
    );
    world.despawn(goblin);
    let sights = [
        world.resource::<Seen>().0[0],
        world.resource::<SeenBySystem>().0[0],
    ];
    (goblin, sights)
}

/// What was seen by way of the system parameter, in order.
#[derive(Resource, Default)]
struct SeenBySystem(Vec<Sight>);

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.init_resource::<SeenBySystem>();
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn_empty().id())
}

/// Returns an entity that is gone, and one that is alive and has its index.
fn same_index_twice(world: &mut World) -> (Entity, Entity) {
    let old = world.spawn_empty().id();
    world.despawn(old);
    let crowd: Vec<_> = (0..300).map(|_| world.spawn_empty().id()).collect();
    for extra in crowd {
        world.despawn(extra);
    }
    let new = (0..600)
        .map(|_| world.spawn_empty().id())
        .find(|entity| entity.index() == old.index())
        .expect("an index should be used again after so many despawns");
    (old, new)
}
