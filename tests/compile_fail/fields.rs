//! Fields and types that do not say which entities they name, or cannot let go of them.

/// A bare `Entity` by another name, and values that are no better, cannot be emptied.
mod alias_of_an_entity {
    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    type Alias = Entity;

    #[derive(References)]
    struct Mob {
        #[entities]
        target: Alias,
    }

    #[derive(References)]
    struct Pair(#[references] (Entity, f32));

    #[derive(References)]
    struct Array(#[entities] [Entity; 2]);

    #[derive(References)]
    struct Boxed(#[references] Box<Entity>);
}

/// A bare `Entity` cannot be emptied.
mod bare_entity {
    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    #[derive(References)]
    struct Mob {
        #[entities]
        target: Entity,
        #[references(clear)]
        home: bevy_ecs::entity::Entity,
    }

    #[derive(References)]
    enum Mood {
        Angry(#[references] Entity),
        Calm,
    }
}

/// A type whose declaration is wrong gives one error, wherever it is used.
mod bare_entity_of_a_tracked_type {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    #[derive(Component, References)]
    struct Mob {
        #[entities]
        target: Entity,
    }

    #[derive(Component, References)]
    struct Crowd {
        #[entities]
        targets: Option<Entity>,
        #[references]
        mobs: Vec<Mob>,
    }

    pub fn main() {
        let mut world = World::new();
        world.track_references::<Mob>().track_references::<Crowd>();
    }
}

/// A marked field says which entities it names.
mod field_of_an_unknown_type {
    use std::sync::Arc;

    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    struct Opaque;

    #[derive(References)]
    struct Mob {
        #[references]
        opaque: Opaque,
        #[references]
        list: Vec<Opaque>,
        #[entities]
        shared: Arc<Option<Entity>>,
    }
}

/// A field with a policy says which entities it names, too.
mod field_of_an_unknown_type_with_a_policy {
    use qdel::prelude::*;

    struct Opaque;

    #[derive(References)]
    struct Mob {
        #[references(qdel)]
        owner: Opaque,
    }
}

/// What Bevy cannot map is marked with `#[references]`.
mod nested_entities {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    struct Nothing {
        by: Option<Entity>,
    }

    #[derive(References)]
    struct Slot {
        #[entities]
        by: Option<Entity>,
    }

    #[derive(Component, References)]
    struct Mob {
        #[entities]
        slots: Vec<Slot>,
        #[entities]
        nothings: Vec<Nothing>,
    }
}

/// The method that is told takes what was lost.
mod on_lost_of_a_wrong_type {
    use bevy_ecs::entity::Entity;
    use qdel::{prelude::*, reference::Lost};

    #[derive(References)]
    #[references(on_lost = Self::mourn)]
    struct Mob {
        #[entities]
        target: Option<Entity>,
    }

    impl Mob {
        fn mourn(&mut self, _: Vec<Entity>) {}
    }

    #[derive(References)]
    #[references(on_lost = Self::look)]
    struct Eye {
        #[entities]
        target: Option<Entity>,
    }

    impl Eye {
        fn look(self, _: Lost) {}
    }

    #[derive(References)]
    #[references(on_lost = Self::missing)]
    struct Nobody {
        #[entities]
        target: Option<Entity>,
    }
}

/// Only what says which entities it names can be tracked.
mod tracked_without_references {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    #[derive(Component)]
    struct Mob {
        target: Option<Entity>,
    }

    pub fn main() {
        World::new().track_references::<Mob>();
    }
}

fn main() {
    bare_entity_of_a_tracked_type::main();
    tracked_without_references::main();
}
