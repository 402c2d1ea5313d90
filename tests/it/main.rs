//! The integration tests: the real binary, the contracts of every backend, the vectors.

mod architecture;
mod bad_input;
mod cluster;
mod consume;
mod contract;
mod controller;
mod crash;
mod demo;
mod doctor;
mod eks_cluster;
mod faults;
mod generated;
mod in_cluster;
mod keda;
mod manifests;
mod produce;
mod readme;
mod run;
mod scale;
mod serve;
mod setup;
mod streams;
mod support;
mod target;
mod teardown;
mod terminal;
