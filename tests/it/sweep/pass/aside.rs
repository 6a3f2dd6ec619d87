//! What is left alone, and what hears of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    change_detection::DetectChanges,
    entity_disabling::Disabled,
    lifecycle::{Discard, HookContext, Insert},
    prelude::*,
    reflect::AppTypeRegistry,
    world::DeferredWorld,
};
use bevy_reflect::{CreateTypeData, Reflect, ReflectFromPtr};
use qdel::{
    WorldReferencesExt,
    prelude::*,
    sweep::LeftoverState::{Emptied, Left},
    sweep::SweepReport,
};

use super::{Mob, Order, despawn_all, found, plant, said, spawn_many};

#[derive(Component, Reflect, Default, Debug, PartialEq, Clone)]
#[reflect(Component)]
struct Mind {
    target: Option<Entity>,
    friends: Vec<Entity>,
    weak: Option<WeakEntity>,
}

#[derive(Component, Reflect, Debug, PartialEq)]
#[component(immutable)]
#[reflect(Component)]
struct Carved {
    target: Option<Entity>,
    kept: Option<Entity>,
}

/// Its hook panics when it names no entity.
#[derive(Component, Reflect, Debug)]
#[component(immutable, on_insert = Brittle::check)]
#[reflect(Component)]
struct Brittle(Option<Entity>);

impl Brittle {
    #[expect(clippy::needless_pass_by_value, reason = "hooks take their world so")]
    fn check(world: DeferredWorld, context: HookContext) {
        let brittle = world.get::<Self>(context.entity);
        assert!(brittle.is_some_and(|at| at.0.is_some()), "crack");
    }
}

/// Is despawned by all observers as soon as it is replaced.
#[derive(Component, Reflect, Debug)]
#[component(immutable, on_discard = Fuse::burn)]
#[reflect(Component)]
struct Fuse {
    target: Option<Entity>,
    kills: Entity,
}

impl Fuse {
    fn burn(mut world: DeferredWorld, context: HookContext) {
        let kills = world.get::<Self>(context.entity).unwrap().kills;
        world.commands().entity(kills).try_despawn();
    }
}

/// Empties what another one names as soon as it is replaced itself.
#[derive(Component, Reflect, Debug)]
#[component(immutable, on_insert = Priest::absolve)]
#[reflect(Component)]
struct Priest {
    target: Option<Entity>,
    absolves: Entity,
}

impl Priest {
    fn absolve(mut world: DeferredWorld, context: HookContext) {
        let absolves = world.get::<Self>(context.entity).unwrap().absolves;
        world.commands().queue(move |world: &mut World| {
            let Some(mut mind) = world.get_mut::<Mind>(absolves) else {
                return;
            };
            if mind.target.is_some() {
                mind.target = None;
                world.clear_trackers();
            }
        });
    }
}

#[derive(Component, Reflect)]
#[reflect(Component)]
#[relationship(relationship_target = Owns)]
struct OwnedBy(Entity);

#[derive(Component, Reflect, Default)]
#[reflect(Component)]
#[relationship_target(relationship = OwnedBy)]
struct Owns(Vec<Entity>);

// H2: entities that are not looked for.

#[test]
fn nobody_and_who_is_about_to_be_somebody_are_left_alone() {
    let mut world = stage();
    let reserved = world.entity_allocator().alloc();
    let mind = Mind {
        target: Some(Entity::PLACEHOLDER),
        friends: vec![reserved, Entity::PLACEHOLDER],
        weak: None,
    };
    let holder = world.spawn(mind.clone()).id();

    let report = world.sweep();

    assert!(report.is_clean(), "{report}");
    assert_eq!(*world.get::<Mind>(holder).unwrap(), mind);
}

#[test]
fn id_that_is_reserved_again_is_left_alone() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    despawn_all(&mut world, [goblin]);
    // Ids are used again after a while, each with another generation.
    let reserved: Vec<_> = (0..4).map(|_| world.entity_allocator().alloc()).collect();
    let friends = [&[goblin], &reserved[..]].concat();
    let holder = world
        .spawn(Mind {
            friends,
            ..Mind::default()
        })
        .id();

    let report = world.sweep();

    assert_eq!(report.emptied(), 1);
    assert_eq!(world.get::<Mind>(holder).unwrap().friends, reserved);
}

#[test]
fn earlier_tenants_of_an_index_are_gone_and_the_present_one_is_not() {
    let mut world = stage();
    let holder = world.spawn(Mind::default()).id();
    // More than Bevy keeps for later.
    let mut tenants = Vec::new();
    for _ in 0..3 {
        let crowd: Vec<_> = (0..200).map(|_| world.spawn_empty().id()).collect();
        despawn_all(&mut world, crowd.iter().copied());
        tenants.extend(crowd);
    }
    let present: Vec<_> = (0..200).map(|_| world.spawn_empty().id()).collect();
    let is_again = |at: &Entity| tenants.iter().any(|old| old.index() == at.index());
    assert!(present.iter().any(is_again));
    let gone = tenants.len();
    tenants.extend(&present);
    world.get_mut::<Mind>(holder).unwrap().friends = tenants;

    let report = world.sweep();

    assert_eq!(report.emptied(), gone);
    assert_eq!(world.get::<Mind>(holder).unwrap().friends, present);
}

#[test]
fn who_is_being_deleted_is_left_alone_until_it_is_gone() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holder = world.spawn(chasing(goblin)).id();
    world.qdel(goblin).unwrap();

    let reports = [world.find_leftovers(), world.sweep()];

    assert!(reports.iter().all(SweepReport::is_clean));
    assert_eq!(world.get::<Mind>(holder).unwrap().target, Some(goblin));
    world.flush_qdel();
    assert_eq!(world.sweep().emptied(), 1);
}

#[test]
fn who_is_hidden_is_left_alone() {
    let mut world = stage();
    let hidden = world.spawn(Disabled).id();
    let holder = world.spawn(chasing(hidden)).id();

    let report = world.sweep();

    assert!(report.is_clean());
    assert_eq!(world.get::<Mind>(holder).unwrap().target, Some(hidden));
}

#[test]
fn hidden_holder_is_looked_into() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let hidden = world.spawn((chasing(goblin), Disabled)).id();
    despawn_all(&mut world, [goblin]);

    let report = world.sweep();

    let holders: Vec<_> = report.leftovers.iter().map(|at| at.holder.entity).collect();
    assert_eq!(holders, [hidden]);
    assert_eq!(world.get::<Mind>(hidden).unwrap().target, None);
}

// H2: types that are not looked into.

#[test]
fn weak_handles_are_left_alone() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mind = Mind {
        weak: Some(WeakEntity::new(goblin)),
        ..chasing(orc)
    };
    let holder = world.spawn(mind.clone()).id();
    world.despawn(goblin);

    let report = world.sweep();

    assert!(report.is_clean());
    assert_eq!(world.get::<Mind>(holder).unwrap().weak, mind.weak);
}

#[test]
fn weak_handle_beside_a_leftover_stays() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mind = Mind {
        weak: Some(WeakEntity::new(goblin)),
        ..chasing(goblin)
    };
    let holder = world.spawn(mind).id();
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(
        found(&report),
        said([(holder, "Mind.target", goblin, Emptied)])
    );
    let mind = world.get::<Mind>(holder).unwrap();
    assert_eq!(
        (mind.target, mind.weak),
        (None, Some(WeakEntity::new(goblin)))
    );
}

#[test]
fn relationships_are_left_alone() {
    let mut world = stage();
    let [king, ship] = spawn_many(&mut world);
    world
        .entity_mut(ship)
        .insert((OwnedBy(king), ChildOf(king)));

    let report = world.sweep_for([king, ship]);

    assert!(report.is_clean(), "{report}");
    assert_eq!(world.get::<OwnedBy>(ship).unwrap().0, king);
    assert_eq!(world.get::<Owns>(king).unwrap().0, [ship]);
    assert_eq!(world.get::<ChildOf>(ship).unwrap().parent(), king);
}

#[test]
fn observers_are_left_alone() {
    let mut world = stage();
    world.init_resource::<Order>();
    let [goblin] = spawn_many(&mut world);
    let observer = Observer::new(|_: On<Qdeleting>, mut order: ResMut<Order>| {
        order.0.push("told");
    });
    let observer = world.spawn(observer.with_entity(goblin)).id();

    let report = world.sweep_for([goblin, observer]);

    assert!(report.is_clean(), "{report}");
    world.qdel(goblin).unwrap();
    assert_eq!(world.resource::<Order>().0, ["told"]);
}

#[test]
fn registrations_outlive_a_sweep_for_their_ends() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(chasing(goblin)).id();
    world.register_signal(mob, goblin, forget).unwrap();

    world.sweep_for([goblin, mob]);

    assert_eq!(world.registrations_on(goblin).len(), 1);
    world.check_registrations().unwrap();
}

fn forget(mind: &mut Mind, _: Received<Qdeleting>) {
    mind.target = None;
}

#[test]
fn field_that_is_to_be_ignored_is_left_alone_though_it_is_reflected() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, mob, |mob| {
        mob.target = Some(goblin);
        mob.last_seen = Some(goblin);
    });

    let report = world.sweep();

    assert_eq!(found(&report), said([(mob, "Mob.target", goblin, Emptied)]));
    assert_eq!(world.get::<Mob>(mob).unwrap().last_seen, Some(goblin));
}

// H2: what counts as changed.

#[test]
fn component_that_lost_nothing_is_not_changed() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let targets = [goblin, orc, goblin, orc, Entity::PLACEHOLDER];
    let holders = targets.map(|at| world.spawn(chasing(at)).id());
    world.despawn(goblin);
    world.clear_trackers();

    world.sweep();

    let mut query = world.query_filtered::<Entity, Changed<Mind>>();
    let changed: Vec<_> = query.iter(&world).collect();
    assert_eq!(changed, [holders[0], holders[2]]);
}

#[test]
fn component_that_a_hook_emptied_first_is_not_changed_by_the_sweep() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mind = world.spawn_empty().id();
    let priest = Priest {
        target: Some(goblin),
        absolves: mind,
    };
    world.spawn(priest);
    // In an archetype that is younger than that of the priest.
    world.entity_mut(mind).insert(chasing(goblin));
    world.despawn(goblin);

    world.sweep();

    let mind = world.entity(mind).get_ref::<Mind>().unwrap();
    assert_eq!(mind.target, None);
    assert!(!mind.is_changed());
}

#[test]
fn looking_marks_nothing_as_changed() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holder = world.spawn(chasing(goblin)).id();
    world.despawn(goblin);
    world.clear_trackers();

    let report = world.find_leftovers();

    assert_eq!(report.leftovers.len(), 1);
    let mind = world.entity(holder).get_ref::<Mind>().unwrap();
    assert!(!mind.is_changed());
    assert_eq!(mind.target, Some(goblin));
}

// H2: immutable components.

#[test]
fn hooks_of_an_immutable_component_run_once_and_only_where_it_lost_something() {
    let mut world = stage();
    world.init_resource::<Order>();
    let [goblin, orc] = spawn_many(&mut world);
    let target = Some(goblin);
    let kept = Some(orc);
    let holder = world.spawn(Carved { target, kept }).id();
    world.spawn(Carved { target: kept, kept });
    world.despawn(goblin);
    world.add_observer(|_: On<Discard<Carved>>, mut order: ResMut<Order>| order.0.push("discard"));
    world.add_observer(
        |inserted: On<Insert<Carved>>, carved: Query<&Carved>, mut order: ResMut<Order>| {
            let is_empty = carved.get(inserted.entity).unwrap().target.is_none();
            order.0.push(if is_empty { "emptied" } else { "insert" });
        },
    );

    world.sweep();
    world.sweep();

    assert_eq!(world.resource::<Order>().0, ["discard", "emptied"]);
    let target = None;
    assert_eq!(
        *world.get::<Carved>(holder).unwrap(),
        Carved { target, kept }
    );
}

#[test]
fn everything_else_is_swept_though_a_hook_panics() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let target = Some(goblin);
    let before = world.spawn(chasing(goblin)).id();
    let brittle = [(); 2].map(|()| world.spawn(Brittle(target)).id());
    let kept = None;
    let after = world.spawn(Carved { target, kept }).id();
    world.despawn(goblin);

    let panicked = catch_unwind(AssertUnwindSafe(|| world.sweep()));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"crack"));
    assert_eq!(world.get::<Mind>(before).unwrap().target, None);
    assert_eq!(world.get::<Carved>(after).unwrap().target, None);
    for brittle in brittle {
        assert_eq!(world.get::<Brittle>(brittle).unwrap().0, None);
    }
    assert!(world.sweep().is_clean());
}

#[test]
fn deletions_go_on_after_a_hook_panicked_in_a_sweep() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.spawn(Brittle(Some(goblin)));
    world.despawn(goblin);
    catch_unwind(AssertUnwindSafe(|| world.sweep())).unwrap_err();

    world.qdel(orc).unwrap();

    assert_eq!(world.flush_qdel(), 1);
}

#[test]
fn holder_that_a_hook_despawned_names_nobody() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let kills = world.spawn_empty().id();
    let target = Some(goblin);
    let fuse = world.spawn(Fuse { target, kills }).id();
    world.entity_mut(kills).insert(chasing(goblin));
    world.despawn(goblin);

    let report = world.sweep();

    let mut expected = said([
        (kills, "Mind.target", goblin, Emptied),
        (fuse, "Fuse.target", goblin, Emptied),
    ]);
    expected.sort_by_key(|at| at.0.index());
    assert_eq!(found(&report), expected);
    assert!(world.get_entity(kills).is_err());
}

#[test]
fn immutable_component_that_kills_its_own_entity_is_survived() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let fuse = world.spawn_empty().id();
    let target = Some(goblin);
    let kills = fuse;
    world.entity_mut(fuse).insert(Fuse { target, kills });
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(report.emptied(), 1);
    assert!(world.get_entity(fuse).is_err());
}

#[test]
fn immutable_component_with_the_pointer_of_another_type_is_left() {
    let mut world = stage();
    let registry = world.resource::<AppTypeRegistry>().clone();
    {
        let mut registry = registry.write();
        let carved = registry.get_mut(core::any::TypeId::of::<Carved>()).unwrap();
        carved.insert(<ReflectFromPtr as CreateTypeData<Mind>>::create_type_data(
            (),
        ));
    }
    let [goblin] = spawn_many(&mut world);
    let target = Some(goblin);
    let kept = None;
    let holder = world.spawn(Carved { target, kept }).id();
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(
        found(&report),
        said([(holder, "Carved.target", goblin, Left)])
    );
    assert_eq!(
        *world.get::<Carved>(holder).unwrap(),
        Carved { target, kept }
    );
}

/// Has the world swept as soon as it is replaced.
#[derive(Component, Reflect, Debug)]
#[component(immutable, on_insert = Zealot::sweep)]
#[reflect(Component)]
struct Zealot(Option<Entity>);

impl Zealot {
    fn sweep(mut world: DeferredWorld, context: HookContext) {
        if world.get::<Self>(context.entity).unwrap().0.is_none() {
            world.commands().queue(|world: &mut World| {
                world.sweep();
            });
        }
    }
}

#[test]
fn sweep_inside_a_sweep_is_survived() {
    let mut world = stage();
    let registry = world.resource::<AppTypeRegistry>().clone();
    registry.write().register::<Zealot>();
    let [goblin] = spawn_many(&mut world);
    let zealot = world.spawn(Zealot(Some(goblin))).id();
    let mind = world.spawn(chasing(goblin)).id();
    world.despawn(goblin);

    let report = world.sweep();

    let expected = [
        (zealot, "Zealot.0", goblin, Emptied),
        (mind, "Mind.target", goblin, Emptied),
    ];
    assert_eq!(found(&report), said(expected));
    assert_eq!(world.get::<Mind>(mind).unwrap().target, None);
}

// H2: types that only come later.

#[test]
fn type_that_is_tracked_after_a_sweep_is_declared_from_then_on() {
    let mut world = stage_without_tracking();
    let [goblin] = spawn_many(&mut world);
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            last_seen: Some(goblin),
            ..Mob::default()
        })
        .id();
    world.despawn(goblin);

    let report = world.sweep();

    // It is not tracked, so that all of it is reflected.
    let expected = [
        (mob, "Mob.target", goblin, Emptied),
        (mob, "Mob.last_seen", goblin, Emptied),
    ];
    assert_eq!(found(&report), said(expected));
    world.track_references::<Mob>();
    assert!(world.sweep().is_clean());
}

#[test]
fn generic_types_are_told_apart() {
    let mut world = stage();
    let registry = world.resource::<AppTypeRegistry>().clone();
    registry.write().register::<Pair<u8>>();
    registry.write().register::<Pair<Option<Entity>>>();
    let [goblin] = spawn_many(&mut world);
    let pairs = (Pair(Some(goblin), 7_u8), Pair(None, Some(goblin)));
    let holder = world.spawn(pairs).id();
    world.despawn(goblin);

    let report = world.sweep();

    assert_eq!(report.emptied(), 2, "{report}");
    assert_eq!(world.get::<Pair<u8>>(holder).unwrap().0, None);
    let pair = world.get::<Pair<Option<Entity>>>(holder).unwrap();
    assert_eq!(pair.1, None);
}

#[derive(Component, Reflect)]
#[reflect(Component)]
struct Pair<T>(Option<Entity>, T);

fn chasing(target: Entity) -> Mind {
    Mind {
        target: Some(target),
        ..Mind::default()
    }
}

fn stage() -> World {
    let mut world = stage_without_tracking();
    world.track_references::<Mob>();
    world
}

fn stage_without_tracking() -> World {
    let mut world = World::new();
    let registry = AppTypeRegistry::default();
    {
        let mut registry = registry.write();
        registry.register::<Mob>();
        registry.register::<Mind>();
        registry.register::<Carved>();
        registry.register::<Brittle>();
        registry.register::<Fuse>();
        registry.register::<Priest>();
        registry.register::<OwnedBy>();
        registry.register::<Owns>();
    }
    world.insert_resource(registry);
    world
}
