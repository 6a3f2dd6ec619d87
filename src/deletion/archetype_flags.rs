//! What deletions have to know of an entity that depends on its archetype alone.
//!
//! Most entities that go have no listeners, own nothing and hold nothing outside the ECS. One look
//! at a table shows that, instead of one for each component that would say otherwise.

use bevy_ecs::{
    archetype::{Archetype, ArchetypeId},
    component::{ComponentId, ComponentInfo},
    entity::Entity,
    entity_disabling::Disabled,
    event::EventKey,
    lifecycle::{ADD, DESPAWN, DISCARD, INSERT, REMOVE},
    observer::CachedObservers,
    resource::IS_RESOURCE,
    world::World,
};
use smallvec::SmallVec;

use crate::{
    deleting::{Deleting, Visibility},
    deletion::{owned::Ownerships, settings::Hiding},
    signal::target::SignalTarget,
};

/// What deletions have to know of the entities of an archetype.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Profile(u8);

impl Profile {
    const DELETING: u8 = 1;
    const HIDDEN: u8 = 1 << 1;
    const RESOURCE: u8 = 1 << 2;
    const HEARD: u8 = 1 << 3;
    const OWNER: u8 = 1 << 4;
    const DESTROYED: u8 = 1 << 5;
    const OWNED: u8 = 1 << 6;
    const HOOKED: u8 = 1 << 7;

    /// Returns what a deletion does to what queries see of such an entity.
    pub(crate) fn visibility(self, hiding: Hiding) -> Visibility {
        if hiding == Hiding::Hide && self.0 & Self::HIDDEN == 0 {
            Visibility::Hidden
        } else {
            Visibility::AsItWas
        }
    }

    /// Returns `true` if queries see such an entity though it is being deleted.
    fn is_shown(self) -> bool {
        self.0 & (Self::DELETING | Self::HIDDEN) == Self::DELETING
    }

    /// Returns `true` if such an entity may have listeners, or be named by a declared reference.
    pub(crate) fn is_heard(self) -> bool {
        self.0 & Self::HEARD != 0
    }

    /// Returns `true` if no other entity goes with such an entity or has a say in its deletion, but
    /// for its listeners.
    pub(crate) fn is_free(self) -> bool {
        self.0 & (Self::DELETING | Self::RESOURCE | Self::OWNER) == 0
    }

    /// Returns `true` if such an entity owns something.
    pub(crate) fn is_owner(self) -> bool {
        self.0 & Self::OWNER != 0
    }

    /// Returns `true` if such an entity has components that are destroyed.
    pub(crate) fn is_destroyed(self) -> bool {
        self.0 & Self::DESTROYED != 0
    }

    /// Returns `true` if such an entity owns something or is owned, so that hooks of Bevy's run
    /// when it is despawned.
    pub(crate) fn is_linked(self) -> bool {
        self.0 & (Self::OWNER | Self::OWNED) != 0
    }

    /// Returns `true` if nothing is told of the end of such an entity, but that other entities may
    /// go with it.
    pub(crate) fn is_untold(self) -> bool {
        let told = Self::DELETING | Self::RESOURCE | Self::HEARD | Self::DESTROYED | Self::HOOKED;
        self.0 & told == 0
    }

    /// Returns `true` if hooks may run when such an entity is despawned that are neither of this
    /// crate nor of an [ownership](Self::is_linked).
    pub(crate) fn is_hooked(self) -> bool {
        self.0 & Self::HOOKED != 0
    }

    /// Returns `true` if code of others may run when an entity of this `archetype` is despawned: a
    /// [hook](Self::is_hooked) or an observer. So the end of each listener is noticed.
    pub(crate) fn calls_at_end(self, archetype: &Archetype) -> bool {
        self.is_hooked() || has_end_observers(archetype)
    }

    /// Returns `true` if nothing happens between the mark of such an entity and its tear-down, but
    /// that its listeners are told.
    pub(crate) fn is_only_heard(self) -> bool {
        self.is_free() && !self.is_destroyed()
    }
}

/// The profiles of the archetypes of a world, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    /// By the number of the archetype.
    known: Vec<Profile>,
    /// The archetypes of those that are being deleted and not hidden.
    shown: Vec<ArchetypeId>,
    /// What hides, once that is known.
    disabled: Option<ComponentId>,
    /// Components, and what it means to have them.
    table: Vec<(ComponentId, u8)>,
    /// The archetype of nothing but the mark of an entity that is deleted, once there is one: Bevy
    /// keeps in it whether that is observed.
    mark: Option<ArchetypeId>,
    /// How many archetypes were known when it was looked for.
    looked_through: usize,
    /// Whether the mark hides.
    hiding: Hiding,
}

impl Profiles {
    /// Returns what to know of `entity`, or `None` if it is not there.
    pub(crate) fn of(&self, world: &World, entity: Entity) -> Option<Profile> {
        let location = world.entities().get_spawned(entity).ok()?;
        Some(self.at(world, location.archetype_id))
    }

    /// Returns `true` if `entity` is there, and no other has a say in its deletion or goes with it.
    /// Whether its listeners may have a say is `hearers_decide`.
    pub(crate) fn is_unasked(
        &self,
        world: &World,
        entity: Entity,
        hearers_decide: impl FnOnce() -> bool,
    ) -> bool {
        let profile = self.of(world, entity);
        profile
            .is_some_and(|profile| profile.is_free() && !(profile.is_heard() && hearers_decide()))
    }

    /// Returns what to know of the entities of an archetype.
    pub(crate) fn at(&self, world: &World, archetype: ArchetypeId) -> Profile {
        match self.known(archetype) {
            Some(profile) => profile,
            None => self.read(world, &world.archetypes()[archetype]),
        }
    }

    /// Returns what to know of the entities of an archetype, if it is known already.
    pub(crate) fn known(&self, archetype: ArchetypeId) -> Option<Profile> {
        self.known.get(archetype.index()).copied()
    }

    /// Returns how many archetypes are known.
    pub(crate) fn count(&self) -> usize {
        self.known.len()
    }

    /// Returns `true` if it is known that the mark of an entity that is deleted is not observed.
    pub(crate) fn is_mark_unseen(&self, world: &World) -> bool {
        let mark = self.mark.map(|mark| &world.archetypes()[mark]);
        mark.is_some_and(|mark| !(has_hooks(mark) || has_observers(mark)))
    }

    /// Returns `true` if there is no archetype of the mark alone, though others came since one was
    /// looked for.
    pub(crate) fn may_lack_mark(&self) -> bool {
        self.mark.is_none() && self.looked_through < self.known.len()
    }

    /// Returns `true` if there is no archetype of the mark alone, and no hook or observer would see
    /// how it is made.
    ///
    /// That takes an entity that was marked: as long as there was none, the game may still want to
    /// add hooks, and an archetype would forbid that.
    pub(crate) fn lacks_mark(&mut self, world: &World) -> bool {
        self.looked_through = self.known.len();
        let mark = self.mark_components();
        let mut archetypes = world.archetypes().iter();
        self.mark.is_none()
            && archetypes.any(|at| !has_hooks(at) && mark.iter().all(|mark| at.contains(*mark)))
            && !LIFECYCLE.iter().any(|event| {
                let observers = world.observers().try_get_observers(*event);
                let observers = observers.map(CachedObservers::component_observers);
                observers.is_some_and(|at| mark.iter().any(|mark| at.contains_key(mark)))
            })
    }

    fn mark_components(&self) -> SmallVec<[ComponentId; 2]> {
        let table = self.table.iter();
        let of_mark = match self.hiding {
            Hiding::Hide => Profile::DELETING | Profile::HIDDEN,
            Hiding::LeaveVisible => Profile::DELETING,
        };
        let is_mark = |meaning: u8| meaning & of_mark != 0;
        let mark = table.filter(|(_, meaning)| is_mark(*meaning));
        mark.map(|(component, _)| *component).collect()
    }

    /// Returns `true` if there are archetypes of entities that are being deleted and not hidden, as
    /// far as they are known.
    pub(crate) fn may_be_shown(&self) -> bool {
        !self.shown.is_empty()
    }

    /// Returns how often `Disabled` was removed from an entity: Bevy counts that for all
    /// components.
    pub(crate) fn removals(&self, world: &World) -> usize {
        let removed = self
            .disabled
            .and_then(|disabled| world.removed_components().get(disabled));
        removed.map_or(0, |removed| removed.oldest_message_count() + removed.len())
    }

    /// Returns the archetypes of entities that are being deleted and not hidden, as far as they are
    /// known, and that are not empty.
    pub(crate) fn shown<'a>(&'a self, world: &'a World) -> impl Iterator<Item = &'a Archetype> {
        let shown = self.shown.iter().map(|at| &world.archetypes()[*at]);
        shown.filter(|archetype| !archetype.is_empty())
    }

    /// Returns `true` if all archetypes are known. The others are read whenever they are asked for.
    pub(crate) fn are_current(&self, world: &World) -> bool {
        self.known.len() == world.archetypes().len()
    }

    /// Reads the archetypes that are not known yet: those that are, do not change.
    pub(crate) fn keep_up(&mut self, world: &World) {
        let mark = self.mark_components();
        for archetype in world.archetypes().iter().skip(self.known.len()) {
            let profile = self.read(world, archetype);
            self.known.push(profile);
            if profile.is_shown() {
                self.shown.push(archetype.id());
            }
            let components = archetype.components();
            if components.len() == mark.len() && mark.iter().all(|at| components.contains(at)) {
                self.mark = Some(archetype.id());
            }
        }
    }

    /// Returns profiles with nothing known yet, from what it means to have a component: those of
    /// `ownerships`, those of `targets` and those that are `destroyed` besides those that every
    /// world has.
    pub(crate) fn new(
        everywhere: &FlagTable,
        ownerships: &Ownerships,
        targets: &[ComponentId],
        destroyed: impl Iterator<Item = ComponentId>,
        hiding: Hiding,
    ) -> Self {
        let owners = ownerships.targets().iter();
        let owners = owners.map(|owner| (*owner, Profile::OWNER));
        let owned = ownerships.owned_by().iter();
        let owned = owned.map(|owned| (*owned, Profile::OWNED));
        // Its hooks may also be those of a listener.
        let known = Profile::HEARD | Profile::HOOKED;
        let targets = targets.iter().map(|target| (*target, known));
        let destroyed = destroyed.map(|component| (component, Profile::DESTROYED));
        Self {
            known: Vec::new(),
            shown: Vec::new(),
            disabled: Some(everywhere.disabled()),
            table: everywhere
                .0
                .into_iter()
                .chain(owners)
                .chain(owned)
                .chain(targets)
                .chain(destroyed)
                .collect(),
            mark: None,
            looked_through: 0,
            hiding,
        }
    }

    /// Makes the mark hide from now on, or not.
    pub(crate) fn follow(&mut self, hiding: Hiding) {
        self.known.clear();
        self.shown.clear();
        self.mark = None;
        self.looked_through = 0;
        self.hiding = hiding;
    }

    fn read(&self, world: &World, archetype: &Archetype) -> Profile {
        let meant = self.table.iter();
        let meant = meant.filter(|(component, _)| archetype.contains(*component));
        let meant = meant.fold(0, |all, (_, meaning)| all | meaning);
        let is_hooked = has_end_hooks(archetype)
            && archetype.components().iter().any(|component| {
                let known = self.table.iter().find(|(at, _)| at == component);
                let meaning = known.map_or(0, |(_, meaning)| *meaning);
                EndHooks::of(world, *component).are_of_others(meaning)
            });
        let hooked = if is_hooked { Profile::HOOKED } else { 0 };
        Profile(meant | hooked)
    }
}

/// Which hooks of a component run when its entity is despawned.
///
/// Bevy lets no hook be added to a component that is part of an archetype.
struct EndHooks {
    on_discard: bool,
    on_remove: bool,
    on_despawn: bool,
}

impl EndHooks {
    fn of(world: &World, component: ComponentId) -> Self {
        let info = world.components().get_info(component);
        let mut hooks = info.map(ComponentInfo::hooks).cloned().unwrap_or_default();
        // A hook is only taken where there is none.
        Self {
            on_discard: hooks.try_on_discard(|_, _| {}).is_none(),
            on_remove: hooks.try_on_remove(|_, _| {}).is_none(),
            on_despawn: hooks.try_on_despawn(|_, _| {}).is_none(),
        }
    }

    /// Returns `true` if any of them is not what this crate or Bevy's relationships need for the
    /// `meaning` of the component.
    fn are_of_others(&self, meaning: u8) -> bool {
        match meaning {
            Profile::HEARD => self.on_discard,
            Profile::OWNER => self.on_remove,
            Profile::OWNED => self.on_remove || self.on_despawn,
            _ => self.on_discard || self.on_remove || self.on_despawn,
        }
    }
}

/// What it means to have a component, for those that mean the same in every world.
pub(crate) struct FlagTable([(ComponentId, u8); 4]);

impl FlagTable {
    /// Registers the components, so that they can be told from others.
    pub(crate) fn register(world: &mut World) -> Self {
        Self([
            (world.register_component::<Deleting>(), Profile::DELETING),
            (world.register_component::<Disabled>(), Profile::HIDDEN),
            (world.register_component::<SignalTarget>(), Profile::HEARD),
            (IS_RESOURCE, Profile::RESOURCE),
        ])
    }

    /// Returns what hides.
    fn disabled(&self) -> ComponentId {
        let [_, (disabled, _), ..] = self.0;
        disabled
    }
}

/// What Bevy tells of a component.
const LIFECYCLE: [EventKey; 5] = [ADD, INSERT, DISCARD, REMOVE, DESPAWN];

/// Returns `true` if hooks or observers may run when entities of an archetype are despawned.
pub(crate) fn runs_on_despawn(archetype: &Archetype) -> bool {
    has_end_hooks(archetype) || has_end_observers(archetype)
}

/// Returns `true` if hooks may run when entities of an archetype are despawned.
pub(crate) fn has_end_hooks(archetype: &Archetype) -> bool {
    archetype.has_discard_hook() || archetype.has_remove_hook() || archetype.has_despawn_hook()
}

/// Returns `true` if observers may run when entities of an archetype are despawned.
pub(crate) fn has_end_observers(archetype: &Archetype) -> bool {
    archetype.has_discard_observer()
        || archetype.has_remove_observer()
        || archetype.has_despawn_observer()
}

fn has_hooks(archetype: &Archetype) -> bool {
    archetype.has_add_hook() || archetype.has_insert_hook() || has_end_hooks(archetype)
}

fn has_observers(archetype: &Archetype) -> bool {
    archetype.has_add_observer() || archetype.has_insert_observer() || has_end_observers(archetype)
}
