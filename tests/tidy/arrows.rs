//! The arrows between the crates are those of ARCHITECTURE.md, and no others.

use std::collections::BTreeSet;

use crate::metadata;

/// Who uses whom. cli -> engine -> {frontend, cachedb, image, executor, snapshotter}; cachedb and
/// image -> snapshotter.
const ARROWS: [(&str, &[&str]); 7] = [
    ("iechor", &["iechor-engine"]),
    (
        "iechor-engine",
        &[
            "iechor-cachedb",
            "iechor-executor",
            "iechor-frontend",
            "iechor-image",
            "iechor-snapshotter",
        ],
    ),
    ("iechor-cachedb", &["iechor-snapshotter"]),
    ("iechor-image", &["iechor-snapshotter"]),
    ("iechor-executor", &[]),
    ("iechor-frontend", &[]),
    ("iechor-snapshotter", &[]),
];

/// What only one crate may use: the heavy and the dangerous.
const EXCLUSIVE: [(&str, &[&str]); 4] = [
    ("ureq", &["iechor-image"]),
    ("rusqlite", &["iechor-cachedb"]),
    ("fuser", &["iechor-snapshotter"]),
    ("clap", &["iechor"]),
];

/// The packages that a member depends on when it is built, not when it is tested.
fn dependencies(package: &serde_json::Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    let real = dependencies.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
    real.map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

fn members() -> Vec<(String, BTreeSet<String>)> {
    let metadata = metadata();
    let ours = |package: &&serde_json::Value| {
        metadata["workspace_members"]
            .as_array()
            .unwrap()
            .contains(&package["id"])
    };
    let packages = metadata["packages"].as_array().unwrap().iter().filter(ours);
    packages
        .map(|package| {
            (
                package["name"].as_str().unwrap().to_owned(),
                dependencies(package),
            )
        })
        .collect()
}

#[test]
fn crates_use_only_what_is_drawn() {
    let members = members();
    assert_eq!(
        members.len(),
        ARROWS.len(),
        "a crate is missing in the drawing"
    );
    for (name, dependencies) in members {
        let (_, drawn) = ARROWS.iter().find(|(from, _)| *from == name).unwrap();
        let ours: Vec<&str> = dependencies
            .iter()
            .map(String::as_str)
            .filter(|name| name.starts_with("iechor"))
            .collect();
        assert_eq!(ours, *drawn, "the arrows of {name}");
    }
}

#[test]
fn heavy_dependencies_stay_where_they_belong() {
    let members = members();
    for (dependency, allowed) in EXCLUSIVE {
        let users: Vec<&str> = members
            .iter()
            .filter(|(_, dependencies)| dependencies.contains(dependency))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(users, allowed, "who may use {dependency}");
    }
}
