//! What the derive refuses before it knows types: attributes, unions, and fields without a mark.

/// One method is told.
mod on_lost_twice {
    use bevy_ecs::entity::Entity;
    use qdel::{prelude::*, reference::Lost};

    #[derive(References)]
    #[references(on_lost = Self::mourn)]
    #[references(on_lost = Self::cheer)]
    struct Mob {
        #[entities]
        target: Option<Entity>,
    }

    impl Mob {
        fn mourn(&mut self, _: Lost) {}

        fn cheer(&mut self, _: Lost) {}
    }
}

/// Policies stand at fields.
mod policy_at_the_type {
    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    #[derive(References)]
    #[references(qdel)]
    struct Mob {
        #[entities]
        target: Option<Entity>,
    }
}

/// A field has one policy.
mod two_policies {
    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    #[derive(References)]
    struct Mob {
        #[references(remove, qdel)]
        target: Option<Entity>,
        #[references(deny)]
        #[references(clear)]
        king: Option<Entity>,
        #[references(ignore, clear)]
        home: Option<Entity>,
    }
}

/// A union does not say which of its fields holds.
mod union_of_references {
    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    #[derive(References)]
    union Either {
        #[entities]
        target: Option<Entity>,
        number: u64,
    }
}

/// There are four policies.
mod unknown_policy {
    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    #[derive(References)]
    struct Mob {
        #[references(destroy)]
        target: Option<Entity>,
        #[references(clear = true)]
        friend: Option<Entity>,
        #[references = "qdel"]
        owner: Option<Entity>,
        #[references("deny")]
        king: Option<Entity>,
    }
}

/// A field that names entities is marked, one way or another.
mod undeclared_entities {
    use bevy_ecs::entity::{EntityHashMap, EntityHashSet};
    use bevy_ecs::entity::Entity;
    use qdel::prelude::*;

    #[derive(References)]
    struct Mob {
        bare: Entity,
        target: Option<Entity>,
        friends: Vec<Entity>,
        rage: EntityHashMap<f32>,
        seen: EntityHashSet,
        nearest: (Entity, f32),
        pair: [Option<Entity>; 2],
        name: String,
        #[references(ignore)]
        parent: Entity,
    }

    #[derive(References)]
    enum Mood {
        Angry(Option<bevy_ecs::entity::Entity>),
        Fond { of: Vec<Option<Entity>> },
    }
}

fn main() {}
