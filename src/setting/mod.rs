//! The vocabulary of settings: units, places in a file, problems, secrets, files that are named.

mod environment;
mod file;
mod located;
mod problem;
mod secret;
mod unit;

pub use environment::Environment;
pub use file::Files;
pub use located::{LOCATED_FIELDS, LOCATED_NAME, Located, SHORTHAND_NAME};
pub use problem::{Position, Problem};
pub use secret::{SECRET_NAME, SecretText};
pub use unit::{ByteSize, Period, Timeout};
