//! Until when in a frame a written field may name whom.
//!
//! Rule R3 of the design: the plugin syncs before `PostUpdate` and before the flush, where a field
//! may name an entity that is lost.

use bevy_app::{MainScheduleOrder, prelude::*};
use bevy_ecs::{prelude::*, schedule::ScheduleLabel};
use qdel::{QdelSystems, References, SignalTarget, SyncMode, prelude::*};

#[derive(Component, Default, References)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[references(ignore)]
    seen: Vec<(&'static str, Option<Entity>)>,
}

/// Notes what the mobs name.
fn look(at: &'static str) -> impl FnMut(Query<&mut Mob>) {
    move |mut mobs| {
        for mut mob in &mut mobs {
            let target = mob.target;
            mob.bypass_change_detection().seen.push((at, target));
        }
    }
}

/// Has all mobs name `target`.
fn write(target: Entity) -> impl FnMut(Query<&mut Mob>) {
    move |mut mobs| {
        for mut mob in &mut mobs {
            mob.target = Some(target);
        }
    }
}

#[test]
fn written_and_inserted_fields_are_alike_from_post_update_on() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    let written = app.world_mut().spawn(Mob::default()).id();
    let inserted = app.world_mut().spawn(Mob::default()).id();
    app.add_systems(
        Update,
        (
            move |mut mobs: Query<&mut Mob>, mut commands: Commands| {
                mobs.get_mut(written).unwrap().target = Some(goblin);
                commands.entity(inserted).insert(Mob {
                    target: Some(goblin),
                    seen: Vec::new(),
                });
                commands.entity(goblin).qdel();
            },
            look("Update"),
        )
            .chain(),
    )
    .add_systems(PostUpdate, (look("PostUpdate"), look("PostUpdate")))
    .add_systems(Last, look("Last").before(QdelSystems::Sync));

    app.update();

    let later = [("PostUpdate", None), ("PostUpdate", None), ("Last", None)];
    assert_eq!(
        seen(&app, inserted),
        [&[("Update", None)], &later[..]].concat()
    );
    let first = [("Update", Some(goblin))];
    assert_eq!(seen(&app, written), [&first, &later[..]].concat());
}

#[test]
fn nobody_of_a_crowd_names_the_dead_from_post_update_on() {
    let mut app = app();
    let goblins: Vec<_> = (0..100)
        .map(|_| app.world_mut().spawn_empty().id())
        .collect();
    for at in 0..1000 {
        let target = (at % 2 == 0).then(|| goblins[at % 100]);
        app.world_mut().spawn(Mob {
            target,
            seen: Vec::new(),
        });
    }
    let all = goblins.clone();
    app.add_systems(
        Update,
        move |mut mobs: Query<&mut Mob>, mut commands: Commands| {
            for (at, mut mob) in mobs.iter_mut().enumerate() {
                if mob.target.is_none() {
                    mob.target = Some(all[at % 100]);
                }
            }
            for goblin in &all[..50] {
                commands.entity(*goblin).qdel();
            }
        },
    )
    .add_systems(PostUpdate, |mobs: Query<&Mob>, liveness: EntityLiveness| {
        let lost = |mob: &&Mob| {
            let target = mob.target;
            target.is_some_and(|target| liveness.liveness(target) != Liveness::Alive)
        };
        assert_eq!(mobs.iter().filter(lost).count(), 0);
    });

    app.update();
}

#[test]
fn plain_despawn_of_a_marked_target_has_the_next_sync_read() {
    let mut app = app();
    let goblin = app.world_mut().spawn(SignalTarget).id();
    let mob = app.world_mut().spawn(Mob::default()).id();
    app.add_systems(
        Update,
        (write(goblin), move |mut commands: Commands| {
            commands.entity(goblin).try_despawn();
        })
            .chain(),
    )
    .add_systems(PostUpdate, look("PostUpdate"));

    app.update();

    assert_eq!(seen(&app, mob), [("PostUpdate", None)]);
}

#[test]
fn plain_despawn_in_post_update_has_the_sync_before_the_flush_read() {
    let mut app = app();
    let goblin = app.world_mut().spawn(SignalTarget).id();
    let mob = app.world_mut().spawn(Mob::default()).id();
    app.add_systems(
        PostUpdate,
        (write(goblin), move |mut commands: Commands| {
            commands.entity(goblin).try_despawn();
        })
            .chain(),
    )
    .add_systems(Last, look("Last").after(QdelSystems::Sync));

    app.update();

    assert_eq!(seen(&app, mob), [("Last", None)]);
}

#[test]
fn frame_without_deletions_reads_nothing() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    app.world_mut().spawn(Mob::default());
    app.add_systems(Update, write(goblin));

    app.update();

    // What is read and named is marked.
    assert!(!app.world().entity(goblin).contains::<SignalTarget>());
}

#[test]
fn setting_has_each_frame_read() {
    let mut app = app();
    let settings = QdelSettings::default().with_sync(SyncMode::EachFrame);
    app.insert_resource(settings);
    let goblin = app.world_mut().spawn_empty().id();
    let mob = app.world_mut().spawn(Mob::default()).id();
    app.add_systems(
        Update,
        (write(goblin), move |mut commands: Commands| {
            commands.entity(goblin).try_despawn();
        })
            .chain(),
    )
    .add_systems(PostUpdate, look("PostUpdate"));

    app.update();

    assert_eq!(seen(&app, mob), [("PostUpdate", None)]);
}

#[test]
fn orderly_tear_down_alone_has_the_next_frame_read_nothing() {
    let mut app = app();
    let goblin = app.world_mut().spawn(SignalTarget).id();
    app.world_mut().spawn(Mob::default());
    app.world_mut().qdel(goblin).unwrap();
    app.update();
    let elf = app.world_mut().spawn_empty().id();
    app.add_systems(Update, write(elf));

    app.update();

    assert!(!app.world().entity(elf).contains::<SignalTarget>());
}

#[test]
fn what_waits_for_its_budget_is_let_go_of_in_each_frame() {
    let mut app = app();
    let settings = QdelSettings::default().with_teardown(Teardown::Budget(Default::default()));
    app.insert_resource(settings);
    let crowd: Vec<_> = (0..100)
        .map(|_| app.world_mut().spawn_empty().id())
        .collect();
    let last = crowd[99];
    let mob = app.world_mut().spawn(Mob::default()).id();
    app.world_mut().qdel_batch(crowd);
    app.add_systems(Update, write(last))
        .add_systems(PostUpdate, look("PostUpdate"));

    app.update();
    app.update();

    assert_eq!(seen(&app, mob), [("PostUpdate", None); 2]);
    assert_eq!(app.world().liveness(last), Liveness::Deleting);
}

#[test]
fn sync_can_be_placed_elsewhere_as_well() {
    let mut app = app();
    let goblin = app.world_mut().spawn_empty().id();
    let mob = app.world_mut().spawn(Mob::default()).id();
    app.add_systems(
        Update,
        (
            write(goblin),
            move |mut commands: Commands| {
                commands.entity(goblin).qdel();
            },
            look("before"),
            QdelPlugin::sync,
            look("after"),
        )
            .chain(),
    );

    app.update();

    let expected = [("before", Some(goblin)), ("after", None)];
    assert_eq!(seen(&app, mob), expected);
}

#[test]
fn app_without_the_main_schedules_syncs_in_post_update() {
    #[derive(ScheduleLabel, Debug, Clone, PartialEq, Eq, Hash)]
    struct Frame;

    let mut app = App::new();
    app.world_mut().remove_resource::<MainScheduleOrder>();
    app.add_plugins(QdelPlugin::default());
    app.add_systems(Frame, |world: &mut World| {
        world.run_schedule(PostUpdate);
        world.run_schedule(Last);
    });
    app.main_mut().update_schedule = Some(Frame.intern());
    app.world_mut().track_references::<Mob>();
    let goblin = app.world_mut().spawn_empty().id();
    let mob = app.world_mut().spawn(Mob::default()).id();
    app.world_mut().qdel(goblin).unwrap();
    app.world_mut().get_mut::<Mob>(mob).unwrap().target = Some(goblin);
    app.add_systems(PostUpdate, look("PostUpdate").after(QdelSystems::Sync));

    app.update();

    assert_eq!(seen(&app, mob), [("PostUpdate", None)]);
}

fn app() -> App {
    let mut app = App::new();
    app.add_plugins(QdelPlugin::default());
    app.world_mut().track_references::<Mob>();
    app
}

fn seen(app: &App, mob: Entity) -> Vec<(&'static str, Option<Entity>)> {
    app.world().get::<Mob>(mob).unwrap().seen.clone()
}
