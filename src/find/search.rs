//! The search through a world.

use core::any::type_name;

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    books::{Books, ids::Referenced},
    find::{chain::Origins, report::ReferenceReport},
    inspect::{
        blind_spot::TooDeep,
        holder::{ChainLink, Holder, Place},
        label::order,
        readers::{BlindTo, Readers, archetypes},
        reflection::Reflection,
    },
    parallel,
    registration::Registration,
};

/// The state of a search.
struct WorldSearch<'w> {
    world: &'w World,
    reflection: Reflection<'w>,
    readers: Readers,
}

/// Finds the entities that name `target`.
pub(crate) fn find(world: &World, target: Entity) -> ReferenceReport {
    let reflection = Reflection::of(world);
    let readers = Readers::of(world, &reflection);
    let mut search = WorldSearch {
        world,
        reflection,
        readers,
    };
    let (found, too_deep) = search.places(target);
    let blind_spots = search.readers.blind_spots(world, too_deep, BlindTo::Search);
    ReferenceReport {
        target: search.readers.label(world, target),
        holders: search.holders(target, found),
        registrations: registrations(world, target),
        blind_spots,
    }
}

/// Returns the registrations on `target`. Declared references are left out, because they are
/// holders.
fn registrations(world: &World, target: Entity) -> Vec<Registration> {
    let Some(books) = world.get_resource::<Books>() else {
        return Vec::new();
    };
    let mut registrations = books.describe_target(target);
    registrations.retain(|registration| registration.signal != type_name::<Referenced>());
    registrations
}

/// The entities that name the target, with the places.
type PlacesByHolder = Vec<(Entity, Vec<Place>)>;

impl WorldSearch<'_> {
    /// Looks at all components for places that name `target`.
    fn places(&mut self, target: Entity) -> (PlacesByHolder, TooDeep) {
        let (world, readers, reflection) = (self.world, &self.readers, &self.reflection);
        let readable = archetypes(world).filter_map(|archetype| {
            let numbers = readers.numbers_of_archetype(archetype.id());
            (!numbers.is_empty()).then(|| (numbers, archetype.entities()))
        });
        let looked = parallel::map(parallel::parts(readable), |part| {
            let mut reflection = reflection.share();
            let mut found = PlacesByHolder::new();
            let mut too_deep = Vec::new();
            let holders = part
                .into_iter()
                .flat_map(|(numbers, entities)| entities.iter().map(move |at| (numbers, at)));
            for (numbers, holder) in holders {
                let entity = world.entity(holder.id());
                let mut places = Vec::new();
                for &number in numbers {
                    let reader = readers.by_number(number);
                    let deep =
                        reader.add_places(world, &mut reflection, entity, target, &mut places);
                    if let Some(path) = deep {
                        too_deep.push((reader.component, holder.id(), path));
                    }
                }
                if !places.is_empty() {
                    found.push((holder.id(), places));
                }
            }
            (found, too_deep)
        });
        let looked = looked.unwrap_or_else(|panicked| panicked.resume());
        let mut found = PlacesByHolder::new();
        let mut too_deep = TooDeep::default();
        for (part, deep) in looked {
            found.extend(part);
            for (component, holder, path) in deep {
                too_deep.note(component, holder, path);
            }
        }
        found.sort_unstable_by_key(|(holder, _)| order(*holder));
        (found, too_deep)
    }

    /// Returns the entities that the components of `holder` name, each once, in order.
    fn named_by(&mut self, holder: Entity) -> Vec<Entity> {
        let mut named = Vec::new();
        let Ok(entity) = self.world.get_entity(holder) else {
            return named;
        };
        for reader in self.readers.of_archetype(entity.archetype()) {
            reader.for_each(self.world, &mut self.reflection, entity, &mut |entity| {
                named.push(entity);
            });
        }
        named.sort_unstable_by_key(|named| order(*named));
        named.dedup();
        named
    }

    /// Turns the places into holders, with the chains that lead to them.
    fn holders(&mut self, target: Entity, found: PlacesByHolder) -> Vec<Holder> {
        let wanted: Vec<_> = found.iter().map(|(holder, _)| *holder).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let origins = Origins::explore(self.world, target, &wanted, |holder| self.named_by(holder));
        let mut holders = Vec::with_capacity(found.len());
        for (holder, places) in found {
            let way = origins.way_to(holder);
            holders.push(Holder {
                label: self.readers.label(self.world, holder),
                places,
                chain: way.map(|way| self.chain(&way, holder)),
            });
        }
        holders
    }

    /// Returns the place where each entity of a way names the next.
    fn chain(&mut self, way: &[Entity], holder: Entity) -> Vec<ChainLink> {
        let next = way.iter().skip(1).chain([&holder]);
        let mut chain = Vec::with_capacity(way.len());
        for (&at, &next) in way.iter().zip(next) {
            chain.push(ChainLink {
                label: self.readers.label(self.world, at),
                place: self.first_place(at, next),
            });
        }
        chain
    }

    fn first_place(&mut self, holder: Entity, target: Entity) -> Place {
        let entity = self.world.entity(holder);
        let mut places = Vec::new();
        for reader in self.readers.of_archetype(entity.archetype()) {
            reader.add_places(
                self.world,
                &mut self.reflection,
                entity,
                target,
                &mut places,
            );
            if !places.is_empty() {
                break;
            }
        }
        let mut places = places.into_iter();
        places
            .next()
            .expect("a holder should name its target in some place")
    }
}
