//! Removes entities from values by reflection.
//!
//! It follows the rules of declared references. A value that is void without an entity is dropped
//! by the innermost `Option`, list, set or map that holds it. The others keep their order. If there
//! is none, because a component holds a plain `Entity`, that becomes [`Entity::PLACEHOLDER`].

use std::collections::BTreeSet;

use bevy_ecs::{
    component::{ComponentId, ComponentInfo},
    entity::{Entity, EntityIndexSet},
    world::World,
};
use bevy_reflect::{PartialReflect, Reflect, ReflectKind, ReflectMut, enums::DynamicEnum};

use crate::{
    inspect::{
        MAX_DEPTH, immutable,
        reflection::{ReflectAccess, is_transparent, names_any},
    },
    reference::references::AfterRelease,
    weak::WeakEntity,
};

impl ReflectAccess {
    /// Removes the entities in `lost` from the component of `holder`, which counts as a write.
    pub(crate) fn empty(
        &self,
        world: &mut World,
        holder: Entity,
        component: ComponentId,
        lost: &EntityIndexSet,
    ) {
        let empty = |value: &mut dyn Reflect| {
            let value = value.as_partial_reflect_mut();
            // A component has no parent.
            let _ = empty_value(value, lost, Parent::None, 0);
        };
        let info = world.components().get_info(component);
        if info.is_some_and(ComponentInfo::mutable) {
            if let Ok(mut holder) = world.get_entity_mut(holder)
                && let Some(mut value) = self.component.reflect_mut(&mut holder)
            {
                empty(&mut *value);
            }
        } else if let Some(pointer) = &self.pointer {
            immutable::modify(world, holder, component, pointer, empty);
        }
    }
}

/// The parent of a value, which can drop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parent {
    /// An `Option`, a list, a set, or a map.
    Container,
    None,
}

/// Removes the entities in `lost` from `value`. Returns whether its parent must drop it.
fn empty_value(
    value: &mut dyn PartialReflect,
    lost: &EntityIndexSet,
    parent: Parent,
    depth: usize,
) -> AfterRelease {
    // As deep as a search looks.
    if depth > MAX_DEPTH {
        return AfterRelease::Valid;
    }
    if let Some(entity) = value.try_downcast_mut::<Entity>() {
        return empty_entity(entity, lost, parent);
    }
    if value.try_downcast_ref::<WeakEntity>().is_some() {
        // A weak handle need not be emptied.
        return AfterRelease::Valid;
    }
    if let Some(set) = value.try_downcast_mut::<BTreeSet<Entity>>() {
        // It is opaque to Bevy, but known here.
        if depth < MAX_DEPTH {
            set.retain(|entity| !lost.contains(entity));
        }
        return AfterRelease::Valid;
    }
    let is_transparent = is_transparent(value);
    let inside = match value.reflect_kind() {
        _ if is_transparent => depth,
        // One step into the variant, and one into its field.
        ReflectKind::Enum => depth + 2,
        _ => depth + 1,
    };
    let mut remains = AfterRelease::Valid;
    let mut part = |part: Option<&mut dyn PartialReflect>| {
        if let Some(part) = part {
            remains = remains.and(empty_value(part, lost, parent, inside));
        }
    };
    match value.reflect_mut() {
        ReflectMut::Struct(value) => {
            (0..value.field_len()).for_each(|index| part(value.field_at_mut(index)));
        }
        ReflectMut::TupleStruct(value) => {
            (0..value.field_len()).for_each(|index| part(value.field_mut(index)));
        }
        ReflectMut::Tuple(value) => {
            (0..value.field_len()).for_each(|index| part(value.field_mut(index)));
        }
        ReflectMut::Array(value) => {
            (0..value.len()).for_each(|index| part(value.get_mut(index)));
        }
        ReflectMut::List(value) => {
            let mut void = Vec::new();
            for index in 0..value.len() {
                if let Some(element) = value.get_mut(index)
                    && empty_value(element, lost, Parent::Container, inside) == AfterRelease::Void
                {
                    void.push(index);
                }
            }
            if !void.is_empty() {
                let mut void = void.into_iter().peekable();
                for (index, element) in value.drain().into_iter().enumerate() {
                    if void.next_if_eq(&index).is_none() {
                        value.push(element);
                    }
                }
            }
        }
        ReflectMut::Map(value) => value.retain(&mut |key, value| {
            !names_any(key, lost, inside)
                && empty_value(value, lost, Parent::Container, inside) == AfterRelease::Valid
        }),
        ReflectMut::Set(value) => value.retain(&mut |element| !names_any(element, lost, inside)),
        ReflectMut::Enum(option) if is_transparent => {
            let void = option.field_at_mut(0).is_some_and(|some| {
                empty_value(some, lost, Parent::Container, inside) == AfterRelease::Void
            });
            if void {
                option.apply(&DynamicEnum::new("None", ()));
            }
        }
        ReflectMut::Enum(value) => {
            (0..value.field_len()).for_each(|index| part(value.field_at_mut(index)));
        }
        // An opaque value cannot be looked into.
        _ => {}
    }
    remains
}

fn empty_entity(entity: &mut Entity, lost: &EntityIndexSet, parent: Parent) -> AfterRelease {
    if !lost.contains(entity) {
        return AfterRelease::Valid;
    }
    match parent {
        Parent::Container => AfterRelease::Void,
        Parent::None => {
            *entity = Entity::PLACEHOLDER;
            AfterRelease::Valid
        }
    }
}
