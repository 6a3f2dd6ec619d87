//! What takes what along in a batch.
//!
//! Plain data, once it is made.

use bevy_ecs::{
    entity::{Entity, EntityHashMap},
    world::World,
};

use crate::{
    deletion::owned::Ownerships,
    hash::IndexSet,
    liveness::is_alive,
    reference::cascade::{Dependent, Dependents},
};

/// The members of a batch, in groups of which each takes all of itself along: mostly of one, and
/// the others are rings.
pub(crate) struct Groups {
    numbers: EntityHashMap<usize>,
    /// The group of each member, by its number.
    group: Vec<usize>,
    pub(crate) has_root: Vec<bool>,
    pub(crate) takes: Lists,
    pub(crate) taken_by: Lists,
    lineage: Option<Lineage>,
}

impl Groups {
    pub(crate) fn of(
        world: &World,
        ownerships: &Ownerships,
        roots: impl Iterator<Item = Entity>,
    ) -> Self {
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
        let taken_by = Lists::new(groups, between.clone().map(|(from, to)| (to, from)));
        Self {
            lineage: Lineage::of(&taken_by),
            takes: Lists::new(groups, between),
            has_root,
            taken_by,
            numbers,
            group,
        }
    }

    /// Returns the group of a member.
    pub(crate) fn of_entity(&self, entity: Entity) -> Option<usize> {
        let number = *self.numbers.get(&entity)?;
        Some(self.group[number])
    }

    /// Returns groups that take both along, such that all others that do take one of them along.
    pub(crate) fn that_take_both(&self, one: usize, other: usize) -> Vec<usize> {
        if let Some(lineage) = &self.lineage {
            return lineage.nearest(one, other).into_iter().collect();
        }
        let mut of_both = self.takers(one);
        if one != other {
            let others = self.takers(other);
            of_both.retain(|group| others.contains(group));
        }
        of_both.into_iter().collect()
    }

    /// Returns all that take a group along, however far, and itself.
    fn takers(&self, group: usize) -> IndexSet<usize> {
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

/// The way up from each group, where none is taken along by more than one other: as almost always.
///
/// Each group knows the one that takes it, and one further up, chosen so that any other is reached
/// in a logarithmic number of steps (Myers, "An applicative random-access stack", 1983).
struct Lineage {
    taker: Vec<usize>,
    jump: Vec<usize>,
    depth: Vec<usize>,
}

impl Lineage {
    fn of(taken_by: &Lists) -> Option<Self> {
        let groups = taken_by.len();
        if (0..groups).any(|group| taken_by.of(group).len() > 1) {
            return None;
        }
        let mut lineage = Self {
            taker: (0..groups).collect(),
            jump: (0..groups).collect(),
            depth: vec![0; groups],
        };
        // A group that takes another one along has the greater number.
        for group in (0..groups).rev() {
            if let Some(&taker) = taken_by.of(group).first() {
                let above = lineage.jump[taker];
                let depth = |group: usize| lineage.depth[group];
                let is_even =
                    depth(taker) - depth(above) == depth(above) - depth(lineage.jump[above]);
                let jump = if is_even { lineage.jump[above] } else { taker };
                lineage.depth[group] = lineage.depth[taker] + 1;
                lineage.taker[group] = taker;
                lineage.jump[group] = jump;
            }
        }
        Some(lineage)
    }

    /// Returns the nearest that takes both along, if there is one.
    fn nearest(&self, one: usize, other: usize) -> Option<usize> {
        let depth = self.depth[one].min(self.depth[other]);
        let (mut one, mut other) = (self.up(one, depth), self.up(other, depth));
        while one != other {
            if self.depth[one] == 0 {
                return None;
            }
            if self.jump[one] == self.jump[other] {
                (one, other) = (self.taker[one], self.taker[other]);
            } else {
                (one, other) = (self.jump[one], self.jump[other]);
            }
        }
        Some(one)
    }

    /// Returns the one at a `depth` that takes a group along, or the group itself.
    fn up(&self, mut group: usize, depth: usize) -> usize {
        while self.depth[group] > depth {
            let jump = self.jump[group];
            group = if self.depth[jump] < depth {
                self.taker[group]
            } else {
                jump
            };
        }
        group
    }
}

/// A list of numbers for each number, all in one place.
pub(crate) struct Lists {
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

    pub(crate) fn of(&self, list: usize) -> &[usize] {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of all that take a group along, one by one.
    fn all_above(taken_by: &Lists, group: usize) -> Vec<usize> {
        let mut above = vec![group];
        while let Some(&next) = taken_by.of(above[above.len() - 1]).first() {
            above.push(next);
        }
        above
    }

    /// The nearest of both is what a walk from one to the next finds.
    #[test]
    fn nearest_that_takes_both_is_that_of_a_walk() {
        for shape in 1..40_usize {
            // Each is taken by one with a greater number, or by none.
            let groups = 60;
            let takers = (0..groups).filter_map(|group| {
                let taker = group + 1 + (group * shape) % 7;
                (taker < groups && group % shape.max(5) != 4).then_some((group, taker))
            });
            let taken_by = Lists::new(groups, takers);
            let lineage = Lineage::of(&taken_by).unwrap();

            for one in 0..groups {
                for other in 0..groups {
                    let others = all_above(&taken_by, other);
                    let mut walk = all_above(&taken_by, one).into_iter();
                    let nearest = walk.find(|group| others.contains(group));
                    assert_eq!(lineage.nearest(one, other), nearest, "{one} and {other}");
                }
            }
        }
    }

    /// A chain is climbed in a logarithmic number of steps.
    #[test]
    fn way_up_a_chain_is_short() {
        let groups = 1 << 16;
        let chain = (0..groups - 1).map(|group| (group, group + 1));
        let lineage = Lineage::of(&Lists::new(groups, chain)).unwrap();

        let (mut group, mut steps) = (0, 0);
        while lineage.depth[group] > 0 {
            group = lineage.jump[group];
            steps += 1;
        }

        assert!(steps <= 2 * 16, "{steps} steps");
        assert_eq!(lineage.nearest(0, groups - 1), Some(groups - 1));
    }
}
