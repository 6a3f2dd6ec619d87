//! Looks into values by reflection.

use core::{any::TypeId, fmt, ops::Deref};
use std::collections::BTreeSet;

use bevy_ecs::{
    entity::{Entity, EntityIndexSet},
    reflect::{AppTypeRegistry, ReflectComponent},
    world::{EntityRef, World},
};
use bevy_platform::sync::RwLockReadGuard;
use bevy_reflect::{PartialReflect, ReflectFromPtr, ReflectRef, TypeRegistry, enums::VariantType};

use crate::{
    hash::HashMap,
    inspect::{
        MAX_DEPTH,
        blind_spot::BlindReason,
        holder::Strength,
        survey::{self, Survey},
    },
    reference::path::PathStep,
    weak::WeakEntity,
};

/// Access to components of a type by reflection, to read and to empty them.
#[derive(Clone)]
pub(crate) struct ReflectAccess {
    pub(super) component: ReflectComponent,
    /// For immutable components.
    pub(super) pointer: Option<ReflectFromPtr>,
}

/// What is known of a type.
pub(crate) struct KnownType {
    /// The type path, if the type is registered.
    pub(crate) name: Option<&'static str>,
    /// Access to its components, if they can hold entities.
    pub(crate) access: Option<ReflectAccess>,
    /// The parts that cannot be looked into.
    pub(crate) blindness: Vec<BlindReason>,
}

/// Returns `true` if `value`, which is `depth` steps deep in a component, names any of `lost`.
pub(crate) fn names_any(value: &dyn PartialReflect, lost: &EntityIndexSet, depth: usize) -> bool {
    let mut found = false;
    let mut reflection = Reflection {
        registry: None,
        cache: TypeCache::default(),
    };
    let mut look = ValueWalk {
        reflection: &mut reflection,
        found: &mut |entity, strength, _| {
            found |= strength == Strength::Strong && lost.contains(&entity);
        },
        too_deep: None,
    };
    let trail = PathTrail {
        depth,
        ..PathTrail::START
    };
    look.value(value, &trail);
    found
}

/// The type registry of a world, and a cache of what was found out about types.
pub(crate) struct Reflection<'w> {
    registry: Option<Registry<'w>>,
    cache: TypeCache,
}

/// The registry of a world, which does not change meanwhile.
enum Registry<'w> {
    Locked(RwLockReadGuard<'w, TypeRegistry>),
    /// It is locked by the look of which this is a part.
    Shared(&'w TypeRegistry),
}

impl Deref for Registry<'_> {
    type Target = TypeRegistry;

    fn deref(&self) -> &TypeRegistry {
        match self {
            Self::Locked(registry) => registry,
            Self::Shared(registry) => registry,
        }
    }
}

/// Whether values of a type can hold an entity, as far as known.
pub(crate) type TypeCache = HashMap<TypeId, bool>;

impl<'w> Reflection<'w> {
    pub(crate) fn of(world: &'w World) -> Self {
        Self::knowing(world, TypeCache::default())
    }

    /// Returns the types of a world, with an earlier cache.
    pub(crate) fn knowing(world: &'w World, cache: TypeCache) -> Self {
        let registry = world.get_resource::<AppTypeRegistry>();
        Self {
            registry: registry.map(|registry| Registry::Locked(registry.read())),
            cache,
        }
    }

    /// Returns the same for a part of the look, on another thread for instance.
    ///
    /// It does not lock the registry once more: a thread that waits to write it would keep the part
    /// waiting, and the whole the writer.
    pub(crate) fn share(&self) -> Reflection<'_> {
        Reflection {
            registry: self.registry.as_deref().map(Registry::Shared),
            cache: self.cache.clone(),
        }
    }

    /// Returns the cache.
    pub(crate) fn into_cache(self) -> TypeCache {
        self.cache
    }

    /// Returns what is known of the components of a type.
    pub(crate) fn know(&self, id: Option<TypeId>) -> KnownType {
        let registration = self.registry.as_ref().zip(id);
        let registration = registration.and_then(|(registry, id)| registry.get(id));
        let Some(registration) = registration else {
            return KnownType {
                name: None,
                access: None,
                blindness: vec![BlindReason::NotRegistered],
            };
        };
        let info = registration.type_info();
        let name = Some(info.type_path());
        let Some(component) = registration.data::<ReflectComponent>() else {
            return KnownType {
                name,
                access: None,
                blindness: vec![BlindReason::NotReflected],
            };
        };
        let survey = Survey::of(info, self.registry.as_deref());
        let opaque = survey.opaque.into_iter();
        let opaque = opaque.map(|(path, type_path)| BlindReason::Opaque { path, type_path });
        KnownType {
            name,
            access: survey.holds.then(|| ReflectAccess {
                component: component.clone(),
                pointer: registration.data::<ReflectFromPtr>().cloned(),
            }),
            blindness: opaque.collect(),
        }
    }

    /// Calls `found` for each entity in a component of `holder`. Returns the first place that is
    /// too deep.
    pub(crate) fn look(
        &mut self,
        access: &ReflectAccess,
        holder: EntityRef,
        found: &mut dyn FnMut(Entity, Strength, &dyn fmt::Display),
    ) -> Option<String> {
        let component = access.component.reflect(holder)?;
        let mut look = ValueWalk {
            reflection: self,
            found,
            too_deep: None,
        };
        look.value(component.as_partial_reflect(), &PathTrail::START);
        look.too_deep
    }

    /// Returns `true` if `value` cannot hold an entity, by its type.
    fn holds_nothing(&mut self, value: &dyn PartialReflect) -> bool {
        let Some(known) = value.try_as_reflect() else {
            // It stands for a value of an unknown type.
            return false;
        };
        let id = known.as_any().type_id();
        let registry = self.registry.as_deref();
        let holds = self.cache.entry(id).or_insert_with(|| {
            let info = value.get_represented_type_info();
            info.is_none_or(|info| Survey::of(info, registry).holds)
        });
        !*holds
    }
}

/// Returns `true` if components of a type hold nothing that reflection would find.
pub(crate) fn is_of_reflection(id: TypeId) -> bool {
    id == TypeId::of::<AppTypeRegistry>()
}

/// A walk through the values of one component.
struct ValueWalk<'a, 'w> {
    reflection: &'a mut Reflection<'w>,
    found: &'a mut dyn FnMut(Entity, Strength, &dyn fmt::Display),
    too_deep: Option<String>,
}

impl ValueWalk<'_, '_> {
    /// Walks through `value`, which is at `trail`.
    fn value(&mut self, value: &dyn PartialReflect, trail: &PathTrail) {
        let entity = value.try_downcast_ref::<Entity>().copied();
        let weak = value.try_downcast_ref::<WeakEntity>();
        let is_leaf = entity.is_some() || weak.is_some();
        if !is_leaf && self.reflection.holds_nothing(value) {
            return;
        }
        if trail.depth > MAX_DEPTH {
            self.too_deep.get_or_insert_with(|| trail.to_string());
            return;
        }
        if let Some(entity) = entity {
            (self.found)(entity, Strength::Strong, trail);
            return;
        }
        if let Some(weak) = weak {
            (self.found)(weak.id(), Strength::Weak, trail);
            return;
        }
        match value.reflect_ref() {
            ReflectRef::Struct(value) => {
                for (name, field) in value.iter_fields() {
                    self.value(field, &trail.then(Part::Name(name)));
                }
            }
            ReflectRef::TupleStruct(value) if is_transparent(value.as_partial_reflect()) => {
                for field in value.iter_fields() {
                    self.value(field, trail);
                }
            }
            ReflectRef::TupleStruct(value) => self.numbered(value.iter_fields(), trail),
            ReflectRef::Tuple(value) => self.numbered(value.iter_fields(), trail),
            ReflectRef::List(value) => self.elements(value.iter(), trail),
            ReflectRef::Array(value) => self.elements(value.iter(), trail),
            ReflectRef::Set(value) => self.elements(value.iter(), trail),
            ReflectRef::Map(value) => {
                for (index, (key, value)) in value.iter().enumerate() {
                    self.value(key, &trail.then(Part::Step(PathStep::Key(index))));
                    self.value(value, &trail.then(Part::Step(PathStep::Value(index))));
                }
            }
            ReflectRef::Enum(value) if is_transparent(value.as_partial_reflect()) => {
                if let Some(some) = value.field_at(0) {
                    self.value(some, trail);
                }
            }
            ReflectRef::Enum(value) => {
                let variant = trail.then(Part::Variant(value.variant_name()));
                for index in 0..value.field_len() {
                    let part = match (value.variant_type(), value.name_at(index)) {
                        (VariantType::Struct, Some(name)) => Part::Name(name),
                        _ => Part::Number(index),
                    };
                    if let Some(field) = value.field_at(index) {
                        self.value(field, &variant.then(part));
                    }
                }
            }
            _ => {
                // It is opaque to Bevy, but known here.
                if let Some(set) = value.try_downcast_ref::<BTreeSet<Entity>>() {
                    let elements = set.iter().map(PartialReflect::as_partial_reflect);
                    self.elements(elements, trail);
                }
            }
        }
    }

    fn numbered<'a>(
        &mut self,
        fields: impl Iterator<Item = &'a dyn PartialReflect>,
        trail: &PathTrail,
    ) {
        for (index, field) in fields.enumerate() {
            self.value(field, &trail.then(Part::Number(index)));
        }
    }

    fn elements<'a>(
        &mut self,
        elements: impl Iterator<Item = &'a dyn PartialReflect>,
        trail: &PathTrail,
    ) {
        for (index, element) in elements.enumerate() {
            self.value(element, &trail.then(Part::Step(PathStep::Index(index))));
        }
    }
}

/// Returns `true` if the content of `value` is at the same path as `value`.
pub(crate) fn is_transparent(value: &dyn PartialReflect) -> bool {
    let info = value.get_represented_type_info();
    info.is_some_and(|info| survey::is_transparent(info.ty()))
}

/// The way into a component. Its `Display` is the path.
struct PathTrail<'a> {
    before: Option<&'a PathTrail<'a>>,
    part: Part<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Start,
    Name(&'a str),
    Number(usize),
    Variant(&'a str),
    Step(PathStep),
}

impl<'a> PathTrail<'a> {
    const START: Self = Self {
        before: None,
        part: Part::Start,
        depth: 0,
    };

    fn then(&'a self, part: Part<'a>) -> Self {
        Self {
            before: Some(self),
            part,
            depth: self.depth + 1,
        }
    }
}

impl fmt::Display for PathTrail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = self.before {
            before.fmt(f)?;
        }
        match self.part {
            Part::Start => Ok(()),
            Part::Name(name) => write!(f, ".{name}"),
            Part::Number(number) => write!(f, ".{number}"),
            Part::Variant(name) => write!(f, "::{name}"),
            Part::Step(step) => step.fmt(f),
        }
    }
}
