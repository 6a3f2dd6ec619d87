//! Q9: in an app.

use bevy_app::prelude::*;
use bevy_ecs::entity_disabling::Disabled;
use bevy_time::{Time, TimePlugin, TimeUpdateStrategy, Virtual};
use qdel::{Deleting, QdelSystems};

use super::*;

const FRAME: Duration = Duration::from_millis(100);

#[test]
fn timer_follows_the_time_of_the_app() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Mortal).id();
    app.world_mut().qdel_in(goblin, 3 * FRAME).unwrap();

    let states = [(); 4].map(|()| {
        update(&mut app, FRAME);
        app.world().liveness(goblin)
    });

    let expected = [
        Liveness::Alive,
        Liveness::Alive,
        Liveness::Gone,
        Liveness::Gone,
    ];
    assert_eq!(states, expected);
}

#[test]
fn timer_stands_still_while_time_does() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Mortal).id();
    app.world_mut().qdel_in(goblin, FRAME).unwrap();

    for _ in 0..10 {
        update(&mut app, Duration::ZERO);
    }

    assert_eq!(app.world().liveness(goblin), Liveness::Alive);
}

#[test]
fn timed_deletion_is_hidden_from_the_update_of_its_frame_and_gone_at_its_end() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Mortal).id();
    app.world_mut().qdel_in(goblin, FRAME).unwrap();
    let look =
        |mortals: Query<&Mortal>, all: Query<&Deleting, Allow<Disabled>>, mut saw: ResMut<Saw>| {
            saw.0.push((mortals.iter().count(), all.iter().count()));
        };
    app.init_resource::<Saw>()
        .add_systems(Last, look.before(QdelSystems::TearDown));
    app.add_systems(First, look)
        .add_systems(Update, look)
        .add_systems(Last, look.after(QdelSystems::TearDown));

    update(&mut app, FRAME);

    let expected = [(1, 0), (0, 1), (0, 1), (0, 0)];
    assert_eq!(app.world().resource::<Saw>().0, expected);
}

#[test]
fn without_time_nothing_happens() {
    let mut app = App::new();
    app.add_plugins(QdelPlugin::default());
    let goblin = app.world_mut().spawn(Mortal).id();
    let timer = app.world_mut().qdel_in(goblin, Duration::ZERO).unwrap();

    for _ in 0..3 {
        app.update();
    }

    assert_eq!(app.world().liveness(goblin), Liveness::Alive);
    assert_eq!(app.world().qdel_timers(), [(timer, Duration::ZERO)]);
}

#[test]
fn time_may_come_later() {
    let mut app = App::new();
    app.add_plugins(QdelPlugin::default());
    let goblin = app.world_mut().spawn(Mortal).id();
    app.world_mut().qdel_in(goblin, FRAME).unwrap();
    app.update();
    app.init_resource::<Time>();

    update(&mut app, FRAME);

    assert_eq!(app.world().liveness(goblin), Liveness::Gone);
}

#[test]
fn system_starts_a_timer_that_counts_from_its_frame() {
    let mut app = app();
    update(&mut app, 10 * FRAME);
    let goblin = app.world_mut().spawn(Mortal).id();
    app.add_systems(Update, start_once(goblin, 2 * FRAME));

    let states = [(); 4].map(|()| {
        update(&mut app, FRAME);
        app.world().liveness(goblin)
    });

    let expected = [
        Liveness::Alive,
        Liveness::Alive,
        Liveness::Gone,
        Liveness::Gone,
    ];
    assert_eq!(states, expected);
}

/// The time of this frame has passed before the timer was started.
#[test]
fn timer_that_is_started_early_in_a_frame_is_not_due_before_its_delay() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Mortal).id();
    let start = start_once(goblin, 2 * FRAME).before(QdelSystems::Timers);
    app.add_systems(PreUpdate, start);

    let states = [(); 3].map(|()| {
        update(&mut app, FRAME);
        app.world().liveness(goblin)
    });

    let expected = [Liveness::Alive, Liveness::Alive, Liveness::Gone];
    assert_eq!(states, expected);
}

#[test]
fn timer_that_startup_starts_is_due_after_its_delay() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Mortal).id();
    app.add_systems(Startup, start_once(goblin, FRAME));

    let states = [Duration::ZERO, FRAME - INSTANT, INSTANT].map(|time| {
        update(&mut app, time);
        app.world().liveness(goblin)
    });

    let expected = [Liveness::Alive, Liveness::Alive, Liveness::Gone];
    assert_eq!(states, expected);
}

#[test]
fn idle_time_does_not_count_for_later_timers() {
    let mut app = app();
    for _ in 0..10 {
        update(&mut app, FRAME);
    }
    let goblin = app.world_mut().spawn(Mortal).id();
    app.world_mut().qdel_in(goblin, 2 * FRAME).unwrap();

    let states = [(); 2].map(|()| {
        update(&mut app, FRAME);
        app.world().liveness(goblin)
    });

    assert_eq!(states, [Liveness::Alive, Liveness::Gone]);
}

#[test]
fn timers_stand_still_while_the_virtual_time_of_bevy_is_paused() {
    let mut app = app_of_bevy();
    let goblin = app.world_mut().spawn(Mortal).id();
    app.world_mut().qdel_in(goblin, FRAME).unwrap();
    app.world_mut().resource_mut::<Time<Virtual>>().pause();
    for _ in 0..10 {
        app.update();
    }
    let paused = app.world().liveness(goblin);

    app.world_mut().resource_mut::<Time<Virtual>>().unpause();
    app.update();

    assert_eq!(paused, Liveness::Alive);
    assert_eq!(app.world().liveness(goblin), Liveness::Gone);
}

#[test]
fn timers_slow_down_with_the_virtual_time_of_bevy() {
    let mut app = app_of_bevy();
    let goblin = app.world_mut().spawn(Mortal).id();
    app.world_mut().qdel_in(goblin, FRAME).unwrap();
    let mut time = app.world_mut().resource_mut::<Time<Virtual>>();
    time.set_relative_speed(0.25);

    let states = [(); 4].map(|()| {
        app.update();
        app.world().liveness(goblin)
    });

    let alive = Liveness::Alive;
    assert_eq!(states, [alive, alive, alive, Liveness::Gone]);
}

/// What systems saw, in order: how many were seen, and how many were deleting.
#[derive(Resource, Default)]
struct Saw(Vec<(usize, usize)>);

#[derive(Component)]
struct Mortal;

/// Makes an app whose time is turned by hand.
fn app() -> App {
    let mut app = App::new();
    app.add_plugins(QdelPlugin::default())
        .init_resource::<Time>();
    app
}

/// Makes an app with Bevy's own time, and leaves the first frame behind, in which none passes.
fn app_of_bevy() -> App {
    let mut app = App::new();
    app.add_plugins((TimePlugin, QdelPlugin::default()))
        .insert_resource(TimeUpdateStrategy::ManualDuration(FRAME));
    app.update();
    app
}

fn update(app: &mut App, time: Duration) {
    if let Some(mut clock) = app.world_mut().get_resource_mut::<Time>() {
        clock.advance_by(time);
    }
    app.update();
}

/// Returns a system that starts a timer the first time that it runs.
fn start_once(entity: Entity, delay: Duration) -> impl FnMut(Commands, Local<bool>) + Clone {
    move |mut commands: Commands, mut is_started: Local<bool>| {
        if !*is_started {
            commands.entity(entity).qdel_in(delay);
            *is_started = true;
        }
    }
}
