//! What goes in a batch that meets objections.
//!
//! A root stays if its own tree vetoes it, or if an entity refuses that stays. What it would have
//! taken along stays with it, unless another root takes it. Each that stays may make others stay,
//! until nothing changes.
//!
//! Each entity, and each objection, is looked at once, so this is linear in both; but where an
//! entity of the batch would be taken along by more than one other, a veto from inside takes a look
//! at all that would take either of the two along.

use std::collections::VecDeque;

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    deletion::{
        ask,
        batch_groups::Groups,
        outcome::{NotDeleted, QdelOutcome},
        owned::Ownerships,
    },
    error::QdelError,
    reference::cascade::{Denial, DenyingFields},
};

/// A reason why an entity must not go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objection {
    on: Entity,
    /// The entity that refuses, if that is a choice of one.
    by: Option<Entity>,
    reason: Reason,
}

/// Why an entity must stay.
#[derive(Debug, Clone, Copy)]
enum Reason {
    /// It holds a resource.
    Resource,
    Veto,
    Denial(Denial),
}

impl Reason {
    /// Returns which reasons come before which.
    fn rank(self) -> u8 {
        match self {
            Self::Resource => 0,
            Self::Denial(_) => 1,
            Self::Veto => 2,
        }
    }
}

impl Objection {
    pub(crate) fn resource(on: Entity) -> Self {
        let (by, reason) = (None, Reason::Resource);
        Self { on, by, reason }
    }

    pub(crate) fn veto(on: Entity, by: Option<Entity>) -> Self {
        let reason = Reason::Veto;
        Self { on, by, reason }
    }

    pub(crate) fn denial(denial: Denial) -> Self {
        Self {
            on: denial.target,
            by: Some(denial.holder),
            reason: Reason::Denial(denial),
        }
    }

    /// Returns what a root is answered that must stay for this reason.
    fn refusal(&self, world: &World, root: Entity, fields: &mut DenyingFields) -> NotDeleted {
        match self.reason {
            Reason::Veto => Ok(QdelOutcome::Vetoed { on: self.on }),
            Reason::Resource => Err(QdelError::Resource {
                entity: root,
                resource: self.on,
            }),
            Reason::Denial(denial) => Err(ask::denied(world, root, denial, fields)),
        }
    }
}

/// Which roots of a batch stay.
pub(crate) struct Judgement {
    groups: Groups,
    objections: Vec<Objection>,
    /// The number of the objection for which a group stays.
    stays: Vec<Option<usize>>,
}

impl Judgement {
    /// Judges `objections` to a batch of `roots`.
    pub(crate) fn of(
        world: &World,
        ownerships: &Ownerships,
        roots: impl Iterator<Item = Entity>,
        mut objections: Vec<Objection>,
    ) -> Self {
        // The answer is what a single deletion says.
        objections.sort_by_key(|objection| objection.reason.rank());
        let groups = Groups::of(world, ownerships, roots);
        let mut trial = Trial::new(&groups);
        let mut number = 0;
        for alike in objections.chunk_by(|one, next| one.reason.rank() == next.reason.rank()) {
            for objection in alike {
                trial.hear(number, objection);
                number += 1;
            }
            trial.conclude();
        }
        let stays = trial.stays;
        Self {
            groups,
            objections,
            stays,
        }
    }

    /// Returns why `root` stays, if it does.
    pub(crate) fn refusal(
        &self,
        world: &World,
        root: Entity,
        fields: &mut DenyingFields,
    ) -> Option<NotDeleted> {
        let group = self.groups.of_entity(root)?;
        let objection = &self.objections[self.stays[group]?];
        Some(objection.refusal(world, root, fields))
    }
}

/// A judgement that is being made.
struct Trial<'a> {
    groups: &'a Groups,
    stays: Vec<Option<usize>>,
    /// How many take a group along, itself included if it has a root: none if it does not go.
    takers: Vec<usize>,
    /// The groups that stay if a group does not go, each with the objection.
    waiting: Vec<Vec<(usize, usize)>>,
    findings: VecDeque<Finding>,
}

enum Finding {
    /// A group must stay, by the objection of that number.
    Stays(usize, usize),
    /// No root takes a group along any more.
    IsLeft(usize),
}

impl<'a> Trial<'a> {
    fn new(groups: &'a Groups) -> Self {
        let all = 0..groups.has_root.len();
        let takers = all.clone().map(|group| {
            let taken_by = groups.taken_by.of(group).len();
            taken_by + usize::from(groups.has_root[group])
        });
        Self {
            groups,
            stays: vec![None; all.len()],
            takers: takers.collect(),
            waiting: vec![Vec::new(); all.len()],
            findings: VecDeque::new(),
        }
    }

    /// Notes an objection.
    fn hear(&mut self, number: usize, objection: &Objection) {
        let Some(on) = self.groups.of_entity(objection.on) else {
            return;
        };
        let by = objection.by.and_then(|by| self.groups.of_entity(by));
        let Some(by) = by.filter(|by| self.takers[*by] > 0) else {
            // By an outsider, by one that stays, or by none.
            self.findings.push_back(Finding::Stays(on, number));
            return;
        };
        if matches!(objection.reason, Reason::Veto) {
            // Its own tree.
            for taker in self.groups.that_take_both(on, by) {
                self.findings.push_back(Finding::Stays(taker, number));
            }
        }
        self.waiting[by].push((on, number));
    }

    fn conclude(&mut self) {
        while let Some(finding) = self.findings.pop_front() {
            match finding {
                Finding::Stays(group, number) => {
                    if self.stays[group].is_some() {
                        continue;
                    }
                    self.stays[group] = Some(number);
                    let takers = self.groups.taken_by.of(group).iter();
                    let stay = takers.map(|&taker| Finding::Stays(taker, number));
                    self.findings.extend(stay);
                    if self.groups.has_root[group] {
                        self.lose_taker(group);
                    }
                }
                Finding::IsLeft(group) => {
                    for &taken in self.groups.takes.of(group) {
                        self.lose_taker(taken);
                    }
                    for (on, number) in core::mem::take(&mut self.waiting[group]) {
                        self.findings.push_back(Finding::Stays(on, number));
                    }
                }
            }
        }
    }

    fn lose_taker(&mut self, group: usize) {
        self.takers[group] -= 1;
        if self.takers[group] == 0 {
            self.findings.push_back(Finding::IsLeft(group));
        }
    }
}
