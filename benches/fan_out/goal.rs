//! The marks that the crate has to reach, and whether it does.
//!
//! The marks are ratios to another variant at 100,000 mobs, or bytes.

use comfy_table::Table;

use crate::{
    arguments::MOBS,
    samples::Samples,
    scenario::{Scenario, Setting},
    sections::{FAN_OUTS, growth_ends, lone_setting},
    table::{count, new_table, three_digits},
    variants::Contender,
};

/// How far over a mark a figure may be and still count as near.
const NEAR: f64 = 1.3;

/// A line of the goal.
struct Goal {
    measure: &'static str,
    marks: Vec<Mark>,
}

/// A figure that may not be larger than `most`.
struct Mark {
    figure: Figure,
    most: f64,
}

/// Something that comes out of a run.
#[derive(Clone, Copy)]
enum Figure {
    /// What the first contender costs in units of the second.
    Ratio(Setting, Contender, Contender),
    /// What the contender costs.
    Amount(Setting, Contender),
    /// How many times more a mob costs in the second setting, for the first contender in units of
    /// the second.
    Growth([Setting; 2], Contender, Contender),
}

/// A figure with its mark, for a chart.
pub(crate) struct Distance {
    pub(crate) label: String,
    /// The figure in units of its mark: at most 1 if the mark is reached.
    pub(crate) relative: f64,
}

/// Returns the crate's figures beside their marks, if they were measured: those by fan-out, and the
/// others.
pub(crate) fn goal_tables(samples: &Samples) -> [Table; 2] {
    let titles = ["measure", "variant / compared with"].map(String::from);
    let fan_outs = FAN_OUTS.map(|fan_out| format!("fan-out {}", count(fan_out)));
    let mut by_fan_out = new_table(titles.iter().cloned().chain(fan_outs));
    for goal in goals_by_fan_out() {
        let cells = FAN_OUTS.map(|fan_out| {
            let mut marks = goal.marks.iter();
            marks.find(|mark| mark.figure.setting().fan_out == fan_out)
        });
        let cells = cells.map(|mark| mark.and_then(|mark| mark.verdict(samples)));
        // A run that was told to measure less has nothing to say about some goals.
        if cells.iter().any(Option::is_some) {
            let cells = cells.map(|cell| cell.unwrap_or_else(|| "-".into()));
            by_fan_out.add_row(
                [goal.measure.into(), goal.subject()]
                    .into_iter()
                    .chain(cells),
            );
        }
    }

    let mut single = new_table(titles.into_iter().chain(["figure".into()]));
    for goal in single_goals() {
        for mark in &goal.marks {
            if let Some(verdict) = mark.verdict(samples) {
                single.add_row([goal.measure.into(), mark.figure.subject(), verdict]);
            }
        }
    }
    [by_fan_out, single]
}

/// Returns how far all figures that were measured are from their marks.
pub(crate) fn distances(samples: &Samples) -> Vec<Distance> {
    let mut distances = Vec::new();
    for (goals, is_by_fan_out) in [(goals_by_fan_out(), true), (single_goals(), false)] {
        for goal in goals {
            for mark in &goal.marks {
                let Some(figure) = mark.figure.read(samples) else {
                    continue;
                };
                let mut label = format!("{}: {}", goal.measure, mark.figure.subject());
                if is_by_fan_out {
                    label += &format!(", fan-out {}", count(mark.figure.setting().fan_out));
                }
                distances.push(Distance {
                    label,
                    relative: figure / mark.most,
                });
            }
        }
    }
    distances
}

/// Returns what the cells of [`goal_tables`] say.
pub(crate) fn goal_legend() -> String {
    format!(
        "What this crate set out to cost at most. Each cell: the measured figure, and in brackets the most that it may be; \
         **pass** if it is at most that, near if it is at most {NEAR} times that, **over** if it is more. `a / b` is the cost of \
         `a` in units of the cost of `b`, as the median of the ratios within the repetitions: below 1, `a` is cheaper."
    )
}

impl Goal {
    fn subject(&self) -> String {
        self.marks
            .first()
            .map(|mark| mark.figure.subject())
            .unwrap_or_default()
    }
}

impl Mark {
    fn verdict(&self, samples: &Samples) -> Option<String> {
        let figure = self.figure.read(samples)?;
        let word = if figure <= self.most {
            "**pass**"
        } else if figure <= self.most * NEAR {
            "near"
        } else {
            "**over**"
        };
        Some(format!(
            "{} ({}) {word}",
            three_digits(Some(figure)),
            self.most
        ))
    }
}

impl Figure {
    fn read(self, samples: &Samples) -> Option<f64> {
        match self {
            Self::Ratio(setting, contender, base) => samples.ratio(setting, contender, base),
            Self::Amount(setting, contender) => samples.median(setting, contender),
            Self::Growth(ends, contender, base) => samples.growth(ends, contender, base),
        }
    }

    fn setting(self) -> Setting {
        match self {
            Self::Ratio(setting, ..) | Self::Amount(setting, _) => setting,
            Self::Growth([_, large], ..) => large,
        }
    }

    fn subject(self) -> String {
        match self {
            Self::Amount(_, contender) => contender.name(),
            Self::Ratio(_, contender, base) | Self::Growth(_, contender, base) => {
                format!("{} / {}", contender.name(), base.name())
            }
        }
    }
}

/// The goals that have a mark for each of some fan-outs.
fn goals_by_fan_out() -> Vec<Goal> {
    use Contender::{
        Declared, Index, Qdel, QdelBatch, QdelReq, QdelWorld, Raw, Relation, RelationSet,
    };
    use Scenario::{ListenerDelete, Memory, Notify, NotifyDelete, Register, Retarget};

    let at = |scenario, fan_out| Setting {
        scenario,
        mobs: MOBS,
        fan_out,
    };
    let goal = |measure, scenario, contender, base, marks: &[f64]| Goal {
        measure,
        marks: FAN_OUTS
            .into_iter()
            .zip(marks)
            .map(|(fan_out, &most)| Mark {
                figure: Figure::Ratio(at(scenario, fan_out), contender, base),
                most,
            })
            .collect(),
    };
    let amounts = |measure, scenario, contender, marks: &[(usize, f64)]| Goal {
        measure,
        marks: marks
            .iter()
            .map(|&(fan_out, most)| Mark {
                figure: Figure::Amount(at(scenario, fan_out), contender),
                most,
            })
            .collect(),
    };
    let one = |measure, scenario, contender, base, fan_out, most| Goal {
        measure,
        marks: vec![Mark {
            figure: Figure::Ratio(at(scenario, fan_out), contender, base),
            most,
        }],
    };

    let mut goals = Vec::new();
    for qdel in [Qdel, QdelReq] {
        goals.push(goal(
            "register",
            Register,
            qdel,
            Index,
            &[1.15, 1.45, 1.6, 1.6],
        ));
        goals.push(goal("retarget", Retarget, qdel, Index, &[1.30, 1.15, 0.50]));
        goals.push(goal(
            "notify and delete",
            NotifyDelete,
            qdel,
            Index,
            &[0.95, 1.10, 0.75, 0.75],
        ));
        goals.push(goal(
            "delete listeners",
            ListenerDelete,
            qdel,
            Raw,
            &[2.1, 1.55, 1.45, 1.45],
        ));
    }
    for relation in [Relation, RelationSet] {
        goals.push(goal(
            "register",
            Register,
            Qdel,
            relation,
            &[0.35, 0.45, 0.40, 0.40],
        ));
        goals.push(goal(
            "notify and delete",
            NotifyDelete,
            Qdel,
            relation,
            &[0.70, 0.25, 0.08, 0.08],
        ));
    }
    goals.push(goal(
        "notify",
        Notify,
        Qdel,
        Index,
        &[0.40, 0.60, 0.60, 0.55],
    ));
    goals.push(goal(
        "notify and delete",
        NotifyDelete,
        QdelBatch,
        Index,
        &[0.80, 1.05, 0.80, 0.80],
    ));
    goals.push(goal(
        "notify and delete",
        NotifyDelete,
        QdelWorld,
        Index,
        &[1.2, 1.8, 2.7, 2.8],
    ));
    goals.push(goal(
        "retarget by writing a declared field, and the sync",
        Retarget,
        Declared,
        Qdel,
        &[1.5, 1.5, 1.5],
    ));
    // Not `QdelReq`, whose lists exist before the counting starts.
    goals.push(amounts(
        "bytes a registration",
        Memory,
        Qdel,
        &[(1, 80.0), (10, 55.0), (1000, 42.0), (100_000, 38.0)],
    ));
    goals.push(goal(
        "stretch: register",
        Register,
        Qdel,
        Index,
        &[1.1, 1.1, 1.1, 1.1],
    ));
    goals.push(one(
        "stretch: notify and delete",
        NotifyDelete,
        Qdel,
        Index,
        10,
        0.85,
    ));
    goals.push(amounts(
        "stretch: bytes a registration",
        Memory,
        Qdel,
        &[(10, 40.0)],
    ));
    goals
}

/// The goals that have one mark.
fn single_goals() -> Vec<Goal> {
    use Contender::{
        Declared, Index, Qdel, QdelBatch, QdelBatchImm, QdelFrame, QdelImm, Raw, Ticks,
    };

    let unheard = lone_setting(Scenario::UnheardDelete, MOBS);
    let ratio = |measure, setting, contender, base, most| Goal {
        measure,
        marks: vec![Mark {
            figure: Figure::Ratio(setting, contender, base),
            most,
        }],
    };
    vec![
        ratio(
            "delete what has no listeners, at once",
            unheard,
            QdelImm,
            Raw,
            1.25,
        ),
        ratio(
            "delete what has no listeners, at the end of the frame",
            unheard,
            QdelFrame,
            Raw,
            2.2,
        ),
        ratio(
            "delete 100,000 entities without listeners in one batch",
            unheard,
            QdelBatch,
            Raw,
            1.6,
        ),
        ratio(
            "the same in one batch that is torn down at once",
            unheard,
            QdelBatchImm,
            Raw,
            1.6,
        ),
        ratio(
            "find 1 % written among 1,000,000 tracked components",
            lone_setting(Scenario::Sync, MOBS),
            Declared,
            Ticks,
            1.5,
        ),
        Goal {
            measure: "growth of a registration's cost from 10,000 to 4,000,000 mobs, fan-out 10",
            marks: vec![Mark {
                figure: Figure::Growth(growth_ends(Scenario::Register, MOBS), Qdel, Index),
                most: 1.15,
            }],
        },
    ]
}
