//! What the demo, `examples/mob_targeting`, promises.

#![cfg(all(feature = "bevy_time", feature = "bevy_reflect"))]

#[path = "../examples/mob_targeting/arena.rs"]
mod arena;
#[path = "../examples/mob_targeting/autopsy.rs"]
mod autopsy;
#[path = "../examples/mob_targeting/battle.rs"]
mod battle;
#[path = "../examples/mob_targeting/cli.rs"]
mod cli;
#[path = "../examples/mob_targeting/grid.rs"]
mod grid;
#[path = "../examples/mob_targeting/modes.rs"]
mod modes;
#[path = "../examples/mob_targeting/scenario.rs"]
mod scenario;
#[path = "../examples/mob_targeting/summary.rs"]
mod summary;
#[path = "../examples/mob_targeting/trace.rs"]
mod trace;
#[path = "../examples/mob_targeting/turns.rs"]
mod turns;

use std::{collections::HashMap, fs, path::Path};

use bevy_ecs::prelude::{ChildOf, Component};
use indicatif::{HumanCount, ProgressBar};
use insta::{assert_snapshot, with_settings};
use qdel::{
    prelude::{Liveness, LivenessExt, WorldSignalExt},
    signal::Footprint,
};

use arena::{Badge, Item, Mob, Position, Protection};
use battle::Battle;
use modes::Mode;
use scenario::{Overrides, Replacement, Scenario, Source};
use summary::{Comparison, Summary};
use trace::Telling;
use turns::Death;

/// The program's exit code and what it printed.
struct Finished {
    code: u8,
    out: String,
    err: String,
}

fn run(args: &[&str]) -> Finished {
    let args = ["mob_targeting"].iter().chain(args).map(Into::into);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run(args, &mut out, &mut err, &ProgressBar::hidden());
    Finished {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// The shipped large scenario with fewer mobs, so that a debug build is done in a moment.
fn crowd(ticks: u32, seed: u64) -> Scenario {
    let overrides = Overrides {
        mobs: Some(600),
        ticks: Some(ticks),
        seed: Some(seed),
    };
    Scenario::load(&Source::Large, overrides).unwrap()
}

/// The shipped calm scenario with fewer mobs.
fn calm() -> Scenario {
    let overrides = Overrides {
        mobs: Some(600),
        ticks: Some(30),
        seed: None,
    };
    Scenario::load(&Source::Calm, overrides).unwrap()
}

fn pit() -> Scenario {
    Scenario::load(&Source::Small, Overrides::default()).unwrap()
}

fn fought(scenario: &Scenario, mode: Mode) -> Battle {
    let mut battle = Battle::new(scenario, mode, Telling::Story);
    for _ in 0..scenario.ticks {
        battle.tick();
    }
    battle
}

fn summary_of(scenario: &Scenario, mode: Mode) -> Summary {
    fought(scenario, mode).summary()
}

fn hunters(battle: &Battle) -> usize {
    let world = battle.world();
    let mobs = world.try_query::<&Mob>().unwrap();
    mobs.iter_manual(world)
        .filter(|mob| mob.target.is_some())
        .count()
}

/// Counts the living that have a `C`.
fn count_of<C: Component>(battle: &Battle) -> usize {
    let world = battle.world();
    let query = world.try_query::<&C>();
    query.map_or(0, |query| query.iter_manual(world).count())
}

#[test]
fn story_of_the_pit_is_told_in_each_mode() {
    for mode in Mode::ALL {
        let battle = fought(&pit(), mode);

        assert_snapshot!(
            format!("story_of_the_pit_with_{mode}"),
            battle.chronicle().to_string()
        );
    }
}

#[test]
fn signals_leave_no_stale_target_after_any_tick() {
    let scenario = crowd(120, 7);
    let mut battle = Battle::new(&scenario, Mode::Signals, Telling::Silent);

    for tick in 1..=scenario.ticks {
        battle.tick();
        assert_eq!(battle.summary().stale, 0, "after tick {tick}");
    }

    assert!(battle.summary().notices > 100);
}

#[test]
fn polling_has_stale_targets_between_two_ticks() {
    let summary = summary_of(&crowd(60, 7), Mode::Polling);

    assert!(summary.stale_worst > 0);
    assert_eq!(summary.notices, 0);
}

#[test]
fn bad_mode_piles_up_stale_targets() {
    let early = summary_of(&crowd(30, 7), Mode::Bad);
    let late = summary_of(&crowd(90, 7), Mode::Bad);

    assert!(early.stale > 0);
    assert!(late.stale > early.stale);
    assert_eq!((late.notices, late.retargets), (0, 0));
}

#[test]
fn bad_mode_ends_with_who_names_the_dead() {
    let scenario = crowd(90, 7);
    let mut battle = Battle::new(&scenario, Mode::Bad, Telling::Silent);
    for _ in 0..scenario.ticks {
        battle.tick();
    }

    let autopsy = battle.autopsy().unwrap().to_string();

    let stale = HumanCount(battle.summary().stale).to_string();
    let first = autopsy.lines().next().unwrap();
    assert!(first.contains(&format!(" {stale} ")), "{autopsy}");
    with_settings!({ filters => [(r"\d+v\d+", "[id]")] }, { assert_snapshot!(autopsy) });
}

#[test]
fn signals_and_polling_fight_the_same_battle() {
    let scenario = crowd(90, 7);

    let signals = summary_of(&scenario, Mode::Signals);
    let polling = summary_of(&scenario, Mode::Polling);

    assert!(!signals.deaths.is_empty());
    assert_eq!(signals.deaths, polling.deaths);
    assert_eq!(signals.retargets, polling.retargets);
}

#[test]
fn references_fight_the_same_battle_without_a_handler() {
    let scenario = crowd(90, 7);

    let signals = summary_of(&scenario, Mode::Signals);
    let references = summary_of(&scenario, Mode::References);

    assert_eq!(signals.deaths, references.deaths);
    assert_eq!(signals.retargets, references.retargets);
    assert_eq!(references.notices, 0);
}

#[test]
fn calm_is_the_same_in_all_modes_that_learn_of_deaths() {
    let [signals, references, polling, bad] = Mode::ALL.map(|mode| summary_of(&calm(), mode));

    assert!(signals.deaths.len() > 200);
    assert_eq!(signals.deaths, references.deaths);
    assert_eq!(signals.deaths, polling.deaths);
    assert!(signals.retargets > 100);
    assert_eq!(signals.retargets, references.retargets);
    assert_eq!(signals.retargets, polling.retargets);
    assert_eq!((signals.stale_worst, references.stale_worst), (0, 0));
    assert!(polling.stale_worst > 0);
    assert!(bad.stale > polling.stale);
    assert_eq!(bad.retargets, 0);
}

#[test]
fn mobs_stand_where_they_stood_in_the_calm() {
    let places = |battle: &Battle| {
        let world = battle.world();
        let mobs = world.try_query::<(&Badge, &Position)>().unwrap();
        let mobs = mobs.iter_manual(world);
        mobs.map(|(badge, position)| (badge.serial, position.0))
            .collect::<HashMap<_, _>>()
    };
    let mut battle = Battle::new(&calm(), Mode::Signals, Telling::Silent);
    let before = places(&battle);
    for _ in 0..20 {
        battle.tick();
    }

    let after = places(&battle);

    assert!(after.len() < before.len());
    for (serial, place) in after {
        assert_eq!(before[&serial], place);
    }
}

#[test]
fn without_scenario_a_battle_and_a_calm_are_compared() {
    let finished = run(&["--mobs", "200", "--ticks", "5"]);

    assert_eq!((finished.code, &*finished.err), (0, ""));
    let titles = ["The long battle: 200 mobs", "The calm: 200 mobs"];
    assert!(titles.iter().all(|title| finished.out.contains(title)));
    let comparisons = finished.out.matches("the same battle, death for death");
    assert_eq!(comparisons.count(), 2);
}

#[test]
fn references_leave_no_stale_target_after_any_tick() {
    let scenario = crowd(120, 7);
    let mut battle = Battle::new(&scenario, Mode::References, Telling::Silent);

    for tick in 1..=scenario.ticks {
        battle.tick();
        assert_eq!(battle.summary().stale, 0, "after tick {tick}");
        battle.world().check_registrations().unwrap();
    }

    assert!(battle.summary().deaths.len() > 100);
}

#[test]
fn same_seed_is_the_same_battle_and_another_seed_is_not() {
    let first = fought(&crowd(60, 7), Mode::Signals);
    let again = fought(&crowd(60, 7), Mode::Signals);
    let other = fought(&crowd(60, 8), Mode::Signals);

    assert_eq!(first.summary().deaths, again.summary().deaths);
    assert_eq!(first.summary().notices, again.summary().notices);
    assert_eq!(first.chronicle().to_string(), again.chronicle().to_string());
    assert_ne!(first.summary().deaths, other.summary().deaths);
}

#[test]
fn being_watched_changes_nothing() {
    let scenario = crowd(60, 7);
    let mut unwatched = Battle::new(&scenario, Mode::Signals, Telling::Silent);

    for _ in 0..scenario.ticks {
        unwatched.tick();
    }

    let watched = summary_of(&scenario, Mode::Signals);
    assert_eq!(unwatched.summary().deaths, watched.deaths);
}

#[test]
fn each_hunter_with_a_target_and_each_protection_has_one_registration_after_each_tick() {
    // All is torn down first, or the dead would count as well.
    let scenario = Scenario {
        budget_ms: 1000.0,
        ..crowd(120, 7)
    };
    let mut battle = Battle::new(&scenario, Mode::Signals, Telling::Silent);

    for _ in 0..scenario.ticks {
        battle.tick();
        battle.world().check_registrations().unwrap();
        let footprint = battle.world().signal_footprint();
        let expected = hunters(&battle) + count_of::<Protection>(&battle);
        assert_eq!(footprint.registrations, expected);
    }
}

#[test]
fn books_do_not_grow_over_a_long_battle() {
    let scenario = crowd(400, 7);
    let mut battle = Battle::new(&scenario, Mode::Signals, Telling::Silent);

    let mut bytes = Vec::new();
    for _ in 0..scenario.ticks {
        battle.tick();
        bytes.push(battle.world().signal_footprint().heap_bytes);
    }

    // The crowds come and go, so the greatest of each half is what can be compared.
    let (early, late) = bytes.split_at(bytes.len() / 2);
    let (early, late) = (early.iter().max().unwrap(), late.iter().max().unwrap());
    assert!(late <= &(early * 3 / 2), "{early} bytes grew to {late}");
}

#[test]
fn registrations_end_where_they_began() {
    let scenario = Scenario {
        protected: 0,
        ..pit()
    };
    let mut battle = Battle::new(&scenario, Mode::Signals, Telling::Silent);
    let before = battle.world().signal_footprint();

    // Until one tribe is left, whose mobs have nothing to hunt.
    for _ in 0..scenario.ticks {
        battle.tick();
    }

    assert!(battle.summary().notices > 0);
    // The memory is kept for the next registration; that it does not grow is tested above.
    let after = Footprint {
        heap_bytes: before.heap_bytes,
        ..battle.world().signal_footprint()
    };
    assert_eq!(after, before);
}

#[test]
fn items_go_with_their_mobs() {
    let scenario = Scenario {
        replacement: Replacement::Nobody,
        ..crowd(90, 7)
    };

    let battle = fought(&scenario, Mode::Signals);

    let world = battle.world();
    let mut items = world.try_query::<(&Item, &ChildOf)>().unwrap();
    let all_carried = items
        .iter(world)
        .all(|(_, ChildOf(mob))| world.liveness(*mob) == Liveness::Alive);
    assert!(all_carried && count_of::<Item>(&battle) > 0);
    assert!(battle.summary().deaths.len() > 50);
}

#[test]
fn protection_saves_from_one_death_and_a_phoenix_rises_once() {
    let summary = summary_of(&crowd(120, 7), Mode::Signals);
    let nobody_special = Scenario {
        protected: 0,
        phoenixes: 0,
        ..crowd(120, 7)
    };
    let without = summary_of(&nobody_special, Mode::Signals);

    assert!(summary.saved > 0 && summary.risen > 0);
    assert_eq!((without.saved, without.risen), (0, 0));
    let arrivals = u64::from(summary.mobs) + summary.deaths.len() as u64;
    assert!(summary.saved <= arrivals.div_ceil(20) && summary.risen <= arrivals.div_ceil(25));
}

#[test]
fn every_corpse_fades_in_its_time() {
    let scenario = crowd(60, 7);
    let mut battle = Battle::new(&scenario, Mode::Signals, Telling::Silent);

    for tick in 1..=scenario.ticks {
        battle.tick();
        let summary = battle.summary();
        let is_recent = |death: &&Death| death.tick + scenario.fading > tick;
        let recent = summary.deaths.iter().filter(is_recent).count();
        assert_eq!(summary.corpses, recent as u64, "after tick {tick}");
    }

    assert!(battle.summary().faded > 100);
}

#[test]
fn victims_of_the_calamity_are_torn_down_over_many_frames() {
    let scenario = Scenario {
        calamity: 3,
        budget_ms: 0.0,
        ..crowd(60, 7)
    };

    let summary = summary_of(&scenario, Mode::Signals);

    // A budget of nothing is a batch of 32 a frame.
    let frames = (summary.to_tear_down as usize).div_ceil(32);
    assert!(summary.victims > 250);
    assert!(summary.to_tear_down >= summary.victims);
    assert_eq!(summary.teardown_frames as usize, frames);
    assert_eq!(summary.torn_down, summary.to_tear_down);
    assert_eq!(summary.stale_worst, 0);
}

#[test]
fn json_is_one_object_with_the_counts() {
    for mode in Mode::ALL {
        let finished = run(&["--scenario", "small", "--json", "--mode", mode.name()]);

        let json: serde_json::Value = serde_json::from_str(&finished.out).unwrap();
        let object = json.as_object().unwrap();
        let mut keys: Vec<_> = object.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "corpses",
                "deaths",
                "faded",
                "mobs",
                "mode",
                "notices",
                "retargets",
                "risen",
                "saved",
                "seed",
                "stale",
                "teardown_frames",
                "tick_ms_median",
                "ticks",
                "to_tear_down",
                "torn_down",
                "victims"
            ]
        );
        assert_eq!(object["mode"], mode.name());
        assert_eq!(object["mobs"], 8);
        assert_eq!(finished.out.lines().count(), 1);
        assert_eq!((finished.code, &*finished.err), (0, ""));
    }
}

#[test]
fn json_without_mode_is_that_of_signals() {
    let finished = run(&["--scenario", "small", "--json"]);

    let json: serde_json::Value = serde_json::from_str(&finished.out).unwrap();
    assert_eq!(json["mode"], "signals");
}

#[test]
fn overrides_take_the_place_of_the_scenario() {
    let finished = run(&["--json", "--mobs", "50", "--ticks", "3", "--seed", "9"]);

    let json: serde_json::Value = serde_json::from_str(&finished.out).unwrap();
    assert_eq!(json["mobs"], 50);
    assert_eq!(json["ticks"], 3);
    assert_eq!(json["seed"], 9);
}

#[test]
fn summaries_read_well() {
    let mut summaries = Mode::ALL.map(|mode| summary_of(&pit(), mode));
    for summary in &mut summaries {
        summary.tick_ms_median = 0.25;
        summary.slowest = (1, 1.5);
    }
    summaries[3].victims = 4;
    summaries[3].torn_down = 6;
    summaries[3].to_tear_down = 9;
    summaries[3].teardown_frames = 30;

    let [signals, references, polling, bad] = &summaries;
    let comparison = Comparison(&summaries);
    assert_snapshot!(format!(
        "{signals}\n{references}\n{polling}\n{bad}\n{comparison}"
    ));
}

#[test]
fn without_mode_all_are_fought_and_compared() {
    let finished = run(&["--scenario", "small"]);

    assert_eq!((finished.code, &*finished.err), (0, ""));
    for mode in Mode::ALL {
        assert!(finished.out.contains(&format!("\n{mode}: ")));
        assert!(finished.out.contains(&format!("\n│ {mode} ")));
    }
    assert!(finished.out.contains("the same battle, death for death"));
}

#[test]
fn help_is_not_an_error() {
    let finished = run(&["--help"]);

    assert_eq!((finished.code, &*finished.err), (0, ""));
    assert!(finished.out.contains("--scenario <FILE>"));
}

#[test]
fn bad_arguments_are_refused_in_one_line() {
    let refusals: Vec<_> = [
        "--mode loud",
        "--mode",
        "--mobs 0",
        "--mobs -5",
        "--mobs many",
        "--mobs 6000000",
        "--ticks 0",
        "--ticks -1",
        "--seed -1",
        "--scenario no/such/file.toml",
        "--json --trace",
        "--fast",
        "twelve",
    ]
    .iter()
    .map(|args| refusal(args, &args.split(' ').collect::<Vec<_>>()))
    .collect();

    assert_snapshot!(refusals.join("\n"));
}

#[test]
fn bad_scenarios_are_refused_in_one_line() {
    let small = include_str!("../examples/mob_targeting/scenarios/small.toml");
    let refusals: Vec<_> = [
        ("mobs = 8", "mobs = 0"),
        ("mobs = 8", "mobs = -8"),
        ("mobs = 8", "mobs = \"eight\""),
        ("mobs = 8", "mobz = 8"),
        ("mobs = 8", "# no mobs"),
        ("mobs = 8", "mobs = "),
        ("ticks = 30", "ticks = 0"),
        ("seed = 4", "seed = 0.5"),
        ("[\"red\", \"blue\"]", "[\"red\"]"),
        ("room = 24.0", "room = nan"),
        ("camps = 1", "camps = 0"),
        ("\"nobody\"", "\"anybody\""),
        ("health = [12, 20]", "health = [20, 12]"),
        ("damage = [3, 6]", "damage = [6]"),
        ("speed = 1.5", "speed = -1.5"),
        ("sight = 12.0", "sight = 0"),
        ("items = [0, 2]", "items = [2, 0]"),
        ("budget_ms = 4.0", "budget_ms = -4.0"),
        ("fading = 5", "fading = -5"),
        ("protected = 4", "protected = \"all\""),
        ("[mob]", "[mob"),
    ]
    .iter()
    .enumerate()
    .map(|(number, (right, wrong))| {
        assert!(small.contains(right), "{right}");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{number}.toml"));
        fs::write(&path, small.replace(right, wrong)).unwrap();
        let path = path.to_str().unwrap();

        refusal(wrong, &["--scenario", path]).replace(path, "my.toml")
    })
    .collect();

    assert_snapshot!(refusals.join("\n"));
}

#[test]
fn newcomers_are_refused_in_the_calm() {
    let calm = include_str!("../examples/mob_targeting/scenarios/calm.toml");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("newcomers.toml");
    fs::write(&path, calm.replace("\"nobody\"", "\"newcomer\"")).unwrap();
    let finished = run(&["--scenario", path.to_str().unwrap()]);

    assert_eq!((finished.code, &*finished.out), (2, ""));
    assert!(finished.err.contains("`calm`"), "{}", finished.err);
}

/// Returns the one line with which the program refuses `args`, below the title.
fn refusal(title: &str, args: &[&str]) -> String {
    let finished = run(args);

    assert_eq!((finished.code, &*finished.out), (2, ""), "{title}");
    assert_eq!(finished.err.lines().count(), 1, "{}", finished.err);
    assert!(finished.err.starts_with("error: "), "{}", finished.err);
    format!("{title}\n    {}", finished.err)
}
