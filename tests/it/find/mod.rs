//! Who still holds an entity: places, chains to roots, blind spots, and the two ways to show them.
//!
//! Rule H1 of the design. In texts, ids are replaced by the part that their entity plays.

mod chains;
mod declared;
mod hosts;
mod model;
#[cfg(feature = "bevy_reflect")]
mod reflected;
mod states;
mod texts;

use bevy_ecs::{
    change_detection::DetectChanges, entity_disabling::Disabled, name::Name, prelude::*,
};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{
    ReferenceRoot, WorldReferencesExt,
    find::{BlindReason, MAX_DEPTH, PlaceKind, ReferenceReport},
    prelude::*,
    reference::OnLoss,
};
use std::collections::BTreeMap;

use crate::stage::spawn_many;

#[derive(Component, Default, References)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Component)
)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[entities]
    squads: Vec<Vec<Entity>>,
    /// It is not cleared, but reflection sees it.
    #[references(ignore)]
    #[cfg_attr(
        not(feature = "bevy_reflect"),
        expect(dead_code, reason = "only reflection reads it")
    )]
    last_seen: Option<Entity>,
}

/// Never reflected.
#[derive(Component, References)]
enum Errand {
    Fetch {
        #[entities]
        item: Option<Entity>,
    },
    Guard(
        #[references(remove)] Entity,
        #[references] BTreeMap<Entity, u32>,
    ),
}

/// Neither tracked nor reflected.
#[derive(Component)]
struct Secret {
    _accomplice: Entity,
}

#[derive(Component)]
struct Flag;

const CROWD: usize = 7;

/// A mob of the model: whom it names, by their place in the crowd.
type Named = (Option<usize>, Vec<usize>, Option<usize>, Vec<usize>);

fn mob() -> impl Strategy<Value = Named> {
    let anybody = 0..CROWD;
    (
        prop::option::of(anybody.clone()),
        vec(anybody.clone(), 0..3),
        prop::option::of(anybody.clone()),
        vec(anybody, 0..2),
    )
}

impl Destroy for Mob {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
        DestroyHint::Queue
    }
}

fn hear(_: &mut Flag, _: Received<Qdeleting>) {}

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Mob>();
    world.track_references::<Errand>();
    #[cfg(feature = "bevy_reflect")]
    {
        world.init_resource::<AppTypeRegistry>();
        let registry = world.resource::<AppTypeRegistry>();
        registry.write().register::<Mob>();
    }
    world
}

fn chasing(target: Entity) -> Mob {
    Mob {
        target: Some(target),
        ..Mob::default()
    }
}

/// Returns all places, each with its holder.
fn places(report: &ReferenceReport) -> Vec<(Entity, String)> {
    let holders = report.holders.iter();
    let places = holders.flat_map(|holder| {
        let places = holder.places.iter();
        places.map(|place| (holder.label.entity, place.to_string()))
    });
    places.collect()
}

fn kinds(report: &ReferenceReport) -> Vec<PlaceKind> {
    let places = report.holders.iter().flat_map(|holder| &holder.places);
    places.map(|place| place.kind).collect()
}

/// Returns the links of the chain to a holder.
fn chain(report: &ReferenceReport, holder: usize) -> Vec<(Entity, String)> {
    let chain = report.holders[holder].chain.as_ref().unwrap().iter();
    chain
        .map(|link| (link.label.entity, link.place.to_string()))
        .collect()
}

fn named<const N: usize>(links: [(Entity, &str); N]) -> [(Entity, String); N] {
    links.map(|(entity, place)| (entity, place.to_owned()))
}

/// Replaces ids by roles, and the numbers of components, which differ from run to run.
fn filters(roles: &[(Entity, &'static str)]) -> Vec<(String, &'static str)> {
    let mut filters: Vec<_> = roles
        .iter()
        .map(|(entity, role)| (format!(r"\b{entity}\b"), *role))
        .collect();
    filters.push((r"\b\d+v\d+\b".to_owned(), "[another entity]"));
    filters.push((r"\bcomponent \d+\b".to_owned(), "component [number]"));
    filters
}

fn pairs<'a>(filters: &'a [(String, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let filters = filters.iter();
    filters.map(|(id, role)| (id.as_str(), *role)).collect()
}
