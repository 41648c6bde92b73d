//! The cases, one file for each subject.

mod access;
mod applications;
mod binding;
mod crowd;
mod failing;
mod forming;
mod hooks;
mod hostile;
mod leftovers;
mod stopping;
mod traffic;
mod transport;

use crate::case::Case;

pub(crate) use hooks::EXPECTED_PANIC;

/// All cases, the longest first.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let subjects = [
        leftovers::CASES,
        crowd::CASES,
        failing::CASES,
        access::CASES,
        hostile::CASES,
        stopping::CASES,
        forming::CASES,
        traffic::CASES,
        hooks::CASES,
        binding::CASES,
        transport::CASES,
        applications::CASES,
    ];
    subjects.into_iter().flatten()
}
