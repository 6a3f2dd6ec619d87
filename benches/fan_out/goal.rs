//! The marks that the crate has to reach, and whether it does.
//!
//! The marks are ratios to another variant at 100,000 mobs, or bytes, one for each of the four [`FAN_OUTS`].

use comfy_table::Table;

use crate::{
    arguments::FAN_OUTS,
    samples::Samples,
    scenario::Scenario,
    table::{new_table, three_digits},
    variants::Contender,
};

/// How far over a mark a figure may be and still count as near.
const NEAR: f64 = 1.3;

/// One line of the goal.
struct Goal {
    scenario: Scenario,
    contender: Contender,
    against: Against,
    /// By fan-out; `None` where the scenario is not possible.
    marks: [Option<f64>; FAN_OUTS.len()],
}

/// What a mark is relative to.
#[derive(Clone, Copy)]
enum Against {
    Contender(Contender),
    Nothing,
}

/// Returns the crate's figures beside their marks, as far as they were measured.
pub(crate) fn goal_table(samples: &Samples) -> Table {
    let titles = ["measure", "variant / against"].map(String::from);
    let fan_outs = FAN_OUTS.map(|fan_out| format!("fan-out {fan_out}"));
    let mut table = new_table(titles.into_iter().chain(fan_outs));
    for goal in goals() {
        let verdicts = FAN_OUTS.into_iter().zip(goal.marks).map(|(fan_out, mark)| {
            let figure = goal.figure(samples, fan_out)?;
            Some(verdict(figure, mark?))
        });
        let verdicts: Vec<Option<String>> = verdicts.collect();
        // A run that was told to measure less has nothing to say about some goals.
        if verdicts.iter().any(Option::is_some) {
            let cells = verdicts
                .into_iter()
                .map(|cell| cell.unwrap_or_else(|| "-".into()));
            table.add_row(
                [goal.scenario.name(), goal.subject()]
                    .into_iter()
                    .chain(cells),
            );
        }
    }
    table
}

/// Returns what the cells of [`goal_table`] say.
pub(crate) fn goal_legend() -> String {
    format!(
        "Each cell: figure (mark, {NEAR} x mark) and pass for at most the mark, near for at most {NEAR} x mark, over \
         for more. The marks against flecs and a bare array, for a batch call and for telling alone are not measured here."
    )
}

impl Goal {
    fn subject(&self) -> String {
        match self.against {
            Against::Contender(base) => format!("{} / {}", self.contender.name(), base.name()),
            Against::Nothing => self.contender.name(),
        }
    }

    fn figure(&self, samples: &Samples, fan_out: usize) -> Option<f64> {
        match self.against {
            Against::Contender(base) => samples.ratio(self.scenario, fan_out, self.contender, base),
            Against::Nothing => samples.median(self.scenario, fan_out, self.contender),
        }
    }
}

fn verdict(figure: f64, mark: f64) -> String {
    let near = mark * NEAR;
    let word = if figure <= mark {
        "pass"
    } else if figure <= near {
        "near"
    } else {
        "over"
    };
    let [figure, near] = [figure, near].map(|number| three_digits(Some(number)));
    format!("{figure} ({mark}, {near}) {word}")
}

fn goals() -> Vec<Goal> {
    use Contender::{B, C1, F1, F2, Qdel, QdelReq, QdelWorld};
    use Scenario::{ListenerDelete, Memory, NotifyDelete, Register, Retarget};

    let against = |scenario, contender, base, marks: [f64; FAN_OUTS.len()]| Goal {
        scenario,
        contender,
        against: Against::Contender(base),
        marks: marks.map(Some),
    };
    let mut goals = Vec::new();
    for qdel in [Qdel, QdelReq] {
        goals.push(against(NotifyDelete, qdel, C1, [0.95, 1.10, 0.75, 0.75]));
        for relationship in [F1, F2] {
            let marks = [0.70, 0.25, 0.08, 0.08];
            goals.push(against(NotifyDelete, qdel, relationship, marks));
        }
        goals.push(against(Register, qdel, C1, [1.15, 1.45, 1.6, 1.6]));
        for relationship in [F1, F2] {
            let marks = [0.35, 0.45, 0.40, 0.40];
            goals.push(against(Register, qdel, relationship, marks));
        }
        goals.push(Goal {
            scenario: Retarget,
            contender: qdel,
            against: Against::Contender(C1),
            marks: [Some(1.30), Some(1.15), Some(0.50), None],
        });
        goals.push(against(ListenerDelete, qdel, B, [2.1, 1.55, 1.45, 1.45]));
    }
    // Not `QdelReq`, whose lists exist before the counting starts.
    goals.push(Goal {
        scenario: Memory,
        contender: Qdel,
        against: Against::Nothing,
        marks: [80.0, 55.0, 42.0, 38.0].map(Some),
    });
    goals.push(against(NotifyDelete, QdelWorld, C1, [1.2, 1.8, 2.7, 2.8]));
    goals
}
