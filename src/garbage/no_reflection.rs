//! What takes the place of reflection where the feature `bevy_reflect` is off: nothing can be looked into.

use core::{any::TypeId, fmt, marker::PhantomData};

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityIndexSet},
    world::{EntityRef, World},
};

use super::{blind_spot::Blindness, reader::Strength};

/// How a component is looked into: never.
pub(super) enum Lens {}

impl Lens {
    pub(super) fn empty(&self, _: &mut World, _: Entity, _: ComponentId, _: &EntityIndexSet) {
        match *self {}
    }
}

/// What was found out about types: nothing.
#[derive(Default)]
pub(super) struct Holds;

/// What is known of a type.
pub(super) struct Known {
    pub(super) name: Option<&'static str>,
    pub(super) lens: Option<Lens>,
    pub(super) blindness: Vec<Blindness>,
}

pub(super) struct Reflection<'w>(PhantomData<&'w World>);

impl<'w> Reflection<'w> {
    pub(super) fn of(_: &'w World) -> Self {
        Self(PhantomData)
    }

    pub(super) fn knowing(world: &'w World, _: Holds) -> Self {
        Self::of(world)
    }

    pub(super) fn into_holds(self) -> Holds {
        Holds
    }

    pub(super) fn know(&self, _: Option<TypeId>) -> Known {
        Known {
            name: None,
            lens: None,
            blindness: vec![Blindness::WithoutReflection],
        }
    }

    pub(super) fn look(
        &mut self,
        lens: &Lens,
        _: EntityRef,
        _: &mut dyn FnMut(Entity, Strength, &dyn fmt::Display),
    ) -> Option<String> {
        match *lens {}
    }
}

/// Tells whether the components of a type hold nothing that reflection would find.
pub(super) fn is_of_reflection(_: TypeId) -> bool {
    false
}
