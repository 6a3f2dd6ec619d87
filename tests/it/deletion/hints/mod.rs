//! What becomes of an entity whose components were destroyed: the hints, what each of them leads
//! to, and what a deletion that is taken back gives back.
//!
//! Rules Q1, Q3 and Q6 of the design. When `Destroy` is called, and with what, is the subject of
//! `destroy.rs`.

mod forest;
mod i_will_handle_it;
mod kept_owners;
mod let_me_live;
mod strongest;

use bevy_ecs::{entity_disabling::Disabled, prelude::*, world::DeferredWorld};
use core::time::Duration;
use proptest::{collection::vec, prelude::*};
use qdel::{
    Deleting, QdelBatchOutcome, WorldQdelExt, prelude::*, signal::Registration,
    statistics::QdelCounts,
};

use crate::stage::{Named, Order, TEARDOWN_BATCH, noting_world, on_death, order};

/// All hints, from the weakest to the strongest, with what becomes of an entity by each. The docs
/// of `DestroyHint` say the same.
const FROM_THE_WEAKEST: [(DestroyHint, Fate); 7] = [
    (DestroyHint::Queue, Fate::GoesInItsTurn),
    (DestroyHint::FindReferencesOnFail, Fate::GoesInItsTurn),
    (DestroyHint::FindReferences, Fate::GoesInItsTurn),
    (DestroyHint::HardDelete, Fate::GoesAtTheNextFlush),
    (DestroyHint::HardDeleteNow, Fate::GoesInTheCall),
    (DestroyHint::IWillHandleIt, Fate::StaysMarked),
    (DestroyHint::LetMeLive, Fate::Lives),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    GoesInTheCall,
    GoesAtTheNextFlush,
    GoesInItsTurn,
    StaysMarked,
    Lives,
}

/// Gives its hint when it is destroyed. An entity may have several.
#[derive(Component)]
struct Will<const N: usize>(DestroyHint);

impl<const N: usize> Destroy for Will<N> {
    type Param = (
        Query<'static, 'static, &'static Named, Allow<Disabled>>,
        ResMut<'static, Order<String>>,
    );

    fn destroy(&mut self, going: DestroyContext<Self::Param>) -> DestroyHint {
        let (names, mut order) = going.param;
        if let (Ok(Named(name)), 0) = (names.get(going.entity), N) {
            order.0.push(format!("destroyed {name}"));
        }
        self.0
    }
}

/// A second relationship by which one owns another.
#[derive(Component)]
#[relationship(relationship_target = Holds)]
struct HeldBy(Entity);

#[derive(Component)]
#[relationship_target(relationship = HeldBy, linked_spawn)]
struct Holds(Vec<Entity>);

/// A listener.
#[derive(Component)]
struct Ear<const N: usize>;

/// Reaches the world, and so stands in no batch.
fn hear<const N: usize>(mut world: DeferredWorld, _: Received<Qdeleting, Ear<N>>) {
    world
        .resource_mut::<Order<String>>()
        .note(format!("heard {N}"));
}

/// Reaches its own fields only.
fn hear_loudly<const N: usize>(_: &mut Ear<N>, _: Received<Qdeleting>) {}

/// Makes a world that notes what happens to each [`Named`] entity.
fn stage() -> World {
    let mut world = noting_world();
    world.register_destroy::<Will<0>>();
    world.register_destroy::<Will<1>>();
    world.register_destroy::<Will<2>>();
    world
}

/// Spawns an entity whose end is noted, and which answers `hint` when it is destroyed.
fn spawn(world: &mut World, name: &'static str, hint: DestroyHint) -> Entity {
    let entity = world.spawn((Named(name), Will::<0>(hint))).id();
    on_death(world, entity, move |world, _| {
        let mut order = world.resource_mut::<Order<String>>();
        order.0.push(format!("told {name}"));
    });
    entity
}

fn spawn_owned(world: &mut World, name: &'static str, owner: Entity, hint: DestroyHint) -> Entity {
    let entity = spawn(world, name, hint);
    world.entity_mut(entity).insert(ChildOf(owner));
    entity
}

fn counts(world: &World) -> QdelCounts {
    *world.resource::<QdelCounts>()
}

fn children_of(world: &World, owner: Entity) -> Vec<Entity> {
    let children = world.get::<Children>(owner);
    children.map_or(Vec::new(), |children| children.to_vec())
}

/// Returns for each of `entities` who listens to it, and to whom it listens.
fn registrations(world: &World, entities: &[Entity]) -> Vec<Vec<Registration>> {
    let both = |entity: &Entity| {
        [
            world.registrations_on(*entity),
            world.registrations_of(*entity),
        ]
    };
    entities.iter().flat_map(both).collect()
}
