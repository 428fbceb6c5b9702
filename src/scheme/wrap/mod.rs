//! OAuth WRAP, the protected resource's side.
