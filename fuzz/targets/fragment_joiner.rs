//! Fuzzes `exercise::fragment_joiner`.
#![no_main]

#[path = "../exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| exercise::by_name("fragment_joiner")(octets));
