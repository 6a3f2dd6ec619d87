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
    books::Books,
    parallel,
    reference::{policy::OnLoss, references::References, tracking::Tracking},
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
    /// The holders after these. The first of them needs more than that, which may change anything.
    /// So they are looked at one by one.
    pub(crate) others: Vec<Entity>,
}

impl Changes {
    /// Changes the links of the holders that need nothing else. This is valid until user code runs.
    pub(crate) fn link_plain(&self, world: &mut World, tracking: Tracking) {
        let mut books = world.resource_mut::<Books>();
        let books = books.bypass_change_detection();
        let mut start = 0;
        for &(holder, end) in &self.plain {
            let named = self.named[start..end].iter().copied();
            start = end;
            books.set_references(holder, tracking.handler, named);
        }
    }
}

/// Returns the watch of the `C` in `world`.
pub(crate) fn of<C: Component + References>(world: &mut World) -> Box<dyn Watch> {
    Box::new(WatchOf::<C>(signal::handler::query_without_filters(world)))
}

struct WatchOf<C: Component>(QueryState<(Entity, Ref<'static, C>)>);

impl<C: Component + References> Watch for WatchOf<C> {
    fn changed(&mut self, world: &World, tracking: Tracking, since: Option<Tick>) -> Changes {
        let books = world.resource::<Books>();
        let marks = tracking.marks;
        let recent = Recent::since(since, world.read_change_tick());
        let mut changes = Changes::default();
        let Changes {
            plain,
            named,
            others,
        } = &mut changes;
        let mut look = |holder: Entity, component: &C| {
            let start = named.len();
            component.visit_references(OnLoss::Clear, &mut |entity, _| {
                // A component that names an entity twice only looks as if it had changed.
                named.push(entity);
            });
            let targets = &named[start..];
            if books.names_exactly(holder, tracking.handler, targets) {
                named.truncate(start);
            } else if others.is_empty()
                && marks.is_alive(world, books, holder)
                && targets
                    .iter()
                    .all(|target| marks.takes_links(world, books, *target))
            {
                plain.push((holder, named.len()));
            } else {
                named.truncate(start);
                others.push(holder);
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
        changes
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
        let mut visit_new = |first: usize, ticks: &[Tick]| {
            for (at, tick) in ticks.iter().enumerate() {
                if self.includes(*tick) {
                    visit(first + at);
                }
            }
        };
        let (blocks, rest) = ticks.as_chunks::<BLOCK>();
        for (number, block) in blocks.iter().enumerate() {
            // Without an early exit, so that the ticks are compared in vectors.
            let any = |found: bool, tick: &Tick| found | self.includes(*tick);
            if block.iter().fold(false, any) {
                visit_new(number * BLOCK, block);
            }
        }
        visit_new(blocks.len() * BLOCK, rest);
    }
}
