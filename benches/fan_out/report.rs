//! A full run: every variant in every repetition, and what came out.

use std::{collections::BTreeMap, fmt::Write};

use comfy_table::Table;

use crate::{
    arguments::{MOBS, Plan},
    chart::is_drawn,
    goal::{goal_legend, goal_tables},
    machine::{machine_class, today},
    measure::{Case, measure_apart},
    samples::Samples,
    scenario::{Scenario, Setting},
    sections::{Section, wanted_sections},
    table::{count, new_table, three_digits},
    variants::Contender,
};

/// Measures what `plan` asks for, and calls `progress` before each repetition with its number.
///
/// Within a repetition the variants take turns, so that a slow minute of the machine hits them all,
/// and each repetition begins with another one.
pub(crate) fn run(plan: &Plan, progress: impl Fn(usize)) -> Samples {
    let mut wanted: BTreeMap<Setting, Vec<Contender>> = BTreeMap::new();
    for section in wanted_sections(plan) {
        for &setting in &section.settings {
            // Two sections may show the same figures, which are measured once.
            let contenders = wanted.entry(setting).or_default();
            let playing = section.contenders.iter();
            contenders.extend(playing.filter(|contender| contender.survives(setting)));
            contenders.sort_unstable();
            contenders.dedup();
        }
    }

    let mut samples = Samples::default();
    for repetition in 0..plan.repetitions {
        progress(repetition);
        for (&setting, contenders) in &wanted {
            // Memory hardly differs from one repetition to the next.
            if setting.scenario == Scenario::Memory && repetition > 0 {
                continue;
            }
            let case = Case {
                setting,
                seed: repetition as u64,
                walk: plan.walk,
            };
            let mut contenders = contenders.clone();
            // There may be none, if only some are wanted.
            let first = repetition % contenders.len().max(1);
            contenders.rotate_left(first);
            for contender in contenders {
                samples.push(setting, contender, measure_apart(contender, &case));
            }
        }
    }
    samples
}

/// Writes the tables of a run as Markdown.
pub(crate) fn report(plan: &Plan, samples: &Samples) -> String {
    let sections = wanted_sections(plan);
    let mut text = introduction(plan);
    write_all(&mut text, "\n## What is compared\n\n");
    let mut contenders: Vec<Contender> = sections
        .iter()
        .flat_map(|section| section.contenders.iter().copied())
        .collect();
    contenders.sort_unstable();
    contenders.dedup();
    for contender in contenders {
        let (name, description) = (contender.name(), contender.description());
        write_all(&mut text, &format!("- `{name}`: {description}\n"));
    }

    // The marks were set for this size.
    if plan.mobs == MOBS {
        let [by_fan_out, single] = goal_tables(samples);
        let legend = goal_legend();
        write_all(&mut text, &format!("\n## Marks\n\n{legend}\n"));
        if plan.results.is_some() {
            write_all(&mut text, "\n![Chart of the marks](marks.svg)\n");
        }
        for table in [by_fan_out, single] {
            if table.row_count() > 0 {
                write_all(&mut text, &format!("\n{table}\n"));
            }
        }
    }

    for section in &sections {
        let (title, unit) = (section.title, section.scenario.unit());
        let description = section.scenario.description();
        let base = section.base.name();
        let table = section_table(section, samples);
        let chart = if plan.results.is_some() && is_drawn(section) {
            format!("![Chart of the table]({}.svg)\n\n", section.file)
        } else {
            String::new()
        };
        write_all(
            &mut text,
            &format!(
                "\n## {title}\n\n{description}.\n\nIn {unit}; in brackets in units of `{base}`.\n\n{chart}{table}\n"
            ),
        );
    }
    text
}

fn introduction(plan: &Plan) -> String {
    let (today, machine) = (today(), machine_class());
    let (mobs, repetitions, walk) = (count(plan.mobs), plan.repetitions, plan.walk);
    format!(
        "# What it costs to tell mobs that their target is deleted\n\n\
         Measured on {today}, on a machine with: {machine}.\n\
         `cargo bench --bench fan_out -- --save` repeats it and writes this file.\n\n\
         {mobs} mobs (or as many as a section says) each pick one of some targets at random. The *fan-out* is how many mobs share \
         a target on average. When a target goes away, each of its mobs must clear its field and count a notice. The ways to achieve that \
         are compared here; all do the same work in the same random order, and each outcome is checked.\n\n\
         Every figure is a median of {repetitions}; every ratio is the median of the ratios within a repetition. Each figure comes \
         from a process of its own, after a walk over {walk} MiB of other memory, and within a repetition the ways take turns. \
         Ratios within 10 % of 1 mean the same; a dash stands for what is not possible.\n"
    )
}

fn section_table(section: &Section, samples: &Samples) -> Table {
    let places = section.settings.iter().map(|&setting| {
        let place = section.axis.place(setting);
        format!("{} {}", section.axis.label(), count(place))
    });
    let mut table = new_table([String::from("variant")].into_iter().chain(places));
    for &contender in &section.contenders {
        let cells = section.settings.iter().map(|&setting| {
            let Some(figure) = samples.median(setting, contender) else {
                return three_digits(None);
            };
            let ratio = samples.ratio(setting, contender, section.base);
            format!("{} ({})", three_digits(Some(figure)), three_digits(ratio))
        });
        table.add_row([format!("`{}`", contender.name())].into_iter().chain(cells));
    }
    table
}

fn write_all(text: &mut String, more: &str) {
    text.write_str(more)
        .expect("a string takes all that is written");
}
