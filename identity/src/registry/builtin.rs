//! The classes of Bevy's components, of those of `qdel`, and of our own.

use std::sync::Arc;

use bevy_ecs::{
    component::Component, entity_disabling::Disabled, hierarchy::ChildOf, observer::ObservedBy,
    world::World,
};
use qdel::{Deleting, SignalTarget};

use crate::{
    Persistent, StableId, Stored,
    error::CodecError,
    load::{carried::CarriedAlong, cold_links::ColdLinks},
    registry::{Class, register},
};

/// The name under which parents are stored.
const CHILD_OF: &str = "ChildOf";

/// The name under which it is stored that an object is disabled.
const DISABLED: &str = "Disabled";

/// Registers them.
///
/// # Panics
///
/// Never: this comes before all that could take a name.
pub(super) fn register(world: &mut World) {
    // It is state of the game: a disabled object is disabled when it comes back.
    let disabled = Stored::<Disabled>::with_codec(DISABLED, |_, _| Ok(()), no_bytes);
    register::persistent(world, disabled).expect("`Disabled` should be free");
    register::relationship::<ChildOf>(world, CHILD_OF.into()).expect("`ChildOf` should be free");
    // An observer is code, which cannot be written.
    let pins: Class = Class::Volatile(Arc::new(|_| true));
    register::add::<ObservedBy>(world, pins).expect("`ObservedBy` should be free");
    // What is told of an object registers anew when the object is back.
    derived::<SignalTarget>(world);
    derived::<Deleting>(world);
    derived::<StableId>(world);
    derived::<Persistent>(world);
    // These two are written by other names.
    derived::<CarriedAlong>(world);
    derived::<ColdLinks>(world);
}

fn derived<C: Component>(world: &mut World) {
    register::add::<C>(world, Class::Derived).expect("our own components should be free");
}

fn no_bytes(bytes: &[u8]) -> Result<Disabled, CodecError> {
    if bytes.is_empty() {
        return Ok(Disabled);
    }
    Err(CodecError::Refused {
        cause: "it has a value, and should have none".into(),
    })
}
