//! What a target carries.

use bevy_ecs::component::Component;

use crate::signal::{dispatch, target_mark};

/// Marks an entity that is or was listened to, so that its despawn is noticed.
///
/// The crate inserts it with the first registration. A kind of entity that is often listened to can
/// carry it from its spawn with `#[require(SignalTarget)]`: the first registration is then as cheap as
/// the next, and hooks and handlers, which hold a `DeferredWorld`, register on it at once.
///
/// Do not remove it: [`unregister_all`](crate::WorldSignalExt::unregister_all) ends the registrations on
/// an entity. Whoever removes it all the same, with all components of an entity for instance, ends
/// nothing: while anybody is registered on the entity, or names it by a declared reference, the
/// crate inserts it again as soon as commands are applied, once for each time. If it is removed
/// again at once, by an observer for instance, registering fails with
/// [`RegisterError::MarkRemoved`](crate::RegisterError::MarkRemoved), what was registered ends, and
/// a warning says so. It is not cloned with its entity.
#[derive(Component, Debug, Default)]
#[component(
    storage = "SparseSet",
    clone_behavior = Ignore,
    on_despawn = dispatch::tell_of_despawn,
    on_remove = target_mark::on_remove
)]
pub struct SignalTarget;
