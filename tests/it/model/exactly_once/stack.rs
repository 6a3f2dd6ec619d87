//! Q3: nothing touches the stack, and nothing is quadratic.

use super::*;

/// Answers with a hint, and deletes the next.
#[derive(Component)]
struct Link {
    hint: DestroyHint,
    next: Option<Entity>,
    destroyed: Arc<AtomicUsize>,
}

impl Destroy for Link {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        self.destroyed.fetch_add(1, Ordering::Relaxed);
        if let Some(next) = self.next.take() {
            going.param.entity(next).qdel();
        }
        self.hint
    }
}

const LINKS: usize = 100_000;

/// Spawns links that all say `hint`, and returns them with the count of those that were destroyed.
fn spawn_links(world: &mut World, hint: DestroyHint) -> (Vec<Entity>, Arc<AtomicUsize>) {
    world.register_destroy::<Link>();
    let count = Arc::<AtomicUsize>::default();
    let link = || Link {
        hint,
        next: None,
        destroyed: Arc::clone(&count),
    };
    let links = (0..LINKS).map(|_| world.spawn(link()).id());
    let links = links.collect();
    (links, count)
}

/// A stack overflow ends the process, so this one runs in a process of its own.
#[test]
fn chain_of_100_000_whose_destroys_delete_the_next_does_not_touch_the_stack() {
    let test = "chain_of_100_000_whose_destroys_delete_the_next_does_not_touch_the_stack";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, DestroyHint::Queue);
        for pair in links.windows(2) {
            world.get_mut::<Link>(pair[0]).unwrap().next = Some(pair[1]);
        }

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), LINKS);
        assert_eq!(world.flush_qdel(), LINKS);
    });
}

#[test]
fn chain_of_100_000_whose_destroys_delete_the_next_under_immediate_does_not_touch_the_stack() {
    let test =
        "chain_of_100_000_whose_destroys_delete_the_next_under_immediate_does_not_touch_the_stack";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let (links, destroyed) = spawn_links(&mut world, DestroyHint::HardDeleteNow);
        for pair in links.windows(2) {
            world.get_mut::<Link>(pair[0]).unwrap().next = Some(pair[1]);
        }

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), LINKS);
        assert_eq!(world.liveness(links[LINKS - 1]), Liveness::Gone);
        assert_eq!(world.resource::<QdelCounts>().torn_down, LINKS as u64);
    });
}

#[test]
fn chain_of_100_000_lives_with_its_root() {
    let test = "chain_of_100_000_lives_with_its_root";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, DestroyHint::Queue);
        let root = world.get_mut::<Link>(links[0]);
        root.unwrap().hint = DestroyHint::LetMeLive;
        own_each_other(&mut world, &links);

        let answer = world.qdel(links[0]);

        assert_eq!(answer, Ok(QdelOutcome::Kept));
        assert_eq!(destroyed.load(Ordering::Relaxed), 1);
        assert_all(&world, &links, Liveness::Alive);
        assert_eq!(world.resource::<QdelCounts>().kept, LINKS as u64);
        assert_eq!(world.flush_qdel(), 0);
    });
}

#[test]
fn chain_of_100_000_lives_from_where_one_says_so() {
    let test = "chain_of_100_000_lives_from_where_one_says_so";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, DestroyHint::Queue);
        let second = world.get_mut::<Link>(links[1]);
        second.unwrap().hint = DestroyHint::LetMeLive;
        own_each_other(&mut world, &links);

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), 2);
        assert_eq!(world.flush_qdel(), 1);
        assert_all(&world, &links[1..], Liveness::Alive);
    });
}

#[test]
fn chain_of_100_000_lives_of_which_each_says_so() {
    let test = "chain_of_100_000_lives_of_which_each_says_so";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, DestroyHint::LetMeLive);
        own_each_other(&mut world, &links);

        let answer = world.qdel(links[0]);

        assert_eq!(answer, Ok(QdelOutcome::Kept));
        // The root lives, and all others live with it without being destroyed.
        assert_eq!(destroyed.load(Ordering::Relaxed), 1);
        assert_all(&world, &links, Liveness::Alive);
    });
}

#[test]
fn chain_of_100_000_that_are_left_alone_stays_when_its_root_goes() {
    let test = "chain_of_100_000_that_are_left_alone_stays_when_its_root_goes";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = World::new();
        let (links, destroyed) = spawn_links(&mut world, DestroyHint::IWillHandleIt);
        let root = world.get_mut::<Link>(links[0]);
        root.unwrap().hint = DestroyHint::Queue;
        own_each_other(&mut world, &links);

        world.qdel(links[0]).unwrap();

        assert_eq!(destroyed.load(Ordering::Relaxed), LINKS);
        assert_eq!(world.flush_qdel(), 1);
        assert_all(&world, &links[1..], Liveness::Deleting);
    });
}

fn own_each_other(world: &mut World, links: &[Entity]) {
    for pair in links.windows(2) {
        world.entity_mut(pair[1]).insert(ChildOf(pair[0]));
    }
}

fn assert_all(world: &World, entities: &[Entity], state: Liveness) {
    let mut states = entities.iter().map(|entity| world.liveness(*entity));
    assert!(states.all(|at| at == state), "all should be {state:?}");
}
