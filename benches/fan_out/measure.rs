//! One figure of one variant: play a scenario once in a fresh world, time it, and check what it did.

use std::{
    hint::black_box,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    allocator::bytes_left_by,
    scenario::Scenario,
    scene::Scene,
    variants::{Contender, Variant},
    workload::Workload,
};

/// What is played, and how large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) mobs: usize,
    pub(crate) fan_out: usize,
    pub(crate) seed: u64,
    /// How many MiB of other memory are walked before the operation, so that its caches are cold.
    pub(crate) walk: usize,
}

/// Plays `case` in this process, and returns nanoseconds or bytes for one mob.
///
/// # Panics
///
/// Panics if the world is not as it should be afterwards.
pub(crate) fn measure<V: Variant>(case: &Case) -> f64 {
    let workload = Workload::new(case.mobs, case.fan_out, case.seed);
    let mut scene = Scene::<V>::new(&workload);
    if !matches!(case.scenario, Scenario::Register | Scenario::Memory) {
        scene.register();
    }
    walk_memory(case.walk);

    let figure = if case.scenario == Scenario::Memory {
        bytes_left_by(|| measured_op(&mut scene, case.scenario)) as f64
    } else {
        let start = Instant::now();
        measured_op(&mut scene, case.scenario);
        start.elapsed().as_nanos() as f64
    };

    scene.verify(case.scenario);
    figure / case.mobs as f64
}

/// Plays `case` in a process of its own, so that no variant inherits the heap of another.
///
/// # Panics
///
/// Panics if that process fails, as it does if the world is not as it should be afterwards.
pub(crate) fn measure_apart(contender: Contender, case: &Case) -> f64 {
    let program = std::env::current_exe().expect("the benchmark should know its own program");
    let output = Command::new(program)
        .args(["--callgrind", &case.scenario.name(), &contender.name()])
        .arg(case.fan_out.to_string())
        .args(["--mobs", &case.mobs.to_string()])
        .args(["--walk", &case.walk.to_string()])
        .args(["--seed", &case.seed.to_string()])
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

/// The operation and nothing else: a place for profilers to start and stop counting.
#[inline(never)]
fn measured_op<V: Variant>(scene: &mut Scene<V>, scenario: Scenario) {
    match scenario {
        Scenario::Register | Scenario::Memory => scene.register(),
        Scenario::Retarget => scene.retarget(),
        Scenario::NotifyDelete => scene.notify_delete(),
        Scenario::ListenerDelete => scene.listener_delete(),
    }
}

/// Reads and writes so much memory that nothing else stays in caches of that size.
fn walk_memory(mebibytes: usize) {
    let mut block = vec![1_u64; (mebibytes << 20) / size_of::<u64>()];
    for word in &mut block {
        *word = word.wrapping_mul(3);
    }
    black_box(&block);
}
