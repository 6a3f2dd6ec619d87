//! A server and its clients in one process, over the transport of replicon's tests.

use std::{collections::BTreeMap, time::Duration};

use bevy::{
    ecs::entity_disabling::Disabled, prelude::*, state::app::StatesPlugin, time::TimeUpdateStrategy,
};
use bevy_replicon::{prelude::*, test_app::ServerTestAppExt};
use qdel::{AppQdelExt, QdelPlugin, References};
use serde::{Deserialize, Serialize};

/// By what the ends know each other's entities again.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id(pub u32);

/// What changes on the server while the entity lives.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health(pub i32);

/// A declared reference that is sent: each end lets go of it by itself.
#[derive(Component, Debug, Clone, Copy, Default, Serialize, Deserialize, References)]
pub struct Follows {
    #[entities]
    pub leader: Option<Entity>,
}

/// How long a frame of the server takes.
pub const FRAME: Duration = Duration::from_millis(16);

/// The entities of an end, and their state.
pub type Census = BTreeMap<Id, Health>;

/// A server and its clients.
pub struct Ends {
    pub server: App,
    clients: Vec<App>,
    next_id: u32,
    ticks: u32,
    /// In which ticks a client had others than the server had when it sent.
    pub differing: Vec<u32>,
    /// The most entities that waited for their tear-down.
    pub most_waiting: usize,
}

impl Ends {
    /// Returns a server with one client.
    pub fn new() -> Self {
        let mut server = end();
        server
            .insert_resource(TimeUpdateStrategy::ManualDuration(FRAME))
            .init_resource::<Sent>()
            .init_resource::<Acts>()
            .add_systems(Update, act)
            .add_systems(PostUpdate, note_sent.after(ServerSystems::Send));
        server.finish();
        let mut ends = Self {
            server,
            clients: Vec::new(),
            next_id: 0,
            ticks: 0,
            differing: Vec::new(),
            most_waiting: 0,
        };
        ends.join();
        ends
    }

    /// Connects one more client.
    pub fn join(&mut self) {
        let mut client = end();
        client.finish();
        self.server.connect_client(&mut client);
        self.clients.push(client);
    }

    /// Spawns `count` replicated entities on the server.
    pub fn spawn(&mut self, count: u32) -> Vec<Entity> {
        (0..count).map(|_| self.spawn_with(())).collect()
    }

    /// Spawns a replicated entity on the server.
    pub fn spawn_with(&mut self, bundle: impl Bundle) -> Entity {
        let id = self.take_id();
        let world = self.server.world_mut();
        world.spawn((Replicated, id, Health(100), bundle)).id()
    }

    /// Returns a new id.
    pub fn take_id(&mut self) -> Id {
        self.next_id += 1;
        Id(self.next_id)
    }

    /// Does something in the middle of the next frame of the server, and plays it.
    pub fn act(&mut self, act: impl FnOnce(&mut World) + Send + Sync + 'static) {
        let mut acts = self.server.world_mut().resource_mut::<Acts>();
        acts.0.push(Box::new(act));
        self.tick();
    }

    /// Plays a frame of all ends, and compares them.
    pub fn tick(&mut self) {
        self.ticks += 1;
        self.server.update();
        for client in &mut self.clients {
            self.server.exchange_with_client(client);
            client.update();
            self.server.exchange_with_client(client);
        }
        let sent = self.server.world().resource::<Sent>();
        self.most_waiting = self.most_waiting.max(sent.waiting);
        let sent: Vec<Id> = sent.all.clone();
        for client in &mut self.clients {
            let has: Vec<Id> = census(client.world_mut()).into_keys().collect();
            if has != sent {
                self.differing.push(self.ticks);
                return;
            }
        }
    }

    /// Plays `count` frames.
    pub fn ticks(&mut self, count: u32) {
        for _ in 0..count {
            self.tick();
        }
    }

    /// Returns the entities of the server, and of each client.
    pub fn censuses(&mut self) -> (Census, Vec<Census>) {
        let server = census(self.server.world_mut());
        let clients = self.clients.iter_mut();
        (
            server,
            clients.map(|client| census(client.world_mut())).collect(),
        )
    }

    /// Returns how many fields name an entity that is gone: of the server, and of its clients.
    pub fn dangling(&mut self) -> (usize, usize) {
        let clients = self.clients.iter_mut();
        let of_clients = clients.map(|client| dangling(client.world_mut())).sum();
        (dangling(self.server.world_mut()), of_clients)
    }
}

/// Returns an app with replicon and qdel, which is not finished.
fn end() -> App {
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        StatesPlugin,
        RepliconPlugins.set(ServerPlugin::new(PostUpdate)),
        QdelPlugin::default(),
    ))
    .replicate::<Id>()
    .replicate::<Health>()
    .replicate::<Follows>()
    .replicate::<ChildOf>()
    .track_references::<Follows>();
    app
}

/// Returns the entities of a world, hidden or not.
fn census(world: &mut World) -> Census {
    let mut all = world.query_filtered::<(&Id, &Health), Allow<Disabled>>();
    all.iter(world).map(|(id, health)| (*id, *health)).collect()
}

fn dangling(world: &mut World) -> usize {
    let mut all = world.query::<&Follows>();
    let named = all.iter(world).filter_map(|follows| follows.leader);
    named
        .filter(|leader| !world.entities().contains_spawned(*leader))
        .count()
}

/// What is done in the next frame.
#[derive(Resource, Default)]
struct Acts(Vec<Act>);

type Act = Box<dyn FnOnce(&mut World) + Send + Sync>;

fn act(world: &mut World) {
    for act in core::mem::take(&mut world.resource_mut::<Acts>().0) {
        act(world);
    }
}

/// The entities of the server when it sent, and how many of them waited for their tear-down.
#[derive(Resource, Default)]
struct Sent {
    all: Vec<Id>,
    waiting: usize,
}

fn note_sent(
    all: Query<(&Id, Has<qdel::Deleting>), (With<Replicated>, Allow<Disabled>)>,
    mut sent: ResMut<Sent>,
) {
    sent.all = all.iter().map(|(id, _)| *id).collect();
    sent.all.sort();
    sent.waiting = all.iter().filter(|(_, is_deleting)| *is_deleting).count();
}
