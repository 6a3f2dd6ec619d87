//! What deletions have to know of an entity, which hangs on its archetype alone.
//!
//! Most entities that go are heard by nobody, own nothing and hold nothing outside the ECS. To see that takes one
//! look at a table instead of one for each component that would say otherwise.

use bevy_ecs::{
    archetype::{Archetype, ArchetypeId},
    component::ComponentId,
    entity::Entity,
    entity_disabling::Disabled,
    lifecycle::{ADD, DESPAWN, DISCARD, INSERT, REMOVE},
    resource::IS_RESOURCE,
    world::World,
};

use super::tear_down::is_heard;
use crate::{
    deleting::{Deleting, KindId, Visibility},
    signal::Signals,
};

/// What deletions have to know of the entities of an archetype.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Profile(u8);

impl Profile {
    const DELETING: u8 = 1;
    const HIDDEN: u8 = 1 << 1;
    const RESOURCE: u8 = 1 << 2;
    const HEARD: u8 = 1 << 3;
    const OWNER: u8 = 1 << 4;
    const DESTROYED: u8 = 1 << 5;

    /// Returns whether queries see such an entity.
    pub(super) fn visibility(self) -> Visibility {
        if self.0 & Self::HIDDEN == 0 {
            Visibility::Seen
        } else {
            Visibility::Hidden
        }
    }

    /// Tells whether somebody may listen to such an entity, or name it by a declared reference.
    pub(super) fn is_heard(self) -> bool {
        self.0 & Self::HEARD != 0
    }

    /// Tells whether nobody has a say in the deletion of such an entity or goes with it, whether it is heard or not.
    fn is_free(self) -> bool {
        self.0 & (Self::DELETING | Self::RESOURCE | Self::OWNER) == 0
    }

    /// Tells whether such an entity has components that are destroyed.
    pub(super) fn is_destroyed(self) -> bool {
        self.0 & Self::DESTROYED != 0
    }

    /// Tells whether nothing happens between the mark of such an entity and its tear-down.
    pub(super) fn is_unnoticed(self) -> bool {
        self.is_free() && !self.is_heard() && !self.is_destroyed()
    }
}

/// The profiles of the archetypes of a world, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    /// By the number of the archetype.
    known: Vec<Profile>,
    /// Components, and what it means to have them.
    meanings: Vec<(ComponentId, u8)>,
    /// The archetype of nothing but the mark of an entity that is deleted: Bevy keeps in it whether anybody observes that.
    mark: Option<ArchetypeId>,
}

impl Profiles {
    /// Returns what to know of `entity`, or `None` if it is not there.
    pub(super) fn of(&self, world: &World, entity: Entity) -> Option<Profile> {
        let location = world.entities().get_spawned(entity).ok()?;
        Some(self.at(world, location.archetype_id))
    }

    /// Tells whether `entity` is there, and nobody has a say in its deletion or goes with it. Whether those who hear of
    /// it may have a say is `hearers_decide`.
    pub(super) fn is_unasked(
        &self,
        world: &World,
        entity: Entity,
        hearers_decide: impl FnOnce() -> bool,
    ) -> bool {
        let profile = self.of(world, entity);
        profile
            .is_some_and(|profile| profile.is_free() && !(profile.is_heard() && hearers_decide()))
    }

    fn at(&self, world: &World, archetype: ArchetypeId) -> Profile {
        match self.known(archetype) {
            Some(profile) => profile,
            None => self.read(&world.archetypes()[archetype]),
        }
    }

    /// Returns what to know of the entities of an archetype, if it is known already.
    pub(super) fn known(&self, archetype: ArchetypeId) -> Option<Profile> {
        self.known.get(archetype.index()).copied()
    }

    /// Tells whether nobody observes the mark of an entity that is deleted.
    pub(super) fn is_mark_unseen(&self, world: &World) -> bool {
        match self.mark {
            Some(mark) => is_quiet(&world.archetypes()[mark]),
            None => false,
        }
    }

    /// Tells whether all archetypes are known. The others are read whenever they are asked for.
    pub(super) fn are_current(&self, world: &World) -> bool {
        self.known.len() == world.archetypes().len()
    }

    /// Reads the archetypes that are not known yet: those that are, do not change.
    pub(super) fn keep_up(&mut self, world: &World) {
        let new = world.archetypes().iter().skip(self.known.len());
        let new: Vec<_> = new.map(|archetype| self.read(archetype)).collect();
        self.known.extend(new);
    }

    /// Returns profiles with nothing known yet, from what it means to have a component: those of `owners` and those that
    /// are `destroyed` besides those that every world has.
    pub(super) fn new(
        everywhere: &Meanings,
        owners: &[ComponentId],
        destroyed: impl Iterator<Item = ComponentId>,
    ) -> Self {
        let owners = owners.iter().map(|owner| (*owner, Profile::OWNER));
        let destroyed = destroyed.map(|component| (component, Profile::DESTROYED));
        Self {
            known: Vec::new(),
            meanings: everywhere
                .components
                .into_iter()
                .chain(owners)
                .chain(destroyed)
                .collect(),
            mark: everywhere.mark,
        }
    }

    fn read(&self, archetype: &Archetype) -> Profile {
        let meant = self.meanings.iter();
        let meant = meant.filter(|(component, _)| archetype.contains(*component));
        Profile(meant.fold(0, |all, (_, meaning)| all | meaning))
    }
}

/// What it means to have a component, for those that mean the same in every world.
pub(super) struct Meanings {
    components: [(ComponentId, u8); 4],
    mark: Option<ArchetypeId>,
}

impl Meanings {
    /// Registers the components, so that they can be told from others.
    pub(super) fn register(world: &mut World) -> Self {
        let mark = [
            world.register_component::<Deleting>(),
            world.register_component::<Disabled>(),
        ];
        let [deleting, disabled] = mark;
        Self {
            components: [
                (deleting, Profile::DELETING),
                (disabled, Profile::HIDDEN),
                (world.register_component::<Signals>(), Profile::HEARD),
                (IS_RESOURCE, Profile::RESOURCE),
            ],
            mark: archetype_of(world, mark).or_else(|| make_mark(world, mark)),
        }
    }
}

/// Returns the archetype of a mark without anything else.
fn archetype_of(world: &World, mark: [ComponentId; 2]) -> Option<ArchetypeId> {
    let mut archetypes = world.archetypes().iter();
    let is_mark = |archetype: &&Archetype| {
        archetype.component_count() == mark.len() && mark.iter().all(|at| archetype.contains(*at))
    };
    archetypes.find(is_mark).map(Archetype::id)
}

/// Makes that archetype, unless somebody would see how.
fn make_mark(world: &mut World, mark: [ComponentId; 2]) -> Option<ArchetypeId> {
    let is_seen = [ADD, INSERT, DISCARD, REMOVE, DESPAWN].iter().any(|event| {
        let observers = world.observers().try_get_observers(*event);
        observers.is_some_and(|observers| {
            let observers = observers.component_observers();
            mark.iter()
                .any(|component| observers.contains_key(component))
        })
    });
    if is_seen {
        return None;
    }
    let nobody = Deleting::mark(Visibility::Seen, false, false, KindId::OTHERS);
    let nobody = world.spawn(nobody);
    let archetype = nobody.archetype().id();
    nobody.despawn();
    Some(archetype)
}

/// Tells whether nothing runs when entities of an archetype come, change or go.
fn is_quiet(archetype: &Archetype) -> bool {
    !(is_heard(archetype)
        || archetype.has_add_hook()
        || archetype.has_insert_hook()
        || archetype.has_add_observer()
        || archetype.has_insert_observer())
}
