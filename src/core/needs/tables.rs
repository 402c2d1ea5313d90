//! Tables that triggers read: the keys that every query needs, brought together in one shape.

use std::collections::BTreeMap;

use super::Located;
use crate::core::{
    error::{Error, Result},
    source::Source,
    table::{KeyAttribute, KeyKind, KeySchema, TableShape},
};

/// Keys of a table that nobody queries, by preference: one that no index uses otherwise.
const UNASKED: [&str; 3] = ["id", "pk", "key"];

/// What is known of the tables, by region and name.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<(String, String), Known>);

/// What is known of one table.
#[derive(Debug, Default)]
struct Known {
    keys: Option<KeySchema>,
    indexes: BTreeMap<String, KeySchema>,
    /// The types of the attributes that are keys of anything.
    kinds: BTreeMap<String, KeyKind>,
    has_stream: bool,
}

impl Tables {
    /// The trigger `about` queries the table, or its `index`, by `keys`.
    ///
    /// # Errors
    /// `Input`, when no table can have these keys beside those that are known.
    pub(super) fn queried(&mut self, about: &str, (region, table): (&str, &str), index: Option<&str>, keys: KeySchema) -> Result<()> {
        let known = self.0.entry((region.to_owned(), table.to_owned())).or_default();
        let refused = |why: String| {
            let error = Error::input("keyConditionExpression", format!("of {about}"), why);
            error.hint(format!("make the table `{table}` yourself, or give one of the triggers a value with --assume"))
        };
        for KeyAttribute { name, kind } in keys.attributes() {
            let first = *known.kinds.entry(name.clone()).or_insert(*kind);
            if first != *kind {
                return Err(refused(format!(
                    "the attribute `{name}` of table `{table}` is of type {first} elsewhere, and here of type {kind}"
                )));
            }
        }
        let place = match index {
            Some(index) => known.indexes.get(index).cloned(),
            None => known.keys.clone(),
        };
        let joined = match &place {
            Some(before) => joined(before, &keys).ok_or_else(|| {
                let what = index.map_or_else(|| format!("table `{table}`"), |index| format!("index `{index}` of table `{table}`"));
                refused(format!("the {what} is queried by {before} elsewhere, and here by {keys}"))
            })?,
            None => keys,
        };
        match index {
            Some(index) => known.indexes.insert(index.to_owned(), joined),
            None => known.keys.replace(joined),
        };
        Ok(())
    }

    /// Somebody reads the table's stream.
    pub(super) fn followed(&mut self, (region, table): (&str, &str)) {
        self.0.entry((region.to_owned(), table.to_owned())).or_default().has_stream = true;
    }

    /// Every table, with keys where no query told any.
    pub(super) fn finish(self) -> Result<Vec<Located>> {
        let table = |((region, name), known): ((String, String), Known)| {
            let keys = match known.keys {
                Some(keys) => keys,
                None => KeySchema { partition: unasked(&name, &known.kinds)?, sort: None },
            };
            let shape = TableShape { keys, indexes: known.indexes, has_stream: known.has_stream };
            Ok(Located { region, source: Source::Table { name, shape } })
        };
        self.0.into_iter().map(table).collect()
    }
}

/// The keys that serve both queries, if any do: of one that compares only the partition's key, the other's sort key is as good.
fn joined(one: &KeySchema, other: &KeySchema) -> Option<KeySchema> {
    let sort = match (&one.sort, &other.sort) {
        (Some(one), Some(other)) if one != other => return None,
        (one, other) => one.as_ref().or(other.as_ref()).cloned(),
    };
    (one.partition == other.partition).then(|| KeySchema { partition: one.partition.clone(), sort })
}

fn unasked(table: &str, kinds: &BTreeMap<String, KeyKind>) -> Result<KeyAttribute> {
    let free = UNASKED.iter().find(|name| kinds.get(**name).is_none_or(|kind| *kind == KeyKind::S));
    free.map(|name| KeyAttribute::new(*name, KeyKind::S)).ok_or_else(|| {
        let why = format!("its indexes use {} for other types, so that no key is left for the table itself", UNASKED.join(", "));
        Error::input("tableName", table, why).hint("make the table yourself")
    })
}
