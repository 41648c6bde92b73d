//! Logs on standard error, if somebody asks for them: events are what there is to see.

use std::io::IsTerminal;

use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

use crate::Fatal;

/// What is logged, which may be changed. A cheap clone.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    filter: reload::Handle<Targets, Registry>,
    /// Said by a flag or by `RUST_LOG`, which go before the settings.
    is_said: bool,
}

impl Log {
    /// Begins to log what `-v` and `RUST_LOG` ask for.
    pub(crate) fn start(verbose: u8) -> Result<Self, Fatal> {
        let variable = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.is_empty());
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

    /// Logs what this filter says from now on, unless a flag or `RUST_LOG` has said it. False if
    /// nothing changed.
    pub(crate) fn set(&self, filter: &str) -> bool {
        match filter.parse::<Targets>() {
            Ok(targets) if !self.is_said => self.filter.reload(targets).is_ok(),
            _ => false,
        }
    }
}
