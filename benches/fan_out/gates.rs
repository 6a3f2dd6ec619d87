//! Bounds on instructions, which do not depend on what else the machine does.
//!
//! The same program and inputs execute the same instructions, so that these can stop a change where
//! time is too noisy.

use std::{collections::BTreeMap, env, process::Command};

use comfy_table::Table;

use crate::{
    measure::{Case, child},
    scenario::{Scenario, Setting},
    sections::lone_setting,
    table::{new_table, three_digits},
    variants::Contender,
};

/// How far over its mark, or over where it stands, a ratio may be.
const TOLERANCE: f64 = 1.10;

/// What came out of a run of the gates.
pub(crate) struct Counted {
    /// All ratios with their bounds.
    pub(crate) table: Table,
    /// How many ratios are over their bounds.
    pub(crate) over: usize,
}

/// A ratio that may not grow.
struct Gate {
    setting: Setting,
    contender: Contender,
    base: Contender,
    mark: f64,
    /// Where the ratio stands while it is over its mark, so that it grows no further.
    stands: Option<f64>,
}

impl Gate {
    fn standing_at(self, stands: f64) -> Self {
        Self {
            stands: Some(stands),
            ..self
        }
    }

    fn bound(&self) -> f64 {
        self.stands.unwrap_or(self.mark) * TOLERANCE
    }

    fn verdict(&self, ratio: f64) -> &'static str {
        if ratio > self.bound() {
            "over"
        } else if ratio > self.mark * TOLERANCE {
            "held"
        } else {
            "pass"
        }
    }
}

/// Counts the instructions of this crate and of what it is compared with, or returns `None` where
/// there is no valgrind.
///
/// # Panics
///
/// Panics if valgrind fails.
pub(crate) fn count(mobs: usize) -> Option<Counted> {
    let is_there = Command::new("valgrind").arg("--version").output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let mut counts: BTreeMap<(Setting, Contender), u64> = BTreeMap::new();
    let titles = [
        "scenario",
        "fan-out",
        "variant / compared with",
        "instructions a mob",
        "ratio",
        "mark",
        "bound",
        "",
    ];
    let mut table = new_table(titles.map(String::from));
    let mut over = 0;
    for gate in gates(mobs) {
        let [own, base] = [gate.contender, gate.base].map(|contender| {
            let key = (gate.setting, contender);
            *counts
                .entry(key)
                .or_insert_with(|| instructions(gate.setting, contender))
        });
        let ratio = own as f64 / base as f64;
        let bound = gate.bound();
        over += usize::from(ratio > bound);
        let each = |count: u64| count / gate.setting.mobs as u64;
        table.add_row([
            gate.setting.scenario.name(),
            gate.setting.fan_out.to_string(),
            format!("{} / {}", gate.contender.name(), gate.base.name()),
            format!("{} / {}", each(own), each(base)),
            three_digits(Some(ratio)),
            gate.mark.to_string(),
            three_digits(Some(bound)),
            gate.verdict(ratio).into(),
        ]);
    }
    Some(Counted { table, over })
}

/// Counts the instructions of one operation.
fn instructions(setting: Setting, contender: Contender) -> u64 {
    let case = Case {
        setting,
        seed: 0,
        walk: 0,
    };
    let file = env::temp_dir().join(format!("fan_out.{}.callgrind", std::process::id()));
    let wrapper = vec![
        "valgrind".into(),
        "--tool=callgrind".into(),
        "--toggle-collect=*measured_op*".into(),
        format!("--callgrind-out-file={}", file.display()),
    ];
    let output = child(wrapper, contender, &case)
        .output()
        .expect("valgrind should still be there");
    // What was counted also stands in the file, but a bound needs the sum alone.
    let _ = std::fs::remove_file(file);
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} failed in {case:?}: {messages}",
        contender.name()
    );
    let collected = messages
        .lines()
        .find_map(|line| line.split_once("Collected :"));
    let (_, collected) = collected.expect("valgrind should say what it collected");
    collected
        .trim()
        .parse()
        .expect("valgrind should have collected a number")
}

/// The ratios, and what was set as their goal.
fn gates(mobs: usize) -> Vec<Gate> {
    use Contender::{
        Declared, Index, Qdel, QdelBatch, QdelBatchImm, QdelFrame, QdelImm, QdelReq, QdelWorld,
        Raw, RawHidden, RelationSet, Ticks,
    };
    use Scenario::{
        Crowd, DeepDelete, ListenerDelete, MixedDelete, Notify, NotifyDelete, Register, Retarget,
        SpreadDelete, Sync, Topics, Touch, UnheardDelete, WideDelete,
    };

    let gate_in = |setting, contender, base, mark| Gate {
        setting,
        contender,
        base,
        mark,
        stands: None,
    };
    let gate = |scenario, fan_out, contender, base, mark| {
        let setting = Setting {
            scenario,
            mobs,
            fan_out,
        };
        gate_in(setting, contender, base, mark)
    };
    let lone = |scenario, contender, base, mark| {
        gate_in(lone_setting(scenario, mobs), contender, base, mark)
    };
    vec![
        gate(Register, 100, Qdel, Index, 1.45).standing_at(2.0),
        gate(Register, 100, Qdel, RelationSet, 0.45).standing_at(0.5),
        // All targets are marked in one go.
        gate(Register, 1, Declared, Index, 2.05),
        gate(Retarget, 100, Qdel, Index, 1.15).standing_at(1.31),
        gate(Retarget, 100, Declared, Qdel, 1.5),
        gate(Notify, 100, Qdel, Index, 0.60),
        gate(NotifyDelete, 1, Qdel, Index, 0.98).standing_at(1.17),
        gate(NotifyDelete, 100, Qdel, Index, 0.59),
        gate(NotifyDelete, 100, QdelWorld, Index, 2.8).standing_at(3.42),
        gate(SpreadDelete, 100, Qdel, Index, 0.71),
        gate(MixedDelete, 100, Qdel, Index, 0.51),
        gate(Crowd, 8, QdelWorld, Index, 2.8),
        gate(Crowd, 16, QdelWorld, Index, 2.8).standing_at(3.53),
        gate(Topics, 64, Qdel, Index, 1.55),
        gate(NotifyDelete, 100, Qdel, RelationSet, 0.25),
        gate(NotifyDelete, 100, QdelBatch, Index, 0.80),
        // At this fan-out, all targets are heard.
        gate(NotifyDelete, 10, QdelImm, Index, 2.3).standing_at(2.68),
        gate(NotifyDelete, 10, QdelFrame, Index, 2.3).standing_at(2.72),
        gate(NotifyDelete, 10, QdelBatch, Index, 1.75).standing_at(2.29),
        // A declared field costs less to lose than Bevy's own answer to the same wish.
        gate(NotifyDelete, 100, Declared, RelationSet, 1.0),
        gate(ListenerDelete, 100, Qdel, Index, 1.0).standing_at(1.12),
        gate(ListenerDelete, 100, QdelReq, Index, 1.0),
        lone(UnheardDelete, QdelImm, Raw, 1.25).standing_at(1.73),
        lone(UnheardDelete, QdelFrame, Raw, 2.2).standing_at(3.85),
        lone(UnheardDelete, QdelBatch, Raw, 1.6).standing_at(2.81),
        lone(UnheardDelete, QdelBatchImm, Raw, 1.6),
        // What Bevy charges for hiding an entity and despawning it later is a floor under these.
        lone(UnheardDelete, QdelFrame, RawHidden, 1.8),
        lone(UnheardDelete, QdelBatch, RawHidden, 1.6),
        lone(Sync, Declared, Ticks, 1.5),
        lone(Touch, Declared, Ticks, 2.65),
        // Bevy removes `Children` from each owner in a chain when what it owned is gone.
        gate(DeepDelete, 10, QdelImm, Raw, 1.5).standing_at(2.14),
        gate(WideDelete, 10, QdelImm, Raw, 1.5).standing_at(1.85),
    ]
}
