//! The plugin: what happens in which part of a frame.

use bevy_app::prelude::*;
use bevy_ecs::{entity_disabling::Disabled, prelude::*, world::DeferredWorld};
use qdel::{QdelCause, QdelSystems, prelude::*, statistics::QdelCounts};

// The frame.

#[test]
fn update_tears_down_what_was_deleted_before_it() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    app.world_mut().qdel(goblin).unwrap();

    app.update();

    assert_eq!(app.world().liveness(goblin), Liveness::Gone);
}

#[test]
fn update_tears_down_what_a_system_deleted_in_it() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    app.add_systems(Update, qdel_once(goblin));

    app.update();

    assert_eq!(app.world().liveness(goblin), Liveness::Gone);
    assert_eq!(app.world().resource::<QdelCounts>().torn_down, 1);
}

#[test]
fn update_tears_down_what_startup_deleted() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    app.add_systems(Startup, qdel_once(goblin));

    app.update();

    assert_eq!(app.world().liveness(goblin), Liveness::Gone);
}

#[test]
fn deleting_entity_is_there_until_the_tear_down_in_last() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Name::new("goblin")).id();
    let look = move |liveness: EntityLiveness, mut seen: ResMut<Seen>| {
        seen.0.push(liveness.liveness(goblin));
    };
    app.add_systems(First, look)
        .add_systems(Update, (look, qdel_once(goblin), look).chain())
        .add_systems(PostUpdate, look)
        .add_systems(Last, look.before(QdelSystems::TearDown))
        .add_systems(Last, look.after(QdelSystems::TearDown));

    app.update();

    let expected = [
        Liveness::Alive,
        Liveness::Alive,
        Liveness::Deleting,
        Liveness::Deleting,
        Liveness::Deleting,
        Liveness::Gone,
    ];
    assert_eq!(app.world().resource::<Seen>().0, expected);
}

#[test]
fn systems_of_the_same_frame_read_a_deleting_entity_by_id() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Name::new("goblin")).id();
    let read =
        move |names: Query<&Name>, all: Query<&Name, Allow<Disabled>>, mut read: ResMut<Read>| {
            read.0 = Some((names.contains(goblin), all.get(goblin).unwrap().to_string()));
        };
    app.init_resource::<Read>()
        .add_systems(Update, qdel_once(goblin))
        .add_systems(PostUpdate, read);

    app.update();

    let read = app.world().resource::<Read>().0.clone();
    assert_eq!(read, Some((false, "goblin".to_owned())));
}

#[test]
fn exclusive_system_of_the_same_frame_reads_a_deleting_entity() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Name::new("goblin")).id();
    app.init_resource::<Read>()
        .add_systems(Update, qdel_once(goblin))
        .add_systems(PostUpdate, move |world: &mut World| {
            let name = world.get::<Name>(goblin).unwrap().to_string();
            world.resource_mut::<Read>().0 = Some((true, name));
        });

    app.update();

    let read = app.world().resource::<Read>().0.clone();
    assert_eq!(read, Some((true, "goblin".to_owned())));
}

#[test]
fn listeners_are_told_at_the_sync_point_and_not_at_the_end_of_the_frame() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    let archer = app
        .world_mut()
        .spawn(Mob {
            target: Some(goblin),
        })
        .id();
    app.world_mut()
        .register_signal(archer, goblin, Mob::clear_target)
        .unwrap();
    app.init_resource::<Read>()
        .add_systems(Update, qdel_once(goblin))
        .add_systems(PostUpdate, |mobs: Query<&Mob>, mut read: ResMut<Read>| {
            let has_target = mobs.iter().any(|mob| mob.target.is_some());
            read.0 = Some((has_target, String::new()));
        });

    app.update();

    let read = app.world().resource::<Read>().0.clone();
    assert_eq!(read, Some((false, String::new())));
}

#[test]
fn two_systems_that_delete_the_same_entity_delete_it_once() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    app.add_systems(Update, (qdel_once(goblin), qdel_once(goblin)));

    app.update();

    let counts = *app.world().resource::<QdelCounts>();
    assert_eq!(
        (counts.deleted, counts.repeated, counts.torn_down),
        (1, 1, 1)
    );
}

#[test]
fn what_is_deleted_after_the_tear_down_waits_for_the_next_frame() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    app.add_systems(Last, qdel_once(goblin).after(QdelSystems::TearDown));

    app.update();
    let after_one = app.world().liveness(goblin);
    app.update();
    let after_two = app.world().liveness(goblin);

    assert_eq!((after_one, after_two), (Liveness::Deleting, Liveness::Gone));
}

#[test]
fn what_the_tear_down_deletes_waits_for_the_next_frame() {
    let mut app = app();
    let [goblin, heir] = [(); 2].map(|()| app.world_mut().spawn(Mob { target: None }).id());
    app.world_mut()
        .entity_mut(goblin)
        .observe(move |_: On<Despawn<Mob>>, mut world: DeferredWorld| world.qdel(heir));
    app.world_mut().qdel(goblin).unwrap();

    app.update();
    let after_one = app.world().liveness(heir);
    app.update();
    let after_two = app.world().liveness(heir);

    assert_eq!((after_one, after_two), (Liveness::Deleting, Liveness::Gone));
}

#[test]
fn each_frame_tears_down_its_own() {
    let mut app = app();
    app.add_systems(
        Update,
        |mobs: Query<Entity, With<Mob>>, mut commands: Commands| {
            if let Some(mob) = mobs.iter().next() {
                commands.entity(mob).qdel();
            }
        },
    );
    app.world_mut()
        .spawn_batch([(); 3].map(|()| Mob { target: None }));

    let mut torn_down = Vec::new();
    for _ in 0..5 {
        app.update();
        torn_down.push(app.world().resource::<QdelCounts>().torn_down);
    }

    assert_eq!(torn_down, [1, 2, 3, 3, 3]);
}

#[test]
fn owned_entities_go_in_the_frame_of_their_owner() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    let purse = app.world_mut().spawn(ChildOf(goblin)).id();
    app.add_systems(Update, qdel_once(goblin));

    app.update();

    let states = [goblin, purse].map(|entity| app.world().liveness(entity));
    assert_eq!(states, [Liveness::Gone; 2]);
}

// Settings.

#[test]
fn plugin_begins_with_the_settings_it_is_given() {
    let settings = QdelSettings::default().with_teardown(Teardown::Immediate);
    let mut app = App::new();

    app.add_plugins(QdelPlugin::with_settings(settings));

    assert_eq!(*app.world().resource::<QdelSettings>(), settings);
}

#[test]
fn plugin_by_default_tears_down_at_the_end_of_the_frame() {
    let app = app();

    let settings = *app.world().resource::<QdelSettings>();

    assert_eq!(settings, QdelSettings::default());
    assert_eq!(settings.teardown, Teardown::EndOfFrame);
}

#[test]
fn immediate_teardown_is_over_before_the_next_system() {
    let mut app = App::new();
    app.add_plugins(QdelPlugin::with_settings(
        QdelSettings::default().with_teardown(Teardown::Immediate),
    ));
    app.init_resource::<Seen>();
    let goblin = app.world_mut().spawn_empty().id();
    let look = move |liveness: EntityLiveness, mut seen: ResMut<Seen>| {
        seen.0.push(liveness.liveness(goblin));
    };
    app.add_systems(Update, (qdel_once(goblin), look).chain());

    app.update();

    assert_eq!(app.world().resource::<Seen>().0, [Liveness::Gone]);
}

#[test]
fn settings_may_be_changed_between_frames() {
    let mut app = app();
    let [goblin, orc] = [(); 2].map(|()| app.world_mut().spawn_empty().id());
    app.world_mut().qdel(goblin).unwrap();
    app.update();

    app.world_mut().resource_mut::<QdelSettings>().teardown = Teardown::Immediate;
    app.world_mut().qdel(orc).unwrap();

    assert_eq!(app.world().liveness(orc), Liveness::Gone);
}

// Beside the plugin.

#[test]
fn without_the_plugin_nothing_is_torn_down_unasked() {
    let mut app = App::new();
    let goblin = app.world_mut().spawn_empty().id();
    app.add_systems(Update, qdel_once(goblin));

    app.update();
    app.update();

    assert_eq!(app.world().liveness(goblin), Liveness::Deleting);
}

#[test]
fn without_the_plugin_a_system_of_the_user_can_flush() {
    let mut app = App::new();
    let goblin = app.world_mut().spawn_empty().id();
    app.add_systems(Update, qdel_once(goblin));
    app.add_systems(PostUpdate, |world: &mut World| {
        world.flush_qdel();
    });

    app.update();

    assert_eq!(app.world().liveness(goblin), Liveness::Gone);
}

#[test]
fn with_the_plugin_a_flush_by_hand_does_no_harm() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    app.world_mut().qdel(goblin).unwrap();

    let torn_down = app.world_mut().flush_qdel();
    app.update();

    assert_eq!(torn_down, 1);
    assert_eq!(app.world().resource::<QdelCounts>().torn_down, 1);
}

#[test]
fn observers_of_the_app_hear_notices() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    let purse = app.world_mut().spawn(ChildOf(goblin)).id();
    app.init_resource::<Heard>()
        .add_observer(|told: On<Qdeleting>, mut heard: ResMut<Heard>| {
            heard.0.push((told.entity, told.cause));
        })
        .add_systems(Update, qdel_once(goblin));

    app.update();
    app.update();

    let expected = [(goblin, QdelCause::Qdel), (purse, QdelCause::Owner(goblin))];
    assert_eq!(app.world().resource::<Heard>().0, expected);
}

#[test]
fn listener_registered_on_the_app_is_watched_without_an_observer() {
    let mut app = app();
    app.register_listener::<Mob>().register_listener::<Mob>();
    let goblin = app.world_mut().spawn_empty().id();
    let archer = app.world_mut().spawn(Mob { target: None }).id();
    let world = app.world_mut();
    world
        .register_signal(archer, goblin, Mob::clear_target)
        .unwrap();
    let mut observers = world.query::<&Observer>();

    world.entity_mut(archer).remove::<Mob>();

    assert_eq!(observers.iter(world).count(), 0);
    assert_eq!(world.registrations_on(goblin), []);
}

#[test]
fn listener_registered_on_the_app_too_late_is_watched_all_the_same() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    let archer = app.world_mut().spawn(Mob { target: None }).id();

    app.register_listener::<Mob>();

    let world = app.world_mut();
    world
        .register_signal(archer, goblin, Mob::clear_target)
        .unwrap();
    world.entity_mut(archer).remove::<Mob>();
    assert_eq!(world.registrations_on(goblin), []);
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn plugin_registers_its_types_for_reflection() {
    use core::any::TypeId;

    let app = app();

    let registry = app.world().resource::<AppTypeRegistry>().read();

    let types = [
        TypeId::of::<WeakEntity>(),
        TypeId::of::<QdelSettings>(),
        TypeId::of::<Teardown>(),
        TypeId::of::<QdelCounts>(),
    ];
    assert!(types.into_iter().all(|id| registry.contains(id)));
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn settings_can_be_changed_by_reflection() {
    let mut app = app();
    let registry = app.world().resource::<AppTypeRegistry>().clone();
    let registry = registry.read();
    let by_path = registry.get_with_short_type_path("QdelSettings").unwrap();
    let reflected = by_path.data::<ReflectComponent>().unwrap();
    let settings = QdelSettings::default().with_teardown(Teardown::Immediate);

    let entity = app.world().resource_entity::<QdelSettings>().unwrap();
    reflected.apply(app.world_mut().entity_mut(entity), &settings);

    assert_eq!(*app.world().resource::<QdelSettings>(), settings);
}

// The stage.

#[derive(Component)]
struct Mob {
    target: Option<Entity>,
}

impl Mob {
    fn clear_target(&mut self, _: Received<Qdeleting>) {
        self.target = None;
    }
}

/// The states that were seen, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Liveness>);

/// What a system made out.
#[derive(Resource, Default)]
struct Read(Option<(bool, String)>);

/// The notices that were heard, in order.
#[derive(Resource, Default)]
struct Heard(Vec<(Entity, QdelCause)>);

// H2: sweeps in an app.

#[test]
fn app_that_has_only_the_plugin_has_no_blind_spots() {
    let mut app = App::new();
    app.add_plugins(QdelPlugin::default());
    app.update();

    let report = app.world_mut().find_leftovers();

    assert_eq!(report.to_string(), "no leftovers");
}

#[test]
fn app_leaves_a_type_out_of_sweeps_and_its_name_is_known() {
    #[derive(Component)]
    struct Chronicle(#[expect(dead_code, reason = "nobody can look into it")] Entity);
    let mut app = App::new();
    app.add_plugins(QdelPlugin::default());
    app.exclude_from_sweeps::<Chronicle>();
    let goblin = app.world_mut().spawn_empty().id();
    app.world_mut().spawn(Chronicle(goblin));

    let report = app.world_mut().find_leftovers();

    let spots: Vec<_> = report.blind_spots.iter().map(ToString::to_string).collect();
    assert_eq!(spots, ["Chronicle of 1 entity: left out on request"]);
}

fn app() -> App {
    let mut app = App::new();
    app.add_plugins(QdelPlugin::default())
        .init_resource::<Seen>();
    app
}

/// Returns a system that deletes `entity` if it is still there.
fn qdel_once(entity: Entity) -> impl FnMut(Commands) + Clone {
    move |mut commands: Commands| {
        if let Ok(mut entity) = commands.get_entity(entity) {
            entity.qdel();
        }
    }
}
