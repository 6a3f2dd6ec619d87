//! How the components of a type are read, with the type erased.

use core::{any::TypeId, fmt};

use bevy_ecs::{
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
use disqualified::ShortName;

use crate::{
    deleting::Deleting,
    inspect::{
        blind_spot::{BlindReason, NAMELESS},
        holder::{Place, PlaceKind, Strength},
        left_out::LeftOut,
        reflection::{self, ReflectAccess, Reflection},
    },
    reference::{field_places::FieldPlace, path::PathStep, tracked::Tracked, tracking::Tracking},
    relationship::{related_by, relation_of},
    timers::Timed,
};

/// Reads the components of a type.
pub(crate) struct Reader {
    pub(crate) component: ComponentId,
    pub(crate) name: String,
    /// The name without its path.
    short_name: String,
    declared: Option<Tracking>,
    undeclared: Undeclared,
    /// Whether sweeps leave the components as they are.
    pub(crate) is_left_out: bool,
    pub(crate) blindness: Vec<BlindReason>,
}

/// How the part of a component is read that is not declared.
enum Undeclared {
    Nothing,
    Reflected(ReflectAccess, PlaceKind),
    /// The entity that a relationship component names.
    Related(ComponentId),
    /// The entities that the target component of a relationship names.
    Relating(ComponentId),
    /// The entities that Bevy's observers keep.
    Observing(fn(EntityRef) -> Vec<Entity>),
}

/// How a sweep reads and empties the components of a type.
pub(crate) enum SweepAccess<'a> {
    Declared(Tracking),
    Reflected(&'a ReflectAccess),
}

impl Reader {
    pub(crate) fn of(world: &World, reflection: &Reflection, component: ComponentId) -> Self {
        let info = world.components().get_info(component);
        let info = info.expect("a component of an archetype should be registered");
        let left_out = world.get_resource::<LeftOut>();
        let left_out = left_out.and_then(|left_out| left_out.name_of(component));
        let tracked = world.get_resource::<Tracked>();
        let declared = tracked.and_then(|tracked| tracked.find(component));
        let known = reflection.know(info.type_id());
        let name = match (&declared, known.name) {
            (Some(declared), _) => declared.reach.name().to_owned(),
            (None, Some(name)) => name.to_owned(),
            (None, None) => match left_out {
                Some(name) => name.to_owned(),
                None => name_of(world, component, info),
            },
        };
        let related = match info.relationship_accessor() {
            Some(RelationshipAccessor::Relationship { .. }) => Some(Undeclared::Related(component)),
            Some(RelationshipAccessor::RelationshipTarget { .. }) => {
                Some(Undeclared::Relating(component))
            }
            None => None,
        };
        let mut blindness = known.blindness;
        let undeclared = match (known.access, related) {
            _ if is_harmless(info) => {
                blindness.clear();
                Undeclared::Nothing
            }
            _ if info.type_id() == Some(TypeId::of::<Observer>()) => {
                blindness.clear();
                Undeclared::Observing(watched_by)
            }
            _ if info.type_id() == Some(TypeId::of::<ObservedBy>()) => {
                blindness.clear();
                Undeclared::Observing(observers_of)
            }
            (Some(access), None) => Undeclared::Reflected(access, PlaceKind::Plain),
            (Some(access), Some(_)) => Undeclared::Reflected(access, PlaceKind::Kept),
            (None, Some(related)) => {
                blindness.retain(is_about_a_part);
                related
            }
            (None, None) => Undeclared::Nothing,
        };
        if declared.is_some() {
            // Declared fields can be read. Other fields were left out on purpose.
            blindness.retain(is_about_a_part);
        }
        Self {
            component,
            short_name: ShortName(&name).to_string(),
            name,
            declared,
            undeclared,
            is_left_out: left_out.is_some(),
            blindness,
        }
    }

    /// Returns the sort key of readers.
    pub(crate) fn order(&self) -> (&str, &str) {
        (&self.short_name, &self.name)
    }

    /// Returns `true` if the components may name entities.
    pub(crate) fn may_name(&self) -> bool {
        self.declared.is_some() || !matches!(self.undeclared, Undeclared::Nothing)
    }

    /// Calls `found` for each entity that the component of `holder` names. An entity may come more
    /// than once.
    pub(crate) fn for_each(
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
        self.read_undeclared(world, reflection, holder, &mut |entity, _, _| found(entity));
    }

    /// Adds all places where the component of `holder` names `target`. Returns the first place that
    /// was too deep.
    pub(crate) fn add_places(
        &self,
        world: &World,
        reflection: &mut Reflection,
        holder: EntityRef,
        target: Entity,
        places: &mut Vec<Place>,
    ) -> Option<String> {
        let start = places.len();
        let place = |path, kind| Place {
            component: self.name.clone(),
            path,
            kind,
        };
        for declared in self.declared_places(world, holder.id(), &mut |at| at == target) {
            let kind = PlaceKind::Declared(declared.policy);
            places.push(place(declared.path, kind));
        }
        let declared = places.len();
        let kind = self.kind();
        self.read_undeclared(world, reflection, holder, &mut |entity, strength, path| {
            if entity != target {
                return;
            }
            let path = path.to_string();
            let is_declared = places[start..declared].iter().any(|at| at.path == path);
            if !is_declared {
                let kind = match strength {
                    Strength::Weak => PlaceKind::Weak,
                    Strength::Strong => kind,
                };
                places.push(place(path, kind));
            }
        })
    }

    /// Returns how a sweep reads and empties the components, if it does.
    pub(crate) fn sweep_access(&self) -> Option<SweepAccess<'_>> {
        if self.is_left_out {
            return None;
        }
        match (&self.declared, &self.undeclared) {
            (Some(declared), _) => Some(SweepAccess::Declared(*declared)),
            (None, Undeclared::Reflected(access, PlaceKind::Plain)) => {
                Some(SweepAccess::Reflected(access))
            }
            (None, _) => None,
        }
    }

    /// Adds all places that a sweep would empty in the component of `holder`, with the entities
    /// that they name. Returns the first place that was too deep.
    pub(crate) fn add_leftovers(
        &self,
        world: &World,
        reflection: &mut Reflection,
        holder: EntityRef,
        is_meant: &mut dyn FnMut(Entity) -> bool,
        places: &mut Vec<(Entity, Place)>,
    ) -> Option<String> {
        let place = |path, kind| Place {
            component: self.name.clone(),
            path,
            kind,
        };
        match self.sweep_access()? {
            SweepAccess::Declared(_) => {
                for declared in self.declared_places(world, holder.id(), is_meant) {
                    let kind = PlaceKind::Declared(declared.policy);
                    places.push((declared.entity, place(declared.path, kind)));
                }
                None
            }
            SweepAccess::Reflected(access) => {
                reflection.look(access, holder, &mut |entity, strength, path| {
                    if strength == Strength::Strong && is_meant(entity) {
                        let place = place(path.to_string(), PlaceKind::Plain);
                        places.push((entity, place));
                    }
                })
            }
        }
    }

    fn declared_places(
        &self,
        world: &World,
        holder: Entity,
        is_meant: &mut dyn FnMut(Entity) -> bool,
    ) -> Vec<FieldPlace> {
        let declared = self.declared;
        declared.map_or(Vec::new(), |declared| {
            declared.reach.places(world, holder, is_meant)
        })
    }

    /// Returns the kind of the places that are not declared.
    fn kind(&self) -> PlaceKind {
        match self.undeclared {
            Undeclared::Nothing => PlaceKind::Plain,
            Undeclared::Reflected(_, kind) => kind,
            Undeclared::Related(_) | Undeclared::Relating(_) | Undeclared::Observing(_) => {
                PlaceKind::Kept
            }
        }
    }

    fn read_undeclared(
        &self,
        world: &World,
        reflection: &mut Reflection,
        holder: EntityRef,
        found: &mut dyn FnMut(Entity, Strength, &dyn fmt::Display),
    ) -> Option<String> {
        let mut kept = Vec::new();
        match &self.undeclared {
            Undeclared::Nothing => {}
            Undeclared::Reflected(access, _) => return reflection.look(access, holder, found),
            Undeclared::Related(component) => {
                if let Some(entity) = relation_of(world, holder, *component) {
                    found(entity, Strength::Strong, &"");
                }
            }
            Undeclared::Relating(component) => {
                related_by(world, holder, *component, |entity| kept.push(entity));
            }
            Undeclared::Observing(entities) => kept = entities(holder),
        }
        for (index, entity) in kept.into_iter().enumerate() {
            found(entity, Strength::Strong, &PathStep::Index(index));
        }
        None
    }
}

fn is_about_a_part(blindness: &BlindReason) -> bool {
    matches!(
        blindness,
        BlindReason::Opaque { .. } | BlindReason::TooDeep { .. }
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

/// Returns `true` if a component holds no entities, or only some that reports need not name.
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
    #[cfg(feature = "bevy_app")]
    let is_of_app = |id| {
        let orders = [
            TypeId::of::<bevy_app::MainScheduleOrder>(),
            TypeId::of::<bevy_app::FixedMainScheduleOrder>(),
            TypeId::of::<bevy_ecs::message::Messages<bevy_app::AppExit>>(),
        ];
        orders.contains(&id)
    };
    #[cfg(not(feature = "bevy_app"))]
    let is_of_app = |_| false;
    let is_known = |id| harmless.contains(&id) || is_of_app(id) || reflection::is_of_reflection(id);
    info.layout().size() == 0 || info.type_id().is_some_and(is_known)
}

/// Returns the name of a type that is only known to Bevy.
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
    // Without Bevy's feature `debug`, all types have the same text for a name.
    let (resource, expected) = named::<IsResource>();
    let components = world.components();
    let resource = components.get_id(resource);
    let resource = resource.and_then(|resource| components.get_info(resource));
    if resource.is_some_and(|resource| *resource.name() == *expected) {
        info.name().to_string()
    } else {
        format!("{NAMELESS}{}", component.index())
    }
}

fn named<C: 'static>() -> (TypeId, &'static str) {
    (TypeId::of::<C>(), core::any::type_name::<C>())
}
