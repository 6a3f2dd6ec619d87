//! One figure of one variant: play a scenario once in a fresh world, time it, and check what it
//! did.

use std::{
    env,
    hint::black_box,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    allocator::bytes_left_by,
    scenario::{Scenario, Setting},
    variants::Contender,
};

/// What is played, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) setting: Setting,
    pub(crate) seed: u64,
    /// How many MiB of other memory are walked before the operation, so that its caches are cold.
    pub(crate) walk: usize,
}

/// A world in which everything is ready for one operation.
pub(crate) trait Stage {
    /// Does what is measured, once.
    fn act(&mut self);

    /// Checks that the world is what the operation should have made of it.
    ///
    /// # Panics
    ///
    /// Panics if it is not.
    fn verify(&self);
}

/// Plays `case` on a `stage` that was built for it, and returns nanoseconds or bytes for one mob.
///
/// # Panics
///
/// Panics if the world is not as it should be afterwards.
pub(crate) fn measure<S: Stage>(case: &Case, mut stage: S) -> f64 {
    walk_memory(case.walk);

    let figure = if case.setting.scenario == Scenario::Memory {
        bytes_left_by(|| measured_op(&mut stage)) as f64
    } else {
        let start = Instant::now();
        measured_op(&mut stage);
        start.elapsed().as_nanos() as f64
    };

    stage.verify();
    figure / case.setting.mobs as f64
}

/// Plays `case` in a process of its own, so that no variant inherits the heap of another.
///
/// # Panics
///
/// Panics if that process fails, as it does if the world is not as it should be afterwards.
pub(crate) fn measure_apart(contender: Contender, case: &Case) -> f64 {
    let output = child(Vec::new(), contender, case)
        .stderr(Stdio::inherit())
        .output()
        .expect("the benchmark should be able to run itself");
    assert!(
        output.status.success(),
        "{} failed in {case:?}",
        contender.name()
    );
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a child should print one number")
}

/// Returns the command that plays `case` in a process of its own, under the program that `wrapper`
/// names, if any.
pub(crate) fn child(wrapper: Vec<String>, contender: Contender, case: &Case) -> Command {
    let program = env::current_exe().expect("the benchmark should know its own program");
    let mut words = wrapper.into_iter().map(Into::into).chain([program.into()]);
    let first: std::ffi::OsString = words.next().expect("there should be a program");
    let mut command = Command::new(first);
    command
        .args(words)
        .args([
            "--callgrind",
            &case.setting.scenario.name(),
            &contender.name(),
        ])
        .arg(case.setting.fan_out.to_string())
        .args(["--mobs", &case.setting.mobs.to_string()])
        .args(["--walk", &case.walk.to_string()])
        .args(["--seed", &case.seed.to_string()]);
    command
}

/// The operation and nothing else: a place for profilers to start and stop counting.
#[inline(never)]
fn measured_op<S: Stage>(stage: &mut S) {
    stage.act();
}

/// Reads and writes enough memory that nothing else stays in caches of that size.
fn walk_memory(mebibytes: usize) {
    let mut block = vec![1_u64; (mebibytes << 20) / size_of::<u64>()];
    for word in &mut block {
        *word = word.wrapping_mul(3);
    }
    black_box(&block);
}
