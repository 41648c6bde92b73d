//! What is known to be broken. All else must hold.

use crate::finding::{Finding, Verdict};

/// Attacks and the beginnings of their cases.
const KNOWN_BROKEN: &[(&str, &str)] = &[
    ("S74", ""),
    ("S84", ""),
    ("S85", ""),
    ("S87", ""),
    ("S88", "native, no key, counting on"),
    ("S88", "memberlist, no key, counting on"),
    ("S89", ""),
    ("S90", ""),
    ("S91", "native, no key, spoofed ping, acks with data"),
    ("S91", "native, key, spoofed ping, acks with data"),
    ("S91", "memberlist, no key, shortest spoofed ping"),
    ("S91", "memberlist, no key, reply_to, acks with data"),
    ("S91", "native, no key, made-up members"),
    ("S91", "memberlist, no key, made-up members"),
    ("S92", ""),
    ("S93", ""),
    ("S94", "work, native, broadcasts that jump ahead"),
    ("S94", "work, native, a stream byte by byte"),
    ("S94", "work, native, members that look alike in LZ4"),
    ("S94", "work, memberlist, datagrams of one byte"),
    ("S94", "work, memberlist, a stream byte by byte"),
    ("S94", "work, memberlist, a table of members that look alike in LZW"),
];

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
