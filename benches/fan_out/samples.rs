//! The figures of a run, and their medians.

use std::collections::BTreeMap;

use crate::{scenario::Scenario, variants::Contender};

/// All figures of a run, by what was measured, each list in the order of the repetitions.
#[derive(Default)]
pub(crate) struct Samples {
    figures: BTreeMap<(Scenario, usize, Contender), Vec<f64>>,
}

impl Samples {
    /// Adds the figure of the next repetition.
    pub(crate) fn push(
        &mut self,
        scenario: Scenario,
        fan_out: usize,
        contender: Contender,
        figure: f64,
    ) {
        let key = (scenario, fan_out, contender);
        self.figures.entry(key).or_default().push(figure);
    }

    /// Returns the median figure, if there is any.
    pub(crate) fn median(
        &self,
        scenario: Scenario,
        fan_out: usize,
        contender: Contender,
    ) -> Option<f64> {
        median(self.figures.get(&(scenario, fan_out, contender))?.clone())
    }

    /// Returns the median of the ratios of `contender` to `base` within each repetition.
    ///
    /// Returns `None` if one of them was not measured or the base is nothing.
    pub(crate) fn ratio(
        &self,
        scenario: Scenario,
        fan_out: usize,
        contender: Contender,
        base: Contender,
    ) -> Option<f64> {
        let figures = self.figures.get(&(scenario, fan_out, contender))?;
        let bases = self.figures.get(&(scenario, fan_out, base))?;
        let ratios = figures
            .iter()
            .zip(bases)
            .map(|(figure, base)| figure / base);
        median(ratios.filter(|ratio| ratio.is_finite()).collect())
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    let lower = figures[(figures.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}
