//! Logs on standard error. They are off by default: events go to standard output.

use std::io::IsTerminal;

use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

use crate::{Fatal, warn};

/// The form of a filter in the settings.
pub(crate) const FORM: &str = "\"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a \
                               target such as \"swim=debug\"";

/// The targets of our records.
const TARGETS: [&str; 1] = ["swim"];

/// Refuses invalid filters, and filters for unknown targets: those would show nothing.
pub(crate) fn check(filter: &str) -> Result<(), String> {
    for part in filter.split(',').map(str::trim) {
        let target = match part.split_once('=') {
            Some((target, level)) if is_level(level) => target,
            Some((_, level)) => return Err(format!("{level:?} is not a level; write {FORM}")),
            None if is_level(part) => continue,
            None => return Err(format!("{part:?} is not a level; write {FORM}")),
        };
        if !TARGETS.contains(&target) {
            return Err(format!("there is no log target {target:?}; write {FORM}"));
        }
    }
    filter.parse::<Targets>().map(|_| ()).map_err(|error| error.to_string())
}

/// Whether a filter that may be for other programs applies to this one.
fn shows_us(filter: &str) -> bool {
    let target = |part: &str| part.split_once('=').map_or(part, |(target, _)| target).to_string();
    filter.split(',').map(str::trim).any(|it| is_level(it) || TARGETS.contains(&&*target(it)))
}

fn is_level(text: &str) -> bool {
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    levels.iter().any(|level| level.eq_ignore_ascii_case(text))
}

/// The filter of the log, which can change at run time. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    filter: reload::Handle<Targets, Registry>,
    /// Whether a flag or `RUST_LOG` set the filter: they override the settings.
    is_said: bool,
}

impl Log {
    /// Starts to log, as `-v` and `RUST_LOG` ask for.
    pub(crate) fn start(verbose: u8) -> Result<Self, Fatal> {
        let variable = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.is_empty());
        if let Some(wanted) = variable.as_deref().filter(|wanted| !shows_us(wanted)) {
            warn(&format!("RUST_LOG={wanted:?} matches no log of this program; write {FORM}"));
        }
        let targets = match &variable {
            Some(wanted) => wanted
                .parse::<Targets>()
                .map_err(|error| Fatal::usage(format!("RUST_LOG={wanted:?}: {error}")))?,
            None => Targets::new().with_default(match verbose {
                0 => LevelFilter::OFF,
                1 => LevelFilter::INFO,
                2 => LevelFilter::DEBUG,
                _ => LevelFilter::TRACE,
            }),
        };
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
        let (targets, filter) = reload::Layer::new(targets);
        tracing_subscriber::registry().with(targets).with(layer).init();
        Ok(Log { filter, is_said: variable.is_some() || verbose > 0 })
    }

    /// Sets the filter, unless a flag or `RUST_LOG` did. False if nothing changed.
    pub(crate) fn set(&self, filter: &str) -> bool {
        match filter.parse::<Targets>() {
            Ok(targets) if !self.is_said => self.filter.reload(targets).is_ok(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_one_for_a_target_that_there_is() {
        for filter in ["off", "WARN", "info", "swim=debug", "swim=off,error", "info, swim=trace"] {
            assert_eq!(check(filter), Ok(()), "{filter}");
        }
        for (filter, expected) in [
            ("wanr", "\"wanr\" is not a level; write \"off\", \"error\", \"warn\""),
            ("", "\"\" is not a level"),
            ("swim", "\"swim\" is not a level"),
            ("swim=loud", "\"loud\" is not a level"),
            ("info,swmi=debug", "there is no log target \"swmi\"; write"),
        ] {
            let told = check(filter).unwrap_err();
            assert!(told.contains(expected), "{filter}: {told}");
        }
    }

    #[test]
    fn a_filter_for_other_programs_is_told_if_it_shows_nothing_of_this_one() {
        for filter in ["info", "hyper=debug,swim=info", "warn,hyper=off", "swim"] {
            assert!(shows_us(filter), "{filter}");
        }
        for filter in ["wanr", "hyper=debug", "swmi=info"] {
            assert!(!shows_us(filter), "{filter}");
        }
    }
}
