//! R3: resources.

use super::*;

#[test]
fn resource_that_is_tracked_first_is_released() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn_many(&mut world);
    world.insert_resource(Boss::with(goblin, [orc, goblin]));

    world.qdel(goblin).unwrap();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[orc][..]));
    assert_eq!(boss.heard, 1);
}

#[test]
fn resource_that_is_there_first_is_released() {
    let mut world = World::new();
    let [goblin, orc] = spawn_many(&mut world);
    world.insert_resource(Boss::with(goblin, [orc]));

    world.track_references::<Boss>();
    world.despawn(goblin);

    assert_eq!(world.resource::<Boss>().entity, None);
    assert_eq!(planned(&mut world, orc).len(), 1);
}

#[test]
fn write_to_a_resource_is_seen_by_the_sync() {
    let mut world = World::new();
    world.track_references::<Boss>().init_resource::<Boss>();
    let [goblin, orc] = spawn_many(&mut world);

    world.resource_mut::<Boss>().entity = Some(goblin);
    world.resource_mut::<Boss>().court = vec![goblin, orc];
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[orc][..]));
}

#[test]
fn resource_that_comes_back_is_tracked_again() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn_many(&mut world);
    world.insert_resource(Boss::with(goblin, []));

    let boss = world.remove_resource::<Boss>().unwrap();
    let without = planned(&mut world, goblin);
    world.insert_resource(boss);
    let with = planned(&mut world, goblin).len();
    world.insert_resource(Boss::with(orc, []));

    assert_eq!((without, with), (vec![], 1));
    assert_eq!(planned(&mut world, goblin), []);
    world.qdel(orc).unwrap();
    assert_eq!(world.resource::<Boss>().entity, None);
    world.check_registrations().unwrap();
}

#[test]
fn resource_is_tracked_after_its_scope() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn_many(&mut world);
    world.insert_resource(Boss::with(goblin, []));

    world.resource_scope(|_, mut boss: Mut<Boss>| boss.court.push(orc));
    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[][..]));
}

#[test]
fn resource_scope_that_only_looks_keeps_the_links() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin] = spawn_many(&mut world);
    world.insert_resource(Boss::with(goblin, []));

    world.resource_scope(|_, _: Mut<Boss>| {});

    assert_eq!(planned(&mut world, goblin).len(), 1);
    world.check_registrations().unwrap();
}

#[test]
fn resource_lets_go_of_what_ended_inside_its_scope() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn_many(&mut world);
    world.insert_resource(Boss::with(goblin, [orc]));
    world.sync_references();

    world.resource_scope(|world, _: Mut<Boss>| {
        world.qdel(goblin).unwrap();
        world.despawn(orc);
    });
    world.flush_qdel();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[][..]));
}

#[test]
fn resource_that_cannot_be_without_somebody_is_removed() {
    let mut world = World::new();
    world.track_references::<Throne>();
    let [king, heir] = spawn_many(&mut world);
    world.insert_resource(Throne(king));

    world.qdel(king).unwrap();
    let empty = !world.contains_resource::<Throne>();
    world.insert_resource(Throne(heir));

    assert!(empty);
    assert_eq!(planned(&mut world, heir).len(), 1);
    world.despawn(heir);
    assert!(!world.contains_resource::<Throne>());
}

#[test]
fn resources_that_name_one_entity_each_do_their_own() {
    let mut world = World::new();
    world
        .track_references::<Boss>()
        .track_references::<Throne>();
    let [king] = spawn_many(&mut world);
    world.insert_resource(Boss::with(king, []));
    world.insert_resource(Throne(king));

    world.qdel(king).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Boss>().entity, None);
    assert!(!world.contains_resource::<Throne>());
}

// The stage.

#[derive(Resource, Default, References)]
#[references(on_lost = Boss::note)]
struct Boss {
    #[entities]
    entity: Option<Entity>,
    #[entities]
    court: Vec<Entity>,
    heard: u32,
}

impl Boss {
    fn with<const N: usize>(entity: Entity, court: [Entity; N]) -> Self {
        Self {
            entity: Some(entity),
            court: court.to_vec(),
            heard: 0,
        }
    }

    fn note(&mut self, _: Lost) {
        self.heard += 1;
    }
}

#[derive(Resource, References)]
struct Throne(#[references(remove)] Entity);
