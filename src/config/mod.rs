//! config

pub mod document;
