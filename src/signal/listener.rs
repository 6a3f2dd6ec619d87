//! How handlers and kinds of listeners become known, and how the end of a listener is noticed.

use core::{any::type_name, marker::PhantomData};

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::{Component, ComponentId},
    observer::Observer,
    resource::Resource,
    world::World,
};

use crate::{
    books::{
        Books, Reserved,
        call::Call,
        ids::{HandlerId, Referenced},
        table::{KnownHandler, Table},
    },
    signal::{
        handler::SignalHandler,
        qdeleting::Qdeleting,
        removal_observer::removal_observer,
        target::{self, SignalTarget},
    },
};

/// Gives the world its books, if it has none.
pub(crate) fn open_books(world: &mut World) {
    if !world.contains_resource::<Books>() {
        let mark = world.register_component::<SignalTarget>();
        world.insert_resource(Books::new::<Qdeleting>(mark));
    }
}

/// Makes the handler `H` known to the world: its call is in the table, and its component is
/// watched.
pub(crate) fn install<Shape: 'static, H: SignalHandler<Shape>>(world: &mut World, handler: H) {
    let known = introduce(world, handler);
    prepare(world, known.handler);
}

/// Puts the handler `H` into the table, if it is not there. The world need not be prepared for it.
pub(crate) fn introduce<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    handler: H,
) -> KnownHandler {
    open_books(world);
    let component = world.register_component::<H::Component>();
    let mut books = world.resource_mut::<Books>();
    introduce_with(
        &mut books.bypass_change_detection().table,
        component,
        handler,
    )
}

/// Puts the handler `H` of a `component` into the table, if it is not there.
pub(crate) fn introduce_with<Shape: 'static, H: SignalHandler<Shape>>(
    table: &mut Table,
    component: ComponentId,
    handler: H,
) -> KnownHandler {
    table.handler::<(H, Shape)>().unwrap_or_else(|| {
        table.add_handler::<(H, Shape), H::Component, H::Signal>(
            component,
            handler.into_call(),
            type_name::<H>(),
            prepare_for::<Shape, H>,
        )
    })
}

/// Prepares the world for a handler, if that was not done.
pub(crate) fn prepare(world: &mut World, handler: HandlerId) {
    let books = world.resource::<Books>();
    if let Some(prepare) = books.table.lacks(handler) {
        prepare(world);
        world.resource_mut::<Books>().table.set_ready(handler);
    }
}

fn prepare_for<Shape: 'static, H: SignalHandler<Shape>>(world: &mut World) {
    watch_removals::<H::Component>(world);
}

/// Makes the declared references of `C` known, with the `number` of the tracked type.
pub(crate) fn install_references<C: Component>(world: &mut World, number: u32) -> HandlerId {
    let component = watch_removals::<C>(world);
    let mut books = world.resource_mut::<Books>();
    books.tracked.push((component, number));
    let known = books.table.add_handler::<ReferencesOf<C>, C, Referenced>(
        component,
        Call::Reference(number),
        "declared references",
        |_| (),
    );
    books.table.set_ready(known.handler);
    known.handler
}

/// Stands for the handler of the declared references of `C`.
struct ReferencesOf<C>(PhantomData<C>);

/// Ensures that the registrations of a `C` end when it is removed or its entity is despawned.
///
/// A hook costs the least. It needs a component that is in no archetype yet and whose hook
/// is free; otherwise an observer does the same.
pub(crate) fn watch_removals<C: Component>(world: &mut World) -> ComponentId {
    open_books(world);
    let component = world.register_component::<C>();
    if !world.resource_mut::<Books>().table.watch::<C>(component) {
        return component;
    }
    // A kind of target has the hook already.
    let is_hooked = world.resource::<Books>().marks.is_mark(component)
        || !is_in_use(world, component)
            && world
                .register_component_hooks::<C>()
                .try_on_remove(target::on_remove)
                .is_some();
    if is_hooked {
        let mut books = world.resource_mut::<Books>();
        books.marks.set_listening(component);
    } else {
        observe_for::<Removals, C>(world, removal_observer::<C>(component));
    }
    component
}

/// Names the observers of removals.
enum Removals {}

/// Puts `observer` on the entity of a resource of its own: the observer of the `C` for `W`.
pub(crate) fn observe_for<W: 'static, C: Component>(world: &mut World, observer: Observer) {
    world.init_resource::<ObserverHost<W, C>>();
    observe_from::<ObserverHost<W, C>>(world, observer);
}

/// Puts `observer` on the entity of the resource `R`, which must be there.
///
/// An observer with an entity of its own could be despawned with a level. The entity of a resource
/// is not.
pub(crate) fn observe_from<R: Resource>(world: &mut World, observer: Observer) {
    let entity = world.resource_entity::<R>();
    let entity = entity.expect("a resource should have an entity");
    world.entity_mut(entity).insert(observer);
}

/// Returns `true` if any entity has or had a component. Then hooks cannot be added any more.
pub(crate) fn is_in_use(world: &World, component: ComponentId) -> bool {
    let mut archetypes = world.archetypes().iter();
    archetypes.any(|archetype| archetype.contains(component))
}

/// The resource on whose entity the observer of the `C` for `W` lives.
#[derive(Resource)]
#[require(Reserved)]
struct ObserverHost<W: 'static, C: Component>(PhantomData<fn() -> (W, C)>);

impl<W, C: Component> Default for ObserverHost<W, C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}
