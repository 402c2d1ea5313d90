//! Use cases, one per verb: asynchronous, against ports only.
