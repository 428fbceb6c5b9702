//! token
pub struct Claims;
