//! Where in a component an entity is named.

use core::fmt::{self, Write};

use bevy_ecs::entity::Entity;

use super::{Policy, ReferenceVisitor, References};

/// A step on the way from a component to an entity that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
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

impl fmt::Display for Step {
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

/// Returns the path of each place where `component` names `target`, in order: `.friends[3]`.
pub(crate) fn paths_to(component: &impl References, target: Entity) -> Vec<(String, Policy)> {
    let mut search = Search {
        target,
        path: Vec::new(),
        found: Vec::new(),
    };
    component.visit_references(Policy::Clear, &mut search);
    search.found
}

struct Search {
    target: Entity,
    path: Vec<Step>,
    found: Vec<(String, Policy)>,
}

impl ReferenceVisitor for Search {
    fn reference(&mut self, entity: Entity, policy: Policy) {
        if entity != self.target {
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            write!(path, "{step}").expect("a string should take all that is written");
        }
        self.found.push((path, policy));
    }

    fn enter(&mut self, step: Step) {
        self.path.push(step);
    }

    fn leave(&mut self) {
        self.path.pop();
    }
}
