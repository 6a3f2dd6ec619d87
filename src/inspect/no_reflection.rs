//! Replaces `reflection` without the feature `bevy_reflect`: no component can be looked into.

use core::{any::TypeId, fmt, marker::PhantomData};

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityIndexSet},
    world::{EntityRef, World},
};

use crate::inspect::{blind_spot::BlindReason, holder::Strength};

/// Access to a component by reflection: there is none.
pub(crate) enum ReflectAccess {}

impl ReflectAccess {
    pub(crate) fn empty(&self, _: &mut World, _: Entity, _: ComponentId, _: &EntityIndexSet) {
        match *self {}
    }
}

/// What is known of types: nothing.
#[derive(Default)]
pub(crate) struct TypeCache;

/// What is known of a type.
pub(crate) struct KnownType {
    pub(crate) name: Option<&'static str>,
    pub(crate) access: Option<ReflectAccess>,
    pub(crate) blindness: Vec<BlindReason>,
}

pub(crate) struct Reflection<'w>(PhantomData<&'w World>);

impl<'w> Reflection<'w> {
    pub(crate) fn of(_: &'w World) -> Self {
        Self(PhantomData)
    }

    pub(crate) fn knowing(world: &'w World, _: TypeCache) -> Self {
        Self::of(world)
    }

    pub(crate) fn share(&self) -> Reflection<'_> {
        Reflection(PhantomData)
    }

    pub(crate) fn into_cache(self) -> TypeCache {
        TypeCache
    }

    pub(crate) fn know(&self, _: Option<TypeId>) -> KnownType {
        KnownType {
            name: None,
            access: None,
            blindness: vec![BlindReason::WithoutReflection],
        }
    }

    pub(crate) fn look(
        &mut self,
        access: &ReflectAccess,
        _: EntityRef,
        _: &mut dyn FnMut(Entity, Strength, &dyn fmt::Display),
    ) -> Option<String> {
        match *access {}
    }
}

/// Returns `true` if components of a type hold nothing that reflection would find.
pub(crate) fn is_of_reflection(_: TypeId) -> bool {
    false
}
