//! Which components of a tracked type were written, and which of them name somebody.
//!
//! Most were not written, so what counts is how fast those are passed over: a table's change ticks are
//! compared in blocks, and its components are only read where a block holds a tick that is new.

use bevy_ecs::{
    change_detection::{DetectChanges, MAX_CHANGE_AGE, Ref, Tick},
    component::Component,
    entity::Entity,
    query::QueryState,
    world::World,
};
use smallvec::SmallVec;

use super::{Policy, References};
use crate::signal::{self, Books, HandlerId};

/// How many change ticks are compared in one go.
const BLOCK: usize = 16;

/// A component type that is forgotten: which components were written, and who names somebody.
pub(super) trait Watch: Send + Sync {
    /// Returns the entities whose component changed since then and does not name what the books say; without a
    /// `since`, all are looked at.
    fn changed(&mut self, world: &World, handler: HandlerId, since: Option<Tick>) -> Vec<Entity>;

    /// Returns the entities whose component names somebody who `is_meant`.
    fn naming(&mut self, world: &World, is_meant: &dyn Fn(Entity) -> bool) -> Vec<Entity>;
}

/// Returns the watch of the `C` in `world`.
pub(super) fn of<C: Component + References>(world: &mut World) -> Box<dyn Watch> {
    Box::new(WatchOf::<C>(signal::query_without_filters(world)))
}

struct WatchOf<C: Component>(QueryState<(Entity, Ref<'static, C>)>);

impl<C: Component + References> Watch for WatchOf<C> {
    fn changed(&mut self, world: &World, handler: HandlerId, since: Option<Tick>) -> Vec<Entity> {
        let Some(books) = world.get_resource::<Books>() else {
            return Vec::new();
        };
        let recent = Recent::since(since, world.read_change_tick());
        let mut changed = Vec::new();
        let mut named = SmallVec::<[Entity; 8]>::new();
        let mut look = |holder: Entity, component: &C| {
            named.clear();
            component.visit_references(Policy::Clear, &mut |entity, _| {
                // What is named twice only looks as if it had changed.
                named.push(entity);
            });
            if !books.names_exactly(holder, handler, &named) {
                changed.push(holder);
            }
        };
        match self.0.contiguous_iter(world) {
            Ok(tables) => {
                for (holders, components) in tables {
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
        changed
    }

    fn naming(&mut self, world: &World, is_meant: &dyn Fn(Entity) -> bool) -> Vec<Entity> {
        self.0.update_archetypes(world);
        let mut naming = Vec::new();
        for (holder, component) in self.0.iter_manual(world) {
            let mut is_found = false;
            component.visit_references(Policy::Clear, &mut |entity, _| {
                is_found |= is_meant(entity);
            });
            if is_found {
                naming.push(holder);
            }
        }
        naming
    }
}

/// The change ticks that are new: those for which [`Tick::is_newer_than`] says so, in one comparison.
#[derive(Debug, Clone, Copy)]
struct Recent {
    now: u32,
    /// The age of the oldest of them.
    oldest: u32,
}

impl Recent {
    /// Returns the ticks after `since`, or all there are.
    fn since(since: Option<Tick>, now: Tick) -> Self {
        let now = now.get();
        let oldest = since.map_or(u32::MAX, |since| {
            let age = now.wrapping_sub(since.get());
            // Bevy calls all ticks old that are older than that.
            age.min(MAX_CHANGE_AGE).saturating_sub(1)
        });
        Self { now, oldest }
    }

    fn includes(self, tick: Tick) -> bool {
        // Ticks begin anew after the last.
        self.now.wrapping_sub(tick.get()) <= self.oldest
    }

    /// Calls `visit` with the place of each of `ticks` that is new.
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
            // Without a way out in the middle, so that the ticks are compared side by side.
            let any = |found: bool, tick: &Tick| found | self.includes(*tick);
            if block.iter().fold(false, any) {
                visit_new(number * BLOCK, block);
            }
        }
        visit_new(blocks.len() * BLOCK, rest);
    }
}
