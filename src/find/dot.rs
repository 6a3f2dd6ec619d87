//! A report as a graph for Graphviz.

use core::fmt::{self, Display, Write};
use std::collections::BTreeMap;

use bevy_ecs::entity::Entity;
use disqualified::ShortName;

use crate::{find::report::ReferenceReport, inspect::label::order, liveness::Liveness};

type Id = (u32, u32);

/// The nodes and edges, in the order in which they are written.
#[derive(Default)]
struct Graph {
    nodes: BTreeMap<Id, Node>,
    edges: BTreeMap<(Id, Id, EdgeKind), Vec<String>>,
}

#[derive(Default)]
struct Node {
    name: String,
    label: String,
    is_target: bool,
    is_root: bool,
    liveness: Option<Liveness>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EdgeKind {
    Reference,
    Registration,
}

impl ReferenceReport {
    /// Returns the report as a graph in the language of Graphviz: the target, its holders with
    /// their chains, and its listeners.
    ///
    /// Each entity is a node, with its id as the name. Roots have a double border, and edges of
    /// registrations are dashed. The graph is well formed for all names of entities.
    ///
    /// # Complexity
    ///
    /// O(n log n) for the number of places and of links in chains.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::WorldReferencesExt;
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn(Name::new("goblin")).id();
    /// let purse = world.spawn(ChildOf(goblin)).id();
    ///
    /// let dot = world.find_references(goblin).to_dot();
    ///
    /// assert!(dot.contains(&format!(r#""{purse}" -> "{goblin}""#)));
    /// ```
    pub fn to_dot(&self) -> String {
        graph(self).to_string()
    }
}

/// Returns the graph of `report`.
fn graph(report: &ReferenceReport) -> Graph {
    let mut graph = Graph::default();
    let target = report.target.entity;
    let node = graph.node(target, &report.target);
    node.is_target = true;
    node.liveness = Some(report.target.liveness);
    for holder in &report.holders {
        let at = holder.label.entity;
        let node = graph.node(at, &holder.label);
        node.is_root |= holder.chain.as_ref().is_some_and(Vec::is_empty);
        node.liveness = Some(holder.label.liveness);
        for place in &holder.places {
            graph.edge(at, target, EdgeKind::Reference, place.to_string());
        }
        let chain = holder.chain.iter().flatten();
        let named = chain.clone().skip(1).map(|link| link.label.entity);
        for (link, named) in chain.zip(named.chain([at])) {
            let node = graph.node(link.label.entity, &link.label);
            node.liveness = Some(link.label.liveness);
            let place = link.place.to_string();
            graph.edge(link.label.entity, named, EdgeKind::Reference, place);
        }
        let root = holder.chain.iter().flatten().next();
        if let Some(root) = root {
            graph.node(root.label.entity, &root.label).is_root = true;
        }
    }
    for registration in &report.registrations {
        let listener = registration.listener;
        let (component, signal) = (
            ShortName(registration.component),
            ShortName(registration.signal),
        );
        let text = format!("{component} listens for {signal}");
        graph.node(listener, &listener);
        graph.edge(listener, target, EdgeKind::Registration, text);
    }
    graph
}

impl Graph {
    /// Returns the node of an entity. Its label is the first that is given for it.
    fn node(&mut self, entity: Entity, label: &dyn Display) -> &mut Node {
        self.nodes.entry(order(entity)).or_insert_with(|| Node {
            name: entity.to_string(),
            label: label.to_string(),
            ..Node::default()
        })
    }

    /// Adds a text to an edge, once.
    fn edge(&mut self, from: Entity, to: Entity, kind: EdgeKind, text: String) {
        let key = (order(from), order(to), kind);
        let texts = self.edges.entry(key).or_default();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
}

impl Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "digraph references {{")?;
        writeln!(f, "    rankdir=LR;")?;
        writeln!(f, "    node [shape=box];")?;
        for node in self.nodes.values() {
            let (name, label) = (Quoted([&node.name]), Quoted([&node.label]));
            write!(f, "    {name} [label={label}")?;
            if node.is_target {
                write!(f, ", style=bold")?;
            }
            if node.is_root {
                write!(f, ", peripheries=2")?;
            }
            match node.liveness {
                Some(Liveness::Deleting) => write!(f, ", color=gray")?,
                Some(Liveness::Gone) => write!(f, ", color=red")?,
                Some(Liveness::Alive) | None => {}
            }
            writeln!(f, "];")?;
        }
        for ((from, to, kind), texts) in &self.edges {
            let (from, to) = (&self.nodes[from].name, &self.nodes[to].name);
            write!(f, "    {} -> {}", Quoted([from]), Quoted([to]))?;
            write!(f, " [label={}", Quoted(texts))?;
            match kind {
                EdgeKind::Reference => writeln!(f, "];")?,
                EdgeKind::Registration => writeln!(f, ", style=dashed];")?,
            }
        }
        writeln!(f, "}}")
    }
}

/// Lines of text in quotes, with escapes.
struct Quoted<T>(T);

impl<T, S> Display for Quoted<T>
where
    T: IntoIterator<Item = S> + Clone,
    S: AsRef<str>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for (index, line) in self.0.clone().into_iter().enumerate() {
            if index > 0 {
                f.write_str("\\n")?;
            }
            for char in line.as_ref().chars() {
                match char {
                    // In a label, a backslash begins an escape, also before letters that have no
                    // meaning.
                    '"' | '\\' => write!(f, "\\{char}")?,
                    _ => f.write_char(char)?,
                }
            }
        }
        f.write_char('"')
    }
}
