//! What a handler is lent, it cannot keep.

/// The listening component is lent for the call.
mod listener_is_kept {
    use std::cell::RefCell;

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

    thread_local! {
        static KEPT: RefCell<Option<&'static mut Mob>> = RefCell::new(None);
    }

    fn keep(mob: &mut Mob, _: Received<Ping>) {
        KEPT.set(Some(mob));
    }

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob::default()).id();
        let _ = world.register_signal(mob, mob, keep);
    }
}

/// Nor does the signal leave with the answer.
mod signal_is_answered {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    struct Ping;

    impl Signal for Ping {
        type Answer = Vec<&'static Ping>;
    }

    #[derive(Component)]
    struct Mob;

    fn give_away(_: &mut Mob, ping: Received<Ping>) -> Vec<&'static Ping> {
        vec![ping.signal()]
    }

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob).id();
        let _ = world.register_signal(mob, mob, give_away);
    }
}

/// The signal is lent for the call.
mod signal_is_kept {
    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    struct Ping;

    impl Signal for Ping {
        type Answer = ();
    }

    #[derive(Component)]
    struct Collector {
        last: Option<Received<'static, Ping>>,
    }

    fn keep(collector: &mut Collector, ping: Received<Ping>) {
        collector.last = Some(ping);
    }

    pub fn main() {
        let mut world = World::new();
        let collector = world.spawn(Collector { last: None }).id();
        let _ = world.register_signal(collector, collector, keep);
    }
}

/// The world is lent for the call.
mod world_is_kept {
    use std::cell::RefCell;

    use bevy_ecs::{prelude::*, world::DeferredWorld};
    use qdel::prelude::*;

    struct Ping;

    impl Signal for Ping {
        type Answer = ();
    }

    #[derive(Component, Default)]
    struct Mob {
        count: u32,
    }

    thread_local! {
        static KEPT: RefCell<Option<DeferredWorld<'static>>> = RefCell::new(None);
    }

    fn keep(world: DeferredWorld, _: Received<Ping, Mob>) {
        KEPT.set(Some(world));
    }

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob::default()).id();
        let _ = world.register_signal(mob, mob, keep);
    }
}

/// The world of a question is lent for the call.
mod world_of_a_question_is_kept {
    use std::cell::RefCell;

    use bevy_ecs::prelude::*;
    use qdel::prelude::*;

    #[derive(Component)]
    struct Blessing;

    thread_local! {
        static KEPT: RefCell<Option<&'static World>> = RefCell::new(None);
    }

    fn keep(world: &World, _: Received<PreQdel, Blessing>) -> QdelVerdict {
        KEPT.set(Some(world));
        QdelVerdict::Allow
    }

    pub fn main() {
        let mut world = World::new();
        let king = world.spawn(Blessing).id();
        let _ = world.register_signal(king, king, keep);
    }
}

/// Nor does a handler borrow what is outside.
mod closure_that_borrows {
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

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob::default()).id();
        let step = 7;
        let _ = world.register_signal(mob, mob, |mob: &mut Mob, _: Received<Ping>| {
            mob.count += step;
        });
    }
}

fn main() {
    closure_that_borrows::main();
    listener_is_kept::main();
    signal_is_answered::main();
    signal_is_kept::main();
    world_is_kept::main();
    world_of_a_question_is_kept::main();
}
