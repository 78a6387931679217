//! Images: what the server does for them beside the protocol, with real clients, and at two sites.

mod clients;
mod crash;
mod engine;
mod garbage;
mod sites;
mod uploads;
mod v2;
