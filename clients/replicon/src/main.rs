//! Whether the clients of a replicon server learn of each entity that goes, in every way to go.
//!
//! Each way has a server and a client of its own, and in the end one server has them all. After
//! each frame, a client must have exactly the entities that the server had when it sent. Prints how
//! many both have in the end, and fails where they differ.

mod ends;
mod ways;

use std::process::ExitCode;

use ends::Ends;
use ways::{WAYS, Way};

fn main() -> ExitCode {
    let mut is_good = true;
    for way in WAYS {
        is_good &= play(way.0, std::slice::from_ref(way));
    }
    is_good &= play("all of them", WAYS);
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays `ways` one after the other, prints what both ends have, and returns `true` if it is as it
/// should be.
fn play(name: &str, ways: &[Way]) -> bool {
    let mut ends = Ends::new();
    ways::prepare(&mut ends);
    let mut expected = 0;
    for (_, way) in ways {
        expected += way(&mut ends);
        ends.ticks(3);
    }
    let (server, clients) = ends.censuses();
    let (dangling, dangling_there) = ends.dangling();
    let counts: Vec<String> = clients.iter().map(|all| all.len().to_string()).collect();
    let counts = counts.join(" and ");
    let mut line = format!("{name:<34}server {}, client {counts}", server.len());
    if ends.most_waiting > 0 {
        line += &format!("; {} waited at most", ends.most_waiting);
    }
    let mut faults = Vec::new();
    if server.len() != expected {
        faults.push(format!("{expected} should be left"));
    }
    if !ends.differing.is_empty() {
        faults.push(format!("{} frames differed", ends.differing.len()));
    }
    if clients.iter().any(|all| *all != server) {
        faults.push("the ends differ".into());
    }
    if dangling + dangling_there > 0 {
        faults.push(format!(
            "{dangling} fields dangle on the server, {dangling_there} on its clients"
        ));
    }
    let is_good = faults.is_empty();
    if !is_good {
        line += &format!(" -- WRONG: {}", faults.join(", "));
    }
    println!("{line}");
    is_good
}
