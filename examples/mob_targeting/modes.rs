//! The four ways in which a hunter learns that its target is gone, and the only systems that
//! differ.
//!
//! `signals`, `references` and `polling` fight the same battle, death for death. A hunter is told
//! in the tick of the death. Or its field is cleared by the end of that tick. Or it finds out at
//! the beginning of the next one. All three pick again in that next survey. `bad` fights its own
//! battle: its hunters pick once, and one that has lost its target does nothing ever after.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a system takes its parameters by value"
)]

use std::{any::type_name, fmt, str::FromStr};

use bevy_app::{App, Update};
use bevy_ecs::{
    entity::EntityHashSet,
    prelude::{Commands, IntoScheduleConfigs, Query, Res, ResMut, World},
};
use qdel::{
    prelude::{
        AppQdelExt, EntityCommandsQdelExt, EntityLiveness, Liveness, LivenessExt, Qdeleting,
        SignalRegistrar, WorldSignalExt,
    },
    signal::Registration,
};
use serde::Serialize;

use crate::{
    arena::{Badge, Mob, Roster},
    trace::Chronicle,
    turns::{Picks, Risen, Turn},
};

/// How a hunter learns that its target is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// It registers, and is told before the target is torn down.
    Signals,
    /// Its field is declared, and is cleared before the target is torn down.
    References,
    /// It asks in every tick whether the target is still there.
    Polling,
    /// It does not.
    Bad,
}

impl Mode {
    /// The modes in the order of a comparison.
    pub(crate) const ALL: [Self; 4] = [Self::Signals, Self::References, Self::Polling, Self::Bad];

    /// Returns the name of the mode.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signals => "signals",
            Self::References => "references",
            Self::Polling => "polling",
            Self::Bad => "bad",
        }
    }

    /// Adds what the mode needs on top of the battle.
    pub(crate) fn add_to(self, app: &mut App) {
        match self {
            Self::Signals => app
                .register_listener::<Mob>()
                .register_target::<Mob>()
                .add_systems(Update, register_picks.in_set(Turn::Promise))
                .add_systems(Update, forget_risen.in_set(Turn::LetGo)),
            // And that is all: what comes after is about mobs that never went.
            Self::References => app
                .track_references::<Mob>()
                .add_systems(Update, let_go_of_risen.in_set(Turn::LetGo)),
            Self::Polling => app
                .add_systems(Update, check_targets.in_set(Turn::Check))
                .add_systems(Update, let_go_of_risen.in_set(Turn::LetGo)),
            // So that the finder can look into it.
            Self::Bad => app.register_type::<Mob>(),
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
                String::from(
                    "there is no such mode; take `signals`, `references`, `polling` or `bad`",
                )
            })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Registers each hunter with its new target, and unregisters it from the one it gave up.
fn register_picks(mut commands: Commands, mut registrar: SignalRegistrar, picks: Res<Picks>) {
    for (hunter, target) in &picks.given_up {
        commands
            .entity(*hunter)
            .unregister_signal::<Mob, Qdeleting>(*target);
    }
    let taken = picks.taken.iter().copied();
    let refused = registrar.register_many(taken, Mob::on_target_lost);
    assert!(
        refused.is_empty(),
        "all that was picked should be alive: {refused:?}"
    );
}

/// Asks for each hunter whether its target is still there.
fn check_targets(
    roster: Res<Roster>,
    liveness: EntityLiveness,
    mut hunters: Query<(&Badge, &mut Mob)>,
    mut chronicle: ResMut<Chronicle>,
) {
    let mut hunters = hunters.iter_many_mut(roster.mobs()).matched();
    while let Some((badge, mut mob)) = hunters.fetch_next() {
        let gone = |target| liveness.liveness(target) != Liveness::Alive;
        if mob.target.is_some_and(gone) {
            mob.lose_target();
            chronicle.find_gone(*badge);
        }
    }
}

/// Makes hunters let go of what has risen. Their fields still name it: it never went.
fn let_go_of_risen(
    risen: Res<Risen>,
    mut hunters: Query<(&Badge, &mut Mob)>,
    mut chronicle: ResMut<Chronicle>,
) {
    if risen.0.is_empty() {
        return;
    }
    let risen: EntityHashSet = risen.0.iter().copied().collect();
    for (badge, mut mob) in &mut hunters {
        if mob.target.is_some_and(|target| risen.contains(&target)) {
            mob.lose_target();
            chronicle.let_go(*badge);
        }
    }
}

/// Ends the registrations on what has risen. Its hunters were told and have let go of it, so they
/// need not listen until they pick it again.
fn forget_risen(world: &mut World) {
    let is_of_hunter = |told: &Registration| told.component == type_name::<Mob>();
    for risen in core::mem::take(&mut world.resource_mut::<Risen>().0) {
        let told = world.registrations_on(risen).into_iter();
        for told in told.filter(is_of_hunter) {
            world
                .unregister_signal::<Mob, Qdeleting>(told.listener, risen)
                .expect("a registration should be in force until it is ended");
        }
    }
}
