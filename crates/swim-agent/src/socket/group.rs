//! Groups of users.

use crate::error::ServeError;

/// The number of a group that is given by its number or its name.
///
/// From the file: the system's own look-up takes C code, for directories of users on a network.
pub(super) fn number(group: &str) -> Result<u32, ServeError> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    number_in(&groups, group).ok_or_else(|| ServeError::NoGroup { group: group.into() })
}

fn number_in(groups: &str, group: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_a_number_or_a_line_of_the_file() {
        assert_eq!(number("7").ok(), Some(7));
        let groups = "root:x:0:\nswim:x:998:ann,bob\nbroken:x\n";
        assert_eq!(number_in(groups, "swim"), Some(998));
        assert_eq!(number_in(groups, "broken"), None);
        assert_eq!(number_in(groups, "swi"), None);
    }
}
