//! What deletions did and cost, as a table to read.

use core::{
    any::TypeId,
    cmp::Reverse,
    fmt::{self, Write},
    time::Duration,
};

use bevy_ecs::component::Component;
use disqualified::ShortName;

use crate::{
    deleting::SlowestHandler,
    statistics::{
        counts::{KindCosts, QdelCounts, Tally},
        kinds::{Kind, Kinds},
        text_table::TextTable,
    },
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
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Statistics {
    /// Each kind, worst first: by the time that hard deletes took, then by leftovers, then by the
    /// time that telling and destroying took, then by how many were deleted, and then by name.
    pub kinds: Vec<KindRow>,
    /// The entities of no kind, and those that were deleted before their kind was registered.
    pub others: KindRow,
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
    /// The type name of the marker; `others` or `all` for the rows that have none.
    pub name: &'static str,
    /// That name without its path, unless several kinds share that.
    pub short_name: String,
    /// What was counted.
    pub counts: QdelCounts,
    /// How long it took.
    pub costs: KindCosts,
    /// The marker; none for the others and for all.
    #[cfg_attr(feature = "serde", serde(skip))]
    marker: Option<TypeId>,
}

impl Statistics {
    pub(crate) fn new(
        kinds: &Kinds,
        world_total: Option<&QdelCounts>,
        fields: Vec<LeftoverField>,
        waiting: usize,
    ) -> Self {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
        let named = short_names(&names).into_iter().zip(kinds.iter());
        let mut rows: Vec<_> = named
            .map(|(short_name, kind)| KindRow::of_kind(kind, short_name))
            .collect();
        rows.sort_by_key(|row| (Reverse(row.harm()), row.name));
        Self {
            kinds: rows,
            others: KindRow::without_marker("others", kinds.others(world_total)),
            fields,
            waiting,
        }
    }

    /// Returns the row of the kind with the marker `M`; none if it was not registered.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Orc;
    ///
    /// #[derive(Component)]
    /// struct Goblin;
    ///
    /// let mut world = World::new();
    /// world.register_qdel_kind::<Goblin>();
    /// let goblin = world.spawn(Goblin).id();
    /// world.qdel(goblin)?;
    ///
    /// let statistics = world.qdel_statistics();
    ///
    /// let goblins = statistics.kind::<Goblin>().unwrap();
    /// assert_eq!(goblins.counts.deleted, 1);
    /// assert!(statistics.kind::<Orc>().is_none());
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    #[doc(alias = "kind_counts")]
    pub fn kind<M: Component>(&self) -> Option<&KindRow> {
        let marker = Some(TypeId::of::<M>());
        self.kinds.iter().find(|row| row.marker == marker)
    }

    /// Returns what was counted for all kinds and the others together.
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
    /// let entities = [world.spawn(Goblin).id(), world.spawn_empty().id()];
    /// world.qdel_batch(entities);
    ///
    /// assert_eq!(world.qdel_statistics().total().counts.deleted, 2);
    /// ```
    pub fn total(&self) -> KindRow {
        let mut total = self.others.tally();
        for row in &self.kinds {
            total.add(&row.tally());
        }
        KindRow::without_marker("all", total)
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new(&Kinds::default(), None, Vec::new(), 0)
    }
}

impl KindRow {
    fn of_kind(kind: &Kind, short_name: String) -> Self {
        let Tally { counts, costs } = kind.tally;
        Self {
            name: kind.name,
            short_name,
            counts,
            costs,
            marker: Some(kind.marker_type),
        }
    }

    fn without_marker(name: &'static str, Tally { counts, costs }: Tally) -> Self {
        Self {
            name,
            short_name: name.to_owned(),
            counts,
            costs,
            marker: None,
        }
    }

    fn tally(&self) -> Tally {
        Tally {
            counts: self.counts,
            costs: self.costs,
        }
    }

    /// Returns `true` if anything took time.
    fn is_measured(&self) -> bool {
        !(self.costs.tell + self.costs.destroy).is_zero()
    }

    /// Returns what kinds are sorted by.
    fn harm(&self) -> (Duration, u64, Duration, u64) {
        (
            self.costs.hard_delete_time,
            self.counts.leftovers,
            self.costs.tell + self.costs.destroy,
            self.counts.deleted,
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
        let cells = rows.iter().map(|row| {
            let values = columns().map(|column| (column.value)(row).to_string());
            [row.short_name.clone()].into_iter().chain(values).collect()
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
        // With kinds, the last row repeats the slowest handler of one of them.
        let is_repeated = !self.kinds.is_empty();
        for row in &rows[..rows.len() - usize::from(is_repeated)] {
            if let Some(slowest) = row.costs.slowest {
                let SlowestHandler {
                    handler,
                    listener,
                    time,
                } = slowest;
                let name = &row.short_name;
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

impl Statistics {
    /// Returns the rows of the table.
    fn rows<'a>(&'a self, total: &'a KindRow) -> Vec<&'a KindRow> {
        let mut rows: Vec<_> = self.kinds.iter().collect();
        if !rows.is_empty() {
            rows.push(&self.others);
        }
        rows.push(total);
        rows
    }
}

/// A column of the table. It is left out where all values are zero, unless it is the first.
struct Column {
    title: &'static str,
    value: fn(&KindRow) -> Value,
}

impl Column {
    const fn new(title: &'static str, value: fn(&KindRow) -> Value) -> Self {
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
    Column::new("deleted", |row| Value::Count(row.counts.deleted)),
    Column::new("torn down", |row| Value::Count(row.counts.torn_down)),
    Column::new("vetoed", |row| Value::Count(row.counts.vetoed)),
    Column::new("repeated", |row| Value::Count(row.counts.repeated)),
    Column::new("refused", |row| Value::Count(row.counts.refused)),
    Column::new("kept", |row| Value::Count(row.counts.kept)),
    Column::new("overruled", |row| Value::Count(row.counts.overruled)),
    Column::new("left alone", |row| Value::Count(row.counts.left_alone)),
    Column::new("leftovers", |row| Value::Count(row.counts.leftovers)),
    Column::new("hard deletes", |row| Value::Count(row.counts.hard_deletes)),
    Column::new("hard delete time", |row| {
        Value::Time(row.costs.hard_delete_time)
    }),
    Column::new("longest hard delete", |row| {
        Value::Time(row.costs.hard_delete_max)
    }),
    Column::new("tell time", |row| Value::Time(row.costs.tell)),
    Column::new("destroy time", |row| Value::Time(row.costs.destroy)),
];
