//! The journal: JSON lines on disk, one file for each run and writer.
