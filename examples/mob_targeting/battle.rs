//! A battle, to be fought tick by tick.

use std::time::{Duration, Instant};

use bevy_app::App;
use bevy_ecs::{query::QueryState, system::RunSystemOnce, world::World};
use qdel::prelude::{Liveness, LivenessExt, QdelPlugin};

use crate::{
    arena::{Camps, Dice, Mob, Roster},
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
    summary: Summary,
    /// What each tick took.
    ticks: Vec<Duration>,
}

impl Battle {
    /// Lets the mobs of `scenario` arrive.
    pub(crate) fn new(scenario: &Scenario, mode: Mode, telling: Telling) -> Self {
        let mut dice = Dice::new(scenario.seed);
        let mut app = App::new();
        app.add_plugins(QdelPlugin::default())
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
        let mobs = world.query();
        Self {
            app,
            mobs,
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
    }

    /// Returns the world of the battle.
    pub(crate) fn world(&self) -> &World {
        self.app.world()
    }

    /// Returns what the watched mobs did and what was done to them.
    pub(crate) fn chronicle(&self) -> &Chronicle {
        self.world().resource()
    }

    /// Adds up the battle as far as it was fought.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.summary.clone();
        let tally = self.world().resource::<Tally>();
        summary.deaths.clone_from(&tally.deaths);
        summary.notices = tally.notices;
        summary.retargets = tally.retargets;
        for mob in self.mobs.iter_manual(self.world()) {
            summary.living += 1;
            summary.notices += u64::from(mob.notices);
            summary.retargets += u64::from(mob.retargets);
        }
        summary.time(&self.ticks);
        summary
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
