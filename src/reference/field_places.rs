//! Where in a component an entity is named.

use core::fmt::Write;

use bevy_ecs::entity::Entity;

use crate::reference::{
    path::PathStep,
    policy::OnLoss,
    references::{ReferenceVisitor, References},
};

/// A place that names an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldPlace {
    pub(crate) entity: Entity,
    /// The path in the component: `.friends[3]`.
    pub(crate) path: String,
    pub(crate) policy: OnLoss,
}

/// Returns the places of `component` that name an entity which `is_meant`, in order.
pub(crate) fn places(
    component: &impl References,
    is_meant: &mut dyn FnMut(Entity) -> bool,
) -> Vec<FieldPlace> {
    let mut found = Vec::new();
    let search = PlaceSearch {
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

/// Calls `found` for each place of `component` with the policy `Deny`, in order. It is given the
/// name of the field, which is empty if there is none.
pub(crate) fn denying_fields(
    component: &impl References,
    found: &mut dyn FnMut(Entity, &'static str),
) {
    let search = PlaceSearch {
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

/// Calls `found` for each place that names an entity which is meant.
struct PlaceSearch<'a, F> {
    is_meant: &'a mut dyn FnMut(Entity) -> bool,
    path: Vec<PathStep>,
    found: F,
}

impl<F: FnMut(Entity, &[PathStep], OnLoss)> ReferenceVisitor for PlaceSearch<'_, F> {
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
