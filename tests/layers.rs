//! The layers of the source: who may name whom.
//!
//! Floors from low to high: see `LAYERS`. A lower floor never names a higher one, except in its
//! comments, and but for what `CLIMBS` lists. `lib.rs` stands outside: it names all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const LAYERS: [&[&str]; 15] = [
    &[
        "error",
        "deleting",
        "hash",
        "hint",
        "panics",
        "parallel",
        "registration",
        "relationship",
        "text",
    ],
    &["books"],
    &["signal"],
    &["liveness"],
    &["weak"],
    &["reference"],
    &["timers"],
    &["inspect"],
    &["find", "sweep"],
    &["statistics"],
    &["deletion"],
    &["ext"],
    &["testing"],
    &["plugin"],
    &["diagnostics"],
];

/// Files that name a room of a higher floor. There are none, and there should be none.
const CLIMBS: [(&str, &str); 0] = [];

/// Files of one room that name each other in a circle, each list with its reason. There are none.
const CIRCLES: [(&str, &[&str]); 0] = [];

/// More lines of code than this, and a file is about two things.
const LONGEST: usize = 400;

#[test]
fn every_module_has_a_layer() {
    let without: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.module[0] != "lib" && layer_of(&source.module[0]).is_none())
        .map(|source| source.name)
        .collect();

    assert_eq!(without, [""; 0], "add them to `LAYERS`");
}

#[test]
fn lower_layers_never_name_higher_ones() {
    let sources = sources();

    let mut climbs = Vec::new();
    let mut known = BTreeSet::new();
    for source in sources.iter().filter(|source| source.module[0] != "lib") {
        let own = layer_of(&source.module[0]);
        for name in source.names_from_the_root() {
            if layer_of(&name) <= own {
                continue;
            }
            let climb = (source.name.as_str(), name.as_str());
            match CLIMBS.iter().find(|known| **known == climb) {
                Some(climb) => drop(known.insert(*climb)),
                None => climbs.push(format!("{} names `{name}`", source.name)),
            }
        }
    }

    assert_eq!(climbs, [""; 0]);
    assert_eq!(known, BTreeSet::from(CLIMBS), "take them off the list");
}

#[test]
fn files_of_a_room_name_each_other_one_way() {
    let circles = circles(&sources());

    let allowed = CIRCLES.map(|(_, files)| files.iter().map(ToString::to_string).collect());
    assert_eq!(circles, BTreeSet::from_iter(allowed));
}

#[test]
fn only_the_deletion_layer_despawns() {
    let elsewhere: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.module[0] != "deletion" && despawns(&source.code))
        .map(|source| source.name)
        .collect();

    assert_eq!(elsewhere, [""; 0]);
}

#[test]
fn no_file_has_too_many_lines_of_code() {
    let is_code = |line: &&str| !line.trim().is_empty();
    let is_too_long = |source: &Source| source.code.lines().filter(is_code).count() > LONGEST;
    let too_long: Vec<_> = sources()
        .into_iter()
        .filter(is_too_long)
        .map(|source| source.name)
        .collect();

    assert_eq!(too_long, [""; 0], "which noun is hiding there?");
}

// The tests below keep those above from passing because they see nothing.

#[test]
fn sources_are_found() {
    let sources = sources();

    for module in LAYERS.into_iter().flatten() {
        let is_of_module = |source: &&Source| source.module[0] == *module;
        assert!(
            sources.iter().any(|source| is_of_module(&source)),
            "no file of {module}"
        );
    }
}

#[test]
fn names_of_lower_layers_are_seen() {
    let sources = sources();

    let plugin = sources
        .iter()
        .find(|source| source.module == ["plugin"])
        .unwrap();
    let names = plugin.names_from_the_root();

    assert!(names.contains(&"deletion".to_owned()), "{names:?}");
}

#[test]
fn paths_begin_with_a_module() {
    let mut others = Vec::new();
    for source in sources() {
        let names = source.names_from_the_root().into_iter();
        let others_here = names.filter(|name| layer_of(name).is_none());
        if source.module[0] != "lib" {
            others.extend(others_here.map(|name| format!("{} names `{name}`", source.name)));
        }
    }

    assert_eq!(others, [""; 0], "name the file that defines it");
}

#[test]
fn names_are_seen_in_every_kind_of_path() {
    let code = r#"
        use crate::{deletion::{WorldQdelExt, queue::Qdel}, signal, WeakEntity as Handle};
        use super::super::plugin::QdelPlugin;
        use super::books::Books;
        pub(crate) fn f(_: &crate::error::QdelError) { crate::deleting::mark::<crate::SignalTarget>() }
    "#;
    let source = Source::new("signal/list.rs".to_owned(), code);

    let mut names = source.names_from_the_root();
    names.sort_unstable();

    let expected = [
        "SignalTarget",
        "WeakEntity",
        "deleting",
        "deletion",
        "error",
        "plugin",
        "signal",
    ];
    assert_eq!(names, expected);
}

#[test]
fn circles_are_seen() {
    let sources = [
        ("signal/a.rs", "use crate::signal::{b::B, c};"),
        (
            "signal/b.rs",
            "use crate::signal; fn f() { signal::a::g() }",
        ),
        ("signal/c.rs", "use crate::books::table::Table;"),
        ("signal/mod.rs", ""),
    ];
    let sources = sources.map(|(name, code)| Source::new(name.to_owned(), code));

    let circles = circles(&sources);

    let expected = BTreeSet::from(["signal/a.rs", "signal/b.rs"].map(str::to_owned));
    assert_eq!(circles, BTreeSet::from([expected]));
}

#[test]
fn comments_and_strings_are_no_code() {
    let source = r####"
        //! crate::a
        /* crate::b /* .despawn( */ crate::c */
        let a: &'static str = "crate::d \" // .despawn(";
        let b = r#"crate::e " .despawn("#;
        let c = ('"', '\'', b'/', 'x'); // '
        code(a);
    "####;

    let code = code_of(source);

    assert!(
        !code.contains("crate") && !code.contains("despawn"),
        "{code}"
    );
    assert!(
        code.contains("&'static str") && code.contains("code(a);"),
        "{code}"
    );
}

#[test]
fn calls_that_despawn_are_seen() {
    let calls = [
        "world.despawn(entity)",
        "commands.entity(entity).try_despawn();",
        "World::despawn(world, entity)",
        "entity\n    .despawn_children()",
        "world.despawn_all::<With<Mob>>()",
    ];
    let others = [
        "on_despawn = dispatch::tell_of_despawn",
        "fn despawn(&mut self)",
        "tell_of_despawn(world)",
        "On<Despawn<Mob>>",
    ];

    assert!(calls.into_iter().all(despawns));
    assert!(!others.into_iter().any(despawns));
}

/// A file of the crate.
struct Source {
    /// Its path below `src`.
    name: String,
    /// The module that it is.
    module: Vec<String>,
    /// What it says, without comments and strings.
    code: String,
}

impl Source {
    fn new(name: String, text: &str) -> Self {
        let stem = name.strip_suffix(".rs").unwrap_or(&name);
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        Self {
            module: stem.split('/').map(str::to_owned).collect(),
            code: code_of(text),
            name,
        }
    }

    /// Returns the full paths that begin at the root of the crate, and those that begin with a
    /// module that is imported.
    fn paths_from_the_root(&self, modules: &BTreeMap<String, String>) -> Vec<String> {
        let mut paths = Vec::new();
        for (at, start) in self.code.match_indices("crate::") {
            if !self.code[..at].ends_with(is_of_name) {
                add_paths("", &self.code[at + start.len()..], &mut paths);
            }
        }
        for module in paths.clone() {
            let (_, name) = module.rsplit_once("::").unwrap_or(("", &module));
            let is_module = modules.contains_key(&module);
            let name = format!("{name}::");
            for (at, start) in self.code.match_indices(&name).filter(|_| is_module) {
                let before = &self.code[..at];
                if !before.ends_with(is_of_name) && !before.ends_with(':') {
                    let rest = &self.code[at + start.len()..];
                    add_paths(&format!("{module}::"), rest, &mut paths);
                }
            }
        }
        paths
    }

    /// Returns the first names of all paths that begin at the root of the crate.
    fn names_from_the_root(&self) -> Vec<String> {
        let to_root = "super::".repeat(self.module.len());
        let mut names = Vec::new();
        for start in ["crate::", &to_root] {
            for (at, _) in self.code.match_indices(start) {
                let is_whole = !self.code[..at].ends_with(is_of_name);
                if is_whole {
                    names.extend(first_names(&self.code[at + start.len()..]));
                }
            }
        }
        names
    }
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Adds the path that `text` begins with, or all paths of a tree of imports.
fn add_paths(start: &str, text: &str, paths: &mut Vec<String>) -> usize {
    let mut path = start.to_owned();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let rest = rest.trim_start();
        at = text.len() - rest.len();
        if rest.starts_with('{') {
            at += 1;
            loop {
                at += add_paths(&path, &text[at..], paths);
                let rest = text[at..].trim_start();
                at = text.len() - rest.len();
                match rest.chars().next() {
                    Some(',') => at += 1,
                    Some('}') => return at + 1,
                    _ => return at,
                }
                if text[at..].trim_start().starts_with('}') {
                    continue;
                }
            }
        }
        let name: String = rest.chars().take_while(|char| is_of_name(*char)).collect();
        at += name.len();
        if name != "self" {
            path.push_str(&name);
        }
        let rest = &text[at..];
        if rest.starts_with("::") && !rest.starts_with("::<") {
            path.push_str("::");
            at += 2;
            continue;
        }
        if !name.is_empty() {
            paths.push(path.trim_end_matches("::").to_owned());
        }
        if let Some(alias) = rest.strip_prefix(" as ") {
            at += 4 + alias.chars().take_while(|char| is_of_name(*char)).count();
        }
        return at;
    }
}

/// Returns the files that name each other in a circle, room by room.
fn circles(sources: &[Source]) -> BTreeSet<BTreeSet<String>> {
    let modules: BTreeMap<_, _> = sources
        .iter()
        .map(|source| (source.module.join("::"), source.name.clone()))
        .collect();
    let mut named: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        let names = named.entry(&source.name).or_default();
        for path in source.paths_from_the_root(&modules) {
            let mut module = path.as_str();
            while !modules.contains_key(module) && !module.is_empty() {
                module = module.rsplit_once("::").map_or("", |(module, _)| module);
            }
            let is_of_room = module.split("::").next() == Some(&source.module[0]);
            names.extend(
                modules
                    .get(module)
                    .filter(|_| is_of_room)
                    .map(String::as_str),
            );
        }
    }
    // Whom each file names by way of others.
    loop {
        let before: usize = named.values().map(BTreeSet::len).sum();
        for file in named.keys().copied().collect::<Vec<_>>() {
            let further: BTreeSet<_> = named[file]
                .iter()
                .flat_map(|next| named[next].iter().copied())
                .collect();
            named.get_mut(file).unwrap().extend(further);
        }
        if named.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let circle = |file: &str| {
        let of_circle = named[file]
            .iter()
            .filter(|other| named[*other].contains(file));
        of_circle.map(ToString::to_string).collect::<BTreeSet<_>>()
    };
    let circles = named.keys().map(|file| circle(file));
    circles.filter(|circle| circle.len() > 1).collect()
}

/// Returns the name that `path` begins with, or the names, if it begins with a group.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| {
        text.trim_start()
            .split(|at| !is_of_name(at))
            .next()
            .unwrap()
            .to_owned()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut names = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if char == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Tells whether a method or function is called whose name begins with (`try_`)`despawn`.
fn despawns(code: &str) -> bool {
    code.match_indices("despawn").any(|(at, _)| {
        let before = &code[..at];
        let before = before.strip_suffix("try_").unwrap_or(before);
        let after = code[at..].trim_start_matches(is_of_name);
        let is_called = after.starts_with('(') || after.starts_with("::<");
        is_called && (before.ends_with('.') || before.ends_with("::"))
    })
}

fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Returns `text` without its comments, and with its strings and characters empty.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = after_block_comment(rest);
        } else if let Some(inside) = rest.strip_prefix('"') {
            rest = after_string(inside);
            code.push_str("\"\"");
        } else if let Some(after) = after_raw_string(rest)
            && !code.ends_with(is_of_name)
        {
            rest = after;
            code.push_str("\"\"");
        } else if let Some(after) = after_character(rest) {
            rest = after;
            code.push_str("' '");
        } else {
            code.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    code
}

fn after_block_comment(text: &str) -> &str {
    let mut depth = 0;
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if rest.is_empty() {
            return rest;
        } else if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return &text[at..];
            }
        } else {
            at += rest.chars().next().map_or(0, char::len_utf8);
        }
    }
}

/// Returns what follows a string, from behind its opening mark.
fn after_string(text: &str) -> &str {
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => {
                chars.next();
            }
            '"' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

fn after_raw_string(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('r')?;
    let opened = inside.trim_start_matches('#');
    let hashes = &inside[..inside.len() - opened.len()];
    let inside = opened.strip_prefix('"')?;
    let end = format!("\"{hashes}");
    let at = inside.find(&end)?;
    Some(&inside[at + end.len()..])
}

/// Returns what follows a character literal, and nothing for a lifetime.
fn after_character(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escaped) = inside.strip_prefix('\\') {
        let end = escaped
            .char_indices()
            .skip(1)
            .find(|(_, char)| *char == '\'')?;
        return Some(&escaped[end.0 + 1..]);
    }
    let mut chars = inside.chars();
    chars.next()?;
    chars.as_str().strip_prefix('\'')
}

/// Reads all files of the crate.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut waiting = vec![root.clone()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy();
                let name = name.replace('\\', "/");
                sources.push(Source::new(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    sources
}
