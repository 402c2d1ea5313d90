//! The vector files of the folder that `KEDACTL_KEDA_VECTORS` names; generated ones are committed as well, for those without that folder.

use std::{
    env, fs,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::skipped;

/// One file of inputs and expected results.
pub(super) struct Vectors {
    name: String,
    columns: Vec<String>,
    count: usize,
    rows: Vec<Value>,
}

/// What became of one row.
pub(super) enum Row {
    /// Our result is KEDA's.
    Same,
    /// It is not; the text says how.
    Differs(String),
    /// The row is not about what the core does, or its result depends on the processor.
    NotOurs,
}

impl Row {
    /// Compares our result with KEDA's.
    pub(super) fn compare<T: PartialEq + std::fmt::Debug>(ours: &T, kedas: &T) -> Self {
        if ours == kedas { Self::Same } else { Self::Differs(format!("ours {ours:?}, KEDA's {kedas:?}")) }
    }
}

/// The variable that names a file in which each test takes down which rows it compared.
pub(super) const COMPARED: &str = "KEDACTL_TEST_COMPARED";

/// A file of the shared folder, or where there is none of `tests/fixtures/keda`.
pub(super) fn committed(name: &str) -> Vectors {
    if let Some(folder) = given_folder() {
        return Vectors::load(&folder, name);
    }
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", "keda"].iter().collect();
    Vectors::load(&folder, name)
}

/// A file of the folder that `KEDACTL_KEDA_VECTORS` names; without it the calling test counts as skipped.
pub(super) fn shared(name: &str) -> Option<Vectors> {
    shared_folder().map(|folder| Vectors::load(&folder, name))
}

/// The folder that `KEDACTL_KEDA_VECTORS` names; without it the calling test counts as skipped.
pub(super) fn shared_folder() -> Option<PathBuf> {
    let folder = given_folder();
    if folder.is_none() {
        skipped("KEDACTL_KEDA_VECTORS is not set");
    }
    folder
}

fn given_folder() -> Option<PathBuf> {
    env::var_os("KEDACTL_KEDA_VECTORS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

impl Vectors {
    fn load(folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut file: Value = serde_json::from_str(&text).expect("a vector file is JSON");
        let Value::Array(rows) = file["cases"].take() else { panic!("{name} has no cases") };
        let columns = file["columns"].as_array().into_iter().flatten().map(|column| column.as_str().expect("text").to_owned()).collect();
        let count = usize::try_from(file["count"].as_u64().expect("a count")).expect("fits");
        Self { name: name.to_owned(), columns, count, rows }
    }

    /// Checks every row. `checked` is how many are ours: neither more nor fewer may run.
    pub(super) fn check(self, checked: usize, check: impl Fn(&Case<'_>) -> Row) {
        let (mut same, mut foreign, mut differing, mut compared) = (0, 0, Vec::new(), Vec::new());
        for (number, row) in self.rows.iter().enumerate() {
            let case = Case { columns: &self.columns, row };
            match check(&case) {
                Row::Same => {
                    same += 1;
                    compared.push(number.to_string());
                }
                Row::NotOurs => foreign += 1,
                Row::Differs(how) => differing.push(format!("{} row {number}: {how}\n  {row}", self.name)),
            }
        }
        assert!(
            differing.is_empty(),
            "{} of {} rows differ:\n{}",
            differing.len(),
            self.count,
            differing[..differing.len().min(5)].join("\n")
        );
        assert!(same > 0, "{} ran no row", self.name);
        assert_eq!(same + foreign, self.count, "{} has as many rows as it says", self.name);
        assert_eq!(same, checked, "rows of {} that are ours", self.name);
        if let Some(file) = env::var_os(COMPARED) {
            let mut file = OpenOptions::new().create(true).append(true).open(file).expect("the record opens");
            file.write_all(format!("{} {}\n", self.name, compared.join(" ")).as_bytes()).expect("the record is written");
        }
    }

    /// Checks every row; all of them are ours.
    pub(super) fn check_all(self, check: impl Fn(&Case<'_>) -> Row) {
        let count = self.count;
        self.check(count, check);
    }
}

/// One row, by column or by field.
pub(super) struct Case<'a> {
    columns: &'a [String],
    row: &'a Value,
}

impl Case<'_> {
    /// A column of a table, or a field (`input/strategy`) of an object; absent is null.
    pub(super) fn at(&self, name: &str) -> &Value {
        if self.columns.is_empty() {
            return self.row.pointer(&format!("/{name}")).unwrap_or(&Value::Null);
        }
        let index = self.columns.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
        &self.row[index]
    }

    /// Text; null is `None`.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.at(name).as_str()
    }

    /// An integer; null is `None`.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.at(name).as_i64()
    }

    /// A 32-bit integer; null is `None`.
    pub(super) fn small(&self, name: &str) -> Option<i32> {
        self.integer(name).map(|value| i32::try_from(value).expect("fits"))
    }

    /// A boolean.
    pub(super) fn truth(&self, name: &str) -> bool {
        self.at(name).as_bool().unwrap_or_else(|| panic!("{name} is no boolean"))
    }

    /// The items of a list; null is empty.
    pub(super) fn list(&self, name: &str) -> &[Value] {
        self.at(name).as_array().map_or(&[], Vec::as_slice)
    }

    /// The texts of a list; null is empty.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).iter().map(|text| text.as_str().expect("text").to_owned()).collect()
    }

    /// A map of texts; null is empty.
    pub(super) fn map(&self, name: &str) -> std::collections::BTreeMap<String, String> {
        texts(self.at(name))
    }
}

/// A map of texts; null is empty.
pub(super) fn texts(value: &Value) -> std::collections::BTreeMap<String, String> {
    let text = |(key, value): (&String, &Value)| (key.clone(), value.as_str().expect("text").to_owned());
    value.as_object().into_iter().flatten().map(text).collect()
}
