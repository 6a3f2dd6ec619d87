//! A full run: every variant in every repetition, and what came out.

use std::fmt::Write;

use comfy_table::Table;

use crate::{
    arguments::{MOBS, Plan},
    goal::{goal_legend, goal_table},
    measure::{Case, measure_apart},
    samples::Samples,
    scenario::Scenario,
    table::{new_table, three_digits},
    variants::Contender,
};

/// What every variant is compared with.
const BASES: [Contender; 3] = [Contender::B, Contender::C1, Contender::F1];

/// Measures what `plan` asks for, and calls `progress` before each repetition with its number.
///
/// Within a repetition the variants take turns, so that a slow minute of the machine hits them all,
/// and each repetition begins with another one.
pub(crate) fn run(plan: &Plan, progress: impl Fn(usize)) -> Samples {
    let mut samples = Samples::default();
    for repetition in 0..plan.repetitions {
        progress(repetition);
        for (scenario, fan_out) in possible(plan, repetition) {
            let case = Case {
                scenario,
                mobs: plan.mobs,
                fan_out,
                seed: repetition as u64,
                walk: plan.walk,
            };
            let mut contenders = plan.contenders.clone();
            contenders.rotate_left(repetition % plan.contenders.len());
            for contender in contenders {
                samples.push(
                    scenario,
                    fan_out,
                    contender,
                    measure_apart(contender, &case),
                );
            }
        }
    }
    samples
}

/// Lists what `repetition` measures of each variant.
fn possible(plan: &Plan, repetition: usize) -> impl Iterator<Item = (Scenario, usize)> {
    let pairs = plan.scenarios.iter().flat_map(|&scenario| {
        plan.fan_outs
            .iter()
            .map(move |&fan_out| (scenario, fan_out))
    });
    pairs.filter(move |&(scenario, fan_out)| {
        // Memory hardly differs from one repetition to the next.
        let wanted = scenario != Scenario::Memory || repetition == 0;
        wanted && scenario.is_possible(plan.mobs, fan_out)
    })
}

/// Writes the tables of a run as Markdown.
pub(crate) fn report(plan: &Plan, samples: &Samples) -> String {
    let mut text = format!(
        "# Fan-out\n\n{} mobs, {} repetitions, {} MiB walked before each, one process a figure. Every figure is a median; \
         in brackets the medians of the ratios to b, c1 and f1 within a repetition.\n\n",
        plan.mobs, plan.repetitions, plan.walk
    );
    for contender in &plan.contenders {
        let (name, description) = (contender.name(), contender.description());
        writeln!(text, "- {name}: {description}").expect("a string takes all that is written");
    }
    for &scenario in &plan.scenarios {
        let table = scenario_table(plan, samples, scenario);
        let (name, unit) = (scenario.name(), scenario.unit());
        writeln!(text, "\n## {name}, {unit}\n\n{table}")
            .expect("a string takes all that is written");
    }
    // The marks were set for this size.
    if plan.mobs == MOBS {
        let (legend, table) = (goal_legend(), goal_table(samples));
        writeln!(text, "\n## Goal\n\n{legend}\n\n{table}")
            .expect("a string takes all that is written");
    }
    text
}

fn scenario_table(plan: &Plan, samples: &Samples, scenario: Scenario) -> Table {
    let fan_outs = plan.fan_outs.iter();
    let titles = fan_outs.map(|fan_out| format!("fan-out {fan_out}"));
    let mut table = new_table([String::from("variant")].into_iter().chain(titles));
    for &contender in &plan.contenders {
        let mut row = vec![contender.name()];
        for &fan_out in &plan.fan_outs {
            let Some(figure) = samples.median(scenario, fan_out, contender) else {
                row.push(three_digits(None));
                continue;
            };
            let ratios = BASES
                .map(|base| three_digits(samples.ratio(scenario, fan_out, contender, base)))
                .join(", ");
            row.push(format!("{} ({ratios})", three_digits(Some(figure))));
        }
        table.add_row(row);
    }
    table
}
