//! Finds the components of a tracked type that were written, or that name given entities.
//!
//! Most components were not written, so passing over them must be fast. The change ticks of a table
//! are compared in blocks. Components are only read if their block holds a new tick.

use bevy_ecs::{
    change_detection::{DetectChanges, DetectChangesMut, MAX_CHANGE_AGE, Ref, Tick},
    component::{Component, ComponentId},
    entity::Entity,
    query::QueryState,
    world::World,
};

use crate::{
    books::{Books, last_synced::Named},
    parallel,
    reference::{
        liveness_marks::Takes, marking::mark_unnoticed, policy::OnLoss, references::References,
        tracking::Tracking,
    },
    signal,
};

/// How many change ticks are compared at once.
const BLOCK: usize = 16;

/// Looks through the components of a type that is erased.
pub(crate) trait Watch: Send + Sync {
    /// Returns the components that changed after `since` and name other entities than the books
    /// say. Without `since`, all components are looked at.
    fn changed(&mut self, world: &World, tracking: Tracking, since: Option<Tick>) -> Changes;

    /// Returns the entities whose component names an entity which `is_meant`.
    fn naming(&mut self, world: &World, is_meant: &(dyn Fn(Entity) -> bool + Sync)) -> Vec<Entity>;
}

/// The components that name other entities than the books say.
#[derive(Default)]
pub(crate) struct Changes {
    /// The holders whose links only need to be changed, and the end of the names of each.
    plain: Vec<(Entity, usize)>,
    named: Vec<Entity>,
    /// How many of the plain ones come before the first that names an unmarked entity.
    marked: Option<usize>,
    /// What plain ones name that is not marked as a target yet.
    unmarked: Vec<Entity>,
    /// The holders after these. The first of them needs more than that, which may change anything.
    /// So they are looked at one by one.
    others: Vec<Entity>,
    /// Those that were written and name what they named before, if that is one entity or none.
    unchanged: Vec<(Entity, Option<Entity>)>,
}

impl Changes {
    /// Changes links as far as no code of the user can run meanwhile. Returns the holders that are
    /// left, to be looked at one by one. This is valid until user code runs.
    pub(crate) fn link(mut self, world: &mut World, tracking: Tracking) -> Vec<Entity> {
        let mut left = Vec::new();
        if let Some(marked) = self.marked
            && !mark_unnoticed(world, &self.unmarked)
        {
            left.extend(self.plain.drain(marked..).map(|(holder, _)| holder));
        }
        let mut books = world.resource_mut::<Books>();
        let books = books.bypass_change_detection();
        let mut start = 0;
        for &(holder, end) in &self.plain {
            let named = self.named[start..end].iter().copied();
            start = end;
            books.set_references(holder, tracking.handler, named);
        }
        for &(holder, named) in &self.unchanged {
            books.last_synced.begin(tracking.number, holder, named);
        }
        left.append(&mut self.others);
        left
    }
}

/// Returns the watch of the `C` in `world`.
pub(crate) fn of<C: Component + References>(world: &mut World) -> Box<dyn Watch> {
    Box::new(WatchOf::<C>(signal::handler::query_without_filters(world)))
}

struct WatchOf<C: Component>(QueryState<(Entity, Ref<'static, C>)>);

impl<C: Component + References> Watch for WatchOf<C> {
    fn changed(&mut self, world: &World, tracking: Tracking, since: Option<Tick>) -> Changes {
        let recent = Recent::since(since, world.read_change_tick());
        let books = world.resource::<Books>();
        let last_synced = books.last_synced.of(tracking.number);
        let mut closer = CloserLook {
            world,
            books,
            tracking,
            changes: Changes::default(),
        };
        let mut look = |holder: Entity, component: &C| {
            // Most name one entity or none. What they name is put on a list only if they are new.
            let (mut first, mut last, mut count) = (None, Named::NONE, 0_usize);
            let start = closer.changes.named.len();
            let named = &mut closer.changes.named;
            component.visit_references(OnLoss::Clear, &mut |entity, _| {
                last = Named::from(entity);
                match count {
                    0 => first = Some(entity),
                    1 => named.extend(first.into_iter().chain([entity])),
                    _ => named.push(entity),
                }
                count += 1;
            });
            if count > 1 {
                closer.look(holder, start);
            } else if last_synced.names(holder, last) {
                debug_assert!(
                    books.names_exactly(holder, tracking.handler, first.as_slice()),
                    "what is known of a component should be what the books say"
                );
            } else {
                closer.look_at_one(holder, first);
            }
        };
        match self.0.contiguous_iter(world) {
            Ok(tables) => {
                for (holders, components) in tables {
                    if C::HAS_SUMMARY_TICK
                        && !recent.is_in_table(world, holders, tracking.component)
                    {
                        continue;
                    }
                    let ticks = components.changed_ticks_slice();
                    recent.for_each_in(ticks, |row| look(holders[row], &components[row]));
                }
            }
            // The components are in a sparse set, each with its tick.
            Err(_) => {
                for (holder, component) in self.0.iter_manual(world) {
                    if recent.includes(component.last_changed()) {
                        look(holder, &component);
                    }
                }
            }
        }
        closer.changes
    }

    fn naming(&mut self, world: &World, is_meant: &(dyn Fn(Entity) -> bool + Sync)) -> Vec<Entity> {
        let names_any = |component: &C| {
            let mut is_found = false;
            component.visit_references(OnLoss::Clear, &mut |entity, _| {
                is_found |= is_meant(entity);
            });
            is_found
        };
        self.0.update_archetypes(world);
        let Ok(tables) = self.0.contiguous_iter(world) else {
            // The components are in a sparse set.
            let all = self.0.iter_manual(world);
            let naming = all.filter(|(_, component)| names_any(component));
            return naming.map(|(holder, _)| holder).collect();
        };
        let tables: Vec<_> = tables.collect();
        let mut parts = Vec::new();
        for (holders, components) in &tables {
            let holders = holders.chunks(parallel::PART);
            parts.extend(holders.zip(components.chunks(parallel::PART)));
        }
        let looked = parallel::map(parts, |(holders, components)| {
            let all = holders.iter().zip(components);
            let naming = all.filter(|(_, component)| names_any(component));
            naming.map(|(holder, _)| *holder).collect::<Vec<_>>()
        });
        let looked = looked.unwrap_or_else(|panicked| panicked.resume());
        looked.into_iter().flatten().collect()
    }
}

/// Looks at components that were written and of which nothing else is known.
struct CloserLook<'w> {
    world: &'w World,
    books: &'w Books,
    tracking: Tracking,
    changes: Changes,
}

impl CloserLook<'_> {
    /// Does the same as [`look`](Self::look) with a component that names one entity or none.
    #[inline(never)]
    fn look_at_one(&mut self, holder: Entity, named: Option<Entity>) {
        let start = self.changes.named.len();
        self.changes.named.extend(named);
        self.look(holder, start);
    }

    /// Compares a component with the books, and notes what is to be done. What it names is on the
    /// list, from `start` on.
    fn look(&mut self, holder: Entity, start: usize) {
        let Changes {
            plain,
            named,
            marked,
            unmarked,
            others,
            unchanged,
        } = &mut self.changes;
        // A component that names an entity twice only looks as if it had changed.
        let targets = &named[start..];
        let Tracking { handler, marks, .. } = self.tracking;
        if self.books.names_exactly(holder, handler, targets) {
            if targets.len() <= 1 {
                unchanged.push((holder, targets.first().copied()));
            }
            named.truncate(start);
            return;
        }
        let first_unmarked = unmarked.len();
        let is_plain = others.is_empty()
            && marks.is_alive(self.world, self.books, holder)
            && targets.iter().all(|&target| {
                match marks.takes_links(self.world, self.books, target) {
                    Takes::Links => true,
                    Takes::LinksOnceMarked => {
                        unmarked.push(target);
                        true
                    }
                    Takes::None => false,
                }
            });
        if is_plain {
            if unmarked.len() > first_unmarked {
                marked.get_or_insert(plain.len());
            }
            plain.push((holder, named.len()));
        } else {
            unmarked.truncate(first_unmarked);
            named.truncate(start);
            others.push(holder);
        }
    }
}

/// The change ticks that are new, as by [`Tick::is_newer_than`], in one comparison.
///
/// Ages are [`SHIFTED`] so that signed comparisons order them, because not every processor compares
/// unsigned numbers in vectors.
#[derive(Debug, Clone, Copy)]
struct Recent {
    now: u32,
    /// The age of the oldest new tick.
    oldest: i32,
}

/// Half of the range of ticks.
const SHIFTED: u32 = 1 << 31;

impl Recent {
    /// Returns the ticks after `since`, or all ticks.
    fn since(since: Option<Tick>, now: Tick) -> Self {
        let oldest = since.map_or(u32::MAX, |since| {
            let age = now.get().wrapping_sub(since.get());
            // Bevy treats all ticks older than that as old.
            age.min(MAX_CHANGE_AGE).saturating_sub(1)
        });
        Self {
            now: now.get().wrapping_add(SHIFTED),
            oldest: oldest.wrapping_add(SHIFTED).cast_signed(),
        }
    }

    fn includes(self, tick: Tick) -> bool {
        // Ticks wrap around.
        self.now.wrapping_sub(tick.get()).cast_signed() <= self.oldest
    }

    /// Returns `true` if any tick in the table of `holders` may be new, by the summary tick of
    /// `component`.
    fn is_in_table(self, world: &World, holders: &[Entity], component: ComponentId) -> bool {
        let first = holders.first();
        let location = first.and_then(|first| world.entities().get_spawned(*first).ok());
        let table = location.and_then(|at| world.storages().tables.get(at.table_id));
        let latest = table.and_then(|table| table.get_summary_tick(component));
        latest.is_none_or(|latest| self.includes(latest.get()))
    }

    /// Calls `visit` with the row of each of `ticks` that is new.
    fn for_each_in(self, ticks: &[Tick], mut visit: impl FnMut(usize)) {
        let (blocks, rest) = ticks.as_chunks::<BLOCK>();
        for (number, block) in blocks.iter().enumerate() {
            // Without an early exit, so that the ticks are compared in vectors.
            let any = |found: bool, tick: &Tick| found | self.includes(*tick);
            if !block.iter().fold(false, any) {
                continue;
            }
            for (half, mut new) in self.flags(block).into_iter().enumerate() {
                let first = number * BLOCK + half * BLOCK / 2;
                while new != 0 {
                    visit(first + new.trailing_zeros() as usize / 8);
                    new &= new - 1;
                }
            }
        }
        let first = blocks.len() * BLOCK;
        for (at, tick) in rest.iter().enumerate() {
            if self.includes(*tick) {
                visit(first + at);
            }
        }
    }

    /// Returns a byte for each of the ticks, which is one if the tick is new: the first half of
    /// them, and the second.
    fn flags(self, block: &[Tick; BLOCK]) -> [u64; 2] {
        let flags = block.map(|tick| u8::from(self.includes(tick)));
        let (halves, _) = flags.as_chunks::<{ BLOCK / 2 }>();
        [halves[0], halves[1]].map(u64::from_le_bytes)
    }
}
