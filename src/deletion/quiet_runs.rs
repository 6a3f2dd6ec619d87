//! How entities are torn down whose end calls no code but that of this crate.
//!
//! Most of what waits owns nothing, has no hooks and is not observed. A row of such entities is
//! looked at first and despawned then, with nothing in between: no code is called that could delete
//! more, or ask about one of them. So the lists of those that were told are dropped together.

use std::collections::VecDeque;

use bevy_ecs::{archetype::ArchetypeId, entity::Entity, world::World};
use smallvec::SmallVec;

use crate::{
    deletion::{despawn::Despawns, queue::Deletions},
    signal,
};

/// How many are looked at before they are despawned. They are still in the cache then.
const LONGEST: usize = 64;

/// Looks for such entities among those that wait.
#[derive(Default)]
pub(crate) struct QuietRuns {
    /// The archetype of the last whose end calls code, or may: many of a kind go together.
    noticed: Option<ArchetypeId>,
}

/// Entities that stand in a row.
#[derive(Default)]
struct Run {
    entities: SmallVec<[Entity; LONGEST]>,
    /// Whether any of them has the mark of a target.
    has_targets: bool,
}

impl QuietRuns {
    /// Despawns those at the front of `waiting` whose end calls no code, as long as there are any.
    ///
    /// No command may wait.
    pub(crate) fn despawn(
        &mut self,
        done: &mut Despawns,
        world: &mut World,
        waiting: &mut VecDeque<Entity>,
    ) {
        while done.are_quiet() && !self.is_noticed(world, waiting.front()) {
            let run = self.take(world, waiting);
            let entities = &run.entities[..];
            if entities.is_empty() {
                return;
            }
            if run.has_targets {
                signal::target::drop_lists(world, entities);
            }
            let count = done.despawn_quietly(world, entities);
            for entity in entities[count..].iter().rev() {
                waiting.push_front(*entity);
            }
        }
    }

    /// Returns `true` if the next that waits is like the last whose end calls code.
    fn is_noticed(&self, world: &World, next: Option<&Entity>) -> bool {
        let location = next.and_then(|next| world.entities().get_spawned(*next).ok());
        self.noticed.is_some() && location.map(|at| at.archetype_id) == self.noticed
    }

    /// Takes those at the front of `waiting` whose end calls no code.
    fn take(&mut self, world: &World, waiting: &mut VecDeque<Entity>) -> Run {
        let mut run = Run::default();
        let Some(deletions) = world.get_resource::<Deletions>() else {
            return run;
        };
        let mut last = None;
        while run.entities.len() < LONGEST
            && let Some(&entity) = waiting.front()
        {
            let Ok(location) = world.entities().get_spawned(entity) else {
                // It was despawned plainly.
                waiting.pop_front();
                continue;
            };
            let archetype = location.archetype_id;
            let is_target = match last {
                Some((known, is_target)) if known == archetype => is_target,
                _ => match end_of(world, deletions, archetype) {
                    End::Noticed => {
                        self.noticed = Some(archetype);
                        break;
                    }
                    End::Quiet { is_target } => {
                        last = Some((archetype, is_target));
                        is_target
                    }
                },
            };
            if is_target && !signal::target::is_finished(world, entity) {
                break;
            }
            run.has_targets |= is_target;
            run.entities.push(entity);
            waiting.pop_front();
        }
        run
    }
}

/// What happens when entities of an archetype are despawned.
enum End {
    /// Code may be called, or others may go.
    Noticed,
    Quiet {
        is_target: bool,
    },
}

fn end_of(world: &World, deletions: &Deletions, archetype: ArchetypeId) -> End {
    let profile = deletions.profiles.at(world, archetype);
    let is_target = profile.is_heard();
    let calls = profile.calls_at_end(&world.archetypes()[archetype]);
    if profile.is_linked() || calls || is_target && deletions.tracks {
        End::Noticed
    } else {
        End::Quiet { is_target }
    }
}
