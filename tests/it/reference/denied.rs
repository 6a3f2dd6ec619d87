//! What becomes of a field that refuses where it is too late to refuse.
//!
//! Rule R5 of the design: what can be emptied is, as with `clear`; a component is removed only
//! where a bare `Entity` leaves no other way.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use bevy_ecs::{
    entity::{EntityHashMap, EntityHashSet},
    prelude::*,
};
use qdel::{
    References,
    prelude::*,
    reference::{AfterRelease, OnLoss, ReferenceVisitor},
};

/// How an entity goes that no guard can save: the field is written before, or when it is too late.
type End = (&'static str, fn(&mut World, Entity, &dyn Fn(&mut World)));

const ENDS: [End; 6] = [
    ("despawn, known", |world, target, write| {
        write(world);
        world.sync_references();
        world.despawn(target);
    }),
    ("despawn, written", |world, target, write| {
        write(world);
        world.despawn(target);
        world.sync_references();
    }),
    ("despawn by command", |world, target, write| {
        write(world);
        world.sync_references();
        world.commands().entity(target).despawn();
        world.flush();
    }),
    ("despawn of the owner", |world, target, write| {
        write(world);
        world.sync_references();
        let owner = world.spawn_empty().add_child(target).id();
        world.despawn(owner);
    }),
    ("qdel, written late", |world, target, write| {
        world.qdel(target).unwrap();
        write(world);
        world.flush_qdel();
    }),
    (
        "batch torn down at once, written late",
        |world, target, write| {
            world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
            let other = world.spawn_empty().id();
            assert_eq!(world.qdel_batch([target, other]).queued.len(), 2);
            write(world);
            world.sync_references();
        },
    ),
];

#[derive(Component, Default, Debug, PartialEq, References)]
#[references(on_lost = Crew::note)]
struct Crew {
    #[references(deny)]
    captain: Option<Entity>,
    #[references(deny)]
    sailors: Vec<Entity>,
    #[references(deny)]
    queue: VecDeque<(Entity, u32)>,
    #[references(deny)]
    friends: HashSet<Entity>,
    #[references(deny)]
    sorted: BTreeSet<Entity>,
    #[references(deny)]
    ranks: HashMap<Entity, u32>,
    #[references(deny)]
    mates: BTreeMap<u32, Option<Entity>>,
    #[references(deny)]
    quick: (EntityHashSet, EntityHashMap<u32>),
    #[references(deny, keys)]
    cabins: HashMap<Entity, f32>,
    #[references(deny, values)]
    guests: HashMap<f32Key, Entity>,
    #[references(deny)]
    berths: [Option<Entity>; 2],
    #[references(deny)]
    nested: Vec<Option<Vec<Entity>>>,
    #[references(deny)]
    slots: Vec<Slot>,
    #[references]
    posts: Vec<Post>,
    #[references(ignore)]
    lost: Vec<Vec<Entity>>,
}

impl Crew {
    fn note(&mut self, lost: Lost) {
        self.lost.push(lost.to_vec());
    }

    fn naming(all: &[Entity]) -> Self {
        let all = || all.iter().copied();
        Self {
            captain: all().next(),
            sailors: all().collect(),
            queue: all().map(|at| (at, 1)).collect(),
            friends: all().collect(),
            sorted: all().collect(),
            ranks: all().map(|at| (at, 1)).collect(),
            mates: (0..).zip(all().map(Some)).collect(),
            quick: (all().collect(), all().map(|at| (at, 1)).collect()),
            cabins: all().map(|at| (at, 1.0)).collect(),
            guests: all().map(|at| (f32Key(at.index_u32()), at)).collect(),
            berths: [all().next(), all().nth(1)],
            nested: vec![Some(all().collect()), None],
            slots: all().map(|at| Slot { taken_by: Some(at) }).collect(),
            posts: all().map(|holder| Post { holder }).collect(),
            lost: Vec::new(),
        }
    }
}

#[expect(non_camel_case_types, reason = "it stands for a key that names nobody")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct f32Key(u32);

#[derive(Debug, Clone, PartialEq, References)]
struct Slot {
    #[entities]
    taken_by: Option<Entity>,
}

/// Makes no sense without its holder, which it refuses to lose.
#[derive(Debug, Clone, PartialEq, References)]
struct Post {
    #[references(deny)]
    holder: Entity,
}

#[derive(Component, Debug, PartialEq, References)]
#[references(on_lost = Bond::note)]
struct Bond {
    #[references(deny)]
    with: Entity,
    #[entities]
    likes: Option<Entity>,
}

impl Bond {
    fn note(&mut self, _: Lost) {
        unreachable!("who is removed should not hear of it");
    }
}

#[derive(Component, Debug, PartialEq, References)]
#[component(immutable)]
struct Treaty {
    #[references(deny)]
    parties: Vec<Entity>,
}

#[derive(Component, Debug, PartialEq, References)]
#[component(immutable)]
struct Oath(#[references(deny)] Entity);

/// Visits with `Deny`, and releases with `Clear` only, as was once enough.
#[derive(Component, Debug)]
struct Stubborn(Entity);

impl References for Stubborn {
    const CASCADES: bool = true;

    fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, visitor: &mut V) {
        visitor.reference(self.0, OnLoss::Deny);
    }

    fn release_references(&mut self, _: OnLoss, _: &mut dyn FnMut(Entity) -> bool) -> AfterRelease {
        AfterRelease::Valid
    }

    fn on_lost(&mut self, _: Lost<'_>) {
        unreachable!("who is removed should not hear of it");
    }
}

#[test]
fn everything_that_can_be_emptied_is_emptied_in_every_way_to_go() {
    for (end, go) in ENDS {
        let mut world = stage();
        let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
        let ship = world.spawn(Crew::default()).id();

        go(&mut world, goblin, &|world| {
            *world.get_mut::<Crew>(ship).unwrap() = Crew::naming(&[goblin, orc]);
        });

        let mut expected = Crew::naming(&[orc]);
        expected.captain = None;
        expected.berths = [None, Some(orc)];
        expected.mates = BTreeMap::from([(0, None), (1, Some(orc))]);
        expected.slots.insert(0, Slot { taken_by: None });
        expected.lost = vec![vec![goblin]];
        assert_eq!(world.get::<Crew>(ship), Some(&expected), "{end}");
        world.check_registrations().unwrap();
    }
}

#[test]
fn bare_entity_takes_its_component_along_unheard_in_every_way_to_go() {
    for (end, go) in ENDS {
        let mut world = stage();
        let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
        let likes = Some(orc);
        let bond = world.spawn(Bond { with: orc, likes }).id();

        go(&mut world, goblin, &|world| {
            world.get_mut::<Bond>(bond).unwrap().with = goblin;
            world.get_mut::<Bond>(bond).unwrap().likes = Some(goblin);
        });

        assert!(!world.entity(bond).contains::<Bond>(), "{end}");
        assert_eq!(world.liveness(bond), Liveness::Alive, "{end}");
        world.check_registrations().unwrap();
    }
}

#[test]
fn immutable_component_is_emptied_or_removed_in_every_way_to_go() {
    for (end, go) in ENDS {
        let mut world = stage();
        let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
        let holder = world.spawn_empty().id();

        go(&mut world, goblin, &|world| {
            let parties = vec![orc, goblin];
            world
                .entity_mut(holder)
                .insert((Treaty { parties }, Oath(goblin)));
        });

        let parties = vec![orc];
        assert_eq!(world.get(holder), Some(&Treaty { parties }), "{end}");
        assert!(!world.entity(holder).contains::<Oath>(), "{end}");
        world.check_registrations().unwrap();
    }
}

#[test]
fn hand_written_one_that_does_not_let_go_is_removed() {
    for (end, go) in ENDS {
        let mut world = stage();
        let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
        let mule = world.spawn(Stubborn(orc)).id();

        go(&mut world, goblin, &|world| {
            world.get_mut::<Stubborn>(mule).unwrap().0 = goblin;
        });

        assert!(!world.entity(mule).contains::<Stubborn>(), "{end}");
        world.check_registrations().unwrap();
    }
}

#[test]
fn one_who_goes_as_well_lets_go_and_keeps_its_component() {
    let mut world = stage();
    let goblin = world.spawn_empty().id();
    let ship = world.spawn((Crew::naming(&[goblin]), Oath(goblin))).id();

    let batch = world.qdel_batch([goblin, ship]);

    assert_eq!(batch.queued, [goblin, ship]);
    let crew = world.get::<Crew>(ship).unwrap();
    assert_eq!(
        (crew.captain, &*crew.sailors, &*crew.lost),
        (None, &[][..], &[][..])
    );
    assert_eq!(world.flush_qdel(), 2);
}

#[test]
fn who_refuses_and_hears_may_name_another_one() {
    #[derive(Component, References)]
    #[references(on_lost = Pack::choose)]
    struct Pack {
        #[references(deny)]
        leader: Option<Entity>,
        #[references]
        heirs: Heirs,
    }
    #[derive(References)]
    struct Heirs(#[entities] Vec<Entity>);
    impl Pack {
        fn choose(&mut self, _: Lost) {
            self.leader = self.heirs.0.pop();
        }
    }

    let mut world = World::new();
    world.track_references::<Pack>();
    let [wolf, heir] = [(), ()].map(|()| world.spawn_empty().id());
    let pack = Pack {
        leader: Some(wolf),
        heirs: Heirs(vec![heir]),
    };
    let pack = world.spawn(pack).id();

    world.despawn(wolf);

    assert_eq!(world.get::<Pack>(pack).unwrap().leader, Some(heir));
    assert!(world.qdel(heir).is_err());
}

#[test]
fn who_writes_back_whom_it_lost_too_late_to_refuse_is_removed() {
    #[derive(Component, References)]
    #[references(on_lost = Ghost::haunt)]
    struct Ghost {
        #[references(deny)]
        home: Option<Entity>,
    }
    impl Ghost {
        fn haunt(&mut self, lost: Lost) {
            self.home = lost.first().copied();
        }
    }

    let mut world = World::new();
    world.track_references::<Ghost>();
    let house = world.spawn_empty().id();
    let ghost = world.spawn(Ghost { home: Some(house) }).id();

    world.despawn(house);

    assert!(!world.entity(ghost).contains::<Ghost>());
    assert_eq!(world.liveness(ghost), Liveness::Alive);
}

#[test]
fn policy_says_whether_a_place_lets_go() {
    let policies = [OnLoss::Clear, OnLoss::Deny, OnLoss::Remove, OnLoss::Qdel];

    assert_eq!(policies.map(OnLoss::lets_go), [true, true, false, false]);
}

fn stage() -> World {
    let mut world = World::new();
    world
        .track_references::<Crew>()
        .track_references::<Bond>()
        .track_references::<Treaty>()
        .track_references::<Oath>()
        .track_references::<Stubborn>();
    world
}
