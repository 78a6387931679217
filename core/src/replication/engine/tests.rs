//! The engine, simulated: whole topologies in memory, over lines that fail, from seeds.

mod breakage;
mod chance;
mod disk;
mod invariants;
mod line;
mod memory;
mod pages;
mod people;
mod plain;
mod simulation;
mod topology;
mod untracked;
