//! Which room may depend on which: the house's plan, held against `cargo metadata`.
//!
//! The arrows keep the core pure: telemetry, features and scoring know only the domain's nouns, so they can run in a
//! function, a binary or a test without bringing IO along. A new arrow is a decision: it is added here and argued
//! in ARCHITECTURE.md in the same commit.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command::{capture, cargo};

/// Rooms and what each may depend on. Development dependencies are held to the same arrows.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("telemetry", &["domain"]),
    ("features", &["domain"]),
    ("scoring", &["domain"]),
    ("pipeline", &["domain", "telemetry", "features", "scoring"]),
    ("store", &["domain"]),
    ("training", &["domain", "features", "scoring"]),
    ("simulator", &["domain", "telemetry"]),
];

/// Rooms at the house's edge, which compose the others and may depend on any of them.
const EDGES: &[&str] = &["cli", "bench", "tests", "xtask"];

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
}

/// Fails with every arrow the plan does not allow.
pub(crate) fn check() -> Result<()> {
    let text = capture(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("cannot read what `cargo metadata` printed")?;
    let arrows: BTreeMap<String, Vec<String>> = metadata.packages.into_iter().map(rooms_of).collect();
    let faults = forbidden(&arrows);
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

fn rooms_of(package: Package) -> (String, Vec<String>) {
    let ours = package.dependencies.into_iter().filter(|dependency| dependency.path.is_some());
    (room(&package.name), ours.map(|dependency| room(&dependency.name)).collect())
}

fn room(package: &str) -> String {
    package.strip_prefix("linkcast-").unwrap_or(package).to_owned()
}

fn forbidden(arrows: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut faults = Vec::new();
    for (from, targets) in arrows {
        if EDGES.contains(&from.as_str()) {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(room, _)| room == from) else {
            faults.push(format!(
                "room {from} is not in the plan: add it to xtask/src/arrows.rs and ARCHITECTURE.md"
            ));
            continue;
        };
        for target in targets.iter().filter(|target| !allowed.contains(&target.as_str())) {
            faults.push(format!("room {from} depends on {target}, which the plan does not allow"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(from: &str, to: &[&str]) -> BTreeMap<String, Vec<String>> {
        BTreeMap::from([(from.to_owned(), to.iter().map(|name| (*name).to_owned()).collect())])
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
