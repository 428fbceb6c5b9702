//! HTTP message authentication (WSSEC), end to end: one file per topic.

mod challenge;
mod clients;
mod content;
mod contexts;
mod nonces;
mod references;
mod signatures;
mod spool;
mod streaming;
