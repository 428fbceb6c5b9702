//! What the gateway is for, end to end: one file per topic, each test a sentence that must hold.

mod assertion;
mod client_certificates;
mod clients;
mod dpop;
mod grpc;
mod http_signature;
mod interop;
mod introspection;
mod jwt;
mod mtls;
mod operators;
mod pipelining;
mod refusals;
mod relay;
mod reload;
mod routing;
mod side_by_side;
mod signed_upstream;
mod stop;
mod tls;
mod upstreams;
mod websocket;
mod wrap;
mod wssec;
mod wssec_client;
