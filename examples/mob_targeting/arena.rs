//! The mobs of the arena, and how they get there.
//!
//! # Invariants
//!
//! 1. A [slot](Badge::slot) of the [`Roster`] names the mob that fights in it, from its arrival
//!    until its burial.
//! 2. Nothing that a battle decides depends on an entity id, on a hash or on the order of a table.
//!    What goes through the mobs goes through the roster. So the same seed is the same battle in
//!    every mode.

use bevy_ecs::{
    prelude::{ChildOf, Commands, Component, Entity, ReflectComponent, Res, ResMut, Resource},
    system::SystemParam,
};
use bevy_reflect::Reflect;
use glam::Vec2;
use qdel::{
    References,
    prelude::{
        Destroy, DestroyContext, DestroyHint, EntityCommandsQdelExt, PreQdel, QdelVerdict,
        Qdeleting, Received,
    },
    reference::Lost,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::scenario::Scenario;

/// A mob that hunts: its target, and what became of the ones before.
#[derive(Component, Debug, Default, References, Reflect)]
#[reflect(Component)]
#[references(on_lost = Mob::on_cleared)]
pub(crate) struct Mob {
    /// What it hunts. An `Entity` like any other: it has to be emptied when that entity goes. It is
    /// declared, but only the mode `references` has it tracked.
    #[entities]
    pub(crate) target: Option<Entity>,
    /// Whether its last target died, so that the next pick is a retarget.
    pub(crate) bereft: bool,
    /// Ticks of chasing that it still puts up with.
    pub(crate) patience: u32,
    /// How often it was told that its target goes.
    pub(crate) notices: u32,
    /// How often it picked a target after the old one died.
    pub(crate) retargets: u32,
}

/// Where a mob stands.
#[derive(Component, Debug, Clone, Copy)]
pub(crate) struct Position(pub(crate) Vec2);

/// Where a mob goes this tick.
#[derive(Component, Debug, Default)]
pub(crate) struct Stride(pub(crate) Vec2);

/// What a mob can still take.
#[derive(Component, Debug)]
pub(crate) struct Health(pub(crate) u32);

/// How many a mob has killed. The famous are hunted by many.
#[derive(Component, Debug, Default)]
pub(crate) struct Fame(pub(crate) u32);

/// Something that a mob carries. It is the mob's child, so it goes with it.
#[derive(Component, Debug)]
pub(crate) struct Item;

/// Saves its mob from one death: a veto.
#[derive(Component, Debug)]
pub(crate) struct Protection;

/// Lets its mob rise from the dead this many times.
#[derive(Component, Debug)]
pub(crate) struct Phoenix {
    /// How often it still rises.
    pub(crate) spare_lives: u32,
}

/// What is left of a mob, for a while.
#[derive(Component, Debug)]
pub(crate) struct Corpse;

/// The identity of a mob, apart from its entity id.
#[derive(Component, Debug, Clone, Copy)]
pub(crate) struct Badge {
    /// Counts arrivals.
    pub(crate) serial: u32,
    /// Its place in the roster.
    pub(crate) slot: u32,
    /// Its tribe; it hunts the others.
    pub(crate) tribe: u8,
}

/// The mobs in the order in which everything happens to them.
#[derive(Resource, Debug, Default)]
pub(crate) struct Roster {
    slots: Vec<Option<Entity>>,
    arrivals: u32,
}

/// Where mobs arrive.
#[derive(Resource, Debug)]
pub(crate) struct Camps {
    centres: Vec<Vec2>,
    mobs_of_a_camp: usize,
    spread: f32,
    side: f32,
}

/// The only source of chance.
#[derive(Resource, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

/// What it takes to let mobs arrive.
#[derive(SystemParam)]
pub(crate) struct Muster<'w, 's> {
    scenario: Res<'w, Scenario>,
    camps: Res<'w, Camps>,
    dice: ResMut<'w, Dice>,
    roster: ResMut<'w, Roster>,
    commands: Commands<'w, 's>,
}

impl Protection {
    /// Objects to the deletion of its mob. It can only look: the system that buries the dead takes
    /// it away after its use.
    pub(crate) fn on_asked(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }
}

impl Destroy for Phoenix {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        if self.spare_lives == 0 {
            return DestroyHint::Queue;
        }
        self.spare_lives -= 1;
        DestroyHint::LetMeLive
    }
}

impl Mob {
    /// Clears the target, which is about to be torn down. The next survey of the arena finds it a
    /// new one.
    pub(crate) fn on_target_lost(&mut self, lost: Received<Qdeleting>) {
        self.notices += 1;
        if self.target == Some(lost.target()) {
            self.lose_target();
        }
    }

    /// Hears that its target was cleared, because that goes.
    fn on_cleared(&mut self, _: Lost) {
        self.bereft = true;
    }

    /// Clears the target because it is dead.
    pub(crate) fn lose_target(&mut self) {
        self.target = None;
        self.bereft = true;
    }

    /// Hunts `target` from now on.
    pub(crate) fn hunt(&mut self, target: Entity, patience: u32) {
        self.target = Some(target);
        self.patience = patience;
        self.retargets += u32::from(std::mem::take(&mut self.bereft));
    }

    /// Returns `true` if it needs to look around.
    pub(crate) fn seeks(&self) -> bool {
        self.target.is_none() || self.patience == 0
    }
}

impl Roster {
    /// Iterates over the mobs in the order of their slots.
    pub(crate) fn mobs(&self) -> impl Iterator<Item = Entity> + '_ {
        self.slots.iter().copied().flatten()
    }

    /// Returns the mob of a slot, if it has one.
    pub(crate) fn mob(&self, slot: u32) -> Option<Entity> {
        *self.slots.get(slot as usize)?
    }

    /// Strikes the mob off whose slot this is.
    pub(crate) fn vacate(&mut self, slot: u32) {
        self.slots[slot as usize] = None;
    }
}

impl Muster<'_, '_> {
    /// Lets a mob arrive for `slot`, with the next serial number.
    pub(crate) fn enlist(&mut self, slot: u32) {
        let tribe = slot % self.scenario.tribes.len() as u32;
        let badge = Badge {
            serial: self.roster.arrivals,
            slot,
            tribe: u8::try_from(tribe).expect("a scenario should have at most 16 tribes"),
        };
        let place = self.camps.arrival(slot, &mut self.dice);
        let health = self.dice.between(self.scenario.mob.health);
        let newcomer = (
            badge,
            Mob::default(),
            Position(place),
            Stride::default(),
            Health(health),
            Fame::default(),
        );
        let mob = self.commands.spawn(newcomer).id();
        for _ in 0..self.dice.between(self.scenario.mob.items) {
            self.commands.spawn((Item, ChildOf(mob)));
        }
        let is_one_of = |every: u32| every > 0 && badge.serial % every == every - 1;
        if is_one_of(self.scenario.protected) {
            self.commands
                .entity(mob)
                .insert(Protection)
                .register_signal(mob, Protection::on_asked);
        }
        if is_one_of(self.scenario.phoenixes) {
            let phoenix = Phoenix { spare_lives: 1 };
            self.commands.entity(mob).insert(phoenix);
        }
        let slot = slot as usize;
        if slot == self.roster.slots.len() {
            self.roster.slots.push(None);
        }
        self.roster.slots[slot] = Some(mob);
        self.roster.arrivals += 1;
    }
}

impl Camps {
    /// Pitches the camps of `scenario`.
    pub(crate) fn pitch(scenario: &Scenario, dice: &mut Dice) -> Self {
        let side = scenario.side();
        let camps = scenario.camps.min(scenario.mobs);
        let centres = (0..camps)
            .map(|_| dice.point() * side * 0.8 + Vec2::splat(side * 0.1))
            .collect();
        Self {
            centres,
            mobs_of_a_camp: scenario.mobs.div_ceil(camps) as usize,
            spread: side / (camps as f32).sqrt(),
            side,
        }
    }

    /// Returns where mobs without a target drift to.
    pub(crate) fn middle(&self) -> Vec2 {
        Vec2::splat(self.side / 2.0)
    }

    /// Returns `place`, or the nearest one inside the arena.
    pub(crate) fn inside(&self, place: Vec2) -> Vec2 {
        place.clamp(Vec2::ZERO, Vec2::splat(self.side))
    }

    /// Returns a place near the camp of `slot`, denser towards its centre.
    ///
    /// Neighbours in the roster share a camp: they will meet, and lie close in memory.
    fn arrival(&self, slot: u32, dice: &mut Dice) -> Vec2 {
        let centre = self.centres[slot as usize / self.mobs_of_a_camp];
        let offset = dice.point() + dice.point() + dice.point() - Vec2::splat(1.5);
        self.inside(centre + offset * self.spread)
    }
}

impl Dice {
    /// Returns dice that fall the same way for the same `seed`, on every machine.
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Returns a number that is not less than the first and not more than the second.
    pub(crate) fn between(&mut self, [least, most]: [u32; 2]) -> u32 {
        self.0.random_range(least..=most)
    }

    /// Returns a point of the unit square.
    fn point(&mut self) -> Vec2 {
        Vec2::new(self.0.random(), self.0.random())
    }
}
