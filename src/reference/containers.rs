//! [`References`] for `Entity` and the containers of it.
//!
//! Lists keep the order of the elements that stay.

use core::{hash::Hash, marker::PhantomData, time::Duration};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bevy_ecs::entity::{
    Entity, EntityEquivalent, hash_map::EntityEquivalentHashMap, hash_set::EntityEquivalentHashSet,
    index_map::EntityEquivalentIndexMap, index_set::EntityEquivalentIndexSet,
};
use indexmap::{IndexMap, IndexSet};
use smallvec::{Array, SmallVec};

use crate::reference::{
    path::PathStep,
    policy::OnLoss,
    references::{AfterRelease, ReferenceVisitor, References, Releasable, is_void},
};

type IsLost<'a> = &'a mut dyn FnMut(Entity) -> bool;

impl References for Entity {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        visitor.reference(*self, policy);
    }

    fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
        if policy.lets_go() && is_lost(*self) {
            AfterRelease::Void
        } else {
            AfterRelease::Valid
        }
    }
}

impl<T: References> References for Option<T> {
    const CASCADES: bool = T::CASCADES;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        if let Some(value) = self {
            value.visit_references(policy, visitor);
        }
    }

    fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
        if let Some(value) = self
            && value.release_references(policy, is_lost) == AfterRelease::Void
        {
            *self = None;
        }
        AfterRelease::Valid
    }
}

impl<T: References> Releasable for Option<T> {}

impl<T: References> References for Box<T> {
    const CASCADES: bool = T::CASCADES;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        T::visit_references(self, policy, visitor);
    }

    fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
        T::release_references(self, policy, is_lost)
    }
}

impl<T: Releasable> Releasable for Box<T> {}

impl<T: References, const N: usize> References for [T; N] {
    const CASCADES: bool = T::CASCADES;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        visit_all(self, PathStep::Index, policy, visitor);
    }

    fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
        let release = |remains: AfterRelease, value: &mut T| {
            let released = value.release_references(policy, is_lost);
            remains.and(released)
        };
        self.iter_mut().fold(AfterRelease::Valid, release)
    }
}

impl<T: Releasable, const N: usize> Releasable for [T; N] {}

/// A list whose elements can be released in place.
macro_rules! list {
    ($([$($parameters:tt)*] $list:ty, $item:ty;)*) => {$(
        impl<$($parameters)*> References for $list {
            const CASCADES: bool = <$item as References>::CASCADES;

            fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
                visit_all(self, PathStep::Index, policy, visitor);
            }

            fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
                self.retain_mut(|value| value.release_references(policy, is_lost) == AfterRelease::Valid);
                AfterRelease::Valid
            }
        }

        impl<$($parameters)*> Releasable for $list {}
    )*};
}

list! {
    [T: References] Vec<T>, T;
    [T: References] VecDeque<T>, T;
}

impl<A: Array<Item: References>> References for SmallVec<A> {
    const CASCADES: bool = A::Item::CASCADES;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        visit_all(self, PathStep::Index, policy, visitor);
    }

    fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
        self.retain(|value| value.release_references(policy, is_lost) == AfterRelease::Valid);
        AfterRelease::Valid
    }
}

impl<A: Array<Item: References>> Releasable for SmallVec<A> {}

/// A set. Elements that name what is lost are dropped.
macro_rules! set {
    ($([$($parameters:tt)*] $set:ty, $item:ty;)*) => {$(
        impl<$($parameters)*> References for $set {
            const CASCADES: bool = <$item as References>::CASCADES;

            fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
                visit_all(self, PathStep::Index, policy, visitor);
            }

            fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
                self.retain(|value| !is_void(value, policy, is_lost));
                AfterRelease::Valid
            }
        }

        impl<$($parameters)*> Releasable for $set {}
    )*};
}

set! {
    [T: References + Eq + Hash, S: core::hash::BuildHasher] std::collections::HashSet<T, S>, T;
    [T: References + Eq + Hash, S: core::hash::BuildHasher] bevy_platform::collections::HashSet<T, S>, T;
    [T: References + Ord] BTreeSet<T>, T;
    [T: References + Eq + Hash, S: core::hash::BuildHasher] IndexSet<T, S>, T;
    [T: References + EntityEquivalent + Hash] EntityEquivalentHashSet<T>, T;
    [T: References + EntityEquivalent + Hash] EntityEquivalentIndexSet<T>, T;
}

#[cfg(feature = "hashbrown")]
set! {
    [T: References + Eq + Hash, S: core::hash::BuildHasher] hashbrown::HashSet<T, S>, T;
}

/// A map. An entry is dropped if its key names what is lost, or if its value is void without it.
macro_rules! map {
    ($([$($parameters:tt)*] $map:ty, $key:ty, $value:ty;)*) => {$(
        impl<$($parameters)*> References for $map {
            const CASCADES: bool =
                <$key as References>::CASCADES || <$value as References>::CASCADES;

            fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
                for (index, (key, value)) in self.iter().enumerate() {
                    visitor.enter(PathStep::Key(index));
                    key.visit_references(policy, visitor);
                    visitor.leave();
                    visitor.enter(PathStep::Value(index));
                    value.visit_references(policy, visitor);
                    visitor.leave();
                }
            }

            fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
                self.retain(|key, value| {
                    !is_void(key, policy, is_lost)
                        && value.release_references(policy, is_lost) == AfterRelease::Valid
                });
                AfterRelease::Valid
            }
        }

        impl<$($parameters)*> Releasable for $map {}
    )*};
}

map! {
    [K: References + Eq + Hash, W: References, S: core::hash::BuildHasher] std::collections::HashMap<K, W, S>, K, W;
    [K: References + Eq + Hash, W: References, S: core::hash::BuildHasher] bevy_platform::collections::HashMap<K, W, S>, K, W;
    [K: References + Ord, W: References] BTreeMap<K, W>, K, W;
    [K: References + Eq + Hash, W: References, S: core::hash::BuildHasher] IndexMap<K, W, S>, K, W;
    [K: References + EntityEquivalent + Hash, W: References] EntityEquivalentHashMap<K, W>, K, W;
    [K: References + EntityEquivalent + Hash, W: References] EntityEquivalentIndexMap<K, W>, K, W;
}

#[cfg(feature = "hashbrown")]
map! {
    [K: References + Eq + Hash, W: References, S: core::hash::BuildHasher] hashbrown::HashMap<K, W, S>, K, W;
}

/// A tuple. It is void if one of its parts is.
macro_rules! tuple {
    ($(($($part:ident $number:tt),+);)*) => {$(
        impl<$($part: References),+> References for ($($part,)+) {
            const CASCADES: bool = false $(|| $part::CASCADES)+;

            fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
                $(
                    visitor.enter(PathStep::Field(stringify!($number)));
                    self.$number.visit_references(policy, visitor);
                    visitor.leave();
                )+
            }

            fn release_references(&mut self, policy: OnLoss, is_lost: IsLost) -> AfterRelease {
                let remains = AfterRelease::Valid;
                $(let remains = remains.and(self.$number.release_references(policy, is_lost));)+
                remains
            }
        }

        impl<$($part: Releasable),+> Releasable for ($($part,)+) {}
    )*};
}

tuple! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
}

/// Types that name no entities, and may be used beside those that do.
macro_rules! nothing {
    ($([$($parameters:tt)*] $nothing:ty;)*) => {$(
        impl<$($parameters)*> References for $nothing {
            const CASCADES: bool = false;

            fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, _: &mut V) {}

            fn release_references(&mut self, _: OnLoss, _: IsLost) -> AfterRelease {
                AfterRelease::Valid
            }
        }

        impl<$($parameters)*> Releasable for $nothing {}
    )*};
}

nothing! {
    [] bool; [] char; [] (); [] String; [] &'static str; [] Duration;
    [] u8; [] u16; [] u32; [] u64; [] u128; [] usize;
    [] i8; [] i16; [] i32; [] i64; [] i128; [] isize;
    [] f32; [] f64;
    [] core::num::NonZeroU8; [] core::num::NonZeroU16; [] core::num::NonZeroU32; [] core::num::NonZeroU64;
    [] std::time::Instant; [] std::sync::Arc<str>; [] std::borrow::Cow<'static, str>;
    [T: ?Sized] PhantomData<T>;
}

fn visit_all<'a, T: References + 'a, V: ReferenceVisitor>(
    values: impl IntoIterator<Item = &'a T>,
    step: fn(usize) -> PathStep,
    policy: OnLoss,
    visitor: &mut V,
) {
    for (index, value) in values.into_iter().enumerate() {
        visitor.enter(step(index));
        value.visit_references(policy, visitor);
        visitor.leave();
    }
}
