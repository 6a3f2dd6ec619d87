//! Declared references: setting the field is all, and it never dangles.

use bevy_ecs::prelude::*;
use qdel::{Lost, References, WorldReferencesExt, prelude::*};

#[derive(Component, Default, References)]
#[references(on_lost = Mob::mourn)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references(ignore)]
    mourned: Vec<Vec<Entity>>,
}

impl Mob {
    fn mourn(&mut self, lost: Lost) {
        self.mourned.push(lost.to_vec());
    }
}

#[test]
fn written_field_is_cleared_before_the_tear_down() {
    let mut world = World::new();
    world.track_references::<Mob>();
    let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
    let mob = world.spawn(Mob::default()).id();

    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
    world.get_mut::<Mob>(mob).unwrap().friends = vec![goblin, orc, goblin];
    world.qdel(goblin).unwrap();
    assert_eq!(world.get::<Mob>(mob).unwrap().target, Some(goblin));
    world.flush_qdel();

    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!(at.target, None);
    assert_eq!(at.friends, [orc]);
    assert_eq!(at.mourned, [[goblin]]);
    world.despawn(orc);
    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!(at.friends, []);
    world.check_registrations().unwrap();
}
