//! Readers for all components of a world, by archetype.

use bevy_ecs::{
    archetype::{Archetype, ArchetypeId},
    component::ComponentId,
    entity::Entity,
    name::Name,
    resource::IsResource,
    world::World,
};
use disqualified::ShortName;

use crate::{
    books::Reserved,
    hash::HashMap,
    inspect::{
        blind_spot::{BlindReason, BlindSpot, TooDeep},
        label::EntityLabel,
        reader::Reader,
        reflection::Reflection,
    },
    liveness::LivenessExt,
};

/// Readers for the components of a world, as far as they are known by now.
#[derive(Default)]
pub(crate) struct Readers {
    readers: Vec<Reader>,
    of_components: HashMap<ComponentId, usize>,
    /// The components that may name entities, by the names of their types.
    of_archetypes: HashMap<ArchetypeId, Vec<usize>>,
}

/// What cannot look into a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlindTo {
    Search,
    Sweep,
}

impl Readers {
    /// Returns readers for all components in the world.
    pub(crate) fn of(world: &World, reflection: &Reflection) -> Self {
        let mut all = Self::default();
        all.learn_all(world, reflection);
        all
    }

    /// Adds readers for all components in the world.
    pub(crate) fn learn_all(&mut self, world: &World, reflection: &Reflection) {
        for archetype in archetypes(world) {
            self.learn(world, reflection, archetype);
        }
    }

    /// Adds readers for the components of an archetype.
    pub(crate) fn learn(&mut self, world: &World, reflection: &Reflection, archetype: &Archetype) {
        if self.of_archetypes.contains_key(&archetype.id()) {
            return;
        }
        let mut of_archetype = Vec::new();
        for component in archetype.iter_components() {
            let known = self.of_components.entry(component).or_insert_with(|| {
                self.readers.push(Reader::of(world, reflection, component));
                self.readers.len() - 1
            });
            if self.readers[*known].may_name() {
                of_archetype.push(*known);
            }
        }
        of_archetype.sort_unstable_by_key(|reader| self.readers[*reader].order());
        self.of_archetypes.insert(archetype.id(), of_archetype);
    }

    /// Returns the reader with a number.
    pub(crate) fn by_number(&self, number: usize) -> &Reader {
        &self.readers[number]
    }

    /// Returns the number of the reader for a type, if it occurs in the world.
    pub(crate) fn number_of(&self, component: ComponentId) -> Option<usize> {
        self.of_components.get(&component).copied()
    }

    /// Returns the numbers of the readers for an archetype, without components that cannot name
    /// entities.
    pub(crate) fn numbers_of_archetype(&self, archetype: ArchetypeId) -> &[usize] {
        self.of_archetypes
            .get(&archetype)
            .map_or(&[], |numbers| numbers)
    }

    /// Returns the types of components in the world that cannot be looked into, or only in part, by
    /// name.
    pub(crate) fn blind_spots(
        &self,
        world: &World,
        too_deep: TooDeep,
        blind_to: BlindTo,
    ) -> Vec<BlindSpot> {
        let mut entities: HashMap<ComponentId, usize> = HashMap::default();
        for archetype in archetypes(world) {
            for component in archetype.iter_components() {
                *entities.entry(component).or_default() += archetype.len() as usize;
            }
        }
        let mut spots = Vec::new();
        for (component, entities) in entities {
            let Some(reader) = self.get(component) else {
                continue;
            };
            if blind_to == BlindTo::Sweep && reader.is_left_out {
                spots.push(BlindSpot {
                    component: reader.name.clone(),
                    entities,
                    reason: BlindReason::LeftOut,
                });
                continue;
            }
            for reason in &reader.blindness {
                spots.push(BlindSpot {
                    component: reader.name.clone(),
                    entities,
                    reason: reason.clone(),
                });
            }
        }
        for (component, entities, path) in too_deep.into_iter() {
            if let Some(reader) = self.get(component) {
                spots.push(BlindSpot {
                    component: reader.name.clone(),
                    entities,
                    reason: BlindReason::TooDeep { path },
                });
            }
        }
        spots.sort_by_cached_key(|spot| {
            let name = ShortName(&spot.component).to_string();
            (name, spot.component.clone(), spot.reason.clone())
        });
        spots
    }

    /// Returns the label of an entity.
    pub(crate) fn label(&self, world: &World, entity: Entity) -> EntityLabel {
        let at = world.get_entity(entity).ok();
        let resource = at.and_then(|at| at.get::<IsResource>());
        let resource = resource.and_then(|at| self.get(at.resource_component_id()));
        EntityLabel {
            entity,
            name: at.and_then(|at| Some(at.get::<Name>()?.as_str().to_owned())),
            resource: resource.map(|reader| reader.name.clone()),
            liveness: world.liveness(entity),
        }
    }

    /// Returns the reader for a type, if it occurs in the world.
    pub(crate) fn get(&self, component: ComponentId) -> Option<&Reader> {
        self.number_of(component)
            .map(|number| self.by_number(number))
    }

    /// Returns the readers for an archetype, by name, without components that cannot name entities.
    pub(crate) fn of_archetype(&self, archetype: &Archetype) -> impl Iterator<Item = &Reader> {
        let numbers = self.numbers_of_archetype(archetype.id()).iter();
        numbers.map(|number| self.by_number(*number))
    }
}

/// Returns all archetypes that have entities, without those of this crate's resources.
pub(crate) fn archetypes(world: &World) -> impl Iterator<Item = &Archetype> {
    let reserved = world.components().component_id::<Reserved>();
    world.archetypes().iter().filter(move |archetype| {
        let is_reserved = reserved.is_some_and(|reserved| archetype.contains(reserved));
        !archetype.is_empty() && !is_reserved
    })
}
