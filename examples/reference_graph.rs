//! A sword is still held in three places, and a drawing shows the holders.
//!
//! Shows: what holds an entity, how a root leads there, and the graph for Graphviz, drawn as SVG.
//!
//! It writes `reference_graph.dot` and `reference_graph.svg` into the directory that it is given,
//! or else into that of temporary files.

#![expect(clippy::print_stdout, reason = "it says where it wrote")]

use std::{env, fs, path::PathBuf};

use bevy_ecs::prelude::*;
use layout::{
    backends::svg::SVGWriter,
    gv::{DotParser, GraphBuilder},
};
use qdel::{ReferenceRoot, prelude::*};

#[derive(Component, References)]
struct Party {
    #[entities]
    members: Vec<Entity>,
}

#[derive(Component, References)]
struct Hands {
    #[entities]
    weapon: Option<Entity>,
}

#[derive(Component, References)]
struct Oath {
    #[references(deny)]
    on: Entity,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new();
    world
        .track_references::<Party>()
        .track_references::<Hands>()
        .track_references::<Oath>();
    let sword = world.spawn(Name::new("sword")).id();
    let weapon = Some(sword);
    let arthur = world.spawn((Name::new("Arthur"), Hands { weapon })).id();
    let bors = world.spawn((Name::new("Bors"), Oath { on: sword })).id();
    let members = vec![arthur, bors];
    world.spawn((Name::new("table"), ReferenceRoot, Party { members }));
    world.spawn((Name::new("gem"), ChildOf(sword)));

    let report = world.find_references(sword);
    assert_eq!(report.place_count(), 3);
    let dot = report.to_dot();

    let mut parser = DotParser::new(&dot);
    let mut builder = GraphBuilder::new();
    builder.visit_graph(&parser.process()?);
    let mut svg = SVGWriter::new();
    builder.get().do_it(false, false, false, &mut svg);
    let svg = svg.finalize();
    assert!(svg.contains("Arthur") && svg.contains("Hands.weapon"));

    let directory = env::args_os()
        .nth(1)
        .map_or_else(env::temp_dir, PathBuf::from);
    for (ending, text) in [("dot", dot), ("svg", svg)] {
        let path = directory.join("reference_graph").with_extension(ending);
        fs::write(&path, text)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
