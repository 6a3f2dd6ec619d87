//! The report of a sweep.

use core::fmt;

use crate::{
    hash::HashSet,
    inspect::{
        blind_spot::{BlindSpot, write_blind_spots},
        holder::{Place, PlaceKind},
        label::{EntityLabel, order},
    },
    reference::policy::OnLoss,
    text::{Counted, write_first},
};

/// The places that named an entity which is gone, or which was given to the sweep.
///
/// Its `Display` is a list for people, of the first 20 places and the first eight blind spots.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// let mut world = World::new();
///
/// let report = world.sweep();
///
/// assert!(report.is_clean());
/// assert_eq!(report.to_string(), "no leftovers");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SweepReport {
    /// The places, by holder, component and the order of fields.
    pub leftovers: Vec<Leftover>,
    /// The types of components in the world that could not be looked into, by name.
    pub blind_spots: Vec<BlindSpot>,
}

/// How many blind spots are shown.
const SHOWN_BLIND_SPOTS: usize = 8;

/// How many leftovers are shown by the `Display` of a [`SweepReport`].
const SHOWN_LEFTOVERS: usize = 20;

/// A place that named an entity which is gone, or which was given to a sweep.
///
/// Its `Display` is `Mob.target of archer#12v0 names 7v3 (not declared): emptied`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The entity of the component.
    pub holder: EntityLabel,
    /// The place in the component.
    pub place: Place,
    /// The entity that was named. If it is gone, its name is known if this crate tore it down for
    /// this sweep.
    pub target: EntityLabel,
    /// What happened to the place.
    pub state: LeftoverState,
}

/// What happened to a place that a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftoverState {
    /// It names no entity now: the entry is gone, the `Option` is `None`, or a plain `Entity` is
    /// `Entity::PLACEHOLDER`.
    Emptied,
    /// It could not be emptied, because of its policy or because it was written again.
    Left,
    /// The sweep was only to report.
    Found,
}

impl SweepReport {
    /// Returns `true` if nothing was found. Blind spots do not count.
    pub fn is_clean(&self) -> bool {
        self.leftovers.is_empty()
    }

    /// Returns how many places were emptied.
    pub fn emptied(&self) -> usize {
        self.count(LeftoverState::Emptied)
    }

    /// Returns how many places could not be emptied.
    pub fn left(&self) -> usize {
        self.count(LeftoverState::Left)
    }

    fn count(&self, state: LeftoverState) -> usize {
        let leftovers = self.leftovers.iter();
        leftovers.filter(|leftover| leftover.state == state).count()
    }

    /// Sorts everything.
    pub(crate) fn sort(&mut self) {
        // The places of one component are in the order of its fields already.
        self.leftovers.sort_by_cached_key(|leftover| {
            let place = &leftover.place;
            (
                order(leftover.holder.entity),
                place.short_component(),
                place.component.clone(),
            )
        });
    }
}

impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}",
            Counted(self.leftovers.len(), "leftover", "leftovers")
        )?;
        if !self.is_clean() {
            let holders: HashSet<_> = self.leftovers.iter().map(|at| at.holder.entity).collect();
            write!(f, " in {}", Counted(holders.len(), "holder", "holders"))?;
            match (self.emptied(), self.left()) {
                (0, 0) => {}
                (emptied, 0) => write!(f, ": {emptied} emptied")?,
                (emptied, left) => write!(f, ": {emptied} emptied, {left} left")?,
            }
        }
        write_first(f, &self.leftovers, SHOWN_LEFTOVERS)?;
        write_blind_spots(f, &self.blind_spots, SHOWN_BLIND_SPOTS)
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            holder,
            place,
            target,
            state,
        } = self;
        let verb = match state {
            LeftoverState::Emptied => "named",
            LeftoverState::Left | LeftoverState::Found => "names",
        };
        write!(
            f,
            "{place} of {holder} {verb} {target} ({})",
            place.kind.remark()
        )?;
        match (state, place.kind) {
            (LeftoverState::Emptied, PlaceKind::Declared(_) | PlaceKind::Plain) => {
                write!(f, ": emptied")
            }
            (LeftoverState::Left, PlaceKind::Declared(policy)) if policy != OnLoss::Clear => {
                write!(f, ": left, because of its policy")
            }
            (LeftoverState::Left, _) => write!(f, ": left"),
            _ => Ok(()),
        }
    }
}
