//! What goes with whom: trees, rings and two owners, by any relationship that spawns linked.
//!
//! Rules Q3 and Q4 of the design, for entities that own each other.

mod late;
mod model;
mod relationships;
mod wide_and_deep;

use crate::stage::{LoadedOn, in_a_process_of_its_own};
use bevy_ecs::{entity::EntityHashSet, prelude::*, world::DeferredWorld};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelCause, prelude::*, statistics::QdelCounts};

const CROWD: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Told,
    Observed,
    TornDown,
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        Just(Moment::Told),
        Just(Moment::Observed),
        Just(Moment::TornDown)
    ]
}

/// What happens when an entity of the crowd is deleted.
#[derive(Resource)]
struct Wills {
    crowd: [Entity; CROWD],
    wills: Vec<(Moment, usize, Deed)>,
}

/// Has the deeds done that are to be done at this moment in the life of `entity`.
fn execute_will(mut world: DeferredWorld, moment: Moment, entity: Entity) {
    let Some(mut wills) = world.get_resource_mut::<Wills>() else {
        return;
    };
    let crowd = wills.crowd;
    let mut deeds = Vec::new();
    wills.wills.retain(|&(at, who, deed)| {
        let is_due = at == moment && crowd[who] == entity;
        if is_due {
            deeds.push(deed);
        }
        !is_due
    });
    for deed in deeds {
        let work = move |world: &mut World| apply(world, &crowd, deed);
        world.commands().queue(work);
    }
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Qdel(usize),
    Despawn(usize),
    Attach(usize, usize),
    Load(usize, usize),
    Free(usize),
    Flush,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..CROWD;
    prop_oneof![
        2 => who.clone().prop_map(Deed::Qdel),
        1 => who.clone().prop_map(Deed::Despawn),
        4 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Deed::Attach(owned, owner)),
        4 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Deed::Load(owned, owner)),
        1 => who.prop_map(Deed::Free),
        1 => Just(Deed::Flush),
    ]
}

/// Does in the world what [`Model::apply`] does in the model.
fn apply(world: &mut World, crowd: &[Entity; CROWD], deed: Deed) {
    let both_there = |one: usize, other: usize| {
        let is_there = |who: usize| world.liveness(crowd[who]) != Liveness::Gone;
        one != other && is_there(one) && is_there(other)
    };
    match deed {
        Deed::Qdel(who) => {
            world.qdel(crowd[who]).ok();
        }
        Deed::Despawn(who) => {
            world.try_despawn(crowd[who]).ok();
        }
        Deed::Attach(owned, owner) if both_there(owned, owner) => {
            world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
        }
        Deed::Load(owned, owner) if both_there(owned, owner) => {
            world
                .entity_mut(crowd[owned])
                .insert(LoadedOn(crowd[owner]));
        }
        Deed::Free(who) => {
            if let Ok(mut entity) = world.get_entity_mut(crowd[who]) {
                entity.remove::<(ChildOf, LoadedOn)>();
            }
        }
        Deed::Attach(..) | Deed::Load(..) => {}
        Deed::Flush => {
            world.flush_qdel();
        }
    }
}

/// What happened, in order.
#[derive(Resource, Default)]
struct Story {
    told: Vec<(Entity, QdelCause)>,
    observed: Vec<Entity>,
    gone: Vec<Entity>,
}

/// Listens on its own entity, and takes others along when that goes away.
#[derive(Component, Default)]
struct Item {
    takes_along: Vec<Entity>,
}

impl Item {
    fn write_down(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let mut item = world.get_mut::<Self>(told.listener()).unwrap();
        for entity in core::mem::take(&mut item.takes_along) {
            world.qdel(entity);
        }
        let mut story = world.resource_mut::<Story>();
        story.told.push((told.entity, told.cause));
        execute_will(world, Moment::Told, told.entity);
    }
}

/// Makes a world that writes down what happens to each [`Item`].
fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Story>();
    world.add_observer(|told: On<Qdeleting>, mut story: ResMut<Story>| {
        story.observed.push(told.entity);
    });
    world.add_observer(|gone: On<Despawn<Item>>, mut story: ResMut<Story>| {
        story.gone.push(gone.entity);
    });
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn_item(world))
}

fn spawn_item(world: &mut World) -> Entity {
    let item = world.spawn(Item::default()).id();
    world.register_signal(item, item, Item::write_down).unwrap();
    item
}

fn told(world: &World) -> Vec<(Entity, QdelCause)> {
    world.resource::<Story>().told.clone()
}

fn gone(world: &World) -> Vec<Entity> {
    world.resource::<Story>().gone.clone()
}

fn assert_gone_once(world: &World, entities: &[Entity]) {
    let mut gone = gone(world);
    gone.sort_unstable_by_key(|entity| entity.index());
    let mut expected = entities.to_vec();
    expected.sort_unstable_by_key(|entity| entity.index());
    assert_eq!(gone, expected);
    world.check_registrations().unwrap();
}
