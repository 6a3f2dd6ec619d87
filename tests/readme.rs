//! The README stays short enough to be read.

const README: &str = include_str!("../README.md");

#[test]
fn readme_has_at_most_110_lines() {
    let lines = README.lines().count();

    assert!(
        lines <= 110,
        "{lines} lines; move some to a chapter in `src/docs`"
    );
}

#[test]
fn readme_has_at_most_900_words() {
    let words = README.split_whitespace().count();

    assert!(
        words <= 900,
        "{words} words; move some to a chapter in `src/docs`"
    );
}

#[test]
fn readme_has_no_line_over_100_columns() {
    let is_too_long = |line: &&str| line.chars().count() > 100;
    let too_long: Vec<_> = README.lines().filter(is_too_long).collect();

    assert_eq!(too_long, [""; 0]);
}
