//! What a component does when its entity is deleted.

use core::any::type_name;

use bevy_ecs::{
    component::{Component, ComponentId, Mutable},
    entity::Entity,
    error::{BevyError, ErrorContext},
    system::{ParamBuilder, Query, SystemParam, SystemParamBuilder, SystemParamItem, SystemState},
    world::{EntityRef, World},
};

use crate::{
    deletion::{late_components, notice::Notice, prepare, queue::Deletions},
    error::DestroyError,
    hint::DestroyHint,
    panics::{FirstPanic, Panicked, catch},
    signal::{self, qdeleting::QdelCause},
};

/// A component that holds something outside the ECS, and lets go of it when its entity is deleted.
///
/// [`destroy`](Self::destroy) is called once a deletion, after all listeners were told and before
/// the entity is torn down. It is for cleaning up, not for game effects: those belong into a
/// handler of [`Qdeleting`](crate::Qdeleting). Its answer, the [`DestroyHint`], says how the deletion goes
/// on.
///
/// It is called for types that were [registered](crate::WorldQdelExt::register_destroy), on the way of
/// a [`qdel`](crate::WorldQdelExt::qdel) only. What must also happen when an entity is despawned
/// plainly, or the component is removed, belongs into `Drop` or into a hook.
///
/// # Order
///
/// When `destroy` is called, everybody in the tree was told, and the commands of the handlers were
/// applied. The owner comes before what it owns, as with `Drop`, and the components of an entity go
/// in the order of their registration. Every component of the entity is still there. A query among
/// the parameters that is to see the entity itself, or others that are deleted, needs the filter
/// [`AllowDeleting`](crate::AllowDeleting): they are hidden on purpose, so that nobody takes them
/// for living ones (see the chapter [`hiding`](crate::docs::hiding)).
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
/// as far as it can still be told: its owner that is being deleted, or else [`QdelCause::Qdel`]. What
/// comes back whenever it is destroyed is destroyed a few times, and passed over with a warning.
///
/// # Panics
///
/// A `destroy` that panics counts as [`DestroyHint::Queue`]; its panic goes on when the deletion is done.
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

/// Has [`Destroy`] called for each `C` whose entity is deleted from now on.
pub(crate) fn register<C: Destroy>(world: &mut World) {
    let component = world.register_component::<C>();
    prepare::prepare(world);
    if world.resource::<Deletions>().destroyers.knows(component) {
        return;
    }
    let destroyer = Of::<C>::new(world);
    late_components::watch::<C>(world, component);
    let mut deletions = world.resource_mut::<Deletions>();
    deletions.destroyers.known.push(Known {
        component,
        name: type_name::<C>(),
        destroyer: Some(Box::new(destroyer)),
    });
    prepare::prepare_anew(world);
}

/// Returns `true` if a component can be destroyed.
#[cfg(feature = "bevy_reflect")]
pub(crate) fn is_registered(world: &World, component: ComponentId) -> bool {
    let deletions = world.get_resource::<Deletions>();
    deletions.is_some_and(|deletions| deletions.destroyers.knows(component))
}

/// All that can be destroyed, in the order of registration.
#[derive(Default)]
pub(crate) struct Destroyers {
    known: Vec<Known>,
}

struct Known {
    component: ComponentId,
    name: &'static str,
    /// None while it is at work.
    destroyer: Option<Box<dyn Destroyer>>,
}

/// The destroyers of a world, taken out of it for as long as they work.
pub(crate) struct AtWork(Vec<(ComponentId, Box<dyn Destroyer>)>);

impl Destroyers {
    /// Returns the names of the components of `entity` that would be destroyed, in order.
    pub(crate) fn names_in(&self, entity: EntityRef) -> impl Iterator<Item = &'static str> {
        let known = self.known.iter();
        known
            .filter(move |known| entity.contains_id(known.component))
            .map(|known| known.name)
    }

    /// Returns `true` if nothing can be destroyed.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns the name of a component that can be destroyed.
    pub(crate) fn name_of(&self, component: ComponentId) -> Option<&'static str> {
        let mut known = self.known.iter();
        let known = known.find(|known| known.component == component)?;
        Some(known.name)
    }

    /// Returns all components that can be destroyed.
    pub(crate) fn components(&self) -> impl Iterator<Item = ComponentId> {
        self.known.iter().map(|known| known.component)
    }

    fn knows(&self, component: ComponentId) -> bool {
        self.known.iter().any(|known| known.component == component)
    }
}

impl AtWork {
    /// Takes the destroyers out of the worklist.
    pub(crate) fn take(deletions: &mut Deletions) -> Self {
        let known = deletions.destroyers.known.iter_mut();
        let taken = known.filter_map(|known| Some((known.component, known.destroyer.take()?)));
        Self(taken.collect())
    }

    /// Destroys the components of an entity and returns the strongest hint.
    ///
    /// `overruled` counts those that were passed over because the deletion is forced.
    pub(crate) fn destroy(
        &mut self,
        world: &mut World,
        notice: Notice,
        overruled: &mut u64,
    ) -> (DestroyHint, Result<(), Panicked>) {
        let is_heeded = |hint| !(hint == DestroyHint::LetMeLive && notice.force);
        self.destroy_those(world, notice, |_| true, is_heeded, overruled)
    }

    /// Destroys `components` of an entity that were inserted when its others were destroyed, and
    /// returns the strongest hint.
    ///
    /// `overruled` counts those that were passed over because the deletion is decided.
    pub(crate) fn destroy_late(
        &mut self,
        world: &mut World,
        notice: Notice,
        components: &[ComponentId],
        overruled: &mut u64,
    ) -> (DestroyHint, Result<(), Panicked>) {
        let is_late = |component| components.contains(&component);
        let is_heeded = |hint| !matches!(hint, DestroyHint::LetMeLive | DestroyHint::IWillHandleIt);
        self.destroy_those(world, notice, is_late, is_heeded, overruled)
    }

    /// Destroys the components of an entity that are meant, in order, and returns the strongest
    /// hint of those that are heeded.
    fn destroy_those(
        &mut self,
        world: &mut World,
        notice: Notice,
        is_meant: impl Fn(ComponentId) -> bool,
        is_heeded: impl Fn(DestroyHint) -> bool,
        overruled: &mut u64,
    ) -> (DestroyHint, Result<(), Panicked>) {
        let mut strongest = DestroyHint::Queue;
        let mut first_panic = FirstPanic::default();
        for (component, destroyer) in &mut self.0 {
            let entity = world.get_entity(notice.entity);
            let is_there = entity.is_ok_and(|entity| entity.contains_id(*component));
            if !is_there || !is_meant(*component) {
                continue;
            }
            let called = catch(|| destroyer.destroy(world, notice));
            match called {
                Ok(hint) if is_heeded(hint) => strongest = strongest.max(hint),
                Ok(_) => *overruled += 1,
                Err(panicked) => first_panic.keep(panicked),
            }
        }
        (strongest, first_panic.into_outcome())
    }

    /// Applies the commands of the destroyers, and gives them back to the world.
    pub(crate) fn give_back(mut self, world: &mut World) -> Result<(), Panicked> {
        let mut first_panic = FirstPanic::default();
        for (_, destroyer) in &mut self.0 {
            first_panic.run(|| destroyer.apply(world));
        }
        // Without a worklist, somebody cleared the world.
        if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
            for (component, destroyer) in self.0 {
                let mut known = deletions.destroyers.known.iter_mut();
                if let Some(known) = known.find(|known| known.component == component) {
                    known.destroyer = Some(destroyer);
                }
            }
        }
        first_panic.into_outcome()
    }
}

/// A [`Destroy`] whose type is forgotten.
trait Destroyer: Send + Sync {
    /// Destroys the component of the entity, which has one.
    fn destroy(&mut self, world: &mut World, notice: Notice) -> DestroyHint;

    /// Applies commands that wait.
    fn apply(&mut self, world: &mut World);
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
