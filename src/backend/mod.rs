//! How the demo is reached: AWS, processes, the analyzer, the journal. Only this file wires adapters together.

#[cfg(feature = "local")]
pub mod emulator;
