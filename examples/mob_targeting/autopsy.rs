//! What names the dead after a battle, as the finder sees it.

use std::{collections::BTreeMap, fmt};

use bevy_ecs::{entity::Entity, world::World};
use indicatif::HumanCount;
use qdel::{WorldReferencesExt, find::ReferenceReport, prelude::WorldQdelExt};

/// How many holders are shown.
const SHOWN: usize = 5;

/// What the finder says of the field that names most of the dead, and of the one that it names most
/// often.
#[derive(Debug, Clone)]
pub(crate) struct Autopsy {
    /// The field: `Mob.target`.
    field: String,
    /// How many of these fields name a mob that is gone.
    places: u64,
    /// What names the mob that is named most often.
    report: ReferenceReport,
}

impl Autopsy {
    /// Looks through the world. It is `None` if nothing names the dead.
    pub(crate) fn of(world: &mut World) -> Option<Self> {
        // What still waits for its tear-down is not gone.
        world.drain_qdel();
        let leftovers = world.find_leftovers().leftovers;
        let mut fields: BTreeMap<String, u64> = BTreeMap::new();
        let mut dead: BTreeMap<Entity, u64> = BTreeMap::new();
        for leftover in &leftovers {
            *fields.entry(leftover.place.to_string()).or_default() += 1;
            *dead.entry(leftover.target.entity).or_default() += 1;
        }
        let (field, places) = fields.into_iter().max_by_key(|(_, places)| *places)?;
        let (missed, _) = dead.into_iter().max_by_key(|(_, places)| *places)?;
        Some(Self {
            field,
            places,
            report: world.find_references(missed),
        })
    }
}

impl fmt::Display for Autopsy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            places,
            report,
        } = self;
        writeln!(
            f,
            "  finder    {:>9}     times `{field}` names a mob that is gone; most often {}:",
            HumanCount(*places).to_string(),
            report.target
        )?;
        for holder in report.holders.iter().take(SHOWN) {
            for place in &holder.places {
                writeln!(f, "                        {place} of {}", holder.label)?;
            }
        }
        match report.holders.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(
                f,
                "                        and {} more",
                HumanCount(more as u64)
            ),
        }
    }
}
