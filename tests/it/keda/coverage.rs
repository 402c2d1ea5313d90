//! Whether every row of every vector file is compared with ours: what nobody compares fails here.

use std::{collections::BTreeMap, env, fs, path::Path, process::Command};

use super::vectors::{COMPARED, shared_folder};

/// Rows of each file by the indexes that some test compared.
fn compared() -> BTreeMap<String, Vec<usize>> {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("compared");
    let this = env::current_exe().expect("the tests' own program");
    // The tests run as they are, in a process of their own, and take down what they compare.
    let tests = Command::new(this).args(["keda::", "--skip", "keda::coverage", "--quiet"]).env(COMPARED, &record).output().expect("runs");
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stdout));
    let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for line in fs::read_to_string(&record).expect("a record").lines() {
        let (name, numbers) = line.split_once(' ').expect("a name and its rows");
        rows.entry(name.to_owned()).or_default().extend(numbers.split_whitespace().map(|number| number.parse::<usize>().expect("a row")));
    }
    for numbers in rows.values_mut() {
        numbers.sort_unstable();
        numbers.dedup();
    }
    rows
}

/// How many rows each file has.
fn rows(folder: &Path) -> BTreeMap<String, usize> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let count = |path: &Path| {
        let file: serde_json::Value = serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON");
        file["cases"].as_array().expect("cases").len()
    };
    files.map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), count(&path))).collect()
}

#[test]
fn every_row_of_every_file_is_compared() {
    let Some(folder) = shared_folder() else { return };
    let (all, compared) = (rows(&folder), compared());
    let none = Vec::new();
    let left = |(name, count): (&String, &usize)| {
        let done = compared.get(name).unwrap_or(&none);
        println!("{name}: {} of {count} rows compared", done.len());
        let missing: Vec<usize> = (0..*count).filter(|row| done.binary_search(row).is_err()).collect();
        (!missing.is_empty())
            .then(|| format!("{name}: {} of {count} rows, among them {:?}", missing.len(), &missing[..missing.len().min(5)]))
    };
    let left: Vec<String> = all.iter().filter_map(left).collect();
    assert!(left.is_empty(), "rows that no test compares:\n{}", left.join("\n"));
    assert!(all.len() >= 30, "the folder has the files: {}", all.len());
}
