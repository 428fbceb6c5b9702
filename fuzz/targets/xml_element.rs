//! Fuzzes `exercise::xml_element`.
#![no_main]

#[path = "../exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| exercise::by_name("xml_element")(octets));
