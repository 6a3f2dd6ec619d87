//! Types that say by reflection that they are to be tracked or destroyed.
//!
//! The plugin does that. Without it, each type that was forgotten is named once. What it takes to
//! track or destroy a type comes as functions from [`reflected`](super::reflected).

use bevy_ecs::{
    change_detection::DetectChangesMut, reflect::AppTypeRegistry, resource::Resource, world::World,
};

use crate::{books::Reserved, hash::HashSet};

/// Says by reflection that a type has declared references: `#[reflect(References)]`.
///
/// `QdelPlugin` tracks all types in the `AppTypeRegistry` that have it, also those that are
/// registered later. Without the plugin, each that is not
/// [tracked](crate::WorldReferencesExt::track_references) is named by a warning, once.
///
/// ```
/// use bevy_app::prelude::*;
/// use bevy_ecs::{prelude::*, reflect::ReflectComponent};
/// use bevy_reflect::prelude::*;
/// use qdel::prelude::*;
///
/// #[derive(Component, Reflect, References)]
/// #[reflect(Component, References)]
/// struct Mob { #[entities] target: Option<Entity> }
///
/// let mut app = App::new();
/// app.register_type::<Mob>().add_plugins(QdelPlugin::default());
/// app.finish();
///
/// let world = app.world_mut();
/// let goblin = world.spawn_empty().id();
/// let mob = world.spawn(Mob { target: Some(goblin) }).id();
/// world.qdel(goblin)?;
/// assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
/// # Ok::<(), qdel::QdelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReflectReferences(pub(super) Wish);

/// Says by reflection that a type has a [`Destroy`](crate::Destroy): `#[reflect(Destroy)]`.
///
/// `QdelPlugin` registers all types in the `AppTypeRegistry` that have it, as
/// [`ReflectReferences`] are tracked: by the order of their paths. Without the plugin, each that is
/// not [registered](crate::WorldQdelExt::register_destroy) is named by a warning, once.
#[derive(Debug, Clone)]
pub struct ReflectDestroy(pub(super) Wish);

/// What a type wants done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) name: &'static str,
    pub(super) is_fulfilled: fn(&World) -> bool,
    #[cfg_attr(
        not(feature = "bevy_app"),
        expect(dead_code, reason = "the plugin alone fulfils what was wished for")
    )]
    pub(super) fulfil: fn(&mut World),
    /// Says that the wish is not fulfilled.
    pub(super) warn: fn(&str),
}

/// What is known of the types in the registry.
#[derive(Resource, Default)]
#[require(Reserved)]
struct Wishes {
    /// How many types there were when it was looked at.
    types: usize,
    /// Whether the plugin fulfils them.
    has_plugin: bool,
    /// The types that were named.
    named: HashSet<(&'static str, WishKind)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum WishKind {
    References,
    Destroy,
}

/// Notes that the plugin will fulfil all wishes.
#[cfg(feature = "bevy_app")]
pub(crate) fn await_wishes(world: &mut World) {
    world.get_resource_or_init::<Wishes>().has_plugin = true;
}

/// Fulfils the wishes of all types that are registered by now.
#[cfg(feature = "bevy_app")]
pub(crate) fn fulfil_wishes(world: &mut World) {
    for (_, wish) in new_wishes(world) {
        (wish.fulfil)(world);
    }
}

/// Names each type whose wish is not fulfilled, once, unless the plugin does that.
pub(crate) fn name_forgotten(world: &mut World) {
    let wishes = world.get_resource::<Wishes>();
    if wishes.is_some_and(|wishes| wishes.has_plugin) {
        return;
    }
    for (kind, wish) in new_wishes(world) {
        let mut wishes = world.get_resource_or_init::<Wishes>();
        if wishes.named.insert((wish.name, kind)) {
            (wish.warn)(wish.name);
        }
    }
}

/// Returns the wishes that are not fulfilled, if a type was registered since the last time, in
/// the order of the types' paths.
fn new_wishes(world: &mut World) -> Vec<(WishKind, Wish)> {
    let Some(registry) = world.get_resource::<AppTypeRegistry>().cloned() else {
        return Vec::new();
    };
    let registry = registry.read();
    let (types, _) = registry.iter().size_hint();
    let mut wishes = world.get_resource_or_init::<Wishes>();
    if core::mem::replace(&mut wishes.bypass_change_detection().types, types) == types {
        return Vec::new();
    }
    let references = registry.iter_with_data::<ReflectReferences>();
    let references = references.map(|(_, data)| (WishKind::References, data.0));
    let destroy = registry.iter_with_data::<ReflectDestroy>();
    let destroy = destroy.map(|(_, data)| (WishKind::Destroy, data.0));
    let mut wishes: Vec<_> = references.chain(destroy).collect();
    wishes.retain(|(_, wish)| !(wish.is_fulfilled)(world));
    wishes.sort_unstable_by_key(|(_, wish)| wish.name);
    wishes
}
