//! I2, I3, I5, I7, I9: random play, compared with a plain model.
//!
//! `QDEL_IDENTITY_STEPS` sets the number of steps: 20,000 in CI, a million in the long form.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bevy_ecs::prelude::*;
use qdel::{Liveness, LivenessExt, WorldQdelExt};
use qdel_identity::{
    Persistent, StableId, WorldIdentityExt,
    store::{MemoryStore, Store},
    testing::{Fault, FaultyStore},
};

use super::{Health, LocatedIn, Title, children, id_of, title, valid, world_on};

/// What an object is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Object {
    title: String,
    health: Option<u32>,
    owner: Option<StableId>,
    located: Option<StableId>,
    /// What it owns, in order.
    owned: Vec<StableId>,
}

type Objects = BTreeMap<StableId, Object>;

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.roll(from.len())])
    }
}

struct Play {
    store: Arc<FaultyStore<MemoryStore>>,
    world: World,
    /// What is true now, and what is stored.
    now: Objects,
    stored: Objects,
    /// Those of `now` that are resident.
    resident: BTreeSet<StableId>,
    dice: Dice,
}

impl Play {
    fn new(seed: u64) -> Self {
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        Self {
            world: world_on(store.clone()),
            store,
            now: Objects::new(),
            stored: Objects::new(),
            resident: BTreeSet::new(),
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        }
    }

    fn entity(&self, id: StableId) -> Entity {
        self.world.find_object(id).unwrap()
    }

    fn any_resident(&mut self) -> Option<StableId> {
        let all: Vec<_> = self.resident.iter().copied().collect();
        self.dice.pick(&all)
    }

    fn any(&mut self) -> Option<StableId> {
        let all: Vec<_> = self.now.keys().copied().collect();
        self.dice.pick(&all)
    }

    fn step(&mut self) {
        match self.dice.roll(32) {
            0..=4 => self.create(),
            5..=9 => self.own(),
            10..=11 => self.disown(),
            12..=14 => self.write(),
            15..=16 => self.change_health(),
            17..=19 => self.locate(),
            20..=21 => self.delete(),
            22..=25 => self.load(),
            26..=29 => self.checkpoint(),
            30 => self.checkpoint_later(),
            _ => self.reopen(),
        }
    }

    fn create(&mut self) {
        if self.now.len() > 40 {
            return;
        }
        let text = format!("object {}", self.dice.roll(1000));
        let entity = self.world.spawn((Persistent, title(&text))).id();
        let id = id_of(&self.world, entity);
        assert!(!self.now.contains_key(&id) && !self.stored.contains_key(&id));
        let object = Object {
            title: text,
            ..Object::default()
        };
        self.now.insert(id, object);
        self.resident.insert(id);
    }

    fn own(&mut self) {
        let Some([id, owner]) = self.two() else {
            return;
        };
        let mut above = Some(owner);
        while let Some(id_above) = above {
            if id_above == id {
                return;
            }
            above = self.now[&id_above].owner;
        }
        let [entity, parent] = [id, owner].map(|id| self.entity(id));
        self.world.entity_mut(entity).insert(ChildOf(parent));
        self.part(id);
        self.now.get_mut(&id).unwrap().owner = Some(owner);
        self.now.get_mut(&owner).unwrap().owned.push(id);
    }

    fn disown(&mut self) {
        if let Some(id) = self.any_resident() {
            let entity = self.entity(id);
            self.world.entity_mut(entity).remove::<ChildOf>();
            self.part(id);
        }
    }

    fn two(&mut self) -> Option<[StableId; 2]> {
        Some([self.any_resident()?, self.any_resident()?])
    }

    /// Parts an object from its owner in the model.
    fn part(&mut self, id: StableId) {
        let owner = self.now.get_mut(&id).and_then(|object| object.owner.take());
        if let Some(owner) = owner.and_then(|owner| self.now.get_mut(&owner)) {
            owner.owned.retain(|owned| *owned != id);
        }
    }

    fn write(&mut self) {
        if let Some(id) = self.any_resident() {
            let text = format!("written {}", self.dice.roll(3));
            let entity = self.entity(id);
            self.world
                .get_mut::<Title>(entity)
                .unwrap()
                .0
                .clone_from(&text);
            self.now.get_mut(&id).unwrap().title = text;
        }
    }

    fn change_health(&mut self) {
        let Some(id) = self.any_resident() else {
            return;
        };
        let health = self.dice.roll(4) as u32;
        let entity = self.entity(id);
        let mut entity = self.world.entity_mut(entity);
        if health == 0 {
            entity.remove::<Health>();
        } else {
            entity.insert(Health(health));
        }
        self.now.get_mut(&id).unwrap().health = (health > 0).then_some(health);
    }

    fn locate(&mut self) {
        let Some([id, place]) = self.two() else {
            return;
        };
        let [entity, target] = [id, place].map(|id| self.entity(id));
        if self.dice.roll(4) == 0 && self.world.entity(entity).contains::<LocatedIn>() {
            self.world.entity_mut(entity).remove::<LocatedIn>();
            self.now.get_mut(&id).unwrap().located = None;
        } else if id != place {
            self.world.entity_mut(entity).insert(LocatedIn(target));
            self.now.get_mut(&id).unwrap().located = Some(place);
        }
    }

    fn delete(&mut self) {
        let Some(id) = self.any() else {
            return;
        };
        match self.world.find_object(id) {
            Some(entity) if self.dice.roll(2) == 0 => {
                self.world.despawn(entity);
            }
            Some(entity) => {
                self.world.qdel(entity).unwrap();
                if self.dice.roll(2) == 0 {
                    self.world.flush_qdel();
                }
            }
            None => self.world.delete_object(id).unwrap(),
        }
        self.part(id);
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            open.extend(self.now.remove(&id).unwrap().owned);
            self.resident.remove(&id);
        }
    }

    fn load(&mut self) {
        let Some(id) = self.any() else {
            return;
        };
        if self.dice.roll(5) == 0 {
            self.store.fail(self.store.calls(), Fault::Refuse);
            let loaded = self.world.load(id).is_ok();
            self.store.heal();
            assert_eq!(loaded, self.resident.contains(&id));
            return;
        }
        self.world.load(id).unwrap();
        let mut root = id;
        while let Some(owner) = self.now[&root].owner {
            root = owner;
        }
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            self.resident.insert(id);
            open.extend(&self.now[&id].owned);
        }
    }

    fn checkpoint(&mut self) {
        let fault = match self.dice.roll(8) {
            0 => Some(Fault::Refuse),
            1 => Some(Fault::LoseAnswer),
            2 => Some(Fault::LoseCall),
            _ => None,
        };
        if let Some(fault) = fault {
            let call = self.store.calls() + self.dice.roll(2) as u64;
            self.store.fail(call, fault);
        }
        let before = self.store.inner().committed().unwrap();
        let outcome = self.world.checkpoint();
        self.store.heal();
        let after = self.store.inner().committed().unwrap();
        if outcome.is_ok() || after > before {
            self.stored = self.now.clone();
            self.check_store();
        }
        self.check_world();
    }

    /// What changes while a checkpoint is on its way is in the next one.
    fn checkpoint_later(&mut self) {
        self.world.checkpoint_later().unwrap();
        self.write();
        self.delete();
        self.world.checkpoint().unwrap();
        self.stored = self.now.clone();
        self.check_store();
    }

    /// Ends the world as a crash does.
    fn reopen(&mut self) {
        valid(&mut self.world);
        self.world = world_on(self.store.clone());
        self.now = self.stored.clone();
        self.resident.clear();
    }

    /// Compares what is resident with the model.
    fn check_world(&mut self) {
        valid(&mut self.world);
        for (id, object) in &self.now {
            let entity = self.world.find_object(*id);
            assert_eq!(entity.is_some(), self.resident.contains(id), "{id}");
            if let Some(entity) = entity {
                assert_eq!(
                    seen(&self.world, entity),
                    expected(object, &self.now, |id| { self.resident.contains(&id) }),
                    "{id}"
                );
            }
        }
    }

    /// Compares what another world loads from the store with the model.
    fn check_store(&self) {
        let store = self.store.inner();
        let ids: Vec<_> = self.stored.keys().copied().collect();
        assert_eq!(store.scan(None, usize::MAX).unwrap(), ids);
        let mut world = world_on(store.clone());
        let report = world.load_batch(&ids).unwrap();
        assert_eq!(report.failed.len(), 0, "{report}");
        for (id, object) in &self.stored {
            let entity = world.find_object(*id).unwrap();
            let expected = expected(object, &self.stored, |_| true);
            assert_eq!(seen(&world, entity), expected, "{id}");
        }
        valid(&mut world);
    }
}

/// An object of a world, as the model has it.
fn seen(world: &World, entity: Entity) -> Object {
    let located = world.get::<LocatedIn>(entity);
    let owner = world.get::<ChildOf>(entity);
    let mut owned = children(world, entity);
    owned.retain(|owned| world.liveness(*owned) == Liveness::Alive);
    Object {
        title: world.get::<Title>(entity).unwrap().0.clone(),
        health: world.get::<Health>(entity).map(|health| health.0),
        owner: owner.map(|owner| id_of(world, owner.parent())),
        // Until it is torn down, what is being deleted is still named.
        located: located
            .filter(|located| world.liveness(located.0) == Liveness::Alive)
            .map(|located| id_of(world, located.0)),
        owned: owned.into_iter().map(|owned| id_of(world, owned)).collect(),
    }
}

/// An object of the model, as it should be where only some are resident.
fn expected(object: &Object, all: &Objects, is_here: impl Fn(StableId) -> bool) -> Object {
    let located = object
        .located
        .filter(|id| all.contains_key(id) && is_here(*id));
    Object {
        located,
        ..object.clone()
    }
}

/// I7: random play gives the same as a plain model, after each checkpoint and each crash.
#[test]
fn random_play_is_as_the_model_says() {
    let steps = std::env::var("QDEL_IDENTITY_STEPS");
    let steps: u64 = steps
        .ok()
        .and_then(|steps| steps.parse().ok())
        .unwrap_or(3_000);
    for seed in 0..steps.div_ceil(500) {
        let mut play = Play::new(seed + 1);
        for _ in 0..500 {
            play.step();
        }
        play.checkpoint();
    }
}
