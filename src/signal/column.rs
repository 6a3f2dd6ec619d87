//! Finds the components of listeners, faster than an entity or a query does.
//!
//! Bevy looks up the type of the component and its column for each entity. Listeners of one target
//! are mostly of few kinds. So here the columns of a few tables are kept at hand.

use core::{any::TypeId, cell::UnsafeCell, marker::PhantomData, panic::Location};

use bevy_ecs::{
    change_detection::{MaybeLocation, Tick},
    component::{Component, ComponentId, Mutable, StorageType},
    entity::Entity,
    storage::{TableId, TableRow},
    world::{DeferredWorld, unsafe_world_cell::UnsafeWorldCell},
};

/// How many columns are kept at hand.
const KEPT: usize = 8;

/// All components of one kind, in the tables of a world.
pub(crate) struct ListenerColumns<'w, C> {
    world: UnsafeWorldCell<'w>,
    component: ComponentId,
    components: PhantomData<&'w mut C>,
}

/// All components of one kind in a table, with as many ticks and places. Without rows if there are
/// none.
struct Column<'w, C> {
    table: TableId,
    components: &'w [UnsafeCell<C>],
    changed: &'w [UnsafeCell<Tick>],
    changed_by: MaybeLocation<&'w [UnsafeCell<&'static Location<'static>>]>,
}

impl<'w, C: Component<Mutability = Mutable>> ListenerColumns<'w, C> {
    /// Returns the components with the number `component`, which is that of `C`.
    ///
    /// Returns `None` if it is not, or if they are not in tables alone.
    #[inline]
    pub(crate) fn new(world: &'w mut DeferredWorld, component: ComponentId) -> Option<Self> {
        // A component with a summary tick wants that written as well.
        if C::HAS_SUMMARY_TICK || !matches!(C::STORAGE_TYPE, StorageType::Table) {
            return None;
        }
        let world = world.as_unsafe_world_cell();
        let known = world.components().get_info(component)?;
        (known.type_id() == Some(TypeId::of::<C>())).then_some(Self {
            world,
            component,
            components: PhantomData,
        })
    }

    /// Calls `tell` with each of `listeners` that has the component, which is marked as changed.
    #[inline]
    pub(crate) fn for_each(
        self,
        listeners: impl Iterator<Item = Entity>,
        mut tell: impl FnMut(Entity, &mut C),
    ) {
        let this_run = self.world.change_tick();
        let entities = self.world.entities();
        let locate = |listener| Some((listener, entities.get_spawned(listener).ok()?));
        let mut listeners = listeners.filter_map(locate);
        let Some((mut listener, mut location)) = listeners.next() else {
            return;
        };
        // Mostly there is one table.
        let column = self.find(location.table_id);
        while location.table_id == column.table {
            column.tell(listener, location.table_row, this_run, &mut tell);
            let Some(next) = listeners.next() else {
                return;
            };
            (listener, location) = next;
        }
        let mut columns = [const { None::<Column<C>> }; KEPT];
        let table = column.table;
        columns[table.as_usize() % KEPT] = Some(column);
        loop {
            let table = location.table_id;
            let column = &mut columns[table.as_usize() % KEPT];
            let column = match column {
                Some(column) if column.table == table => column,
                _ => column.insert(self.find(table)),
            };
            column.tell(listener, location.table_row, this_run, &mut tell);
            let Some(next) = listeners.next() else {
                return;
            };
            (listener, location) = next;
        }
    }

    /// Finds the column of a table.
    #[inline(never)]
    #[expect(
        unsafe_code,
        reason = "without columns, each listener costs as much as by Bevy's look-up"
    )]
    fn find(&self, table: TableId) -> Column<'w, C> {
        // SAFETY: the world is borrowed exclusively as long as `self`, and `new` has seen that
        // `component` is the number of `C`. A column is as long as its table.
        let found = unsafe {
            let storage = self.world.storages().tables.get(table);
            storage.and_then(|storage| {
                let (column, len) = (storage.get_column(self.component)?, storage.entity_count());
                let len = len as usize;
                Some(Column {
                    table,
                    components: column.get_data_slice(len),
                    changed: column.get_changed_ticks_slice(len),
                    changed_by: column.get_changed_by_slice(len),
                })
            })
        };
        found.unwrap_or_else(|| Column {
            table,
            components: &[],
            changed: &[],
            changed_by: MaybeLocation::new_with(|| &[][..]),
        })
    }
}

impl<C> Column<'_, C> {
    /// Calls `tell` with the component in a row, if there is one, and marks it as changed.
    #[inline]
    #[expect(
        unsafe_code,
        reason = "Bevy's own look-up takes 85 instructions for each listener, of 60 in all"
    )]
    fn tell(
        &self,
        listener: Entity,
        row: TableRow,
        this_run: Tick,
        tell: &mut impl FnMut(Entity, &mut C),
    ) {
        let row = row.index();
        let Some(component) = self.components.get(row) else {
            return;
        };
        // SAFETY: only `ListenerColumns` has columns. It borrows the world exclusively, and `tell`
        // cannot reach it. So nothing else refers to the component, its tick or its place. A column
        // has as many of each.
        unsafe {
            *self.changed.get_unchecked(row).get() = this_run;
            let _ = self.changed_by.map(|changed_by| {
                *changed_by.get_unchecked(row).get() = Location::caller();
            });
            tell(listener, &mut *component.get());
        }
    }
}
