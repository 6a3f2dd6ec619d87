//! S7, S6 and S11: handlers of the fields of many kinds of components, in many tables.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
};

use super::*;

/// How many kinds of components listen.
const KINDS: usize = 9;

/// What a handler panics with: its listener.
#[derive(Debug, PartialEq, Eq)]
struct Bomb(Entity);

#[derive(Component)]
struct Kind<const N: usize> {
    ledger: Ledger,
    is_armed: bool,
}

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Scattered {
    ledger: Ledger,
    is_armed: bool,
}

/// Makes an archetype of its own.
#[derive(Component)]
struct Flag<const N: usize>;

fn hear_kind<const N: usize>(kind: &mut Kind<N>, it: Received<Qdeleting>) {
    note(&kind.ledger, it.listener(), kind.is_armed);
}

fn hear_scattered(kind: &mut Scattered, it: Received<Qdeleting>) {
    note(&kind.ledger, it.listener(), kind.is_armed);
}

fn note(ledger: &Ledger, listener: Entity, is_armed: bool) {
    ledger.note(listener);
    if is_armed {
        panic_any(Bomb(listener));
    }
}

/// A target with listeners of many kinds.
struct Mixture {
    world: World,
    target: Entity,
    /// In order of registration.
    listeners: Vec<Entity>,
    ledger: Ledger,
}

impl Mixture {
    fn new() -> Self {
        let mut world = World::new();
        let target = world.spawn_empty().id();
        Self {
            world,
            target,
            listeners: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    /// Adds a listener of this `kind`, in one of a few tables.
    fn add(&mut self, kind: usize, table: usize, is_armed: bool) {
        fn of<const N: usize>(it: &mut Mixture, is_armed: bool) -> Entity {
            let ledger = it.ledger.clone();
            let listener = it.world.spawn(Kind::<N> { ledger, is_armed }).id();
            it.world
                .register_signal(listener, it.target, hear_kind::<N>)
                .unwrap();
            listener
        }
        let listener = match kind % KINDS {
            0 => of::<0>(self, is_armed),
            1 => of::<1>(self, is_armed),
            2 => of::<2>(self, is_armed),
            3 => of::<3>(self, is_armed),
            4 => of::<4>(self, is_armed),
            5 => of::<5>(self, is_armed),
            6 => of::<6>(self, is_armed),
            7 => of::<7>(self, is_armed),
            _ => {
                let ledger = self.ledger.clone();
                let listener = self.world.spawn(Scattered { ledger, is_armed }).id();
                self.world
                    .register_signal(listener, self.target, hear_scattered)
                    .unwrap();
                listener
            }
        };
        let mut entity = self.world.entity_mut(listener);
        match table % 4 {
            0 => &mut entity,
            1 => entity.insert(Flag::<1>),
            2 => entity.insert(Flag::<2>),
            _ => entity.insert((Flag::<1>, Flag::<2>)),
        };
        self.listeners.push(listener);
    }

    /// Adds as many listeners, in a random order of kinds and tables.
    fn add_many(&mut self, count: usize, is_armed: impl Fn(usize) -> bool) {
        let mut dice = 7_u32;
        for index in 0..count {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [_, kind, table, _] = dice.to_le_bytes();
            self.add(kind.into(), table.into(), is_armed(index));
        }
    }

    /// Despawns the target, and returns who was called and the first panic.
    fn call(&mut self) -> (Vec<Entity>, Option<Box<dyn Any + Send>>) {
        let panicked = catch_unwind(AssertUnwindSafe(|| self.world.despawn(self.target))).err();
        assert_eq!(self.world.check_registrations(), Ok(()));
        (self.ledger.take(), panicked)
    }
}

/// S7, and S6.
#[test]
fn listeners_of_many_kinds_and_tables_are_called_in_order() {
    for size in [1, 2, 4, 5, 47, 48, 49, 128, 129, 1_000] {
        let mut mixture = Mixture::new();
        mixture.add_many(size, |_| false);

        let (called, _) = mixture.call();

        assert_eq!(called, mixture.listeners);
    }
}

/// S7: what is called is marked as changed, and nothing else.
#[test]
fn only_listeners_that_are_called_are_marked_as_changed() {
    for kind in [0, KINDS - 1] {
        let mut mixture = Mixture::new();
        for table in 0..200 {
            mixture.add(kind, table, false);
        }
        let bystander = mixture.listeners.split_off(150);
        for listener in &bystander {
            let ended = [
                mixture
                    .world
                    .unregister_signal::<Kind<0>, Qdeleting>(*listener, mixture.target),
                mixture
                    .world
                    .unregister_signal::<Scattered, Qdeleting>(*listener, mixture.target),
            ];
            assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
        }
        mixture.world.clear_trackers();

        let (called, _) = mixture.call();

        let is_changed = |listener: &&Entity| {
            let listener = mixture.world.entity(**listener);
            let kind = listener.get_ref::<Kind<0>>().map(|it| it.is_changed());
            let scattered = listener.get_ref::<Scattered>().map(|it| it.is_changed());
            kind.or(scattered).unwrap()
        };
        assert_eq!(called, mixture.listeners);
        let changed = mixture.listeners.iter().filter(is_changed).count();
        assert_eq!(changed, mixture.listeners.len());
        assert_eq!(bystander.iter().filter(is_changed).count(), 0);
    }
}

/// S7: places that became free, and listeners without their component, are passed over.
#[test]
fn gaps_among_listeners_of_many_kinds_are_passed_over() {
    let mut mixture = Mixture::new();
    mixture.add_many(500, |_| false);
    let is_gone = |index: usize| index % 3 == 1 || (70..250).contains(&index);
    let gone: Vec<_> = (0..500).filter(|index| is_gone(*index)).collect();
    for (count, index) in gone.iter().enumerate() {
        let listener = mixture.listeners[*index];
        if count % 2 == 0 {
            mixture.world.despawn(listener);
        } else {
            mixture.world.entity_mut(listener).clear();
        }
    }

    let (called, _) = mixture.call();

    assert_eq!(called, without(&mixture.listeners, &gone));
}

/// S11: one panic costs one listener, whatever is called around it.
#[test]
fn panics_among_listeners_of_many_kinds_stop_no_other_listener() {
    for size in [1, 2, 5, 48, 49, 128, 129, 400] {
        for every in [1, 2, 7] {
            let mut mixture = Mixture::new();
            mixture.add_many(size, |index| index % every == every - 1);

            let (called, panicked) = mixture.call();

            assert_eq!(called, mixture.listeners);
            let first = panicked.map(|payload| *payload.downcast::<Bomb>().unwrap());
            let bomb = mixture.listeners.get(every - 1);
            assert_eq!(first, bomb.map(|listener| Bomb(*listener)));
        }
    }
}
