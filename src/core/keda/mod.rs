//! KEDA's rules as pure functions: plain values in, a decision with its arithmetic out.

pub mod decision;
