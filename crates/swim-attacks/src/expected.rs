//! What is known to be broken. All else must hold.

use crate::finding::{Finding, Verdict};

/// Attacks and the beginnings of their cases.
const KNOWN_BROKEN: &[(&str, &str)] = &[];

/// What is expected of this case.
pub(crate) fn verdict(finding: &Finding) -> Verdict {
    let known = KNOWN_BROKEN
        .iter()
        .any(|&(attack, case)| finding.attack == attack && finding.case.starts_with(case));
    match finding.verdict {
        Verdict::Stated => Verdict::Stated,
        _ => Verdict::of(!known),
    }
}
