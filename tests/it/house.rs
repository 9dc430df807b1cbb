//! The rooms of the crate use each other in one direction.

use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms each room may name in `use crate::`; those that are missing here may name none.
const MAY_USE: &[(&str, &[&str])] = &[
    ("objects", &["domain"]),
    ("db", &["domain"]),
    ("service", &["db", "domain", "objects", "clock", "ids"]),
    ("webhook", &["domain"]),
    ("worker", &["webhook", "service", "db", "domain", "objects"]),
    ("http", &["webhook", "service", "db", "domain", "objects"]),
    ("api", &["http", "webhook", "service", "db", "domain", "objects"]),
    ("ids", &["domain"]),
    ("config", &["postgres"]),
    ("app", &["api", "config", "http", "webhook", "worker", "service", "db", "domain", "postgres", "clock", "ids"]),
    ("emulator", &["app", "config", "postgres", "clock"]),
];

#[test]
fn arrows_run_one_way() {
    for (room, path, text) in sources() {
        let allowed = MAY_USE.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| *allowed);
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1).filter(|_| !line.contains("$crate")) {
                let used: String =
                    used.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
                assert!(used == room || allowed.contains(&used.as_str()), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn sql_is_at_home_in_db_only() {
    for (room, path, text) in sources() {
        if room != "db" {
            for word in ["sqlx::query", "QueryBuilder"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
        if room == "service" || room == "domain" {
            assert!(!text.contains("axum"), "{} knows of HTTP", path.display());
        }
    }
}

/// The room, the path and the text of every source file.
fn sources() -> Vec<(String, PathBuf, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let room =
                    path.strip_prefix(&source).unwrap().iter().next().unwrap().to_string_lossy().replace(".rs", "");
                if room != "main" && room != "lib" {
                    found.push((room, path.clone(), fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    assert!(found.len() > 50);
    found
}
