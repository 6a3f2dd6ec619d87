//! A crate to which `qdel` has another name.

use bevy_ecs::prelude::*;
use deletion::{References, reference::Lost};

/// Has one of each that the derive writes.
#[derive(Component, Debug, PartialEq, References)]
#[references(on_lost = Mob::note)]
pub struct Mob {
    /// Is cleared.
    #[entities]
    pub target: Option<Entity>,
    /// Refuses.
    #[references(deny)]
    pub lord: Option<Entity>,
    /// Is made of others.
    #[references]
    pub moods: Vec<Mood<Entity>>,
    /// How often it heard.
    pub heard: usize,
}

/// A type with a parameter.
#[derive(Debug, PartialEq, References)]
pub enum Mood<T> {
    /// Has a target.
    Angry(#[references] Option<T>),
    /// Has no target.
    Calm,
}

impl Mob {
    fn note(&mut self, lost: Lost<'_>) {
        self.heard += lost.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deletion::prelude::*;

    #[test]
    fn derive_finds_the_crate_by_another_name() {
        let mut world = World::new();
        world.track_references::<Mob>();
        let [goblin, king] = [(), ()].map(|()| world.spawn_empty().id());
        let mob = Mob {
            target: Some(goblin),
            lord: Some(king),
            moods: vec![Mood::Angry(Some(goblin)), Mood::Calm],
            heard: 0,
        };
        let mob = world.spawn(mob).id();

        world.qdel(goblin).unwrap();

        let expected = Mob {
            target: None,
            lord: Some(king),
            moods: vec![Mood::Angry(None), Mood::Calm],
            heard: 1,
        };
        assert_eq!(world.get::<Mob>(mob), Some(&expected));
        assert!(world.qdel(king).is_err());
    }
}
