//! How many jobs there may be: the floor, and the room above it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ceiling that KEDA uses when a ScaledJob names none.
pub const DEFAULT_MAX: i64 = 100;

/// `minReplicaCount` and `maxReplicaCount` as every formula uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// Jobs that are kept even without messages.
    pub min: i64,
    /// Jobs that may run *above* the minimum, not the spec's value.
    pub max: i64,
}

impl Bounds {
    /// Applies KEDA's rules to the values of a spec.
    ///
    /// An absent maximum leaves room for 100 above the minimum. With a minimum above the maximum both become the maximum,
    /// so that up to twice the maximum can run.
    #[must_use]
    pub fn new(min: Option<i32>, max: Option<i32>) -> Self {
        let floor = i64::from(min.unwrap_or(0));
        match max.map(i64::from) {
            Some(max) if min.is_some() && floor > max => Self { min: max, max },
            Some(max) => Self { min: floor, max: max.saturating_sub(floor) },
            None => Self { min: floor, max: DEFAULT_MAX },
        }
    }

    /// Most jobs that may be unfinished at once, with every strategy but `custom`.
    #[must_use]
    pub fn ceiling(&self) -> i64 {
        self.min.saturating_add(self.max)
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::new(None, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_counted_above_the_minimum() {
        assert_eq!(Bounds::new(Some(2), Some(10)), Bounds { min: 2, max: 8 });
        assert_eq!(Bounds::new(Some(2), None), Bounds { min: 2, max: 100 });
        assert_eq!(Bounds::new(None, None), Bounds { min: 0, max: 100 });
    }

    #[test]
    fn a_minimum_above_the_maximum_doubles_the_maximum() {
        let bounds = Bounds::new(Some(5), Some(3));
        assert_eq!((bounds, bounds.ceiling()), (Bounds { min: 3, max: 3 }, 6));
    }
}
