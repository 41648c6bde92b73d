//! Notations of the command line: times, shares, latencies, losses, and the time of faults.

use std::time::Duration;

use swim_sim::simulation::Fault;
use swim_sim::{Latency, Loss};
use swim_tokio::settings::duration;

/// A number of nodes that crash, and the time; by default early in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CrashSpec {
    pub(crate) nodes: usize,
    pub(crate) at: Option<Duration>,
}

/// A loss, for the whole run or a part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LossSpec {
    Always(Loss),
    During(Fault),
}

/// A time above zero.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected a time above zero".into()),
        time => Ok(time),
    }
}

/// `2ms`, `1ms..5ms`, or `median=20ms,p99=200ms`.
pub(crate) fn latency(text: &str) -> Result<Latency, String> {
    if let Some((from, to)) = text.split_once("..") {
        let (from, to) = (duration(from)?, duration(to.trim_start_matches('='))?);
        return match from <= to {
            true => Ok(Latency::Uniform(from, to)),
            false => Err(format!("the range goes from {from:?} down to {to:?}: swap them")),
        };
    }
    if !text.contains('=') {
        return duration(text).map(Latency::Fixed).map_err(|wrong| {
            format!("{wrong}; or write a range, 1ms..5ms, or a tail, median=20ms,p99=200ms")
        });
    }
    let (mut median, mut p99) = (None, None);
    for part in text.split(',') {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let place = match key.trim() {
            "median" | "p50" => &mut median,
            "p99" => &mut p99,
            other => {
                return Err(format!("'{other}' is unknown: write it like median=20ms,p99=200ms"));
            }
        };
        *place = Some(duration(value)?);
    }
    match (median, p99) {
        (Some(median), Some(p99)) if median.is_zero() || p99 < median => {
            Err("the median must be above zero, and p99 not below it".into())
        }
        (Some(median), Some(p99)) => Ok(Latency::LogNormal { median, p99 }),
        _ => Err("median and p99 are both needed, such as median=20ms,p99=200ms".into()),
    }
}

/// `0.05`, `5%`, or `5%,burst=800ms`; followed by `@60s+30s` if it is for a while only.
pub(crate) fn loss(text: &str) -> Result<LossSpec, String> {
    let Some((text, when)) = text.split_once('@') else {
        return loss_itself(text).map(LossSpec::Always);
    };
    let (at, length) = span(when, "5%@60s+30s")?;
    Ok(LossSpec::During(Fault::Loss { loss: loss_itself(text)?, at, length }))
}

/// `3`, or `3@60s`.
pub(crate) fn crash(text: &str) -> Result<CrashSpec, String> {
    let (count, at) = match text.split_once('@') {
        Some((count, at)) => (count, Some(duration(at)?)),
        None => (text, None),
    };
    Ok(CrashSpec { nodes: nodes(count)?, at })
}

/// `50%@60s+120s`.
pub(crate) fn partition(text: &str) -> Result<Fault, String> {
    const EXAMPLE: &str = "50%@60s+120s";
    let (part, when) = text.split_once('@').ok_or_else(|| needs_when(EXAMPLE))?;
    let share = share(part)?;
    if share <= 0.0 || share >= 1.0 {
        return Err(
            "the share must be above 0% and below 100%, so that both sides have nodes".into()
        );
    }
    let (at, length) = span(when, EXAMPLE)?;
    Ok(Fault::Partition { share, at, length })
}

/// `2@30s+20s`.
pub(crate) fn stall(text: &str) -> Result<Fault, String> {
    const EXAMPLE: &str = "2@30s+20s";
    let (count, when) = text.split_once('@').ok_or_else(|| needs_when(EXAMPLE))?;
    let (at, length) = span(when, EXAMPLE)?;
    Ok(Fault::Stall { nodes: nodes(count)?, at, length })
}

fn needs_when(example: &str) -> String {
    format!("the start and the length are missing: write it like {example}")
}

fn nodes(text: &str) -> Result<usize, String> {
    text.trim().parse().map_err(|_| format!("'{text}' is not a number of nodes"))
}

/// `START+LENGTH`.
fn span(text: &str, example: &str) -> Result<(Duration, Duration), String> {
    let (at, length) = text.split_once('+').ok_or_else(|| needs_when(example))?;
    Ok((duration(at)?, positive_duration(length)?))
}

fn loss_itself(text: &str) -> Result<Loss, String> {
    let mut parts = text.split(',');
    let share = share(parts.next().unwrap_or_default())?;
    let Some(burst) = parts.next() else {
        return Ok(Loss::Independent(share));
    };
    let burst = burst.trim().strip_prefix("burst=");
    let (Some(burst), None) = (burst, parts.next()) else {
        return Err("only burst=TIME may follow the share: write it like 5%,burst=800ms".into());
    };
    if share <= 0.0 || share >= 1.0 {
        return Err("the share of loss in bursts must be above 0% and below 100%".into());
    }
    Ok(Loss::bursts(share, positive_duration(burst)?))
}

/// `0.05` or `5%`.
fn share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, of) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let wrong = || format!("'{text}' is not a share: expected 0 to 1, or 0% to 100%");
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let share = number / of;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    let meant_percent = of == 1.0 && (1.0..=100.0).contains(&number);
    Err(if meant_percent { format!("{}; did you mean {text}%?", wrong()) } else { wrong() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use swim_sim::{millis, secs};

    fn wrong<T: std::fmt::Debug>(result: Result<T, String>) -> String {
        result.unwrap_err()
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("500ms"), Ok(millis(500)));
        assert_eq!(duration(" 1m 30s "), Ok(secs(90)));
        assert_eq!(duration("1.5s"), Ok(millis(1500)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert!(wrong(duration("30")).contains("write '30s' or '30ms'"));
        assert!(wrong(duration("soon")).contains("500ms"));
        assert!(duration("-1s").is_err() && duration("").is_err());
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn latencies_are_fixed_a_range_or_a_tail() {
        assert_eq!(latency("2ms"), Ok(Latency::Fixed(millis(2))));
        assert_eq!(latency("1ms..5ms"), Ok(Latency::Uniform(millis(1), millis(5))));
        let tail = Latency::LogNormal { median: millis(20), p99: millis(200) };
        assert_eq!(latency("median=20ms,p99=200ms"), Ok(tail));
        assert_eq!(latency("p99=200ms, median=20ms"), Ok(tail));
        assert!(wrong(latency("20")).contains("no unit"));
        assert!(wrong(latency("5ms..1ms")).contains("swap"));
        assert!(wrong(latency("median=20ms")).contains("both"));
        assert!(wrong(latency("mean=20ms,p99=2ms")).contains("'mean'"));
        assert!(wrong(latency("median=20ms,p99=2ms")).contains("not below"));
        assert!(wrong(latency("median=0ms,p99=2ms")).contains("above zero"));
    }

    #[test]
    fn losses_are_shares_or_bursts_always_or_for_a_while() {
        let five = Loss::Independent(0.05);
        assert_eq!(loss("0.05"), Ok(LossSpec::Always(five)));
        assert_eq!(loss("5%"), Ok(LossSpec::Always(five)));
        let bursts = Loss::bursts(0.05, millis(800));
        assert_eq!(loss("5%,burst=800ms"), Ok(LossSpec::Always(bursts)));
        let during = Fault::Loss { loss: bursts, at: secs(60), length: secs(30) };
        assert_eq!(loss("5%,burst=800ms@1m+30s"), Ok(LossSpec::During(during)));
        assert!(wrong(loss("5")).contains("did you mean 5%?"));
        for text in
            ["", "x", "-1%", "101%", "NaN", "5%,800ms", "5%,burst=0s", "0,burst=1s", "5%@3s"]
        {
            assert!(loss(text).is_err(), "{text}");
        }
    }

    #[test]
    fn faults_say_when() {
        assert_eq!(crash("3"), Ok(CrashSpec { nodes: 3, at: None }));
        assert_eq!(crash("3@60s"), Ok(CrashSpec { nodes: 3, at: Some(secs(60)) }));
        let cut = Fault::Partition { share: 0.5, at: secs(60), length: secs(120) };
        assert_eq!(partition("50%@60s+120s"), Ok(cut));
        assert_eq!(partition("0.5@1m+2m"), Ok(cut));
        let stalled = Fault::Stall { nodes: 2, at: secs(30), length: secs(20) };
        assert_eq!(stall("2@30s+20s"), Ok(stalled));
        assert!(wrong(partition("50%")).contains("50%@60s+120s"));
        assert!(wrong(partition("50%@60s")).contains("50%@60s+120s"));
        assert!(wrong(partition("100%@60s+1s")).contains("below 100%"));
        assert!(wrong(stall("2@30s")).contains("2@30s+20s"));
        assert!(wrong(crash("some")).contains("not a number"));
        assert!(wrong(crash("1@60")).contains("no unit"));
        assert!(crash("-1").is_err() && crash("").is_err());
    }
}
