//! Functions that are no handlers, and values that only a deletion makes.

/// A handler finishes before its target is torn down.
mod async_handler {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    struct Ping;

    impl Signal for Ping {
        type Answer = ();
    }

    #[derive(Component, Default)]
    struct Mob {
        count: u32,
    }

    async fn hear(mob: &mut Mob, _: Received<'_, Ping>) {
        mob.count += 1;
    }

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob::default()).id();
        let _ = world.register_signal(mob, mob, hear);
    }
}

/// Only a deletion marks an entity.
mod deleting_by_hand {
    use bevy_ecs::prelude::*;
    use qdel::Deleting;

    pub fn main() {
        let mut world = World::new();
        world.spawn(Deleting {});
    }
}

/// What cannot be written has no handler that writes it.
mod immutable_component {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    struct Ping;

    impl Signal for Ping {
        type Answer = ();
    }

    #[derive(Component)]
    #[component(immutable)]
    struct Statue;

    fn hear(_: &mut Statue, _: Received<Ping>) {}

    pub fn main() {
        let mut world = World::new();
        let statue = world.spawn(Statue).id();
        let _ = world.register_signal(statue, statue, hear);
    }
}

/// Only a deletion says so.
mod own_notice {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    pub fn main() {
        let mut world = World::new();
        let entity = world.spawn_empty().id();
        world.send_signal(
            entity,
            Qdeleting {
                entity,
                cause: QdelCause::Qdel,
                force: false,
            },
        );
    }
}

/// Asking ends no registration: it can only look.
mod veto_for_one_call {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    #[derive(Component)]
    struct Blessing;

    fn protect(_: &Blessing, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }

    pub fn main() {
        let mut world = World::new();
        let king = world.spawn(Blessing).id();
        let _ = world.register_signal_once(king, king, protect);
    }
}

/// A veto can only look at its component.
mod veto_that_writes {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    #[derive(Component)]
    struct Blessing {
        charges: u32,
    }

    fn protect(blessing: &mut Blessing, _: Received<PreQdel>) -> QdelVerdict {
        blessing.charges -= 1;
        QdelVerdict::Veto
    }

    pub fn main() {
        let mut world = World::new();
        let king = world.spawn(Blessing { charges: 1 }).id();
        let _ = world.register_signal(king, king, protect);
    }
}

/// A veto can only look at the world.
mod veto_with_a_deferred_world {
    use bevy_ecs::{prelude::*, world::DeferredWorld};
    use qdel::prelude::*;

    #[derive(Component)]
    struct Blessing;

    fn protect(mut world: DeferredWorld, asked: Received<PreQdel, Blessing>) -> QdelVerdict {
        world.qdel(asked.listener());
        QdelVerdict::Veto
    }

    pub fn main() {
        let mut world = World::new();
        let king = world.spawn(Blessing).id();
        let _ = world.register_signal(king, king, protect);
    }
}

/// A handler answers what its signal asks for.
mod wrong_answer {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    struct Ping;

    impl Signal for Ping {
        type Answer = ();
    }

    #[derive(Component, Default)]
    struct Mob {
        count: u32,
    }

    fn hear(mob: &mut Mob, _: Received<Ping>) -> u32 {
        mob.count
    }

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob::default()).id();
        let _ = world.register_signal(mob, mob, hear);
    }
}

fn main() {
    async_handler::main();
    deleting_by_hand::main();
    immutable_component::main();
    own_notice::main();
    veto_for_one_call::main();
    veto_that_writes::main();
    veto_with_a_deferred_world::main();
    wrong_answer::main();
}
