//! Who goes in a batch to which somebody objects.
//!
//! A root stays if its own tree vetoes it, or if anybody refuses who stays; what it would have taken along stays with it, unless another
//! root takes it. Each that stays may have others stay, until nothing changes.
//!
//! Each entity, and each objection, is looked at once, so this is linear in both; but a veto from inside the batch about somebody
//! else in it takes a look at all that would take either of the two along.

use std::collections::VecDeque;

use bevy_ecs::{
    entity::{Entity, EntityHashMap},
    world::World,
};
use bevy_platform::hash::FixedHasher;
use indexmap::IndexSet;

use super::{
    answer::Qdel,
    ask::{self, Refusal},
    mark::is_alive,
    owned::Ownerships,
};
use crate::{
    error::QdelError,
    reference::{Denial, DenyingFields, Dependent, Dependents},
};

/// Somebody who refuses that an entity goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Objection {
    on: Entity,
    /// Whoever refuses; none if it is nobody's choice.
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
    pub(super) fn resource(on: Entity) -> Self {
        let (by, reason) = (None, Reason::Resource);
        Self { on, by, reason }
    }

    pub(super) fn veto(on: Entity, by: Option<Entity>) -> Self {
        let reason = Reason::Veto;
        Self { on, by, reason }
    }

    pub(super) fn denial(denial: Denial) -> Self {
        Self {
            on: denial.target,
            by: Some(denial.holder),
            reason: Reason::Denial(denial),
        }
    }

    /// Returns what a root is answered that must stay for this reason.
    fn refusal(&self, world: &World, root: Entity, fields: &mut DenyingFields) -> Refusal {
        match self.reason {
            Reason::Veto => Ok(Qdel::Vetoed { on: self.on }),
            Reason::Resource => Err(QdelError::Resource {
                entity: root,
                resource: self.on,
            }),
            Reason::Denial(denial) => Err(ask::denied(world, root, denial, fields)),
        }
    }
}

/// Which roots of a batch stay.
pub(super) struct Judgement {
    groups: Groups,
    objections: Vec<Objection>,
    /// The number of the objection for which a group stays.
    stays: Vec<Option<usize>>,
}

impl Judgement {
    /// Judges `objections` to a batch of `roots`.
    pub(super) fn of(
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
    pub(super) fn refusal(
        &self,
        world: &World,
        root: Entity,
        fields: &mut DenyingFields,
    ) -> Option<Refusal> {
        let group = self.groups.of_entity(root)?;
        let objection = &self.objections[self.stays[group]?];
        Some(objection.refusal(world, root, fields))
    }
}

/// A judgement that is being made.
struct Trial<'a> {
    groups: &'a Groups,
    stays: Vec<Option<usize>>,
    /// Who takes a group along, itself included if it has a root: nobody if it does not go.
    takers: Vec<usize>,
    /// The groups that stay if a group does not go, each with the objection.
    waiting: Vec<Vec<(usize, usize)>>,
    findings: VecDeque<Finding>,
}

enum Finding {
    /// A group must stay, by the objection of that number.
    Stays(usize, usize),
    /// Nobody takes a group along any more.
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
            // By an outsider, by one that stays, or by nobody.
            self.findings.push_back(Finding::Stays(on, number));
            return;
        };
        if matches!(objection.reason, Reason::Veto) {
            // Its own tree.
            for root in self.groups.roots_that_take_both(on, by) {
                self.findings.push_back(Finding::Stays(root, number));
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

/// The members of a batch, in groups of which each takes all of itself along: mostly of one, and the others are rings.
struct Groups {
    numbers: EntityHashMap<usize>,
    /// The group of each member, by its number.
    group: Vec<usize>,
    has_root: Vec<bool>,
    takes: Lists,
    taken_by: Lists,
}

impl Groups {
    fn of(world: &World, ownerships: &Ownerships, roots: impl Iterator<Item = Entity>) -> Self {
        let mut numbers = EntityHashMap::default();
        let mut members = Vec::new();
        for root in roots {
            numbers.entry(root).or_insert_with(|| {
                members.push(root);
                members.len() - 1
            });
        }
        let roots = members.len();
        let mut edges = Vec::new();
        let mut dependents = Dependents::default();
        let mut next = 0;
        while next < members.len() {
            let taker = members[next];
            let mut add = |taken: Entity| {
                let number = *numbers.entry(taken).or_insert_with(|| {
                    members.push(taken);
                    members.len() - 1
                });
                edges.push((next, number));
            };
            ownerships.for_each_owned(world, world.entity(taker), |owned| {
                if is_alive(world, owned) {
                    add(owned);
                }
            });
            dependents.for_each(world, taker, |dependent| match dependent {
                Dependent::Goes(holder) => add(holder),
                Dependent::Refuses(_) => {}
            });
            next += 1;
        }

        let (group, groups) = group_rings(&Lists::new(members.len(), edges.iter().copied()));
        let between = edges.iter().map(|&(from, to)| (group[from], group[to]));
        let between = between.filter(|(from, to)| from != to);
        let mut has_root = vec![false; groups];
        for &group in &group[..roots] {
            has_root[group] = true;
        }
        Self {
            has_root,
            takes: Lists::new(groups, between.clone()),
            taken_by: Lists::new(groups, between.map(|(from, to)| (to, from))),
            numbers,
            group,
        }
    }

    /// Returns the group of a member.
    fn of_entity(&self, entity: Entity) -> Option<usize> {
        let number = *self.numbers.get(&entity)?;
        Some(self.group[number])
    }

    /// Returns the groups with roots that take both along.
    fn roots_that_take_both(&self, one: usize, other: usize) -> Vec<usize> {
        let mut of_both = self.takers(one);
        if one != other {
            let others = self.takers(other);
            of_both.retain(|group| others.contains(group));
        }
        let has_root = |group: &usize| self.has_root[*group];
        of_both.into_iter().filter(has_root).collect()
    }

    /// Returns all that take a group along, however far, and itself.
    fn takers(&self, group: usize) -> IndexSet<usize, FixedHasher> {
        let mut takers = IndexSet::default();
        takers.insert(group);
        let mut next = 0;
        while let Some(&group) = takers.get_index(next) {
            takers.extend(self.taken_by.of(group).iter().copied());
            next += 1;
        }
        takers
    }
}

/// A list of numbers for each number, all in one place.
struct Lists {
    /// Where each begins, and the end of the last.
    starts: Vec<usize>,
    items: Vec<usize>,
}

impl Lists {
    fn new(lists: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; lists + 1];
        for (list, _) in pairs.clone() {
            starts[list + 1] += 1;
        }
        for list in 0..lists {
            starts[list + 1] += starts[list];
        }
        let mut free = starts.clone();
        let mut items = vec![0; starts[lists]];
        for (list, item) in pairs {
            items[free[list]] = item;
            free[list] += 1;
        }
        Self { starts, items }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn of(&self, list: usize) -> &[usize] {
        &self.items[self.starts[list]..self.starts[list + 1]]
    }
}

/// Returns the group of each node, and how many there are: nodes that reach each other are of one.
///
/// That is Tarjan's algorithm for strongly connected components, on a stack of its own.
fn group_rings(edges: &Lists) -> (Vec<usize>, usize) {
    const NONE: usize = usize::MAX;
    let nodes = edges.len();
    let mut groups = 0;
    let mut group = vec![NONE; nodes];
    let mut order = vec![NONE; nodes];
    let mut lowest = vec![0; nodes];
    let mut visited = 0;
    let mut open = Vec::new();
    let mut path = Vec::new();
    for start in 0..nodes {
        if order[start] != NONE {
            continue;
        }
        path.push((start, 0));
        while let Some((node, edge)) = path.last_mut() {
            let node = *node;
            if *edge == 0 {
                order[node] = visited;
                lowest[node] = visited;
                visited += 1;
                open.push(node);
            }
            if let Some(&to) = edges.of(node).get(*edge) {
                *edge += 1;
                if order[to] == NONE {
                    path.push((to, 0));
                } else if group[to] == NONE {
                    lowest[node] = lowest[node].min(order[to]);
                }
                continue;
            }
            path.pop();
            if let Some(&(before, _)) = path.last() {
                lowest[before] = lowest[before].min(lowest[node]);
            }
            if lowest[node] == order[node] {
                while let Some(member) = open.pop() {
                    group[member] = groups;
                    if member == node {
                        break;
                    }
                }
                groups += 1;
            }
        }
    }
    (group, groups)
}
