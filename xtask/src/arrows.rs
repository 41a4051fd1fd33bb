//! Which room may depend on which: the house's plan, held against `cargo metadata`.
//!
//! The arrows keep the core pure: telemetry, features and scoring know only the domain's nouns, so they can run in a
//! function, a binary or a test without bringing IO along. A new arrow is a decision: it is added here and argued
//! in ARCHITECTURE.md in the same commit.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command::{capture, cargo};

/// Rooms and what each may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("telemetry", &["domain"]),
    ("features", &["domain"]),
    ("scoring", &["domain"]),
    ("routing", &["domain"]),
    ("monitoring", &["domain"]),
    ("provisioning", &["domain"]),
    ("pipeline", &["domain", "telemetry", "features", "scoring", "routing", "monitoring"]),
    ("store", &["domain"]),
    ("lambda", &["domain"]),
    ("aws", &["domain", "lambda"]),
    ("collect", &["domain", "telemetry", "features", "pipeline", "lambda", "aws"]),
    ("prepare", &["domain", "features", "monitoring", "pipeline", "lambda", "aws"]),
    ("insight", &["domain", "features", "scoring", "routing", "monitoring", "pipeline", "lambda", "aws"]),
    ("alert", &["domain", "pipeline", "lambda", "aws"]),
    ("retrain", &["domain", "pipeline", "lambda", "aws"]),
    ("monitor", &["domain", "routing", "pipeline", "lambda", "aws"]),
    ("training", &["domain", "features", "scoring", "monitoring"]),
    ("simulator", &["domain", "telemetry"]),
    ("server", &["domain", "scoring"]),
    ("stand-in", &["domain", "scoring", "server"]),
];

/// What a room's own tests may depend on besides: the pipeline's stories run over the memory store, which the
/// store's contract holds equal to SQLite, so that no second stand-in for a store has to be kept true, and two
/// functions' tests are handed the same arrivals by the black-box tests' harness.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] = &[
    ("pipeline", &["store"]),
    ("collect", &["store", "simulator"]),
    ("prepare", &["store", "tests"]),
    ("insight", &["store", "tests"]),
    ("alert", &["store"]),
    ("retrain", &["store"]),
    ("monitor", &["store"]),
];

/// Rooms at the house's edge, which compose the others and may depend on any of them.
const EDGES: &[&str] = &["cli", "bench", "bench-cloud", "tests", "xtask"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    path: Option<String>,
    /// `dev`, `build`, or nothing for what the room itself is built on.
    kind: Option<String>,
}

/// One arrow: the room it points to and who needs it.
#[derive(Debug)]
struct Arrow {
    target: String,
    need: Need,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Room,
    Tests,
}

/// Fails with every arrow the plan does not allow.
pub(crate) fn check() -> Result<()> {
    let text = capture(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("cannot read what `cargo metadata` printed")?;
    let arrows: BTreeMap<String, Vec<Arrow>> = metadata.packages.into_iter().map(rooms_of).collect();
    let faults = forbidden(&arrows);
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

fn rooms_of(package: Package) -> (String, Vec<Arrow>) {
    let ours = package.dependencies.into_iter().filter(|dependency| dependency.path.is_some());
    (room(&package.name), ours.map(|dependency| arrow(&dependency)).collect())
}

fn arrow(dependency: &Dependency) -> Arrow {
    let need = if dependency.kind.as_deref() == Some("dev") { Need::Tests } else { Need::Room };
    Arrow { target: room(&dependency.name), need }
}

fn room(package: &str) -> String {
    package.strip_prefix("linkcast-").unwrap_or(package).to_owned()
}

fn forbidden(arrows: &BTreeMap<String, Vec<Arrow>>) -> Vec<String> {
    let mut faults = Vec::new();
    for (from, targets) in arrows {
        if EDGES.contains(&from.as_str()) {
            continue;
        }
        if !ALLOWED.iter().any(|(room, _)| room == from) {
            faults.push(format!(
                "room {from} is not in the plan: add it to xtask/src/arrows.rs and ARCHITECTURE.md"
            ));
            continue;
        }
        for arrow in targets.iter().filter(|arrow| !is_allowed(from, arrow)) {
            faults.push(format!("room {from} depends on {}, which the plan does not allow", arrow.target));
        }
    }
    faults
}

fn is_allowed(from: &str, arrow: &Arrow) -> bool {
    let listed = |plan: &[(&str, &[&str])]| {
        plan.iter().any(|(room, targets)| *room == from && targets.contains(&arrow.target.as_str()))
    };
    listed(ALLOWED) || (arrow.need == Need::Tests && listed(ALLOWED_IN_TESTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(from: &str, to: &[&str]) -> BTreeMap<String, Vec<Arrow>> {
        arrows_for(Need::Room, from, to)
    }

    fn arrows_for(need: Need, from: &str, to: &[&str]) -> BTreeMap<String, Vec<Arrow>> {
        let targets = to.iter().map(|name| Arrow { target: (*name).to_owned(), need });
        BTreeMap::from([(from.to_owned(), targets.collect())])
    }

    #[test]
    fn the_stories_may_stand_on_the_memory_store_and_the_pipeline_may_not() {
        assert!(forbidden(&arrows_for(Need::Tests, "pipeline", &["store"])).is_empty());
        assert_eq!(forbidden(&arrows("pipeline", &["store"])).len(), 1);
        assert_eq!(forbidden(&arrows_for(Need::Tests, "features", &["store"])).len(), 1);
    }

    #[test]
    fn an_arrow_out_of_the_pure_core_is_refused() {
        assert_eq!(forbidden(&arrows("features", &["store"])).len(), 1);
        assert!(forbidden(&arrows("features", &["domain"])).is_empty());
    }

    #[test]
    fn a_room_without_a_plan_is_refused() {
        assert_eq!(forbidden(&arrows("garage", &[])).len(), 1);
    }

    #[test]
    fn the_edge_may_use_any_room() {
        assert!(forbidden(&arrows("cli", &["store", "scoring"])).is_empty());
    }

    #[test]
    fn the_plan_has_no_cycle() {
        for (position, (room, targets)) in ALLOWED.iter().enumerate() {
            for target in *targets {
                let place = ALLOWED.iter().position(|(name, _)| name == target).unwrap();
                assert!(place < position, "{room} must stand after {target}");
            }
        }
    }
}
