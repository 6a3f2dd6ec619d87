//! S7: who is skipped, and who is not.

use super::*;

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

/// S5: the doc says that a handler of fields marks its component as changed; no other is.
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
