//! A battle, to be fought tick by tick.

use std::time::{Duration, Instant};

use bevy_app::App;
use bevy_ecs::{
    query::{QueryState, With},
    system::RunSystemOnce,
    world::World,
};
use qdel::{
    OnlyDeleting,
    prelude::{Liveness, LivenessExt, QdelPlugin, QdelSettings, Teardown},
    statistics::QdelCounts,
};

use crate::{
    arena::{Camps, Corpse, Dice, Mob, Roster},
    autopsy::Autopsy,
    grid::Grid,
    modes::Mode,
    scenario::Scenario,
    summary::Summary,
    trace::{self, Chronicle, Telling},
    turns::{self, Tally},
};

/// A battle that can be watched tick by tick.
pub(crate) struct Battle {
    app: App,
    mobs: QueryState<&'static Mob>,
    corpses: QueryState<(), With<Corpse>>,
    /// What waits for its tear-down.
    waiting: QueryState<(), OnlyDeleting>,
    /// How many had been torn down before the calamity.
    torn_down_before: u64,
    summary: Summary,
    /// What each tick took.
    ticks: Vec<Duration>,
}

impl Battle {
    /// Lets the mobs of `scenario` arrive.
    pub(crate) fn new(scenario: &Scenario, mode: Mode, telling: Telling) -> Self {
        let mut dice = Dice::new(scenario.seed);
        let mut app = App::new();
        let budget = Duration::from_secs_f64(scenario.budget_ms / 1e3);
        let settings = QdelSettings::default().with_teardown(Teardown::Budget(budget));
        app.add_plugins(QdelPlugin::with_settings(settings))
            .insert_resource(Camps::pitch(scenario, &mut dice))
            .insert_resource(Grid::new(scenario))
            .insert_resource(Chronicle::new(scenario, telling))
            .insert_resource(scenario.clone())
            .insert_resource(dice)
            .init_resource::<Roster>();
        turns::add_to(&mut app);
        mode.add_to(&mut app);
        trace::add_to(&mut app, telling);

        let world = app.world_mut();
        world
            .run_system_once(turns::arrive)
            .expect("what `arrive` takes should be inserted by now");
        Self {
            mobs: world.query(),
            corpses: world.query_filtered(),
            waiting: world.query_filtered(),
            torn_down_before: 0,
            app,
            summary: Summary::new(scenario, mode),
            ticks: Vec::new(),
        }
    }

    /// Fights one tick, and then counts the stale targets with the clock stopped.
    pub(crate) fn tick(&mut self) {
        let start = Instant::now();
        self.app.update();
        self.ticks.push(start.elapsed());

        let stale = self.count_stale();
        self.summary.stale = stale;
        self.summary.stale_worst = self.summary.stale_worst.max(stale);
        self.watch_tear_down();
        self.corpses.update_archetypes(self.app.world());
    }

    /// Returns the world of the battle.
    pub(crate) fn world(&self) -> &World {
        self.app.world()
    }

    /// Looks for what names the dead. It is `None` if nothing does.
    pub(crate) fn autopsy(&mut self) -> Option<Autopsy> {
        Autopsy::of(self.app.world_mut())
    }

    /// Returns what the watched mobs did and what was done to them.
    pub(crate) fn chronicle(&self) -> &Chronicle {
        self.world().resource()
    }

    /// Adds up the battle until now.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.summary.clone();
        let tally = self.world().resource::<Tally>();
        summary.deaths.clone_from(&tally.deaths);
        summary.notices = tally.notices;
        summary.retargets = tally.retargets;
        summary.saved = tally.saved;
        summary.risen = tally.risen;
        summary.victims = tally.victims;
        summary.corpses = self.corpses.iter_manual(self.world()).count() as u64;
        summary.faded = tally.corpses - summary.corpses;
        for mob in self.mobs.iter_manual(self.world()) {
            summary.living += 1;
            summary.notices += u64::from(mob.notices);
            summary.retargets += u64::from(mob.retargets);
        }
        summary.time(&self.ticks);
        summary
    }

    /// Counts the frames from the calamity on until all are torn down that were deleted by then:
    /// the oldest go first.
    fn watch_tear_down(&mut self) {
        let (world, summary) = (self.app.world(), &mut self.summary);
        let calamity = world.resource::<Scenario>().calamity;
        let tick = world.resource::<Tally>().tick;
        let torn_down = world.resource::<QdelCounts>().torn_down;
        if calamity == 0 || tick < calamity {
            self.torn_down_before = torn_down;
            return;
        }
        let torn_down = torn_down - self.torn_down_before;
        if tick == calamity {
            self.waiting.update_archetypes(world);
            let waiting = self.waiting.iter_manual(world).count() as u64;
            summary.to_tear_down = torn_down + waiting;
        } else if summary.torn_down == summary.to_tear_down {
            return;
        }
        summary.torn_down = torn_down.min(summary.to_tear_down);
        summary.teardown_frames += 1;
    }

    /// Counts the mobs whose target is not alive, by looking at every mob of the world.
    fn count_stale(&mut self) -> u64 {
        self.mobs.update_archetypes(self.app.world());
        let world = self.app.world();
        self.mobs
            .iter_manual(world)
            .filter_map(|mob| mob.target)
            .filter(|target| world.liveness(*target) != Liveness::Alive)
            .count() as u64
    }
}
