//! R4 in a crowd: many components that lose one target, simple and odd ones in turns. Each lets go
//! once, and hears of it in the order in which they were linked.

use super::*;
use std::cell::RefCell;

thread_local! {
    /// Who heard, in order.
    static HEARD: RefCell<Vec<Entity>> = const { RefCell::new(Vec::new()) };
}

/// Most name one entity, some more, and some cannot bear it.
#[derive(Component, Default)]
struct Member {
    target: Option<Entity>,
    friend: Option<Entity>,
    panics_when_read: bool,
    panics_when_told: bool,
}

impl References for Member {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        self.target.visit_references(policy, visitor);
        assert!(!self.panics_when_read, "unreadable");
        self.friend.visit_references(policy, visitor);
    }

    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease {
        let released = self.target.release_references(policy, is_lost);
        released.and(self.friend.release_references(policy, is_lost))
    }

    fn on_lost(&mut self, lost: Lost) {
        HEARD.with_borrow_mut(|heard| heard.push(lost.listener()));
        assert!(!self.panics_when_told, "unbearable");
    }
}

/// Has an archetype of its own, and refuses to be without.
#[derive(Component, References)]
struct Needs(#[references(remove)] Entity);

/// Makes another archetype.
#[derive(Component)]
struct Other;

const CROWD: usize = 300;

/// The odd ones of a crowd, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Oddity {
    None,
    /// Also names an entity that lives on.
    Friend,
    /// Names it twice.
    Twice,
    /// Names another one since the last sync.
    Turned,
    /// Is deleted as well.
    Goes,
    UnbearableLoss,
}

fn oddity(number: usize) -> Oddity {
    match number % 97 {
        30 => Oddity::Friend,
        41 | 42 => Oddity::Twice,
        59 => Oddity::Turned,
        71 | 80 => Oddity::Goes,
        90 => Oddity::UnbearableLoss,
        _ => Oddity::None,
    }
}

struct Scene {
    world: World,
    goblin: Entity,
    friend: Entity,
    crowd: Vec<Entity>,
    needing: Vec<Entity>,
}

fn scene() -> Scene {
    HEARD.take();
    let mut world = World::new();
    world.track_references::<Member>();
    world.track_references::<Needs>();
    let [goblin, friend] = [(); 2].map(|()| spawn(&mut world));
    let mut needing = Vec::new();
    let crowd = (0..CROWD).map(|number| {
        let odd = oddity(number);
        let member = Member {
            target: Some(goblin),
            friend: match odd {
                Oddity::Friend => Some(friend),
                Oddity::Twice => Some(goblin),
                _ => None,
            },
            panics_when_told: odd == Oddity::UnbearableLoss,
            ..Member::default()
        };
        let mut member = world.spawn(member);
        if number % 3 == 0 {
            member.insert(Other);
        }
        let member = member.id();
        if number % 100 == 20 {
            needing.push(world.spawn(Needs(goblin)).id());
        }
        member
    });
    let crowd: Vec<_> = crowd.collect();
    world.sync_references();
    for number in (0..CROWD).filter(|number| oddity(*number) == Oddity::Turned) {
        world.get_mut::<Member>(crowd[number]).unwrap().target = Some(friend);
    }
    Scene {
        world,
        goblin,
        friend,
        crowd,
        needing,
    }
}

fn numbers(wanted: impl Fn(Oddity) -> bool) -> impl Iterator<Item = usize> {
    (0..CROWD).filter(move |number| wanted(oddity(*number)))
}

/// Makes all able to bear a loss.
fn calm(scene: &mut Scene) {
    for number in numbers(|odd| odd == Oddity::UnbearableLoss) {
        let mut member = scene.world.get_mut::<Member>(scene.crowd[number]).unwrap();
        member.bypass_change_detection().panics_when_told = false;
    }
}

#[test]
fn crowd_hears_once_and_in_order_whoever_is_odd_in_it() {
    // A plain despawn that panics is not finished.
    let deletions = DELETIONS.into_iter().map(|end| (end, true));
    for ((name, end), panics) in deletions.chain(DESPAWNS.into_iter().map(|end| (end, false))) {
        let mut scene = scene();
        if !panics {
            calm(&mut scene);
        }
        let goes = numbers(|odd| odd == Oddity::Goes).map(|number| scene.crowd[number]);
        scene.world.qdel_batch(goes);

        let ended = catch_unwind(AssertUnwindSafe(|| end(&mut scene.world, scene.goblin)));

        assert_eq!(ended.is_err(), panics, "{name}");
        scene.world.flush_qdel();
        let hears = numbers(|odd| !matches!(odd, Oddity::Turned | Oddity::Goes));
        let hears: Vec<_> = hears.map(|number| scene.crowd[number]).collect();
        assert_eq!(HEARD.take(), hears, "{name}");
        for number in numbers(|odd| odd != Oddity::Goes) {
            let member = scene.world.get::<Member>(scene.crowd[number]).unwrap();
            let turned = (oddity(number) == Oddity::Turned).then_some(scene.friend);
            let friend = (oddity(number) == Oddity::Friend).then_some(scene.friend);
            assert_eq!((member.target, member.friend), (turned, friend), "{name}");
        }
        for needing in &scene.needing {
            assert!(scene.world.get::<Needs>(*needing).is_none(), "{name}");
        }
        check(&scene.world);
    }
}

#[test]
fn members_that_cannot_be_read_are_read_by_the_next_sync() {
    let mut scene = scene();
    let odd = [0, 63, 64, 65, 200, CROWD - 1].map(|number| scene.crowd[number]);
    for member in odd {
        let mut member = scene.world.get_mut::<Member>(member).unwrap();
        member.bypass_change_detection().panics_when_read = true;
    }

    let Scene {
        world,
        goblin,
        crowd,
        ..
    } = &mut scene;
    let ended = catch_unwind(AssertUnwindSafe(|| world.despawn(*goblin)));
    assert!(ended.is_err());
    let naming = |world: &World, crowd: &[Entity]| {
        let naming = crowd.iter().copied();
        let names = |member: &Entity| world.get::<Member>(*member).unwrap().target == Some(*goblin);
        naming.filter(names).collect::<Vec<_>>()
    };
    assert_eq!(naming(world, crowd), odd);
    for member in odd {
        let mut member = world.get_mut::<Member>(member).unwrap();
        member.bypass_change_detection().panics_when_read = false;
    }
    world.sync_references();

    assert!(naming(world, crowd).is_empty());
    check(world);
}

/// Changes nothing in those that no longer name it.
#[test]
fn only_members_that_let_go_are_marked_changed() {
    let mut scene = scene();
    let since = scene.world.change_tick();
    scene.world.increment_change_tick();
    calm(&mut scene);

    scene.world.despawn(scene.goblin);

    let now = scene.world.change_tick();
    for number in 0..CROWD {
        let member = scene.world.entity(scene.crowd[number]);
        let changed = member.get_change_ticks::<Member>().unwrap();
        let is_changed = changed.is_changed(since, now);
        assert_eq!(is_changed, oddity(number) != Oddity::Turned, "{number}");
    }
}
