//! What is generated from the program stands in the tree as the program writes it now. `UPDATE=1` writes it anew.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::support::Stack;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Has the program write everything below `dir`; returns the names.
fn generate(stack: &Stack, dir: &Path) -> Vec<String> {
    let output = stack.ok(["reference", dir.to_str().expect("a temporary path is text")]);
    output.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn generated_files_are_as_the_program_writes_them_now() {
    let stack = Stack::new();
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        generate(&stack, &root());
        return;
    }
    let fresh = stack.dir().join("fresh");
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let names = generate(&stack, &fresh);
    let stale: Vec<_> = names.iter().filter(|name| read(root().join(name)) != read(fresh.join(name))).collect();
    assert!(stale.is_empty(), "rewrite them with `UPDATE=1 cargo test generated`: {stale:?}");
}

#[test]
fn nothing_generated_is_left_of_a_verb_that_is_gone() {
    let stack = Stack::new();
    let names = generate(&stack, &stack.dir().join("fresh"));
    for dir in ["completions", "completions/man"] {
        for entry in fs::read_dir(root().join(dir)).expect("the generated files stand in the tree").flatten() {
            let name = format!("{dir}/{}", entry.file_name().to_string_lossy());
            assert!(entry.path().is_dir() || names.contains(&name), "{name} is not generated any more: delete it");
        }
    }
}

#[test]
fn the_schema_of_events_describes_what_is_written() {
    let stack = Stack::new();
    generate(&stack, stack.dir());
    let text = fs::read_to_string(stack.dir().join("docs/events.schema.json")).expect("it was just written");
    let schema: serde_json::Value = serde_json::from_str(&text).expect("the schema is JSON");
    let tags: Vec<&str> = schema["oneOf"]
        .as_array()
        .expect("one alternative for each event")
        .iter()
        .filter_map(|alternative| alternative["properties"]["event"]["const"].as_str())
        .collect();
    for tag in ["polled", "job-created", "sent", "deleted", "drained"] {
        assert!(tags.contains(&tag), "{tag} is not among {tags:?}");
    }
}

#[test]
fn completions_name_every_verb() {
    let stack = Stack::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stack.ok(["completions", shell]).stdout;
        for verb in ["setup", "produce", "watch", "report", "teardown"] {
            assert!(script.contains(verb), "{shell} does not complete {verb}");
        }
        assert!(!script.contains("reference"), "{shell} offers a hidden verb");
    }
}

#[test]
fn man_pages_are_printed_and_written() {
    let stack = Stack::new();
    let page = stack.ok(["man", "produce"]).stdout;
    assert!(page.contains(".TH kedactl-produce 1"), "{page}");
    stack.ok(["man", "--dir", "pages"]);
    assert_eq!(fs::read_to_string(stack.dir().join("pages/kedactl-produce.1")).expect("written"), page);
    assert_eq!(stack.run(["man", "nonsense"]).code, Some(2));
}
