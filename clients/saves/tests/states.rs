//! What a state shows again is not brought back while it is being deleted (Q7), and what it
//! despawns is told about once (Q3).

use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};

use bevy_app::{App, Update};
use bevy_ecs::{entity_disabling::Disabled, prelude::*};
use bevy_state::{app::StatesPlugin, prelude::*};
use qdel::{Deleting, prelude::*, testing::WorkClock};

#[derive(States, Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Screen {
    #[default]
    Menu,
    Game,
}

#[derive(Component, Default)]
struct Mob;

/// Which listener was told of which target.
#[derive(Resource, Default)]
struct Told(Vec<Entity>);

/// What a system saw in the middle of each frame.
#[derive(Resource, Default)]
struct Seen(Vec<usize>);

fn app() -> App {
    let mut app = App::new();
    app.add_plugins((StatesPlugin, QdelPlugin::default()))
        .init_state::<Screen>()
        .init_resource::<Told>()
        .init_resource::<Seen>()
        .add_observer(|told: On<Qdeleting>, mut all: ResMut<Told>| all.0.push(told.entity))
        .add_systems(
            Update,
            |mobs: Query<(), With<Mob>>, mut seen: ResMut<Seen>| {
                seen.0.push(mobs.iter().count());
            },
        );
    app.update();
    app
}

/// Has tear-downs stop after one batch in each frame.
fn spend_the_budget_at_once(world: &mut World) {
    let hand = AtomicU64::new(0);
    let clock = move || Duration::from_secs(hand.fetch_add(1, Ordering::Relaxed));
    world.insert_resource(WorkClock::new(clock));
    let budget = Teardown::Budget(Duration::from_millis(1));
    world.insert_resource(QdelSettings::default().with_teardown(budget));
}

fn enter(app: &mut App, screen: Screen) {
    let mut next = app.world_mut().resource_mut::<NextState<Screen>>();
    next.set(screen);
}

/// Returns what is being deleted, and what of that can be seen.
fn deleting(world: &mut World) -> (usize, usize) {
    let mut all = world.query_filtered::<Has<Disabled>, (With<Deleting>, Allow<Disabled>)>();
    let all: Vec<bool> = all.iter(world).collect();
    (
        all.len(),
        all.iter().filter(|is_hidden| !**is_hidden).count(),
    )
}

fn spawn(app: &mut App, count: usize, bundle: impl Bundle + Clone) -> Vec<Entity> {
    let world = app.world_mut();
    (0..count)
        .map(|_| world.spawn((Mob, bundle.clone())).id())
        .collect()
}

#[test]
fn state_does_not_bring_back_who_waits_under_a_budget() {
    let mut app = app();
    let mobs = spawn(&mut app, 200, EnableOnEnter(Screen::Game));
    spend_the_budget_at_once(app.world_mut());
    app.world_mut().qdel_batch(mobs);

    enter(&mut app, Screen::Game);
    app.update();

    // A budget that is spent at once is a batch of 32 a frame.
    assert_eq!(deleting(app.world_mut()), (200 - 32, 0));
}

#[test]
fn state_does_not_bring_back_who_waits_in_any_frame_after() {
    let mut app = app();
    let mobs = spawn(&mut app, 200, EnableOnEnter(Screen::Game));
    spend_the_budget_at_once(app.world_mut());
    app.world_mut().qdel_batch(mobs);
    enter(&mut app, Screen::Game);
    app.update();
    app.world_mut().resource_mut::<Seen>().0.clear();

    for _ in 0..8 {
        app.update();
    }

    assert_eq!(app.world().resource::<Seen>().0, [0; 8]);
    assert_eq!(deleting(app.world_mut()), (0, 0));
    assert_eq!(app.world().resource::<Told>().0.len(), 200);
}

#[test]
fn who_was_shown_is_hidden_again_by_the_next_qdel_or_sync() {
    let hide: [fn(&mut World); 2] = [
        |world| {
            let other = world.spawn_empty().id();
            world.qdel(other).unwrap();
        },
        World::sync_references,
    ];
    for hide in hide {
        let mut app = app();
        let mobs = spawn(&mut app, 200, ());
        app.world_mut().qdel_batch(mobs.clone());
        for mob in &mobs {
            app.world_mut().entity_mut(*mob).remove::<Disabled>();
        }

        hide(app.world_mut());

        assert_eq!(deleting(app.world_mut()).1, 0);
    }
}

#[test]
fn whoever_a_state_despawns_while_it_waits_is_told_about_once() {
    let mut app = app();
    enter(&mut app, Screen::Game);
    app.update();
    let mobs = spawn(&mut app, 200, DespawnOnExit(Screen::Game));
    spend_the_budget_at_once(app.world_mut());
    app.world_mut().qdel_batch(mobs[..100].to_vec());
    app.update();

    enter(&mut app, Screen::Menu);
    app.update();
    app.update();

    assert_eq!(deleting(app.world_mut()), (0, 0));
    // Bevy's own lifecycle events tell of the others.
    assert_eq!(app.world().resource::<Told>().0, mobs[..100]);
}

#[test]
fn what_a_state_hid_before_the_deletion_stays_hidden_after_it_was_kept() {
    let mut app = app();
    app.register_destroy::<Cat>();
    enter(&mut app, Screen::Game);
    app.update();
    let cat = (
        Cat,
        DisableOnExit(Screen::Game),
        EnableOnEnter(Screen::Game),
    );
    let cat = app.world_mut().spawn(cat).id();
    enter(&mut app, Screen::Menu);
    app.update();
    assert!(app.world().entity(cat).contains::<Disabled>());

    assert_eq!(app.world_mut().qdel(cat), Ok(QdelOutcome::Kept));
    app.update();
    assert!(app.world().entity(cat).contains::<Disabled>());

    enter(&mut app, Screen::Game);
    app.update();
    assert!(!app.world().entity(cat).contains::<Disabled>());
    assert_eq!(app.world().liveness(cat), Liveness::Alive);
}

#[derive(Component)]
struct Cat;

impl Destroy for Cat {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
        DestroyHint::LetMeLive
    }
}
