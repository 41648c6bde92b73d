//! The process that owns a namespace.

use std::fmt;
use std::fs;

/// The beginning of the names of all namespaces.
const PREFIX: &str = "netlab";

/// A process, identified across process id reuse and containers.
///
/// Another process may have its id later, or in another container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The PID namespace.
    numbers: String,
    process: u32,
    /// Its start, in ticks since boot.
    began: u64,
}

impl Owner {
    /// Returns this process. Without `/proc` it looks like one that never ends.
    pub(crate) fn this() -> Self {
        let process = std::process::id();
        Owner { numbers: numbers(), process, began: began(process).unwrap_or_default() }
    }

    /// Returns the owner of a namespace with this name; `None` if it is not one of a lab.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let (PREFIX, numbers) = (parts.next()?, parts.next()?) else { return None };
        let process = parts.next()?.parse().ok()?;
        let began = parts.next()?.parse().ok()?;
        parts.next()?.parse::<u32>().ok()?;
        let none = parts.next();
        none.is_none().then(|| Owner { numbers: numbers.into(), process, began })
    }

    /// Whether it is known to have ended. Nothing is known of processes in other containers.
    pub(crate) fn has_ended(&self) -> bool {
        self.numbers == numbers() && began(self.process) != Some(self.began)
    }
}

/// Prints the beginning of the names of its namespaces; a dash and a number follow.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Owner { numbers, process, began } = self;
        write!(f, "{PREFIX}-{numbers}-{process}-{began}")
    }
}

/// Returns the number of this process's PID namespace: the link reads `pid:[4026531836]`.
fn numbers() -> String {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect()
}

/// Returns the start of a process, or `None` if there is none.
///
/// It is field 22 of its `stat`. Field 2, the program's name in parentheses, may contain any
/// character.
fn began(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_not_ours() {
        for name in ["netlab", "swim-1-0", "netlab-1-2-3", "netlab-1-2-3-x", "netlab-1-2-3-4-5"] {
            assert_eq!(Owner::of(name), None, "{name}");
        }
        let this = Owner::this();
        assert_eq!(Owner::of(&format!("{this}-7")), Some(this));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_ended_once_its_number_is_free_or_that_of_a_later_one() {
        let this = Owner::this();
        assert!(!this.has_ended());
        assert!(Owner { began: this.began - 1, ..this.clone() }.has_ended());
        // Process ids are below 2^22.
        assert!(Owner { process: 1 << 23, ..this.clone() }.has_ended());
        assert!(!Owner { numbers: "1".into(), process: 1 << 23, ..this }.has_ended());
    }
}
