//! The pass of a sweep: whom it looks for, what it empties, what it leaves alone, and what it says.
//!
//! Rule H2 of the design. This file is about what is declared; its modules are about what is
//! reflected, about slices, and about texts. A leftover in a declared field takes code that
//! writes behind the back of Bevy's change detection: everything else is released before a sweep
//! looks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    change_detection::{DetectChanges, DetectChangesMut},
    component::Mutable,
    entity_disabling::Disabled,
    lifecycle::{Discard, Insert},
    prelude::*,
};
use qdel::{
    References, WorldReferencesExt,
    find::PlaceKind,
    prelude::*,
    reference::{AfterRelease, OnLoss, ReferenceVisitor},
    sweep::LeftoverState::{self, Emptied, Found, Left},
    sweep::SweepReport,
};

use crate::stage::{Order, spawn_many};

#[cfg(feature = "bevy_reflect")]
mod aside;
#[cfg(feature = "bevy_reflect")]
mod emptied;
#[cfg(feature = "bevy_reflect")]
mod slices;
#[cfg(feature = "bevy_reflect")]
mod texts;

/// Declared, and reflected as well.
#[derive(Component, References, Default, Debug, PartialEq, Clone)]
#[references(on_lost = Mob::hear)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Component)
)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references(ignore)]
    last_seen: Option<Entity>,
    /// What was lost, call by call.
    #[references(ignore)]
    #[cfg_attr(feature = "bevy_reflect", reflect(ignore))]
    heard: Vec<Vec<Entity>>,
}

impl Mob {
    fn hear(&mut self, lost: Lost) {
        self.heard.push(lost.to_vec());
    }
}

#[derive(Component, References)]
struct Vow {
    #[references(remove)]
    to: Entity,
}

#[derive(Component, References)]
struct Shadow {
    #[references(qdel)]
    of: Entity,
}

#[derive(Component, References, Default)]
struct Bond {
    #[references(deny)]
    with: Option<Entity>,
    #[entities]
    likes: Option<Entity>,
}

#[derive(Component, References, Default)]
#[references(on_lost = Feud::hear)]
struct Feud {
    #[references(remove)]
    with: Option<Entity>,
    #[entities]
    fears: Option<Entity>,
    #[references(ignore)]
    heard: usize,
}

impl Feud {
    fn hear(&mut self, _: Lost) {
        self.heard += 1;
    }
}

/// Never changed where it is.
#[derive(Component, References, Debug, PartialEq)]
#[component(immutable)]
struct Statue(#[entities] Vec<Entity>);

/// Cannot let go.
#[derive(Component, References, Default)]
#[references(on_lost = Stubborn::insist)]
struct Stubborn(#[entities] Option<Entity>);

impl Stubborn {
    fn insist(&mut self, lost: Lost) {
        self.0 = Some(lost[0]);
    }
}

#[derive(Component, References, Default)]
#[references(on_lost = Coward::panic)]
struct Coward(#[entities] Option<Entity>);

impl Coward {
    fn panic(&mut self, _: Lost) {
        panic!("boom");
    }
}

#[derive(Resource, References, Default)]
struct Chief(#[entities] Option<Entity>);

/// Says what it names by hand, and fails at it.
#[derive(Component)]
struct Illegible(Option<Entity>);

impl References for Illegible {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, _: &mut V) {
        assert!(self.0.is_none(), "who can read this");
    }

    fn release_references(&mut self, _: OnLoss, _: &mut dyn FnMut(Entity) -> bool) -> AfterRelease {
        AfterRelease::Valid
    }
}

// H2: what is declared is emptied, and heard of.

#[test]
fn declared_leftover_is_emptied_and_heard_of_once() {
    let mut world = stage();
    let [goblin, orc, elf] = spawn_many(&mut world);
    let mob = world.spawn(Mob::default()).id();
    let others = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin, orc]);
    plant::<Mob>(&mut world, mob, |mob| {
        mob.target = Some(goblin);
        mob.friends = vec![orc, elf, goblin, orc];
    });

    let report = world.sweep();

    let expected = [
        (mob, "Mob.target", goblin, Emptied),
        (mob, "Mob.friends[0]", orc, Emptied),
        (mob, "Mob.friends[2]", goblin, Emptied),
        (mob, "Mob.friends[3]", orc, Emptied),
    ];
    assert_eq!(found(&report), said(expected));
    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!((at.target, &*at.friends), (None, &[elf][..]));
    assert_eq!(at.heard, [[goblin, orc]]);
    assert_eq!(world.get::<Mob>(others).unwrap().heard, [[]; 0]);
}

#[test]
fn second_sweep_is_clean() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, mob, |mob| mob.target = Some(goblin));
    world.sweep();

    let report = world.sweep();

    assert!(report.is_clean(), "{report}");
    assert_eq!(world.get::<Mob>(mob).unwrap().heard.len(), 1);
}

#[test]
fn only_what_lost_something_counts_as_changed() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
    world.sync_references();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, mobs[0], |mob| mob.target = Some(orc));
    plant::<Mob>(&mut world, mobs[1], |mob| mob.friends = vec![goblin]);
    plant::<Mob>(&mut world, mobs[2], |mob| mob.last_seen = Some(goblin));
    world.clear_trackers();

    world.sweep();

    let mut query = world.query_filtered::<Entity, Changed<Mob>>();
    let changed: Vec<_> = query.iter(&world).collect();
    assert_eq!(changed, [mobs[1]]);
}

#[test]
fn resource_that_is_tracked_is_emptied() {
    let mut world = stage();
    world.track_references::<Chief>();
    world.init_resource::<Chief>();
    let [goblin] = spawn_many(&mut world);
    despawn_all(&mut world, [goblin]);
    world.sync_references();
    let mut chief = world.resource_mut::<Chief>();
    chief.bypass_change_detection().0 = Some(goblin);

    let report = world.sweep();

    let holder = world.resource_entity::<Chief>().unwrap();
    assert_eq!(found(&report), said([(holder, "Chief.0", goblin, Emptied)]));
    assert_eq!(world.resource::<Chief>().0, None);
}

#[test]
fn hidden_holder_is_emptied() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let hidden = world.spawn((Mob::default(), Disabled)).id();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, hidden, |mob| mob.target = Some(goblin));

    let report = world.sweep();

    assert_eq!(report.emptied(), 1);
    assert_eq!(world.get::<Mob>(hidden).unwrap().target, None);
}

#[test]
fn holder_that_is_being_deleted_is_left_alone() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let dying = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin]);
    world.qdel(dying).unwrap();
    plant::<Mob>(&mut world, dying, |mob| mob.target = Some(goblin));

    let report = world.sweep();

    assert!(report.is_clean(), "{report}");
    assert_eq!(world.get::<Mob>(dying).unwrap().target, Some(goblin));
}

#[test]
fn holder_that_is_being_deleted_has_nothing_left_to_decide() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let dying = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin]);
    world.qdel(dying).unwrap();
    plant::<Mob>(&mut world, dying, |mob| mob.target = Some(goblin));

    world.sweep();

    assert_eq!(world.get::<Mob>(dying).unwrap().heard, [[]; 0]);
}

#[test]
fn find_leftovers_changes_nothing() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(Mob::default()).id();
    world.sync_references();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, mob, |mob| mob.friends = vec![goblin, goblin]);
    world.clear_trackers();

    let reports = [world.find_leftovers(), world.find_leftovers()];

    let expected = said([
        (mob, "Mob.friends[0]", goblin, Found),
        (mob, "Mob.friends[1]", goblin, Found),
    ]);
    assert_eq!(reports.each_ref().map(found), [expected.clone(), expected]);
    assert_eq!((reports[0].emptied(), reports[0].left()), (0, 0));
    assert!(!reports[0].is_clean());
    let mob = world.entity(mob).get_ref::<Mob>().unwrap();
    assert!(!mob.is_changed());
    assert_eq!(mob.friends, [goblin, goblin]);
    assert_eq!(mob.heard, [[]; 0]);
}

#[test]
fn long_list_of_the_gone_is_emptied() {
    const MANY: usize = 100_000;
    let mut world = stage();
    let [orc] = spawn_many(&mut world);
    let mob = world.spawn(Mob::default()).id();
    let crowd: Vec<_> = (0..MANY).map(|_| world.spawn_empty().id()).collect();
    despawn_all(&mut world, crowd.iter().copied());
    plant::<Mob>(&mut world, mob, |mob| {
        mob.friends = crowd;
        mob.friends.insert(MANY / 2, orc);
    });

    let report = world.sweep();

    assert_eq!(report.emptied(), MANY);
    assert_eq!(world.get::<Mob>(mob).unwrap().friends, [orc]);
}

// H2: immutable components.

#[test]
fn immutable_component_is_replaced_only_where_it_lost_something() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.track_references::<Statue>();
    let statues = [vec![goblin, orc], vec![orc]].map(|of| world.spawn(Statue(of)).id());
    world.init_resource::<Order>();
    world.add_observer(|_: On<Insert<Statue>>, mut order: ResMut<Order>| order.0.push("insert"));
    world.add_observer(|_: On<Discard<Statue>>, mut order: ResMut<Order>| order.0.push("discard"));

    let report = world.sweep_for([goblin]);

    assert_eq!(
        found(&report),
        said([(statues[0], "Statue.0[0]", goblin, Emptied)])
    );
    assert_eq!(*world.get::<Statue>(statues[0]).unwrap(), Statue(vec![orc]));
    assert_eq!(world.resource::<Order>().0, ["discard", "insert"]);
    world.sync_references();
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_is_released_for_what_it_names_after_a_sweep() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.track_references::<Statue>();
    let statue = world.spawn(Statue(vec![goblin, orc])).id();
    world.sweep_for([goblin]);

    world.qdel(orc).unwrap();

    assert_eq!(*world.get::<Statue>(statue).unwrap(), Statue(vec![]));
}

#[test]
fn component_that_let_go_by_itself_since_the_look_has_lost_nobody_regression() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    world.track_references::<Statue>();
    world.track_references::<Feud>();
    world.spawn(Statue(vec![goblin]));
    let rival = world
        .spawn(Feud {
            with: Some(goblin),
            fears: Some(goblin),
            ..Feud::default()
        })
        .id();
    world.add_observer(move |_: On<Insert<Statue>>, mut feuds: Query<&mut Feud>| {
        feuds.get_mut(rival).unwrap().fears = None;
    });

    world.sweep_for([goblin]);

    let feud = world.get::<Feud>(rival).unwrap();
    assert_eq!((feud.with, feud.fears), (Some(goblin), None));
    assert_eq!(feud.heard, 0);
}

// H2: given entities.

#[test]
fn sweep_for_the_living_is_heard_of() {
    let mut world = stage();
    let [goblin, orc, elf] = spawn_many(&mut world);
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            friends: vec![orc, goblin, elf],
            ..Mob::default()
        })
        .id();

    let report = world.sweep_for([orc, goblin]);

    let expected = [
        (mob, "Mob.target", goblin, Emptied),
        (mob, "Mob.friends[0]", orc, Emptied),
        (mob, "Mob.friends[1]", goblin, Emptied),
    ];
    assert_eq!(found(&report), said(expected));
    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!((at.target, &*at.friends), (None, &[elf][..]));
    assert_eq!(at.heard, [[goblin, orc]]);
    world.sync_references();
    world.check_registrations().unwrap();
}

#[test]
fn sweep_for_nobody_finds_nobody() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, mob, |mob| mob.target = Some(goblin));

    let report = world.sweep_for([]);

    assert!(report.is_clean());
    assert_eq!(world.get::<Mob>(mob).unwrap().target, Some(goblin));
}

#[test]
fn who_was_swept_for_can_be_named_again() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mob = world.spawn(chasing(goblin)).id();
    world.sweep_for([goblin]);
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    world.qdel(goblin).unwrap();

    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!(at.target, None);
    assert_eq!(at.heard, [[goblin], [goblin]]);
}

#[test]
fn other_policies_than_to_clear_are_left_alone() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let vow = world.spawn(Vow { to: goblin }).id();
    let shadow = world.spawn(Shadow { of: goblin }).id();
    let bond = world
        .spawn(Bond {
            with: Some(goblin),
            likes: None,
        })
        .id();

    let report = world.sweep_for([goblin]);

    let expected = [
        (vow, "Vow.to", goblin, Left),
        (shadow, "Shadow.of", goblin, Left),
        (bond, "Bond.with", goblin, Emptied),
    ];
    assert_eq!(found(&report), said(expected));
    let kinds: Vec<_> = report.leftovers.iter().map(|at| at.place.kind).collect();
    let policies = [OnLoss::Remove, OnLoss::Qdel, OnLoss::Deny];
    assert_eq!(kinds, policies.map(PlaceKind::Declared));
    assert_eq!((report.emptied(), report.left()), (1, 2));
    assert_eq!(world.get::<Vow>(vow).unwrap().to, goblin);
    assert_eq!(world.get::<Shadow>(shadow).unwrap().of, goblin);
    assert_eq!(world.get::<Bond>(bond).unwrap().with, None);
    assert_eq!(world.liveness(shadow), Liveness::Alive);
}

#[test]
fn what_can_be_cleared_is_cleared_beside_what_cannot() {
    #[derive(Component, References)]
    struct Mixed {
        #[references(remove)]
        to: Entity,
        #[entities]
        likes: Option<Entity>,
    }

    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let mixed = Mixed {
        to: goblin,
        likes: Some(goblin),
    };
    let mixed = world.spawn(mixed).id();
    world.track_references::<Mixed>();

    let report = world.sweep_for([goblin]);

    let expected = [
        (mixed, "Mixed.to", goblin, Left),
        (mixed, "Mixed.likes", goblin, Emptied),
    ];
    assert_eq!(found(&report), said(expected));
    let mixed = world.get::<Mixed>(mixed).unwrap();
    assert_eq!((mixed.to, mixed.likes), (goblin, None));
}

#[test]
fn component_that_cannot_be_cleared_does_not_count_as_changed() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let vow = world.spawn(Vow { to: goblin }).id();
    world.clear_trackers();

    world.sweep_for([goblin]);

    assert!(!world.entity(vow).get_ref::<Vow>().unwrap().is_changed());
}

#[test]
fn place_that_is_written_again_is_left() {
    let mut world = stage();
    world.track_references::<Stubborn>();
    let [goblin] = spawn_many(&mut world);
    let stubborn = world.spawn(Stubborn(Some(goblin))).id();

    let report = world.sweep_for([goblin]);

    assert_eq!(
        found(&report),
        said([(stubborn, "Stubborn.0", goblin, Left)])
    );
}

// H2: reports are in order.

/// Has a namesake.
mod east {
    use super::{Entity, References};

    #[derive(bevy_ecs::component::Component, References, Default)]
    pub(super) struct Guard(#[entities] pub(super) Option<Entity>);
}

mod west {
    use super::{Entity, References};

    #[derive(bevy_ecs::component::Component, References, Default)]
    pub(super) struct Guard(#[entities] pub(super) Option<Entity>);
}

#[test]
fn namesakes_come_by_their_full_names() {
    let reports = [false, true].map(|is_west_first| {
        let mut world = stage();
        if is_west_first {
            world.track_references::<west::Guard>();
        }
        world.track_references::<east::Guard>();
        world.track_references::<west::Guard>();
        let [goblin] = spawn_many(&mut world);
        let at = Some(goblin);
        world.spawn((east::Guard(at), west::Guard(at)));
        world.sweep_for([goblin])
    });

    let components = reports.each_ref().map(|report| {
        let leftovers = report.leftovers.iter();
        leftovers.map(|at| &*at.place.component).collect::<Vec<_>>()
    });
    assert_eq!(components[0], components[1]);
}

// H2: panics.

#[test]
fn everything_else_is_swept_before_a_panic_goes_on() {
    let mut world = stage();
    world.track_references::<Coward>();
    let [goblin] = spawn_many(&mut world);
    let before = world.spawn(Mob::default()).id();
    let coward = world.spawn(Coward::default()).id();
    let after = world.spawn(Mob::default()).id();
    let statue = world.spawn(Statue(vec![])).id();
    despawn_all(&mut world, [goblin]);
    plant::<Coward>(&mut world, coward, |coward| coward.0 = Some(goblin));
    for mob in [before, after] {
        plant::<Mob>(&mut world, mob, |mob| mob.target = Some(goblin));
    }

    let panicked = catch_unwind(AssertUnwindSafe(|| world.sweep()));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"boom"));
    assert!(world.sweep().is_clean());
    for mob in [before, after] {
        assert_eq!(world.get::<Mob>(mob).unwrap().heard, [[goblin]]);
    }
    assert!(world.get::<Statue>(statue).is_some());
}

#[test]
fn everything_is_swept_though_somebody_panics_when_the_fields_are_read_before() {
    let mut world = stage();
    world.track_references::<Coward>();
    let [goblin] = spawn_many(&mut world);
    let coward = world.spawn(Coward::default()).id();
    let mob = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, mob, |mob| mob.target = Some(goblin));
    world.get_mut::<Coward>(coward).unwrap().0 = Some(goblin);

    let panicked = catch_unwind(AssertUnwindSafe(|| world.sweep()));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"boom"));
    assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
}

#[test]
fn deletions_go_on_though_a_component_cannot_be_read() {
    let mut world = stage();
    world.track_references::<Illegible>();
    let [goblin, orc] = spawn_many(&mut world);
    let illegible = world.spawn(Illegible(None)).id();
    let mob = world.spawn(chasing(orc)).id();
    despawn_all(&mut world, [goblin]);
    plant::<Illegible>(&mut world, illegible, |at| at.0 = Some(goblin));
    let panicked = catch_unwind(AssertUnwindSafe(|| world.sweep()));
    panicked.unwrap_err();
    plant::<Illegible>(&mut world, illegible, |at| at.0 = None);

    world.qdel(orc).unwrap();
    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 1);
    assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
}

#[test]
fn sweep_can_be_asked_for_while_something_is_deleted() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world.spawn(Mob::default()).id();
    despawn_all(&mut world, [goblin]);
    plant::<Mob>(&mut world, mob, |mob| mob.target = Some(goblin));
    world.add_observer(|_: On<Qdeleting>, mut commands: Commands| {
        commands.queue(|world: &mut World| assert_eq!(world.sweep().emptied(), 1));
    });

    world.qdel(orc).unwrap();

    assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
    assert_eq!(world.flush_qdel(), 1);
}

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Mob>();
    world.track_references::<Vow>();
    world.track_references::<Shadow>();
    world.track_references::<Bond>();
    world
}

fn chasing(target: Entity) -> Mob {
    Mob {
        target: Some(target),
        ..Mob::default()
    }
}

fn despawn_all(world: &mut World, entities: impl IntoIterator<Item = Entity>) {
    for entity in entities {
        world.despawn(entity);
    }
}

/// Writes a component so that change detection does not see it.
fn plant<C: Component<Mutability = Mutable>>(
    world: &mut World,
    holder: Entity,
    write: impl FnOnce(&mut C),
) {
    world.sync_references();
    let mut component = world.get_mut::<C>(holder).unwrap();
    write(component.bypass_change_detection());
}

/// A leftover: its holder, its place, whom it names, and what became of it.
type Said = (Entity, String, Entity, LeftoverState);

fn found(report: &SweepReport) -> Vec<Said> {
    let leftovers = report.leftovers.iter();
    leftovers
        .map(|at| {
            let (holder, target) = (at.holder.entity, at.target.entity);
            (holder, at.place.to_string(), target, at.state)
        })
        .collect()
}

fn said(
    expected: impl IntoIterator<Item = (Entity, &'static str, Entity, LeftoverState)>,
) -> Vec<Said> {
    let expected = expected.into_iter();
    expected
        .map(|(holder, place, target, state)| (holder, place.to_owned(), target, state))
        .collect()
}
