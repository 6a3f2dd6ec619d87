//! R4: the method that is told.

use super::*;

#[test]
fn lost_entities_are_told_once_each_in_the_order_of_the_fields() {
    let mut world = mourning();
    let [a, b, c, d] = spawn_many(&mut world);
    let mourner = Mourner {
        first: vec![c, a, c],
        second: Some(a),
        third: vec![(b, 1), (d, 2), (c, 3)],
        ..Default::default()
    };
    let mourner = world.spawn(mourner).id();

    world.qdel_batch([a, b, c]);

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![c, a, b])]);
    assert_eq!(at.seen_then, [d]);
}

#[test]
fn each_deletion_is_told_by_itself() {
    let mut world = mourning();
    let [a, b] = spawn_many(&mut world);
    let mourner = world.spawn(Mourner::of([a, b])).id();

    world.qdel(b).unwrap();
    world.qdel(a).unwrap();
    world.flush_qdel();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![b]), (mourner, vec![a])]);
}

#[test]
fn tree_that_goes_is_told_once() {
    let mut world = mourning();
    let [ship, mast, flag] = spawn_many(&mut world);
    world.entity_mut(mast).insert(ChildOf(ship));
    world.entity_mut(flag).insert(ChildOf(mast));
    let mourner = world.spawn(Mourner::of([flag, ship, mast])).id();

    world.qdel(ship).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![flag, ship, mast])]);
}

#[test]
fn component_that_goes_as_well_is_not_told() {
    let mut world = mourning();
    let [goblin] = spawn_many(&mut world);
    let mourner = world.spawn((Mourner::of([goblin]), ChildOf(goblin))).id();

    world.qdel(goblin).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!((&at.first, &at.heard), (&vec![], &vec![]));
}

#[test]
fn component_of_a_listener_that_is_deleting_is_not_told_later() {
    let mut world = mourning();
    let [goblin] = spawn_many(&mut world);
    let mourner = world.spawn(Mourner::of([goblin])).id();
    world.qdel(mourner).unwrap();

    world.qdel(goblin).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!((&at.first, &at.heard), (&vec![], &vec![]));
}

#[test]
fn component_that_loses_itself_is_not_told() {
    let mut world = mourning();
    let [mourner] = spawn_many(&mut world);
    world.entity_mut(mourner).insert(Mourner::of([mourner]));

    world.qdel(mourner).unwrap();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!((&at.first, &at.heard), (&vec![], &vec![]));
}

#[test]
fn despawn_tells_while_the_lost_entity_is_whole() {
    let mut world = mourning();
    let [goblin, orc] = spawn_many(&mut world);
    let mourner = world.spawn(Mourner::of([goblin, orc])).id();

    world.despawn(goblin);

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![goblin])]);
    assert_eq!(at.seen_then, [orc]);
}

#[test]
fn field_that_is_written_after_the_end_is_told_by_the_sync() {
    let mut world = mourning();
    let [goblin, orc] = spawn_many(&mut world);
    let mourner = world.spawn(Mourner::default()).id();
    world.despawn(goblin);
    world.get_mut::<Mourner>(mourner).unwrap().first = vec![goblin, orc];

    world.sync_references();
    world.sync_references();

    let at = world.get::<Mourner>(mourner).unwrap();
    assert_eq!(at.heard, [(mourner, vec![goblin])]);
    assert_eq!(at.first, [orc]);
}

#[test]
fn many_despawns_at_once_are_told_each_once() {
    let mut world = mourning();
    let [a, b, c, d] = spawn_many(&mut world);
    for entity in [a, b, c] {
        world.entity_mut(entity).insert(Marker);
    }
    let mourner = world.spawn(Mourner::of([c, d, a, b])).id();

    world.despawn_all::<With<Marker>>();

    let mut heard: Vec<_> = world.get::<Mourner>(mourner).unwrap().all_heard();
    heard.sort_unstable();
    let mut expected = vec![a, b, c];
    expected.sort_unstable();
    assert_eq!(heard, expected);
}

#[test]
fn component_that_loses_what_was_to_take_its_entity_along_hears_nothing_of_it() {
    let mut world = World::new();
    world.track_references::<Widow>();
    let [husband, friend] = spawn_many(&mut world);
    let widow = Widow {
        husband: Some(husband),
        friends: vec![friend],
        heard: 0,
    };
    let widow = world.spawn(widow).id();

    world.qdel_batch([friend, husband]);

    assert_eq!(world.liveness(widow), Liveness::Deleting);
    let at = world.get::<Widow>(widow).unwrap();
    assert_eq!((&at.friends, at.heard), (&vec![], 0));
}

#[test]
fn component_that_is_removed_hears_nothing() {
    let mut world = World::new();
    world.track_references::<Rider>();
    let [horse, friend] = spawn_many(&mut world);
    let heard = Arc::new(AtomicUsize::new(0));
    let rider = Rider {
        horse,
        friends: vec![friend],
        heard: Arc::clone(&heard),
    };
    let rider = world.spawn(rider).id();

    world.qdel_batch([friend, horse]);

    assert!(world.get::<Rider>(rider).is_none());
    assert_eq!(heard.load(Ordering::Relaxed), 0);
}

#[test]
fn method_may_name_somebody_else_and_is_linked_to_them() {
    let mut world = World::new();
    world.track_references::<Fickle>();
    let [goblin, orc, troll] = spawn_many(&mut world);
    let fickle = Fickle {
        target: Some(goblin),
        next: vec![troll, orc],
    };
    let fickle = world.spawn(fickle).id();

    world.qdel(goblin).unwrap();
    let after_goblin = world.get::<Fickle>(fickle).unwrap().target;
    world.flush_qdel();
    world.despawn(orc);
    let after_orc = world.get::<Fickle>(fickle).unwrap().target;

    assert_eq!((after_goblin, after_orc), (Some(orc), Some(troll)));
}

#[test]
fn method_that_names_who_goes_too_is_told_again_and_ends() {
    let mut world = World::new();
    world.track_references::<Fickle>();
    let [goblin, orc, troll] = spawn_many(&mut world);
    let fickle = Fickle {
        target: Some(goblin),
        next: vec![troll, orc],
    };
    let fickle = world.spawn(fickle).id();

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    let at = world.get::<Fickle>(fickle).unwrap();
    assert_eq!(at.target, Some(troll));
}

#[test]
fn panic_in_one_method_leaves_the_others_released_and_goes_on() {
    let mut world = World::new();
    world
        .track_references::<Touchy>()
        .track_references::<Mourner>();
    let [goblin] = spawn_many(&mut world);
    let touchy = [false, true, false].map(|panics| {
        let target = Some(goblin);
        world.spawn(Touchy { target, panics }).id()
    });
    let mourner = world.spawn(Mourner::of([goblin])).id();

    let panicked = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));

    let panicked = panicked.unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"too much"));
    for touchy in touchy {
        assert_eq!(world.get::<Touchy>(touchy).unwrap().target, None);
    }
    let heard = world.get::<Mourner>(mourner).unwrap().all_heard();
    assert_eq!(heard, [goblin]);
    world.check_registrations().unwrap();
    assert_eq!(world.flush_qdel(), 1);
}

#[test]
fn panic_in_a_method_of_a_despawn_leaves_the_others_released_and_goes_on() {
    let mut world = World::new();
    world.track_references::<Touchy>();
    let [goblin] = spawn_many(&mut world);
    let touchy = [true, false].map(|panics| {
        let target = Some(goblin);
        world.spawn(Touchy { target, panics }).id()
    });

    let panicked = catch_unwind(AssertUnwindSafe(|| world.despawn(goblin)));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"too much"));
    for touchy in touchy {
        assert_eq!(world.get::<Touchy>(touchy).unwrap().target, None);
    }
    world.check_registrations().unwrap();
}

#[test]
fn panic_in_a_method_during_a_sync_leaves_the_others_released_and_goes_on() {
    let mut world = World::new();
    world.track_references::<Touchy>();
    let [goblin] = spawn_many(&mut world);
    let touchy = [true, false].map(|panics| {
        world
            .spawn(Touchy {
                target: None,
                panics,
            })
            .id()
    });
    for touchy in touchy {
        world.get_mut::<Touchy>(touchy).unwrap().target = Some(goblin);
    }
    world.despawn(goblin);

    let panicked = catch_unwind(AssertUnwindSafe(|| world.sync_references()));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"too much"));
    for touchy in touchy {
        assert_eq!(world.get::<Touchy>(touchy).unwrap().target, None);
    }
    world.check_registrations().unwrap();
}

#[test]
fn method_may_be_any_path_to_a_function() {
    let mut world = World::new();
    world
        .track_references::<Counted<u8>>()
        .track_references::<Plain>();
    let [goblin] = spawn_many(&mut world);
    let counted = Counted::<u8> {
        target: Some(goblin),
        count: 0,
        of: PhantomData,
    };
    let plain = Plain {
        target: Some(goblin),
        heard: false,
    };
    let holder = world.spawn((counted, plain)).id();

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Counted<u8>>(holder).unwrap().count, 1);
    assert!(world.get::<Plain>(holder).unwrap().heard);
}

// The stage.

/// Writes down what it lost.
#[derive(Component, Default, References)]
#[references(on_lost = Mourner::mourn)]
struct Mourner {
    #[entities]
    first: Vec<Entity>,
    #[entities]
    second: Option<Entity>,
    #[references]
    third: Vec<(Entity, u32)>,
    #[references(ignore)]
    heard: Vec<(Entity, Vec<Entity>)>,
    /// What it named when it was told last.
    #[references(ignore)]
    seen_then: Vec<Entity>,
}

impl Mourner {
    fn of<const N: usize>(entities: [Entity; N]) -> Self {
        Self {
            first: entities.to_vec(),
            ..Default::default()
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.heard.push((lost.listener(), lost.to_vec()));
        self.seen_then = visited(self);
    }

    fn all_heard(&self) -> Vec<Entity> {
        self.heard
            .iter()
            .flat_map(|(_, lost)| lost.clone())
            .collect()
    }
}

/// Goes with one that it names, and lets go of others.
#[derive(Component, References)]
#[references(on_lost = Self::mourn)]
struct Widow {
    #[references(qdel)]
    husband: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    heard: u32,
}

impl Widow {
    fn mourn(&mut self, _: Lost) {
        self.heard += 1;
    }
}

/// Makes no sense without one that it names, and lets go of others.
#[derive(Component, References)]
#[references(on_lost = Self::mourn)]
struct Rider {
    #[references(remove)]
    horse: Entity,
    #[entities]
    friends: Vec<Entity>,
    heard: Arc<AtomicUsize>,
}

impl Rider {
    fn mourn(&mut self, _: Lost) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes the next when it loses its target.
#[derive(Component, References)]
#[references(on_lost = Self::pick_next)]
struct Fickle {
    #[entities]
    target: Option<Entity>,
    #[references(ignore)]
    next: Vec<Entity>,
}

impl Fickle {
    fn pick_next(&mut self, _: Lost) {
        self.target = self.next.pop();
    }
}

#[derive(Component, References)]
#[references(on_lost = Touchy::shout)]
struct Touchy {
    #[entities]
    target: Option<Entity>,
    panics: bool,
}

impl Touchy {
    fn shout(&mut self, _: Lost) {
        if self.panics {
            std::panic::panic_any("too much");
        }
    }
}

#[derive(Component, References)]
#[references(on_lost = Counted::<T>::count)]
struct Counted<T: Send + Sync + 'static> {
    #[entities]
    target: Option<Entity>,
    count: u32,
    of: PhantomData<T>,
}

impl<T: Send + Sync + 'static> Counted<T> {
    fn count(&mut self, _: Lost<'_>) {
        self.count += 1;
    }
}

#[derive(Component, References)]
#[references(on_lost = hear)]
struct Plain {
    #[entities]
    target: Option<Entity>,
    heard: bool,
}

fn hear(plain: &mut Plain, _: Lost) {
    plain.heard = true;
}

fn mourning() -> World {
    let mut world = World::new();
    world.track_references::<Mourner>();
    world
}
