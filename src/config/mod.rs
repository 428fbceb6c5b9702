//! From a file to settings: YAML is read into any structure, and all problems are found in one go.
//!
//! `load` is the door. It composes a `tree` of nodes that know their place, fills in `${NAME}`
//! (`interpolate`), and reads the tree into structures (`decode`). What is wrong on the way is
//! collected, with suggestions (`suggest`), and told in a [`Report`].

mod decode;
mod interpolate;
mod load;
mod quote;
mod report;
mod suggest;
mod tree;

pub use load::{MAX_CONFIG_FILE, decode, load, read};
pub use report::Report;
