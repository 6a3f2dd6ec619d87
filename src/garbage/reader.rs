//! How the components of a type are read, when their type is forgotten.

use core::{any::TypeId, fmt};

use bevy_ecs::{
    archetype::{Archetype, ArchetypeId},
    component::{ComponentId, ComponentInfo},
    entity::Entity,
    entity_disabling::DefaultQueryFilters,
    error::FallbackErrorHandler,
    hierarchy::{ChildOf, Children},
    message::MessageRegistry,
    name::Name,
    observer::{ObservedBy, Observer},
    relationship::RelationshipAccessor,
    resource::IsResource,
    schedule::Schedules,
    world::{EntityRef, World},
};
use bevy_platform::collections::HashMap;

use super::{
    blind_spot::Blindness,
    holder::{ReferenceKind, ReferencePlace},
    reflection::{self, Lens, Reflection},
};
use crate::{
    deleting::Deleting,
    reference::{Step, Tracked, Tracking},
    relationship::{related_by, relation_of},
    signal::Reserved,
    text::ShortType,
    timers::Timed,
};

/// How all components that occur in a world are read.
pub(super) struct Readers {
    /// By the names of the types.
    readers: Vec<Reader>,
    of_components: HashMap<ComponentId, usize>,
    /// Those that may name anybody.
    of_archetypes: HashMap<ArchetypeId, Vec<usize>>,
}

/// How the components of a type are read.
pub(super) struct Reader {
    pub(super) name: String,
    declared: Option<Tracking>,
    rest: Rest,
    pub(super) blindness: Vec<Blindness>,
}

/// How that is read which is not declared.
enum Rest {
    Nothing,
    Reflected(Lens, ReferenceKind),
    /// The one who is named by a relationship component.
    Related(ComponentId),
    /// Those whom the target component of a relationship names.
    Relating(ComponentId),
    /// What Bevy's observers keep.
    Observing(fn(EntityRef) -> Vec<Entity>),
}

/// Whether a place holds an entity or merely knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    Strong,
    #[cfg_attr(
        not(feature = "bevy_reflect"),
        expect(dead_code, reason = "handles are found by reflection")
    )]
    Weak,
}

impl Readers {
    pub(super) fn of(world: &World, reflection: &Reflection) -> Self {
        let mut components: Vec<_> = archetypes(world)
            .flat_map(Archetype::iter_components)
            .collect();
        components.sort_unstable();
        components.dedup();
        let components = components.into_iter();
        let mut named: Vec<_> = components
            .map(|component| (component, Reader::of(world, reflection, component)))
            .collect();
        named.sort_by_cached_key(|(_, reader)| {
            let name = reader.name.clone();
            (ShortType(&name).to_string(), name)
        });
        let (components, readers): (Vec<_>, Vec<_>) = named.into_iter().unzip();
        let of_components = components.into_iter().zip(0..).collect();
        let mut all = Self {
            readers,
            of_components,
            of_archetypes: HashMap::default(),
        };
        for archetype in archetypes(world) {
            let components = archetype.iter_components();
            let mut readers: Vec<_> = components.map(|id| all.of_components[&id]).collect();
            readers.retain(|reader| all.readers[*reader].may_name());
            readers.sort_unstable();
            all.of_archetypes.insert(archetype.id(), readers);
        }
        all
    }

    /// Returns how the components of a type are read that occurs in the world.
    pub(super) fn get(&self, component: ComponentId) -> Option<&Reader> {
        let reader = self.of_components.get(&component)?;
        Some(&self.readers[*reader])
    }

    /// Returns the types of the components of an archetype that may name anybody, by name.
    pub(super) fn of_archetype(&self, archetype: &Archetype) -> impl Iterator<Item = &Reader> {
        let readers = self.of_archetypes.get(&archetype.id());
        let readers = readers.into_iter().flatten();
        readers.map(|reader| &self.readers[*reader])
    }
}

impl Reader {
    fn of(world: &World, reflection: &Reflection, component: ComponentId) -> Self {
        let info = world.components().get_info(component);
        let info = info.expect("a component of an archetype should be registered");
        let tracked = world.get_resource::<Tracked>();
        let declared = tracked.and_then(|tracked| tracked.find(component));
        let known = reflection.know(info.type_id());
        let name = match (&declared, known.name) {
            (Some(declared), _) => declared.reach.name().to_owned(),
            (None, Some(name)) => name.to_owned(),
            (None, None) => name_of(world, component, info),
        };
        let related = match info.relationship_accessor() {
            Some(RelationshipAccessor::Relationship { .. }) => Some(Rest::Related(component)),
            Some(RelationshipAccessor::RelationshipTarget { .. }) => {
                Some(Rest::Relating(component))
            }
            None => None,
        };
        let mut blindness = known.blindness;
        let rest = match (known.lens, related) {
            _ if is_harmless(info) => {
                blindness.clear();
                Rest::Nothing
            }
            _ if info.type_id() == Some(TypeId::of::<Observer>()) => {
                blindness.clear();
                Rest::Observing(watched_by)
            }
            _ if info.type_id() == Some(TypeId::of::<ObservedBy>()) => {
                blindness.clear();
                Rest::Observing(observers_of)
            }
            (Some(lens), None) => Rest::Reflected(lens, ReferenceKind::Plain),
            (Some(lens), Some(_)) => Rest::Reflected(lens, ReferenceKind::Kept),
            (None, Some(related)) => {
                blindness.retain(is_about_a_part);
                related
            }
            (None, None) => Rest::Nothing,
        };
        if declared.is_some() {
            // What is declared can be seen; what is not is the business of whoever left it out.
            blindness.retain(is_about_a_part);
        }
        Self {
            name,
            declared,
            rest,
            blindness,
        }
    }

    fn may_name(&self) -> bool {
        self.declared.is_some() || !matches!(self.rest, Rest::Nothing)
    }

    /// Calls `found` for each entity that the component of `holder` names; an entity may come more than once.
    pub(super) fn for_each(
        &self,
        world: &World,
        reflection: &mut Reflection,
        holder: EntityRef,
        found: &mut dyn FnMut(Entity),
    ) {
        if let Some(declared) = self.declared {
            declared
                .reach
                .visit(world, holder.id(), &mut |entity, _| found(entity));
        }
        self.read_rest(world, reflection, holder, &mut |entity, _, _| found(entity));
    }

    /// Adds all places where the component of `holder` names `target`, and returns the first that was too deep to be looked
    /// at.
    pub(super) fn add_places(
        &self,
        world: &World,
        reflection: &mut Reflection,
        holder: EntityRef,
        target: Entity,
        places: &mut Vec<ReferencePlace>,
    ) -> Option<String> {
        let start = places.len();
        let place = |path, kind| ReferencePlace {
            component: self.name.clone(),
            path,
            kind,
        };
        if let Some(declared) = self.declared {
            let paths = declared.reach.paths(world, holder.id(), target).into_iter();
            places.extend(paths.map(|(path, policy)| place(path, ReferenceKind::Declared(policy))));
        }
        let declared = places.len();
        let kind = self.kind();
        self.read_rest(world, reflection, holder, &mut |entity, strength, path| {
            if entity != target {
                return;
            }
            let path = path.to_string();
            let is_declared = places[start..declared].iter().any(|at| at.path == path);
            if !is_declared {
                let kind = match strength {
                    Strength::Weak => ReferenceKind::Weak,
                    Strength::Strong => kind,
                };
                places.push(place(path, kind));
            }
        })
    }

    /// Returns the kind of the places that are not declared.
    fn kind(&self) -> ReferenceKind {
        match self.rest {
            Rest::Nothing => ReferenceKind::Plain,
            Rest::Reflected(_, kind) => kind,
            Rest::Related(_) | Rest::Relating(_) | Rest::Observing(_) => ReferenceKind::Kept,
        }
    }

    fn read_rest(
        &self,
        world: &World,
        reflection: &mut Reflection,
        holder: EntityRef,
        found: &mut dyn FnMut(Entity, Strength, &dyn fmt::Display),
    ) -> Option<String> {
        let mut kept = Vec::new();
        match &self.rest {
            Rest::Nothing => {}
            Rest::Reflected(lens, _) => return reflection.look(lens, holder, found),
            Rest::Related(component) => {
                if let Some(entity) = relation_of(world, holder, *component) {
                    found(entity, Strength::Strong, &"");
                }
            }
            Rest::Relating(component) => {
                related_by(world, holder, *component, |entity| kept.push(entity));
            }
            Rest::Observing(entities) => kept = entities(holder),
        }
        for (index, entity) in kept.into_iter().enumerate() {
            found(entity, Strength::Strong, &Step::Index(index));
        }
        None
    }
}

/// Returns all archetypes that have entities, without those of this crate.
pub(super) fn archetypes(world: &World) -> impl Iterator<Item = &Archetype> {
    let reserved = world.components().component_id::<Reserved>();
    world.archetypes().iter().filter(move |archetype| {
        let is_reserved = reserved.is_some_and(|reserved| archetype.contains(reserved));
        !archetype.is_empty() && !is_reserved
    })
}

fn is_about_a_part(blindness: &Blindness) -> bool {
    matches!(
        blindness,
        Blindness::Opaque { .. } | Blindness::TooDeep { .. }
    )
}

fn watched_by(holder: EntityRef) -> Vec<Entity> {
    let observer = holder.get::<Observer>();
    observer.map_or(Vec::new(), |observer| {
        observer.descriptor().entities().to_vec()
    })
}

fn observers_of(holder: EntityRef) -> Vec<Entity> {
    let observed = holder.get::<ObservedBy>();
    observed.map_or(Vec::new(), |observed| observed.get().to_vec())
}

/// Tells whether a component can hold nothing, or nothing that is anybody's business.
fn is_harmless(info: &ComponentInfo) -> bool {
    let harmless = [
        TypeId::of::<Deleting>(),
        TypeId::of::<Timed>(),
        TypeId::of::<Name>(),
        TypeId::of::<IsResource>(),
        TypeId::of::<DefaultQueryFilters>(),
        TypeId::of::<FallbackErrorHandler>(),
        TypeId::of::<MessageRegistry>(),
        TypeId::of::<Schedules>(),
    ];
    let is_known = |id| harmless.contains(&id) || reflection::is_of_reflection(id);
    info.layout().size() == 0 || info.type_id().is_some_and(is_known)
}

/// Returns the name of a type that only Bevy knows.
fn name_of(world: &World, component: ComponentId, info: &ComponentInfo) -> String {
    let kept = [
        named::<ChildOf>(),
        named::<Children>(),
        named::<Observer>(),
        named::<ObservedBy>(),
    ];
    let mut kept = kept.into_iter();
    if let Some((_, name)) = kept.find(|(id, _)| info.type_id() == Some(*id)) {
        return name.to_owned();
    }
    // Without Bevy's feature `debug` all types have the same text for a name.
    let (resource, expected) = named::<IsResource>();
    let components = world.components();
    let resource = components.get_id(resource);
    let resource = resource.and_then(|resource| components.get_info(resource));
    if resource.is_some_and(|resource| *resource.name() == *expected) {
        info.name().to_string()
    } else {
        format!("component {}", component.index())
    }
}

fn named<C: 'static>() -> (TypeId, &'static str) {
    (TypeId::of::<C>(), core::any::type_name::<C>())
}
