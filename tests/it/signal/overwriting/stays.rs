//! S10: what stays.

use super::*;

/// S10: the commonest of all: a mob that aims registers, and writes its aim by inserting it.
#[test]
fn component_that_is_inserted_after_it_registered_is_told() {
    with_each_watch(|mut world| {
        let [goblin] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, goblin, Mob::clear).unwrap();

        world.commands().entity(mob).insert(Mob::of(goblin));
        world.flush();
        world.despawn(goblin);

        let mob = world.get::<Mob>(mob).unwrap();
        assert_eq!((mob.target, &mob.lost[..]), (None, &[goblin][..]));
    });
}

/// S10: each of the ways in which Bevy puts a value in the place of another.
#[test]
fn registration_stays_however_its_component_is_overwritten() {
    let ways: [Way; 8] = [
        ("insert", |world, mob| {
            world.entity_mut(mob).insert(Mob::default());
        }),
        ("with others", |world, mob| {
            world.entity_mut(mob).insert((Mob::default(), Ghost(1)));
        }),
        ("by command", |world, mob| {
            world.commands().entity(mob).insert(Mob::default());
            world.flush();
        }),
        ("in a batch", |world, mob| {
            world.insert_batch([(mob, Mob::default())]);
        }),
        ("in a batch that tries", |world, mob| {
            world.try_insert_batch([(mob, Mob::default())]).unwrap();
        }),
        ("by a clone", |world, mob| {
            let other = world.spawn(Mob::default()).id();
            EntityCloner::build_opt_out(world).clone_entity(other, mob);
        }),
        ("by a component that moves in", |world, mob| {
            let mut other = world.spawn(Mob::default());
            other.move_components::<Mob>(mob);
        }),
        ("with what is new", |world, mob| {
            world
                .entity_mut(mob)
                .insert((Mob::default(), Name::new("mob")));
        }),
    ];
    for (way, overwrite) in ways {
        with_each_watch(|mut world| {
            let [goblin, troll] = spawn_targets(&mut world);
            let mob = world.spawn(Mob::default()).id();
            world.register_signal(mob, goblin, Mob::clear).unwrap();
            world.register_signal(mob, troll, Mob::clear).unwrap();

            overwrite(&mut world, mob);

            assert_eq!(listeners_on(&world, goblin), [mob], "{way}");
            assert_eq!(listeners_on(&world, troll), [mob], "{way}");
            world.despawn(goblin);
            world.qdel(troll).unwrap();
            assert_eq!(
                world.get::<Mob>(mob).unwrap().lost,
                [goblin, troll],
                "{way}"
            );
        });
    }
}

/// S10: the component that is not mutable is written by being overwritten.
#[test]
fn registration_of_an_immutable_component_stays_when_it_is_modified() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let statue = world.spawn(Statue(0)).id();
        world.register_signal(statue, target, statue_says).unwrap();

        world
            .modify_component(statue, |statue: &mut Statue| statue.0 = 1)
            .unwrap();
        world.entity_mut(statue).insert(Statue(2));

        assert_eq!(world.send_signal(target, Ping), ["statue"]);
    });
}

/// S10.
#[test]
fn registration_of_a_sparse_component_stays_when_it_is_overwritten() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let ghost = world.spawn(Ghost(0)).id();
        world.register_signal(ghost, target, Ghost::says).unwrap();

        world.entity_mut(ghost).insert(Ghost(1));

        assert_eq!(world.send_signal(target, Ping), ["ghost"]);
        assert_eq!(world.get::<Ghost>(ghost).unwrap().0, 1);
    });
}

/// S10: a resource is a component.
#[test]
fn registration_of_a_resource_stays_when_it_is_inserted_anew() {
    let mut world = World::new();
    world.insert_resource(Weather);
    let [target] = spawn_targets(&mut world);
    let weather = world.resource_entity::<Weather>().unwrap();
    world
        .register_signal(weather, target, weather_says)
        .unwrap();

    world.insert_resource(Weather);

    assert_eq!(world.send_signal(target, Ping), ["weather"]);
}

/// S10 and S6: the value changes, the place does not.
#[test]
fn overwritten_component_keeps_its_place_in_the_order() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
        for mob in mobs {
            world.register_signal(mob, target, Mob::says).unwrap();
        }

        world.entity_mut(mobs[0]).insert(Mob::default());

        assert_eq!(listeners_on(&world, target), mobs);
    });
}

/// S10 and S3.
#[test]
fn registration_for_one_call_stays_one_for_one_call_when_its_component_is_overwritten() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::default()).id();
        world.register_signal_once(mob, target, Mob::says).unwrap();

        world.entity_mut(mob).insert(Mob::default());

        assert_eq!(world.send_signal(target, Ping), ["mob"]);
        assert_eq!(world.send_signal(target, Ping), [""; 0]);
    });
}

/// S10 and S2: it is there, so a second one is refused.
#[test]
fn overwritten_component_is_registered_already() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, target, Mob::says).unwrap();

        world.entity_mut(mob).insert(Mob::default());

        let again = world.register_signal(mob, target, Mob::shouts);
        assert!(matches!(again, Err(RegisterError::AlreadyRegistered(_))));
        assert_eq!(world.send_signal(target, Ping), ["mob"]);
    });
}

/// S10 and S7: also in the middle of a deletion that is taken back.
#[test]
fn overwritten_component_hears_of_a_target_that_lived_on_once_more() {
    #[derive(Component)]
    struct Cat(u32);

    impl Destroy for Cat {
        type Param = ();

        fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
            self.0 -= 1;
            if self.0 > 0 {
                DestroyHint::LetMeLive
            } else {
                DestroyHint::Queue
            }
        }
    }

    with_each_watch(|mut world| {
        world.register_destroy::<Cat>();
        let cat = world.spawn(Cat(2)).id();
        let mob = world.spawn(Mob::of(cat)).id();
        world.register_signal(mob, cat, overwrite).unwrap();
        world.insert_resource(Heard(0));

        assert_eq!(world.qdel(cat), Ok(QdelOutcome::Kept));
        assert_eq!(listeners_on(&world, cat), [mob]);
        world.qdel(cat).unwrap();

        assert_eq!(world.resource::<Heard>().0, 2);
    });

    #[derive(Resource)]
    struct Heard(u32);

    fn overwrite(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        world.resource_mut::<Heard>().0 += 1;
        let mob = lost.listener();
        world.commands().entity(mob).insert(Mob::default());
    }
}

/// S10: taken away is taken away, and what comes back is another one.
#[test]
fn registration_ends_however_its_component_is_removed() {
    let ways: [Way; 8] = [
        ("remove", |world, mob| {
            world.entity_mut(mob).remove::<Mob>();
        }),
        ("take", |world, mob| {
            world.entity_mut(mob).take::<Mob>().unwrap();
        }),
        ("by id", |world, mob| {
            let id = world.component_id::<Mob>().unwrap();
            world.entity_mut(mob).remove_by_id(id);
        }),
        ("by ids", |world, mob| {
            let id = world.component_id::<Mob>().unwrap();
            world.entity_mut(mob).remove_by_ids(&[id]);
        }),
        ("with what it requires", |world, mob| {
            world.entity_mut(mob).remove_with_requires::<Mob>();
        }),
        ("retain", |world, mob| {
            world.entity_mut(mob).retain::<Ghost>();
        }),
        ("clear", |world, mob| {
            world.entity_mut(mob).clear();
        }),
        ("move", |world, mob| {
            let heir = world.spawn_empty().id();
            world.entity_mut(mob).move_components::<Mob>(heir);
            assert_eq!(world.registrations_of(heir), []);
        }),
    ];
    for (way, remove) in ways {
        with_each_watch(|mut world| {
            let [target] = spawn_targets(&mut world);
            let mob = world.spawn(Mob::default()).id();
            world.register_signal(mob, target, Mob::says).unwrap();

            remove(&mut world, mob);
            world.entity_mut(mob).insert(Mob::default());

            assert_eq!(listeners_on(&world, target), [], "{way}");
            assert_eq!(world.registrations_of(mob), [], "{way}");
        });
    }
}

/// S10: only what an entity has can be kept.
#[test]
fn skipped_insertion_changes_nothing() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::of(target)).id();
    world.register_signal(mob, target, Mob::clear).unwrap();

    world.entity_mut(mob).insert_if_new(Mob::default());
    world.insert_batch_if_new([(mob, Mob::default())]);

    assert_eq!(world.get::<Mob>(mob).unwrap().target, Some(target));
    assert_eq!(listeners_on(&world, target), [mob]);
}

/// R3: the links of a declared field are those of the value that is there.
#[test]
fn declared_field_that_is_overwritten_names_whom_it_names() {
    #[derive(Component, References)]
    struct Aim(#[entities] Option<Entity>);

    #[derive(Component, References)]
    #[component(immutable)]
    struct Oath(#[entities] Option<Entity>);

    for prepare in [
        |world: &mut World| {
            world.track_references::<Aim>();
            world.track_references::<Oath>();
        },
        |world: &mut World| {
            world.spawn((Aim(None), Oath(None)));
            world.track_references::<Aim>();
            world.track_references::<Oath>();
        },
    ] {
        let mut world = World::new();
        prepare(&mut world);
        let [first, second] = spawn_targets(&mut world);
        let holder = world.spawn((Aim(Some(first)), Oath(Some(first)))).id();

        world
            .entity_mut(holder)
            .insert((Aim(Some(second)), Oath(Some(second))));

        assert_eq!(listeners_on(&world, first), []);
        assert_eq!(listeners_on(&world, second), [holder, holder]);
        world.despawn(first);
        assert_eq!(world.get::<Oath>(holder).unwrap().0, Some(second));
        world.despawn(second);
        assert_eq!(world.get::<Aim>(holder).unwrap().0, None);
        assert_eq!(world.get::<Oath>(holder).unwrap().0, None);
        world
            .modify_component(holder, |oath: &mut Oath| oath.0 = Some(holder))
            .unwrap();
        assert_eq!(listeners_on(&world, holder), [holder]);
    }
}

// The stage.

/// Cannot be written.
#[derive(Component, Clone)]
#[component(immutable)]
struct Statue(u32);

fn statue_says(_: DeferredWorld, _: Received<Ping, Statue>) -> Vec<&'static str> {
    vec!["statue"]
}

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Ghost(u32);

impl Ghost {
    fn says(&mut self, _: Received<Ping>) -> Vec<&'static str> {
        vec!["ghost"]
    }
}

#[derive(Resource)]
struct Weather;

fn weather_says(_: &mut Weather, _: Received<Ping>) -> Vec<&'static str> {
    vec!["weather"]
}

/// What is done to a component of an entity, by its name.
type Way = (&'static str, fn(&mut World, Entity));

/// Runs a test with both ways to notice the end of a component: a hook, and an observer.
fn with_each_watch(test: impl Fn(World)) {
    let mut hooked = World::new();
    hooked.register_listener::<Mob>();
    hooked.register_listener::<Statue>();
    hooked.register_listener::<Ghost>();
    test(hooked);
    let mut observed = World::new();
    let used = observed.spawn((Mob::default(), Statue(0), Ghost(0))).id();
    observed.despawn(used);
    test(observed);
}
