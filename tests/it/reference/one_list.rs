//! How often a list is passed over when many whom it names go together.
//!
//! Rule R4 of the design: a component lets go of all that it lost in one pass for each wave and
//! tear-down.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bevy_ecs::prelude::*;
use qdel::{
    References,
    prelude::*,
    reference::{AfterRelease, OnLoss, ReferenceVisitor},
};

/// A list that counts how often it is gone through, and how often it hears.
#[derive(Component, Default)]
struct Horde {
    members: Vec<Entity>,
    heard: Vec<usize>,
    passes: Arc<AtomicUsize>,
}

impl References for Horde {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        self.passes.fetch_add(1, Ordering::Relaxed);
        self.members.visit_references(policy, visitor);
    }

    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease {
        self.passes.fetch_add(1, Ordering::Relaxed);
        self.members.release_references(policy, is_lost)
    }

    fn on_lost(&mut self, lost: Lost<'_>) {
        self.heard.push(lost.len());
    }
}

const MANY: usize = 200;

type End = (&'static str, fn(&mut World, &[Entity]));

const ENDS: [End; 6] = [
    ("batch", |world, all| {
        world.qdel_batch(all.iter().copied());
    }),
    ("batch at once", |world, all| {
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        world.qdel_batch(all.iter().copied());
    }),
    ("owner", |world, all| {
        let owner = world.spawn_empty().add_children(all).id();
        world.qdel(owner).unwrap();
    }),
    ("handler", |world, all| {
        let all = all.to_vec();
        let first = world.spawn_empty().id();
        world.add_observer(move |going: On<Qdeleting>, mut commands: Commands| {
            if going.entity == first {
                for entity in &all {
                    commands.entity(*entity).qdel();
                }
            }
        });
        world.qdel(first).unwrap();
    }),
    ("written late, in one flush", |world, all| {
        world.qdel_batch(all.iter().copied());
        let mut hordes = world.query::<&mut Horde>();
        let mut horde = hordes.single_mut(world).unwrap();
        horde.members = all.to_vec();
        horde.heard.clear();
    }),
    ("children who join late", |world, all| {
        let owner = world.spawn_empty().id();
        world.qdel(owner).unwrap();
        world.entity_mut(owner).add_children(all);
    }),
];

#[test]
fn many_of_one_list_who_go_together_cost_few_passes_over_it_and_one_call() {
    for (end, go) in ENDS {
        let mut world = World::new();
        world.track_references::<Horde>();
        let all: Vec<_> = (0..MANY).map(|_| world.spawn_empty().id()).collect();
        let horde = world
            .spawn(Horde {
                members: all.clone(),
                ..Horde::default()
            })
            .id();
        let passes = world.get::<Horde>(horde).unwrap().passes.clone();
        let before = passes.load(Ordering::Relaxed);

        go(&mut world, &all);
        world.flush_qdel();

        let passes = passes.load(Ordering::Relaxed) - before;
        let horde = world.get::<Horde>(horde).unwrap();
        assert_eq!(
            (&*horde.members, &*horde.heard),
            (&[][..], &[MANY][..]),
            "{end}"
        );
        // To find what is lost, to let go of it, and at the next sync.
        assert!(passes <= 8, "{end}: {passes}");
    }
}
