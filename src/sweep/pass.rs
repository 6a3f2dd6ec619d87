//! A pass over all components of a world, which finds and empties places that name targets.
//!
//! There are two ways through a world. In one go, declared fields are read type by type, and
//! reflected ones archetype by archetype: in the order of memory. In slices, the pass goes by the
//! indices of entities, because an entity keeps its index when its components move.
//!
//! # Invariants
//!
//! 1. Looking and emptying alternate. During a look, nothing changes. During emptying, user code
//!    may do anything.
//! 2. A place that named a target when the pass began, and is not written until its end, is found
//!    once.

use bevy_ecs::{
    archetype::Archetype,
    component::ComponentId,
    entity::{Entity, EntityHashSet, EntityIndex, EntityIndexSet},
    world::{DeferredWorld, EntityRef, World},
};

use crate::{
    books::Reserved,
    deleting::Deleting,
    hash::HashSet,
    inspect::{
        blind_spot::TooDeep,
        holder::{Place, PlaceKind},
        label::EntityLabel,
        reader::SweepAccess,
        readers::{BlindTo, Readers, archetypes},
        reflection::{Reflection, TypeCache},
    },
    panics::{FirstPanic, Panicked, catch},
    parallel,
    reference::{self, tracked::Tracked, tracking::NotifyOwner},
    sweep::{
        report::{Leftover, LeftoverState, SweepReport},
        targets::{Targets, Treatment},
    },
};

/// How many indices of entities are looked at before the time is checked.
const BATCH: u32 = 128;

/// A pass that can be interrupted.
#[derive(Default)]
pub(crate) struct Pass {
    readers: Readers,
    /// The index of the next entity.
    next: u32,
    /// The index after the last entity, once the pass has begun.
    end: Option<u32>,
    too_deep: TooDeep,
    cache: TypeCache,
    leftovers: Vec<Leftover>,
}

/// How far a pass has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Interrupted,
    Done,
}

/// The result of a look.
struct Hits {
    hits: Vec<Hit>,
    /// The components that were nested too deeply, whose they are, and where.
    too_deep: Vec<(ComponentId, Entity, String)>,
    /// The first panic of reading a component. The others were read all the same.
    first_panic: FirstPanic,
}

impl Hits {
    fn nothing() -> Self {
        Self {
            hits: Vec::new(),
            too_deep: Vec::new(),
            first_panic: FirstPanic::default(),
        }
    }

    /// Adds what was found after it.
    fn extend(&mut self, other: Self) {
        self.hits.extend(other.hits);
        self.too_deep.extend(other.too_deep);
        self.first_panic.note(other.first_panic.into_outcome());
    }
}

/// A component that names a target.
struct Hit {
    holder: Entity,
    /// The number of its reader.
    reader: usize,
    places: Vec<(Entity, Place)>,
}

/// What a look needs wherever it looks. It changes nothing, so that threads can share it.
struct SweepLook<'a> {
    world: &'a World,
    readers: &'a Readers,
    targets: &'a Targets,
}

impl<'a> SweepLook<'a> {
    fn new(world: &'a World, readers: &'a Readers, targets: &'a Targets) -> Self {
        Self {
            world,
            readers,
            targets,
        }
    }

    /// Looks at one component.
    fn at(&self, reflection: &mut Reflection, holder: EntityRef, reader: usize, found: &mut Hits) {
        let Self { world, targets, .. } = *self;
        let mut places = Vec::new();
        let reads = self.readers.by_number(reader);
        let mut is_meant = |entity| targets.treatment(world, entity).is_some();
        let looked =
            catch(|| reads.add_leftovers(world, reflection, holder, &mut is_meant, &mut places));
        match looked {
            Ok(None) => {}
            Ok(Some(path)) => found.too_deep.push((reads.component, holder.id(), path)),
            Err(panicked) => return found.first_panic.keep(panicked),
        }
        if !places.is_empty() {
            found.hits.push(Hit {
                holder: holder.id(),
                reader,
                places,
            });
        }
    }
}

/// Sweeps the whole world in one go.
pub(crate) fn sweep(world: &mut World, targets: &Targets) -> (SweepReport, Result<(), Panicked>) {
    let mut pass = Pass::default();
    let found = pass.look_everywhere(world, targets);
    let outcome = pass.empty(world, targets, found);
    (pass.finish(world), outcome)
}

impl Pass {
    /// Goes on until all is done, or until `may_go_on` returns `false`, and empties what it finds.
    pub(crate) fn go_on(
        &mut self,
        world: &mut World,
        targets: &Targets,
        mut may_go_on: impl FnMut() -> bool,
    ) -> (Progress, Result<(), Panicked>) {
        // Entities that come later did not name a target when the pass began.
        let end = *self.end.get_or_insert_with(|| world.entities().len());
        let mut first_panic = FirstPanic::default();
        loop {
            let found = self.look_at_some(world, targets, end);
            first_panic.note(self.empty(world, targets, found));
            if self.next >= end {
                return (Progress::Done, first_panic.into_outcome());
            }
            if !may_go_on() {
                return (Progress::Interrupted, first_panic.into_outcome());
            }
        }
    }

    /// Returns `true` if a slice of it was done.
    pub(crate) fn is_begun(&self) -> bool {
        self.next > 0
    }

    /// Ends the pass, and returns what it found.
    pub(crate) fn finish(mut self, world: &World) -> SweepReport {
        self.readers.learn_all(world, &Reflection::of(world));
        let mut report = SweepReport {
            leftovers: self.leftovers,
            blind_spots: self
                .readers
                .blind_spots(world, self.too_deep, BlindTo::Sweep),
        };
        report.sort();
        report
    }

    fn look_everywhere(&mut self, world: &mut World, targets: &Targets) -> Hits {
        self.readers.learn_all(world, &Reflection::of(world));
        let mut found = Hits::nothing();
        let passes_over = passes_over(world);
        let is_meant = |world: &World, entity| targets.treatment(world, entity).is_some();
        let types = world.get_resource::<Tracked>().map_or(0, Tracked::len);
        for number in 0..types {
            let component = world.resource::<Tracked>().get(number).component;
            let reader = self.readers.number_of(component);
            let is_read = |reader: &usize| self.readers.by_number(*reader).sweep_access().is_some();
            let Some(reader) = reader.filter(is_read) else {
                continue;
            };
            let naming = match reference::tracked::naming(world, number, is_meant) {
                Ok(naming) => naming,
                Err(panicked) => {
                    found.first_panic.keep(panicked);
                    continue;
                }
            };
            let mut reflection = Reflection::of(world);
            let look = SweepLook::new(world, &self.readers, targets);
            for holder in naming {
                let holder = world.entity(holder);
                if !passes_over(holder.archetype()) {
                    look.at(&mut reflection, holder, reader, &mut found);
                }
            }
        }
        let reflection = Reflection::of(world);
        let look = SweepLook::new(world, &self.readers, targets);
        let mut reflected = Vec::new();
        for archetype in archetypes(world).filter(|archetype| !passes_over(archetype)) {
            let readers = self.readers.numbers_of_archetype(archetype.id()).iter();
            let is_reflected = |reader: &usize| {
                let sweep_access = self.readers.by_number(*reader).sweep_access();
                matches!(sweep_access, Some(SweepAccess::Reflected(_)))
            };
            let readers: Vec<_> = readers.copied().filter(is_reflected).collect();
            if !readers.is_empty() {
                reflected.push((readers, archetype.entities()));
            }
        }
        let readable = reflected
            .iter()
            .map(|(readers, entities)| (readers, *entities));
        let looked = parallel::map(parallel::parts(readable), |part| {
            let mut reflection = reflection.share();
            let mut found = Hits::nothing();
            for (readers, entities) in part {
                for holder in entities {
                    let holder = world.entity(holder.id());
                    for &reader in readers {
                        look.at(&mut reflection, holder, reader, &mut found);
                    }
                }
            }
            found
        });
        match looked {
            Ok(parts) => parts.into_iter().for_each(|part| found.extend(part)),
            Err(panicked) => found.first_panic.keep(panicked),
        }
        found
    }

    /// Looks at the next entities.
    fn look_at_some(&mut self, world: &World, targets: &Targets, end: u32) -> Hits {
        let mut found = Hits::nothing();
        let mut reflection = Reflection::knowing(world, core::mem::take(&mut self.cache));
        let end = end.min(self.next.saturating_add(BATCH));
        let passes_over = passes_over(world);
        let indices = self.next..end;
        self.next = end;
        for index in indices.filter_map(EntityIndex::from_raw_u32) {
            let entity = world.entities().resolve_from_index(index);
            let Ok(holder) = world.get_entity(entity) else {
                continue;
            };
            let archetype = holder.archetype();
            if passes_over(archetype) {
                continue;
            }
            self.readers.learn(world, &reflection, archetype);
            let look = SweepLook::new(world, &self.readers, targets);
            for &reader in self.readers.numbers_of_archetype(archetype.id()) {
                look.at(&mut reflection, holder, reader, &mut found);
            }
        }
        self.cache = reflection.into_cache();
        found
    }

    /// Empties what can be emptied, and notes the result. A panic does not keep it from doing all.
    fn empty(&mut self, world: &mut World, targets: &Targets, found: Hits) -> Result<(), Panicked> {
        let Hits {
            hits,
            too_deep,
            mut first_panic,
        } = found;
        for (component, holder, path) in too_deep {
            self.too_deep.note(component, holder, path);
        }
        for hit in hits {
            let holder = self.readers.label(world, hit.holder);
            let mut to_empty = EntityIndexSet::default();
            for (target, place) in &hit.places {
                let is_emptied = targets.treatment(world, *target) == Some(Treatment::Empty);
                if is_emptied && can_be_emptied(place.kind) {
                    to_empty.insert(*target);
                }
            }
            let labels: Vec<_> = hit
                .places
                .iter()
                .map(|(target, _)| self.label(world, targets, *target))
                .collect();
            let mut still_named = HashSet::default();
            if to_empty.is_empty() {
                still_named.extend(
                    hit.places
                        .iter()
                        .map(|(target, place)| (*target, place.kind)),
                );
            } else {
                // User code may have changed it since the look.
                let named = self.named_by(world, &hit, &mut first_panic);
                let named = named.into_iter().filter(|(_, kind)| can_be_emptied(*kind));
                let named: EntityHashSet = named.map(|(target, _)| target).collect();
                to_empty.retain(|target| named.contains(target));
                if !to_empty.is_empty() {
                    first_panic.note(self.empty_component(world, &hit, to_empty));
                }
                still_named = self.named_by(world, &hit, &mut first_panic);
            }
            for ((target, place), label) in hit.places.into_iter().zip(labels) {
                let state = if targets.treatment(world, target) == Some(Treatment::Report) {
                    LeftoverState::Found
                } else if still_named.contains(&(target, place.kind)) {
                    LeftoverState::Left
                } else {
                    LeftoverState::Emptied
                };
                self.leftovers.push(Leftover {
                    holder: holder.clone(),
                    place,
                    target: label,
                    state,
                });
            }
        }
        first_panic.into_outcome()
    }

    /// Makes a component release what is `lost`.
    fn empty_component(
        &self,
        world: &mut World,
        hit: &Hit,
        lost: EntityIndexSet,
    ) -> Result<(), Panicked> {
        let reads = self.readers.by_number(hit.reader);
        match reads.sweep_access() {
            Some(SweepAccess::Declared(declared)) => catch(|| {
                let mut deferred = DeferredWorld::from(&mut *world);
                let reach = declared.reach;
                let lost: Vec<_> = lost.into_iter().collect();
                reach.release(&mut deferred, hit.holder, &lost, NotifyOwner::Yes);
                if reach.is_deferred() {
                    world.flush();
                }
            }),
            Some(SweepAccess::Reflected(lens)) => catch(|| {
                lens.empty(world, hit.holder, reads.component, &lost);
            }),
            None => Ok(()),
        }
    }

    /// Returns the entities of a hit that are still named, with the kind of the place.
    fn named_by(
        &mut self,
        world: &World,
        hit: &Hit,
        first_panic: &mut FirstPanic,
    ) -> HashSet<(Entity, PlaceKind)> {
        let reads = self.readers.by_number(hit.reader);
        let Ok(holder) = world.get_entity(hit.holder) else {
            return HashSet::default();
        };
        if !holder.contains_id(reads.component) {
            return HashSet::default();
        }
        let meant: EntityHashSet = hit.places.iter().map(|(target, _)| *target).collect();
        let mut places = Vec::new();
        let mut reflection = Reflection::knowing(world, core::mem::take(&mut self.cache));
        let mut is_meant = |entity| meant.contains(&entity);
        first_panic.run(|| {
            // A place that is too deep is noted already.
            let _ = reads.add_leftovers(world, &mut reflection, holder, &mut is_meant, &mut places);
        });
        self.cache = reflection.into_cache();
        let places = places.into_iter();
        places.map(|(target, place)| (target, place.kind)).collect()
    }

    fn label(&self, world: &World, targets: &Targets, target: Entity) -> EntityLabel {
        let mut label = self.readers.label(world, target);
        if label.name.is_none() {
            label.name = targets.name(target).map(str::to_owned);
        }
        label
    }
}

/// Returns `true` if a sweep may empty a place. `remove` and `qdel` are for a deletion, and `deny`
/// comes too late.
fn can_be_emptied(kind: PlaceKind) -> bool {
    match kind {
        PlaceKind::Declared(policy) => policy.lets_go(),
        _ => true,
    }
}

/// Returns a function that says whether an archetype is skipped. Resources of this crate are, and
/// entities that are being deleted, because their components go with them.
fn passes_over(world: &World) -> impl Fn(&Archetype) -> bool + use<> {
    let components = world.components();
    let marks = [
        components.component_id::<Reserved>(),
        components.component_id::<Deleting>(),
    ];
    move |archetype| marks.iter().flatten().any(|mark| archetype.contains(*mark))
}
