//! Tests that may end their process.

use std::{env, process::Command, thread};

/// Set in a process that was started for one test.
const ALONE: &str = "QDEL_TEST_ALONE";

/// Runs `work`, the body of `test` in `module`, in a process that may die of it. Its stack is so
/// small that no recursion gets far.
///
/// `module` is the `module_path!()` of the test.
pub(crate) fn in_a_process_of_its_own(
    module: &str,
    test: &str,
    work: impl FnOnce() + Send + 'static,
) {
    if env::var_os(ALONE).is_some() {
        return on_a_small_stack(work);
    }
    let (_, module) = module
        .split_once("::")
        .expect("a test should be in a module of its binary");
    let process = Command::new(env::current_exe().unwrap())
        .args([&format!("{module}::{test}"), "--exact"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&process.stdout);
    let complaint = String::from_utf8_lossy(&process.stderr);
    assert!(process.status.success(), "{complaint}");
    assert!(said.contains("1 passed"), "{said}");
}

/// Runs `work` on a stack on which no recursion gets far.
pub(crate) fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(512 * 1024).spawn(work);
    thread.unwrap().join().unwrap();
}
