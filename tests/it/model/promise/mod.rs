//! The promise of declared references, against a naive model: no field of a living entity names one
//! that is gone, and no reference to a living entity is lost, whatever happens in whatever order.
//!
//! Rules R3, R5 and R6 of the design in the large, with the hints of Q6 and the budget of Q8.

mod scene;

use bevy_ecs::{
    component::Mutable, entity_disabling::Disabled, prelude::*, query::Allow, world::DeferredWorld,
};
use core::{any::type_name, fmt::Debug, time::Duration};
use proptest::{collection::vec, prelude::*};
use qdel::{prelude::*, reference::TrackedComponent};
use std::collections::{BTreeMap, BTreeSet};

use scene::{Crowd, Deed, Scene, Wills, apply, build, scene};

use crate::stage::counts;

/// How much happens in a scene.
#[derive(Debug, Clone, Copy)]
struct Mischief {
    /// Whether some live on, or are left alone.
    hints: bool,
    /// Whether something happens in the middle of deletions.
    wills: bool,
}

const CALM: Mischief = Mischief {
    hints: false,
    wills: false,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn promise_is_kept_in_a_calm_crowd(scene in scene(CALM)) {
        play(&scene)?;
    }

    #[test]
    fn promise_is_kept_where_some_live_on(scene in scene(Mischief { hints: true, ..CALM })) {
        play(&scene)?;
    }

    #[test]
    fn promise_is_kept_where_handlers_meddle(scene in scene(Mischief { wills: true, ..CALM })) {
        play(&scene)?;
    }

    #[test]
    fn promise_is_kept_whatever_happens(scene in scene(Mischief { hints: true, wills: true })) {
        play(&scene)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        ..config()
    })]

    #[test]
    fn same_scene_ends_the_same(scene in scene(Mischief { hints: true, wills: true })) {
        let run = || {
            let mut world = build(&scene);
            for deed in &scene.deeds {
                apply(&mut world, deed.clone());
            }
            world.drain_qdel();
            settle(&mut world);
            let crowd = world.resource::<Crowd>().0;
            let fields = crowd.map(|entity| KINDS.map(|kind| kind.describe(&world, entity)));
            let states = crowd.map(|entity| world.liveness(entity));
            let links = crowd.map(|entity| world.registrations_on(entity));
            (fields, states, links, counts(&world))
        };

        let [first, second] = [run(), run()];

        prop_assert_eq!(first, second);
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    }
}

/// Plays a scene, and compares the world with the model after each deed.
fn play(scene: &Scene) -> Result<(), TestCaseError> {
    let mut world = build(scene);
    for deed in &scene.deeds {
        let torn_down = counts(&world).torn_down;
        apply(&mut world, deed.clone());
        let is_synced = matches!(deed, Deed::Sync);
        if is_synced {
            settle(&mut world);
        }
        let has_torn_down = counts(&world).torn_down > torn_down;
        let asked = match (is_synced, has_torn_down) {
            (true, _) => Promised::OnlyTheLiving,
            (false, true) => Promised::NobodyGone,
            (false, false) => Promised::NothingLost,
        };
        check(&world, asked)?;
    }
    settle(&mut world);
    check(&world, Promised::OnlyTheLiving)?;
    while world.drain_qdel() > 0 {
        check(&world, Promised::NobodyGone)?;
    }
    settle(&mut world);
    check(&world, Promised::OnlyTheLiving)
}

/// Syncs until nothing meddles any more.
fn settle(world: &mut World) {
    for _ in 0..20 {
        world.sync_references();
        if world.resource::<Wills>().0.is_empty() {
            break;
        }
    }
    // What the last will wrote.
    world.sync_references();
    world.sync_references();
}

/// What is promised at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promised {
    /// Every reference to a living entity is there, in its place.
    NothingLost,
    /// And there is none to one who is gone.
    NobodyGone,
    /// And none to one who is going, and the books say the same as the fields.
    OnlyTheLiving,
}

fn check(world: &World, promised: Promised) -> Result<(), TestCaseError> {
    world.check_registrations().unwrap();
    for entity in world.resource::<Crowd>().0 {
        if world.liveness(entity) != Liveness::Alive {
            continue;
        }
        for kind in KINDS {
            let checked = match kind {
                Kind::Mob => check_component::<Mob>(world, entity, promised),
                Kind::Mood => check_component::<Mood>(world, entity, promised),
                Kind::Leash => check_component::<Leash>(world, entity, promised),
                Kind::Seal => check_component::<Seal>(world, entity, promised),
                Kind::Shadow => check_component::<Shadow>(world, entity, promised),
                Kind::Bond => check_component::<Bond>(world, entity, promised),
            };
            if let Err(complaint) = checked {
                return Err(TestCaseError::fail(format!("{entity}: {complaint}")));
            }
        }
    }
    if promised == Promised::OnlyTheLiving {
        check_links(world)?;
    }
    Ok(())
}

/// Compares the `C` of a living entity with what was written into it.
fn check_component<C: Shape>(
    world: &World,
    holder: Entity,
    promised: Promised,
) -> Result<(), String> {
    let written = world.resource::<Written<C>>().0.get(&holder);
    let found = world.get::<C>(holder);
    let is_alive = |entity: Entity| world.liveness(entity) == Liveness::Alive;
    let is_bearable = |written: &C| written.indispensable().into_iter().all(is_alive);
    let complain = |claim: &str| Err(format!("{claim}: written {written:?}, found {found:?}"));
    match (written, found) {
        (None, Some(_)) => complain("nobody inserted it"),
        (Some(written), None) if is_bearable(written) => complain("it was removed"),
        (None | Some(_), None) => Ok(()),
        (Some(written), Some(found)) => {
            if written.only(&is_alive) != found.only(&is_alive) {
                return complain("a reference was lost");
            }
            let is_gone = |entity: &Entity| world.liveness(*entity) == Liveness::Gone;
            let names = found.names();
            if promised != Promised::NothingLost && names.iter().any(is_gone) {
                return complain("it names one who is gone");
            }
            if promised == Promised::OnlyTheLiving && !names.into_iter().all(is_alive) {
                return complain("it names one who is not alive");
            }
            Ok(())
        }
    }
}

/// Compares the links of all with the fields of the living.
fn check_links(world: &World) -> Result<(), TestCaseError> {
    let crowd = world.resource::<Crowd>().0;
    let is_alive = |entity: &Entity| world.liveness(*entity) == Liveness::Alive;
    let mut expected = BTreeMap::<Entity, BTreeSet<(Entity, &str)>>::new();
    for holder in crowd.into_iter().filter(is_alive) {
        for kind in KINDS {
            for name in kind.names(world, holder) {
                let component = kind.type_name();
                expected
                    .entry(name)
                    .or_default()
                    .insert((holder, component));
            }
        }
    }
    for target in crowd.iter().filter(|target| is_alive(target)) {
        let on = world.registrations_on(*target);
        let links = on
            .iter()
            .filter(|at| at.signal != type_name::<Qdeleting>() && is_alive(&at.listener))
            .map(|at| (at.listener, at.component));
        let links: Vec<_> = links.collect();
        let distinct: BTreeSet<_> = links.iter().copied().collect();
        prop_assert_eq!(distinct.len(), links.len());
        prop_assert_eq!(distinct, expected.remove(target).unwrap_or_default());
    }
    Ok(())
}

// The components, and what is known of them.

/// A tracked component, by a naive description.
trait Shape: TrackedComponent + Clone + PartialEq + Debug {
    /// Returns a component that names these.
    fn of(names: [Entity; 2]) -> Self;

    /// Writes something into it. What becomes of other entries does not depend on where they stand.
    fn write(&mut self, way: u8, names: [Entity; 2]);

    /// Returns it without entries that are not `alive` and may be emptied.
    fn only(&self, alive: &dyn Fn(Entity) -> bool) -> Self;

    /// Returns all that is named without which there is no such component.
    fn indispensable(&self) -> Vec<Entity>;

    /// Returns all that is named.
    fn names(&self) -> Vec<Entity>;
}

/// What was written into each `C`.
#[derive(Resource)]
struct Written<C>(BTreeMap<Entity, C>);

#[derive(Component, Clone, Debug, Default, PartialEq, References)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references]
    grudges: BTreeMap<Entity, Entity>,
}

impl Shape for Mob {
    fn of([first, second]: [Entity; 2]) -> Self {
        Self {
            target: Some(first),
            friends: vec![second, first, second],
            grudges: BTreeMap::from([(first, second)]),
        }
    }

    fn write(&mut self, way: u8, [first, second]: [Entity; 2]) {
        match way % 6 {
            0 | 1 => self.target = Some(first),
            2 => self.target = None,
            3 => self.friends.extend([first, second]),
            4 => self.friends.retain(|friend| *friend != first),
            _ => {
                self.grudges.insert(first, second);
            }
        }
    }

    fn only(&self, alive: &dyn Fn(Entity) -> bool) -> Self {
        let grudges = self.grudges.iter().map(|(key, value)| (*key, *value));
        let friends = self.friends.iter().copied();
        Self {
            target: self.target.filter(|target| alive(*target)),
            friends: friends.filter(|friend| alive(*friend)).collect(),
            grudges: grudges
                .filter(|(key, value)| alive(*key) && alive(*value))
                .collect(),
        }
    }

    fn indispensable(&self) -> Vec<Entity> {
        Vec::new()
    }

    fn names(&self) -> Vec<Entity> {
        let grudges = self.grudges.iter().flat_map(|(key, value)| [key, value]);
        let names = self.target.iter().chain(&self.friends).chain(grudges);
        names.copied().collect()
    }
}

#[derive(Component, Clone, Debug, PartialEq, References)]
#[component(storage = "SparseSet")]
enum Mood {
    Calm,
    Angry {
        #[references]
        at: Option<Entity>,
    },
    Torn(#[references] Vec<Entity>),
}

impl Shape for Mood {
    fn of([first, second]: [Entity; 2]) -> Self {
        Self::Torn(vec![first, second, first])
    }

    fn write(&mut self, way: u8, names: [Entity; 2]) {
        *self = match (way % 3, &self) {
            (0, _) => Self::Calm,
            (1, _) => Self::Angry { at: Some(names[0]) },
            (_, Self::Torn(between)) => Self::Torn([&**between, &names].concat()),
            _ => Self::of(names),
        }
    }

    fn only(&self, alive: &dyn Fn(Entity) -> bool) -> Self {
        match self {
            Self::Calm => Self::Calm,
            Self::Angry { at } => Self::Angry {
                at: at.filter(|at| alive(*at)),
            },
            Self::Torn(between) => {
                let between = between.iter().copied();
                Self::Torn(between.filter(|at| alive(*at)).collect())
            }
        }
    }

    fn indispensable(&self) -> Vec<Entity> {
        Vec::new()
    }

    fn names(&self) -> Vec<Entity> {
        match self {
            Self::Calm => Vec::new(),
            Self::Angry { at } => at.iter().copied().collect(),
            Self::Torn(between) => between.clone(),
        }
    }
}

/// Is removed.
#[derive(Component, Clone, Debug, PartialEq, References)]
struct Leash(#[references(remove)] Entity);

impl Shape for Leash {
    fn of(names: [Entity; 2]) -> Self {
        Self(names[0])
    }

    fn write(&mut self, _: u8, names: [Entity; 2]) {
        self.0 = names[0];
    }

    fn only(&self, _: &dyn Fn(Entity) -> bool) -> Self {
        self.clone()
    }

    fn indispensable(&self) -> Vec<Entity> {
        vec![self.0]
    }

    fn names(&self) -> Vec<Entity> {
        vec![self.0]
    }
}

/// Cannot be changed, lets go of some and is removed with others.
#[derive(Component, Clone, Debug, PartialEq, References)]
#[component(immutable)]
struct Seal {
    #[references]
    sealed: Vec<Entity>,
    #[references(remove)]
    by: Option<Entity>,
}

impl Shape for Seal {
    fn of([first, second]: [Entity; 2]) -> Self {
        Self {
            sealed: vec![first, second, first],
            by: (first < second).then_some(second),
        }
    }

    fn write(&mut self, way: u8, names: [Entity; 2]) {
        match way % 3 {
            0 => self.by = None,
            1 => self.by = Some(names[0]),
            _ => self.sealed.extend(names),
        }
    }

    fn only(&self, alive: &dyn Fn(Entity) -> bool) -> Self {
        let sealed = self.sealed.iter().copied();
        Self {
            sealed: sealed.filter(|at| alive(*at)).collect(),
            by: self.by,
        }
    }

    fn indispensable(&self) -> Vec<Entity> {
        self.by.iter().copied().collect()
    }

    fn names(&self) -> Vec<Entity> {
        self.sealed.iter().chain(&self.by).copied().collect()
    }
}

/// Goes as well.
#[derive(Component, Clone, Debug, PartialEq, References)]
struct Shadow {
    #[references(qdel)]
    of: Entity,
    #[references]
    others: Vec<Entity>,
}

impl Shape for Shadow {
    fn of([of, other]: [Entity; 2]) -> Self {
        Self {
            of,
            others: vec![other, of],
        }
    }

    fn write(&mut self, way: u8, names: [Entity; 2]) {
        match way % 2 {
            0 => self.of = names[0],
            _ => self.others.extend(names),
        }
    }

    fn only(&self, alive: &dyn Fn(Entity) -> bool) -> Self {
        let others = self.others.iter().copied();
        Self {
            of: self.of,
            others: others.filter(|at| alive(*at)).collect(),
        }
    }

    fn indispensable(&self) -> Vec<Entity> {
        vec![self.of]
    }

    fn names(&self) -> Vec<Entity> {
        [&[self.of], &*self.others].concat()
    }
}

/// Refuses, and lets go of whom it could not refuse to lose.
#[derive(Component, Clone, Debug, PartialEq, References)]
struct Bond(#[references(deny)] Vec<Entity>);

impl Shape for Bond {
    fn of(names: [Entity; 2]) -> Self {
        Self(vec![names[0]])
    }

    fn write(&mut self, way: u8, names: [Entity; 2]) {
        match way % 3 {
            0 => self.0.push(names[0]),
            _ => self.0.clear(),
        }
    }

    fn only(&self, alive: &dyn Fn(Entity) -> bool) -> Self {
        let names = self.0.iter().copied();
        Self(names.filter(|at| alive(*at)).collect())
    }

    fn indispensable(&self) -> Vec<Entity> {
        Vec::new()
    }

    fn names(&self) -> Vec<Entity> {
        self.0.clone()
    }
}

/// A type of component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mob,
    Mood,
    Leash,
    Seal,
    Shadow,
    Bond,
}

const KINDS: [Kind; 6] = [
    Kind::Mob,
    Kind::Mood,
    Kind::Leash,
    Kind::Seal,
    Kind::Shadow,
    Kind::Bond,
];

impl Kind {
    fn type_name(self) -> &'static str {
        match self {
            Self::Mob => type_name::<Mob>(),
            Self::Mood => type_name::<Mood>(),
            Self::Leash => type_name::<Leash>(),
            Self::Seal => type_name::<Seal>(),
            Self::Shadow => type_name::<Shadow>(),
            Self::Bond => type_name::<Bond>(),
        }
    }

    /// Returns all that the component of this kind names.
    fn names(self, world: &World, holder: Entity) -> Vec<Entity> {
        fn names<C: Shape>(world: &World, holder: Entity) -> Vec<Entity> {
            world.get::<C>(holder).map_or(Vec::new(), Shape::names)
        }
        match self {
            Self::Mob => names::<Mob>(world, holder),
            Self::Mood => names::<Mood>(world, holder),
            Self::Leash => names::<Leash>(world, holder),
            Self::Seal => names::<Seal>(world, holder),
            Self::Shadow => names::<Shadow>(world, holder),
            Self::Bond => names::<Bond>(world, holder),
        }
    }

    /// Returns the component of this kind as a text.
    fn describe(self, world: &World, holder: Entity) -> String {
        fn describe<C: Shape>(world: &World, holder: Entity) -> String {
            format!("{:?}", world.get::<C>(holder))
        }
        match self {
            Self::Mob => describe::<Mob>(world, holder),
            Self::Mood => describe::<Mood>(world, holder),
            Self::Leash => describe::<Leash>(world, holder),
            Self::Seal => describe::<Seal>(world, holder),
            Self::Shadow => describe::<Shadow>(world, holder),
            Self::Bond => describe::<Bond>(world, holder),
        }
    }
}
