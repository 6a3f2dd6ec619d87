//! The three ways in which a hunter learns that its target is gone, and the only systems that differ.
//!
//! `signals` and `polling` fight the same battle, death for death: a hunter that is told in the tick of the
//! death and one that finds out at the beginning of the next tick both pick again in that next survey.
//! `bad` fights its own: its hunters pick once, and who has lost a target does nothing ever after.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a system takes its parameters by value"
)]

use std::{fmt, str::FromStr};

use bevy_app::{App, Update};
use bevy_ecs::prelude::{Commands, IntoScheduleConfigs, Query, Res, ResMut};
use qdel::prelude::{
    AppListenerExt, EntityCommandsSignalExt, EntityLiveness, Liveness, LivenessExt, Qdeleting,
};
use serde::Serialize;

use crate::{
    arena::{Badge, Life, Mob, Roster},
    trace::Chronicle,
    turns::{Picks, Turn},
};

/// How a hunter learns that its target is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// It registers, and is told before the target is torn down.
    Signals,
    /// It asks in every tick whether the target is still there.
    Polling,
    /// It does not.
    Bad,
}

impl Mode {
    /// The modes in the order of a comparison.
    pub(crate) const ALL: [Self; 3] = [Self::Signals, Self::Polling, Self::Bad];

    /// Returns the name of the mode.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signals => "signals",
            Self::Polling => "polling",
            Self::Bad => "bad",
        }
    }

    /// Adds what the mode needs on top of the battle.
    pub(crate) fn add_to(self, app: &mut App) {
        match self {
            Self::Signals => app
                .register_listener::<Mob>()
                .add_systems(Update, register_picks.in_set(Turn::Promise)),
            Self::Polling => app.add_systems(Update, check_targets.in_set(Turn::Check)),
            Self::Bad => app,
        };
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| {
                String::from("there is no such mode; take `signals`, `polling` or `bad`")
            })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Registers each hunter with its new target, and unregisters it from the one it gave up.
fn register_picks(mut commands: Commands, picks: Res<Picks>) {
    for (hunter, target) in &picks.given_up {
        commands
            .entity(*hunter)
            .unregister_signal::<Mob, Qdeleting>(*target);
    }
    for (hunter, target) in &picks.taken {
        commands
            .entity(*hunter)
            .register_signal(*target, Mob::on_target_lost);
    }
}

/// Asks for each hunter whether its target is still there, and still the one that it picked: who has risen
/// from the dead has been let go.
fn check_targets(
    roster: Res<Roster>,
    liveness: EntityLiveness,
    lives: Query<&Life>,
    mut hunters: Query<(&Badge, &mut Mob)>,
    mut chronicle: ResMut<Chronicle>,
) {
    let mut hunters = hunters.iter_many_mut(roster.mobs()).matched();
    while let Some((badge, mut mob)) = hunters.fetch_next() {
        let in_its_life = |target| lives.get(target).is_ok_and(|life| life.0 == mob.life);
        let gone = |target| liveness.liveness(target) != Liveness::Alive || !in_its_life(target);
        if mob.target.is_some_and(gone) {
            mob.lose_target();
            chronicle.find_gone(*badge);
        }
    }
}
