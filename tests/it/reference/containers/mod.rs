//! What can name entities, and how it lets go of them: every container, nested values, policies,
//! and the derive.
//!
//! Rules R1, R2, R4 and R5 of the design, on values alone and on components of a world. Maps and
//! sets of `hashbrown` are tested with its feature. Errors of the derive are in `compile_fail/`.

mod derive;
mod lists;
mod maps;
mod on_lost;
mod random;
mod shapes;

use bevy_ecs::{
    entity::{EntityHashMap, EntityHashSet, EntityIndexMap, EntityIndexSet},
    prelude::*,
};
use core::{any::type_name, fmt::Debug, hash::Hash, marker::PhantomData, time::Duration};
use indexmap::{IndexMap, IndexSet};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, option, prelude::*};
use qdel::{
    References,
    plan::Release,
    prelude::*,
    reference::{AfterRelease, Lost, OnLoss, PathStep, ReferenceVisitor, Releasable},
};
use smallvec::SmallVec;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::stage::spawn_many;

#[derive(Component, Debug, PartialEq, References)]
struct Marker;

/// Returns entities of a world that is of no interest.
fn entities<const N: usize>() -> [Entity; N] {
    spawn_many(&mut World::new())
}

fn visited(value: &impl References) -> Vec<Entity> {
    let mut visited = Vec::new();
    value.visit_references(OnLoss::Clear, &mut |entity, _| visited.push(entity));
    visited
}

fn let_go(value: &mut impl References, lost: &[Entity]) -> AfterRelease {
    value.release_references(OnLoss::Clear, &mut |entity| lost.contains(&entity))
}

/// What is named before, what is lost of it, and what is left.
fn stories() -> Vec<(Vec<Entity>, Vec<Entity>, Vec<Entity>)> {
    let [a, b, c, d] = entities();
    vec![
        (vec![], vec![a], vec![]),
        (vec![a], vec![], vec![a]),
        (vec![a], vec![b], vec![a]),
        (vec![a], vec![a], vec![]),
        (vec![a, b, c, d], vec![b], vec![a, c, d]),
        (vec![d, c, b, a], vec![d, a], vec![c, b]),
        (vec![a, b, c], vec![c, b, a, d], vec![]),
        (vec![b, a, b, c, b, d, b], vec![b], vec![a, c, d]),
        (vec![c, a, c, b, a], vec![b], vec![c, a, c, a]),
        (vec![b, b], vec![b], vec![]),
    ]
}

/// Returns entities in some order, each once.
fn sorted<T: Ord + Hash>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}
