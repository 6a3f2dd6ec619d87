//! Releases components that name nothing but what is lost, in one visit each.
//!
//! Most components name one entity. If that is the one that goes away, they need not be asked what
//! else they have lost. Where they are many, a query finds them.

use core::cell::Cell;

use bevy_ecs::{
    archetype::ArchetypeId,
    change_detection::DetectChangesMut,
    entity::Entity,
    world::{DeferredWorld, World},
};
use smallvec::SmallVec;

use crate::{
    books::Books,
    panics::catch,
    reference::{
        entity_set::Among,
        liveness_marks::{LivenessMarks, Standing},
        released::{BATCH, Released, remember},
        tracked::Tracked,
        tracking::{Holder, NotifyOwner, ReleaseQuery, Run, Tracking},
    },
};

/// From this number of components on, a query is worth fetching.
const QUERY_FROM: usize = 4;

/// The types of components that are released, looked up once, with their queries.
#[derive(Default)]
pub(crate) struct TypesInUse(SmallVec<[Type; 2]>);

struct Type {
    tracking: Tracking,
    /// Fetched with the first run that is worth it.
    query: Option<ReleaseQuery>,
}

impl TypesInUse {
    /// Returns the type of a number, for a run of that many components. The world may have been
    /// cleared.
    pub(crate) fn get(
        &mut self,
        world: &mut DeferredWorld,
        number: u32,
        run: usize,
    ) -> Option<Tracking> {
        let known = self.find(number);
        if let Some(at) = known
            && (run < QUERY_FROM || self.0[at].query.is_some())
        {
            return Some(self.0[at].tracking);
        }
        let mut tracked = world.get_resource_mut::<Tracked>()?;
        let tracked = tracked.bypass_change_detection();
        let at = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(Type {
                tracking: tracked.get(number),
                query: None,
            });
        }
        if run >= QUERY_FROM {
            self.0[at].query = tracked.take_release_query(number);
        }
        Some(self.0[at].tracking)
    }

    /// Gives the queries back.
    pub(crate) fn finish(self, world: &mut DeferredWorld) {
        let types = self.0.into_iter();
        let mut queries = types.filter_map(|known| Some((known.tracking.number, known.query?)));
        if let Some(first) = queries.next()
            // The world may have been cleared.
            && let Some(mut tracked) = world.get_resource_mut::<Tracked>()
        {
            let tracked = tracked.bypass_change_detection();
            for (number, query) in core::iter::once(first).chain(queries) {
                tracked.return_release_query(number, query);
            }
        }
    }

    fn query(&mut self, number: u32) -> Option<&mut ReleaseQuery> {
        let at = self.find(number)?;
        self.0[at].query.as_mut()
    }

    fn find(&self, number: u32) -> Option<usize> {
        let mut types = self.0.iter();
        types.position(|known| known.tracking.number == number)
    }
}

/// Makes components of a type, a batch at most, release those of `targets` that are lost and tells
/// them, as long as they name nothing else. Returns how many were seen to.
///
/// A panic of one does not affect the others.
pub(crate) fn release_simple(
    world: &mut DeferredWorld,
    batch: &[(Entity, u32)],
    tracking: Tracking,
    targets: &[Entity],
    types: &mut TypesInUse,
    released: &mut Released,
) -> usize {
    let Some(books) = world.get_resource::<Books>() else {
        return 0;
    };
    // Nothing that is called here can reach the world. So all are looked up before the first is
    // changed: one look can begin while another waits for memory.
    let verdict = Standings::new(world, books, tracking.marks);
    let holders = batch.iter().map(|&(entity, _)| Holder {
        entity,
        notify: if verdict.is_lost(entity) {
            NotifyOwner::No
        } else {
            NotifyOwner::Yes
        },
    });
    let holders: SmallVec<[Holder; BATCH]> = holders.collect();
    let lost = targets.iter().copied();
    let lost: SmallVec<[Entity; 1]> = lost.filter(|target| verdict.is_lost(*target)).collect();
    let run = Run {
        holders: &holders,
        lost: &Among::new(&lost),
        visited: Cell::new(0),
        released: Cell::new(0),
        is_changing: Cell::new(false),
    };
    let query = &mut types.query(tracking.number);
    loop {
        let before = run.visited.get();
        let query = query.as_deref_mut();
        let outcome = catch(|| tracking.reach.release_run(world, query, &run));
        let visited = run.visited.get();
        let has_panicked = outcome.is_err() && visited > before;
        released.first_panic.note(outcome);
        if !has_panicked {
            break;
        }
        if !run.is_changing.get() {
            // It could not be read.
            let unread = batch[visited - 1];
            remember(world, [unread].into_iter());
            released.unread.push(unread);
        }
    }
    released.components += run.released.get();
    run.visited.get()
}

/// Says of many entities whether they are lost. The last archetype is looked up once.
struct Standings<'w> {
    world: &'w World,
    books: &'w Books,
    marks: LivenessMarks,
    last: Cell<Option<(ArchetypeId, Standing)>>,
}

impl<'w> Standings<'w> {
    fn new(world: &'w World, books: &'w Books, marks: LivenessMarks) -> Self {
        Self {
            world,
            books,
            marks,
            last: Cell::new(None),
        }
    }

    fn is_lost(&self, entity: Entity) -> bool {
        let Ok(location) = self.world.entities().get_spawned(entity) else {
            return true;
        };
        let archetype = location.archetype_id;
        let standing = match self.last.get() {
            Some((last, standing)) if last == archetype => standing,
            _ => self.marks.standing_in(self.world, archetype),
        };
        self.last.set(Some((archetype, standing)));
        standing.is_lost(self.world, self.books, entity)
    }
}
