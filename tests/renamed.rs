//! The derive works where the manifest has another name for this crate.
//!
//! No feature changes that, so it is built with one set of them only.

#![cfg(all(feature = "bevy_app", not(feature = "serde")))]

use std::process::Command;

/// R1: `deletion = { package = "qdel" }`, in a crate of the workspace.
#[test]
fn derive_finds_this_crate_by_the_name_that_a_manifest_gives_it() {
    let test = Command::new(env!("CARGO"))
        .args(["test", "--package", "renamed_dependency", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo should be there");

    let said = String::from_utf8_lossy(&test.stdout);
    let complaint = String::from_utf8_lossy(&test.stderr);
    assert!(test.status.success(), "{said}{complaint}");
    assert!(said.contains("1 passed"), "{said}");
}
