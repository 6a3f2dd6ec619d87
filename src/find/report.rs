//! The report of a search.

use core::fmt;

use disqualified::ShortName;

use crate::{
    inspect::{
        blind_spot::{BlindSpot, write_blind_spots},
        holder::Holder,
        label::EntityLabel,
    },
    liveness::Liveness,
    registration::Registration,
    text::Counted,
};

/// The holders of an entity, as returned by
/// [`find_references`](crate::WorldReferencesExt::find_references).
///
/// Its `Display` is a tree for people. Below each place are the entities that lead to its holder,
/// up to a root. Two searches of one world give equal reports.
///
/// These places cannot be seen and are not listed:
///
/// - fields with `#[reflect(ignore)]`
/// - fields that a tracked type leaves out, if it is not reflected as well
/// - other fields of a relationship that is not reflected
/// - values in functions, closures, systems, commands that wait, channels, and non-send data
///
/// The resources of this crate are left out.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::WorldReferencesExt;
///
/// let mut world = World::new();
/// let goblin = world.spawn(Name::new("goblin")).id();
/// let purse = world.spawn(ChildOf(goblin)).id();
///
/// let report = world.find_references(purse);
///
/// let text = report.to_string();
/// let mut lines = text.lines();
/// assert_eq!(lines.next().unwrap(), format!("{purse} is named in 1 place by 1 holder"));
/// assert!(lines.next().unwrap().starts_with("  Children"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferenceReport {
    /// The entity that was searched for.
    pub target: EntityLabel,
    /// The entities that name it, by index and generation.
    pub holders: Vec<Holder>,
    /// The registrations on it. Listeners do not hold it, and are told of its end.
    pub registrations: Vec<Registration>,
    /// The types of components in the world that could not be looked into, by name.
    pub blind_spots: Vec<BlindSpot>,
}

impl ReferenceReport {
    /// Returns the number of places that name the target.
    pub fn place_count(&self) -> usize {
        self.holders.iter().map(|holder| holder.places.len()).sum()
    }
}

impl fmt::Display for ReferenceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        write!(f, "{}{} is named ", target, Condition(target.liveness))?;
        if self.holders.is_empty() {
            write!(f, "nowhere")?;
        } else {
            let places = Counted(self.place_count(), "place", "places");
            let holders = Counted(self.holders.len(), "holder", "holders");
            write!(f, "in {places} by {holders}")?;
        }
        for holder in &self.holders {
            fmt_holder(f, holder)?;
        }
        if !self.registrations.is_empty() {
            let registrations = Counted(self.registrations.len(), "registration", "registrations");
            write!(f, "\n{registrations} on it")?;
        }
        for registration in &self.registrations {
            let Registration {
                listener,
                component,
                signal,
                ..
            } = registration;
            let (component, signal) = (ShortName(component), ShortName(signal));
            write!(f, "\n  {component} of {listener} listens for {signal}")?;
        }
        write_blind_spots(f, &self.blind_spots, usize::MAX)
    }
}

fn fmt_holder(f: &mut fmt::Formatter<'_>, holder: &Holder) -> fmt::Result {
    let Holder {
        label,
        places,
        chain,
    } = holder;
    for place in places {
        let condition = Condition(label.liveness);
        write!(
            f,
            "\n  {place} of {label}{condition} ({})",
            place.kind.remark()
        )?;
    }
    let Some(chain) = chain else {
        return write!(f, "\n    no root leads to {label}");
    };
    let mut indent = 4;
    let mut named = label;
    for link in chain.iter().rev() {
        write!(f, "\n{:indent$}{named} is named by {link}", "")?;
        named = &link.label;
        indent += 2;
    }
    write!(f, "\n{:indent$}{named} is a root", "")
}

/// The condition of an entity, unless it is alive.
struct Condition(Liveness);

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Liveness::Alive => Ok(()),
            Liveness::Deleting => write!(f, ", which is being deleted,"),
            Liveness::Gone => write!(f, ", which is gone,"),
        }
    }
}
