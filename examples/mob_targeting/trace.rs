//! The story of a few mobs, step by step.
//!
//! The first mobs to arrive are watched until they die. Nothing that a mob decides hangs on being
//! watched.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a system takes its parameters by value"
)]

use std::fmt;

use bevy_app::{App, Update};
use bevy_ecs::prelude::{Entity, IntoScheduleConfigs, Query, Res, ResMut, Resource};
use qdel::prelude::{EntityLiveness, Liveness, LivenessExt};

use crate::{
    arena::{Badge, Mob, Roster},
    scenario::Scenario,
    turns::Turn,
};

const NAMES: [&str; 12] = [
    "Ash", "Bramble", "Cedar", "Dock", "Elder", "Fern", "Gorse", "Hazel", "Ivy", "Juniper", "Kale",
    "Linden",
];

/// Whether a battle is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// No mob is watched.
    Silent,
    /// The first mobs are watched.
    Story,
}

/// What the watched mobs did, and what was done to them.
#[derive(Resource, Debug)]
pub(crate) struct Chronicle {
    tribes: Vec<String>,
    /// By serial number.
    watched: Vec<Watched>,
    tick: u32,
    lines: Vec<Line>,
}

/// What is known of a watched mob.
#[derive(Debug, Clone, Copy, Default)]
struct Watched {
    /// Its last target, by id and by serial number.
    prey: Option<(Entity, u32)>,
    /// The notices that were told of.
    notices: u32,
    /// Whether it was told of that its field still names `prey`.
    stale: bool,
}

#[derive(Debug)]
struct Line {
    tick: u32,
    who: u32,
    deed: Deed,
}

/// Why a mob that fell stands up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rescue {
    /// It was under protection: a veto.
    Protection,
    /// It rises from the dead: its deletion was taken back.
    Phoenix,
}

/// What a watched mob does or suffers. Others are named by their serial numbers.
#[derive(Debug)]
enum Deed {
    Picks { prey: u32, paces: f32 },
    Turns { from: u32, prey: u32, paces: f32 },
    Strikes { prey: u32, damage: u32, left: u32 },
    Kills { prey: u32, damage: u32 },
    Falls { hunter: u32 },
    StandsUp { rescue: Rescue },
    Told { prey: u32, liveness: Liveness },
    Finds { prey: u32 },
    LetsGo { prey: u32 },
    Cleared { prey: u32, liveness: Liveness },
    Stale { prey: u32 },
}

/// Adds what a story needs, if there is to be one.
pub(crate) fn add_to(app: &mut App, telling: Telling) {
    match telling {
        Telling::Silent => {}
        Telling::Story => {
            app.add_systems(
                Update,
                (tell_notices, tell_stale).chain().in_set(Turn::Watch),
            );
        }
    }
}

impl Chronicle {
    /// Returns an empty chronicle of the mobs that `scenario` wants watched.
    pub(crate) fn new(scenario: &Scenario, telling: Telling) -> Self {
        let watched = match telling {
            Telling::Silent => 0,
            Telling::Story => scenario.watched.min(scenario.mobs),
        };
        Self {
            tribes: scenario.tribes.clone(),
            watched: vec![Watched::default(); watched as usize],
            tick: 0,
            lines: Vec::new(),
        }
    }

    /// Begins a tick.
    pub(crate) fn begin(&mut self, tick: u32) {
        self.tick = tick;
    }

    /// Notes that a mob hunts `prey` from now on, and no longer `old`.
    pub(crate) fn pick(
        &mut self,
        hunter: Badge,
        old: Option<Entity>,
        prey: (Entity, Badge),
        paces: f32,
    ) {
        let Some(watched) = self.watched.get_mut(hunter.serial as usize) else {
            return;
        };
        let (entity, Badge { serial: prey, .. }) = prey;
        let deed = match watched.prey.replace((entity, prey)) {
            Some((known, from)) if old == Some(known) => Deed::Turns { from, prey, paces },
            Some(_) | None => Deed::Picks { prey, paces },
        };
        watched.stale = false;
        self.note(hunter.serial, deed);
    }

    /// Notes a blow.
    pub(crate) fn strike(&mut self, hunter: Badge, prey: Badge, damage: u32, left: u32) {
        let (hunter, prey) = (hunter.serial, prey.serial);
        if self.is_watched(hunter) {
            let deed = match left {
                0 => Deed::Kills { prey, damage },
                _ => Deed::Strikes { prey, damage, left },
            };
            self.note(hunter, deed);
        } else if self.is_watched(prey) && left == 0 {
            self.note(prey, Deed::Falls { hunter });
        }
    }

    /// Notes that a mob lets go of a target that has risen from the dead.
    pub(crate) fn let_go(&mut self, hunter: Badge) {
        if let Some((_, prey)) = self.take_prey(hunter.serial) {
            self.note(hunter.serial, Deed::LetsGo { prey });
        }
    }

    /// Notes that a mob that fell did not die of it.
    pub(crate) fn stand_up(&mut self, mob: Badge, rescue: Rescue) {
        if self.is_watched(mob.serial) {
            self.note(mob.serial, Deed::StandsUp { rescue });
        }
    }

    /// Notes that a mob asked for its target and found it gone.
    pub(crate) fn find_gone(&mut self, hunter: Badge) {
        if let Some((_, prey)) = self.take_prey(hunter.serial) {
            self.note(hunter.serial, Deed::Finds { prey });
        }
    }

    fn is_watched(&self, serial: u32) -> bool {
        (serial as usize) < self.watched.len()
    }

    fn take_prey(&mut self, hunter: u32) -> Option<(Entity, u32)> {
        self.watched.get_mut(hunter as usize)?.prey.take()
    }

    fn note(&mut self, who: u32, deed: Deed) {
        let tick = self.tick;
        self.lines.push(Line { tick, who, deed });
    }
}

/// Tells which mobs were told of a death in this tick. The dead are not torn down yet.
fn tell_notices(
    roster: Res<Roster>,
    mobs: Query<(&Badge, &Mob)>,
    liveness: EntityLiveness,
    mut chronicle: ResMut<Chronicle>,
) {
    for (Badge { serial, .. }, mob) in mobs.iter_many(roster.mobs()).matched() {
        let Some(watched) = chronicle.watched.get_mut(*serial as usize) else {
            continue;
        };
        let was_told = std::mem::replace(&mut watched.notices, mob.notices) != mob.notices;
        if !was_told && mob.target.is_some() {
            continue;
        }
        if let Some((entity, prey)) = watched.prey.take() {
            let liveness = liveness.liveness(entity);
            let deed = if was_told {
                Deed::Told { prey, liveness }
            } else {
                // No system of the battle does it: the field is declared.
                Deed::Cleared { prey, liveness }
            };
            chronicle.note(*serial, deed);
        }
    }
}

/// Tells which fields name a mob that was torn down.
fn tell_stale(
    roster: Res<Roster>,
    mobs: Query<(&Badge, &Mob)>,
    liveness: EntityLiveness,
    mut chronicle: ResMut<Chronicle>,
) {
    for (Badge { serial, .. }, mob) in mobs.iter_many(roster.mobs()).matched() {
        let Some(watched) = chronicle.watched.get_mut(*serial as usize) else {
            continue;
        };
        let stale = |target| liveness.liveness(target) == Liveness::Gone;
        if watched.stale || !mob.target.is_some_and(stale) {
            continue;
        }
        watched.stale = true;
        if let Some((_, prey)) = watched.prey {
            chronicle.note(*serial, Deed::Stale { prey });
        }
    }
}

impl fmt::Display for Chronicle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (tribe, name) in self.tribes.iter().enumerate() {
            let members: Vec<_> = (tribe..self.watched.len())
                .step_by(self.tribes.len())
                .map(|serial| Name(serial as u32).to_string())
                .collect();
            if !members.is_empty() {
                writeln!(f, "{name}: {}", members.join(", "))?;
            }
        }
        let mut tick = 0;
        for line in &self.lines {
            if line.tick == tick {
                write!(f, "         ")?;
            } else {
                tick = line.tick;
                write!(f, "tick {tick:>3} ")?;
            }
            writeln!(f, "{:<8} {}", Name(line.who), line.deed)?;
        }
        Ok(())
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Picks { prey, paces } => {
                write!(f, "picks {}, {paces:.1} paces away", Name(prey))
            }
            Self::Turns { from, prey, paces } => {
                let (from, prey) = (Name(from), Name(prey));
                write!(f, "tires of {from} and picks {prey}, {paces:.1} paces away")
            }
            Self::Strikes { prey, damage, left } => {
                write!(f, "strikes {} for {damage}, {left} left", Name(prey))
            }
            Self::Kills { prey, damage } => {
                write!(f, "strikes {} for {damage}, and kills", Name(prey))
            }
            Self::Falls { hunter } => write!(f, "is killed by {}", Name(hunter)),
            Self::StandsUp {
                rescue: Rescue::Protection,
            } => f.write_str("is saved by its protection, which is used up"),
            Self::StandsUp {
                rescue: Rescue::Phoenix,
            } => f.write_str("rises from the dead"),
            Self::Told { prey, liveness } => {
                write!(
                    f,
                    "is told about {} ({liveness:?}) and clears its target",
                    Name(prey)
                )
            }
            Self::Finds { prey } => {
                write!(f, "checks, finds {} gone and clears its target", Name(prey))
            }
            Self::LetsGo { prey } => {
                write!(f, "lets go of {}, which has risen", Name(prey))
            }
            Self::Cleared { prey, liveness } => {
                write!(f, "has no target any more: {} is {liveness:?}", Name(prey))
            }
            Self::Stale { prey } => {
                write!(f, "still has the dead {} as its target", Name(prey))
            }
        }
    }
}

/// What a mob is called, from its serial number.
struct Name(u32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(self.0 as usize) {
            Some(name) => f.pad(name),
            None => f.pad(&format!("mob {}", self.0)),
        }
    }
}
