//! Nothing is forgotten in silence: types that say by reflection what they want, and what is warned
//! of.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

use crate::stage::collect_log;

#[cfg(all(feature = "bevy_app", feature = "bevy_reflect"))]
mod reflected {
    use bevy_app::prelude::*;
    use bevy_ecs::reflect::{AppTypeRegistry, ReflectComponent};
    use bevy_reflect::prelude::*;
    use qdel::{Destroy, DestroyContext, DestroyHint};

    use super::*;

    #[derive(Component, Default, Reflect, References)]
    #[reflect(Component, References)]
    struct Mob {
        #[entities]
        target: Option<Entity>,
    }

    #[derive(Component, Default, Reflect, References)]
    #[component(immutable)]
    #[reflect(References)]
    struct Statue {
        #[references(deny)]
        of: Option<Entity>,
    }

    #[derive(Component, Default, Reflect)]
    #[reflect(Component, Destroy)]
    struct Socket;

    #[derive(Resource, Default)]
    struct Closed(usize);

    impl Destroy for Socket {
        type Param = ResMut<'static, Closed>;

        fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
            going.param.0 += 1;
            DestroyHint::Queue
        }
    }

    #[test]
    fn plugin_tracks_and_registers_what_the_registry_knows() {
        let warnings = collect_log();
        let mut app = app();
        app.register_type::<Mob>()
            .register_type::<Statue>()
            .register_type::<Socket>();
        app.finish();
        let world = app.world_mut();
        let [goblin, king] = [(), ()].map(|()| world.spawn(Socket).id());
        let mob = world.spawn(Mob::default()).id();
        world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
        world.spawn(Statue { of: Some(king) });

        world.qdel(goblin).unwrap();
        world.sync_references();

        assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
        assert_eq!(world.resource::<Closed>().0, 1);
        assert!(world.qdel(king).is_err());
        assert_eq!(warnings(), [""; 0]);
    }

    #[test]
    fn plugin_sees_to_what_is_registered_later() {
        let warnings = collect_log();
        let mut app = app();
        app.finish();
        app.update();
        app.register_type::<Mob>().register_type::<Socket>();
        app.update();
        let world = app.world_mut();
        let goblin = world.spawn(Socket).id();
        let mob = world.spawn(Mob::default()).id();
        world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
        world.qdel(goblin).unwrap();

        app.update();

        assert_eq!(app.world().get::<Mob>(mob).unwrap().target, None);
        assert_eq!(app.world().resource::<Closed>().0, 1);
        assert_eq!(warnings(), [""; 0]);
    }

    #[test]
    fn plugin_sees_to_it_where_nobody_finishes_the_app() {
        let mut app = app();
        app.register_type::<Mob>();
        let goblin = app.world_mut().spawn_empty().id();
        let mob = app.world_mut().spawn(Mob::default()).id();
        app.world_mut().get_mut::<Mob>(mob).unwrap().target = Some(goblin);
        app.world_mut().qdel(goblin).unwrap();

        app.update();

        assert_eq!(app.world().get::<Mob>(mob).unwrap().target, None);
    }

    #[test]
    fn without_the_plugin_each_forgotten_type_is_named_once_by_whatever_comes_first() {
        type Deed = (&'static str, fn(&mut World));
        let deeds: [Deed; 4] = [
            ("qdel", |world| {
                let goblin = world.spawn_empty().id();
                world.qdel(goblin).unwrap();
            }),
            ("batch", |world| {
                let goblin = world.spawn_empty().id();
                world.qdel_batch([goblin]);
            }),
            ("command", |world| {
                let goblin = world.spawn_empty().id();
                world.commands().entity(goblin).qdel();
                world.flush();
            }),
            ("at once", |world| {
                let settings = QdelSettings::default().with_teardown(Teardown::Immediate);
                world.insert_resource(settings);
                let goblin = world.spawn_empty().id();
                world.qdel(goblin).unwrap();
            }),
        ];
        for (deed, act) in deeds {
            let warnings = collect_log();
            let mut world = World::new();
            register::<Mob>(&mut world);
            register::<Socket>(&mut world);
            world.init_resource::<Closed>();

            act(&mut world);
            act(&mut world);
            world.flush_qdel();

            let expected = [
                "passing over `Mob`, which derives `References` and is not tracked: nobody has its fields let go; write \
                 `world.track_references::<Mob>()`, or add `QdelPlugin`",
                "passing over `Socket`, which has a `Destroy` and is not registered: nobody calls it; write \
                 `world.register_destroy::<Socket>()`, or add `QdelPlugin`",
            ];
            assert_eq!(warnings(), expected, "{deed}");
        }
    }

    #[test]
    fn who_is_tracked_by_hand_is_not_named() {
        let warnings = collect_log();
        let mut world = World::new();
        register::<Mob>(&mut world);
        register::<Socket>(&mut world);
        world.init_resource::<Closed>();
        // Each of them looks at the world; the other one is not forgotten yet.
        world.track_references::<Mob>();
        world.register_destroy::<Socket>();
        let goblin = world.spawn_empty().id();

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        assert_eq!(warnings(), [""; 0]);
    }

    #[test]
    fn type_that_is_registered_later_is_named_by_the_next_flush() {
        let warnings = collect_log();
        let mut world = World::new();
        register::<Socket>(&mut world);
        world.init_resource::<Closed>();
        world.register_destroy::<Socket>();
        let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
        world.qdel(goblin).unwrap();
        world.flush_qdel();
        register::<Mob>(&mut world);
        world.qdel(orc).unwrap();

        world.flush_qdel();

        assert_eq!(warnings().len(), 1);
        assert!(warnings()[0].contains("`world.track_references::<Mob>()`"));
    }

    #[test]
    fn blind_spot_without_a_name_says_once_how_to_get_it() {
        #[derive(Component)]
        struct Locked(#[expect(dead_code, reason = "it is what cannot be seen")] Entity);

        let warnings = collect_log();
        let mut world = World::new();
        world.init_resource::<AppTypeRegistry>();
        let goblin = world.spawn_empty().id();
        world.spawn(Locked(goblin));

        let report = world.sweep_for([goblin]);
        world.sweep_for([goblin]);

        let spot = &report.blind_spots[0].component;
        if spot.starts_with("component ") {
            let [warning] = &warnings()[..] else {
                panic!("{:?}", warnings());
            };
            let expected = format!("calling a type `{spot}`, because Bevy was built without");
            assert!(warning.starts_with(&expected), "{warning}");
            assert!(warning.contains("features = [\"debug\"]"), "{warning}");
        } else {
            assert_eq!(warnings(), [""; 0]);
        }
    }

    fn app() -> App {
        let mut app = App::new();
        app.add_plugins(QdelPlugin::default())
            .init_resource::<Closed>();
        app
    }

    fn register<T: bevy_reflect::GetTypeRegistration>(world: &mut World) {
        world.init_resource::<AppTypeRegistry>();
        world.resource::<AppTypeRegistry>().write().register::<T>();
    }
}

#[test]
fn world_that_was_never_flushed_is_named_once_when_a_thousand_wait() {
    type Deed = (&'static str, fn(&mut World, Vec<Entity>));
    let deeds: [Deed; 4] = [
        ("one by one", |world, crowd| {
            for entity in crowd {
                world.qdel(entity).unwrap();
            }
        }),
        ("one by one, heard", |world, crowd| {
            world.add_observer(|_: On<Qdeleting>| {});
            for entity in crowd {
                world.qdel(entity).unwrap();
            }
        }),
        ("batch", |world, crowd| {
            world.qdel_batch(crowd);
        }),
        ("commands", |world, crowd| {
            for entity in crowd {
                world.commands().entity(entity).qdel();
            }
            world.flush();
        }),
    ];
    for (deed, act) in deeds {
        let warnings = collect_log();
        let mut world = World::new();
        let crowd = |world: &mut World, size: usize| -> Vec<_> {
            (0..size).map(|_| world.spawn_empty().id()).collect()
        };
        let few = crowd(&mut world, 999);
        act(&mut world, few);
        assert_eq!(warnings(), [""; 0], "{deed}");
        let more = crowd(&mut world, 3000);

        act(&mut world, more);

        let expected = "keeping 1000 entities that were deleted and are not torn down, because nobody has ever flushed this world; \
                        add `QdelPlugin`, or call `World::flush_qdel` at the end of each frame";
        assert_eq!(warnings(), [expected], "{deed}");
    }
}

#[test]
fn world_that_is_flushed_may_let_thousands_wait() {
    let warnings = collect_log();
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();
    world.flush_qdel();
    let crowd: Vec<_> = (0..3000).map(|_| world.spawn_empty().id()).collect();

    for entity in crowd {
        world.qdel(entity).unwrap();
    }

    assert_eq!(warnings(), [""; 0]);
}
