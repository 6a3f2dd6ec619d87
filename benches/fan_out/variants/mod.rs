//! The ways to tell a mob that its target is lost, and the contracts that they keep.

mod functions;
mod hooks;
mod index;
mod observers;
mod plain;
mod relationship;
mod scan;
mod signal;
mod tracked;

use bevy_ecs::{
    entity::{Entity, EntityIndexSet},
    world::World,
};
use clap::{ValueEnum, builder::PossibleValue};

use self::{
    functions::Functions,
    hooks::Hooks,
    index::Index,
    observers::Observers,
    plain::{Hidden, Plain, Ticks},
    relationship::{Chases, Related, SparseChases},
    scan::{Polling, Scanning},
    signal::{
        Announced, Batch, EndOfFrame, FieldHandler, Immediate, ImmediateBatch, KnownKinds,
        Listening, Registrar, WorldHandler,
    },
    tracked::{Despawned, Queued, Tracked},
};
use crate::{
    measure::{Case, measure},
    scenario::{Scenario, Setting},
    scene::{Alarms, Goblin, Mob, Position, Scene, Written},
    stages::{Bystanders, Chains, Crowded, Fickles, Generations, Mixture, Topics},
};

/// A way to keep the mobs' targets, one step at a time.
///
/// A stage calls [`setup`](Self::setup) once, on an empty world, then spawns targets and mobs, and
/// then takes any number of the other steps. Each step does all that a game would do, the mob's own
/// field included.
pub(crate) trait Variant {
    /// Whether mobs are told at all.
    ///
    /// If so, a mob has no target and one notice more after
    /// [`delete_targets`](Self::delete_targets).
    const TELLS: bool = true;

    /// Prepares a world without entities.
    fn setup(_world: &mut World) {}

    /// Spawns an entity that mobs may chase.
    fn spawn_target(world: &mut World) -> Entity {
        world.spawn((Goblin::default(), Position::default())).id()
    }

    /// Lets `mob`, which has no target, chase `target`.
    fn register(world: &mut World, mob: Entity, target: Entity);

    /// Lets each mob, which has no target, chase the target beside it.
    fn register_all(world: &mut World, pairs: &[(Entity, Entity)]) {
        for &(mob, target) in pairs {
            Self::register(world, mob, target);
        }
    }

    /// Lets `mob`, which has a target, chase `target` instead.
    fn retarget(world: &mut World, mob: Entity, target: Entity);

    /// Finishes what the steps before put off; called after each round of them.
    fn settle(_world: &mut World) {}

    /// Tells all mobs that chase one of `targets`, and deletes these, one by one unless the variant
    /// has something better.
    fn delete_targets(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            world.despawn(target);
        }
    }

    /// Deletes `mob` and what is known about its target.
    fn listener_delete(world: &mut World, mob: Entity) {
        world.despawn(mob);
    }

    /// Returns the target of `mob`, for verification.
    fn target_of(world: &World, mob: Entity) -> Option<Entity> {
        world.get::<Mob>(mob)?.target
    }

    /// Counts the mobs that would be told of a deletion of `targets`, for verification.
    fn registrations(world: &World, targets: &[Entity]) -> usize;
}

/// A variant that can tell mobs something about a target that lives on.
pub(crate) trait Alarming: Variant {
    /// Lets `mob`, which has no target, chase `target`, and hear its alarms.
    fn watch(world: &mut World, mob: Entity, target: Entity) {
        Self::register(world, mob, target);
    }

    /// Has all mobs that chase `target` [hear](Mob::hear) an alarm.
    fn alarm(world: &mut World, target: Entity);
}

/// A variant of which [`settle`](Variant::settle) finds out which mobs were written.
pub(crate) trait Syncing: Variant {
    /// Checks that those that were `written`, and no others, were found.
    fn verify_found(world: &World, written: &[(Entity, Entity)]);
}

/// The name of a [`Variant`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Contender {
    /// Bevy alone: the field is set, and stays stale after the `despawn`.
    Raw,
    /// As raw, in two steps: each is hidden from queries by Bevy's `Disabled`, and all are
    /// despawned when the last is.
    RawHidden,
    /// Hand-written: an `EntityHashMap<Vec<Entity>>` in a resource, and delete functions of one's
    /// own that look into it.
    Index,
    /// As index, with an `EntityIndexSet` in place of the `Vec`.
    IndexSet,
    /// An observer for each pair of mob and target.
    Observers,
    /// Component hooks, and a list of its mobs on each target (there from spawn, so that only its
    /// growth counts as memory).
    Hooks,
    /// Bevy relationship, sources in a `Vec<Entity>`, table storage.
    Relation,
    /// Bevy relationship, sources in an `EntityHashSet`, sparse-set storage.
    RelationSet,
    /// Every mob looks every frame whether its target is there; the targets die in the course of
    /// 100 frames.
    Poll,
    /// The dead are collected in a set, and one pass over all mobs clears the fields that name any
    /// of them.
    Scan,
    /// A bare loop over the change ticks of all mobs.
    Ticks,
    /// This crate: a handler for the mob's own fields, targets that are despawned, nothing
    /// prepared.
    Qdel,
    /// As qdel, with a handler that takes the world.
    QdelWorld,
    /// As qdel, prepared: the targets' `SignalTarget` are there from spawn (so they do not count as
    /// memory), and `register_listener` was called.
    QdelReq,
    /// As qdel, prepared: `register_target` and `register_listener` were called.
    QdelTarget,
    /// As the one before, but a system with a `SignalRegistrar` registers.
    QdelRegistrar,
    /// As qdel, with `World::qdel` and `Teardown::Immediate` in place of `despawn`.
    QdelImm,
    /// As qdel, with `World::qdel` of all and then one `flush_qdel`, in place of `despawn`.
    QdelFrame,
    /// As qdel, with one `qdel_batch` and then one `flush_qdel`, in place of `despawn`.
    QdelBatch,
    /// As qdel, with one `qdel_batch` and `Teardown::Immediate`, in place of `despawn`.
    QdelBatchImm,
    /// This crate: the field is declared and written, and `sync_references` follows; targets are
    /// despawned.
    Declared,
    /// As declared, with `World::qdel` of all and then one `flush_qdel`, in place of `despawn`.
    DeclaredFrame,
}

impl Contender {
    /// Returns the name on the command line and in the report.
    pub(crate) fn name(self) -> String {
        self.value().get_name().to_owned()
    }

    /// Returns what it is, in a line of the report.
    pub(crate) fn description(self) -> String {
        let value = self.value();
        value
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    fn value(self) -> PossibleValue {
        self.to_possible_value().expect("no variant is hidden")
    }

    /// Returns `true` if this variant can play in this `setting`, if it plays the scenario.
    ///
    /// Bevy's own despawn calls itself for each entity that is owned, and a long chain overflows
    /// the stack.
    pub(crate) fn survives(self, setting: Setting) -> bool {
        let is_long = setting.scenario == Scenario::DeepDelete && setting.fan_out > 10_000;
        !(is_long && matches!(self, Self::Raw | Self::Qdel))
    }

    /// Plays `case` with this variant in this process, and returns its figure.
    ///
    /// # Panics
    ///
    /// Panics if this variant does not play the scenario; [`Section`](crate::sections::Section)
    /// knows which do.
    pub(crate) fn measure(self, case: &Case) -> f64 {
        match case.setting.scenario {
            Scenario::Notify => self.measure_alarms(case),
            Scenario::Sync | Scenario::Touch => self.measure_sync(case),
            Scenario::BusyHandlers => self.measure_fickle(case),
            Scenario::MixedDelete => self.measure_mixture(case),
            Scenario::Crowd => self.measure_crowd(case),
            Scenario::Topics => self.measure_topics(case),
            _ => self.measure_chase(case),
        }
    }

    fn measure_chase(self, case: &Case) -> f64 {
        match self {
            Self::Raw => chase::<Plain>(case),
            Self::RawHidden => chase::<Hidden>(case),
            Self::Index => chase::<Index<Vec<Entity>>>(case),
            Self::IndexSet => chase::<Index<EntityIndexSet>>(case),
            Self::Observers => chase::<Observers>(case),
            Self::Hooks => chase::<Hooks>(case),
            Self::Relation => chase::<Related<Chases>>(case),
            Self::RelationSet => chase::<Related<SparseChases>>(case),
            Self::Poll => chase::<Polling>(case),
            Self::Scan => chase::<Scanning>(case),
            Self::Ticks => chase::<Ticks>(case),
            Self::Qdel => chase::<Listening<FieldHandler>>(case),
            Self::QdelWorld => chase::<Listening<WorldHandler>>(case),
            Self::QdelReq => chase::<Listening<Announced>>(case),
            Self::QdelTarget => chase::<Listening<KnownKinds>>(case),
            Self::QdelRegistrar => chase::<Listening<Registrar>>(case),
            Self::QdelImm => chase::<Listening<Immediate>>(case),
            Self::QdelFrame => chase::<Listening<EndOfFrame>>(case),
            Self::QdelBatch => chase::<Listening<Batch>>(case),
            Self::QdelBatchImm => chase::<Listening<ImmediateBatch>>(case),
            Self::Declared => chase::<Tracked<Despawned>>(case),
            Self::DeclaredFrame => chase::<Tracked<Queued>>(case),
        }
    }

    fn measure_alarms(self, case: &Case) -> f64 {
        match self {
            Self::Index => measure(case, Alarms::<Index<Vec<Entity>>>::new(case)),
            Self::IndexSet => measure(case, Alarms::<Index<EntityIndexSet>>::new(case)),
            Self::Observers => measure(case, Alarms::<Observers>::new(case)),
            Self::Hooks => measure(case, Alarms::<Hooks>::new(case)),
            Self::Relation => measure(case, Alarms::<Related<Chases>>::new(case)),
            Self::RelationSet => measure(case, Alarms::<Related<SparseChases>>::new(case)),
            Self::Qdel => measure(case, Alarms::<Listening<FieldHandler>>::new(case)),
            Self::QdelWorld => measure(case, Alarms::<Listening<WorldHandler>>::new(case)),
            other => other.cannot_play(case),
        }
    }

    fn measure_sync(self, case: &Case) -> f64 {
        match self {
            Self::Ticks => measure(case, Written::<Ticks>::new(case)),
            Self::Declared => measure(case, Written::<Tracked<Despawned>>::new(case)),
            other => other.cannot_play(case),
        }
    }

    fn measure_fickle(self, case: &Case) -> f64 {
        match self {
            Self::Index => measure(case, Fickles::<Index<Vec<Entity>>>::new(case)),
            Self::Hooks => measure(case, Fickles::<Hooks>::new(case)),
            Self::QdelWorld => measure(case, Fickles::<Listening<WorldHandler>>::new(case)),
            other => other.cannot_play(case),
        }
    }

    fn measure_mixture(self, case: &Case) -> f64 {
        match self {
            Self::Index => measure(case, Mixture::<Functions>::new(case)),
            Self::Qdel => measure(case, Mixture::<Listening<FieldHandler>>::new(case)),
            other => other.cannot_play(case),
        }
    }

    fn measure_crowd(self, case: &Case) -> f64 {
        match self {
            Self::Index => measure(case, Crowded::<Index<Vec<Entity>>>::new(case)),
            Self::Hooks => measure(case, Crowded::<Hooks>::new(case)),
            Self::QdelWorld => measure(case, Crowded::<Listening<WorldHandler>>::new(case)),
            other => other.cannot_play(case),
        }
    }

    fn measure_topics(self, case: &Case) -> f64 {
        match self {
            Self::Index => measure(case, Topics::<Functions>::new(case)),
            Self::Qdel => measure(case, Topics::<Listening<FieldHandler>>::new(case)),
            other => other.cannot_play(case),
        }
    }

    fn cannot_play(self, case: &Case) -> ! {
        panic!("{} does not play {case:?}", self.name())
    }
}

fn chase<V: Variant>(case: &Case) -> f64 {
    match case.setting.scenario {
        Scenario::UnheardDelete => measure(case, Bystanders::<V>::new(case)),
        Scenario::Generations => measure(case, Generations::<V>::new(case)),
        Scenario::DeepDelete | Scenario::WideDelete => measure(case, Chains::<V>::new(case)),
        _ => measure(case, Scene::<V>::new(case)),
    }
}
