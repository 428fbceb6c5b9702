//! Which instructions for cryptography this processor has, for operators who wonder about speed.

/// Lists detection results by the names that the standard library uses.
macro_rules! detect {
    ($detected:ident: $($name:tt)+) => {
        vec![$(($name, std::arch::$detected!($name))),+]
    };
}

/// The processor features that the backends use where they find them, and whether they are there.
#[cfg(target_arch = "x86_64")]
pub fn cpu_features() -> Vec<(&'static str, bool)> {
    detect!(is_x86_feature_detected: "aes" "pclmulqdq" "vaes" "vpclmulqdq" "sha" "avx2" "avx512f" "bmi2" "adx")
}

/// The processor features that the backends use where they find them, and whether they are there.
#[cfg(target_arch = "aarch64")]
pub fn cpu_features() -> Vec<(&'static str, bool)> {
    detect!(is_aarch64_feature_detected: "neon" "aes" "pmull" "sha2" "sha3")
}

/// Nothing is known about this architecture.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn cpu_features() -> Vec<(&'static str, bool)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_listed_once() {
        let mut names: Vec<_> = cpu_features().into_iter().map(|(name, _)| name).collect();
        let listed = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), listed);
        if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            assert!(names.contains(&"aes"));
        }
    }
}
