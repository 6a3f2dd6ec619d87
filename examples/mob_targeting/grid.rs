//! What is near: the arena cut into square cells.
//!
//! Rebuilt each tick from a flat list, which for mobs that all move is cheaper than keeping a tree
//! up to date.
//!
//! # Invariants
//!
//! 1. The mobs of a cell stand in the order in which the list gave them.
//! 2. A cell is at least as wide as a mob sees, so that a foe in sight is in its own cell or a
//!    neighbour.

use bevy_ecs::prelude::{Entity, Resource};
use glam::Vec2;

use crate::{arena::Badge, scenario::Scenario};

/// More cells a side would only make an arena of few mobs slow.
const MOST_COLUMNS: f32 = 1024.0;

/// Own cell first, then the neighbours, so that few considered foes are near ones.
const NEIGHBOURHOOD: [(i32, i32); 9] = [
    (0, 0),
    (0, -1),
    (-1, 0),
    (1, 0),
    (0, 1),
    (-1, -1),
    (1, -1),
    (-1, 1),
    (1, 1),
];

/// A mob as the others see it at the beginning of a tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighted {
    /// The mob.
    pub(crate) mob: Entity,
    /// The mob.
    pub(crate) badge: Badge,
    /// Where it stands.
    pub(crate) at: Vec2,
    /// How many it has killed.
    pub(crate) fame: u32,
}

/// The mobs of the arena by cell.
#[derive(Resource, Debug)]
pub(crate) struct Grid {
    columns: usize,
    cell: f32,
    /// Where each cell begins in `sighted`, and the end of the last one.
    starts: Vec<u32>,
    sighted: Vec<Sighted>,
}

impl Grid {
    /// Returns an empty grid for the arena of `scenario`.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let side = scenario.side();
        let cell = scenario.mob.sight.max(side / MOST_COLUMNS);
        let columns = (side / cell).ceil().max(1.0) as usize;
        Self {
            columns,
            cell,
            starts: vec![0; columns * columns + 1],
            sighted: Vec::new(),
        }
    }

    /// Puts `mobs` into the cells in place of those of the tick before.
    ///
    /// # Complexity
    ///
    /// Linear in mobs and cells: a counting sort.
    pub(crate) fn fill(&mut self, mobs: &[Sighted]) {
        let Some(&any) = mobs.first() else {
            self.starts.fill(0);
            self.sighted.clear();
            return;
        };
        self.sighted.clear();
        self.sighted.resize(mobs.len(), any);
        self.starts.fill(0);
        for mob in mobs {
            let cell = self.cell_at(mob.at);
            self.starts[cell] += 1;
        }
        // Each count becomes the end of its cell, and placing from the back makes it the start.
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        for mob in mobs.iter().rev() {
            let cell = self.cell_at(mob.at);
            self.starts[cell] -= 1;
            self.sighted[self.starts[cell] as usize] = *mob;
        }
    }

    /// Returns the foe that a mob of `tribe` at `at` picks: near is good, famous is better.
    ///
    /// It weighs up the first foes in sight that are there, up to a number, and takes the first
    /// among equals.
    pub(crate) fn pick(
        &self,
        tribe: u8,
        at: Vec2,
        scenario: &Scenario,
        is_there: impl Fn(&Sighted) -> bool,
    ) -> Option<Sighted> {
        let sight = scenario.mob.sight * scenario.mob.sight;
        let worth = |foe: &Sighted| foe.at.distance_squared(at) / (1 + foe.fame) as f32;
        self.around(at)
            .filter(|foe| foe.badge.tribe != tribe && foe.at.distance_squared(at) <= sight)
            .filter(|foe| is_there(foe))
            .take(scenario.mob.considered as usize)
            .min_by(|a, b| worth(a).total_cmp(&worth(b)))
            .copied()
    }

    /// Iterates over the mobs of the cell at `at` and of its neighbours.
    fn around(&self, at: Vec2) -> impl Iterator<Item = &Sighted> {
        let (column, row) = self.column_and_row(at);
        NEIGHBOURHOOD.iter().flat_map(move |(right, down)| {
            let column = column.checked_add_signed(*right as isize);
            let row = row.checked_add_signed(*down as isize);
            match column.zip(row) {
                Some((column, row)) if column < self.columns && row < self.columns => {
                    let cell = row * self.columns + column;
                    let range = self.starts[cell] as usize..self.starts[cell + 1] as usize;
                    &self.sighted[range]
                }
                _ => &[],
            }
        })
    }

    fn cell_at(&self, at: Vec2) -> usize {
        let (column, row) = self.column_and_row(at);
        row * self.columns + column
    }

    fn column_and_row(&self, at: Vec2) -> (usize, usize) {
        let last = self.columns - 1;
        let along = |distance: f32| ((distance / self.cell) as usize).min(last);
        (along(at.x), along(at.y))
    }
}
