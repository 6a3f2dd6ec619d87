//! What must not compile, and what the compiler says to it.
//!
//! No feature changes that, so it is compiled with one set of them only.

#![cfg(all(feature = "bevy_app", not(feature = "serde")))]

/// S5: a handler captures nothing, finishes at once, and keeps nothing of what it is lent; Q2: a
/// veto can only look.
///
/// The case that passes makes `trybuild` build instead of check: whether a handler has a size is
/// known only then.
///
/// A file holds what one phase of the compiler refuses, each case in a module: it ends after the
/// first phase that finds errors.
#[test]
fn only_handlers_are_handlers() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/pass/*.rs");
    cases.compile_fail("tests/compile_fail/*.rs");
}
