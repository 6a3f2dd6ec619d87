//! What deletions do and cost, in Bevy's diagnostics.

use bevy_app::{App, Last, Plugin};
use bevy_diagnostic::{
    DEFAULT_MAX_HISTORY_LENGTH, Diagnostic, DiagnosticMeasurement, DiagnosticPath, DiagnosticsStore,
};
use bevy_ecs::{schedule::IntoScheduleConfigs, world::World};
use bevy_platform::time::Instant;

use crate::{
    deletion::counting,
    plugin::QdelSystems,
    statistics::{
        counts::{QdelCounts, Tally},
        kinds::Kinds,
        report::short_names,
    },
};

/// Adds to Bevy's diagnostics what deletions did and cost in each frame.
///
/// | path | in each frame |
/// | --- | --- |
/// | `qdel/deleted` | entities that were marked and told |
/// | `qdel/torn_down` | entities that were torn down |
/// | `qdel/vetoed` | calls that a veto stopped |
/// | `qdel/leftovers` | places that still named an entity after it was gone |
/// | `qdel/hard_deletes` | entities for which the world was swept |
/// | `qdel/hard_delete` | milliseconds of these sweeps |
/// | `qdel/tell` | milliseconds of handlers, if they are measured |
/// | `qdel/destroy` | milliseconds of [`Destroy`](crate::Destroy)s, if they are measured |
/// | `qdel/waiting` | entities that wait for their tear-down at its end |
/// | `qdel/Goblin/deleted` | the same for the kind `Goblin`, and so on for all but the waiting |
///
/// [`QdelSettings::measure_costs`](crate::QdelSettings::measure_costs) measures handlers and
/// `Destroy`s.
///
/// A kind is called by the name of its marker without the path. If a kind that was registered
/// before has the same short name, it is called by the whole name. Kinds that are
/// [registered](crate::WorldQdelExt::register_qdel_kind) later join at the end of that frame.
///
/// It measures in `Last`, after [`QdelSystems::TearDown`]. What happens after that counts for the
/// next frame. A [reset](crate::WorldQdelExt::reset_qdel_statistics) hides what happened before it
/// in its frame.
///
/// # Examples
///
/// ```
/// use bevy_app::prelude::*;
/// use bevy_diagnostic::{DiagnosticPath, DiagnosticsStore};
/// use bevy_ecs::prelude::*;
/// use qdel::{QdelDiagnosticsPlugin, prelude::*};
///
/// #[derive(Component)]
/// struct Goblin;
///
/// let mut app = App::new();
/// app.add_plugins((QdelPlugin::default(), QdelDiagnosticsPlugin::default()))
///     .register_qdel_kind::<Goblin>();
/// let goblin = app.world_mut().spawn(Goblin).id();
/// app.world_mut().qdel(goblin)?;
/// app.update();
///
/// let diagnostics = app.world().resource::<DiagnosticsStore>();
/// let goblins = diagnostics.get(&DiagnosticPath::new("qdel/Goblin/torn_down")).unwrap();
/// assert_eq!(goblins.value(), Some(1.0));
/// # Ok::<(), qdel::QdelError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct QdelDiagnosticsPlugin {
    /// How many values are kept of each, as in Bevy's own plugins.
    pub max_history_length: usize,
}

impl QdelDiagnosticsPlugin {
    /// The path of the entities that were marked and told.
    pub const DELETED: DiagnosticPath = DiagnosticPath::const_new("qdel/deleted");
    /// The path of the entities that were torn down.
    pub const TORN_DOWN: DiagnosticPath = DiagnosticPath::const_new("qdel/torn_down");
    /// The path of the calls that a veto stopped.
    pub const VETOED: DiagnosticPath = DiagnosticPath::const_new("qdel/vetoed");
    /// The path of the places that still named an entity after it was gone.
    pub const LEFTOVERS: DiagnosticPath = DiagnosticPath::const_new("qdel/leftovers");
    /// The path of the entities for which the world was swept.
    pub const HARD_DELETES: DiagnosticPath = DiagnosticPath::const_new("qdel/hard_deletes");
    /// The path of the milliseconds of these sweeps.
    pub const HARD_DELETE: DiagnosticPath = DiagnosticPath::const_new("qdel/hard_delete");
    /// The path of the milliseconds of listeners and observers.
    pub const TELL: DiagnosticPath = DiagnosticPath::const_new("qdel/tell");
    /// The path of the milliseconds of [`Destroy`](crate::Destroy)s.
    pub const DESTROY: DiagnosticPath = DiagnosticPath::const_new("qdel/destroy");
    /// The path of the entities that wait for their tear-down.
    pub const WAITING: DiagnosticPath = DiagnosticPath::const_new("qdel/waiting");

    /// Returns the plugin that keeps `max_history_length` values of each.
    #[must_use]
    pub fn new(max_history_length: usize) -> Self {
        Self { max_history_length }
    }
}

impl Default for QdelDiagnosticsPlugin {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_HISTORY_LENGTH)
    }
}

impl Plugin for QdelDiagnosticsPlugin {
    fn build(&self, app: &mut App) {
        let world = app.world_mut();
        let mut measured = Measured::new(world, self.max_history_length);
        measured.register(&mut world.get_resource_or_init::<DiagnosticsStore>());
        let measure = move |world: &mut World| measured.measure(world);
        app.add_systems(Last, measure.after(QdelSystems::TearDown));
    }
}

/// What is measured of all and of each kind.
struct Measure {
    name: &'static str,
    suffix: &'static str,
    /// How many of what is counted make one of what is shown.
    unit: f64,
    count: fn(&Tally) -> u64,
}

const MEASURES: [Measure; 8] = [
    Measure::number("deleted", |tally| tally.counts.deleted),
    Measure::number("torn_down", |tally| tally.counts.torn_down),
    Measure::number("vetoed", |tally| tally.counts.vetoed),
    Measure::number("leftovers", |tally| tally.counts.leftovers),
    Measure::number("hard_deletes", |tally| tally.counts.hard_deletes),
    Measure::time("hard_delete", |tally| {
        tally.costs.hard_delete_time.as_nanos() as u64
    }),
    Measure::time("tell", |tally| tally.costs.tell.as_nanos() as u64),
    Measure::time("destroy", |tally| tally.costs.destroy.as_nanos() as u64),
];

impl Measure {
    const fn number(name: &'static str, count: fn(&Tally) -> u64) -> Self {
        Self {
            name,
            suffix: "",
            unit: 1.0,
            count,
        }
    }

    /// Returns a measure that is counted in nanoseconds and shown in milliseconds.
    const fn time(name: &'static str, count: fn(&Tally) -> u64) -> Self {
        Self {
            name,
            suffix: "ms",
            unit: 1e6,
            count,
        }
    }

    /// Returns what was counted from `before` to `now`.
    fn between(&self, before: &Tally, now: &Tally) -> f64 {
        let [before, now] = [before, now].map(self.count);
        // A count that is less than before began anew.
        let came = now.checked_sub(before).unwrap_or(now);
        came as f64 / self.unit
    }
}

/// What was counted until now.
struct Now {
    all: Tally,
    /// By the type names of their markers, in the order of registration.
    kinds: Vec<(&'static str, Tally)>,
    resets: u64,
    waiting: usize,
}

impl Now {
    fn of(world: &World) -> Self {
        let nothing = Kinds::default();
        let kinds = counting::kinds(world).unwrap_or(&nothing);
        let tallies = kinds.iter().map(|kind| (kind.name, kind.tally));
        Self {
            all: kinds.total(world.get_resource::<QdelCounts>()),
            kinds: tallies.collect(),
            resets: kinds.resets(),
            waiting: counting::count_waiting(world),
        }
    }
}

/// What was measured until the last frame.
struct Measured {
    all: Series,
    /// In the order of registration.
    kinds: Vec<Series>,
    resets: u64,
    max_history_length: usize,
}

impl Measured {
    /// Begins to count from now on.
    fn new(world: &World, max_history_length: usize) -> Self {
        let now = Now::of(world);
        let mut measured = Self {
            all: Series::new("", "qdel"),
            kinds: Vec::new(),
            resets: now.resets,
            max_history_length,
        };
        measured.meet(&now.kinds);
        measured.all.before = now.all;
        for (series, (_, tally)) in measured.kinds.iter_mut().zip(now.kinds) {
            series.before = tally;
        }
        measured
    }

    /// Adds the diagnostics of all that is measured by now.
    fn register(&self, store: &mut DiagnosticsStore) {
        for series in [&self.all].into_iter().chain(&self.kinds) {
            for (path, measure) in series.paths.iter().zip(&MEASURES) {
                get(store, path, measure.suffix, self.max_history_length);
            }
        }
        let waiting = &QdelDiagnosticsPlugin::WAITING;
        get(store, waiting, "", self.max_history_length);
    }

    /// Adds what came since the last time.
    fn measure(&mut self, world: &mut World) {
        let now = Now::of(world);
        let Some(mut store) = world.get_resource_mut::<DiagnosticsStore>() else {
            return;
        };
        if self.resets != now.resets {
            self.resets = now.resets;
            for series in [&mut self.all].into_iter().chain(&mut self.kinds) {
                series.before = Tally::default();
            }
        }
        self.meet(&now.kinds);

        let time = Instant::now();
        let mut add = |path: &DiagnosticPath, suffix, value| {
            let diagnostic = get(&mut store, path, suffix, self.max_history_length);
            if diagnostic.is_enabled {
                diagnostic.add_measurement(DiagnosticMeasurement { time, value });
            }
        };
        let kinds = now.kinds.iter().map(|(_, tally)| tally);
        let series = [&mut self.all].into_iter().chain(&mut self.kinds);
        for (series, tally) in series.zip([&now.all].into_iter().chain(kinds)) {
            for (path, measure) in series.paths.iter().zip(&MEASURES) {
                add(path, measure.suffix, measure.between(&series.before, tally));
            }
            series.before = *tally;
        }
        add(&QdelDiagnosticsPlugin::WAITING, "", now.waiting as f64);
    }

    /// Lets kinds join that were not there before.
    fn meet(&mut self, kinds: &[(&'static str, Tally)]) {
        let names: Vec<_> = kinds.iter().map(|(name, _)| *name).collect();
        // A world that was cleared may have other kinds now.
        let known = self.kinds.iter().zip(&names);
        let known = known
            .take_while(|(series, name)| series.kind == **name)
            .count();
        self.kinds.truncate(known);
        if known == names.len() {
            return;
        }
        let short_names = short_names(&names);
        for (name, short_name) in names.into_iter().zip(short_names).skip(known) {
            self.kinds
                .push(Series::new(name, &format!("qdel/{short_name}")));
        }
    }
}

/// What is measured of all, or of one kind.
struct Series {
    /// The type name of the marker; of all, it is empty.
    kind: &'static str,
    paths: [DiagnosticPath; MEASURES.len()],
    /// What was counted until the last frame.
    before: Tally,
}

impl Series {
    fn new(kind: &'static str, path: &str) -> Self {
        Self {
            kind,
            paths: MEASURES.map(|measure| DiagnosticPath::new(format!("{path}/{}", measure.name))),
            before: Tally::default(),
        }
    }
}

/// Returns the diagnostic at a path, which is added if it is not there.
fn get<'a>(
    store: &'a mut DiagnosticsStore,
    path: &DiagnosticPath,
    suffix: &'static str,
    max_history_length: usize,
) -> &'a mut Diagnostic {
    if store.get(path).is_none() {
        let diagnostic = Diagnostic::new(path.clone()).with_suffix(suffix);
        store.add(diagnostic.with_max_history_length(max_history_length));
    }
    let diagnostic = store.get_mut(path);
    diagnostic.expect("a diagnostic that was added should be there")
}
