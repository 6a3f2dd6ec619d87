//! The system parameter.

use super::*;

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

/// Bevy runs observers of `Remove` after the hook that tells of a despawn, so the target has been
/// told of.
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

// The stage.

/// A disabling component of the user's own.
#[derive(Component)]
struct Prefab;

/// Despawns a target with `bundle` that has a listener. Returns it with what the world and the
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
