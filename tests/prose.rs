//! What comments have to keep to, as far as a machine can tell.
//!
//! The rules are those of `CONTRIBUTING.md`: plain English, an entity is "it", 100 columns.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Words for people, and for numbers without a name. An entity is "it", code is "the caller".
const WORDS: [&str; 7] = [
    "anybody",
    "everybody",
    "nobody",
    "so many",
    "somebody",
    "whoever",
    "whomever",
];

/// The folders with code of this crate.
const FOLDERS: [&str; 5] = ["src", "tests", "examples", "benches", "identity"];

/// How many columns a line has at most.
const WIDTH: usize = 100;

#[test]
fn comments_have_no_words_for_people() {
    let lines = comments();
    let found: Vec<_> = lines.iter().filter(|line| has_word(&line.text)).collect();

    assert!(found.is_empty(), "{}", listed(&found));
}

#[test]
fn comments_are_not_too_wide() {
    let lines = comments();
    let found: Vec<_> = lines.iter().filter(|line| is_wide(&line.text)).collect();

    assert!(found.is_empty(), "{}", listed(&found));
}

// The tests below keep those above from passing because they see nothing.

#[test]
fn comments_are_found() {
    let lines = comments();

    for folder in FOLDERS {
        let is_there = |line: &&Line| line.place.starts_with(folder);
        assert!(lines.iter().filter(is_there).count() > 100, "{folder}");
    }
}

#[test]
fn words_are_seen_as_words() {
    let lines = ["/// Nobody listens.", "// Takes so many steps."];
    let others = ["//! The body of a handler.", "/// so manyfold"];

    assert!(lines.into_iter().all(has_word));
    assert!(!others.into_iter().any(has_word));
}

/// A line of a comment, and where it is.
struct Line {
    place: String,
    text: String,
}

/// Returns `true` if a line is too wide. Rows of tables cannot be broken.
fn is_wide(text: &str) -> bool {
    let is_row = text.trim_start_matches(['/', '!', ' ']).starts_with('|');
    text.chars().count() > WIDTH && !is_row
}

fn has_word(text: &str) -> bool {
    let text = text.to_lowercase();
    WORDS.iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            !before.ends_with(char::is_alphabetic) && !after.starts_with(char::is_alphabetic)
        })
    })
}

fn listed(lines: &[&Line]) -> String {
    let lines = lines.iter();
    let lines = lines.map(|line| format!("\n{}: {}", line.place, line.text.trim()));
    lines.collect()
}

/// Returns the lines that are comments alone, of all files in the folders.
fn comments() -> Vec<Line> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut comments = Vec::new();
    let mut open: Vec<_> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(entries(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().enumerate();
            let lines = lines.filter(|(_, line)| line.trim_start().starts_with("//"));
            comments.extend(lines.map(|(at, line)| Line {
                place: format!("{name}:{}", at + 1),
                text: line.to_owned(),
            }));
        }
    }
    comments
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path())
}
