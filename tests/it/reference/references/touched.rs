//! R3 and R4: components that are written while their fields stay. A sync passes them over, and
//! notices all the same when a target goes away or another one is named.

use super::*;
use qdel::SignalTarget;

/// Names one entity, so that it can be passed over.
#[derive(Component, Default, References)]
#[references(on_lost = Simple::mourn)]
struct Simple {
    #[entities]
    target: Option<Entity>,
    #[references(ignore)]
    mourned: Vec<Entity>,
}

impl Simple {
    fn mourn(&mut self, lost: Lost) {
        self.mourned.extend_from_slice(&lost);
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Simple>();
    world
}

fn aim(world: &mut World, mob: Entity, target: Option<Entity>) {
    world.get_mut::<Simple>(mob).unwrap().target = target;
}

/// Spawns a mob that names `target` and was found written and unchanged, more than once.
fn spawn_touched(world: &mut World, target: Option<Entity>) -> Entity {
    let mob = world.spawn_empty().insert(Simple::default()).id();
    for _ in 0..3 {
        aim(world, mob, target);
        world.sync_references();
    }
    mob
}

/// Spawns an entity with the index of one that is gone.
fn spawn_in_place_of(world: &mut World, gone: Entity) -> Entity {
    // Bevy keeps the last freed ids in a buffer of 128 before it gives them out again.
    for _ in 0..10 {
        let batch: Vec<_> = (0..512).map(|_| world.spawn_empty().id()).collect();
        let heir = batch.iter().find(|heir| heir.index() == gone.index());
        let heir = heir.copied();
        for other in batch.into_iter().filter(|at| Some(*at) != heir) {
            world.despawn(other);
        }
        if let Some(heir) = heir {
            return heir;
        }
    }
    panic!("Bevy should give a freed index out again");
}

fn target_of(world: &World, mob: Entity) -> Option<Entity> {
    world.get::<Simple>(mob).unwrap().target
}

fn links(world: &World, target: Entity) -> Vec<Entity> {
    links_of::<Simple>(world, target)
}

#[test]
fn touched_component_lets_go_once_however_its_target_ends() {
    for (name, end) in ends() {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let mob = spawn_touched(&mut world, Some(goblin));

        end(&mut world, goblin);
        world.flush_qdel();

        assert_eq!(target_of(&world, mob), None, "{name}");
        let mourned = &world.get::<Simple>(mob).unwrap().mourned;
        assert_eq!(*mourned, [goblin], "{name}");
        check(&world);
    }
}

#[test]
fn id_of_a_lost_target_that_is_written_back_is_let_go_of_again() {
    for (name, end) in ends() {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let mob = spawn_touched(&mut world, Some(goblin));
        end(&mut world, goblin);
        world.flush_qdel();

        aim(&mut world, mob, Some(goblin));
        world.sync_references();

        assert_eq!(target_of(&world, mob), None, "{name}");
    }
}

/// Two targets of one index: the second is not taken for the first.
#[test]
fn target_in_the_place_of_a_lost_one_is_another_one() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = spawn_touched(&mut world, Some(goblin));
    world.despawn(goblin);
    let orc = spawn_in_place_of(&mut world, goblin);

    aim(&mut world, mob, Some(orc));
    world.sync_references();
    assert_eq!(links(&world, orc), [mob]);
    aim(&mut world, mob, Some(goblin));
    world.sync_references();

    assert_eq!(target_of(&world, mob), None);
    assert!(links(&world, orc).is_empty());
    check(&world);
}

/// Two holders of one index: what was known of the first does not hold for the second.
#[test]
fn holder_in_the_place_of_a_touched_one_is_linked() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = spawn_touched(&mut world, Some(goblin));
    world.despawn(mob);

    let other = spawn_in_place_of(&mut world, mob);
    world.entity_mut(other).insert(Simple::default());
    aim(&mut world, other, Some(goblin));
    world.sync_references();

    assert_eq!(links(&world, goblin), [other]);
    check(&world);
}

#[test]
fn component_that_is_replaced_is_linked_to_what_the_new_one_names() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = spawn_touched(&mut world, Some(goblin));
    let naming = |target| Simple {
        target: Some(target),
        ..Simple::default()
    };

    world.entity_mut(mob).insert(naming(orc));
    aim(&mut world, mob, Some(goblin));
    world.sync_references();
    assert_eq!(links(&world, goblin), [mob]);
    world.entity_mut(mob).remove::<Simple>();
    assert!(links(&world, goblin).is_empty());
    world.entity_mut(mob).insert(naming(goblin));
    world.sync_references();

    assert_eq!(links(&world, goblin), [mob]);
    assert!(links(&world, orc).is_empty());
    check(&world);
}

#[test]
fn field_that_changes_and_changes_back_is_linked_each_time() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = spawn_touched(&mut world, Some(goblin));
    let mut found = Vec::new();

    for target in [Some(orc), Some(goblin), None, None, Some(goblin)] {
        aim(&mut world, mob, target);
        world.sync_references();
        found.push([goblin, orc].map(|target| links(&world, target).len()));
    }

    assert_eq!(found, [[0, 1], [1, 0], [0, 0], [0, 0], [1, 0]]);
    check(&world);
}

/// What is closed and kept alive is linked again, and lets go when it goes at last.
#[test]
fn target_that_lives_on_is_still_named() {
    #[derive(Component)]
    struct Stubborn;

    impl Destroy for Stubborn {
        type Param = ();

        fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
            DestroyHint::LetMeLive
        }
    }

    let mut world = stage();
    world.register_destroy::<Stubborn>();
    let goblin = world.spawn(Stubborn).id();
    let mob = spawn_touched(&mut world, Some(goblin));

    for _ in 0..2 {
        world.qdel(goblin).unwrap();
        aim(&mut world, mob, Some(goblin));
        world.flush_qdel();
        world.sync_references();
        assert_eq!(target_of(&world, mob), Some(goblin));
        assert_eq!(links(&world, goblin), [mob]);
        check(&world);
    }
    world.despawn(goblin);

    assert_eq!(target_of(&world, mob), None);
}

#[test]
fn mark_that_is_removed_from_a_target_takes_nothing_along() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = spawn_touched(&mut world, Some(goblin));

    world.entity_mut(goblin).remove::<SignalTarget>();
    aim(&mut world, mob, Some(goblin));
    world.sync_references();
    assert_eq!(links(&world, goblin), [mob]);
    world.despawn(goblin);

    assert_eq!(target_of(&world, mob), None);
    check(&world);
}

#[test]
fn memory_of_touched_components_is_given_back() {
    let mut world = stage();
    let targets = [(); 4].map(|()| spawn(&mut world));
    let mut cycle = || {
        let mobs: Vec<_> = (0..5_000)
            .map(|_| world.spawn(Simple::default()).id())
            .collect();
        for _ in 0..3 {
            for (at, mob) in mobs.iter().enumerate() {
                aim(&mut world, *mob, Some(targets[at % 4]));
            }
            world.sync_references();
        }
        let full = world.signal_footprint().heap_bytes;
        for mob in mobs {
            world.despawn(mob);
        }
        (full, world.signal_footprint().heap_bytes)
    };

    let (full, rest) = cycle();
    let (_, again) = cycle();

    assert!(rest * 3 < full, "{rest} of {full} bytes are left");
    assert_eq!(again, rest);
}

// Targets that are named for the first time.

/// Many mobs name entities that were never named before, among them the same ones and the dying.
fn name_many(world: &mut World) -> (Vec<Entity>, Vec<Entity>) {
    let targets: Vec<_> = (0..10).map(|_| spawn(world)).collect();
    let mobs: Vec<_> = (0..40)
        .map(|_| world.spawn(Simple::default()).id())
        .collect();
    world.sync_references();
    for (at, mob) in mobs.iter().enumerate() {
        aim(world, *mob, Some(targets[at * 7 % 10]));
    }
    world.despawn(targets[3]);
    (targets, mobs)
}

#[test]
fn entities_that_many_name_first_are_all_marked_and_linked() {
    let mut world = stage();
    let (targets, mobs) = name_many(&mut world);

    world.sync_references();

    for (at, target) in targets.iter().enumerate() {
        let naming: Vec<_> = (0..40).filter(|mob| mob * 7 % 10 == at).collect();
        let naming = naming.into_iter().map(|mob| mobs[mob]);
        let expected: Vec<_> = naming.filter(|_| at != 3).collect();
        assert_eq!(links(&world, *target), expected, "target {at}");
    }
    for target in targets
        .into_iter()
        .filter(|at| world.entities().contains_spawned(*at))
        .collect::<Vec<_>>()
    {
        world.despawn(target);
    }
    assert!(mobs.iter().all(|mob| target_of(&world, *mob).is_none()));
    check(&world);
}

/// What an observer of the mark does to mobs that were not linked yet is not passed over.
#[test]
fn observer_of_the_mark_may_write_and_delete_what_is_still_to_be_linked() {
    let mut world = stage();
    let (targets, mobs) = name_many(&mut world);
    let [first, last] = [targets[0], targets[9]];
    let (to_write, to_despawn) = (mobs[30], mobs[35]);
    world.add_observer(
        move |marked: On<Add<SignalTarget>>,
              mut all: Query<&mut Simple>,
              mut commands: Commands| {
            if marked.entity == first {
                all.get_mut(to_write).unwrap().target = Some(last);
                commands.entity(to_despawn).despawn();
            }
        },
    );

    world.sync_references();

    assert_eq!(target_of(&world, to_write), Some(last));
    assert!(links(&world, last).contains(&to_write));
    assert!(world.get_entity(to_despawn).is_err());
    check(&world);
}

#[test]
fn hooks_and_required_components_of_the_mark_are_run() {
    #[derive(Component, Default)]
    struct Required;

    let mut world = World::new();
    world.init_resource::<Seen>();
    world
        .register_component_hooks::<SignalTarget>()
        .on_add(|mut world, context| world.resource_mut::<Seen>().0.push(vec![context.entity]));
    world.register_required_components::<SignalTarget, Required>();
    world.track_references::<Simple>();
    let [goblin, mob] = [spawn(&mut world), world.spawn(Simple::default()).id()];
    world.sync_references();

    aim(&mut world, mob, Some(goblin));
    world.sync_references();

    assert_eq!(world.resource::<Seen>().0, [[goblin]]);
    assert!(world.entity(goblin).contains::<Required>());
    assert_eq!(links(&world, goblin), [mob]);
}
