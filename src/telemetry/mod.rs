//! What an operator sees: metrics, the access log, the audit log, and where the lines go.
//!
//! A leaf of the house: events are plain structs of borrowed text and numbers, so that nothing here
//! knows a configuration, a scheme or a session. No event has a place for a token or a query.

pub mod access;
pub mod audit;
mod facade;
pub mod metrics;
pub mod output;
mod text;

#[cfg(test)]
mod tests;
