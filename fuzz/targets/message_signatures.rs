//! Fuzzes `exercise::message_signatures`.
#![no_main]

#[path = "../exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| exercise::by_name("message_signatures")(octets));
