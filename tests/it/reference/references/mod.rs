//! Declared references: setting the field is the registration, and whatever is set never dangles.
//!
//! Rules R3, R4 and R7 of the design. What a policy does beyond emptying a field is the subject of
//! `policies.rs`, and everything at once that of `promise.rs`.

mod crowds;
mod links;
mod odd_names;
mod pauses;
mod registration;
mod spared;
mod syncs;
mod told;
mod touched;

use bevy_ecs::{
    change_detection::{MAX_CHANGE_AGE, Tick},
    component::Mutable,
    entity_disabling::Disabled,
    lifecycle::Discard,
    prelude::*,
    world::DeferredWorld,
};
use core::any::type_name;
use qdel::{
    Deleting, References, RegisterError, Registered,
    prelude::*,
    reference::{AfterRelease, Lost, OnLoss, ReferenceVisitor},
    statistics::QdelCounts,
    testing::WorkClock,
};

use crate::stage::{DELETIONS, DESPAWNS, End, Says, TEARDOWN_BATCH, on_death};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// What is done to a mob and a target.
type Deed = fn(&mut World, Entity, Entity);

fn write(world: &mut World, mob: Entity, target: Entity) {
    world.get_mut::<Mob>(mob).unwrap().target = Some(target);
}

/// Ways in which a target goes away.
fn ends() -> impl Iterator<Item = (&'static str, End)> {
    DELETIONS.into_iter().chain(DESPAWNS).chain(MORE_ENDS)
}

const MORE_ENDS: [(&str, End); 2] = [
    ("timer", |world, target| {
        world.qdel_in(target, Duration::ZERO).unwrap();
        world.advance_qdel_timers(Duration::ZERO);
    }),
    ("despawn in a handler", |world, target| {
        let other = world.spawn_empty().id();
        let despawn = move |world: &mut DeferredWorld, _| {
            world.commands().entity(target).despawn();
        };
        on_death(world, other, despawn);
        world.qdel(other).unwrap();
    }),
];

const TEARDOWNS: [Teardown; 3] = [
    Teardown::EndOfFrame,
    Teardown::Immediate,
    Teardown::Budget(Duration::ZERO),
];

/// What was seen from inside, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Vec<Entity>>);

/// Who dies.
#[derive(Component)]
struct Thing;

/// Names others, and remembers what it lost.
#[derive(Component, Clone, Default, Debug, PartialEq, References)]
#[references(on_lost = Mob::mourn)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references(ignore)]
    mourned: Vec<Vec<Entity>>,
    /// Who it was when it lost an entity, and its target then.
    #[references(ignore)]
    heard: Vec<(Entity, Option<Entity>)>,
    /// Its target when it was told.
    #[references(ignore)]
    told: Vec<Option<Entity>>,
}

impl Mob {
    fn after(target: Entity) -> Self {
        Self {
            target: Some(target),
            ..Self::default()
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.mourned.push(lost.to_vec());
        self.heard.push((lost.listener(), self.target));
    }

    fn chase(&mut self, told: Received<Qdeleting>) {
        self.target = Some(told.entity);
    }

    fn count(&mut self, _: Received<Qdeleting>) {
        self.told.push(self.target);
    }
}

/// Takes another target as long as it has candidates.
#[derive(Component, References)]
#[references(on_lost = Hunter::hunt_next)]
struct Hunter {
    #[entities]
    target: Option<Entity>,
    /// Last first.
    #[references(ignore)]
    candidates: Vec<Entity>,
    #[references(ignore)]
    mourned: Vec<Vec<Entity>>,
}

impl Hunter {
    fn of(candidates: impl IntoIterator<Item = Entity>) -> Self {
        let mut candidates: Vec<_> = candidates.into_iter().collect();
        candidates.reverse();
        Self {
            target: candidates.pop(),
            candidates,
            mourned: Vec::new(),
        }
    }

    fn hunt_next(&mut self, lost: Lost) {
        self.mourned.push(lost.to_vec());
        self.target = self.candidates.pop();
    }
}

#[derive(Component, Debug, PartialEq, References)]
#[component(storage = "SparseSet")]
enum Mood {
    Calm,
    Angry {
        #[references]
        at: Option<Entity>,
    },
    Torn(#[references] Vec<Entity>),
}

#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = Oath::mourn)]
struct Oath {
    #[entities]
    lords: Vec<Entity>,
    #[references(ignore)]
    mourned: Vec<Vec<Entity>>,
}

impl Oath {
    fn to(lords: impl Into<Vec<Entity>>) -> Self {
        Self {
            lords: lords.into(),
            mourned: Vec::new(),
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.mourned.push(lost.to_vec());
    }
}

/// Cannot bear a loss.
#[derive(Component, References)]
#[references(on_lost = Coward::panic)]
struct Coward(#[entities] Option<Entity>);

impl Coward {
    fn panic(&mut self, _: Lost) {
        panic!("boom");
    }
}

#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = ImmutableCoward::panic)]
struct ImmutableCoward(#[entities] Option<Entity>);

impl ImmutableCoward {
    fn panic(&mut self, _: Lost) {
        panic!("boom");
    }
}

#[derive(Resource, References)]
struct Census(#[entities] Vec<Entity>);

/// Counts how often it is read.
#[derive(Component)]
struct Counted {
    target: Option<Entity>,
    visits: Arc<AtomicUsize>,
}

impl References for Counted {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        self.visits.fetch_add(1, Ordering::Relaxed);
        self.target.visit_references(policy, visitor);
    }

    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease {
        self.target.release_references(policy, is_lost)
    }
}

/// Has this mob hunt it when it is destroyed.
#[derive(Component)]
struct Curse(Entity);

impl Destroy for Curse {
    type Param = Query<'static, 'static, &'static mut Mob>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.get_mut(self.0).unwrap().target = Some(going.entity);
        DestroyHint::Queue
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.register_destroy::<Says>();
    world.register_destroy::<Curse>();
    world.track_references::<Mob>();
    world.track_references::<Hunter>();
    world.track_references::<Mood>();
    world.track_references::<Oath>();
    world.track_references::<Coward>();
    world.track_references::<ImmutableCoward>();
    world.track_references::<Counted>();
    world
}

fn spawn(world: &mut World) -> Entity {
    world.spawn(Thing).id()
}

fn spawn_mob(world: &mut World) -> Entity {
    world.spawn(Mob::default()).id()
}

/// Returns all that the fields of a mob name.
fn named(world: &World, mob: Entity) -> Vec<Entity> {
    let at = world.get::<Mob>(mob);
    at.map_or(Vec::new(), |at| {
        at.target.iter().chain(at.friends.iter()).copied().collect()
    })
}

/// Returns what a mob lost, deletion by deletion.
fn lost(world: &World, mob: Entity) -> Vec<Vec<Entity>> {
    world.get::<Mob>(mob).unwrap().mourned.clone()
}

/// Returns the mobs that are known to name `target`.
fn links_on(world: &World, target: Entity) -> Vec<Entity> {
    let mut links = links_of::<Mob>(world, target);
    links.extend(links_of::<Oath>(world, target));
    links.extend(links_of::<Mood>(world, target));
    links.extend(links_of::<Hunter>(world, target));
    links
}

/// Returns the entities whose `C` is known to name `target`.
fn links_of<C: Component>(world: &World, target: Entity) -> Vec<Entity> {
    let on = world.registrations_on(target);
    let links = on
        .iter()
        .filter(|at| at.component == type_name::<C>() && at.signal != type_name::<Qdeleting>());
    links.map(|at| at.listener).collect()
}

/// Checks that the books are whole, and that both ends of each link say the same.
fn check(world: &World) {
    world.check_registrations().unwrap();
    let mut on = 0;
    for entity in world.iter_entities().map(|entity| entity.id()) {
        for registration in world.registrations_on(entity) {
            on += 1;
            let of = world.registrations_of(registration.listener);
            assert!(of.contains(&registration), "{registration}");
        }
        for registration in world.registrations_of(entity) {
            let on = world.registrations_on(registration.target);
            assert!(on.contains(&registration), "{registration}");
        }
    }
    assert_eq!(world.signal_footprint().registrations, on);
}
