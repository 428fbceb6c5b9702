//! What fuzzing begins with and has found, replayed through the same functions.

#[path = "../../fuzz/exercise.rs"]
mod exercise;

use std::path::Path;

#[test]
fn every_octet_string_of_the_corpus_keeps_the_promises() {
    for name in ["field_parsers", "fragment_joiner", "message_signatures", "xml_element"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let mut replayed = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            exercise::by_name(name)(&std::fs::read(entry.unwrap().path()).unwrap());
            replayed += 1;
        }
        assert!(replayed > 4, "{name}: the corpus has {replayed} entries");
    }
}
