//! The ways to tell a mob that its target is lost, and the one contract that they all keep.

mod index;
mod plain;
mod relationship;
mod signal;

use bevy_ecs::{entity::EntityIndexSet, prelude::*};
use clap::{ValueEnum, builder::PossibleValue};

use self::{
    index::Index,
    plain::Plain,
    relationship::{Chases, Related, SparseChases},
    signal::{Announced, EndOfFrame, FieldHandler, Immediate, Listening, WorldHandler},
};
use crate::{
    measure::{Case, measure},
    scene::{Goblin, Mob, Position},
};

/// A way to keep the mobs' targets, one step at a time.
///
/// A scene calls [`setup`](Self::setup) once, on an empty world, then spawns targets and mobs, and then takes any number
/// of the other steps. Each step does all that a game would do, the mob's own field included.
pub(crate) trait Variant {
    /// Whether mobs are told at all.
    ///
    /// If so, a mob has no target and one notice more after its target's deletion and the end of that frame.
    const TELLS: bool = true;

    /// Prepares a world without entities.
    fn setup(_world: &mut World) {}

    /// Spawns an entity that mobs may chase.
    fn spawn_target(world: &mut World) -> Entity {
        world.spawn((Goblin::default(), Position::default())).id()
    }

    /// Lets `mob`, which has no target, chase `target`.
    fn register(world: &mut World, mob: Entity, target: Entity);

    /// Lets `mob`, which has a target, chase `target` instead.
    fn retarget(world: &mut World, mob: Entity, target: Entity);

    /// Tells all mobs that chase `target`, and deletes it, now or at the end of the frame.
    fn notify_delete(world: &mut World, target: Entity) {
        world.despawn(target);
    }

    /// Finishes what deletions put off.
    fn end_frame(_world: &mut World) {}

    /// Deletes `mob` and whatever is known about its target.
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

/// The name of a [`Variant`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Contender {
    /// Plain bevy: field set, nobody told, `despawn`.
    B,
    /// Hand-written `EntityHashMap<Vec<Entity>>` in a resource, own delete call.
    C1,
    /// As c1, with `EntityIndexSet`.
    C2,
    /// Relationship, `Vec<Entity>`, table storage, `despawn`.
    F1,
    /// Relationship, `EntityHashSet`, sparse-set storage, `despawn`.
    F2,
    /// This crate, field handler, `despawn`.
    Qdel,
    /// As qdel, with a world handler.
    QdelWorld,
    /// As qdel, with `Signals` required by the targets (so not counted as memory) and `register_listener` called first.
    QdelReq,
    /// As qdel, with `World::qdel` and `Teardown::Immediate` in place of `despawn`.
    QdelImm,
    /// As qdel, with `World::qdel` of all, then one `flush_qdel`, in place of `despawn`.
    QdelFrame,
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

    /// Plays `case` with this variant in this process, and returns its figure.
    pub(crate) fn measure(self, case: &Case) -> f64 {
        match self {
            Self::B => measure::<Plain>(case),
            Self::C1 => measure::<Index<Vec<Entity>>>(case),
            Self::C2 => measure::<Index<EntityIndexSet>>(case),
            Self::F1 => measure::<Related<Chases>>(case),
            Self::F2 => measure::<Related<SparseChases>>(case),
            Self::Qdel => measure::<Listening<FieldHandler>>(case),
            Self::QdelWorld => measure::<Listening<WorldHandler>>(case),
            Self::QdelReq => measure::<Listening<Announced>>(case),
            Self::QdelImm => measure::<Listening<Immediate>>(case),
            Self::QdelFrame => measure::<Listening<EndOfFrame>>(case),
        }
    }
}
