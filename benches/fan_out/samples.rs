//! The figures of a run, and their medians.

use std::collections::BTreeMap;

use crate::{scenario::Setting, variants::Contender};

/// All figures of a run, by what was measured, each list in the order of the repetitions.
#[derive(Default)]
pub(crate) struct Samples {
    figures: BTreeMap<(Setting, Contender), Vec<f64>>,
}

impl Samples {
    /// Adds the figure of the next repetition.
    pub(crate) fn push(&mut self, setting: Setting, contender: Contender, figure: f64) {
        let key = (setting, contender);
        self.figures.entry(key).or_default().push(figure);
    }

    /// Returns the median figure, if there is any.
    pub(crate) fn median(&self, setting: Setting, contender: Contender) -> Option<f64> {
        median(self.figures.get(&(setting, contender))?.clone())
    }

    /// Returns the median of the ratios of `contender` to `base` within each repetition.
    ///
    /// Returns `None` if one of them was not measured or the base is nothing.
    pub(crate) fn ratio(
        &self,
        setting: Setting,
        contender: Contender,
        base: Contender,
    ) -> Option<f64> {
        median(self.ratios((setting, contender), (setting, base))?)
    }

    /// Returns how many times more a mob costs in the `large` setting than in the `small` one,
    /// relative to `base`: the median within the repetitions.
    pub(crate) fn growth(
        &self,
        [small, large]: [Setting; 2],
        contender: Contender,
        base: Contender,
    ) -> Option<f64> {
        let growths = self.ratios((large, contender), (small, contender))?;
        let of_base = self.ratios((large, base), (small, base))?;
        let relative = growths.iter().zip(of_base).map(|(own, base)| own / base);
        median(relative.collect())
    }

    fn ratios(&self, over: (Setting, Contender), under: (Setting, Contender)) -> Option<Vec<f64>> {
        let over = self.figures.get(&over)?;
        let under = self.figures.get(&under)?;
        let ratios = over.iter().zip(under).map(|(over, under)| over / under);
        Some(ratios.filter(|ratio| ratio.is_finite()).collect())
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    let lower = figures[(figures.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}
