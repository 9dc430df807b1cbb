//! Checks of the source code itself: the direction of imports, no cycle between files, SQL only in `db`, and the size of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Which modules of the crate each module may import; a module that is missing here may import none.
const ALLOWED_IMPORTS: &[(&str, &[&str])] = &[
    ("objects", &["domain"]),
    ("db", &["domain", "metrics", "trace"]),
    ("service", &["db", "domain", "objects", "clock", "ids", "metrics", "trace", "trace"]),
    ("webhook", &["domain"]),
    ("worker", &["webhook", "service", "db", "domain", "objects", "metrics", "trace"]),
    ("http", &["service", "db", "domain", "objects", "metrics", "trace"]),
    ("api", &["http", "webhook", "service", "db", "domain", "objects", "metrics", "trace"]),
    ("console", &["api", "http", "service", "db", "domain", "objects", "metrics", "trace"]),
    ("ids", &["domain"]),
    ("trace", &["domain", "clock", "metrics"]),
    ("postgres", &["domain"]),
    ("tls", &["domain", "postgres", "clock"]),
    ("config", &["trace", "http", "tls", "domain", "postgres"]),
    ("command", &["config", "domain", "postgres", "tls"]),
    (
        "app",
        &[
            "api", "console", "config", "http", "webhook", "worker", "service", "db", "domain", "postgres", "tls",
            "clock", "ids", "metrics", "trace",
        ],
    ),
    ("emulator", &["trace", "app", "config", "service", "domain", "postgres", "tls", "clock"]),
];

const MAX_LINES: usize = 400;

/// A source file.
struct Source {
    /// The path below `src/`.
    path: String,
    /// The path of the module in the crate: `["domain", "filter", "parse"]`.
    module: Vec<String>,
    /// The text without comments.
    code: String,
    lines: usize,
}

impl Source {
    fn read(path: String, text: &str) -> Self {
        let name = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = name.split('/').map(str::to_owned).collect();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        Self { module, code, lines: text.lines().count(), path }
    }

    /// The code before the unit tests of the file.
    fn code_without_tests(&self) -> &str {
        self.code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
    }
}

/// Every source file but `main.rs` and `lib.rs`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                if below != "main.rs" && below != "lib.rs" {
                    found.push(Source::read(below, &fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    assert!(found.len() > 50);
    found
}

/// The letters of an identifier at the start of a text.
fn identifier(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}

#[test]
fn imports_follow_the_allowed_direction() {
    for source in sources() {
        let own = source.module[0].as_str();
        let allowed = ALLOWED_IMPORTS.iter().find(|(name, _)| *name == own).map_or(&[][..], |(_, allowed)| *allowed);
        for line in source.code.lines().filter(|line| !line.contains("$crate")) {
            for used in line.split("crate::").skip(1).map(identifier) {
                assert!(used == own || allowed.contains(&used), "{}: {line}", source.path);
            }
        }
    }
}

#[test]
fn sql_is_only_in_db_and_http_is_not_in_services() {
    for source in sources() {
        let own = source.module[0].as_str();
        if own != "db" {
            for word in ["sqlx::query", "QueryBuilder"] {
                assert!(!source.code.contains(word), "{} has {word}", source.path);
            }
        }
        if own == "service" || own == "domain" {
            assert!(!source.code.contains("axum"), "{} uses axum", source.path);
        }
    }
}

#[test]
fn every_function_of_the_database_has_a_span_of_its_name() {
    let mut names = BTreeSet::new();
    // The connections of the workers are part of no span, and what `connect` does is done at the start.
    let without = ["db/connect.rs", "db/functions/mod.rs", "db/jobs/listener.rs"];
    for source in sources().into_iter().filter(|one| one.module[0] == "db" && !without.contains(&one.path.as_str())) {
        let mut lines = source.code_without_tests().lines();
        while let Some(line) = lines.next() {
            let Some((_, name)) = line.split_once("async fn ").filter(|_| line.starts_with("pub")) else { continue };
            let mut signature = line.to_owned();
            while !signature.ends_with('{') {
                signature.push_str(lines.next().unwrap());
            }
            if signature.contains("connection: &mut PgConnection") {
                let first = lines.next().unwrap().trim();
                let span =
                    first.strip_prefix("let _statement = statement(\"").and_then(|rest| rest.strip_suffix("\");"));
                let span = span.unwrap_or_else(|| panic!("{}: {name}", source.path));
                let (folder, function) = span.rsplit_once('.').unwrap();
                assert_eq!(function, identifier(name), "{}", source.path);
                assert!(
                    folder.split('.').all(|part| source.module.iter().any(|one| one == part)),
                    "{}: {span}",
                    source.path
                );
                assert!(names.insert(span.to_owned()), "two functions have the span {span}");
            }
        }
    }
    assert!(names.len() > 150);
}

#[test]
fn no_file_is_longer_than_the_limit() {
    let long: Vec<_> = sources().into_iter().filter(|source| source.lines > MAX_LINES).map(|one| one.path).collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn no_file_imports_itself_through_others() {
    let sources = sources();
    let graph = import_graph(&sources);
    assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 200, "the imports were not found");
    // A file that imports no remaining file cannot be part of a cycle. What is left after all of those are removed is in a cycle,
    // or between two.
    let mut remaining = graph;
    loop {
        let files: BTreeSet<_> = remaining.keys().cloned().collect();
        remaining.retain(|_, used| used.iter().any(|file| files.contains(file)));
        if remaining.len() == files.len() {
            break;
        }
    }
    let mut cycles = Vec::new();
    for start in remaining.keys() {
        if let Some(cycle) = shortest_cycle(&remaining, start) {
            cycles.push(cycle.join(" -> "));
        }
    }
    assert_eq!(cycles, Vec::<String>::new());
}

fn shortest_cycle(graph: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<Vec<String>> {
    let mut paths = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            for next in graph.get(path.last().unwrap()).into_iter().flatten() {
                let mut path = path.clone();
                path.push(next.clone());
                if next == start {
                    return Some(path);
                }
                if seen.insert(next.clone()) {
                    longer.push(path);
                }
            }
        }
        paths = longer;
    }
    None
}

/// Which files each file imports. A name that a `mod.rs` only re-exports counts as an import of the file that defines it.
fn import_graph(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeMap<_, _> = sources.iter().map(|source| (source.module.clone(), source)).collect();
    let mut graph = BTreeMap::new();
    for source in sources {
        let mut used = BTreeSet::new();
        for path in paths(source) {
            let target = resolve(&modules, &path);
            if target != source.path && !target.is_empty() {
                used.insert(target);
            }
        }
        graph.insert(source.path.clone(), used);
    }
    graph
}

/// The paths that a file uses, from the root of the crate. Re-exports (`pub use`) are not uses.
fn paths(source: &Source) -> Vec<Vec<String>> {
    let code = source.code_without_tests();
    let mut found = Vec::new();
    // Paths in the code that begin at the crate, a parent, or (in a mod.rs) a child.
    for statement in code.split(';') {
        let statement = statement.trim_start();
        let is_reexport = statement.starts_with("pub use") || statement.starts_with("pub(crate) use");
        if is_reexport {
            continue;
        }
        for (at, _) in statement.match_indices("crate::").chain(statement.match_indices("super::")) {
            let before = statement[..at].chars().next_back();
            if before.is_some_and(|letter| letter == ':' || letter == '$' || letter.is_alphanumeric()) {
                continue;
            }
            let mut base = source.module.clone();
            let mut rest = &statement[at..];
            if let Some(stripped) = rest.strip_prefix("crate::") {
                base.clear();
                rest = stripped;
            }
            while let Some(stripped) = rest.strip_prefix("super::") {
                base.pop();
                rest = stripped;
            }
            expand(&base, rest, &mut found);
        }
        for child in children(source) {
            let call = format!("{child}::");
            for (at, _) in statement.match_indices(&call) {
                let before = statement[..at].chars().next_back();
                if !before.is_some_and(|letter| letter == ':' || letter == '_' || letter.is_alphanumeric()) {
                    expand(&source.module, &statement[at..], &mut found);
                }
            }
        }
    }
    found
}

/// The modules that a file declares.
fn children(source: &Source) -> Vec<String> {
    let declarations = source.code_without_tests().lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')
    });
    declarations.map(str::to_owned).collect()
}

/// Adds every path of `a::b` or `a::{b, c::d}`, below `base`.
fn expand(base: &[String], text: &str, found: &mut Vec<Vec<String>>) {
    let name = identifier(text);
    let rest = &text[name.len()..];
    let mut path = base.to_vec();
    if !name.is_empty() && name != "self" {
        path.push(name.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with('{') => {
            for item in items(rest) {
                expand(&path, &item, found);
            }
        }
        Some(rest) if !name.is_empty() => expand(&path, rest, found),
        _ if text.starts_with('{') => {
            for item in items(text) {
                expand(&path, &item, found);
            }
        }
        _ => found.push(path),
    }
}

/// The items between the braces that a text begins with.
fn items(text: &str) -> Vec<String> {
    let (mut depth, mut items, mut item) = (0, Vec::new(), String::new());
    for letter in text.chars() {
        match letter {
            '{' if depth == 0 => depth = 1,
            '}' if depth == 1 => break,
            ',' if depth == 1 => items.push(std::mem::take(&mut item)),
            other => {
                depth += i32::from(other == '{') - i32::from(other == '}');
                item.push(other);
            }
        }
    }
    items.push(item);
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// The file that defines what a path names; empty where no file of the crate does.
fn resolve(modules: &BTreeMap<Vec<String>, &Source>, path: &[String]) -> String {
    for length in (1..=path.len()).rev() {
        let Some(source) = modules.get(&path[..length]) else { continue };
        let Some(name) = path.get(length) else { return source.path.clone() };
        // Follow `pub use child::Name`.
        for statement in source.code.split(';').map(str::trim_start) {
            let reexport = ["pub use ", "pub(crate) use ", "pub(super) use "]
                .iter()
                .find_map(|start| statement.strip_prefix(start));
            let Some(reexport) = reexport else { continue };
            let mut targets = Vec::new();
            expand(&source.module, reexport.trim_start_matches("self::"), &mut targets);
            for target in targets.iter().filter(|target| target.last() == Some(name) && **target != path) {
                let found = resolve(modules, target);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        return source.path.clone();
    }
    String::new()
}
