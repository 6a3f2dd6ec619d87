//! An arena in which mobs pick a target, chase it and strike it, and a mob that dies is deleted.
//!
//! Shows four ways to leave no mob with a target that is gone:
//!
//! - `signals`: hunters register and are told;
//! - `references`: the field is declared and nothing else is done;
//! - `polling`: hunters check in each tick;
//! - `bad`: they do none of it, and the finder says what names the dead.
//!
//! ```text
//! cargo run --release --example mob_targeting                    a battle and a calm, in four ways
//! cargo run --example mob_targeting -- --scenario small --trace  the story of eight mobs
//! cargo run --example mob_targeting -- --help
//! ```

mod arena;
mod autopsy;
mod battle;
mod cli;
mod grid;
mod modes;
mod scenario;
mod summary;
mod trace;
mod turns;

use std::{env, io, process::ExitCode};

use indicatif::{ProgressBar, ProgressStyle};

fn main() -> ExitCode {
    let code = cli::run(
        env::args_os(),
        &mut io::stdout().lock(),
        &mut io::stderr(),
        &progress_bar(),
    );
    ExitCode::from(code)
}

/// Returns a bar on stderr, which draws nothing where that is no terminal.
fn progress_bar() -> ProgressBar {
    let style = "{prefix:>8} {wide_bar} tick {human_pos} of {human_len}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template should be well-formed");
    ProgressBar::no_length().with_style(style)
}
