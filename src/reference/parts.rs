//! Maps of which only the keys, or only the values, name entities.

use core::hash::{BuildHasher, Hash};
use std::collections::BTreeMap;

use bevy_ecs::entity::{
    Entity, EntityEquivalent, hash_map::EntityEquivalentHashMap,
    index_map::EntityEquivalentIndexMap,
};
use indexmap::IndexMap;

use crate::reference::{
    path::PathStep,
    policy::OnLoss,
    references::{AfterRelease, ReferenceVisitor, References, is_void},
};

/// A map whose keys name entities, with any values: a field with `#[references(keys)]`.
///
/// An entry is dropped with the entity that its key names.
///
/// ```
/// use std::{collections::HashMap, time::Instant};
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// #[derive(Component, References)]
/// struct Threats {
///     #[references(keys)]
///     last_seen: HashMap<Entity, Instant>,
/// }
///
/// let mut world = World::new();
/// world.track_references::<Threats>();
/// let goblin = world.spawn_empty().id();
/// let mob = world.spawn(Threats { last_seen: HashMap::from([(goblin, Instant::now())]) }).id();
///
/// world.qdel(goblin)?;
/// assert!(world.get::<Threats>(mob).unwrap().last_seen.is_empty());
/// # Ok::<(), qdel::QdelError>(())
/// ```
pub trait KeyReferences {
    /// The same as [`References::CASCADES`].
    const CASCADES: bool;

    /// Reports each entity that a key names. See [`References::visit_references`].
    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V);

    /// Drops the entries whose key names what is lost. See [`References::release_references`].
    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease;
}

/// A map whose values name entities, with any keys: a field with `#[references(values)]`.
///
/// An entry is dropped if its value is void.
pub trait ValueReferences {
    /// The same as [`References::CASCADES`].
    const CASCADES: bool;

    /// Reports each entity that a value names. See [`References::visit_references`].
    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V);

    /// Releases the values, and drops entries whose value is void. See
    /// [`References::release_references`].
    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease;
}

macro_rules! parts {
    ($($map:ty, [$($key:tt)*], [$($hasher:tt)*];)*) => {$(
        impl<K: References + $($key)*, W, $($hasher)*> KeyReferences for $map {
            const CASCADES: bool = K::CASCADES;

            fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
                for (index, key) in self.keys().enumerate() {
                    visitor.enter(PathStep::Key(index));
                    key.visit_references(policy, visitor);
                    visitor.leave();
                }
            }

            fn release_references(
                &mut self,
                policy: OnLoss,
                is_lost: &mut dyn FnMut(Entity) -> bool,
            ) -> AfterRelease {
                self.retain(|key, _| !is_void(key, policy, is_lost));
                AfterRelease::Valid
            }
        }

        impl<K: $($key)*, W: References, $($hasher)*> ValueReferences for $map {
            const CASCADES: bool = W::CASCADES;

            fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
                for (index, value) in self.values().enumerate() {
                    visitor.enter(PathStep::Value(index));
                    value.visit_references(policy, visitor);
                    visitor.leave();
                }
            }

            fn release_references(
                &mut self,
                policy: OnLoss,
                is_lost: &mut dyn FnMut(Entity) -> bool,
            ) -> AfterRelease {
                self.retain(|_, value| {
                    value.release_references(policy, is_lost) == AfterRelease::Valid
                });
                AfterRelease::Valid
            }
        }
    )*};
}

parts! {
    std::collections::HashMap<K, W, S>, [Eq + Hash], [S: BuildHasher];
    bevy_platform::collections::HashMap<K, W, S>, [Eq + Hash], [S: BuildHasher];
    IndexMap<K, W, S>, [Eq + Hash], [S: BuildHasher];
    BTreeMap<K, W>, [Ord], [];
    EntityEquivalentHashMap<K, W>, [EntityEquivalent + Hash], [];
    EntityEquivalentIndexMap<K, W>, [EntityEquivalent + Hash], [];
}

#[cfg(feature = "hashbrown")]
parts! {
    hashbrown::HashMap<K, W, S>, [Eq + Hash], [S: BuildHasher];
}
