//! What happens in a tick.
//!
//! In this order, and each time through the mobs in the order of the roster:
//!
//! ```text
//! check      `polling` only: which mobs have lost their target?
//! pick       survey the arena; a mob that has no target, or is tired of it, picks one
//! promise    `signals` only: those register with their targets
//! fight      chase, walk, strike; in some scenarios a few mobs drop dead in each tick, or half of
//!            them in one
//! bury       the dead are `qdel`ed. `signals`: their hunters are told now and clear their fields.
//!            `references`: the fields of their hunters are cleared. A mob under protection has a
//!            veto, and a phoenix rises; of the others a corpse stays for a while
//! let go     hunters of the risen let go of them
//! settle     what the dead had counted is added up; newcomers arrive
//! ...        the end of the frame tears down as many of the dead, with what they carry, as its
//!            budget allows
//! ```
//!
//! In a calm scenario all mobs stand still. Then the arena is surveyed once, only mobs that were
//! written to can be without a target, and a tick does no work for the others.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a system takes its parameters by value"
)]

use std::time::Duration;

use bevy_app::{App, First, Update};
use bevy_ecs::{
    entity::EntityHashSet,
    prelude::{
        Changed, Entity, IntoScheduleConfigs, Query, Res, ResMut, Resource, SystemSet, World, not,
    },
};
use bevy_time::Time;
use glam::Vec2;
use qdel::{AllowDeleting, AppQdelExt, WorldQdelExt};

use crate::{
    arena::{
        Badge, Camps, Corpse, Dice, Fame, Health, Mob, Muster, Phoenix, Position, Protection,
        Roster, Stride,
    },
    grid::{Grid, Sighted},
    scenario::{Replacement, Scenario},
    trace::{Chronicle, Rescue},
};

/// The turns of a tick.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    /// Hunters check their targets, in a mode that has them check.
    Check,
    /// Hunters without a target pick one.
    Pick,
    /// Hunters register with their new target, in a mode that has them register.
    Promise,
    /// All mobs move and strike.
    Fight,
    /// The dead are deleted, and their hunters are told, in a mode that has them registered.
    Bury,
    /// Hunters of the risen let go of them, where a mode needs to say so.
    LetGo,
    /// The dead are still there, and known to be dying.
    Watch,
    /// The dead are counted and replaced.
    Settle,
}

/// What changed hands in this tick.
#[derive(Resource, Debug, Default)]
pub(crate) struct Picks {
    /// Hunters and the living targets that they tired of.
    pub(crate) given_up: Vec<(Entity, Entity)>,
    /// Hunters and their new targets.
    pub(crate) taken: Vec<(Entity, Entity)>,
}

/// What has happened so far.
#[derive(Resource, Debug, Default)]
pub(crate) struct Tally {
    /// The current tick, from 1.
    pub(crate) tick: u32,
    /// All deaths in their order.
    pub(crate) deaths: Vec<Death>,
    /// What the dead had been told.
    pub(crate) notices: u64,
    /// What the dead had picked anew.
    pub(crate) retargets: u64,
    /// The mobs that a veto saved.
    pub(crate) saved: u64,
    /// The mobs that rose from the dead.
    pub(crate) risen: u64,
    /// The mobs that died in the calamity.
    pub(crate) victims: u64,
    /// Corpses that were laid out.
    pub(crate) corpses: u64,
}

/// The mobs that died, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Death {
    /// The tick, from 1.
    pub(crate) tick: u32,
    /// The serial number of the dead.
    pub(crate) serial: u32,
}

/// All mobs as seen at the beginning of the tick, kept for its memory.
#[derive(Resource, Debug, Default)]
struct Survey(Vec<Sighted>);

/// The mobs of the survey that need a target.
#[derive(Resource, Debug, Default)]
struct Seekers(Vec<Sighted>);

/// The mobs that rose from the dead in this tick. Its hunters let go of it.
#[derive(Resource, Debug, Default)]
pub(crate) struct Risen(pub(crate) Vec<Entity>);

/// How long a tick is, for the corpses that fade.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// The hunters that have their target in reach, each with its target.
#[derive(Resource, Debug, Default)]
struct Blows(Vec<(Entity, Entity)>);

/// The dead of this tick in the order in which they fell.
#[derive(Resource, Debug, Default)]
struct Fallen(Vec<(Entity, Badge)>);

/// Adds the turns that every mode takes.
pub(crate) fn add_to(app: &mut App) {
    app.register_destroy::<Phoenix>()
        .init_resource::<Time>()
        .init_resource::<Tally>()
        .init_resource::<Survey>()
        .init_resource::<Seekers>()
        .init_resource::<Picks>()
        .init_resource::<Blows>()
        .init_resource::<Fallen>()
        .init_resource::<Risen>()
        .configure_sets(
            Update,
            (
                Turn::Check,
                Turn::Pick,
                Turn::Promise,
                Turn::Fight,
                Turn::Bury,
                Turn::LetGo,
                Turn::Watch,
                Turn::Settle,
            )
                .chain(),
        )
        .add_systems(First, |mut time: ResMut<Time>| time.advance_by(TICK))
        .add_systems(
            Update,
            (
                begin.before(Turn::Check),
                (
                    survey.run_if(wants_survey),
                    look_up.run_if(not(wants_survey)),
                    pick,
                )
                    .chain()
                    .in_set(Turn::Pick),
                (
                    (chase, walk, strike).chain().run_if(moves),
                    drop_dead,
                    strike_half_dead,
                )
                    .chain()
                    .in_set(Turn::Fight),
                bury.in_set(Turn::Bury),
                (settle, replace).chain().in_set(Turn::Settle),
            ),
        );
}

/// Lets the first mobs arrive.
pub(crate) fn arrive(mut muster: Muster, scenario: Res<Scenario>) {
    for slot in 0..scenario.mobs {
        muster.enlist(slot);
    }
}

fn begin(mut tally: ResMut<Tally>, mut chronicle: ResMut<Chronicle>, mut fallen: ResMut<Fallen>) {
    tally.tick += 1;
    chronicle.begin(tally.tick);
    fallen.0.clear();
}

/// Returns `true` if mobs chase and strike what they hunt.
fn moves(scenario: Res<Scenario>) -> bool {
    !scenario.calm
}

/// Returns `true` if mobs may stand elsewhere than when the arena was surveyed last.
fn wants_survey(scenario: Res<Scenario>, tally: Res<Tally>) -> bool {
    !scenario.calm || tally.tick == 1
}

fn survey(
    roster: Res<Roster>,
    mobs: Query<(&Badge, &Position, &Fame, &Mob)>,
    mut survey: ResMut<Survey>,
    mut seekers: ResMut<Seekers>,
    mut grid: ResMut<Grid>,
) {
    survey.0.clear();
    seekers.0.clear();
    for entity in roster.mobs() {
        let Ok((badge, position, fame, mob)) = mobs.get(entity) else {
            continue;
        };
        let sighted = Sighted {
            mob: entity,
            badge: *badge,
            at: position.0,
            fame: fame.0,
        };
        survey.0.push(sighted);
        if mob.seeks() {
            seekers.0.push(sighted);
        }
    }
    grid.fill(&survey.0);
}

/// Finds the mobs that need a target, where all stand as they stood when the arena was surveyed: a
/// mob that was not written to has the target that it had.
fn look_up(
    mobs: Query<(Entity, &Badge, &Position, &Fame, &Mob), Changed<Mob>>,
    mut seekers: ResMut<Seekers>,
) {
    let seeking = mobs.iter().filter(|(.., mob)| mob.seeks());
    seekers.0.clear();
    seekers
        .0
        .extend(seeking.map(|(entity, badge, position, fame, _)| Sighted {
            mob: entity,
            badge: *badge,
            at: position.0,
            fame: fame.0,
        }));
    seekers.0.sort_unstable_by_key(|seeker| seeker.badge.slot);
}

fn pick(
    seekers: Res<Seekers>,
    grid: Res<Grid>,
    scenario: Res<Scenario>,
    mut mobs: Query<&mut Mob>,
    mut picks: ResMut<Picks>,
    mut chronicle: ResMut<Chronicle>,
) {
    picks.given_up.clear();
    picks.taken.clear();
    for hunter in &seekers.0 {
        // A survey of an earlier tick has the dead in it.
        let is_there = |foe: &Sighted| !scenario.calm || mobs.contains(foe.mob);
        let Some(prey) = grid.pick(hunter.badge.tribe, hunter.at, &scenario, is_there) else {
            continue;
        };
        let Ok(mut mob) = mobs.get_mut(hunter.mob) else {
            continue;
        };
        let old = mob.target;
        mob.hunt(prey.mob, scenario.mob.patience);
        if old == Some(prey.mob) {
            continue;
        }
        picks.given_up.extend(old.map(|old| (hunter.mob, old)));
        picks.taken.push((hunter.mob, prey.mob));
        let paces = hunter.at.distance(prey.at);
        chronicle.pick(hunter.badge, old, (prey.mob, prey.badge), paces);
    }
}

/// Turns every mob to its target, or to the middle of the arena if it has none.
///
/// A target that is gone is nowhere: a mob that still has one stands and waits for it.
fn chase(
    roster: Res<Roster>,
    camps: Res<Camps>,
    scenario: Res<Scenario>,
    mut hunters: Query<(Entity, &Position, &mut Stride, &mut Mob)>,
    prey: Query<&Position>,
    mut blows: ResMut<Blows>,
) {
    let Scenario { mob: ability, .. } = &*scenario;
    blows.0.clear();
    let mut hunters = hunters.iter_many_mut(roster.mobs()).matched();
    while let Some((hunter, position, mut stride, mut mob)) = hunters.fetch_next() {
        stride.0 = Vec2::ZERO;
        let Some(target) = mob.target else {
            stride.0 = (camps.middle() - position.0).clamp_length_max(ability.speed);
            continue;
        };
        let Ok(there) = prey.get(target) else {
            continue;
        };
        let way = there.0 - position.0;
        if way.length_squared() <= ability.reach * ability.reach {
            mob.patience = ability.patience;
            blows.0.push((hunter, target));
        } else {
            mob.patience = mob.patience.saturating_sub(1);
            stride.0 = way.clamp_length_max(ability.speed);
        }
    }
}

fn walk(camps: Res<Camps>, mut mobs: Query<(&mut Position, &Stride)>) {
    for (mut position, stride) in &mut mobs {
        position.0 = camps.inside(position.0 + stride.0);
    }
}

/// Deals the blows one after the other: a mob that was killed earlier in the tick neither strikes
/// nor suffers.
fn strike(
    blows: Res<Blows>,
    scenario: Res<Scenario>,
    mut dice: ResMut<Dice>,
    mut mobs: Query<(&Badge, &mut Health, &mut Fame)>,
    mut fallen: ResMut<Fallen>,
    mut chronicle: ResMut<Chronicle>,
) {
    for &(hunter, target) in &blows.0 {
        let Ok([(badge, health, mut fame), (prey, mut prey_health, _)]) =
            mobs.get_many_mut([hunter, target])
        else {
            continue;
        };
        if health.0 == 0 || prey_health.0 == 0 {
            continue;
        }
        let damage = dice.between(scenario.mob.damage);
        prey_health.0 = prey_health.0.saturating_sub(damage);
        let left = prey_health.0;
        if left == 0 {
            fame.0 += 1;
            fallen.0.push((target, *prey));
        }
        chronicle.strike(*badge, *prey, damage, left);
    }
}

/// Lets a few mobs drop dead, wherever they stand.
fn drop_dead(
    scenario: Res<Scenario>,
    roster: Res<Roster>,
    mut dice: ResMut<Dice>,
    mut mobs: Query<(&Badge, &mut Health)>,
    mut fallen: ResMut<Fallen>,
) {
    for _ in 0..scenario.deaths {
        let slot = dice.between([0, scenario.mobs - 1]);
        if let Some(mob) = roster.mob(slot)
            && let Ok((badge, mut health)) = mobs.get_mut(mob)
            && health.0 > 0
        {
            health.0 = 0;
            fallen.0.push((mob, *badge));
        }
    }
}

/// In the tick of the calamity, lets every second mob drop dead.
fn strike_half_dead(
    scenario: Res<Scenario>,
    roster: Res<Roster>,
    mut mobs: Query<(&Badge, &mut Health)>,
    mut fallen: ResMut<Fallen>,
    mut tally: ResMut<Tally>,
) {
    if tally.tick != scenario.calamity {
        return;
    }
    for mob in roster.mobs().step_by(2) {
        if let Ok((badge, mut health)) = mobs.get_mut(mob)
            && health.0 > 0
        {
            health.0 = 0;
            fallen.0.push((mob, *badge));
            tally.victims += 1;
        }
    }
}

/// Deletes the fallen in one go, and sees to those that did not die of it.
fn bury(world: &mut World) {
    let fallen = &world.resource::<Fallen>().0;
    let entities: Vec<_> = fallen.iter().map(|(mob, _)| *mob).collect();
    let batch = world.qdel_batch(entities);

    for saved in batch.vetoed {
        // It is used up, and its registration ends with it.
        world.entity_mut(saved).remove::<Protection>();
        stand_up(world, saved, Rescue::Protection);
    }
    for &risen in &batch.kept {
        stand_up(world, risen, Rescue::Phoenix);
    }
    world.resource_mut::<Risen>().0 = batch.kept;
    lay_out(world, &batch.queued);

    let dead: EntityHashSet = batch.queued.into_iter().collect();
    let is_dead = |(mob, _): &(Entity, Badge)| dead.contains(mob);
    world.resource_mut::<Fallen>().0.retain(is_dead);
}

/// Heals a mob that did not die after all.
fn stand_up(world: &mut World, mob: Entity, rescue: Rescue) {
    let [frail, _] = world.resource::<Scenario>().mob.health;
    world.entity_mut(mob).insert(Health(frail));
    let mut tally = world.resource_mut::<Tally>();
    match rescue {
        Rescue::Protection => tally.saved += 1,
        Rescue::Phoenix => tally.risen += 1,
    }
    let badge = *world.get::<Badge>(mob).expect("a mob should have a badge");
    world.resource_mut::<Chronicle>().stand_up(badge, rescue);
}

/// Writes down the dead, and lays out their corpses, which fade.
fn lay_out(world: &mut World, dead: &[Entity]) {
    let fading = TICK * world.resource::<Scenario>().fading;
    for mob in dead {
        let (badge, place) = world
            .entity(*mob)
            .get_components::<(&Badge, &Position)>()
            .expect("the dead should be whole until they are torn down");
        let (serial, place) = (badge.serial, *place);
        let corpse = world.spawn((Corpse, place)).id();
        world
            .qdel_in(corpse, fading)
            .expect("a new corpse should be there");
        let mut tally = world.resource_mut::<Tally>();
        let tick = tally.tick;
        tally.deaths.push(Death { tick, serial });
        tally.corpses += 1;
    }
}

/// Adds up what the dead had counted. They are deleting, so ordinary queries do not see them.
fn settle(
    fallen: Res<Fallen>,
    dead: Query<&Mob, AllowDeleting>,
    mut roster: ResMut<Roster>,
    mut tally: ResMut<Tally>,
) {
    for (entity, badge) in &fallen.0 {
        let mob = dead
            .get(*entity)
            .expect("the dead should be there until the end of the frame");
        tally.notices += u64::from(mob.notices);
        tally.retargets += u64::from(mob.retargets);
        roster.vacate(badge.slot);
    }
}

fn replace(fallen: Res<Fallen>, scenario: Res<Scenario>, mut muster: Muster) {
    match scenario.replacement {
        Replacement::Nobody => {}
        Replacement::Newcomer => {
            for (_, badge) in &fallen.0 {
                muster.enlist(badge.slot);
            }
        }
    }
}
