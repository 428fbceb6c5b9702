//! HTTP message authentication (WSSEC), end to end: one file per topic.

mod clients;
