//! The tables of a run as pictures.

use std::{error::Error, path::Path};

use plotters::{
    coord::types::RangedCoordf64,
    prelude::{
        BLACK, Cartesian2d, ChartBuilder, ChartContext, Circle, Color, IntoDrawingArea,
        IntoLogRange, LineSeries, PathElement, RGBColor, Rectangle, SVGBackend, Text, WHITE,
    },
};

use crate::{goal::Distance, samples::Samples, sections::Section, variants::Contender};

/// Draws a line for each variant of a section, both axes by powers of ten.
///
/// Variants that were not measured, or cost nothing, have none.
pub(crate) fn draw_section(
    section: &Section,
    samples: &Samples,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut lines: Vec<(Contender, Vec<(f64, f64)>)> = section
        .contenders
        .iter()
        .map(|&contender| {
            let points = section.settings.iter().filter_map(|&setting| {
                let figure = samples.median(setting, contender)?;
                (figure > 0.0).then(|| (section.axis.place(setting) as f64, figure))
            });
            (contender, points.collect())
        })
        .collect();
    let points = || lines.iter().flat_map(|(_, points)| points);
    let range = |numbers: &mut dyn Iterator<Item = f64>| {
        numbers.fold((f64::MAX, f64::MIN), |(low, high), number| {
            (low.min(number), high.max(number))
        })
    };
    let (left, right) = range(&mut points().map(|point| point.0));
    let (low, high) = range(&mut points().map(|point| point.1));
    if left >= right {
        return Ok(());
    }

    let picture = SVGBackend::new(file, (920, 560)).into_drawing_area();
    picture.fill(&WHITE)?;
    let (area, key) = picture.split_horizontally(780);
    let mut chart = ChartBuilder::on(&area)
        .caption(section.title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (left..right * 1.02).log_scale(),
            (low / 1.5..high * 1.5).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc(section.axis.label())
        .y_desc(section.scenario.unit())
        .x_label_formatter(&|number| thousands(*number))
        .y_label_formatter(&|number| thousands(*number))
        .light_line_style(WHITE)
        .draw()?;
    // The names stand in the order of the lines' right ends.
    lines.sort_by(|(_, one), (_, other)| {
        let last = |points: &[(f64, f64)]| points.last().map_or(0.0, |point| point.1);
        last(other).total_cmp(&last(one))
    });
    for (row, (contender, points)) in lines.into_iter().enumerate() {
        let color = color(contender);
        let width = if is_ours(contender) { 3 } else { 1 };
        let dots = points.clone().into_iter();
        chart.draw_series(LineSeries::new(points, color.stroke_width(width)))?;
        chart.draw_series(dots.map(|point| Circle::new(point, 2 + width, color.filled())))?;
        let height = 60 + 20 * row as i32;
        let sample = [(0, height), (22, height)];
        key.draw(&PathElement::new(sample, color.stroke_width(width)))?;
        key.draw(&Circle::new((11, height), 2 + width, color.filled()))?;
        let place = (30, height - 6);
        key.draw(&Text::new(contender.name(), place, ("sans-serif", 13)))?;
    }
    picture.present()?;
    Ok(())
}

/// Draws how far each figure is from its mark, as bars that should end before 1.
pub(crate) fn draw_distances(distances: &[Distance], file: &Path) -> Result<(), Box<dyn Error>> {
    let Some(longest) = distances.iter().map(|it| it.relative).reduce(f64::max) else {
        return Ok(());
    };
    let rows = distances.len();
    let area = SVGBackend::new(file, (1000, 90 + 16 * rows as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let right = longest.max(1.0) * 1.05;
    let mut chart: ChartContext<_, Cartesian2d<RangedCoordf64, RangedCoordf64>> =
        ChartBuilder::on(&area)
            .caption(
                "Figures in units of their marks: a bar that ends before 1 passes",
                ("sans-serif", 18),
            )
            .margin(12)
            .margin_left(450)
            .x_label_area_size(30)
            .build_cartesian_2d(0.0..right, 0.0..rows as f64)?;
    chart.configure_mesh().disable_y_mesh().draw()?;
    for (row, distance) in distances.iter().enumerate() {
        // The first stands on top.
        let bottom = (rows - 1 - row) as f64;
        let color = if distance.relative <= 1.0 {
            RGBColor(60, 140, 90)
        } else {
            RGBColor(200, 80, 60)
        };
        let bar = [(0.0, bottom + 0.2), (distance.relative, bottom + 0.8)];
        chart.draw_series([Rectangle::new(bar, color.filled())])?;
        let middle = chart.backend_coord(&(0.0, bottom + 0.5));
        let place = (8, middle.1 - 6);
        area.draw(&Text::new(
            distance.label.clone(),
            place,
            ("sans-serif", 12),
        ))?;
    }
    let mark = [(1.0, 0.0), (1.0, rows as f64)];
    chart.draw_series(LineSeries::new(mark, BLACK.stroke_width(2)))?;
    area.present()?;
    Ok(())
}

/// Returns `true` if `section` makes a chart worth drawing.
pub(crate) fn is_drawn(section: &Section) -> bool {
    section.settings.len() > 1
}

fn is_ours(contender: Contender) -> bool {
    contender >= Contender::Qdel
}

/// A color of its own for each variant; this crate's are warm.
fn color(contender: Contender) -> RGBColor {
    let (red, green, blue) = match contender {
        Contender::Raw => (0, 0, 0),
        Contender::RawHidden => (60, 60, 60),
        Contender::Index => (31, 119, 180),
        Contender::IndexSet => (120, 180, 220),
        Contender::Observers => (110, 60, 150),
        Contender::Hooks => (23, 170, 190),
        Contender::Relation => (44, 140, 44),
        Contender::RelationSet => (130, 200, 110),
        Contender::Poll => (127, 127, 127),
        Contender::Scan => (180, 180, 180),
        Contender::Ticks => (90, 90, 90),
        Contender::Qdel => (214, 39, 40),
        Contender::QdelWorld => (255, 127, 14),
        Contender::QdelReq => (140, 20, 30),
        Contender::QdelTarget => (190, 60, 90),
        Contender::QdelRegistrar => (255, 90, 60),
        Contender::QdelImm => (240, 110, 110),
        Contender::QdelFrame => (227, 119, 194),
        Contender::QdelBatch => (188, 140, 34),
        Contender::QdelBatchImm => (220, 190, 90),
        Contender::Declared => (140, 86, 75),
        Contender::DeclaredFrame => (200, 150, 130),
    };
    RGBColor(red, green, blue)
}

/// Writes a number of an axis, thousands as k and millions as M.
fn thousands(number: f64) -> String {
    if number >= 1e6 {
        format!("{}M", number / 1e6)
    } else if number >= 1e3 {
        format!("{}k", number / 1e3)
    } else {
        format!("{number}")
    }
}
