//! R2: random values.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn release_takes_exactly_what_is_lost(nest in nests(), lost in vec(any::<bool>(), CAST)) {
        let cast: [Entity; CAST] = entities();
        let is_lost = |entity: &Entity| lost[cast.iter().position(|at| at == entity).unwrap()];
        let mut nest = nest.cast(&cast);
        let before = visited(&nest);

        let remains = nest.release_references(OnLoss::Clear, &mut |entity| is_lost(&entity));

        let expected: Vec<_> = before.iter().copied().filter(|entity| !is_lost(entity)).collect();
        prop_assert_eq!(visited(&nest), expected);
        prop_assert_eq!(remains, AfterRelease::Valid);
    }

    #[test]
    fn release_of_nobody_changes_nothing(nest in nests()) {
        let cast: [Entity; CAST] = entities();
        let mut nest = nest.cast(&cast);
        let (before, mut asked) = (nest.clone(), Vec::new());

        let remains = nest.release_references(OnLoss::Clear, &mut |entity| {
            asked.push(entity);
            false
        });

        prop_assert_eq!(&nest, &before);
        prop_assert_eq!(asked, visited(&nest));
        prop_assert_eq!(remains, AfterRelease::Valid);
    }

    #[test]
    fn components_of_a_world_name_exactly_who_is_alive(
        nests in vec(nests(), 1..4),
        ends in vec((0..CAST, 0..4_u8), 0..6),
    ) {
        let mut world = World::new();
        world.track_references::<Nest>();
        let cast: [Entity; CAST] = spawn_many(&mut world);
        let nests: Vec<_> = nests.iter().map(|nest| nest.cast(&cast)).collect();
        let holders: Vec<_> = nests.iter().map(|nest| world.spawn(nest.clone()).id()).collect();

        for (who, how) in ends {
            match how {
                0 => drop(world.despawn(cast[who])),
                1 => drop(world.qdel(cast[who])),
                2 => drop(world.flush_qdel()),
                _ => drop(world.qdel_batch([cast[who], cast[(who + 1) % CAST]])),
            }
            for (nest, holder) in nests.iter().zip(&holders) {
                let is_alive = |entity: &Entity| world.liveness(*entity) == Liveness::Alive;
                let expected: Vec<_> = visited(nest).into_iter().filter(is_alive).collect();
                prop_assert_eq!(visited(world.get::<Nest>(*holder).unwrap()), expected);
            }
            prop_assert!(world.check_registrations().is_ok());
        }
    }
}

/// How many entities take part in a random value.
const CAST: usize = 6;

/// A random value, with the places that its entities take in the cast.
#[derive(Debug, Clone)]
struct Draft {
    one: Option<usize>,
    many: Vec<usize>,
    pairs: Vec<(usize, u8)>,
    rows: Vec<Vec<Option<usize>>>,
    map: BTreeMap<u8, usize>,
    keys: Vec<usize>,
    knots: Vec<(u8, usize)>,
}

/// Any shape, nested and not.
#[derive(Component, Debug, Clone, PartialEq, References)]
struct Nest {
    #[entities]
    one: Option<Entity>,
    #[entities]
    many: Vec<Entity>,
    #[references]
    pairs: VecDeque<(Entity, u8)>,
    #[references]
    rows: Vec<Vec<Option<Entity>>>,
    #[references]
    map: BTreeMap<u8, Entity>,
    #[references]
    keys: IndexMap<Entity, SmallVec<[u8; 1]>>,
    #[references]
    knots: Vec<Knot>,
    #[references]
    boxed: Option<Box<(u8, Knot)>>,
}

#[derive(Debug, Clone, PartialEq, References)]
enum Knot {
    Loose,
    Tied(#[entities] Option<Entity>, u8),
    Double {
        #[references]
        ends: [Option<Entity>; 2],
    },
    Set(#[references] BTreeSet<Entity>),
}

impl Draft {
    fn cast(&self, cast: &[Entity; CAST]) -> Nest {
        let to = |at: &usize| cast[*at];
        let knot = |(kind, at): &(u8, usize)| match kind {
            0 => Knot::Loose,
            1 => Knot::Tied(Some(to(at)), 3),
            2 => Knot::Double {
                ends: [None, Some(to(at))],
            },
            _ => Knot::Set(BTreeSet::from([to(at), cast[0]])),
        };
        Nest {
            one: self.one.as_ref().map(to),
            many: self.many.iter().map(to).collect(),
            pairs: self.pairs.iter().map(|(at, tag)| (to(at), *tag)).collect(),
            rows: self
                .rows
                .iter()
                .map(|row| row.iter().map(|at| at.as_ref().map(to)).collect())
                .collect(),
            map: self.map.iter().map(|(key, at)| (*key, to(at))).collect(),
            keys: self
                .keys
                .iter()
                .map(|at| (to(at), SmallVec::from_slice(&[1, 2])))
                .collect(),
            knots: self.knots.iter().map(knot).collect(),
            boxed: self.knots.first().map(|first| Box::new((7, knot(first)))),
        }
    }
}

fn nests() -> impl Strategy<Value = Draft> {
    let at = 0..CAST;
    let lists = (
        option::of(at.clone()),
        vec(at.clone(), 0..20),
        vec((at.clone(), any::<u8>()), 0..5),
        vec(vec(option::of(at.clone()), 0..4), 0..4),
    );
    let others = (
        proptest::collection::btree_map(any::<u8>(), at.clone(), 0..5),
        vec(at.clone(), 0..5),
        vec((0..4_u8, at), 0..5),
    );
    (lists, others).prop_map(|((one, many, pairs, rows), (map, keys, knots))| Draft {
        one,
        many,
        pairs,
        rows,
        map,
        keys,
        knots,
    })
}
