//! The registrations: which listener is linked to which target. Plain data.
//!
//! The books know listeners, targets, keys and numbers of handlers. They know no signal by its
//! type. When handlers are called is the business of `signal`, and what fields name that of
//! `reference`.
//!
//! # Invariants
//!
//! 1. A key (listener, component, signal) occurs at most once in the lists of a target.
//! 2. Where a list holds a registration in force, the links of its listener name that place. The
//!    converse need not hold: a link to a list that was told stays until the list is dropped. The
//!    only link of a listener may outlive even that.
//! 3. The order of a list is the order of registration.
//!
//! # Files, in reading order
//!
//! - `ids`: numbers for handlers, keys, signals and lists
//! - `pages`: a table by entity index
//! - `call`: handlers with their types erased
//! - `table`: all handlers, keys and signals
//! - `list`: the listeners for one signal on one target
//! - `few_links`, `many_links`, `several_links`, `links`, `all_links`: the targets of
//!   each listener
//! - `pending`, `late`, `told_places`, `marks`: what waits, and what is remembered for a while
//! - this file: [`Books`], and look-ups in them
//! - `lists`: lists of targets are made and dropped
//! - `waiting`: registrations wait for a command
//! - `enter`, `ends`: registrations begin and end
//! - `told`, `reopen`: registrations that were told of an end, and come back
//! - `references`, `last_synced`: the links of declared references, and what need not be looked up
//! - `describe`: registrations in words

pub(crate) mod all_links;
pub(crate) mod call;
pub(crate) mod describe;
pub(crate) mod ends;
pub(crate) mod enter;
pub(crate) mod few_links;
pub(crate) mod ids;
pub(crate) mod last_synced;
pub(crate) mod late;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod lists;
pub(crate) mod many_links;
pub(crate) mod marks;
pub(crate) mod pages;
pub(crate) mod pending;
pub(crate) mod references;
pub(crate) mod reopen;
pub(crate) mod several_links;
pub(crate) mod table;
pub(crate) mod told;
pub(crate) mod told_places;
pub(crate) mod waiting;

use bevy_ecs::{
    component::{Component, ComponentId},
    entity::Entity,
    resource::Resource,
    world::DeferredWorld,
};
use slab::Slab;

use crate::{
    books::{
        all_links::AllLinks,
        ids::{Ended, Link, ListId, SignalId},
        last_synced::LastSynced,
        late::LateRegistrations,
        list::List,
        marks::TargetMarks,
        pages::Pages,
        pending::{Pending, ToldLate},
        table::Table,
        told_places::ToldPlaces,
    },
    hash::{HashMap, HashSet, IndexSet},
    panics::Panicked,
};

/// All registrations, and the handlers that they name.
///
/// Its entity is also the target of global signals, so it can never be despawned.
#[derive(Resource)]
#[require(Reserved)]
pub(crate) struct Books {
    pub(crate) table: Table,
    pub(crate) links: AllLinks,
    pub(crate) lists: Slab<List>,
    /// The first list of each target. Each list knows the next.
    firsts: Pages<ListId>,
    /// The lists of targets that have many.
    index: HashMap<(Entity, SignalId), ListId>,
    /// The components whose registrations ended, while targets that were told of their end may
    /// survive. `None` while no target may.
    pub(crate) ended: Option<HashSet<Ended>>,
    /// The registrations by command that wait for the decision about an entity.
    pub(crate) late: LateRegistrations,
    /// The registrations that wait for a command.
    pub(crate) pending: Pending,
    /// Places in lists of those that were told, where they were searched.
    pub(crate) told_places: ToldPlaces,
    /// The registrations that came too late, whose listeners are being told now.
    pub(crate) told_late: ToldLate,
    /// State of the marks of targets.
    pub(crate) marks: TargetMarks,
    /// Components that the next sync must read though they were not written: holders, and the
    /// numbers of their tracked types.
    pub(crate) unsynced: IndexSet<(Entity, u32)>,
    /// The components that are tracked, and the numbers of their types.
    pub(crate) tracked: Vec<(ComponentId, u32)>,
    /// What tracked components named when they were last found written and unchanged.
    pub(crate) last_synced: LastSynced,
    /// Memory for the components of a release.
    room: Vec<(Entity, u32)>,
    /// Whether a target was despawned plainly since the last sync. Fields that were not read yet
    /// may name it.
    pub(crate) has_lost: bool,
    /// The one call that goes up, to `deletion/end_of_target.rs`, once any type is tracked.
    ///
    /// It is called in `signal/dispatch.rs` and `reference/sync.rs`, where a [`TargetEnd`] comes
    /// outside of the stages of a deletion. It releases the fields that name the target, by
    /// `reference/release.rs`. What their policies demand beyond fields is met by a command,
    /// because it may take a deletion.
    pub(crate) end_of_target: Option<EndOfTarget>,
    /// The target of global signals, once there are any. It takes no other signals.
    pub(crate) immortal: Option<Entity>,
}

/// Does what follows from a [`TargetEnd`]: see [`Books::end_of_target`].
pub(crate) type EndOfTarget = fn(&mut DeferredWorld, TargetEnd) -> Result<(), Panicked>;

/// How a declared reference and the end of its target meet outside of the stages of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetEnd {
    /// This target is despawned, and is still whole.
    Despawn(Entity),
    /// A component was inserted that names an entity which is gone, or is not marked as a target
    /// yet.
    Insert {
        holder: Entity,
        component: ComponentId,
    },
}

/// Marks the resources of this crate, which cannot be targets.
#[derive(Component, Default)]
pub(crate) struct Reserved;

impl Books {
    /// Returns empty books. In them, `Notice` is the signal that tells of the end of its target,
    /// and `mark` marks targets.
    pub(crate) fn new<Notice: 'static>(mark: ComponentId) -> Self {
        Self {
            table: Table::new::<Notice>(),
            links: AllLinks::default(),
            lists: Slab::new(),
            firsts: Pages::default(),
            index: HashMap::default(),
            ended: None,
            late: LateRegistrations::default(),
            pending: Pending::default(),
            told_places: ToldPlaces::default(),
            told_late: ToldLate::default(),
            marks: TargetMarks::new(mark),
            unsynced: IndexSet::default(),
            tracked: Vec::new(),
            last_synced: LastSynced::default(),
            room: Vec::new(),
            has_lost: false,
            end_of_target: None,
            immortal: None,
        }
    }

    /// Returns a list.
    pub(crate) fn list(&self, id: ListId) -> &List {
        &self.lists[id.index()]
    }

    /// Returns a list, to change it.
    pub(crate) fn list_mut(&mut self, id: ListId) -> &mut List {
        &mut self.lists[id.index()]
    }

    /// Returns the handlers and a list, to change them.
    pub(crate) fn table_and_list(&mut self, id: ListId) -> (&mut Table, &mut List) {
        (&mut self.table, &mut self.lists[id.index()])
    }

    /// Returns the first list of a target, if it has any.
    pub(crate) fn first(&self, target: Entity) -> Option<ListId> {
        let first = self.firsts.get(target);
        // The slot may be that of an earlier entity, whose end Bevy did not tell.
        let list = self.lists.get(first.index())?;
        (list.target == target).then_some(first)
    }

    /// Returns the lists of a target, one for each signal.
    pub(crate) fn lists_of(&self, target: Entity) -> impl Iterator<Item = (ListId, &List)> {
        self.lists_from(self.first(target))
    }

    /// Returns the list of a target for `signal`.
    pub(crate) fn find(&self, target: Entity, signal: SignalId) -> Option<ListId> {
        self.find_from(self.first(target)?, signal)
    }

    /// Returns `true` if a target takes no more registrations.
    pub(crate) fn is_closed(&self, target: Entity) -> bool {
        self.marks.is_despawned(target) || self.is_list_closed(target)
    }

    /// Does the same as [`is_closed`](Self::is_closed) for an entity that is not marked as
    /// deleting, and reads no list.
    #[inline]
    pub(crate) fn is_ending(&self, entity: Entity) -> bool {
        self.marks.is_despawned(entity) || self.marks.is_closing && self.is_list_closed(entity)
    }

    fn is_list_closed(&self, target: Entity) -> bool {
        let first = self.first(target);
        first.is_some_and(|first| self.list(first).closed)
    }

    /// Returns `true` if a target is open and its lists have no listeners.
    pub(crate) fn is_unused(&self, target: Entity) -> bool {
        let mut lists = self.lists_of(target);
        !self.is_closed(target) && lists.all(|(_, list)| list.is_empty())
    }

    /// Ends a dispatch of a list.
    #[inline(never)]
    pub(crate) fn finish(&mut self, id: ListId) {
        let list = &mut self.lists[id.index()];
        list.end();
        if list.wants_compaction_to_shrink() {
            self.compact(id);
        }
    }

    /// Returns `true` if a link describes a registration in force.
    pub(crate) fn is_in_force(&self, listener: Entity, link: Link) -> bool {
        let list = self.lists.get(link.list.index());
        list.is_some_and(|list| holds(&self.table, list, listener, link))
    }

    /// Returns all lists.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (ListId, &List)> {
        self.lists
            .iter()
            .map(|(index, list)| (ListId::new(index), list))
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let lists = self.lists.capacity() * size_of::<List>();
        let spilled: usize = self.lists().map(|(_, list)| list.heap_bytes()).sum();
        let unsynced = self.unsynced.capacity() * size_of::<(Entity, u32, usize)>();
        unsynced
            + self.pending.heap_bytes()
            + self.told_places.heap_bytes()
            + lists
            + spilled
            + self.firsts.heap_bytes()
            + self.index.capacity() * size_of::<((Entity, SignalId), ListId)>()
            + self.links.heap_bytes()
            + self.last_synced.heap_bytes()
            + self.room.capacity() * size_of::<(Entity, u32)>()
    }

    fn lists_from(&self, first: Option<ListId>) -> impl Iterator<Item = (ListId, &List)> {
        let with_id = |id: ListId| (id, self.list(id));
        core::iter::successors(first.map(with_id), move |(_, list)| list.next.map(with_id))
    }

    /// Returns the list for `signal` among `first` and those that follow it.
    #[inline]
    pub(crate) fn find_from(&self, first: ListId, signal: SignalId) -> Option<ListId> {
        if self.list(first).signal == signal {
            return Some(first);
        }
        self.find_after(first, signal)
    }

    fn find_after(&self, first: ListId, signal: SignalId) -> Option<ListId> {
        let list = self.list(first);
        if list.is_indexed {
            return self.index.get(&(list.target, signal)).copied();
        }
        let mut lists = self.lists_from(list.next);
        lists
            .find(|(_, list)| list.signal == signal)
            .map(|(id, _)| id)
    }

    /// Moves the registrations of a list to its front, and corrects the links to them.
    pub(crate) fn compact(&mut self, id: ListId) {
        let list = &mut self.lists[id.index()];
        list.compact();
        for (place, listener, handler) in list.iter() {
            let link = Link {
                key: self.table.key_of(handler),
                list: id,
                place,
            };
            self.links
                .with_mut(link.key)
                .moved(listener, list.target, id, link);
        }
    }
}

/// Returns `true` if the place of a link holds its registration, in force.
#[inline]
pub(crate) fn holds(table: &Table, list: &List, listener: Entity, link: Link) -> bool {
    list.get(link.place)
        .is_some_and(|(at, handler)| at == listener && table.key_of(handler) == link.key)
}
