//! A registration has no room for a value: a handler captures nothing.

/// The same for handlers that take the world.
mod closure_of_the_world_that_captures {
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

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob::default()).id();
        let friend = world.spawn(Mob::default()).id();
        let help = move |mut world: DeferredWorld, _: Received<Ping, Mob>| {
            world.get_mut::<Mob>(friend).unwrap().count += 1;
        };
        let _ = world.register_signal(mob, mob, help);
    }
}

/// What a handler needs stands in its component.
mod closure_that_captures {
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
        let _ = world.register_signal(mob, mob, move |mob: &mut Mob, _: Received<Ping>| {
            mob.count += step;
        });
    }
}

/// By command as well.
mod command_that_captures {
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
        let handler = move |mob: &mut Mob, _: Received<Ping>| mob.count += step;
        world.commands().entity(mob).register_signal(mob, handler);
    }
}

/// A pointer to a function is a value: a registration has no room for it.
mod function_pointer {
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

    fn hear(mob: &mut Mob, _: Received<Ping>) {
        mob.count += 1;
    }

    pub fn main() {
        let mut world = World::new();
        let mob = world.spawn(Mob::default()).id();
        let handler: fn(&mut Mob, Received<Ping>) = hear;
        let _ = world.register_signal(mob, mob, handler);
    }
}

fn main() {
    closure_of_the_world_that_captures::main();
    closure_that_captures::main();
    command_that_captures::main();
    function_pointer::main();
}
