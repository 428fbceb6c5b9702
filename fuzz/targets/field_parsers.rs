//! Fuzzes `exercise::field_parsers`.
#![no_main]

#[path = "../exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| exercise::by_name("field_parsers")(octets));
