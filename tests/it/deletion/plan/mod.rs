//! What a deletion would do, said before it does it.
//!
//! Rule Q10 of the design. In texts, ids are replaced by the part that their entity plays.

mod model;
mod said;
mod texts;

use bevy_ecs::{
    entity_disabling::Disabled, prelude::*, query::Allow, resource::IsResource,
    world::DeferredWorld,
};
use core::any::type_name;
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{
    QdelCause, QdelError,
    plan::{Deletion, QdelPlan},
    prelude::*,
    signal::Registration,
    statistics::QdelCounts,
};
use std::sync::{Arc, Mutex};

use crate::stage::{LoadedOn, Ping};

/// A resource of the user.
#[derive(Resource)]
struct Weather;

/// What happened, in order.
#[derive(Resource, Clone, Default)]
struct Story(Arc<Mutex<Vec<Line>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Told(Registration, QdelCause),
    Observed(Entity, QdelCause),
    Destroyed(Entity, &'static str),
    TornDown(Entity),
}

impl Story {
    fn add(&self, line: Line) {
        self.0.lock().unwrap().push(line);
    }

    fn add_told<C>(&self, told: Received<Qdeleting, impl Sized>) {
        let registration = registration::<C>(told.listener(), told.target());
        self.add(Line::Told(registration, told.cause));
    }
}

#[derive(Component)]
struct Villager;

/// Listens by its fields.
#[derive(Component)]
struct Scribe(Story);

/// Listens by its fields too.
#[derive(Component)]
struct Clerk(Story);

/// Listens by the world.
#[derive(Component)]
struct Herald(Story);

impl Scribe {
    fn hear(&mut self, told: Received<Qdeleting>) {
        self.0.add_told::<Self>(told);
    }

    fn hear_ping(&mut self, _: Received<Ping>) {}
}

impl Clerk {
    fn hear(&mut self, told: Received<Qdeleting>) {
        self.0.add_told::<Self>(told);
    }
}

impl Herald {
    fn hear(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let herald = world.get_mut::<Self>(told.listener()).unwrap();
        herald.0.add_told::<Self>(told);
    }
}

/// Objects to deletions.
#[derive(Component)]
struct Ward {
    yields_to_force: bool,
    is_open: bool,
}

impl Ward {
    fn open() -> Self {
        Self {
            yields_to_force: true,
            is_open: true,
        }
    }

    fn until_forced() -> Self {
        Self {
            yields_to_force: true,
            is_open: false,
        }
    }

    fn strict() -> Self {
        Self {
            yields_to_force: false,
            is_open: false,
        }
    }

    fn guard(&self, asked: Received<PreQdel>) -> QdelVerdict {
        if self.is_open || (asked.force && self.yields_to_force) {
            QdelVerdict::Allow
        } else {
            QdelVerdict::Veto
        }
    }
}

#[derive(Component)]
struct Rope(Story);

#[derive(Component)]
struct Lamp(Story);

#[derive(Component)]
struct Cat {
    lives: usize,
    story: Story,
}

impl Destroy for Rope {
    type Param = ();

    fn destroy(&mut self, going: DestroyContext) -> DestroyHint {
        self.0
            .add(Line::Destroyed(going.entity, type_name::<Self>()));
        DestroyHint::Queue
    }
}

impl Destroy for Lamp {
    type Param = ();

    fn destroy(&mut self, going: DestroyContext) -> DestroyHint {
        self.0
            .add(Line::Destroyed(going.entity, type_name::<Self>()));
        DestroyHint::Queue
    }
}

impl Destroy for Cat {
    type Param = ();

    fn destroy(&mut self, going: DestroyContext) -> DestroyHint {
        self.story
            .add(Line::Destroyed(going.entity, type_name::<Self>()));
        if self.lives == 0 {
            return DestroyHint::Queue;
        }
        self.lives -= 1;
        DestroyHint::LetMeLive
    }
}

/// Makes a world that writes down what happens.
fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Story>();
    world.add_observer(|told: On<Qdeleting>, story: Res<Story>| {
        story.add(Line::Observed(told.entity, told.cause));
    });
    world.add_observer(|gone: On<Despawn<Villager>>, story: Res<Story>| {
        story.add(Line::TornDown(gone.entity));
    });
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    let story = story(world);
    let scribe = || Scribe(story.clone());
    let clerk = || Clerk(story.clone());
    let herald = || Herald(story.clone());
    [(); N].map(|()| world.spawn((Villager, scribe(), clerk(), herald())).id())
}

fn story(world: &World) -> Story {
    world.resource::<Story>().clone()
}

fn lines(world: &World) -> Vec<Line> {
    story(world).0.lock().unwrap().clone()
}

fn clear(world: &World) {
    story(world).0.lock().unwrap().clear();
}

fn torn_down(world: &World) -> Vec<Entity> {
    let lines = lines(world).into_iter();
    let torn_down = lines.filter_map(|line| match line {
        Line::TornDown(entity) => Some(entity),
        _ => None,
    });
    torn_down.collect()
}

/// Returns what must happen before the tear-down if `plan` is right.
fn expected_lines(plan: &QdelPlan) -> Vec<Line> {
    let tell = |at: &Deletion| {
        let cause = at.cause;
        let told = at.told.iter().map(|told| Line::Told(*told, cause));
        let lines = told.chain([Line::Observed(at.entity, cause)]);
        lines.collect::<Vec<_>>()
    };
    let destroy = |at: &Deletion| {
        let entity = at.entity;
        let destroyed = at.destroyed.iter();
        let lines = destroyed.map(|name| Line::Destroyed(entity, name));
        lines.collect::<Vec<_>>()
    };
    let told = plan.deletions.iter().flat_map(tell);
    told.chain(plan.deletions.iter().flat_map(destroy))
        .collect()
}

/// Returns who would be deleted, last first.
fn reversed(plan: &QdelPlan) -> Vec<Entity> {
    let deletions = plan.deletions.iter().rev();
    deletions.map(|at| at.entity).collect()
}

fn registration<C>(listener: Entity, target: Entity) -> Registration {
    Registration {
        listener,
        component: type_name::<C>(),
        target,
        signal: type_name::<Qdeleting>(),
    }
}

fn plan(world: &mut World, root: Entity, force: bool) -> QdelPlan {
    if force {
        world.plan_force_qdel(root)
    } else {
        world.plan_qdel(root)
    }
}

/// Returns what can be told about a world and a crowd, in words.
fn facts(world: &World, crowd: &[Entity]) -> Vec<String> {
    let of_each = crowd.iter().map(|&entity| {
        let ticks = world.get_entity(entity).ok().map(|at| {
            let ticks = at.get_change_ticks::<Herald>();
            let archetype = at.archetype().id();
            (ticks.map(|ticks| ticks.changed.get()), archetype)
        });
        format!(
            "{:?} {:?} {:?} {:?}",
            world.liveness(entity),
            world.registrations_on(entity),
            world.registrations_of(entity),
            ticks,
        )
    });
    let whole = format!("{:?}", world.signal_footprint());
    of_each.chain([whole]).collect()
}
