//! The shape of the tree: imports point one way, and nothing is forgotten.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Crates of vendors and of the terminal, which the core does without.
const VENDORS: &[&str] = &[
    "aws_config",
    "aws_credential_types",
    "aws_sdk_",
    "aws_smithy_",
    "axum",
    "bytes",
    "clap",
    "comfy_table",
    "console",
    "http",
    "hyper",
    "indicatif",
    "k8s_openapi",
    "kube",
    "nix",
    "object_store",
    "prometheus",
    "quick_xml",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "tower",
];

/// Files of `src/backend` that are no adapters: the wiring, and what every adapter may use.
const COMMON: &[&str] = &[
    "mod",
    "cluster",
    "doctor",
    "identity",
    "machine",
    "remains",
    "resources",
    "run",
    "settle",
    "sources",
    "store",
    "files",
    "tls",
    "watched",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `dir` whose name ends in `ending`, sorted.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The file's lines of code, with their numbers: comments are left out.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("a source file is readable");
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim().to_owned()));
    lines.filter(|(_, line)| !line.starts_with("//")).collect()
}

/// Every line of `paths` for which `wrong` says why it is wrong.
fn offences(paths: &[PathBuf], wrong: impl Fn(&Path, &str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for path in paths {
        for (number, line) in code(path) {
            if let Some(why) = wrong(path, &line) {
                found.push(format!("{}:{number}: {why}: {line}", path.strip_prefix(root()).unwrap_or(path).display()));
            }
        }
    }
    found
}

/// Whether `line` uses a path that begins with `name`: `name::`, or `use name;`.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        let whole = if name.ends_with('_') { after.starts_with(|c: char| c.is_ascii_lowercase()) } else { after.starts_with("::") };
        whole && before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':'))
    })
}

#[test]
fn the_core_names_no_vendor() {
    let found = offences(&files(&root().join("src/core"), ".rs"), |_, line| {
        VENDORS.iter().find(|vendor| names(line, vendor)).map(|vendor| format!("core names `{vendor}`"))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_core_does_not_know_how_it_is_reached() {
    let found = offences(&files(&root().join("src/core"), ".rs"), |_, line| {
        ["crate::backend", "crate::cli", "kedactl::backend"]
            .iter()
            .find(|room| line.contains(**room))
            .map(|room| format!("core imports `{room}`"))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn adapters_never_see_each_other() {
    let backend = root().join("src/backend");
    let adapters: Vec<String> = fs::read_dir(&backend)
        .expect("src/backend is there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned())
        .filter(|name| !COMMON.contains(&name.as_str()))
        .collect();
    assert!(adapters.len() > 3, "only {adapters:?} under src/backend");
    let sources: Vec<PathBuf> = files(&backend, ".rs")
        .into_iter()
        .filter(|path| !["mod.rs", "doctor.rs", "remains.rs", "run.rs", "settle.rs"].iter().any(|wiring| *path == backend.join(wiring)))
        .collect();
    let found = offences(&sources, |path, line| {
        let inside = path.strip_prefix(&backend).ok()?;
        let own = inside.components().next()?.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        let others = adapters.iter().filter(|adapter| **adapter != own);
        let depth = inside.components().count();
        let sees = |other: &str| {
            // From the adapter's own top, `super` is the backend; one level further down it takes one `super` more.
            let top = if inside.ends_with("mod.rs") { depth - 1 } else { depth };
            line.contains(&format!("backend::{other}")) || names(line, &format!("{}{other}", "super::".repeat(top)))
        };
        others.into_iter().find(|other| sees(other)).map(|other| format!("adapter `{own}` sees `{other}`"))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn only_the_terminal_writes_to_the_terminal() {
    let ui = root().join("src/cli/ui.rs");
    let sources: Vec<PathBuf> = files(&root().join("src"), ".rs").into_iter().filter(|path| *path != ui).collect();
    let found = offences(&sources, |_, line| {
        ["println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("]
            .iter()
            .find(|call| names_macro(line, call))
            .map(|call| format!("calls {call}..)"))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn names_macro(line: &str, call: &str) -> bool {
    line.match_indices(call).any(|(at, _)| line[..at].chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || c == '_')))
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut sources = files(&root().join("src"), ".rs");
    sources.extend(files(&root().join("tests"), ".rs"));
    sources.extend(files(&root().join("benches"), ".rs"));
    let silent: Vec<_> = sources.iter().filter(|path| !fs::read_to_string(path).is_ok_and(|text| text.starts_with("//! "))).collect();
    assert!(silent.is_empty(), "files whose first line is not a `//!` sentence: {silent:?}");
}

#[test]
fn no_file_has_grown_past_one_idea() {
    let lines = |path: &PathBuf| fs::read_to_string(path).map_or(0, |text| text.lines().count());
    let grown: Vec<_> =
        files(&root().join("src"), ".rs").into_iter().map(|path| (lines(&path), path)).filter(|(lines, _)| *lines > 400).collect();
    assert!(grown.is_empty(), "files over 400 lines: {grown:?}");
}

#[test]
fn no_test_file_is_forgotten() {
    let tests = root().join("tests/it");
    let main = fs::read_to_string(tests.join("main.rs")).expect("tests/it/main.rs is there");
    for entry in fs::read_dir(&tests).expect("tests/it is there").flatten() {
        let name = entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        let is_module = entry.path().extension().is_some_and(|ending| ending == "rs") || entry.path().join("mod.rs").exists();
        let listed = main.lines().any(|line| line.trim() == format!("mod {name};"));
        assert!(!is_module || name == "main" || listed, "tests/it/{name} is not listed in tests/it/main.rs");
    }
}

#[test]
fn no_template_is_unused() {
    let mut sources = files(&root().join("src"), ".rs");
    sources.extend(files(&root().join("templates"), ""));
    let texts: Vec<(PathBuf, String)> =
        sources.into_iter().filter_map(|path| Some((path.clone(), fs::read_to_string(&path).ok()?))).collect();
    for template in files(&root().join("templates"), "") {
        let name = template.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let used = texts.iter().any(|(path, text)| *path != template && text.contains(&name));
        assert!(used, "no source names the template `{}`", template.display());
    }
}

#[test]
fn every_dependency_says_why_it_is_there_or_belongs_to_a_group_that_does() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml is there");
    let section = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("Cargo.toml has dependencies");
    let mut explained = false;
    for line in section.lines() {
        match line.trim() {
            "" => explained = false,
            comment if comment.starts_with('#') => explained = true,
            dependency => assert!(explained || dependency.contains(" # "), "no reason is given for: {dependency}"),
        }
    }
}
