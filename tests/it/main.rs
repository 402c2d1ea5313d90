//! The integration tests: the real binary, the contracts of every backend, the vectors.
#![expect(missing_docs, reason = "test names are sentences")]

mod support;
