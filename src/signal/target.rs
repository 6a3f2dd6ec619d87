//! What a target carries.

use bevy_ecs::{
    change_detection::DetectChangesMut, component::Component, lifecycle::HookContext,
    world::DeferredWorld,
};

use super::{books::Books, dispatch, list::ListId};

/// Marks an entity that is or was listened to, and leads to its registrations.
///
/// The crate inserts it with the first registration. A kind of entity that is often listened to can carry
/// it from its spawn with `#[require(Signals)]`: the first registration is then as cheap as the next, and
/// hooks and handlers, which hold a `DeferredWorld`, register on it at once.
///
/// Removing or overwriting it ends the registrations on its entity without telling anybody.
/// It is not cloned with its entity.
#[derive(Component, Debug)]
#[component(
    storage = "SparseSet",
    clone_behavior = Ignore,
    on_despawn = dispatch::tell_of_despawn,
    on_discard = drop_lists
)]
pub struct Signals {
    /// The first of the target's lists, one a signal; each knows the next.
    pub(super) first: ListId,
    /// Whether the target takes no more registrations, because it is being deleted.
    pub(super) closed: bool,
}

impl Default for Signals {
    fn default() -> Self {
        Self::new(ListId::NONE)
    }
}

impl Signals {
    pub(super) fn new(first: ListId) -> Self {
        Self {
            first,
            closed: false,
        }
    }

    /// Tells whether the target is being deleted.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes no more registrations.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }
}

/// Ends the registrations on a target whose lists go away, with the target or without it.
fn drop_lists(mut world: DeferredWorld, context: HookContext) {
    let Some(mut signals) = world.get_mut::<Signals>(context.entity) else {
        return;
    };
    let signals = signals.bypass_change_detection();
    let first = core::mem::replace(&mut signals.first, ListId::NONE);
    if first != ListId::NONE
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        books.bypass_change_detection().drop_lists(first);
    }
}
