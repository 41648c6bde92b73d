//! The commands that change a lab while it runs.

use std::time::Duration;

use crate::cli::{share, time};
use crate::switch::{Port, Switch};

/// The list of commands, for users.
pub(crate) const HELP: &str = "\
cut A B            cut the hosts A from the hosts B, both ways: cut 0-7 8,9,15
cut-one-way A B    drop all packets from A to B
mend               undo all cuts
loss SHARE         lose this share of all packets, such as 30%
delay TIME         delay each packet by at least this time, such as 20ms
jitter TIME        delay each packet by up to this much more
udp on|off         let UDP through, or drop it
tallies            print packet counts
help               print this list";

/// A change of the whole network, or a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    Cut { from: Vec<Port>, to: Vec<Port>, both_ways: bool },
    Mend,
    Loss(f64),
    Delay(Duration),
    Jitter(Duration),
    Udp(bool),
    Tallies,
    Help,
}

impl Fault {
    /// Parses a line, for a lab with this number of hosts.
    pub(crate) fn parse(line: &str, hosts: usize) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match words[..] {
            ["cut", a, b] => {
                Fault::Cut { from: group(a, hosts)?, to: group(b, hosts)?, both_ways: true }
            }
            ["cut-one-way", a, b] => {
                Fault::Cut { from: group(a, hosts)?, to: group(b, hosts)?, both_ways: false }
            }
            ["mend"] => Fault::Mend,
            ["loss", loss] => Fault::Loss(share(loss)?),
            ["delay", delay] => Fault::Delay(time(delay)?),
            ["jitter", jitter] => Fault::Jitter(time(jitter)?),
            ["udp", "on"] => Fault::Udp(true),
            ["udp", "off"] => Fault::Udp(false),
            ["tallies"] => Fault::Tallies,
            ["help"] => Fault::Help,
            _ => return Err(format!("no such command: {line}; the commands are:\n{HELP}")),
        })
    }

    /// Carries it out, and returns the output, if any.
    pub(crate) fn carry_out(self, switch: &mut Switch) -> Option<String> {
        match self {
            Fault::Cut { from, to, both_ways } => {
                for &a in &from {
                    for &b in &to {
                        switch.change(a, b, |link| link.cut = true);
                        if both_ways {
                            switch.change(b, a, |link| link.cut = true);
                        }
                    }
                }
            }
            Fault::Mend => switch.change_all(|link| link.cut = false),
            Fault::Loss(loss) => switch.change_all(|link| link.loss = loss),
            Fault::Delay(delay) => switch.change_all(|link| link.delay = delay),
            Fault::Jitter(jitter) => switch.change_all(|link| link.jitter = jitter),
            Fault::Udp(on) => switch.change_all(|link| link.udp_dropped = !on),
            Fault::Tallies => return Some(format!("{:?}", switch.tallies())),
            Fault::Help => return Some(HELP.into()),
        }
        None
    }
}

/// Parses numbers of hosts: `0-3,7`.
fn group(text: &str, hosts: usize) -> Result<Vec<Port>, String> {
    let wrong = || format!("{text}: no hosts; use numbers from 0 to {}, as in 0-2,4", hosts - 1);
    let number = |text: &str| text.parse().ok().filter(|&port: &Port| port < hosts);
    let mut ports = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = number(first).zip(number(last)).ok_or_else(wrong)?;
        ports.extend(first..=last);
    }
    if ports.is_empty() { Err(wrong()) } else { Ok(ports) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_change() {
        let cut = |from: &[Port], to: &[Port], both_ways| {
            Ok(Fault::Cut { from: from.into(), to: to.into(), both_ways })
        };
        assert_eq!(Fault::parse("cut 0-1,4 2", 5), cut(&[0, 1, 4], &[2], true));
        assert_eq!(Fault::parse(" cut-one-way  3 0 ", 5), cut(&[3], &[0], false));
        assert_eq!(Fault::parse("loss 30%", 5), Ok(Fault::Loss(0.3)));
        assert_eq!(Fault::parse("delay 20ms", 5), Ok(Fault::Delay(Duration::from_millis(20))));
        assert_eq!(Fault::parse("udp off", 5), Ok(Fault::Udp(false)));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_right() {
        for (line, word) in [
            ("cut 0 5", "from 0 to 4"),
            ("cut 2-1 0", "0-2,4"),
            ("cut , 0", "no hosts"),
            ("loss 300%", "100%"),
            ("heal", "mend"),
            ("", "help"),
        ] {
            let why = Fault::parse(line, 5).unwrap_err();
            assert!(why.contains(word), "{line}: {why}");
        }
    }

    #[test]
    fn cuts_are_of_the_links_between_the_groups() {
        let mut switch = Switch::new(1);
        for _ in 0..4 {
            switch.add_host(&[]);
        }
        let mut carry_out = |line| Fault::parse(line, 4).unwrap().carry_out(&mut switch);
        carry_out("cut 0 1");
        carry_out("cut-one-way 2 3");
        let cut = |switch: &Switch, from, to| switch.link(from, to).cut;
        let links = [(0, 1), (1, 0), (2, 3), (3, 2), (0, 2)];
        let cuts = links.map(|(from, to)| cut(&switch, from, to));
        assert_eq!(cuts, [true, true, true, false, false]);
        Fault::parse("mend", 4).unwrap().carry_out(&mut switch);
        assert!(links.iter().all(|&(from, to)| !cut(&switch, from, to)));
    }
}
