//! Finds the components of listeners that share a table, faster than a query.
//!
//! Bevy's queries match the archetype of an entity before they fetch its component. Listeners of
//! one target are mostly of one kind. So here their table is matched once for a batch.

use core::panic::Location;

use bevy_ecs::{
    change_detection::ContiguousMut,
    component::{Component, Mutable},
    entity::{Entities, Entity, EntityLocation},
    query::QueryState,
    storage::TableId,
    world::DeferredWorld,
};

/// How many tables are searched for that of a batch.
const TABLES: usize = 8;

/// All components of one kind in a table.
pub(crate) struct ListenerColumn<'w, C> {
    entities: &'w Entities,
    table: TableId,
    components: ContiguousMut<'w, C>,
}

/// The component of a listener, if it is in the column.
pub(crate) enum Found<'a, C> {
    Here(&'a mut C),
    /// It is gone.
    Nowhere,
    /// It is not in this table.
    Elsewhere,
}

impl<'w, C: Component<Mutability = Mutable>> ListenerColumn<'w, C> {
    /// Finds the components in the table of the first of `listeners`.
    ///
    /// Returns `None` if there are none, if they are not in a table, or if a query would find them
    /// faster.
    #[expect(
        unsafe_code,
        reason = "to look up all rows before the components are borrowed costs a sixth of a notice"
    )]
    pub(crate) fn of_first(
        world: &'w mut DeferredWorld,
        query: &'w mut QueryState<(Entity, &'static mut C)>,
        listeners: &[Option<Entity>],
    ) -> Option<Self> {
        // A component with a summary tick wants that written as well, which `ContiguousMut` does
        // only for all rows.
        if C::HAS_SUMMARY_TICK {
            return None;
        }
        let world = world.as_unsafe_world_cell();
        let entities = world.entities();
        let place = |listener| Some((listener, entities.get_spawned(listener).ok()?));
        let (first, location) = listeners.iter().flatten().copied().find_map(place)?;
        let row = location.table_row.index();
        // SAFETY: the world is borrowed exclusively as long as the query and what comes out of it.
        // `entities` is none of its components, and is only read.
        let query = unsafe { query.query_unchecked(world) };
        let mut tables = query.contiguous_iter_inner().ok()?.take(TABLES);
        let (_, components) = tables.find(|(entities, _)| entities.get(row) == Some(&first))?;
        Some(Self {
            entities,
            table: location.table_id,
            components,
        })
    }

    /// Returns the component of `listener`, marked as changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, listener: Entity) -> Found<'_, C> {
        let Ok(EntityLocation {
            table_id,
            table_row,
            ..
        }) = self.entities.get_spawned(listener)
        else {
            return Found::Nowhere;
        };
        if table_id != self.table {
            return Found::Elsewhere;
        }
        let row = table_row.index();
        let this_run = self.components.this_run_tick();
        self.components.changed_ticks_slice_mut()[row] = this_run;
        let changed_by = self.components.changed_by_ticks_slice_mut();
        changed_by.map(|changed_by| changed_by[row] = Location::caller());
        Found::Here(&mut self.components.bypass_change_detection()[row])
    }
}
