//! The requester against the worked examples, and against a server that it plays with.
