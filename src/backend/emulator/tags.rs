//! Tags of objects that are named by an ARN and whose keys differ by case: streams and tables.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::error::ServiceError;

/// The table.
pub(crate) const SCHEMA: &str = "
CREATE TABLE arn_tag (arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)) STRICT, WITHOUT ROWID;
";

/// Most tags of one object.
pub(crate) const MOST: usize = 50;

/// The tags of `arn`, by key.
pub(crate) fn of(connection: &Connection, arn: &str) -> Result<Vec<(String, String)>, ServiceError> {
    let mut query = connection.prepare_cached("SELECT key, value FROM arn_tag WHERE arn = ?1 ORDER BY key")?;
    let rows = query.query_map([arn], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Sets `tags`; those with the same key are replaced. Returns how many the object has then.
///
/// # Errors
/// A `ValidationException` for a key or value that no service takes.
pub(crate) fn set(connection: &Connection, arn: &str, tags: &BTreeMap<String, String>) -> Result<usize, ServiceError> {
    let invalid = |message: String| ServiceError::new("ValidationException", message);
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) {
            return Err(invalid(format!("Tag key '{key}' must have between 1 and 128 characters")));
        }
        if value.chars().count() > 256 {
            return Err(invalid(format!("The value of tag '{key}' must have at most 256 characters")));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("Tag key '{key}' is invalid: the prefix aws: is reserved")));
        }
        connection.prepare_cached("INSERT OR REPLACE INTO arn_tag (arn, key, value) VALUES (?1, ?2, ?3)")?.execute((arn, key, value))?;
    }
    let count: i64 = connection.prepare_cached("SELECT count(*) FROM arn_tag WHERE arn = ?1")?.query_row([arn], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Removes `keys`; those that are not there are no fault.
pub(crate) fn unset(connection: &Connection, arn: &str, keys: &[String]) -> Result<(), ServiceError> {
    keys.iter().try_for_each(|key| {
        connection.prepare_cached("DELETE FROM arn_tag WHERE arn = ?1 AND key = ?2")?.execute((arn, key))?;
        Ok(())
    })
}

/// Removes all tags of `arn`.
pub(crate) fn clear(connection: &Connection, arn: &str) -> Result<(), ServiceError> {
    connection.execute("DELETE FROM arn_tag WHERE arn = ?1", [arn])?;
    Ok(())
}
