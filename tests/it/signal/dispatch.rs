//! Sending: who is called, in which order, and what happens when handlers change the world meanwhile.
//!
//! The rules are those of the design: S7 to S9, S15, and the roads by which a target can go.

use std::sync::{Arc, Mutex};

use bevy_ecs::{
    entity_disabling::{DefaultQueryFilters, Disabled},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{QdelCounts, RegisterError, Registered, Replaced, prelude::*};

// A crowd of listeners that note their calls, and of whom some act.

#[derive(Clone)]
struct Ping;

impl Signal for Ping {
    type Answer = ();
}

#[derive(Clone)]
struct Pong;

impl Signal for Pong {
    type Answer = ();
}

/// Who was called, in order, by handlers of either shape.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<Entity>>>);

impl Ledger {
    fn note(&self, entity: Entity) {
        self.0.lock().unwrap().push(entity);
    }

    fn take(&self) -> Vec<Entity> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[derive(Component, Clone)]
struct Listener {
    ledger: Ledger,
    /// What it does when it is called the next time, if its handler is that of an actor.
    script: Vec<Act>,
}

/// What a handler does with the signal and the target that it is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Register(Entity, Shape),
    Unregister(Entity),
    Replace(Entity, Shape),
    /// Sends the same signal.
    Send(Entity),
    SendPong(Entity),
    Qdel(Entity),
    /// Despawns by command.
    Despawn(Entity),
    /// Removes the listening component by command.
    Remove(Entity),
    /// Overwrites the listening component by command.
    Overwrite(Entity),
}

/// Which handler a listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Fields,
    OtherFields,
    World,
    OtherWorld,
    Actor,
}

fn hear<S: Signal>(listener: &mut Listener, it: Received<S>) -> S::Answer {
    listener.ledger.note(it.listener());
    S::Answer::default()
}

fn hear_too<S: Signal>(listener: &mut Listener, it: Received<S>) -> S::Answer {
    hear(listener, it)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers of this shape take the world by value"
)]
fn overhear<S: Signal>(world: DeferredWorld, it: Received<S, Listener>) -> S::Answer {
    let listener = world.get::<Listener>(it.listener()).unwrap();
    listener.ledger.note(it.listener());
    S::Answer::default()
}

fn overhear_too<S: Signal>(world: DeferredWorld, it: Received<S, Listener>) -> S::Answer {
    overhear(world, it)
}

fn act<S: Signal<Answer = ()> + Clone>(mut world: DeferredWorld, it: Received<S, Listener>) {
    let target = it.target();
    let mut listener = world.get_mut::<Listener>(it.listener()).unwrap();
    listener.ledger.note(it.listener());
    let script = core::mem::take(&mut listener.script);
    for act in script {
        match act {
            Act::Register(entity, shape) => {
                let registered = register::<S>(&mut world, entity, target, shape);
                let is_closed = matches!(registered, Err(RegisterError::TargetDeleting(_)));
                assert!(
                    registered == Ok(Registered::Now) || is_closed,
                    "{registered:?}"
                );
            }
            Act::Unregister(entity) => {
                // Who was told for the last time is not registered any more.
                let _ = world.unregister_signal::<Listener, S>(entity, target);
            }
            Act::Replace(entity, shape) => {
                let replaced = replace::<S>(&mut world, entity, target, shape);
                let is_closed = matches!(replaced, Err(RegisterError::TargetDeleting(_)));
                assert!(
                    replaced == Ok(Replaced::Handler) || is_closed,
                    "{replaced:?}"
                );
            }
            Act::Send(target) => world.send_signal(target, it.signal().clone()),
            Act::SendPong(target) => world.send_signal(target, Pong),
            Act::Qdel(entity) => world.queue_qdel(entity),
            Act::Despawn(entity) => world.commands().entity(entity).despawn(),
            Act::Remove(entity) => {
                world.commands().entity(entity).remove::<Listener>();
            }
            Act::Overwrite(entity) => {
                let listener = world.get::<Listener>(entity).unwrap().clone();
                world.commands().entity(entity).insert(listener);
            }
        }
    }
    assert_eq!(world.check_registrations(), Ok(()));
}

fn register<S: Signal<Answer = ()> + Clone>(
    world: &mut impl SignalExt,
    listener: Entity,
    target: Entity,
    shape: Shape,
) -> Result<Registered, RegisterError> {
    match shape {
        Shape::Fields => world.register_signal(listener, target, hear::<S>),
        Shape::OtherFields => world.register_signal(listener, target, hear_too::<S>),
        Shape::World => world.register_signal(listener, target, overhear::<S>),
        Shape::OtherWorld => world.register_signal(listener, target, overhear_too::<S>),
        Shape::Actor => world.register_signal(listener, target, act::<S>),
    }
}

fn replace<S: Signal<Answer = ()> + Clone>(
    world: &mut impl SignalExt,
    listener: Entity,
    target: Entity,
    shape: Shape,
) -> Result<Replaced, RegisterError> {
    match shape {
        Shape::Fields => world.replace_signal(listener, target, hear::<S>),
        Shape::OtherFields => world.replace_signal(listener, target, hear_too::<S>),
        Shape::World => world.replace_signal(listener, target, overhear::<S>),
        Shape::OtherWorld => world.replace_signal(listener, target, overhear_too::<S>),
        Shape::Actor => world.replace_signal(listener, target, act::<S>),
    }
}

/// How the handlers of a crowd are mixed.
#[derive(Clone, Copy, Debug)]
enum Mix {
    Fields,
    Worlds,
    Runs,
}

impl Mix {
    const ALL: [Self; 3] = [Self::Fields, Self::Worlds, Self::Runs];

    fn shape(self, index: usize) -> Shape {
        match self {
            Self::Fields => Shape::Fields,
            Self::Worlds => Shape::World,
            // Runs of one to five with the same handler.
            Self::Runs => match b"FWFFGWWHFFFFFGGGW"[index % 17] {
                b'F' => Shape::Fields,
                b'G' => Shape::OtherFields,
                b'W' => Shape::World,
                _ => Shape::OtherWorld,
            },
        }
    }
}

/// How a crowd is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Ping,
    Qdel,
    Despawn,
}

impl Call {
    const ALL: [Self; 3] = [Self::Ping, Self::Qdel, Self::Despawn];
}

/// Around the length of a batch, around the inline room of a list, and around the shortest batch.
const SIZES: [usize; 7] = [1, 2, 3, 5, 128, 129, 256];

struct Crowd {
    world: World,
    call: Call,
    target: Entity,
    /// In order of registration.
    listeners: Vec<Entity>,
    ledger: Ledger,
}

impl Crowd {
    fn new(size: usize, mix: Mix, call: Call) -> Self {
        let mut world = World::new();
        let ledger = Ledger::default();
        let target = world.spawn_empty().id();
        let mut crowd = Self {
            world,
            call,
            target,
            listeners: Vec::new(),
            ledger,
        };
        // All handlers are known to the world, so that nothing has to wait for a command.
        let school = crowd.world.spawn_empty().id();
        for shape in [
            Shape::Fields,
            Shape::OtherFields,
            Shape::World,
            Shape::OtherWorld,
            Shape::Actor,
        ] {
            let pupil = crowd.spawn();
            register::<Ping>(&mut crowd.world, pupil, school, shape).unwrap();
            register::<Pong>(&mut crowd.world, pupil, school, shape).unwrap();
            register::<Qdeleting>(&mut crowd.world, pupil, school, shape).unwrap();
        }
        for index in 0..size {
            let listener = crowd.spawn();
            crowd.register(listener, mix.shape(index));
            crowd.listeners.push(listener);
        }
        crowd
    }

    /// Spawns a listener that has not registered.
    fn spawn(&mut self) -> Entity {
        let listener = Listener {
            ledger: self.ledger.clone(),
            script: Vec::new(),
        };
        self.world.spawn(listener).id()
    }

    fn register(&mut self, listener: Entity, shape: Shape) {
        let registered = match self.call {
            Call::Ping => register::<Ping>(&mut self.world, listener, self.target, shape),
            Call::Qdel | Call::Despawn => {
                register::<Qdeleting>(&mut self.world, listener, self.target, shape)
            }
        };
        assert_eq!(registered, Ok(Registered::Now));
    }

    /// Makes the listener at `index` an actor, in its place.
    fn script(&mut self, index: usize, script: impl IntoIterator<Item = Act>) {
        let listener = self.listeners[index];
        let replaced = match self.call {
            Call::Ping => replace::<Ping>(&mut self.world, listener, self.target, Shape::Actor),
            Call::Qdel | Call::Despawn => {
                replace::<Qdeleting>(&mut self.world, listener, self.target, Shape::Actor)
            }
        };
        assert_eq!(replaced, Ok(Replaced::Handler));
        let mut listener = self.world.get_mut::<Listener>(listener).unwrap();
        listener.script.extend(script);
    }

    /// Calls all, and returns who was called.
    fn call(&mut self) -> Vec<Entity> {
        match self.call {
            Call::Ping => self.world.send_signal(self.target, Ping),
            Call::Qdel => {
                assert_eq!(self.world.qdel(self.target), Ok(Qdel::Queued));
            }
            Call::Despawn => assert!(self.world.despawn(self.target)),
        }
        assert_eq!(self.world.check_registrations(), Ok(()));
        self.ledger.take()
    }

    /// Returns who listens, after comparing both sides of the books.
    fn registered(&self) -> Vec<Entity> {
        let on = self.world.registrations_on(self.target);
        for registration in &on {
            let of = self.world.registrations_of(registration.listener);
            assert_eq!(of.iter().filter(|it| it.target == self.target).count(), 1);
        }
        on.into_iter().map(|on| on.listener).collect()
    }

    /// Expects that a further call reaches `listeners`, if there can be one.
    fn expect_next(&mut self, listeners: &[Entity]) {
        if self.call == Call::Ping {
            assert_eq!(self.registered(), listeners);
            assert_eq!(self.call(), listeners);
        } else {
            assert_eq!(self.registered(), []);
        }
    }
}

/// Runs `test` for each size, mix of handlers, kind of call, and place of an actor.
fn each_place(test: impl Fn(Crowd, usize)) {
    for size in SIZES {
        let mut places = vec![0, size / 2, size - 1];
        places.dedup();
        for mix in Mix::ALL {
            for call in Call::ALL {
                for place in &places {
                    test(Crowd::new(size, mix, call), *place);
                }
            }
        }
    }
}

/// Leaves out the entities at `places`.
fn without(entities: &[Entity], places: &[usize]) -> Vec<Entity> {
    let kept = |(place, _): &(usize, &Entity)| !places.contains(place);
    let kept = entities.iter().enumerate().filter(kept);
    kept.map(|(_, entity)| *entity).collect()
}

// S7: nobody changes anything.

/// S7, and S6.
#[test]
fn all_are_called_in_order() {
    each_place(|mut crowd, _| {
        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let listeners = crowd.listeners.clone();
        crowd.expect_next(&listeners);
    });
}

/// S7: places that became free are passed over.
#[test]
fn gaps_in_a_list_are_passed_over() {
    for call in Call::ALL {
        for mix in Mix::ALL {
            let mut crowd = Crowd::new(300, mix, call);
            let is_gone = |index: usize| index % 3 == 1 || (70..150).contains(&index);
            let gone: Vec<_> = (0..300).filter(|index| is_gone(*index)).collect();
            for index in &gone {
                crowd.world.despawn(crowd.listeners[*index]);
            }

            let called = crowd.call();

            assert_eq!(called, without(&crowd.listeners, &gone));
        }
    }
}

/// S7.
#[test]
fn nobody_is_called_twice_for_one_deletion() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(70, mix, Call::Qdel);

        let by_qdel = crowd.call();
        crowd.world.flush_qdel();
        let by_flush = crowd.ledger.take();

        assert_eq!((by_qdel.len(), by_flush.len()), (70, 0));
    }
}

// S7: unregistering.

/// S7: what is unregistered is not called any more.
#[test]
fn unregistered_later_listener_is_not_called() {
    each_place(|mut crowd, actor| {
        let last = crowd.listeners.len() - 1;
        if actor == last {
            return;
        }
        let victims = [actor + 1, last];
        let acts = victims.map(|victim| Act::Unregister(crowd.listeners[victim]));
        crowd.script(actor, acts);

        let called = crowd.call();

        let left = without(&crowd.listeners, &victims);
        assert_eq!(called, left);
        crowd.expect_next(&left);
    });
}

/// S7.
#[test]
fn unregistered_earlier_listener_is_not_called_again() {
    each_place(|mut crowd, actor| {
        let victims: Vec<_> = (0..actor).step_by(2).collect();
        let acts: Vec<_> = victims
            .iter()
            .map(|victim| Act::Unregister(crowd.listeners[*victim]))
            .collect();
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let left = without(&crowd.listeners, &victims);
        crowd.expect_next(&left);
    });
}

/// S7.
#[test]
fn handler_unregisters_itself() {
    each_place(|mut crowd, actor| {
        let itself = Act::Unregister(crowd.listeners[actor]);
        crowd.script(actor, [itself]);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let left = without(&crowd.listeners, &[actor]);
        crowd.expect_next(&left);
    });
}

/// S7.
#[test]
fn handler_unregisters_all() {
    each_place(|mut crowd, actor| {
        let all: Vec<_> = crowd
            .listeners
            .iter()
            .map(|listener| Act::Unregister(*listener))
            .collect();
        crowd.script(actor, all);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners[..=actor]);
        crowd.expect_next(&[]);
    });
}

/// S7: each of the first half unregisters one of the second.
#[test]
fn many_handlers_unregister_later_ones() {
    for size in [2, 64, 128, 200] {
        for call in Call::ALL {
            let mut crowd = Crowd::new(size, Mix::Runs, call);
            for index in 0..size / 2 {
                let act = Act::Unregister(crowd.listeners[size - 1 - index]);
                crowd.script(index, [act]);
            }

            let called = crowd.call();

            assert_eq!(called, crowd.listeners[..size / 2]);
        }
    }
}

// S7: registering.

/// S7: what is registered waits for the next dispatch.
#[test]
fn newly_registered_listener_waits_for_the_next_dispatch() {
    each_place(|mut crowd, actor| {
        let shapes = [Shape::Fields, Shape::World, Shape::OtherFields];
        let newcomers = shapes.map(|shape| (crowd.spawn(), shape));
        let acts = newcomers.map(|(newcomer, shape)| Act::Register(newcomer, shape));
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let mut all = crowd.listeners.clone();
        all.extend(newcomers.map(|(newcomer, _)| newcomer));
        crowd.expect_next(&all);
    });
}

/// S7: so many that the list has to grow several times.
#[test]
fn hundreds_of_newly_registered_listeners_wait_for_the_next_dispatch() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(3, mix, Call::Ping);
        let newcomers: Vec<_> = (0..300).map(|_| crowd.spawn()).collect();
        let acts: Vec<_> = newcomers
            .iter()
            .enumerate()
            .map(|(index, newcomer)| Act::Register(*newcomer, mix.shape(index)))
            .collect();
        crowd.script(0, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let all = [crowd.listeners.clone(), newcomers].concat();
        crowd.expect_next(&all);
    }
}

/// S7 and S6.
#[test]
fn handler_that_registers_itself_anew_goes_to_the_end() {
    each_place(|mut crowd, actor| {
        let itself = crowd.listeners[actor];
        let acts = [
            Act::Unregister(itself),
            Act::Register(itself, Shape::Fields),
        ];
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let mut next = without(&crowd.listeners, &[actor]);
        next.push(itself);
        crowd.expect_next(&next);
    });
}

/// S7: who was unregistered and registered is a newcomer.
#[test]
fn later_listener_registered_anew_waits_for_the_next_dispatch() {
    each_place(|mut crowd, actor| {
        let last = crowd.listeners.len() - 1;
        if actor == last {
            return;
        }
        let victim = crowd.listeners[actor + 1];
        let acts = [Act::Unregister(victim), Act::Register(victim, Shape::World)];
        crowd.script(actor, acts);

        let called = crowd.call();

        let left = without(&crowd.listeners, &[actor + 1]);
        assert_eq!(called, left);
        let next = [left, vec![victim]].concat();
        crowd.expect_next(&next);
    });
}

/// S7 and S10: a handler that registers itself anew at each call makes no list grow.
#[test]
fn registering_anew_at_each_call_takes_no_more_room() {
    let mut crowd = Crowd::new(2, Mix::Fields, Call::Ping);
    let actor = crowd.listeners[0];
    crowd.script(0, []);
    let mut places = Vec::new();
    for _ in 0..1_000 {
        let mut listener = crowd.world.get_mut::<Listener>(actor).unwrap();
        listener.script = vec![Act::Unregister(actor), Act::Register(actor, Shape::Actor)];
        assert_eq!(crowd.call().len(), 2);
        places.push(crowd.world.signal_footprint().places);
    }

    let in_the_first_hundred = places[..100].iter().max();
    assert_eq!(places.iter().max(), in_the_first_hundred);
}

// S7: replacing.

/// S7 and S3.
#[test]
fn replaced_handler_of_a_later_listener_is_called_in_its_place() {
    for shape in [Shape::OtherFields, Shape::OtherWorld, Shape::Actor] {
        for size in [2, 5, 66, 130] {
            for mix in Mix::ALL {
                let mut crowd = Crowd::new(size, mix, Call::Ping);
                let last = crowd.listeners[size - 1];
                crowd.script(0, [Act::Replace(last, shape)]);
                let witness = crowd.spawn();
                let speak = Act::Register(witness, Shape::Fields);
                crowd.world.get_mut::<Listener>(last).unwrap().script = vec![speak];

                let called = crowd.call();

                assert_eq!(called, crowd.listeners);
                let mut next = crowd.listeners.clone();
                if shape == Shape::Actor {
                    next.push(witness);
                }
                crowd.expect_next(&next);
            }
        }
    }
}

/// S7 and S3.
#[test]
fn replaced_handler_of_an_earlier_listener_waits_for_the_next_dispatch() {
    each_place(|mut crowd, actor| {
        let acts: Vec<_> = crowd.listeners[..=actor]
            .iter()
            .map(|earlier| Act::Replace(*earlier, Shape::OtherFields))
            .collect();
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let listeners = crowd.listeners.clone();
        crowd.expect_next(&listeners);
    });
}

// S7: deleting.

/// S7: a target that is qdel'ed by a handler does not stop the dispatch.
#[test]
fn target_that_a_handler_deletes_does_not_stop_the_dispatch() {
    each_place(|mut crowd, actor| {
        let target = crowd.target;
        crowd.script(actor, [Act::Qdel(target), Act::Qdel(target)]);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        assert_ne!(crowd.world.liveness(target), Liveness::Alive);
        crowd.world.flush_qdel();
        assert_eq!(crowd.world.liveness(target), Liveness::Gone);
        assert_eq!(crowd.ledger.take(), []);
    });
}

/// S7.
#[test]
fn target_that_a_handler_despawns_does_not_stop_the_dispatch() {
    each_place(|mut crowd, actor| {
        let target = crowd.target;
        crowd.script(actor, [Act::Despawn(target)]);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        assert_eq!(crowd.world.liveness(target), Liveness::Gone);
        crowd.world.flush_qdel();
        assert_eq!(crowd.ledger.take(), []);
    });
}

/// S7: commands come after the dispatch, so everybody is still there.
#[test]
fn listener_that_a_handler_deletes_is_called_this_time() {
    for end in [
        Act::Qdel,
        Act::Despawn,
        Act::Remove,
        Act::Overwrite as fn(Entity) -> Act,
    ] {
        each_place(|mut crowd, actor| {
            let mut victims = vec![0, actor, crowd.listeners.len() - 1];
            victims.dedup();
            let acts: Vec<_> = victims
                .iter()
                .map(|victim| end(crowd.listeners[*victim]))
                .collect();
            crowd.script(actor, acts);

            let called = crowd.call();
            crowd.world.flush_qdel();

            assert_eq!(called, crowd.listeners);
            let left = match end(crowd.target) {
                // Another value is no other component.
                Act::Overwrite(_) => crowd.listeners.clone(),
                _ => without(&crowd.listeners, &victims),
            };
            crowd.expect_next(&left);
        });
    }
}

/// S7: a third entity, whose own listeners are told after the dispatch.
#[test]
fn entity_that_a_handler_deletes_is_told_after_the_dispatch() {
    for end in [Act::Qdel, Act::Despawn as fn(Entity) -> Act] {
        each_place(|mut crowd, actor| {
            let third = crowd.world.spawn_empty().id();
            let friend = crowd.spawn();
            register::<Qdeleting>(&mut crowd.world, friend, third, Shape::Fields).unwrap();
            crowd.script(actor, [end(third)]);

            let called = crowd.call();

            let expected = [crowd.listeners.clone(), vec![friend]].concat();
            assert_eq!(called, expected);
        });
    }
}

/// S7: also where the third entity belongs to the crowd.
#[test]
fn listener_that_is_listened_to_is_told_of_after_the_dispatch() {
    for call in Call::ALL {
        let mut crowd = Crowd::new(10, Mix::Runs, call);
        let victim = crowd.listeners[7];
        let friend = crowd.listeners[9];
        register::<Qdeleting>(&mut crowd.world, friend, victim, Shape::World).unwrap();
        crowd.script(2, [Act::Qdel(victim)]);

        let called = crowd.call();
        crowd.world.flush_qdel();

        let expected = [crowd.listeners.clone(), vec![friend]].concat();
        assert_eq!(called, expected);
        let left = without(&crowd.listeners, &[7]);
        crowd.expect_next(&left);
    }
}

/// S7 and S12.
#[test]
fn commands_of_handlers_are_applied_before_sending_returns() {
    let mut crowd = Crowd::new(3, Mix::Worlds, Call::Ping);
    let victim = crowd.spawn();
    crowd.script(0, [Act::Despawn(victim)]);

    crowd.call();

    assert_eq!(crowd.world.liveness(victim), Liveness::Gone);
}

/// S7: on a deferred world they wait, as all commands there.
#[test]
fn commands_of_handlers_wait_where_the_sender_is_deferred() {
    let mut crowd = Crowd::new(3, Mix::Worlds, Call::Ping);
    let victim = crowd.spawn();
    crowd.script(0, [Act::Despawn(victim)]);
    let target = crowd.target;

    DeferredWorld::from(&mut crowd.world).send_signal(target, Ping);

    assert_eq!(crowd.world.liveness(victim), Liveness::Alive);
    crowd.world.flush();
    assert_eq!(crowd.world.liveness(victim), Liveness::Gone);
}

// S7: who is skipped, and who is not.

/// S7.
#[test]
fn listener_that_is_gone_or_lost_its_component_is_skipped() {
    each_place(|mut crowd, place| {
        let mut skipped = vec![place];
        crowd
            .world
            .entity_mut(crowd.listeners[place])
            .remove::<Listener>();
        if place + 1 < crowd.listeners.len() {
            crowd.world.despawn(crowd.listeners[place + 1]);
            skipped.push(place + 1);
        }

        let called = crowd.call();

        assert_eq!(called, without(&crowd.listeners, &skipped));
    });
}

/// S7: hidden from queries is not gone.
#[test]
fn disabled_listener_is_called() {
    each_place(|mut crowd, place| {
        crowd
            .world
            .entity_mut(crowd.listeners[place])
            .insert(Disabled);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
    });
}

/// S7: whatever hides it, since whenever.
#[test]
fn listener_with_a_disabling_component_of_the_user_is_called() {
    #[derive(Component)]
    struct Frozen;

    each_place(|mut crowd, place| {
        let frozen = crowd.world.register_component::<Frozen>();
        let mut filters = crowd.world.resource_mut::<DefaultQueryFilters>();
        filters.register_disabling_component(frozen);
        crowd
            .world
            .entity_mut(crowd.listeners[place])
            .insert(Frozen);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
    });
}

/// S7: a batch's query is made with the first handler of a component, here long after the filter.
#[test]
fn listener_hidden_before_the_first_registration_is_called() {
    #[derive(Component)]
    struct Frozen;

    for size in [1, 3, 4, 5, 100] {
        let mut world = World::new();
        let frozen = world.register_component::<Frozen>();
        let mut filters = world.resource_mut::<DefaultQueryFilters>();
        filters.register_disabling_component(frozen);
        let ledger = Ledger::default();
        let listener = Listener {
            ledger: ledger.clone(),
            script: Vec::new(),
        };
        let target = world.spawn_empty().id();
        let hidden: Vec<_> = (0..size)
            .map(|_| world.spawn((listener.clone(), Frozen, Disabled)).id())
            .collect();
        for listener in &hidden {
            world
                .register_signal(*listener, target, hear::<Ping>)
                .unwrap();
        }

        world.send_signal(target, Ping);

        assert_eq!(ledger.take(), hidden);
        assert!(world.contains_resource::<DefaultQueryFilters>());
        assert_eq!(world.query::<&Listener>().iter(&world).count(), 0);
    }
}

/// S7: the default filters may be missing altogether.
#[test]
fn batches_work_without_default_query_filters() {
    let mut world = World::new();
    world.remove_resource::<DefaultQueryFilters>();
    let ledger = Ledger::default();
    let listener = Listener {
        ledger: ledger.clone(),
        script: Vec::new(),
    };
    let target = world.spawn_empty().id();
    let listeners: Vec<_> = (0..10)
        .map(|_| world.spawn(listener.clone()).id())
        .collect();
    for listener in &listeners {
        world
            .register_signal(*listener, target, hear::<Ping>)
            .unwrap();
    }

    world.send_signal(target, Ping);

    assert_eq!(ledger.take(), listeners);
}

/// S7: a listener on its way out hears until all that goes with it is destroyed, and then no more.
#[test]
fn deleting_listener_is_not_called_any_more() {
    each_place(|mut crowd, place| {
        let deleting = crowd.listeners.remove(place);
        crowd.world.qdel(deleting).unwrap();

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
    });
}

/// S7: a run of field handlers ends where another table begins; the order does not.
#[test]
fn listeners_of_many_archetypes_are_called_in_order() {
    #[derive(Component)]
    struct Hat;
    #[derive(Component)]
    #[component(storage = "SparseSet")]
    struct Feather;

    for call in Call::ALL {
        let mut crowd = Crowd::new(150, Mix::Fields, call);
        for (index, listener) in crowd.listeners.clone().into_iter().enumerate() {
            let mut listener = crowd.world.entity_mut(listener);
            match index % 5 {
                0 => listener.insert(Hat),
                1 => listener.insert(Feather),
                2 => listener.insert((Hat, Feather)),
                3 => listener.insert(Disabled),
                _ => &mut listener,
            };
        }

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
    }
}

/// S5 and S7: components that live in a sparse set are batched as well.
#[test]
fn listeners_in_sparse_sets_are_called_in_order() {
    #[derive(Component)]
    #[component(storage = "SparseSet")]
    struct Sparse(Ledger);

    let note = |sparse: &mut Sparse, ping: Received<Ping>| sparse.0.note(ping.listener());
    for size in SIZES {
        let mut world = World::new();
        let ledger = Ledger::default();
        let target = world.spawn_empty().id();
        let listeners: Vec<_> = (0..size)
            .map(|_| world.spawn(Sparse(ledger.clone())).id())
            .collect();
        for listener in &listeners {
            world.register_signal(*listener, target, note).unwrap();
        }

        world.send_signal(target, Ping);

        assert_eq!(ledger.take(), listeners);
    }
}

/// S5: the doc says that a handler of fields marks its component as changed; nobody else's is.
#[test]
fn only_components_that_are_called_are_changed() {
    let mut crowd = Crowd::new(100, Mix::Fields, Call::Ping);
    for listener in crowd.listeners.iter().skip(50) {
        crowd
            .world
            .unregister_signal::<Listener, Ping>(*listener, crowd.target)
            .unwrap();
    }
    crowd.world.clear_trackers();

    crowd.call();

    let mut changed = crowd
        .world
        .query_filtered::<Entity, Changed<Listener>>()
        .iter(&crowd.world)
        .collect::<Vec<_>>();
    changed.sort_by_key(|entity| crowd.listeners.iter().position(|it| it == entity));
    assert_eq!(changed, crowd.listeners[..50]);
}

// S7: nesting.

/// S7: the same signal on the same target.
#[test]
fn dispatch_nests_in_itself() {
    for size in SIZES {
        for mix in Mix::ALL {
            for actor in [0, size / 2, size - 1] {
                let mut crowd = Crowd::new(size, mix, Call::Ping);
                let target = crowd.target;
                crowd.script(actor, [Act::Send(target)]);

                let called = crowd.call();

                let all = crowd.listeners.clone();
                let expected = [&all[..=actor], &all, &all[actor + 1..]].concat();
                assert_eq!(called, expected);
                crowd.expect_next(&all);
            }
        }
    }
}

/// S7: each of several actors sends once more, inside of each other.
#[test]
fn dispatch_nests_several_levels_deep() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(70, mix, Call::Ping);
        let target = crowd.target;
        for actor in [10, 20, 30] {
            crowd.script(actor, [Act::Send(target)]);
        }

        let called = crowd.call();

        // The inmost runs first to its end; each level goes on where it was.
        let all = crowd.listeners.clone();
        let expected = [
            &all[..=10],
            &all[..=20],
            &all[..=30],
            &all,
            &all[31..],
            &all[21..],
            &all[11..],
        ]
        .concat();
        assert_eq!(called, expected);
    }
}

/// S7: another signal on the same target, and the same signal on another.
#[test]
fn dispatches_of_other_signals_and_on_other_targets_nest() {
    each_place(|mut crowd, actor| {
        let (target, second_target) = (crowd.target, crowd.world.spawn_empty().id());
        let friends = [(); 5].map(|()| crowd.spawn());
        for (index, friend) in friends.into_iter().enumerate() {
            let shape = Mix::Runs.shape(index);
            let world = &mut crowd.world;
            register::<Pong>(world, friend, target, shape).unwrap();
            register::<Pong>(world, friend, second_target, shape).unwrap();
        }
        crowd.script(actor, [Act::SendPong(target), Act::SendPong(second_target)]);

        let called = crowd.call();

        let (before, after) = crowd.listeners.split_at(actor + 1);
        let expected = [before, &friends, &friends, after].concat();
        assert_eq!(called, expected);
    });
}

/// S7.
#[test]
fn same_signal_nests_on_another_target() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(66, mix, Call::Ping);
        let other = crowd.world.spawn_empty().id();
        for listener in crowd.listeners.clone() {
            register::<Ping>(&mut crowd.world, listener, other, Shape::Fields).unwrap();
        }
        crowd.script(33, [Act::Send(other)]);

        let called = crowd.call();

        let all = crowd.listeners.clone();
        let expected = [&all[..=33], &all, &all[34..]].concat();
        assert_eq!(called, expected);
    }
}

/// S7: what an inner dispatch unregisters is not called by the outer one either.
#[test]
fn unregistering_in_a_nested_dispatch_holds_for_the_outer_one() {
    for size in [4, 10, 66, 130] {
        for mix in Mix::ALL {
            let mut crowd = Crowd::new(size, mix, Call::Ping);
            let (target, last) = (crowd.target, crowd.listeners[size - 1]);
            crowd.script(0, [Act::Send(target)]);
            crowd.script(1, [Act::Unregister(last)]);

            let called = crowd.call();

            let left = without(&crowd.listeners, &[size - 1]);
            let expected = [&left[..1], &left, &left[1..]].concat();
            assert_eq!(called, expected);
            crowd.expect_next(&left);
        }
    }
}

/// S7: a nested dispatch is a next one for what was registered before it, and the outer one is not.
#[test]
fn newly_registered_listener_hears_a_nested_dispatch() {
    for size in [1, 2, 3, 128, 129] {
        for mix in Mix::ALL {
            let mut crowd = Crowd::new(size, mix, Call::Ping);
            let (target, newcomer) = (crowd.target, crowd.spawn());
            let acts = [Act::Register(newcomer, Shape::World), Act::Send(target)];
            crowd.script(0, acts);

            let called = crowd.call();

            let all = crowd.listeners.clone();
            let expected = [&all[..1], &all, &[newcomer], &all[1..]].concat();
            assert_eq!(called, expected);
            let next = [all, vec![newcomer]].concat();
            crowd.expect_next(&next);
        }
    }
}

/// S7: an inner dispatch that empties the list ends the outer one.
#[test]
fn nested_dispatch_that_empties_the_list_ends_the_outer_one() {
    for size in [2, 40, 70] {
        let mut crowd = Crowd::new(size, Mix::Runs, Call::Ping);
        let target = crowd.target;
        let all: Vec<_> = crowd
            .listeners
            .iter()
            .map(|listener| Act::Unregister(*listener))
            .collect();
        crowd.script(0, [Act::Send(target)]);
        crowd.script(1, all);

        let called = crowd.call();

        let expected = [&crowd.listeners[..1], &crowd.listeners[..2]].concat();
        assert_eq!(called, expected);
        crowd.expect_next(&[]);
        let newcomer = crowd.spawn();
        crowd.register(newcomer, Shape::Fields);
        crowd.expect_next(&[newcomer]);
    }
}

/// S7 and S3: a registration for one call is over for inner dispatches, too.
#[test]
fn registration_for_one_call_is_not_called_by_a_nested_dispatch() {
    fn echo(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        let listener = world.get::<Listener>(ping.listener()).unwrap();
        listener.ledger.note(ping.listener());
        world.send_signal(ping.target(), Ping);
    }
    let mut crowd = Crowd::new(5, Mix::Fields, Call::Ping);
    let once = crowd.spawn();
    crowd
        .world
        .register_signal_once(once, crowd.target, echo)
        .unwrap();
    let target = crowd.target;
    let last = crowd.spawn();
    crowd.register(last, Shape::World);

    crowd.world.send_signal(target, Ping);

    let all = crowd.listeners.clone();
    let expected = [&all[..], &[once], &all, &[last], &[last]].concat();
    assert_eq!(crowd.ledger.take(), expected);
}

/// S7: the notice of one target begins inside the dispatch of another only by command, and is whole.
#[test]
fn deletion_in_a_deletion_is_told_after_it() {
    let mut crowd = Crowd::new(10, Mix::Runs, Call::Qdel);
    let chain: Vec<_> = (0..5).map(|_| crowd.spawn()).collect();
    let first = crowd.target;
    for (index, link) in chain.iter().enumerate() {
        // Each deletes itself when the one before it is deleted.
        let before = if index == 0 { first } else { chain[index - 1] };
        register::<Qdeleting>(&mut crowd.world, *link, before, Shape::Actor).unwrap();
        let mut listener = crowd.world.get_mut::<Listener>(*link).unwrap();
        listener.script.push(Act::Qdel(*link));
    }

    let called = crowd.call();

    let expected = [crowd.listeners.clone(), chain.clone()].concat();
    assert_eq!(called, expected);
    assert_eq!(crowd.world.flush_qdel(), 6);
}

// S7: several signals on one target.

/// S7.
#[test]
fn signals_on_one_target_are_apart() {
    let mut crowd = Crowd::new(70, Mix::Runs, Call::Ping);
    let listeners = crowd.listeners.clone();
    for listener in listeners.iter().rev() {
        let world = &mut crowd.world;
        register::<Pong>(world, *listener, crowd.target, Shape::Fields).unwrap();
    }
    for listener in &listeners[..35] {
        let world = &mut crowd.world;
        register::<Qdeleting>(world, *listener, crowd.target, Shape::World).unwrap();
    }
    crowd
        .world
        .unregister_signal::<Listener, Pong>(listeners[69], crowd.target)
        .unwrap();

    let pinged = crowd.call();
    crowd.world.send_signal(crowd.target, Pong);
    let ponged = crowd.ledger.take();
    crowd.world.despawn(crowd.target);
    let told = crowd.ledger.take();

    let mut backwards = listeners[..69].to_vec();
    backwards.reverse();
    assert_eq!(pinged, listeners);
    assert_eq!(ponged, backwards);
    assert_eq!(told, listeners[..35]);
}

/// S7: lists of other signals come and go while one is dispatched.
#[test]
fn handler_empties_the_lists_of_other_signals() {
    fn clear_pong(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        let listener = world.get::<Listener>(ping.listener()).unwrap();
        listener.ledger.note(ping.listener());
        for registration in world.registrations_on(ping.target()) {
            let listener = registration.listener;
            let _ = world.unregister_signal::<Listener, Pong>(listener, ping.target());
        }
    }
    for size in [1, 2, 3, 70] {
        let mut crowd = Crowd::new(size, Mix::Runs, Call::Ping);
        let first = crowd.spawn();
        // The list of pongs stands before or behind that of pings.
        for listener in crowd.listeners.clone() {
            register::<Pong>(&mut crowd.world, listener, crowd.target, Shape::Fields).unwrap();
            register::<Qdeleting>(&mut crowd.world, listener, crowd.target, Shape::Fields).unwrap();
        }
        crowd
            .world
            .register_signal(first, crowd.target, clear_pong)
            .unwrap();
        let last = crowd.spawn();
        crowd.register(last, Shape::Fields);

        let called = crowd.call();

        let expected = [crowd.listeners.clone(), vec![first, last]].concat();
        assert_eq!(called, expected);
        assert!(!crowd.world.has_listeners::<Pong>(crowd.target));
        assert!(crowd.world.has_listeners::<Qdeleting>(crowd.target));
    }
}

/// S7 and Q4: other signals can be sent about a target while its end is told.
#[test]
fn other_signals_reach_a_deleting_target() {
    for call in [Call::Qdel, Call::Despawn] {
        let mut crowd = Crowd::new(3, Mix::Worlds, call);
        let target = crowd.target;
        let friend = crowd.spawn();
        register::<Pong>(&mut crowd.world, friend, target, Shape::Fields).unwrap();
        crowd.script(1, [Act::SendPong(target)]);

        let called = crowd.call();

        let all = crowd.listeners.clone();
        assert_eq!(called, [&all[..2], &[friend], &all[2..]].concat());
    }
}

// S8: answers.

struct Vote(&'static str);

impl Signal for Vote {
    type Answer = Vec<String>;
}

/// S8.
#[test]
fn answers_merge_in_order() {
    let fields = |_: &mut Listener, vote: Received<Vote>| vec![format!("{} by fields", vote.0)];
    let whole = |_: DeferredWorld, vote: Received<Vote, Listener>| {
        vec![format!("{} by world", vote.0), "twice".into()]
    };
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let [first, second, third] = [(); 3].map(|()| crowd.spawn());
    let (world, target) = (&mut crowd.world, crowd.target);
    world.register_signal(first, target, whole).unwrap();
    world.register_signal(second, target, fields).unwrap();
    world.register_signal(third, target, whole).unwrap();

    let answer = world.send_signal(target, Vote("aye"));

    let expected = [
        "aye by world",
        "twice",
        "aye by fields",
        "aye by world",
        "twice",
    ];
    assert_eq!(answer, expected);
}

/// S8: across the end of a batch.
#[test]
fn answers_of_long_lists_merge_in_order() {
    struct Index;
    impl Signal for Index {
        type Answer = Vec<Entity>;
    }
    let name = |_: &mut Listener, index: Received<Index>| vec![index.listener()];
    for size in SIZES {
        let mut crowd = Crowd::new(size, Mix::Fields, Call::Ping);
        for listener in &crowd.listeners {
            crowd
                .world
                .register_signal(*listener, crowd.target, name)
                .unwrap();
        }

        let answer = crowd.world.send_signal(crowd.target, Index);

        assert_eq!(answer, crowd.listeners);
    }
}

/// S8.
#[test]
fn flags_are_united() {
    struct Hit;
    impl Signal for Hit {
        type Answer = u32;
    }
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let [first, second, third] = [(); 3].map(|()| crowd.spawn());
    let (world, target) = (&mut crowd.world, crowd.target);
    let blocked = |_: &mut Listener, _: Received<Hit>| 1;
    let burnt = |_: DeferredWorld, _: Received<Hit, Listener>| 4;
    let nothing = |_: &mut Listener, _: Received<Hit>| 0;
    world.register_signal(first, target, blocked).unwrap();
    world.register_signal(second, target, burnt).unwrap();
    world.register_signal(third, target, nothing).unwrap();

    assert_eq!(world.send_signal(target, Hit), 5);
}

/// S8.
#[test]
fn one_true_makes_the_answer_true() {
    struct IsBlocked;
    impl Signal for IsBlocked {
        type Answer = bool;
    }
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let [first, second] = [(); 2].map(|()| crowd.spawn());
    let (world, target) = (&mut crowd.world, crowd.target);
    let no = |_: &mut Listener, _: Received<IsBlocked>| false;
    let yes = |_: &mut Listener, _: Received<IsBlocked>| true;

    let by_nobody = world.send_signal(target, IsBlocked);
    world.register_signal(first, target, no).unwrap();
    let by_no = world.send_signal(target, IsBlocked);
    world.replace_signal(first, target, yes).unwrap();
    world.register_signal(second, target, no).unwrap();
    let by_yes_and_no = world.send_signal(target, IsBlocked);

    assert_eq!([by_nobody, by_no, by_yes_and_no], [false, false, true]);
}

/// S8: any type that says how.
#[test]
fn answer_of_the_user_merges_as_it_says() {
    #[derive(Default, Debug, PartialEq)]
    struct Cheapest(Option<u32>);
    impl Answer for Cheapest {
        fn merge(&mut self, next: Self) {
            self.0 = [self.0, next.0].into_iter().flatten().min();
        }
    }
    struct Offers;
    impl Signal for Offers {
        type Answer = Cheapest;
    }
    #[derive(Component)]
    struct Price(u32);
    let offer = |price: &mut Price, _: Received<Offers>| Cheapest(Some(price.0));
    let mut world = World::new();
    let market = world.spawn_empty().id();
    for price in [12, 7, 9, 30, 8] {
        let trader = world.spawn(Price(price)).id();
        world.register_signal(trader, market, offer).unwrap();
    }

    assert_eq!(world.send_signal(market, Offers), Cheapest(Some(7)));
}

/// S8: those of a question.
#[test]
fn answers_of_a_question_merge_in_order() {
    struct WhoIsThere;
    impl Question for WhoIsThere {
        type Answer = Vec<Entity>;
    }
    let look = |_: &Listener, who: Received<WhoIsThere>| vec![who.listener()];
    let look_around = |world: &World, who: Received<WhoIsThere, Listener>| {
        assert!(world.get::<Listener>(who.listener()).is_some());
        vec![who.listener()]
    };
    let mut crowd = Crowd::new(70, Mix::Fields, Call::Ping);
    for (index, listener) in crowd.listeners.iter().enumerate() {
        let registered = if index % 3 == 0 {
            crowd.world.register_signal(*listener, crowd.target, look)
        } else {
            crowd
                .world
                .register_signal(*listener, crowd.target, look_around)
        };
        registered.unwrap();
    }

    let answer = crowd.world.ask_signal(crowd.target, &WhoIsThere);

    assert_eq!(answer, crowd.listeners);
}

// S9: nobody listens.

/// Sends `Ping` lazily, and tells whether it was built.
fn is_built(world: &mut World, target: Entity) -> bool {
    let mut built = false;
    world.send_signal_with(target, || {
        built = true;
        Ping
    });
    built
}

/// S9.
#[test]
fn payload_is_built_only_if_somebody_listens() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let listener = crowd.spawn();
    let (world, target) = (&mut crowd.world, crowd.target);

    let in_silence = is_built(world, target);
    register::<Pong>(world, listener, target, Shape::Fields).unwrap();
    let beside_another_signal = is_built(world, target);
    register::<Ping>(world, listener, target, Shape::Fields).unwrap();
    let heard = is_built(world, target);
    world
        .unregister_signal::<Listener, Ping>(listener, target)
        .unwrap();
    let unregistered = is_built(world, target);

    assert_eq!(
        [in_silence, beside_another_signal, heard, unregistered],
        [false, false, true, false]
    );
}

/// S9.
#[test]
fn payload_is_not_built_when_the_listener_or_the_target_is_gone() {
    let mut crowd = Crowd::new(1, Mix::Fields, Call::Ping);
    let second = crowd.world.spawn_empty().id();
    let listener = crowd.spawn();
    register::<Ping>(&mut crowd.world, listener, second, Shape::Fields).unwrap();

    crowd.world.despawn(crowd.listeners[0]);
    crowd.world.despawn(second);

    assert!(!is_built(&mut crowd.world, crowd.target));
    assert!(!is_built(&mut crowd.world, second));
    assert!(!is_built(&mut World::new(), second));
}

/// S9.
#[test]
fn payload_is_built_once_for_many_listeners() {
    let mut crowd = Crowd::new(200, Mix::Runs, Call::Ping);
    let mut built = 0;

    crowd.world.send_signal_with(crowd.target, || {
        built += 1;
        Ping
    });

    assert_eq!(built, 1);
    assert_eq!(crowd.ledger.take(), crowd.listeners);
}

/// S9.
#[test]
fn sending_to_nobody_is_the_default_answer() {
    let mut world = World::new();
    let gone = world.spawn_empty().id();
    world.despawn(gone);

    assert_eq!(world.send_signal(gone, Vote("aye")), [""; 0]);
    assert_eq!(world.send_signal(Entity::PLACEHOLDER, Vote("aye")), [""; 0]);
}

// S15: Bevy's observers.

/// What happened, in order.
#[derive(Resource, Default)]
struct Order(Vec<&'static str>);

/// Makes a world with observers of the notice, global and on a target, and one handler.
fn observed() -> (World, Entity) {
    let mut world = World::new();
    world.init_resource::<Order>();
    let target = world.spawn_empty().id();
    let listener = Listener {
        ledger: Ledger::default(),
        script: Vec::new(),
    };
    let listener = world.spawn(listener).id();
    let note = |mut world: DeferredWorld, _: Received<Qdeleting, Listener>| {
        world.resource_mut::<Order>().0.push("handler");
    };
    world.register_signal(listener, target, note).unwrap();
    world.add_observer(move |gone: On<Qdeleting>, mut order: ResMut<Order>| {
        order.0.push(if gone.entity == target {
            "global observer"
        } else {
            "global observer, for another"
        });
    });
    world
        .entity_mut(target)
        .observe(|_: On<Qdeleting>, mut order: ResMut<Order>| order.0.push("own observer"));
    (world, target)
}

/// S15.
#[test]
fn observers_run_after_the_handlers_of_a_qdel() {
    let (mut world, target) = observed();

    world.qdel(target).unwrap();
    world.flush_qdel();

    assert_eq!(
        world.resource::<Order>().0,
        ["handler", "global observer", "own observer"]
    );
}

/// S15: there are Bevy's own events for that.
#[test]
fn observers_do_not_run_for_a_plain_despawn() {
    let (mut world, target) = observed();

    world.despawn(target);

    assert_eq!(world.resource::<Order>().0, ["handler"]);
}

/// S15.
#[test]
fn observers_run_also_where_nobody_listens() {
    let (mut world, _) = observed();
    let lonely = world.spawn_empty().id();

    world.qdel(lonely).unwrap();

    assert_eq!(
        world.resource::<Order>().0,
        ["global observer, for another"]
    );
}

/// S15: the target can still be read.
#[test]
fn observers_see_the_whole_target_and_the_notice() {
    #[derive(Component)]
    struct Name(&'static str);
    let mut world = World::new();
    world.init_resource::<Order>();
    let owner = world.spawn(Name("owner")).id();
    let owned = world.spawn((Name("owned"), ChildOf(owner))).id();
    world.add_observer(
        move |gone: On<Qdeleting>, world: DeferredWorld, mut commands: Commands| {
            assert!(gone.force);
            let expected = if gone.entity == owned {
                Cause::Owner(owner)
            } else {
                Cause::Qdel
            };
            assert_eq!(gone.cause, expected);
            let name = world.get::<Name>(gone.entity).unwrap().0;
            commands.queue(move |world: &mut World| world.resource_mut::<Order>().0.push(name));
        },
    );

    world.force_qdel(owner).unwrap();

    assert_eq!(world.resource::<Order>().0, ["owner", "owned"]);
}

/// A signal of the user that is a Bevy event as well.
#[derive(EntityEvent, Clone)]
struct Hit {
    entity: Entity,
    damage: u32,
}

impl Signal for Hit {
    type Answer = u64;

    const OBSERVERS: Option<fn(Self, &mut World)> = Some(|hit, world| world.trigger(hit));
}

fn hit_world() -> (World, Entity) {
    let mut world = World::new();
    world.init_resource::<Order>();
    let target = world.spawn_empty().id();
    let listener = Listener {
        ledger: Ledger::default(),
        script: Vec::new(),
    };
    let listener = world.spawn(listener).id();
    let note = |mut world: DeferredWorld, hit: Received<Hit, Listener>| {
        world.resource_mut::<Order>().0.push("handler");
        world
            .commands()
            .queue(|world: &mut World| world.resource_mut::<Order>().0.push("command"));
        u64::from(hit.damage)
    };
    world.register_signal(listener, target, note).unwrap();
    world.add_observer(|hit: On<Hit>, mut order: ResMut<Order>| {
        assert_eq!(hit.damage, 2);
        order.0.push("global observer");
    });
    world
        .entity_mut(target)
        .observe(|_: On<Hit>, mut order: ResMut<Order>| order.0.push("own observer"));
    (world, target)
}

/// S15.
#[test]
fn observers_of_a_user_signal_run_after_its_handlers() {
    let (mut world, target) = hit_world();
    let hit = Hit {
        entity: target,
        damage: 2,
    };

    let answer = world.send_signal(target, hit);

    assert_eq!(answer, 2);
    let mut order = world.resource::<Order>().0.clone();
    // When the command of a handler is applied is not said, but it is before sending returns.
    assert!(order.contains(&"command"));
    order.retain(|said| *said != "command");
    assert_eq!(order, ["handler", "global observer", "own observer"]);
}

/// S15: a deferred world cannot run observers at once.
#[test]
fn observers_of_a_user_signal_wait_where_the_sender_is_deferred() {
    let (mut world, target) = hit_world();
    let hit = Hit {
        entity: target,
        damage: 2,
    };

    DeferredWorld::from(&mut world).send_signal(target, hit);
    let at_once = world.resource::<Order>().0.clone();
    world.flush();

    assert_eq!(at_once, ["handler"]);
    let mut later = world.resource::<Order>().0.clone();
    later.retain(|said| *said != "command");
    assert_eq!(later, ["handler", "global observer", "own observer"]);
}

/// S9 and S15: an observer may be global, so such a signal is always built.
#[test]
fn observed_signal_is_built_also_where_nobody_listens() {
    let (mut world, _) = hit_world();
    let lonely = world.spawn_empty().id();

    world.send_signal_with(lonely, || Hit {
        entity: lonely,
        damage: 2,
    });

    assert_eq!(world.resource::<Order>().0, ["global observer"]);
}

/// S15: an observer may do anything, also delete who is next.
#[test]
fn observer_deletes_another_entity_of_the_tree() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Qdel);
    let owned = crowd.world.spawn(ChildOf(crowd.target)).id();
    let friend = crowd.spawn();
    register::<Qdeleting>(&mut crowd.world, friend, owned, Shape::Fields).unwrap();
    let target = crowd.target;
    crowd
        .world
        .add_observer(move |gone: On<Qdeleting>, mut commands: Commands| {
            if gone.entity == target {
                commands.entity(owned).despawn();
            }
        });

    let called = crowd.call();
    crowd.world.flush_qdel();

    assert_eq!(called, [friend]);
    assert_eq!(crowd.world.liveness(target), Liveness::Gone);
}

// Roads: a plain despawn tells, whoever calls it.

#[derive(Component)]
struct Doomed;

/// A child, as it says itself.
#[derive(Component)]
struct Minor;

#[derive(Component, Debug, PartialEq)]
struct InTable(u32);

#[derive(Component, Debug, PartialEq)]
#[component(storage = "SparseSet")]
struct InSparseSet(u32);

/// Two doomed entities, the second a child of the first, and a witness of both ends.
struct Road {
    world: World,
    parent: Entity,
    child: Entity,
}

#[derive(Component, Default)]
struct Witness {
    causes: Vec<(Entity, Cause)>,
}

impl Road {
    fn new() -> Self {
        let mut world = World::new();
        let whole = (Doomed, InTable(1), InSparseSet(2));
        let parent = world.spawn(whole).id();
        let child = world
            .spawn((Doomed, InTable(1), InSparseSet(2), Minor, ChildOf(parent)))
            .id();
        let look = |mut world: DeferredWorld, gone: Received<Qdeleting, Witness>| {
            let target = gone.target();
            assert_eq!(gone.entity, target);
            assert_eq!(world.get::<InTable>(target), Some(&InTable(1)));
            assert_eq!(world.get::<InSparseSet>(target), Some(&InSparseSet(2)));
            let is_child = world.get::<Minor>(target).is_some();
            assert_eq!(world.get::<ChildOf>(target).is_some(), is_child);
            world.get_mut::<InTable>(target).unwrap().0 = 3;
            assert_eq!(world.liveness(target), Liveness::Deleting);
            assert_eq!(Weak::new(target).resolve(&world), None);
            assert_eq!(Weak::new(target).hard_resolve(&world), Some(target));
            let mut witness = world.get_mut::<Witness>(gone.listener()).unwrap();
            witness.causes.push((target, gone.cause));
        };
        let witness = world.spawn(Witness::default()).id();
        for target in [parent, child] {
            world.register_signal(witness, target, look).unwrap();
        }
        Self {
            world,
            parent,
            child,
        }
    }

    /// Goes a road, and expects that parent and child are told of, each once and whole.
    fn leads_to_the_end(go: impl FnOnce(&mut Self)) {
        let mut road = Self::new();

        go(&mut road);
        road.world.flush();

        let mut witnesses = road.world.query::<&Witness>();
        let witness = witnesses.single(&road.world).unwrap();
        let mut told = witness.causes.clone();
        told.sort_by_key(|(target, _)| *target != road.parent);
        let expected = [road.parent, road.child].map(|target| (target, Cause::Despawn));
        assert_eq!(told, expected);
        for target in [road.parent, road.child] {
            assert_eq!(road.world.liveness(target), Liveness::Gone);
            assert_eq!(road.world.registrations_on(target), []);
        }
        assert_eq!(road.world.check_registrations(), Ok(()));
        assert_eq!(road.world.signal_footprint().registrations, 0);
        assert_eq!(road.world.signal_footprint().crowded_listeners, 0);
    }
}

#[test]
fn despawn_by_the_world_tells() {
    Road::leads_to_the_end(|road| assert!(road.world.despawn(road.parent)));
}

#[test]
fn despawn_that_tries_tells() {
    Road::leads_to_the_end(|road| road.world.try_despawn(road.parent).unwrap());
}

#[test]
fn despawn_by_commands_tells() {
    Road::leads_to_the_end(|road| road.world.commands().entity(road.parent).despawn());
}

#[test]
fn despawn_of_an_entity_at_hand_tells() {
    Road::leads_to_the_end(|road| road.world.entity_mut(road.parent).despawn());
}

#[test]
fn despawn_of_all_tells() {
    Road::leads_to_the_end(|road| road.world.despawn_all::<With<Doomed>>());
}

#[test]
fn despawn_of_all_by_commands_tells() {
    Road::leads_to_the_end(|road| road.world.commands().despawn_all::<With<Doomed>>());
}

#[test]
fn despawn_of_all_that_meet_a_condition_tells() {
    Road::leads_to_the_end(|road| {
        let doomed = [road.parent, road.child];
        road.world
            .despawn_all_where::<Entity, ()>(|entity| doomed.contains(&entity));
    });
}

#[test]
fn despawn_of_children_tells() {
    Road::leads_to_the_end(|road| {
        road.world.entity_mut(road.parent).despawn_children();
        let mut told = road.world.query::<&Witness>();
        assert_eq!(told.single(&road.world).unwrap().causes.len(), 1);
        road.world.despawn(road.parent);
    });
}

#[test]
fn despawn_in_a_system_tells() {
    fn end(doomed: Query<Entity, With<Doomed>>, mut commands: Commands) {
        for entity in &doomed {
            commands.entity(entity).try_despawn();
        }
    }
    Road::leads_to_the_end(|road| road.world.run_system_cached(end).unwrap());
}

#[test]
fn despawn_by_an_observer_tells() {
    #[derive(Event)]
    struct Doom;

    Road::leads_to_the_end(|road| {
        let parent = road.parent;
        road.world
            .add_observer(move |_: On<Doom>, mut commands: Commands| {
                commands.entity(parent).despawn();
            });
        road.world.trigger(Doom);
    });
}

/// A plain despawn of an entity whose deletion was told tells nothing more.
#[test]
fn despawn_of_a_deleting_entity_tells_nobody_twice() {
    let mut crowd = Crowd::new(70, Mix::Runs, Call::Qdel);
    crowd.call();

    crowd.world.despawn(crowd.target);
    crowd.world.flush_qdel();

    assert_eq!(crowd.ledger.take(), []);
    assert_eq!(crowd.world.resource::<QdelCounts>().deleted, 1);
    assert_eq!(crowd.world.resource::<QdelCounts>().torn_down, 0);
}

/// A mass of targets with one listener, despawned in one call.
#[test]
fn despawn_of_many_targets_tells_of_each() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Despawn);
    let listener = crowd.spawn();
    for index in 0..300 {
        let target = crowd.world.spawn(Doomed).id();
        let shape = Mix::Runs.shape(index);
        register::<Qdeleting>(&mut crowd.world, listener, target, shape).unwrap();
    }

    crowd.world.despawn_all::<With<Doomed>>();

    assert_eq!(crowd.ledger.take(), [listener; 300]);
    assert_eq!(crowd.world.registrations_of(listener), []);
    assert_eq!(crowd.world.check_registrations(), Ok(()));
}

/// Targets that are each other's listeners, despawned in one call.
#[test]
fn despawn_of_targets_that_listen_to_each_other_tells_each_that_is_left() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Despawn);
    let ring: Vec<_> = (0..100).map(|_| crowd.spawn()).collect();
    for (index, listener) in ring.iter().enumerate() {
        crowd.world.entity_mut(*listener).insert(Doomed);
        let target = ring[(index + 1) % ring.len()];
        register::<Qdeleting>(&mut crowd.world, *listener, target, Shape::Fields).unwrap();
    }

    let schooled = crowd.world.signal_footprint().registrations - 100;

    crowd.world.despawn_all::<With<Doomed>>();

    // Each but one is despawned before its listener, as Bevy begins with the last.
    assert_eq!(crowd.ledger.take().len(), 99);
    assert_eq!(crowd.world.check_registrations(), Ok(()));
    assert_eq!(crowd.world.signal_footprint().registrations, schooled);
}
