//! What the gateway is for, end to end: one file per topic, each test a sentence that must hold.

mod clients;
mod grpc;
mod websocket;
mod wrap;
