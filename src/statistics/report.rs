//! What deletions did and cost, as a table to read.

use core::{
    cmp::Reverse,
    fmt::{self, Write},
    time::Duration,
};

use bevy_ecs::world::World;
use disqualified::ShortName;

use crate::{
    deleting::SlowestHandler,
    deletion::{queue::Deletions, sweep_in_flush},
    statistics::{counts::KindCounts, kinds::Kinds, text_table::TextTable},
    sweep::schedule::LeftoverField,
};

/// What the deletions in a world did and cost, since it began or the statistics were reset: see
/// [`WorldQdelExt::qdel_statistics`](crate::WorldQdelExt::qdel_statistics).
///
/// Its `Display` is a table for people. It leaves out what never happened.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// #[derive(Component)]
/// struct Goblin;
///
/// let mut world = World::new();
/// world.register_qdel_kind::<Goblin>();
/// let goblin = world.spawn(Goblin).id();
/// world.qdel(goblin)?;
/// world.qdel(goblin)?;
///
/// let statistics = world.qdel_statistics();
/// assert_eq!(
///     statistics.to_string(),
///     "\
/// ┌────────┬─────────┬──────────┐
/// │ kind   ┆ deleted ┆ repeated │
/// ╞════════╪═════════╪══════════╡
/// │ Goblin ┆       1 ┆        1 │
/// │ others ┆       0 ┆        0 │
/// │ all    ┆       1 ┆        1 │
/// └────────┴─────────┴──────────┘
/// 1 entity waits for its tear-down
/// handlers and `Destroy`s are timed with `QdelSettings::measure_costs` only"
/// );
/// # Ok::<(), qdel::QdelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Statistics {
    /// Each kind, worst first: by the time that hard deletes took, then by leftovers, then by the
    /// time that telling and destroying took, then by how many were deleted, and then by name.
    pub kinds: Vec<KindRow>,
    /// The entities of no kind, and those that were deleted before their kind was registered.
    pub others: KindCounts,
    /// The fields in which sweeps found entities that were gone, those with the most places first.
    pub fields: Vec<LeftoverField>,
    /// How many entities wait for their tear-down now.
    pub waiting: usize,
}

/// What the deletions of one kind of entity did and cost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KindRow {
    /// The type name of the marker.
    pub name: &'static str,
    /// That name without its path, unless several kinds share that.
    pub short_name: String,
    /// What was counted.
    pub counts: KindCounts,
}

impl Statistics {
    pub(crate) fn of(world: &World) -> Self {
        let nothing = Kinds::default();
        let kinds = Kinds::of(world).unwrap_or(&nothing);
        let names: Vec<_> = kinds.iter().map(|(name, _)| name).collect();
        let named = short_names(&names).into_iter().zip(kinds.iter());
        let mut of_kinds: Vec<_> = named
            .map(|(short_name, (name, counts))| KindRow {
                name,
                short_name,
                counts: *counts,
            })
            .collect();
        of_kinds.sort_by_key(|kind| (Reverse(kind.counts.harm()), kind.name));
        Self {
            kinds: of_kinds,
            others: kinds.others(world),
            fields: sweep_in_flush::sweep_statistics(world),
            waiting: count_waiting(world),
        }
    }

    /// Returns what was counted for all kinds and the others together.
    pub fn total(&self) -> KindCounts {
        let mut total = self.others;
        for kind in &self.kinds {
            total.add(&kind.counts);
        }
        total
    }
}

impl KindCounts {
    /// Returns `true` if anything took time.
    fn is_measured(&self) -> bool {
        !(self.tell + self.destroy).is_zero()
    }

    /// Returns what kinds are sorted by.
    fn harm(&self) -> (Duration, u64, Duration, u64) {
        (
            self.hard_delete_time,
            self.leftovers,
            self.tell + self.destroy,
            self.deleted,
        )
    }
}

/// Returns the names of kinds without their paths, and in full where several are then called the
/// same.
pub(crate) fn short_names(names: &[&str]) -> Vec<String> {
    let short_names: Vec<_> = names
        .iter()
        .map(|name| ShortName(name).to_string())
        .collect();
    let named = names.iter().zip(&short_names);
    named
        .map(|(name, short)| {
            let shared = short_names.iter().filter(|other| *other == short);
            let is_shared = shared.count() > 1;
            if is_shared {
                (*name).to_owned()
            } else {
                short.clone()
            }
        })
        .collect()
}

/// Returns how many entities wait for their tear-down.
pub(crate) fn count_waiting(world: &World) -> usize {
    let deletions = world.get_resource::<Deletions>();
    deletions.map_or(0, Deletions::count_waiting)
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        let rows = self.rows(&total);
        let columns = || {
            let mut columns = COLUMNS.iter();
            let first = columns.next();
            first.into_iter().chain(columns.filter(|column| {
                let value = (column.value)(&total);
                value != Value::Count(0) && value != Value::Time(Duration::ZERO)
            }))
        };

        let titles = columns().map(|column| column.title);
        let titles = ["kind"].into_iter().chain(titles).collect();
        let cells = rows.iter().map(|(name, counts)| {
            let values = columns().map(|column| (column.value)(counts).to_string());
            [(*name).to_owned()].into_iter().chain(values).collect()
        });
        let table = TextTable::new(titles, cells.collect());
        write!(f, "{table}")?;

        match self.waiting {
            0 => {}
            1 => write!(f, "\n1 entity waits for its tear-down")?,
            waiting => write!(f, "\n{waiting} entities wait for their tear-down")?,
        }
        for field in &self.fields {
            write!(f, "\nleftovers in {field}")?;
        }
        if !total.is_measured() {
            write!(
                f,
                "\nhandlers and `Destroy`s are timed with `QdelSettings::measure_costs` only"
            )?;
        }
        for (name, counts) in &rows {
            if let Some(slowest) = counts.slowest.filter(|_| *name != ALL || rows.len() == 1) {
                let SlowestHandler {
                    handler,
                    listener,
                    time,
                } = slowest;
                let handler = ShortName(handler);
                let time = Value::Time(time);
                write!(
                    f,
                    "\nslowest handler, {name}: `{handler}` of {listener}, {time}"
                )?;
            }
        }
        Ok(())
    }
}

/// What the row is called that has what was counted for all.
const ALL: &str = "all";

impl Statistics {
    /// Returns the rows of the table, each with its name.
    fn rows(&self, total: &KindCounts) -> Vec<(&str, KindCounts)> {
        let kinds = self.kinds.iter();
        let mut rows: Vec<_> = kinds
            .map(|kind| (kind.short_name.as_str(), kind.counts))
            .collect();
        if !rows.is_empty() {
            rows.push(("others", self.others));
        }
        rows.push((ALL, *total));
        rows
    }
}

/// A column of the table. It is left out where all values are zero, unless it is the first.
struct Column {
    title: &'static str,
    value: fn(&KindCounts) -> Value,
}

impl Column {
    const fn new(title: &'static str, value: fn(&KindCounts) -> Value) -> Self {
        Self { title, value }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Value {
    Count(u64),
    Time(Duration),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = match self {
            Self::Count(count) => return write!(f, "{count}"),
            Self::Time(Duration::ZERO) => return f.write_char('0'),
            Self::Time(time) if *time < Duration::from_micros(1) => format!("{time:?}"),
            Self::Time(time) => format!("{time:.2?}"),
        };
        let unit = time.find(char::is_alphabetic).unwrap_or(time.len());
        write!(f, "{} {}", &time[..unit], &time[unit..])
    }
}

const COLUMNS: [Column; 14] = [
    Column::new("deleted", |counts| Value::Count(counts.deleted)),
    Column::new("torn down", |counts| Value::Count(counts.torn_down)),
    Column::new("vetoed", |counts| Value::Count(counts.vetoed)),
    Column::new("repeated", |counts| Value::Count(counts.repeated)),
    Column::new("refused", |counts| Value::Count(counts.refused)),
    Column::new("kept", |counts| Value::Count(counts.kept)),
    Column::new("overruled", |counts| Value::Count(counts.overruled)),
    Column::new("left alone", |counts| Value::Count(counts.left_alone)),
    Column::new("leftovers", |counts| Value::Count(counts.leftovers)),
    Column::new("hard deletes", |counts| Value::Count(counts.hard_deletes)),
    Column::new("hard delete time", |counts| {
        Value::Time(counts.hard_delete_time)
    }),
    Column::new("longest hard delete", |counts| {
        Value::Time(counts.hard_delete_max)
    }),
    Column::new("tell time", |counts| Value::Time(counts.tell)),
    Column::new("destroy time", |counts| Value::Time(counts.destroy)),
];
