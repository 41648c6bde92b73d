//! One stage: follows the nodes until every view is right, or the time is up.

use std::time::Duration;

use swim_tokio::{Event, Notice, State};
use tokio::time::Instant;

use super::cast::{Cast, News};
use super::stories::Story;
use super::tell::{Teller, names};
use crate::record::Record;
use crate::style::Tone;

/// How often the views are checked, if no news comes first.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How many wrong beliefs are listed.
const WRONG_TOLD_MAX: usize = 20;

/// The expected views at the end of a stage.
#[derive(Debug)]
pub(super) struct Expected {
    /// The nodes whose views are checked.
    pub(super) observers: Vec<usize>,
    /// The true state of each node.
    pub(super) states: Vec<State>,
}

/// A wrong belief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongBelief {
    observer: usize,
    subject: usize,
    believed: Option<State>,
}

impl Expected {
    /// The beliefs that are wrong now.
    pub(super) fn wrong_beliefs(&self, cast: &Cast) -> Vec<WrongBelief> {
        let mut wrong = Vec::new();
        for &observer in &self.observers {
            for (subject, believed) in cast.view(observer).into_iter().enumerate() {
                if !is_right(believed, self.states[subject]) {
                    wrong.push(WrongBelief { observer, subject, believed });
                }
            }
        }
        wrong
    }
}

/// A failed or left member may also be missing: it is listed only for a while, and nodes that join
/// later never learn of it.
fn is_right(believed: Option<State>, truth: State) -> bool {
    match believed {
        Some(state) => state == truth,
        None => !truth.is_live(),
    }
}

/// Follows a stage to its end. The error is a sentence; the details are printed.
pub(super) async fn settle(
    cast: &mut Cast,
    tell: &Teller,
    expected: &Expected,
    story: &mut impl Story,
    time_max: Duration,
) -> Result<(), String> {
    let deadline = Instant::now() + time_max;
    loop {
        let silent = story.silent(&expected.observers);
        let late = Instant::now() >= deadline;
        // Views are compared at the end only, since that takes long in a large cluster.
        if silent.is_empty() || late {
            let wrong = expected.wrong_beliefs(cast);
            if silent.is_empty() && wrong.is_empty() {
                tell.clear_progress();
                return Ok(());
            }
            if late {
                tell.clear_progress();
                return Err(tell_wrong(cast, tell, expected, &silent, &wrong, time_max).await);
            }
        }
        let all = expected.observers.len();
        tell.progress(&format!("{} of {all} {}", all - silent.len(), story.waits_for()));
        // News is printed before the views are checked again.
        let Ok(news) = tokio::time::timeout(LOOK_AGAIN, cast.next_news()).await else { continue };
        hear(cast, tell, expected, story, news).await?;
    }
}

async fn hear(
    cast: &Cast,
    tell: &Teller,
    expected: &Expected,
    story: &mut impl Story,
    news: News,
) -> Result<(), String> {
    let News { at, observer, notice } = news;
    let observer_name = cast.name(observer);
    let event = match notice {
        Notice::Event(event) => event,
        // This reader is fast enough, so a loss is a bug.
        other => return Err(format!("{observer_name} lost events: {other:?}")),
    };
    tell.event(at, observer_name, &event).await;
    if let Some((tone, told)) = story.hear(cast, at, observer, &event) {
        tell.say_at(at, tone, &told).await;
    }
    if let Event::Failed { member, .. } = &event
        && expected.observers.contains(&observer)
        && let Some(subject) = cast.index_of(member.name.as_str())
        && expected.states[subject] != State::Failed
    {
        let truth = expected.states[subject];
        return Err(format!("{observer_name} declared {} failed, but it is {truth}", member.name));
    }
    Ok(())
}

/// Prints the wrong beliefs, and returns a sentence about them.
async fn tell_wrong(
    cast: &Cast,
    tell: &Teller,
    expected: &Expected,
    silent: &[usize],
    wrong: &[WrongBelief],
    time_max: Duration,
) -> String {
    for belief in wrong.iter().take(WRONG_TOLD_MAX) {
        let (observer, subject) = (cast.name(belief.observer), cast.name(belief.subject));
        let truth = expected.states[belief.subject];
        let believed = belief.believed.map_or("not a member", State::as_str);
        let told = format!("{observer} believes that {subject} is {believed}; it is {truth}");
        let record = Record::event("wrong_belief")
            .with("observer", observer)
            .with("name", subject)
            .with_some("state", belief.believed.map(State::as_str))
            .with("expected", truth.as_str());
        tell.say(Tone::Bad, &told, record).await;
    }
    let after = format!("after {:.0} s", time_max.as_secs_f64());
    if wrong.is_empty() {
        let silent = names(silent.iter().map(|observer| cast.name(*observer)));
        return format!("{after} every view is right, but {silent} reported no event");
    }
    let mut observers: Vec<usize> = wrong.iter().map(|belief| belief.observer).collect();
    observers.dedup();
    let observers = names(observers.into_iter().map(|observer| cast.name(observer)));
    format!("{after} the view is wrong on {observers}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_gone_may_be_missing() {
        for truth in State::ALL {
            for believed in State::ALL {
                assert_eq!(is_right(Some(believed), truth), believed == truth);
            }
            assert_eq!(is_right(None, truth), matches!(truth, State::Failed | State::Left));
        }
    }
}
