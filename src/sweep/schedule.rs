//! The sweeps that wait, the one that runs, and the fields in which they found something.
//!
//! Plain data: no function here takes a world.

use core::{fmt, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::entity::Entity;
use disqualified::ShortName;

use crate::{
    deleting::KindId,
    hint::DestroyHint,
    sweep::{
        pass::Pass,
        report::{Leftover, SweepReport},
        settings::Mode,
        targets::{Targets, Treatment},
    },
    text::Counted,
};

/// An entity that was torn down and that a sweep shall look for.
#[derive(Debug, Clone)]
pub(crate) struct Corpse {
    pub(crate) entity: Entity,
    /// Its name.
    pub(crate) name: Option<String>,
    pub(crate) kind: KindId,
    pub(crate) hint: DestroyHint,
}

/// A sweep that is done in slices.
#[derive(Default)]
pub(crate) struct Sweep {
    pub(crate) pass: Pass,
    pub(crate) targets: Targets,
    pub(crate) corpses: Vec<Corpse>,
    /// The time that it took until now.
    pub(crate) time: Duration,
}

/// The sweeps that wait, the one that runs, and the fields in which they found something.
#[derive(Default)]
pub(crate) struct Sweeps {
    /// The targets of the next sweep.
    waiting: Vec<Corpse>,
    /// Whether the next sweep looks for all entities that are gone.
    is_requested: bool,
    /// Whether the sweep after the present work does so.
    is_requested_after_work: bool,
    /// `None` while it is in use.
    running: Option<Box<Sweep>>,
    flushes: Flushes,
    fields: LeftoverFields,
    pub(crate) suspension: Suspension,
    /// Whether any entity that waits for its tear-down has another hint than `Queue`.
    pub(crate) has_hints: bool,
}

/// The flushes that count: those with a tear-down since the one before.
#[derive(Default)]
struct Flushes {
    count: u32,
    /// Whether anything was torn down since the last flush that counted.
    has_torn_down: bool,
}

/// Whether sweeps may begin and go on.
#[derive(Default)]
pub(crate) enum Suspension {
    /// They may.
    #[default]
    None,
    /// They may not. Entities that are torn down meanwhile are remembered here.
    Remembering(Vec<Corpse>),
    /// They may not, because all entities are being deleted.
    ShutDown,
}

/// Returns `true` if a sweep looks for an entity with this hint once it is gone.
pub(crate) fn is_looked_for(hint: DestroyHint) -> bool {
    matches!(
        hint,
        DestroyHint::FindReferencesOnFail | DestroyHint::HardDelete | DestroyHint::HardDeleteNow
    )
}

impl Sweeps {
    /// Returns `true` if a flush counts.
    pub(crate) fn has_torn_down(&self) -> bool {
        self.flushes.has_torn_down
    }

    /// Returns `true` if a sweep waits or runs.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_requested || self.running.is_some() || !self.waiting.is_empty()
    }

    /// Returns `true` if a slice of a sweep was done, and the sweep waits for the next.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Makes the next sweep look for all entities that are gone.
    pub(crate) fn request(&mut self) {
        self.is_requested = true;
    }

    /// Requests a sweep for all entities that are gone. It does not begin before the present work
    /// is done.
    pub(crate) fn request_after_work(&mut self) {
        self.is_requested_after_work = true;
    }

    /// Notes that the present work is done.
    pub(crate) fn end_work(&mut self) {
        self.is_requested |= core::mem::take(&mut self.is_requested_after_work);
    }

    /// Adds targets to the next sweep, not to the one that runs.
    pub(crate) fn look_for(&mut self, corpses: impl IntoIterator<Item = Corpse>) {
        for corpse in corpses {
            if let Some(running) = &mut self.running {
                running.targets.leave_out(corpse.entity);
            }
            self.waiting.push(corpse);
        }
    }

    /// Drops the sweeps that wait and the one that runs.
    pub(crate) fn call_off(&mut self) {
        self.waiting.clear();
        self.is_requested = false;
        self.is_requested_after_work = false;
        self.running = None;
    }

    /// Returns `true` if the next flush that counts is the last of `flushes`.
    pub(crate) fn is_last_of(&self, flushes: u32) -> bool {
        self.flushes.count.wrapping_add(1).is_multiple_of(flushes)
    }

    /// Notes that something was torn down.
    pub(crate) fn note_tear_down(&mut self) {
        self.flushes.has_torn_down = true;
    }

    /// Counts a flush, if anything was torn down in it or since the last one.
    pub(crate) fn count_flush(&mut self) {
        let flushes = &mut self.flushes;
        if core::mem::take(&mut flushes.has_torn_down) {
            flushes.count = flushes.count.wrapping_add(1);
        }
    }

    /// Takes the sweep that is running, or else the one that waits. That one looks for all entities
    /// that are gone if `mode` says so.
    pub(crate) fn take_next(&mut self, mode: Mode) -> Option<Box<Sweep>> {
        if let Some(running) = self.running.take() {
            return Some(running);
        }
        if !self.is_waiting() {
            return None;
        }
        let mut sweep = Sweep::for_corpses(core::mem::take(&mut self.waiting));
        if core::mem::take(&mut self.is_requested) || mode == Mode::EachFlush {
            sweep.targets.add_gone(Treatment::Empty);
        }
        Some(Box::new(sweep))
    }

    /// Puts a sweep back that is not done yet.
    pub(crate) fn put_back(&mut self, sweep: Box<Sweep>) {
        self.running = Some(sweep);
    }

    /// Notes the fields in which something was found. Returns the types to warn of now.
    pub(crate) fn note_fields(&mut self, report: &SweepReport) -> Vec<LeftoverField> {
        self.fields.note(report)
    }

    /// Forgets the fields in which something was found, but not the warnings.
    pub(crate) fn reset_fields(&mut self) {
        self.fields.by_place.clear();
    }

    /// Returns the fields in which something was found, the worst first.
    pub(crate) fn fields(&self) -> Vec<LeftoverField> {
        self.fields.sorted()
    }
}

impl Sweep {
    /// Returns `true` if a slice of it was done.
    pub(crate) fn is_begun(&self) -> bool {
        self.pass.is_begun()
    }

    /// Returns a sweep for some entities that are gone.
    pub(crate) fn for_corpses(corpses: Vec<Corpse>) -> Self {
        let mut targets = Targets::default();
        let treatment = |hint| match hint {
            DestroyHint::FindReferencesOnFail => Treatment::Report,
            _ => Treatment::Empty,
        };
        add_corpses(&mut targets, &corpses, treatment);
        Self {
            targets,
            corpses,
            ..Self::default()
        }
    }
}

/// Makes a sweep look for `corpses`, each with the treatment that its hint asks for.
pub(crate) fn add_corpses(
    targets: &mut Targets,
    corpses: &[Corpse],
    treatment: impl Fn(DestroyHint) -> Treatment,
) {
    for corpse in corpses {
        targets.insert(corpse.entity, treatment(corpse.hint), corpse.name.clone());
    }
}

/// A field in which sweeps found entities that were gone.
///
/// Its `Display` is `` `Mob.friends[..]`: 17 places in 3 sweeps, the last in Mob.friends[1] of
/// archer#12v0 ``.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeftoverField {
    /// The type name of the component, with its path.
    pub component: String,
    /// The path in the component, without numbers: `.friends[..]`.
    pub path: String,
    /// How many sweeps found something in it.
    pub sweeps: usize,
    /// How many places they found in it.
    pub places: usize,
    /// The place that was found last.
    pub last: String,
}

impl fmt::Display for LeftoverField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            component,
            path,
            last,
            ..
        } = self;
        let component = ShortName(component);
        let places = Counted(self.places, "place", "places");
        let sweeps = Counted(self.sweeps, "sweep", "sweeps");
        write!(
            f,
            "`{component}{path}`: {places} in {sweeps}, the last in {last}"
        )
    }
}

/// How many sweeps must find something in the fields of a type before a warning.
pub(crate) const SWEEPS_BEFORE_WARNING: usize = 3;

#[derive(Default)]
struct LeftoverFields {
    by_place: BTreeMap<(String, String), LeftoverField>,
    /// How many sweeps found something in the fields of a type. At the limit, there is a warning.
    sweeps_of_types: BTreeMap<String, usize>,
}

impl LeftoverFields {
    fn note(&mut self, report: &SweepReport) -> Vec<LeftoverField> {
        let mut found: BTreeMap<(String, String), (usize, &Leftover)> = BTreeMap::new();
        for leftover in &report.leftovers {
            let place = &leftover.place;
            let key = (place.component.clone(), without_numbers(&place.path));
            let (places, last) = found.entry(key).or_insert((0, leftover));
            *places += 1;
            *last = leftover;
        }
        let mut counted = BTreeSet::new();
        let mut to_warn: Vec<LeftoverField> = Vec::new();
        for ((component, path), (places, last)) in found {
            let sweeps = self.sweeps_of_types.entry(component.clone()).or_default();
            if counted.insert(component.clone()) {
                *sweeps += 1;
            }
            let is_to_warn = *sweeps == SWEEPS_BEFORE_WARNING;
            let key = (component.clone(), path.clone());
            let field = self.by_place.entry(key).or_insert_with(|| LeftoverField {
                component: component.clone(),
                path,
                sweeps: 0,
                places: 0,
                last: String::new(),
            });
            field.sweeps += 1;
            field.places += places;
            field.last = format!("{} of {}", last.place, last.holder);
            let is_first = !to_warn.iter().any(|known| known.component == component);
            if is_to_warn && is_first {
                to_warn.push(field.clone());
            }
        }
        to_warn
    }

    fn sorted(&self) -> Vec<LeftoverField> {
        let mut fields: Vec<_> = self.by_place.values().cloned().collect();
        fields.sort_by_key(|field| core::cmp::Reverse(field.places));
        fields
    }
}

/// Returns a path without the numbers of elements: `.squads[3][0]` becomes `.squads[..][..]`.
fn without_numbers(path: &str) -> String {
    let mut pattern = String::new();
    let mut is_inside = false;
    for char in path.chars() {
        match char {
            '[' => is_inside = true,
            ']' => is_inside = false,
            _ => {}
        }
        let is_number = is_inside && char.is_ascii_digit();
        if !is_number {
            pattern.push(char);
        } else if !pattern.ends_with("..") {
            pattern.push_str("..");
        }
    }
    pattern
}
