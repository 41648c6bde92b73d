//! Cases that are known to be broken. All others must hold.

use crate::finding::{Finding, Verdict};

/// Attacks and the beginnings of their cases.
const KNOWN_BROKEN: &[(&str, &str)] = &[];

/// Returns the expected verdict of a case.
pub(crate) fn verdict(finding: &Finding) -> Verdict {
    let known = KNOWN_BROKEN
        .iter()
        .any(|&(attack, case)| finding.attack == attack && finding.case.starts_with(case));
    match finding.verdict {
        Verdict::Stated => Verdict::Stated,
        _ => Verdict::of(!known),
    }
}
