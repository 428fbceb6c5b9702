//! Portcullis: a reverse-proxy gateway that forwards only what it has proved.
//!
//! `ARCHITECTURE.md` follows one request through the rooms below.

pub mod assertion;
pub mod authorization;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod fetch;
pub mod gateway;
pub mod keys;
pub mod route;
pub mod scheme;
pub mod setting;
pub mod store;
pub mod telemetry;
pub mod token;
