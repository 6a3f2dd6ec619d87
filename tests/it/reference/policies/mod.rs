//! What becomes of a component that loses what it names: cleared, removed, deleted with it, or the
//! whole deletion denied.
//!
//! Rule R5 of the design. How it is noticed that a field names an entity is the subject of
//! `references.rs`.

mod cascades;
mod denials;
mod plan;
mod ways;

use bevy_ecs::{prelude::*, resource::IsResource, world::DeferredWorld};
use core::any::type_name;
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{
    QdelCause, QdelError, References,
    plan::QdelPlan,
    prelude::*,
    reference::{Lost, OnLoss},
    signal::Registration,
    statistics::QdelCounts,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::stage::{DELETIONS, DESPAWNS, on_death};

/// Has `holder` name `target` in a field of that `kind`.
fn name(world: &mut World, holder: Entity, kind: usize, target: Entity) {
    let mut at = world.entity_mut(holder);
    match kind {
        0 => {
            at.insert(Leash(target));
        }
        1 => {
            at.insert(Seal(target));
        }
        2 => {
            at.insert(Shadow(target));
        }
        3 => {
            let mut bond = at.get::<Bond>().map_or(Vec::new(), |bond| bond.0.clone());
            bond.push(target);
            // Most would be refused otherwise.
            if bond.len() < 3 && target != holder {
                at.insert(Bond(bond));
            }
        }
        kind => {
            if !at.contains::<Mob>() {
                at.insert(Mob::default());
            }
            let mut mob = at.get_mut::<Mob>().unwrap();
            match kind {
                4 => mob.target = Some(target),
                5 => mob.friends.push(target),
                _ => mob.grudges.entry(target).or_default().push(holder),
            }
        }
    }
}

/// Who was told about, and why, in order.
#[derive(Resource, Default)]
struct Told(Vec<(Entity, QdelCause)>);

/// Who went, in order.
#[derive(Resource, Default)]
struct Gone(Vec<Entity>);

/// Who was destroyed, why, and whether by force, in order.
#[derive(Resource, Default)]
struct Destroyed(Vec<(Entity, QdelCause, bool)>);

/// Who was asked about, and for which root, and whether by force, in order.
#[derive(Resource, Default)]
struct Asked(Ledger);

/// A list that can be written by those who can only look.
#[derive(Default)]
struct Ledger(std::sync::Mutex<Vec<(Entity, Entity, bool)>>);

impl Ledger {
    fn note(&self, line: (Entity, Entity, bool)) {
        self.0.lock().unwrap().push(line);
    }

    fn load(&self) -> Vec<(Entity, Entity, bool)> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Component)]
struct Thing;

/// Lets go.
#[derive(Component, Clone, Debug, Default, PartialEq, References)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references]
    grudges: BTreeMap<Entity, Vec<Entity>>,
}

impl Mob {
    fn after(target: Entity) -> Self {
        Self {
            target: Some(target),
            ..Self::default()
        }
    }

    fn hear(&mut self, _: Received<Qdeleting>) {}
}

/// Is removed.
#[derive(Component, Clone, Copy, Debug, PartialEq, References)]
struct Leash(#[references(remove)] Entity);

impl Leash {
    fn hear(&mut self, _: Received<Qdeleting>) {}
}

/// Is removed, and cannot be changed.
#[derive(Component, Clone, Copy, Debug, PartialEq, References)]
#[component(immutable)]
struct Seal(#[references(remove)] Entity);

/// Goes as well.
#[derive(Component, Clone, Copy, Debug, PartialEq, References)]
struct Shadow(#[references(qdel)] Entity);

/// Cannot be without either.
#[derive(Component, References)]
struct Pair(#[references(qdel)] Entity, #[references(qdel)] Entity);

/// Refuses.
#[derive(Component, Clone, Debug, PartialEq, References)]
struct Bond(#[references(deny)] Vec<Entity>);

impl Bond {
    fn to(target: Entity) -> Self {
        Self(vec![target])
    }
}

/// Refuses by one of its fields.
#[derive(Component, References)]
struct Oath {
    #[references]
    heard_by: Option<Entity>,
    #[references(remove)]
    sworn_on: Option<Entity>,
    #[references(deny)]
    sworn_to: Option<Entity>,
}

/// Refuses once it is signed.
#[derive(Component, References)]
enum Charter {
    Drafted(#[references] Vec<Option<Entity>>),
    Signed {
        #[references(deny)]
        king: Entity,
    },
}

#[derive(Component, References)]
#[references(on_lost = Mixed::mourn)]
struct Mixed {
    #[references]
    clear: Option<Entity>,
    #[references(remove)]
    remove: Entity,
    #[references(qdel)]
    qdel: Entity,
    #[references(ignore)]
    lost: Vec<Vec<Entity>>,
}

impl Mixed {
    fn mourn(&mut self, lost: Lost) {
        self.lost.push(lost.to_vec());
    }
}

/// Objects to its deletion.
#[derive(Component)]
struct Ward;

impl Ward {
    fn object(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }
}

/// Says this when it is destroyed.
#[derive(Component)]
struct Will(DestroyHint);

impl Will {
    fn write_down(world: &World, asked: Received<PreQdel, Self>) -> QdelVerdict {
        let line = (asked.entity, asked.root, asked.force);
        world.resource::<Asked>().0.note(line);
        QdelVerdict::Allow
    }
}

impl Destroy for Will {
    type Param = ResMut<'static, Destroyed>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push((going.entity, going.cause, going.force));
        self.0
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Told>();
    world.init_resource::<Gone>();
    world.init_resource::<Destroyed>();
    world.init_resource::<Asked>();
    world.register_destroy::<Will>();
    world.track_references::<Mob>();
    world.track_references::<Leash>();
    world.track_references::<Seal>();
    world.track_references::<Shadow>();
    world.track_references::<Pair>();
    world.track_references::<Bond>();
    world.track_references::<Charter>();
    world.track_references::<Oath>();
    world.track_references::<Mixed>();
    world.add_observer(|told: On<Qdeleting>, mut world: DeferredWorld| {
        let line = (told.entity, told.cause);
        world.resource_mut::<Told>().0.push(line);
    });
    world.add_observer(
        |gone: On<Despawn<qdel::Deleting>>, mut order: ResMut<Gone>| {
            order.0.push(gone.entity);
        },
    );
    world
}

fn spawn(world: &mut World) -> Entity {
    world.spawn(Thing).id()
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn(world))
}

/// Returns why `entity` was told about, each time.
fn told(world: &World, entity: Entity) -> Vec<QdelCause> {
    let told = world.resource::<Told>().0.iter();
    told.filter(|line| line.0 == entity)
        .map(|line| line.1)
        .collect()
}

fn gone(world: &World) -> Vec<Entity> {
    world.resource::<Gone>().0.clone()
}

fn counts(world: &World) -> QdelCounts {
    *world.resource::<QdelCounts>()
}

/// Returns who refuses the deletion of `entity`: the `Bond` of `holder`, for the sake of `target`.
fn denied(entity: Entity, target: Entity, holder: Entity) -> QdelError {
    QdelError::Denied {
        entity,
        target,
        holder,
        component: type_name::<Bond>(),
        field: "0",
    }
}

/// What can be seen of a world.
#[derive(Debug, Clone, PartialEq)]
struct Picture {
    states: Vec<(Entity, Liveness)>,
    registrations: Vec<Vec<Registration>>,
    fields: BTreeMap<Entity, Fields>,
    told: usize,
    destroyed: usize,
}

/// All declared fields of an entity.
#[derive(Debug, Clone, PartialEq, Default)]
struct Fields {
    mob: Option<Mob>,
    leash: Option<Leash>,
    seal: Option<Seal>,
    shadow: Option<Shadow>,
    bond: Option<Vec<Entity>>,
}

impl Fields {
    /// Returns all places that name an entity.
    fn names(&self) -> Vec<(Entity, &'static str, OnLoss)> {
        let mut names = Vec::new();
        if let Some(mob) = &self.mob {
            let grudges = mob.grudges.iter();
            let grudges = grudges.flat_map(|(key, values)| [key].into_iter().chain(values));
            let all = mob.target.iter().chain(&mob.friends).chain(grudges);
            names.extend(all.map(|name| (*name, type_name::<Mob>(), OnLoss::Clear)));
        }
        let leash = self
            .leash
            .map(|at| (at.0, type_name::<Leash>(), OnLoss::Remove));
        let seal = self
            .seal
            .map(|at| (at.0, type_name::<Seal>(), OnLoss::Remove));
        let shadow = self
            .shadow
            .map(|at| (at.0, type_name::<Shadow>(), OnLoss::Qdel));
        names.extend(leash.into_iter().chain(seal).chain(shadow));
        let bond = self.bond.iter().flatten();
        names.extend(bond.map(|name| (*name, type_name::<Bond>(), OnLoss::Deny)));
        names
    }

    /// Returns the fields of a living entity without those who are `lost`.
    fn without(&self, lost: &BTreeSet<Entity>) -> Self {
        let mut left = self.clone();
        if let Some(mob) = &mut left.mob {
            mob.target = mob.target.filter(|name| !lost.contains(name));
            mob.friends.retain(|name| !lost.contains(name));
            mob.grudges.retain(|key, values| {
                values.retain(|name| !lost.contains(name));
                !lost.contains(key)
            });
        }
        left.leash = left.leash.filter(|at| !lost.contains(&at.0));
        left.seal = left.seal.filter(|at| !lost.contains(&at.0));
        left
    }
}

fn fields(world: &World, entity: Entity) -> Fields {
    Fields {
        mob: world.get::<Mob>(entity).cloned(),
        leash: world.get::<Leash>(entity).copied(),
        seal: world.get::<Seal>(entity).copied(),
        shadow: world.get::<Shadow>(entity).copied(),
        bond: world.get::<Bond>(entity).map(|bond| bond.0.clone()),
    }
}

fn picture(world: &World) -> Picture {
    let mut all: Vec<_> = world.iter_entities().map(|entity| entity.id()).collect();
    all.sort_unstable_by_key(|entity| entity.index());
    // The resources of the crate come with the first deletion.
    all.retain(|entity| !world.entity(*entity).contains::<IsResource>());
    Picture {
        states: all
            .iter()
            .map(|entity| (*entity, world.liveness(*entity)))
            .collect(),
        registrations: all
            .iter()
            .flat_map(|entity| {
                [
                    world.registrations_on(*entity),
                    world.registrations_of(*entity),
                ]
            })
            .collect(),
        fields: all
            .iter()
            .map(|entity| (*entity, fields(world, *entity)))
            .collect(),
        told: world.resource::<Told>().0.len(),
        destroyed: world.resource::<Destroyed>().0.len(),
    }
}

/// Checks that no living entity names one that is gone.
fn assert_no_leftovers(world: &World) {
    for holder in world.iter_entities().map(|entity| entity.id()) {
        if world.liveness(holder) != Liveness::Alive {
            continue;
        }
        for (name, component, _) in fields(world, holder).names() {
            let state = world.liveness(name);
            assert_ne!(state, Liveness::Gone, "{component} of {holder}");
        }
    }
}

fn check(world: &World) {
    world.check_registrations().unwrap();
    assert_no_leftovers(world);
}

/// Compares `said` with the snapshot of this name.
fn expect(name: &str, roles: &[(Entity, &str)], said: &str) {
    let roles: Vec<_> = roles
        .iter()
        .map(|(entity, role)| (format!(r"\b{entity}\b"), *role))
        .collect();
    let mut filters: Vec<_> = roles
        .iter()
        .map(|(id, role)| (id.as_str(), *role))
        .collect();
    filters.push((r"\b\d+v\d+\b", "[another entity]"));
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}
