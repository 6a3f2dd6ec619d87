//! What goes in a batch without a question.
//!
//! Where no handler was ever registered for the question, and no declared reference refuses, an
//! entity that owns nothing just goes. So those at the front of a batch are marked a few at a time
//! as they are looked at. The rest of the batch is asked about as a whole.

use bevy_ecs::{archetype::ArchetypeId, entity::Entity, world::World};
use smallvec::SmallVec;

use crate::{
    deleting::{self, KindId, Visibility},
    deletion::{
        archetype_flags::Profile,
        ask,
        mark::{Force, insert_marks},
        notice::Notice,
        queue::Deletions,
        settings::Hiding,
        tear_down_queue::Fate,
    },
    panics::{FirstPanic, Panicked},
    signal::{self, qdeleting::QdelCause},
    statistics::counts::QdelCounts,
};

/// How many are looked at before they are marked. They are still in the cache then.
const CHUNK: usize = 64;

/// Returns `true` if entities of a batch may be marked while others were not looked at: if no code
/// is called by that, and the first goes without a question.
pub(crate) fn is_plain(world: &World, roots: &[Entity]) -> bool {
    let deletions = world.resource::<Deletions>();
    let first = roots.first();
    let first = first.and_then(|first| deletions.profiles.of(world, *first));
    first.is_some_and(Profile::is_free)
        && deletions.work.is_none()
        && !deletions.panicked.is_some()
        && !deletions.kinds.are_told_apart()
        && deletions.profiles.is_mark_unseen(world)
        && !ask::hearers_decide(world, deletions)
}

/// Marks those at the front of a batch that go without a question, and returns how many these are.
pub(crate) fn mark_front(
    world: &mut World,
    roots: &[Entity],
    force: Force,
) -> (usize, Result<(), Panicked>) {
    let deletions = world.resource::<Deletions>();
    let (epoch, hiding) = (deletions.epoch, deletions.settings.hiding);
    let awaits = deletions.is_awaited();
    let measures = deletions.settings.measure_costs;
    let mut are_noticed = awaits || measures || deletions.is_observed(world);
    let is_forced = force == Force::Yes;
    let mut first_panic = FirstPanic::default();
    let mut count = 0;
    let mut chunk = Chunk::default();
    loop {
        chunk.look_at(world, &roots[count..], hiding);
        let marked = chunk.marks.len();
        if marked == 0 {
            break;
        }
        count += marked;
        are_noticed |= chunk.are_noticed;
        if chunk.any_heard {
            let entities = chunk.marks.iter().map(|(entity, _)| *entity);
            signal::dispatch::close(world, entities);
        }
        let marks = chunk.marks.drain(..).map(|(entity, visibility)| {
            let mark = deleting::mark(epoch, visibility, is_forced, awaits, KindId::OTHERS);
            (entity, mark)
        });
        first_panic.note(insert_marks(world, hiding, marks));
    }
    let marked = roots[..count].iter();
    let mut deletions = world.resource_mut::<Deletions>();
    if are_noticed {
        let notices = marked.map(|entity| Notice {
            entity: *entity,
            cause: QdelCause::Qdel,
            force: is_forced,
        });
        deletions.to_tell.extend(notices);
    } else {
        for entity in marked {
            deletions.to_tear_down.push(*entity, Fate::TearDown);
        }
    }
    QdelCounts::change(world, |counts| counts.deleted += count as u64);
    (count, first_panic.into_outcome())
}

/// Some entities that go, and how their marks change what queries see of them.
#[derive(Default)]
struct Chunk {
    marks: SmallVec<[(Entity, Visibility); CHUNK]>,
    seen: Seen,
    any_heard: bool,
    /// Whether any of them is told of, destroyed, or may listen.
    are_noticed: bool,
}

/// A few entities, by a part of their index.
struct Seen([u64; CHUNK]);

impl Default for Seen {
    fn default() -> Self {
        Self([0; CHUNK])
    }
}

impl Seen {
    /// Adds an entity. Returns `true` if it, or one with the same part of its index, was there.
    fn may_have(&mut self, entity: Entity) -> bool {
        let index = entity.index_u32() as usize;
        let bit = 1 << (index % 64);
        let bits = &mut self.0[index / 64 % CHUNK];
        let was_there = *bits & bit != 0;
        *bits |= bit;
        was_there
    }
}

impl Chunk {
    /// Takes some of those at the front of `roots` that go without a question.
    fn look_at(&mut self, world: &World, roots: &[Entity], hiding: Hiding) {
        let profiles = &world.resource::<Deletions>().profiles;
        self.any_heard = false;
        self.are_noticed = false;
        self.seen = Seen::default();
        let mut last: Option<(ArchetypeId, Profile)> = None;
        for &entity in roots.iter().take(CHUNK) {
            let Ok(location) = world.entities().get_spawned(entity) else {
                break;
            };
            let archetype = location.archetype_id;
            let profile = match last {
                Some((known, profile)) if known == archetype => profile,
                _ => {
                    let profile = profiles.at(world, archetype);
                    if !profile.is_free() {
                        break;
                    }
                    let archetype = &world.archetypes()[archetype];
                    self.any_heard |= profile.is_heard();
                    self.are_noticed |= profile.is_heard()
                        || profile.is_destroyed()
                        || profile.calls_at_end(archetype);
                    last = Some((archetype.id(), profile));
                    profile
                }
            };
            if self.seen.may_have(entity) {
                break;
            }
            self.marks.push((entity, profile.visibility(hiding)));
        }
    }
}
