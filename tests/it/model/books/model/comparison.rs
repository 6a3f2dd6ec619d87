//! The comparison of the books with the model.

use super::*;
use qdel::SignalTarget;

/// How many entities there are at a time.
const SLOTS: usize = 12;

/// An entity by its slot, or the one that was there before it.
#[derive(Clone, Copy, Debug)]
struct Who {
    slot: usize,
    is_former: bool,
}

/// Which marks of targets an entity has from its spawn on.
#[derive(Clone, Copy, Debug)]
struct Marks {
    list: bool,
    known: bool,
}

#[derive(Clone, Debug)]
enum Op {
    /// On the world, at once.
    Do(Act<Who>),
    /// By commands, which are then applied.
    Command(Vec<Act<Who>>),
    /// By code that holds a deferred world, outside of all handlers.
    Deferred(Act<Who>),
    /// By a system with a registrar.
    System(Act<Who>),
    Flush,
    /// Fills a slot whose entity is gone.
    Respawn {
        slot: usize,
        table: bool,
        sparse: bool,
        marks: Marks,
    },
    /// Clones an entity into a slot whose entity is gone.
    Clone {
        from: usize,
        to: usize,
    },
    /// Removes the list of an entity by hand.
    RemoveList(usize),
    /// Removes the component of its kind.
    RemoveKnown(usize),
    /// Removes both in one go.
    RemoveMarks(usize),
    /// Removes all components of an entity.
    Clear(usize),
    /// Makes Bevy use old indices again.
    Churn,
}

struct Pair {
    world: World,
    model: Model,
    /// The entity of each slot, and the one before it.
    slots: [(Id, Id); SLOTS],
    registrar: SystemState<SignalRegistrar<'static, 'static>>,
}

impl Pair {
    fn new() -> Self {
        fn ignore(_: BevyError, _: ErrorContext) {}

        fn school<C: Modelled, S: ModelSignal>(world: &mut World) {
            let target = world.spawn_empty().id();
            let handlers: [fn(&mut World, Entity, Entity); 4] = [
                |world, pupil, target| {
                    world
                        .register_signal(pupil, target, fields::<C, S>)
                        .unwrap();
                },
                |world, pupil, target| {
                    world
                        .register_signal(pupil, target, other_fields::<C, S>)
                        .unwrap();
                },
                |world, pupil, target| {
                    world.register_signal(pupil, target, whole::<C, S>).unwrap();
                },
                |world, pupil, target| {
                    world.register_signal(pupil, target, actor::<C, S>).unwrap();
                },
            ];
            for register in handlers {
                let pupil = world.spawn(C::VALUE).id();
                register(world, pupil, target);
                world.despawn(pupil);
            }
            world.despawn(target);
        }

        let mut world = World::new();
        world.insert_resource(FallbackErrorHandler(ignore));
        world.spawn(Table);
        world.register_listener::<Sparse>();
        world.register_target::<Known>();
        school::<Table, ModelPing>(&mut world);
        school::<Sparse, ModelPing>(&mut world);
        school::<Table, ModelPong>(&mut world);
        school::<Sparse, ModelPong>(&mut world);
        school::<Table, Qdeleting>(&mut world);
        school::<Sparse, Qdeleting>(&mut world);
        let mut model = Model::default();
        let slots = core::array::from_fn(|slot| {
            let marks = Marks {
                list: slot % 3 == 0,
                known: slot % 4 == 1,
            };
            let id = Self::spawn(&mut world, &mut model, true, slot % 2 == 0, marks);
            (id, id)
        });
        JOURNAL.take();
        SCRIPT.take();
        Self {
            registrar: SystemState::new(&mut world),
            world,
            model,
            slots,
        }
    }

    fn spawn(world: &mut World, model: &mut Model, table: bool, sparse: bool, marks: Marks) -> Id {
        let mut entity = world.spawn_empty();
        if table {
            entity.insert(Table);
        }
        if sparse {
            entity.insert(Sparse);
        }
        if marks.list {
            entity.insert(SignalTarget);
        }
        if marks.known {
            entity.insert(Known);
        }
        model.spawn(entity.id(), table, sparse, marks.list || marks.known)
    }

    fn id(&self, who: Who) -> Id {
        let (current, former) = self.slots[who.slot];
        if who.is_former { former } else { current }
    }

    fn is_gone(&self, slot: usize) -> bool {
        !self.model.entities[self.slots[slot].0].is_spawned()
    }

    fn fill(&mut self, slot: usize, id: Id) {
        self.slots[slot] = (id, self.slots[slot].0);
    }

    /// Does `op` to the world and to the model, and compares them.
    fn step(&mut self, op: &Op, script: &[Act<Who>]) -> Result<(), TestCaseError> {
        let script: VecDeque<_> = script
            .iter()
            .map(|act| act.map(|who| self.id(who)))
            .collect();
        let real_script = script
            .iter()
            .map(|act| act.map(|id| self.real(id)))
            .collect();
        self.model.script = script;
        SCRIPT.set(real_script);
        match op {
            Op::Do(act) => {
                let act = act.map(|who| self.id(who));
                self.do_at_once(act.map(|id| self.real(id)));
                self.model.act(act);
            }
            Op::Command(acts) => {
                for act in acts {
                    let act = act.map(|who| self.id(who));
                    self.queue(act.map(|id| self.real(id)));
                    self.model.commands.push(Todo::Act(act));
                }
                self.world.flush();
                self.model.flush();
            }
            Op::Deferred(act) => {
                let act = act.map(|who| self.id(who));
                self.do_deferred(act.map(|id| self.real(id)));
                self.model.act_deferred(act);
                self.world.flush();
                self.model.flush();
            }
            Op::System(act) => {
                let act = act.map(|who| self.id(who));
                self.do_by_system(act.map(|id| self.real(id)));
                self.model.act_deferred(act);
                self.registrar.apply(&mut self.world);
                self.world.flush();
                self.model.flush();
            }
            Op::Flush => {
                self.world.flush_qdel();
                self.model.flush_qdel();
            }
            &Op::Respawn {
                slot,
                table,
                sparse,
                marks,
            } => {
                if self.is_gone(slot) {
                    let (world, model) = (&mut self.world, &mut self.model);
                    let id = Self::spawn(world, model, table, sparse, marks);
                    self.fill(slot, id);
                }
            }
            &Op::Clone { from, to } => {
                let original = self.model.entities[self.slots[from].0].clone();
                if self.is_gone(to) && original.is_alive() {
                    let real = self.world.entity_mut(original.real).clone_and_spawn();
                    let is_known = self.world.entity(real).contains::<Known>();
                    let [table, sparse] = original.kinds;
                    let id = self.model.spawn(real, table, sparse, is_known);
                    self.fill(to, id);
                }
            }
            &Op::RemoveList(slot) => {
                let id = self.slots[slot].0;
                let entity = &self.model.entities[id];
                if entity.is_alive() {
                    let mut real = self.world.entity_mut(entity.real);
                    let is_known = real.contains::<Known>();
                    real.remove::<SignalTarget>();
                    if !is_known {
                        self.model.unmark(id);
                    }
                }
            }
            &Op::RemoveKnown(slot) => {
                let id = self.slots[slot].0;
                let entity = &self.model.entities[id];
                if entity.is_alive() {
                    let mut real = self.world.entity_mut(entity.real);
                    let is_listed = real.contains::<SignalTarget>();
                    real.remove::<Known>();
                    if !is_listed {
                        self.model.unmark(id);
                    }
                }
            }
            &Op::RemoveMarks(slot) => {
                let id = self.slots[slot].0;
                let entity = &self.model.entities[id];
                if entity.is_alive() {
                    let mut real = self.world.entity_mut(entity.real);
                    real.remove::<(Known, SignalTarget)>();
                    self.model.unmark(id);
                }
            }
            &Op::Clear(slot) => {
                let id = self.slots[slot].0;
                let entity = &self.model.entities[id];
                if entity.is_alive() {
                    self.world.entity_mut(entity.real).clear();
                    self.model.remove(id, Kind::Table);
                    self.model.remove(id, Kind::Sparse);
                    self.model.unmark(id);
                }
            }
            Op::Churn => {
                let batch: Vec<_> = (0..200).map(|_| self.world.spawn_empty().id()).collect();
                for entity in batch {
                    self.world.despawn(entity);
                }
            }
        }
        self.compare()
    }

    fn real(&self, id: Id) -> Entity {
        self.model.entities[id].real
    }

    fn do_at_once(&mut self, act: Act<Entity>) {
        let world = &mut self.world;
        match act {
            Act::Register(key, tag, manner) => {
                let registered = register_key(world, key, tag, manner);
                note(Event::Registered(registered));
            }
            Act::Unregister(key) => unregister_and_note(world, key),
            Act::Retarget(key, to) => {
                let moved = retarget_key(world, key, to);
                note(Event::Registered(moved));
            }
            Act::Send(target, topic) => send(world, target, topic),
            Act::Qdel(entity) => {
                let deleted = world.qdel(entity).ok();
                note(Event::Qdel(deleted));
            }
            Act::Despawn(entity) => {
                let _ = world.try_despawn(entity);
            }
            Act::Remove(entity, kind) => {
                if let Ok(mut entity) = world.get_entity_mut(entity) {
                    match kind {
                        Kind::Table => entity.remove::<Table>(),
                        Kind::Sparse => entity.remove::<Sparse>(),
                    };
                }
            }
            Act::Overwrite(entity, kind) => {
                if let Ok(mut entity) = world.get_entity_mut(entity) {
                    match kind {
                        Kind::Table => entity.insert(Table),
                        Kind::Sparse => entity.insert(Sparse),
                    };
                }
            }
        }
    }

    fn queue(&mut self, act: Act<Entity>) {
        let world = &mut self.world;
        match act {
            Act::Register(key, tag, manner) => register_by_command(world, key, tag, manner),
            Act::Unregister(key) => unregister_by_command(world, key),
            Act::Retarget(key, to) => retarget_by_command(world, key, to),
            Act::Send(target, topic) => {
                let mut commands = world.commands();
                let mut target = commands.entity(target);
                match topic {
                    Topic::Ping => target.send_signal(ModelPing),
                    Topic::Pong => target.send_signal(ModelPong),
                    Topic::Gone => unreachable!("only a deletion sends the notice"),
                };
            }
            Act::Qdel(entity) => {
                world.commands().entity(entity).qdel();
            }
            Act::Despawn(entity) => world.commands().entity(entity).despawn(),
            Act::Remove(entity, Kind::Table) => {
                world.commands().entity(entity).remove::<Table>();
            }
            Act::Remove(entity, Kind::Sparse) => {
                world.commands().entity(entity).remove::<Sparse>();
            }
            Act::Overwrite(entity, Kind::Table) => {
                world.commands().entity(entity).insert(Table);
            }
            Act::Overwrite(entity, Kind::Sparse) => {
                world.commands().entity(entity).insert(Sparse);
            }
        }
    }

    fn do_deferred(&mut self, act: Act<Entity>) {
        match act {
            Act::Register(key, tag, manner) => {
                let mut world = DeferredWorld::from(&mut self.world);
                if world.liveness(key.listener) != Liveness::Deleting {
                    let registered = register_key(&mut world, key, tag, manner);
                    note(Event::Registered(registered));
                }
            }
            Act::Unregister(key) => {
                let mut world = DeferredWorld::from(&mut self.world);
                unregister_and_note(&mut world, key);
            }
            Act::Retarget(key, to) => {
                let mut world = DeferredWorld::from(&mut self.world);
                if world.liveness(key.listener) != Liveness::Deleting {
                    let moved = retarget_key(&mut world, key, to);
                    note(Event::Registered(moved));
                }
            }
            Act::Send(target, topic) => {
                let mut world = DeferredWorld::from(&mut self.world);
                send(&mut world, target, topic);
            }
            Act::Qdel(_) | Act::Despawn(_) | Act::Remove(..) | Act::Overwrite(..) => {
                self.queue(act);
            }
        }
    }

    fn do_by_system(&mut self, act: Act<Entity>) {
        let Act::Register(key, tag, manner) = act else {
            return self.do_deferred(act);
        };
        if self.world.liveness(key.listener) != Liveness::Deleting {
            let state = &mut self.registrar;
            let registered = register_by_system(&mut self.world, state, key, tag, manner);
            note(Event::Registered(registered));
        }
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        let journal = JOURNAL.take();
        let expected = core::mem::take(&mut self.model.journal);
        prop_assert_eq!(journal, expected, "what was called");
        SCRIPT.take();
        self.model.script.clear();
        prop_assert_eq!(self.world.check_registrations(), Ok(()));
        let mut count = 0;
        for (current, former) in self.slots {
            let mut ids = vec![current, former];
            ids.dedup();
            for id in ids {
                let real = self.real(id);
                let on = self.world.registrations_on(real);
                let of = self.world.registrations_of(real);
                count += on.len();
                prop_assert_eq!(on, self.model.on(id), "what is registered on {}", real);
                prop_assert_eq!(of, self.model.of(id), "what {} registered", real);
                let entity = &self.model.entities[id];
                prop_assert_eq!(self.world.liveness(real), entity.liveness);
            }
        }
        let footprint = self.world.signal_footprint();
        prop_assert_eq!(footprint.registrations, count);
        prop_assert_eq!(count, self.model.registrations.len());
        if !self
            .model
            .entities
            .iter()
            .any(|it| it.liveness == Liveness::Deleting)
        {
            let crowded = self.model.crowded_listeners();
            prop_assert_eq!(footprint.crowded_listeners, crowded);
        }
        Ok(())
    }

    /// Despawns all, and expects that nothing is left.
    fn end(mut self) -> Result<(), TestCaseError> {
        for slot in 0..SLOTS {
            let who = Who {
                slot,
                is_former: false,
            };
            self.step(&Op::Do(Act::Despawn(who)), &[])?;
        }
        self.step(&Op::Flush, &[])?;
        let footprint = self.world.signal_footprint();
        let empty = Footprint {
            heap_bytes: footprint.heap_bytes,
            ..Footprint::default()
        };
        prop_assert_eq!(footprint, empty);
        // Room for a few lists may be left, but not another page.
        prop_assert!(footprint.heap_bytes < spare_page() + 12 * 1024);
        Ok(())
    }
}

/// Returns the bytes that are left after one listener.
fn spare_page() -> usize {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();
    let target = world.spawn_empty().id();
    world.register_signal(archer, target, archer_says).unwrap();
    world.despawn(archer);
    world.despawn(target);
    world.signal_footprint().heap_bytes
}

fn who() -> impl Strategy<Value = Who> {
    (0..SLOTS, prop::bool::weighted(0.05)).prop_map(|(slot, is_former)| Who { slot, is_former })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Table), Just(Kind::Sparse)]
}

/// Few targets for many listeners, so that lists get long.
fn key() -> impl Strategy<Value = Key<Who>> {
    let target = prop_oneof![
        3 => (0..2_usize).prop_map(|slot| Who { slot, is_former: false }),
        1 => who(),
    ];
    let topic = prop_oneof![Just(Topic::Gone), Just(Topic::Ping), Just(Topic::Pong)];
    (who(), kind(), target, topic).prop_map(|(listener, kind, target, topic)| Key {
        listener,
        kind,
        target,
        topic,
    })
}

fn act() -> impl Strategy<Value = Act<Who>> {
    let tag = prop_oneof![
        2 => Just(Tag::Fields),
        1 => Just(Tag::OtherFields),
        1 => Just(Tag::World),
        2 => Just(Tag::Actor),
    ];
    let manner = prop_oneof![
        4 => Just(Manner::Add),
        1 => Just(Manner::Once),
        1 => Just(Manner::Replace),
        1 => Just(Manner::Ensure),
    ];
    let topic = prop_oneof![Just(Topic::Ping), Just(Topic::Pong)];
    let sent_to = prop_oneof![
        3 => (0..2_usize).prop_map(|slot| Who { slot, is_former: false }),
        1 => who(),
    ];
    prop_oneof![
        12 => (key(), tag, manner).prop_map(|(key, tag, manner)| Act::Register(key, tag, manner)),
        3 => key().prop_map(Act::Unregister),
        3 => (key(), who()).prop_map(|(key, to)| Act::Retarget(key, to)),
        4 => (sent_to, topic).prop_map(|(target, topic)| Act::Send(target, topic)),
        1 => who().prop_map(Act::Qdel),
        1 => who().prop_map(Act::Despawn),
        1 => (who(), kind()).prop_map(|(entity, kind)| Act::Remove(entity, kind)),
        2 => (who(), kind()).prop_map(|(entity, kind)| Act::Overwrite(entity, kind)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let marks = (any::<bool>(), any::<bool>()).prop_map(|(list, known)| Marks { list, known });
    let respawn =
        (0..SLOTS, any::<bool>(), any::<bool>(), marks).prop_map(|(slot, table, sparse, marks)| {
            Op::Respawn {
                slot,
                table,
                sparse,
                marks,
            }
        });
    prop_oneof![
        30 => act().prop_map(Op::Do),
        8 => prop::collection::vec(act(), 1..5).prop_map(Op::Command),
        4 => act().prop_map(Op::Deferred),
        4 => act().prop_map(Op::System),
        2 => Just(Op::Flush),
        8 => respawn,
        2 => (0..SLOTS, 0..SLOTS).prop_map(|(from, to)| Op::Clone { from, to }),
        1 => (0..SLOTS).prop_map(Op::RemoveList),
        1 => (0..SLOTS).prop_map(Op::RemoveKnown),
        1 => (0..SLOTS).prop_map(Op::RemoveMarks),
        1 => (0..SLOTS).prop_map(Op::Clear),
        1 => Just(Op::Churn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is done, in whatever order: the books are those of the model, and the calls as
    /// well.
    #[test]
    fn books_and_calls_are_those_of_a_naive_model(
        steps in prop::collection::vec((op(), prop::collection::vec(act(), 0..5)), 1..120),
    ) {
        let mut pair = Pair::new();
        for (op, script) in &steps {
            let compared = pair.step(op, script);
            if pair.model.is_unsure {
                return Ok(());
            }
            compared?;
        }
        pair.end()?;
    }
}

/// S10: the books of many listeners with more than one registration are given back as well.
#[test]
fn books_of_crowded_listeners_shrink_when_their_registrations_end() {
    let mut world = World::new();
    let targets = [(); 2].map(|()| world.spawn_empty().id());
    let archers: Vec<_> = (0..20_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    let join = |world: &mut World, archer: Entity| {
        for target in targets {
            world.register_signal(archer, target, Archer::note).unwrap();
        }
    };
    join(&mut world, archers[0]);
    let before = world.signal_footprint();
    for archer in &archers[1..] {
        join(&mut world, *archer);
    }
    let full = world.signal_footprint();

    for archer in &archers[1..] {
        for target in targets {
            world
                .unregister_signal::<Archer, Qdeleting>(*archer, target)
                .unwrap();
        }
    }

    let after = world.signal_footprint();
    assert_eq!(full.crowded_listeners, archers.len());
    assert_eq!(after.registrations, before.registrations);
    assert!(
        after.heap_bytes < before.heap_bytes + full.heap_bytes / 20,
        "before {before:?}, full {full:?}, after {after:?}"
    );
}
