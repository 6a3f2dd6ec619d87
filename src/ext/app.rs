//! The verbs on an app.

use bevy_app::App;
use bevy_ecs::component::Component;

use crate::{
    deletion::destroy::Destroy,
    ext::{world_qdel::WorldQdelExt, world_references::WorldReferencesExt},
    reference::reach::TrackedComponent,
};

/// Making types known, on an [`App`].
///
/// A plugin calls these beside `register_type`. Each does what the verb of that name does on the
/// `World` of the app.
pub trait AppQdelExt {
    /// Releases the declared fields of each `C` when the entities that they name go away.
    ///
    /// See [`WorldReferencesExt::track_references`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_app::prelude::*;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component, References)]
    /// struct Archer {
    ///     #[entities]
    ///     target: Option<Entity>,
    /// }
    ///
    /// let mut app = App::new();
    /// app.add_plugins(QdelPlugin::default()).track_references::<Archer>();
    /// let goblin = app.world_mut().spawn_empty().id();
    /// let archer = app.world_mut().spawn(Archer { target: Some(goblin) }).id();
    ///
    /// app.world_mut().qdel(goblin)?;
    ///
    /// assert_eq!(app.world().get::<Archer>(archer).unwrap().target, None);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn track_references<C: TrackedComponent>(&mut self) -> &mut Self;

    /// Calls [`Destroy`] for each `C` whose entity is deleted.
    ///
    /// See [`WorldQdelExt::register_destroy`].
    ///
    /// # Panics
    ///
    /// As [`WorldQdelExt::register_destroy`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_app::prelude::*;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Socket;
    ///
    /// impl Destroy for Socket {
    ///     type Param = ResMut<'static, Open>;
    ///
    ///     fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
    ///         going.param.0 -= 1;
    ///         DestroyHint::Queue
    ///     }
    /// }
    ///
    /// #[derive(Resource)]
    /// struct Open(u32);
    ///
    /// let mut app = App::new();
    /// app.add_plugins(QdelPlugin::default()).register_destroy::<Socket>();
    /// app.insert_resource(Open(1));
    /// let server = app.world_mut().spawn(Socket).id();
    ///
    /// app.world_mut().qdel(server)?;
    ///
    /// assert_eq!(app.world().resource::<Open>().0, 0);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn register_destroy<C: Destroy>(&mut self) -> &mut Self;

    /// Watches for the end of each `C` by a component hook.
    ///
    /// See [`WorldQdelExt::register_listener`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_app::prelude::*;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Mob { target: Option<Entity> }
    ///
    /// impl Mob {
    ///     fn clear_target(&mut self, _: Received<Qdeleting>) {
    ///         self.target = None;
    ///     }
    /// }
    ///
    /// let mut app = App::new();
    /// app.add_plugins(QdelPlugin::default()).register_listener::<Mob>();
    /// let world = app.world_mut();
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    ///
    /// world.despawn(archer);
    ///
    /// assert!(world.registrations_on(goblin).is_empty());
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn register_listener<C: Component>(&mut self) -> &mut Self;

    /// Lets entities with a `C` be listened to as they are, by component hooks.
    ///
    /// See [`WorldQdelExt::register_target`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_app::prelude::*;
    /// use bevy_ecs::prelude::*;
    /// use qdel::{SignalTarget, prelude::*};
    ///
    /// #[derive(Component)]
    /// struct Goblin;
    ///
    /// #[derive(Component)]
    /// struct Mob { target: Option<Entity> }
    ///
    /// impl Mob {
    ///     fn clear_target(&mut self, _: Received<Qdeleting>) {
    ///         self.target = None;
    ///     }
    /// }
    ///
    /// let mut app = App::new();
    /// app.add_plugins(QdelPlugin::default()).register_target::<Goblin>();
    /// let world = app.world_mut();
    /// let goblin = world.spawn(Goblin).id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    /// assert!(!world.entity(goblin).contains::<SignalTarget>());
    ///
    /// world.despawn(goblin);
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn register_target<C: Component>(&mut self) -> &mut Self;

    /// Counts what deletions of entities with an `M` do and cost, apart from the other entities.
    ///
    /// See [`WorldQdelExt::register_qdel_kind`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_app::prelude::*;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Goblin;
    ///
    /// let mut app = App::new();
    /// app.add_plugins(QdelPlugin::default()).register_qdel_kind::<Goblin>();
    /// let goblin = app.world_mut().spawn(Goblin).id();
    ///
    /// app.world_mut().qdel(goblin)?;
    ///
    /// let statistics = app.world().qdel_statistics();
    /// assert_eq!(statistics.kind::<Goblin>().unwrap().counts.deleted, 1);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn register_qdel_kind<M: Component>(&mut self) -> &mut Self;

    /// Leaves components or the resource of type `C` out of sweeps.
    ///
    /// See [`WorldReferencesExt::exclude_from_sweeps`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_app::prelude::*;
    /// use bevy_ecs::prelude::*;
    /// use qdel::{find::BlindReason, prelude::*};
    ///
    /// /// Who killed whom, for the end of the game.
    /// #[derive(Component)]
    /// struct Chronicle(Vec<(Entity, Entity)>);
    ///
    /// let mut app = App::new();
    /// app.add_plugins(QdelPlugin::default()).exclude_from_sweeps::<Chronicle>();
    /// app.world_mut().spawn(Chronicle(Vec::new()));
    ///
    /// let report = app.world_mut().sweep();
    ///
    /// assert_eq!(report.blind_spots[0].reason, BlindReason::LeftOut);
    /// ```
    fn exclude_from_sweeps<C: Component>(&mut self) -> &mut Self;
}

impl AppQdelExt for App {
    fn track_references<C: TrackedComponent>(&mut self) -> &mut Self {
        self.world_mut().track_references::<C>();
        self
    }

    fn register_destroy<C: Destroy>(&mut self) -> &mut Self {
        self.world_mut().register_destroy::<C>();
        self
    }

    fn register_listener<C: Component>(&mut self) -> &mut Self {
        self.world_mut().register_listener::<C>();
        self
    }

    fn register_target<C: Component>(&mut self) -> &mut Self {
        self.world_mut().register_target::<C>();
        self
    }

    fn register_qdel_kind<M: Component>(&mut self) -> &mut Self {
        self.world_mut().register_qdel_kind::<M>();
        self
    }

    fn exclude_from_sweeps<C: Component>(&mut self) -> &mut Self {
        self.world_mut().exclude_from_sweeps::<C>();
        self
    }
}
