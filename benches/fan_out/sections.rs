//! What a full run measures: the sections of the report.

use crate::{
    arguments::Plan,
    scenario::{Scenario, Setting},
    variants::Contender,
};

/// The fan-outs that are measured.
pub(crate) const FAN_OUTS: [usize; 4] = [1, 10, 1000, 100_000];

/// The fan-out where another number is varied.
pub(crate) const USUAL_FAN_OUT: usize = 10;

/// How many tenths of the usual number of mobs there are where growth is measured.
const GROWTH: [usize; 4] = [1, 10, 100, 400];

/// How many times more mobs there are than usual where changed ones are looked for.
const SYNC_FACTOR: usize = 10;

/// One scenario in some sizes, played by the variants that can.
#[derive(Clone)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// The name of its chart's file.
    pub(crate) file: &'static str,
    pub(crate) scenario: Scenario,
    pub(crate) axis: Axis,
    pub(crate) settings: Vec<Setting>,
    pub(crate) contenders: Vec<Contender>,
    /// The variant that the others are compared with.
    pub(crate) base: Contender,
}

/// What differs between the settings of a section.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    FanOut,
    ChainLength,
    FamilySize,
    /// How many targets a mob has.
    Targets,
    /// How many signals a target sends.
    Signals,
    Mobs,
    /// Nothing: there is one setting, with this many of these.
    Nothing(&'static str),
}

impl Axis {
    /// Returns what it is called in tables and charts.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::FanOut => "fan-out",
            Self::ChainLength => "chain of",
            Self::FamilySize => "family of",
            Self::Targets => "targets",
            Self::Signals => "signals",
            Self::Mobs => "mobs",
            Self::Nothing(counted) => counted,
        }
    }

    /// Returns where `setting` is on it.
    pub(crate) fn place(self, setting: Setting) -> usize {
        match self {
            Self::FanOut | Self::ChainLength | Self::FamilySize | Self::Targets | Self::Signals => {
                setting.fan_out
            }
            Self::Mobs | Self::Nothing(_) => setting.mobs,
        }
    }
}

/// Returns the sections of which `plan` wants to know something, with what it wants to know.
pub(crate) fn wanted_sections(plan: &Plan) -> Vec<Section> {
    let mut sections = all_sections(plan.mobs);
    for section in &mut sections {
        let is_fan_out_wanted = |setting: &Setting| {
            matches!(section.axis, Axis::Mobs | Axis::Nothing(_))
                || plan.fan_outs.is_empty()
                || plan.fan_outs.contains(&setting.fan_out)
        };
        section.settings.retain(is_fan_out_wanted);
        section.settings.retain(|setting| setting.is_possible());
        if !plan.contenders.is_empty() {
            section
                .contenders
                .retain(|contender| plan.contenders.contains(contender));
        }
    }
    sections
        .retain(|section| plan.scenarios.is_empty() || plan.scenarios.contains(&section.scenario));
    sections.retain(|section| !section.settings.is_empty() && !section.contenders.is_empty());
    if plan.without_growth {
        sections.retain(|section| section.axis != Axis::Mobs);
    }
    sections
}

/// Returns the smallest and the largest setting of which growth is measured.
pub(crate) fn growth_ends(scenario: Scenario, mobs: usize) -> [Setting; 2] {
    [GROWTH[0], GROWTH[GROWTH.len() - 1]].map(|tenths| Setting {
        scenario,
        mobs: mobs * tenths / 10,
        fan_out: USUAL_FAN_OUT,
    })
}

/// Returns the one setting of a scenario that has no fan-out.
pub(crate) fn lone_setting(scenario: Scenario, mobs: usize) -> Setting {
    let (mobs, fan_out) = match scenario {
        Scenario::Sync | Scenario::Touch => (mobs * SYNC_FACTOR, USUAL_FAN_OUT),
        _ => (mobs, 1),
    };
    Setting {
        scenario,
        mobs,
        fan_out,
    }
}

/// Returns the sections of a run with `mobs` mobs.
pub(crate) fn all_sections(mobs: usize) -> Vec<Section> {
    use Contender::{
        Declared, DeclaredFrame, Hooks, Index, IndexSet, Observers, Poll, Qdel, QdelBatch,
        QdelBatchImm, QdelFrame, QdelImm, QdelRegistrar, QdelReq, QdelTarget, QdelWorld, Raw,
        RawHidden, Relation, RelationSet, Scan, Ticks,
    };

    let by_fan_out = |title, file, scenario, base, contenders: &[Contender]| Section {
        title,
        file,
        scenario,
        axis: Axis::FanOut,
        settings: FAN_OUTS
            .map(|fan_out| Setting {
                scenario,
                mobs,
                fan_out,
            })
            .into(),
        contenders: contenders.into(),
        base,
    };
    let by_mobs = |title, file, scenario, contenders: &[Contender]| Section {
        title,
        file,
        scenario,
        axis: Axis::Mobs,
        settings: GROWTH
            .map(|tenths| Setting {
                scenario,
                mobs: mobs * tenths / 10,
                fan_out: USUAL_FAN_OUT,
            })
            .into(),
        contenders: contenders.into(),
        base: Index,
    };
    let lone = |title, file, scenario, counted, base, contenders: &[Contender]| Section {
        title,
        file,
        scenario,
        axis: Axis::Nothing(counted),
        settings: vec![lone_setting(scenario, mobs)],
        contenders: contenders.into(),
        base,
    };
    let several =
        |title, file, scenario, axis, numbers: [usize; 4], contenders: &[Contender]| Section {
            axis,
            settings: numbers
                .map(|fan_out| Setting {
                    scenario,
                    mobs,
                    fan_out,
                })
                .into(),
            ..by_fan_out(title, file, scenario, Index, contenders)
        };
    let keeping = [
        Raw,
        Index,
        IndexSet,
        Observers,
        Hooks,
        Relation,
        RelationSet,
        Qdel,
        QdelReq,
        QdelTarget,
        Declared,
    ];
    let mut registering = keeping.to_vec();
    registering.push(QdelRegistrar);
    let alarming = [
        Index,
        IndexSet,
        Observers,
        Hooks,
        Relation,
        RelationSet,
        Qdel,
        QdelWorld,
    ];
    let deleting = [
        Raw,
        Index,
        IndexSet,
        Observers,
        Hooks,
        Relation,
        RelationSet,
        Poll,
        Scan,
        Qdel,
        QdelWorld,
        QdelReq,
        QdelTarget,
        QdelImm,
        QdelFrame,
        QdelBatch,
        Declared,
        DeclaredFrame,
    ];
    let some = [
        Raw,
        Index,
        Hooks,
        Relation,
        RelationSet,
        Qdel,
        QdelWorld,
        QdelImm,
        Declared,
    ];
    vec![
        by_fan_out(
            "Register",
            "register",
            Scenario::Register,
            Index,
            &registering,
        ),
        by_fan_out("Retarget", "retarget", Scenario::Retarget, Index, &keeping),
        by_fan_out(
            "Notify, and delete nothing",
            "notify",
            Scenario::Notify,
            Index,
            &alarming,
        ),
        by_fan_out(
            "Notify and delete",
            "notify-delete",
            Scenario::NotifyDelete,
            Index,
            &deleting,
        ),
        by_fan_out(
            "Delete the listeners (worst case: all of one target, last column)",
            "listener-delete",
            Scenario::ListenerDelete,
            Raw,
            &keeping,
        ),
        by_fan_out("Memory", "memory", Scenario::Memory, Index, &keeping),
        lone(
            "Delete what has no listeners",
            "unheard-delete",
            Scenario::UnheardDelete,
            "entities",
            Raw,
            &[
                Raw,
                RawHidden,
                Index,
                Hooks,
                Relation,
                Qdel,
                QdelReq,
                QdelTarget,
                QdelImm,
                QdelFrame,
                QdelBatch,
                QdelBatchImm,
                Declared,
                DeclaredFrame,
            ],
        ),
        lone(
            "Find written fields",
            "sync",
            Scenario::Sync,
            "mobs",
            Ticks,
            &[Ticks, Declared],
        ),
        lone(
            "Find nothing new in written components",
            "touch",
            Scenario::Touch,
            "mobs",
            Ticks,
            &[Ticks, Declared],
        ),
        by_mobs(
            "Growth: register",
            "growth-register",
            Scenario::Register,
            &[Raw, Index, RelationSet, Qdel, Declared],
        ),
        by_mobs(
            "Growth: notify and delete",
            "growth-notify-delete",
            Scenario::NotifyDelete,
            &[Raw, Index, RelationSet, Qdel, Declared],
        ),
        by_fan_out(
            "Worst case: listeners spread over eight archetypes",
            "spread-delete",
            Scenario::SpreadDelete,
            Index,
            &some,
        ),
        by_fan_out(
            "Worst case: listeners of eight kinds in random order",
            "mixed-delete",
            Scenario::MixedDelete,
            Index,
            &[Index, Qdel],
        ),
        several(
            "Register on several targets each",
            "crowd",
            Scenario::Crowd,
            Axis::Targets,
            [1, 2, 8, 16],
            &[Index, Hooks, QdelWorld],
        ),
        several(
            "Send one of several signals",
            "topics",
            Scenario::Topics,
            Axis::Signals,
            [1, 4, 16, 64],
            &[Index, Qdel],
        ),
        lone(
            "Worst case: many generations of few indices",
            "generations",
            Scenario::Generations,
            "lives",
            Index,
            &[
                Raw,
                Index,
                Observers,
                Hooks,
                Relation,
                RelationSet,
                Qdel,
                QdelImm,
                QdelFrame,
                Declared,
            ],
        ),
        by_fan_out(
            "Worst case: handlers that register and unregister",
            "busy-handlers",
            Scenario::BusyHandlers,
            Index,
            &[Index, Hooks, QdelWorld],
        ),
        Section {
            axis: Axis::ChainLength,
            ..by_fan_out(
                "Worst case: deep ownership",
                "deep-delete",
                Scenario::DeepDelete,
                Raw,
                &[Raw, Qdel, QdelImm, QdelFrame],
            )
        },
        Section {
            axis: Axis::FamilySize,
            ..by_fan_out(
                "Delete owners",
                "wide-delete",
                Scenario::WideDelete,
                Raw,
                &[Raw, Qdel, QdelImm, QdelFrame],
            )
        },
    ]
}
