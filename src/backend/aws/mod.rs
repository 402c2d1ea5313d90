//! AWS through the official SDK: the one path to it.
