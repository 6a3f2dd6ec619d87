//! What a component does when its entity is deleted.

use core::any::type_name;

use bevy_ecs::{
    component::{Component, Mutable},
    entity::Entity,
    error::{BevyError, ErrorContext},
    system::{ParamBuilder, Query, SystemParam, SystemParamBuilder, SystemParamItem, SystemState},
    world::World,
};

use crate::{
    deletion::{
        destroyers::{AtWork, Destroyer},
        notice::Notice,
        prepare,
        queue::Deletions,
        watch_late::LateInserts,
    },
    error::DestroyError,
    hint::DestroyHint,
    panics::Panicked,
    signal::{self, inserts::watch_inserts, qdeleting::QdelCause},
};

/// A component that holds something outside the ECS, and lets go of it when its entity is deleted.
///
/// [`destroy`](Self::destroy) is called once a deletion, after all listeners were told and before
/// the entity is torn down. It is for cleaning up, not for game effects: those belong into a
/// handler of [`Qdeleting`](crate::Qdeleting). Its answer, the [`DestroyHint`], says how the
/// deletion goes on.
///
/// It is called for types that were [registered](crate::WorldQdelExt::register_destroy), on the way
/// of a [`qdel`](crate::WorldQdelExt::qdel) only. What must also happen when an entity is despawned
/// plainly, or the component is removed, belongs into `Drop` or into a hook.
///
/// # Order
///
/// When `destroy` is called, the listeners of the whole tree were told, and the commands of the
/// handlers were applied. The owner comes before what it owns, as with `Drop`, and the components
/// of an entity go in the order of their registration. Every component of the entity is still
/// there. A query among the parameters that is to see the entity itself, or others that are
/// deleted, needs the filter [`AllowDeleting`](crate::AllowDeleting): they are hidden on purpose,
/// so that they are not taken for living ones (see the chapter [`hiding`](crate::docs::hiding)).
///
/// Commands of a `destroy` are applied when all that was marked together is destroyed, type by
/// type. A command that panics takes those of its type with it that wait behind it.
///
/// # What comes late
///
/// A component that is inserted on an entity that is being deleted, when its others were destroyed
/// already, is destroyed as well, once: by the deletion in which that happens, or else by the next
/// one or the next flush, before the entity is torn down. That goes for one that takes the place of
/// one that was destroyed, too. It is decided by then that the entity goes, so that `LetMeLive` and
/// `IWillHandleIt` come too late and are counted as overruled. The cause is then that of the entity
/// as far as it can still be told: its owner that is being deleted, or else [`QdelCause::Qdel`].
/// What comes back whenever it is destroyed is destroyed a few times, and passed over with a
/// warning.
///
/// # Panics
///
/// A `destroy` that panics counts as [`DestroyHint::Queue`]; its panic goes on when the deletion is
/// done.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{Destroy, DestroyContext, DestroyHint, prelude::*};
///
/// #[derive(Resource, Default)]
/// struct Ports { taken: Vec<u16> }
///
/// #[derive(Component)]
/// struct Socket { port: u16 }
///
/// impl Destroy for Socket {
///     type Param = ResMut<'static, Ports>;
///
///     fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
///         going.param.taken.retain(|port| *port != self.port);
///         DestroyHint::Queue
///     }
/// }
///
/// let mut world = World::new();
/// world.register_destroy::<Socket>();
/// world.insert_resource(Ports { taken: vec![80] });
/// let server = world.spawn(Socket { port: 80 }).id();
///
/// world.qdel(server)?;
/// assert!(world.resource::<Ports>().taken.is_empty());
/// # Ok::<(), qdel::QdelError>(())
/// ```
#[doc(alias("Drop", "NOTIFICATION_PREDELETE", "on_remove"))]
pub trait Destroy: Component<Mutability = Mutable> {
    /// What `destroy` reaches besides the component: any system parameters, or `()`.
    type Param: SystemParam + 'static;

    /// Lets go of what the component holds, and says how the deletion goes on.
    fn destroy(&mut self, going: DestroyContext<Self::Param>) -> DestroyHint;
}

/// What a [`Destroy`] is given.
#[non_exhaustive]
pub struct DestroyContext<'w, 's, P: SystemParam + 'static = ()> {
    /// The entity that is deleted.
    pub entity: Entity,
    /// Why it is deleted.
    pub cause: QdelCause,
    /// Whether the deletion is forced. It then goes on after [`DestroyHint::LetMeLive`] too.
    pub force: bool,
    /// What [`Destroy::Param`] asked for.
    pub param: SystemParamItem<'w, 's, P>,
}

/// Calls [`Destroy`] for each `C` whose entity is deleted from now on.
pub(crate) fn register<C: Destroy>(world: &mut World) {
    let component = world.register_component::<C>();
    prepare::prepare(world);
    if world.resource::<Deletions>().destroyers.knows(component) {
        return;
    }
    let destroyer = Of::<C>::new(world);
    watch_inserts::<LateInserts, C>(world, component);
    let mut deletions = world.resource_mut::<Deletions>();
    let name = type_name::<C>();
    deletions
        .destroyers
        .add(component, name, Box::new(destroyer));
    prepare::prepare_anew(world);
}

/// Returns `true` if `C` is registered.
#[cfg(feature = "bevy_reflect")]
pub(crate) fn is_registered<C: Destroy>(world: &World) -> bool {
    let component = world.components().component_id::<C>();
    let deletions = world.get_resource::<Deletions>();
    component
        .zip(deletions)
        .is_some_and(|(component, deletions)| deletions.destroyers.knows(component))
}

/// Applies the commands of destroyers that were at work, and gives them back to the world.
pub(crate) fn give_back(world: &mut World, mut at_work: AtWork) -> Result<(), Panicked> {
    let applied = at_work.apply_commands(world);
    // Without a worklist, the world was cleared.
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.destroyers.give_back(at_work);
    }
    applied
}

/// The [`Destroyer`] of `C`.
struct Of<C: Destroy>(SystemState<Params<C>>);

type Params<C> = (
    Query<'static, 'static, &'static mut C>,
    <C as Destroy>::Param,
);

impl<C: Destroy> Of<C> {
    fn new(world: &mut World) -> Self {
        let component = signal::handler::query_without_filters::<&'static mut C>(world);
        Self((component, ParamBuilder).build_state(world))
    }
}

impl<C: Destroy> Destroyer for Of<C> {
    fn destroy(&mut self, world: &mut World, notice: Notice) -> DestroyHint {
        let Notice {
            entity,
            cause,
            force,
        } = notice;
        let error = match self.0.get_mut(world) {
            Ok((mut query, param)) => {
                let going = DestroyContext {
                    entity,
                    cause,
                    force,
                    param,
                };
                return match query.get_mut(entity) {
                    Ok(mut component) => component.destroy(going),
                    Err(_) => unreachable!("the component was there a moment ago"),
                };
            }
            Err(error) => error,
        };
        let error = DestroyError {
            entity,
            component: type_name::<C>(),
            parameters: type_name::<C::Param>(),
            reason: error.message.into_owned(),
        };
        let name = world
            .component_id::<C>()
            .and_then(|id| world.components().get_name(id));
        let context = ErrorContext::System {
            name: name.expect("a registered component should have a name"),
            last_run: world.change_tick(),
        };
        world.fallback_error_handler()(BevyError::from(error), context);
        DestroyHint::Queue
    }

    fn apply(&mut self, world: &mut World) {
        self.0.apply(world);
    }
}
