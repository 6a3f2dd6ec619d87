//! A test for everything that a game can spawn.

use core::fmt;

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    deleting::Deleting,
    deletion::{
        looked::Look,
        mark::Force,
        outcome::QdelOutcome,
        owned::Member,
        sweep_on_demand::{self, Sweeping},
        worklist,
    },
    error::QdelError,
    hint::DestroyHint,
    liveness::{Liveness, LivenessExt},
    panics::{Panicked, catch},
    statistics::counts::QdelCounts,
    sweep::{
        schedule::add_corpses,
        targets::{Targets, Treatment},
    },
    testing::failures::{Error, Failure, Stage},
};

/// Creates and destroys one of everything, and reports what does not go as it should.
///
/// A game writes this test once. Each spawner spawns two entities. One is deleted by
/// [`qdel`](crate::WorldQdelExt::qdel), and by force if it is kept. The other is deleted by force.
///
/// The test fails
///
/// - if there is a panic;
/// - if an entity is still there after the tear-down;
/// - if a handler vetoes a forced deletion, or a `Destroy` answers it with
///   [`DestroyHint::LetMeLive`];
/// - if a field still names the entity, or what went with it.
///
/// The idea is that of Space Station 13's unit test `create_and_destroy`.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{prelude::*, testing::CreateAndDestroy};
///
/// #[derive(Component)]
/// struct Goblin;
///
/// fn spawn_goblin(world: &mut World) -> Entity {
///     world.spawn(Goblin).id()
/// }
///
/// let mut world = World::new(); // or that of your `App`, with all its plugins
/// CreateAndDestroy::new()
///     .with("goblin", spawn_goblin)
///     .with("empty", |world| world.spawn_empty().id())
///     .run(&mut world)?;
/// # Ok::<(), qdel::testing::Error>(())
/// ```
#[derive(Default)]
pub struct CreateAndDestroy {
    spawners: Vec<Spawner>,
}

struct Spawner {
    name: String,
    spawn: Box<dyn FnMut(&mut World) -> Entity>,
}

impl CreateAndDestroy {
    /// Returns a test without spawners.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a spawner, which spawns an entity with all that belongs to it.
    ///
    /// It is called twice.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        spawn: impl FnMut(&mut World) -> Entity + 'static,
    ) -> Self {
        self.spawners.push(Spawner {
            name: name.into(),
            spawn: Box::new(spawn),
        });
        self
    }

    /// Creates and destroys one of everything in `world`, in the order in which the spawners were
    /// added.
    ///
    /// Entities that wait for their tear-down before are torn down as well. No other sweep begins
    /// or goes on meanwhile. Leftovers are emptied, and counted as by a
    /// [`sweep`](crate::WorldReferencesExt::sweep). What handlers and `Destroy`s leave in the
    /// world, such as a corpse, stays there. A type that is neither tracked nor registered is not
    /// looked into.
    ///
    /// # Errors
    ///
    /// Returns [`Error`] with all failures, each once for each spawner. A panic does not end the
    /// test.
    ///
    /// # Complexity
    ///
    /// Two passes over all components for each spawner, as those of
    /// [`sweep`](crate::WorldReferencesExt::sweep).
    pub fn run(self, world: &mut World) -> Result<(), Error> {
        let spawners = self.spawners.len();
        let mut failures = Vec::new();
        for mut spawner in self.spawners {
            for force in [Force::No, Force::Yes] {
                for failure in spawner.test(world, force) {
                    if !failures.iter().any(|known| failure.repeats(known)) {
                        failures.push(failure);
                    }
                }
            }
        }
        if failures.is_empty() {
            return Ok(());
        }
        Err(Error { spawners, failures })
    }
}

impl Spawner {
    fn test(&mut self, world: &mut World, force: Force) -> Vec<Failure> {
        let spawner = self.name.clone();
        let panicked =
            |step, panicked: Panicked| Failure::panicked(spawner.clone(), step, &panicked);
        let mut failures = Vec::new();
        let spawned = catch(|| {
            let entity = (self.spawn)(world);
            world.flush();
            entity
        });
        let entity = match spawned {
            Ok(entity) => entity,
            Err(payload) => return vec![panicked(Stage::Spawn, payload)],
        };
        if world.liveness(entity) != Liveness::Alive {
            return vec![Failure::NotSpawned { spawner, entity }];
        }
        // An entity whose hook panics stays, and is tried again here. The spawner that made it was
        // blamed before.
        let (drained, _) = sweep_on_demand::drain(world);
        let overruled = overruled(world);
        let (torn_down, corpses) = sweep_on_demand::remember(world, |world| {
            if force == Force::No {
                // If it is kept, it is deleted by force below.
                if let Err(payload) = qdel(world, entity, Force::No) {
                    failures.push(panicked(Stage::Qdel, payload));
                }
            }
            if world.liveness(entity) == Liveness::Alive {
                match qdel(world, entity, Force::Yes) {
                    Ok(Ok(QdelOutcome::Vetoed { on })) => failures.push(Failure::Vetoed {
                        spawner: spawner.clone(),
                        on,
                    }),
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => failures.push(Failure::Refused {
                        spawner: spawner.clone(),
                        error,
                    }),
                    Err(payload) => failures.push(panicked(Stage::Qdel, payload)),
                }
            }
            sweep_on_demand::flush_all(world)
        });
        let is_there = world.entities().contains_spawned(entity);
        if let Err(payload) = torn_down
            && (drained.is_ok() || is_there)
        {
            failures.push(panicked(Stage::TearDown, payload));
        }
        if self::overruled(world) > overruled {
            let spawner = spawner.clone();
            failures.push(Failure::IgnoresForce { spawner });
        }
        if let Ok(at) = world.get_entity(entity)
            && failures.is_empty()
        {
            failures.push(Failure::StillThere {
                spawner: spawner.clone(),
                entity,
                hint: at
                    .get::<Deleting>()
                    .map_or(DestroyHint::Queue, Deleting::hint),
            });
        }
        let looked = catch(|| {
            let mut targets = Targets::default();
            add_corpses(&mut targets, &corpses, |_| Treatment::Empty);
            sweep_on_demand::sweep_for(world, &targets, Sweeping::Counts)
        });
        match looked {
            Ok(report) if report.is_clean() => {}
            Ok(mut report) => {
                report.blind_spots.clear();
                let spawner = spawner.clone();
                failures.push(Failure::Leftovers { spawner, report });
            }
            Err(payload) => failures.push(panicked(Stage::Look, payload)),
        }
        failures
    }
}

/// Deletes `entity`, and returns the answer, or the panic.
fn qdel(
    world: &mut World,
    entity: Entity,
    force: Force,
) -> Result<Result<QdelOutcome, QdelError>, Panicked> {
    catch(|| worklist::qdel(world, Member::root(entity), force, Look::Afresh))
}

/// Returns how many components were overruled until now.
fn overruled(world: &World) -> u64 {
    let counts = world.get_resource::<QdelCounts>();
    counts.map_or(0, |counts| counts.overruled)
}

impl fmt::Debug for CreateAndDestroy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.spawners.iter().map(|spawner| &spawner.name);
        f.debug_list().entries(names).finish()
    }
}
