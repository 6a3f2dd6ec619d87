//! What Bevy's diagnostics show of deletions, frame by frame.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bevy_app::prelude::*;
use bevy_diagnostic::{Diagnostic, DiagnosticPath, DiagnosticsStore};
use bevy_ecs::prelude::*;
use qdel::{DestroyContext, QdelDiagnosticsPlugin, QdelSystems, prelude::*, testing::WorkClock};

// H3: what a frame shows.

#[test]
fn frames_show_what_happened_in_them() {
    let mut app = app();
    let spawned = spawn_goblins(&mut app, 3);
    let mut batches = vec![&spawned[2..], &[], &spawned[..2]];
    while let Some(batch) = batches.pop() {
        app.world_mut().qdel_batch(batch.iter().copied());
        app.update();
    }

    assert_eq!(values(&app, "qdel/deleted"), [2.0, 0.0, 1.0]);
    assert_eq!(values(&app, "qdel/torn_down"), [2.0, 0.0, 1.0]);
}

#[test]
fn frames_show_the_kinds_apart() {
    let mut app = app();
    let goblin = app.world_mut().spawn(Goblin).id();
    let orc = app.world_mut().spawn((Orc, ChildOf(goblin))).id();
    app.world_mut()
        .register_signal(orc, orc, Orc::veto)
        .unwrap();
    let rock = app.world_mut().spawn_empty().id();
    let other = app.world_mut().spawn(Goblin).id();

    app.world_mut().qdel_batch([goblin, orc, rock, other]);
    app.update();

    let shown = ["qdel", "qdel/Goblin", "qdel/Orc"].map(|path| {
        ["deleted", "torn_down", "vetoed"].map(|name| value(&app, &format!("{path}/{name}")))
    });
    assert_eq!(shown, [[2.0, 2.0, 2.0], [1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]);
}

#[test]
fn tear_down_of_a_frame_is_measured_in_it() {
    let mut app = app();
    let goblin = spawn_goblins(&mut app, 1)[0];
    let delete = move |mut commands: Commands| {
        if let Ok(mut goblin) = commands.get_entity(goblin) {
            goblin.qdel();
        }
    };
    app.add_systems(Last, delete.before(QdelSystems::TearDown));

    app.update();

    assert_eq!(values(&app, "qdel/torn_down"), [1.0]);
}

#[test]
fn whoever_waits_at_the_end_of_a_frame_is_shown() {
    let mut app = app();
    let spawned = spawn_goblins(&mut app, 40);
    let nothing = Teardown::Budget(Duration::ZERO);
    app.insert_resource(QdelSettings::default().with_teardown(nothing));
    app.world_mut().qdel_batch(spawned);

    app.update();
    app.update();

    assert_eq!(values(&app, "qdel/waiting"), [8.0, 0.0]);
    assert_eq!(values(&app, "qdel/torn_down"), [32.0, 8.0]);
}

#[test]
fn times_are_shown_in_milliseconds() {
    let mut app = app();
    let hand = Arc::new(AtomicU64::new(0));
    let reads = hand.clone();
    app.insert_resource(WorkClock::new(move || {
        Duration::from_micros(reads.load(Ordering::Relaxed))
    }));
    app.insert_resource(QdelSettings::default().with_measure_costs(true));
    app.world_mut().register_destroy::<Slow>();
    let goblin = app.world_mut().spawn((Goblin, Slow(hand))).id();
    app.world_mut()
        .register_signal(goblin, goblin, Slow::work)
        .unwrap();

    app.world_mut().qdel(goblin).unwrap();
    app.update();

    for path in ["qdel", "qdel/Goblin"] {
        assert_eq!(value(&app, &format!("{path}/tell")), 1.25);
        assert_eq!(value(&app, &format!("{path}/destroy")), 2.5);
    }
    assert_eq!(diagnostic(&app, "qdel/tell").suffix, "ms");
    assert_eq!(diagnostic(&app, "qdel/deleted").suffix, "");
}

// H3: who is there.

#[test]
fn everything_is_there_before_the_first_frame() {
    let app = app();

    let paths = [
        QdelDiagnosticsPlugin::DELETED,
        QdelDiagnosticsPlugin::TORN_DOWN,
        QdelDiagnosticsPlugin::VETOED,
        QdelDiagnosticsPlugin::LEFTOVERS,
        QdelDiagnosticsPlugin::HARD_DELETES,
        QdelDiagnosticsPlugin::HARD_DELETE,
        QdelDiagnosticsPlugin::TELL,
        QdelDiagnosticsPlugin::DESTROY,
        QdelDiagnosticsPlugin::WAITING,
    ];

    let store = app.world().resource::<DiagnosticsStore>();
    for path in paths {
        let diagnostic = store.get(&path).unwrap();
        assert_eq!(diagnostic.history_len(), 0, "{path}");
    }
    assert_eq!(store.iter().count(), 9);
}

#[test]
fn kinds_join_when_they_are_registered() {
    let mut app = app();
    app.update();
    app.register_qdel_kind::<Wolf>();
    let wolf = app.world_mut().spawn(Wolf).id();
    app.world_mut().qdel(wolf).unwrap();

    app.update();
    app.update();

    assert_eq!(values(&app, "qdel/Wolf/deleted"), [1.0, 0.0]);
    assert_eq!(values(&app, "qdel/Goblin/deleted"), [0.0; 3]);
}

#[test]
fn kinds_that_share_a_short_name_go_by_their_whole_names() {
    let mut app = App::new();
    app.add_plugins(QdelDiagnosticsPlugin::default())
        .register_qdel_kind::<Goblin>()
        .register_qdel_kind::<cave::Goblin>();

    app.update();

    assert_eq!(
        values(&app, concat!("qdel/", module_path!(), "::Goblin/deleted")),
        [0.0]
    );
    assert_eq!(
        values(
            &app,
            concat!("qdel/", module_path!(), "::cave::Goblin/deleted")
        ),
        [0.0]
    );
    assert!(find(&app, "qdel/Goblin/deleted").is_none());
}

#[test]
fn kind_keeps_its_name_when_another_one_comes_later() {
    let mut app = app();
    app.update();
    app.register_qdel_kind::<cave::Goblin>();

    app.update();

    assert_eq!(values(&app, "qdel/Goblin/deleted").len(), 2);
    assert_eq!(
        values(
            &app,
            concat!("qdel/", module_path!(), "::cave::Goblin/deleted")
        ),
        [0.0]
    );
}

#[test]
fn what_was_deleted_before_the_plugin_is_not_shown() {
    let mut app = App::new();
    app.register_qdel_kind::<Goblin>();
    let spawned = spawn_goblins(&mut app, 3);
    app.world_mut().qdel_batch(spawned[..2].iter().copied());
    app.add_plugins(QdelDiagnosticsPlugin::default());

    app.world_mut().qdel(spawned[2]).unwrap();
    app.update();

    assert_eq!(value(&app, "qdel/deleted"), 1.0);
    assert_eq!(value(&app, "qdel/Goblin/deleted"), 1.0);
}

#[test]
fn history_is_as_long_as_the_plugin_says() {
    let mut app = App::new();
    app.add_plugins(QdelDiagnosticsPlugin::new(2))
        .register_qdel_kind::<Goblin>();

    for _ in 0..4 {
        app.update();
    }

    assert_eq!(values(&app, "qdel/deleted").len(), 2);
    assert_eq!(values(&app, "qdel/Goblin/deleted").len(), 2);
}

#[test]
fn disabled_diagnostics_are_not_measured() {
    let mut app = app();
    let mut store = app.world_mut().resource_mut::<DiagnosticsStore>();
    let deleted = store.get_mut(&QdelDiagnosticsPlugin::DELETED).unwrap();
    deleted.is_enabled = false;
    let spawned = spawn_goblins(&mut app, 3);
    app.world_mut().qdel(spawned[0]).unwrap();

    app.update();
    let mut store = app.world_mut().resource_mut::<DiagnosticsStore>();
    let deleted = store.get_mut(&QdelDiagnosticsPlugin::DELETED).unwrap();
    deleted.is_enabled = true;
    app.world_mut().qdel_batch(spawned[1..].iter().copied());
    app.update();

    assert_eq!(values(&app, "qdel/deleted"), [2.0]);
}

// H3: beginning anew.

#[test]
fn reset_shows_what_came_after_it() {
    let mut app = app();
    let spawned = spawn_goblins(&mut app, 6);
    app.world_mut().qdel_batch(spawned[..2].iter().copied());
    app.update();

    app.world_mut().qdel(spawned[2]).unwrap();
    app.world_mut().reset_qdel_statistics();
    app.world_mut().qdel_batch(spawned[3..].iter().copied());
    app.update();
    app.update();

    assert_eq!(values(&app, "qdel/deleted"), [2.0, 3.0, 0.0]);
    assert_eq!(values(&app, "qdel/Goblin/deleted"), [2.0, 3.0, 0.0]);
}

#[test]
fn counts_that_somebody_else_lowers_are_no_negative_numbers() {
    let mut app = App::new();
    app.add_plugins((QdelPlugin::default(), QdelDiagnosticsPlugin::default()));
    let spawned = spawn_goblins(&mut app, 3);
    app.world_mut().qdel_batch(spawned[..2].iter().copied());
    app.update();

    app.world_mut()
        .insert_resource(qdel::statistics::QdelCounts::default());
    app.world_mut().qdel(spawned[2]).unwrap();
    app.update();

    assert_eq!(values(&app, "qdel/deleted"), [2.0, 1.0]);
}

#[test]
fn kinds_of_a_world_that_forgot_them_join_anew() {
    let mut app = app();
    let spawned = spawn_goblins(&mut app, 2);
    app.world_mut().qdel(spawned[0]).unwrap();
    app.update();

    let world = app.world_mut();
    let store = world.remove_resource::<DiagnosticsStore>().unwrap();
    let schedules = world.remove_resource::<Schedules>().unwrap();
    world.clear_resources();
    world.insert_resource(store);
    world.insert_resource(schedules);
    app.register_qdel_kind::<Orc>()
        .register_qdel_kind::<Goblin>();
    app.world_mut().qdel(spawned[1]).unwrap();
    app.world_mut().run_schedule(Last);

    assert_eq!(values(&app, "qdel/Goblin/deleted"), [1.0, 1.0]);
    assert_eq!(values(&app, "qdel/Orc/deleted"), [0.0, 0.0]);
}

#[test]
fn app_without_a_store_is_not_measured() {
    let mut app = app();
    app.world_mut().remove_resource::<DiagnosticsStore>();

    app.update();

    assert!(app.world().get_resource::<DiagnosticsStore>().is_none());
}

// The stage.

#[derive(Component)]
struct Goblin;

#[derive(Component)]
struct Orc;

#[derive(Component)]
struct Wolf;

mod cave {
    #[derive(bevy_ecs::component::Component)]
    pub(crate) struct Goblin;
}

impl Orc {
    fn veto(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }
}

/// Takes its time, by a clock that is turned by hand.
#[derive(Component)]
struct Slow(Arc<AtomicU64>);

impl Slow {
    fn work(&mut self, _: Received<Qdeleting>) {
        self.0.fetch_add(1_250, Ordering::Relaxed);
    }
}

impl Destroy for Slow {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0.fetch_add(2_500, Ordering::Relaxed);
        DestroyHint::Queue
    }
}

/// Makes an app that knows two kinds.
fn app() -> App {
    let mut app = App::new();
    app.add_plugins((QdelPlugin::default(), QdelDiagnosticsPlugin::default()))
        .register_qdel_kind::<Goblin>()
        .register_qdel_kind::<Orc>();
    app
}

fn spawn_goblins(app: &mut App, count: usize) -> Vec<Entity> {
    let goblins = (0..count).map(|_| app.world_mut().spawn(Goblin).id());
    goblins.collect()
}

fn find<'a>(app: &'a App, path: &str) -> Option<&'a Diagnostic> {
    let store = app.world().resource::<DiagnosticsStore>();
    store.get(&DiagnosticPath::new(path.to_owned()))
}

fn diagnostic<'a>(app: &'a App, path: &str) -> &'a Diagnostic {
    find(app, path).unwrap_or_else(|| panic!("there should be a diagnostic {path}"))
}

/// Returns what each frame showed.
fn values(app: &App, path: &str) -> Vec<f64> {
    diagnostic(app, path).values().copied().collect()
}

/// Returns what the last frame showed.
fn value(app: &App, path: &str) -> f64 {
    diagnostic(app, path).value().unwrap()
}
