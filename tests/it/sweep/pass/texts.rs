//! What reports say. Ids are replaced by the part that their entity plays.

use std::sync::Arc;

use bevy_ecs::{name::Name, prelude::*, reflect::AppTypeRegistry};
use bevy_reflect::{Reflect, TypePath};
use insta::{assert_snapshot, with_settings};
use qdel::WorldReferencesExt;

use super::{Bond, Mob, Shadow, Stubborn, Vow, despawn_all, plant, spawn_many};

#[derive(Component, Reflect, Default)]
#[reflect(Component)]
struct Mind {
    target: Option<Entity>,
    friends: Vec<Entity>,
}

#[derive(Resource, Reflect)]
#[reflect(Resource)]
struct Boss(Option<Entity>);

/// Reflected in part.
#[derive(Component, Reflect)]
#[reflect(Component)]
struct Purse {
    _coins: Arc<Coins>,
}

#[derive(TypePath)]
struct Coins;

/// Never registered.
#[derive(Component)]
struct Secret(Entity);

#[test]
fn reports_read_well() {
    let mut world = stage();
    let [goblin, orc, elf, plain] = spawn_many(&mut world);
    let archer = world.spawn((Name::new("archer"), Mob::default())).id();
    let wizard = world.spawn(Name::new("wizard")).id();
    let mut says = Says(vec![
        (goblin, "goblin"),
        (orc, "orc"),
        (elf, "elf"),
        (plain, "holder"),
        (archer, "archer"),
        (wizard, "wizard"),
    ]);
    let mut texts = vec![("clean", world.sweep().to_string())];

    world.entity_mut(wizard).insert(Mind {
        target: Some(goblin),
        friends: vec![elf, orc, goblin],
    });
    world.insert_resource(Boss(Some(orc)));
    despawn_all(&mut world, [goblin, orc]);
    let target = Some(goblin);
    plant::<Mob>(&mut world, archer, |mob| mob.target = target);
    texts.push(("only found", world.find_leftovers().to_string()));
    texts.push(("several", world.sweep().to_string()));

    world.entity_mut(plain).insert(Mind {
        target,
        ..Mind::default()
    });
    texts.push(("one", world.sweep().to_string()));

    world.entity_mut(plain).insert(Mind {
        friends: vec![goblin; 21],
        ..Mind::default()
    });
    texts.push(("one more than is shown", world.sweep().to_string()));

    world.entity_mut(plain).insert((
        Vow { to: elf },
        Shadow { of: elf },
        Bond {
            with: Some(elf),
            likes: Some(elf),
        },
        Stubborn(Some(elf)),
    ));
    world
        .entity_mut(wizard)
        .insert(Name::new("wizard\nof the east"));
    texts.push(("left", world.sweep_for([elf]).to_string()));

    let coins = Arc::new(Coins);
    world.entity_mut(plain).insert(Purse { _coins: coins });
    let secrets = [wizard, archer].map(|of| (of, Secret(elf)));
    for (of, secret) in secrets {
        world.entity_mut(of).insert(secret);
        let _ = world.get::<Secret>(of).unwrap().0;
    }
    texts.push(("blind spots", world.sweep().to_string()));

    says.0
        .sort_by_key(|(entity, _)| core::cmp::Reverse(entity.to_string().len()));
    let texts: Vec<_> = texts
        .into_iter()
        .map(|(title, text)| format!("-- {title} --\n{text}"))
        .collect();
    let filters = says.filters();
    let filters: Vec<_> = filters
        .iter()
        .map(|(id, part)| (id.as_str(), part.as_str()))
        .collect();
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!("sweep_reports", texts.join("\n\n"));
    });
}

/// What is said instead of ids.
struct Says(Vec<(Entity, &'static str)>);

impl Says {
    fn filters(&self) -> Vec<(String, String)> {
        let roles = self.0.iter();
        let roles = roles.map(|(entity, role)| (format!(r"\b{entity}\b"), format!("[{role}]")));
        roles
            .chain([
                (r"\b\d+v\d+\b".to_owned(), "[another entity]".to_owned()),
                // Without its feature `debug`, Bevy knows no names.
                (r"\bcomponent \d+\b".to_owned(), "Secret".to_owned()),
            ])
            .collect()
    }
}

fn stage() -> World {
    let mut world = super::stage();
    world.track_references::<Stubborn>();
    let registry = AppTypeRegistry::default();
    {
        let mut registry = registry.write();
        registry.register::<Mob>();
        registry.register::<Mind>();
        registry.register::<Boss>();
        registry.register::<Purse>();
    }
    world.insert_resource(registry);
    world
}
