//! R6: immutable components.

use super::*;

#[test]
fn immutable_component_is_replaced_by_one_that_lost() {
    let mut world = carving();
    let [goblin, orc] = spawn_many(&mut world);
    let statue = world.spawn(Statue::of([goblin, orc, goblin])).id();
    world.resource_mut::<Order>().0.clear();

    world.qdel(goblin).unwrap();

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!((&*at.of, &*at.heard), (&[orc][..], &[vec![goblin]][..]));
    assert_eq!(world.resource::<Order>().0, ["discarded", "inserted"]);
    assert_eq!(holders(&mut world, orc), [statue]);
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_is_released_by_a_despawn() {
    let mut world = carving();
    let [goblin, orc] = spawn_many(&mut world);
    let statue = world.spawn(Statue::of([goblin, orc])).id();

    world.despawn(goblin);
    world.commands().entity(orc).despawn();
    world.flush();

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!(
        (&*at.of, &*at.heard),
        (&[][..], &[vec![goblin], vec![orc]][..])
    );
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_hears_of_each_once_when_many_are_despawned() {
    let mut world = carving();
    let targets: [Entity; 3] = spawn_many(&mut world);
    for target in targets {
        world.entity_mut(target).insert(Asleep);
    }
    let statue = world.spawn(Statue::of(targets)).id();

    world.despawn_all::<With<Asleep>>();

    let at = world.get::<Statue>(statue).unwrap();
    let mut heard = at.heard.concat();
    heard.sort_unstable();
    let mut expected = targets.to_vec();
    expected.sort_unstable();
    assert_eq!((&*at.of, heard), (&[][..], expected));
}

#[test]
fn immutable_component_that_was_replaced_meanwhile_hears_nothing() {
    let mut world = carving();
    let [goblin, orc] = spawn_many(&mut world);
    let statue = world.spawn(Statue::of([goblin])).id();
    world.entity_mut(goblin).insert(Asleep);
    world.add_observer(move |_: On<Despawn<Asleep>>, mut commands: Commands| {
        commands.entity(statue).insert(Statue::of([orc]));
    });

    world.despawn(goblin);

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!((&*at.of, &*at.heard), (&[orc][..], &[][..]));
    assert_eq!(holders(&mut world, orc), [statue]);
}

#[test]
fn immutable_component_of_who_goes_as_well_is_not_told() {
    let mut world = carving();
    let [goblin] = spawn_many(&mut world);
    let statue = world.spawn((Statue::of([goblin]), ChildOf(goblin))).id();

    world.qdel(goblin).unwrap();

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!((&*at.of, &*at.heard), (&[][..], &[][..]));
    world.flush_qdel();
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_is_replaced_only_when_it_lost_something() {
    let mut world = carving();
    let [goblin, orc] = spawn_many(&mut world);
    world.spawn(Statue::of([orc]));
    world.resource_mut::<Order>().0.clear();

    world.qdel(goblin).unwrap();
    world.sync_references();
    world.flush_qdel();

    assert_eq!(world.resource::<Order>().0, [""; 0]);
}

#[test]
fn immutable_component_that_panics_is_released_and_goes_on() {
    let mut world = World::new();
    world.track_references::<Brittle>();
    let [goblin, orc] = spawn_many(&mut world);
    let brittle = [false, true, false].map(|breaks| {
        let of = vec![goblin, orc];
        world.spawn(Brittle { of, breaks }).id()
    });

    let panicked = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"crack"));
    for brittle in brittle {
        assert_eq!(world.get::<Brittle>(brittle).unwrap().of, [orc]);
    }
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_that_panicked_stays_linked() {
    let mut world = World::new();
    world.track_references::<Brittle>();
    let [goblin, orc] = spawn_many(&mut world);
    let of = vec![goblin, orc];
    let brittle = world.spawn(Brittle { of, breaks: true }).id();
    catch_unwind(AssertUnwindSafe(|| world.qdel(goblin))).unwrap_err();
    world.flush_qdel();

    let _ = catch_unwind(AssertUnwindSafe(|| world.qdel(orc)));
    let _ = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));

    assert_eq!(world.get::<Brittle>(brittle).unwrap().of, []);
}

// The stage.

#[derive(Component, Debug, References)]
#[component(immutable, on_insert = note_insert, on_discard = note_discard)]
#[references(on_lost = Statue::mourn)]
struct Statue {
    #[entities]
    of: Vec<Entity>,
    #[references(ignore)]
    heard: Vec<Vec<Entity>>,
}

impl Statue {
    fn of<const N: usize>(entities: [Entity; N]) -> Self {
        Self {
            of: entities.to_vec(),
            heard: Vec::new(),
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.heard.push(lost.to_vec());
    }
}

#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = Brittle::crack)]
struct Brittle {
    #[entities]
    of: Vec<Entity>,
    breaks: bool,
}

impl Brittle {
    fn crack(&mut self, _: Lost) {
        if self.breaks {
            std::panic::panic_any("crack");
        }
    }
}

fn carving() -> World {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.track_references::<Statue>();
    world
}
