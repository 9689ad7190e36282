//! "Did you mean …?"

/// The known word that is closest to `word`, if it is close enough to be a slip of the finger.
///
/// Letter case aside; a swap of neighbours counts as one slip.
pub(crate) fn closest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    /// Longer words are no slips, and measuring them costs time.
    const LONGEST: usize = 64;
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let measured = known.into_iter().map(|near| {
        (
            strsim::damerau_levenshtein(&word, &near.to_lowercase()),
            near,
        )
    });
    let (distance, near) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= slips_allowed(near)).then_some(near)
}

fn slips_allowed(known: &str) -> usize {
    match known.len() {
        0..=2 => 0,
        3..=4 => 1,
        5..=7 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["RUN", "COPY", "ENTRYPOINT"];
        assert_eq!(closest("RUNN", known), Some("RUN"));
        assert_eq!(closest("cpoy", known), Some("COPY"));
        assert_eq!(closest("ENTRPOINT", known), Some("ENTRYPOINT"));
        assert_eq!(closest("INCLUDE", known), None);
        assert_eq!(closest("", known), None);
    }
}
