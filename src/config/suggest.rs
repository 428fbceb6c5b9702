//! The known name that a misspelt one was meant to be.

/// The name of `known` nearest to `found`, when it is near enough to be meant.
///
/// One edit in three characters may differ; case, `-` and `_` do not count. Where none is that near, one name may begin
/// with the other.
pub(super) fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found = fold(found);
    let length = found.chars().count();
    let near = |name: &&'a str| {
        let edits = strsim::osa_distance(&found, &fold(name));
        (edits <= length.max(3) / 3).then_some((edits, *name))
    };
    // A name far longer than any known one is not compared: the distance takes quadratic time.
    if length > MAX_NAME {
        return None;
    }
    let nearest = known.iter().filter_map(near).min_by_key(|(edits, _)| *edits).map(|(_, name)| name);
    nearest
        .or_else(|| known.iter().copied().filter(|name| is_beginning(&found, &fold(name))).min_by_key(|name| name.len().abs_diff(length)))
}

/// Whether one of two names is what the other begins with, and says enough by itself.
fn is_beginning(one: &str, other: &str) -> bool {
    /// The fewest octets that say enough.
    const ENOUGH: usize = 4;
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    short.len() >= ENOUGH && long.starts_with(short)
}

/// Longer names, in characters, are nobody's misspelling.
const MAX_NAME: usize = 64;

/// The known names in a sentence: all of a few, the first of many.
pub(super) fn one_of(known: &[&str]) -> String {
    const SHOWN: usize = 12;
    let quoted: Vec<String> = known.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match known {
        [] => "nothing".to_owned(),
        [name] => format!("`{name}`"),
        _ if known.len() > SHOWN => format!("one of {} and {} more", quoted.join(", "), known.len() - SHOWN),
        _ => format!("one of {}", quoted.join(", ")),
    }
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = ["address", "upstream", "mode", "max_age"];
        for (found, meant) in
            [("adress", "address"), ("upsteram", "upstream"), ("Mode", "mode"), ("max-age", "max_age"), ("maxAge", "max_age")]
        {
            assert_eq!(nearest(found, &known), Some(meant), "{found}");
        }
        for found in ["", "x", "listener", "route", &"mode".repeat(1_000_000)] {
            assert_eq!(nearest(found, &known), None, "{}", found.len());
        }
    }

    #[test]
    fn the_nearest_of_several_wins() {
        assert_eq!(nearest("audience", &["audiences", "audience_match", "audience"]), Some("audience"));
    }

    #[test]
    fn a_name_that_another_begins_with_is_suggested() {
        let known = ["max_drain_size", "max_drain_time_of_all", "path", "key", "max_age"];
        for (found, meant) in [
            ("max_drain", "max_drain_size"),
            ("maxDrain", "max_drain_size"),
            ("max_drain_time", "max_drain_size"),
            ("path_prefix", "path"),
            ("path-of-it", "path"),
        ] {
            assert_eq!(nearest(found, &known), Some(meant), "{found}");
        }
        for found in ["max", "keys_of_issuers", "pat", "drain_size_of_it", ""] {
            assert_eq!(nearest(found, &["max_drain_size", "key", "pathology"]), None, "{found}");
        }
        assert_eq!(nearest("paht", &["path", "pahtology"]), Some("path"), "a misspelling comes first");
    }

    #[test]
    fn long_lists_are_shortened() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b"]), "one of `a`, `b`");
        let many = ["k"; 15];
        assert!(one_of(&many).ends_with("`k` and 3 more"));
    }
}
