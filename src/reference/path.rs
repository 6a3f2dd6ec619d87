//! Where in a component an entity is named.

use core::fmt::{self, Write};

use bevy_ecs::entity::Entity;

use crate::reference::{
    policy::OnLoss,
    references::{ReferenceVisitor, References},
};

/// A step on the way from a component to an entity that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep {
    /// Into a field of a struct, or of a tuple by its number.
    Field(&'static str),
    /// Into a variant of an enum.
    Variant(&'static str),
    /// To an element of a list, a set, or an array, from 0.
    Index(usize),
    /// To the key of a map's entry, from 0.
    Key(usize),
    /// To the value of a map's entry, from 0.
    Value(usize),
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Variant(name) => write!(f, "::{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(index) => write!(f, "[key {index}]"),
            Self::Value(index) => write!(f, "[value {index}]"),
        }
    }
}

/// A place that names an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldPlace {
    pub(crate) entity: Entity,
    /// The way there: `.friends[3]`.
    pub(crate) path: String,
    pub(crate) policy: OnLoss,
}

/// Returns the places of `component` that name somebody who `is_meant`, in order.
pub(crate) fn places(
    component: &impl References,
    is_meant: &mut dyn FnMut(Entity) -> bool,
) -> Vec<FieldPlace> {
    let mut found = Vec::new();
    let search = Search {
        is_meant,
        path: Vec::new(),
        found: |entity, path: &[PathStep], policy| {
            let mut text = String::new();
            for step in path {
                write!(text, "{step}").expect("a string should take all that is written");
            }
            found.push(FieldPlace {
                entity,
                path: text,
                policy,
            });
        },
    };
    component.visit_references(OnLoss::Clear, &mut { search });
    found
}

/// Calls `found` for each place of `component` that refuses to lose whom it names, in order, with
/// the name of the field; which is empty if it has none.
pub(crate) fn denying_fields(
    component: &impl References,
    found: &mut dyn FnMut(Entity, &'static str),
) {
    let search = Search {
        is_meant: &mut |_| true,
        path: Vec::new(),
        found: |entity, path: &[PathStep], policy| {
            if policy == OnLoss::Deny {
                let name = path.iter().find_map(|step| match step {
                    PathStep::Field(name) => Some(*name),
                    _ => None,
                });
                found(entity, name.unwrap_or_default());
            }
        },
    };
    component.visit_references(OnLoss::Clear, &mut { search });
}

/// Calls `found` for each place that names somebody who is meant.
struct Search<'a, F> {
    is_meant: &'a mut dyn FnMut(Entity) -> bool,
    path: Vec<PathStep>,
    found: F,
}

impl<F: FnMut(Entity, &[PathStep], OnLoss)> ReferenceVisitor for Search<'_, F> {
    fn reference(&mut self, entity: Entity, policy: OnLoss) {
        if (self.is_meant)(entity) {
            (self.found)(entity, &self.path, policy);
        }
    }

    fn enter(&mut self, step: PathStep) {
        self.path.push(step);
    }

    fn leave(&mut self) {
        self.path.pop();
    }
}
