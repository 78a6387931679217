//! What the tests of the whole share: real servers on loopback ports, real clients, and packages.

pub mod application;
pub mod certificate;
pub mod clients;
pub mod containers;
pub mod crowd;
pub mod images;
pub mod installation;
pub mod liar;
pub mod login_page;
pub mod network;
pub mod npm;
pub mod nuget;
pub mod package;
pub mod postgres;
pub mod problem;
pub mod relay;
pub mod replica;
pub mod server;
pub mod small_disk;
pub mod stored;
pub mod wait;
