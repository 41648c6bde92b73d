//! Which members and which events a client wants.

use regex_lite::{Regex, RegexBuilder};
use swim_tokio::{Event, Member, State, Tags};

use crate::limits::{CONDITIONS_MAX, PATTERN_COMPILED_SIZE_MAX, PATTERN_SIZE_MAX};
use crate::problem::Problem;

/// Conditions that members must fulfil. All of them, and one state of several.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemberFilter {
    names: Vec<Regex>,
    states: Vec<State>,
    tags: Vec<(String, Regex)>,
}

impl MemberFilter {
    /// Reads the parameters of a query.
    pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Self, Problem> {
        bound(parameters)?;
        let mut filter = MemberFilter::default();
        for (key, value) in parameters {
            match key.as_str() {
                "name" => filter.names.push(anchored(value)?),
                "state" => {
                    for word in value.split(',') {
                        filter.states.extend(states(word)?);
                    }
                }
                "tag" => {
                    let (key, pattern) = value.split_once('=').ok_or_else(|| {
                        Problem::bad_request(format!("tag={value}: write tag=KEY=REGEX"))
                    })?;
                    filter.tags.push((key.into(), anchored(pattern)?));
                }
                _ => return Err(unknown(key, "name, state and tag")),
            }
        }
        Ok(filter)
    }

    pub(crate) fn takes(&self, member: &Member) -> bool {
        if !self.states.is_empty() && !self.states.contains(&member.state) {
            return false;
        }
        if !self.names.iter().all(|name| name.is_match(member.name.as_str())) {
            return false;
        }
        if self.tags.is_empty() {
            return true;
        }
        let tags = Tags::of(member).unwrap_or_default();
        self.tags.iter().all(|(key, value)| tags.get(key).is_some_and(|tag| value.is_match(tag)))
    }
}

/// Conditions that events must fulfil.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventFilter {
    kinds: Vec<&'static str>,
    names: Vec<Regex>,
}

/// Events of the application, which may have megabytes each: they come only where they are asked
/// for.
const OF_APPLICATION: [&str; 4] = ["message", "broadcast", "user_state", "ack_payload"];

impl EventFilter {
    /// Reads the parameters of a query.
    pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Self, Problem> {
        bound(parameters)?;
        let mut filter = EventFilter::default();
        for (key, value) in parameters {
            match key.as_str() {
                "kind" => {
                    for kind in value.split(',') {
                        filter.kinds.push(known_kind(kind)?);
                    }
                }
                "name" => filter.names.push(anchored(value)?),
                _ => return Err(unknown(key, "kind and name")),
            }
        }
        Ok(filter)
    }

    pub(crate) fn takes(&self, event: &Event) -> bool {
        let kind = event.kind();
        let is_wanted = match self.kinds.is_empty() {
            true => !OF_APPLICATION.contains(&kind),
            false => self.kinds.contains(&kind),
        };
        is_wanted
            && (self.names.is_empty()
                || subject(event).is_some_and(|name| self.names.iter().all(|it| it.is_match(name))))
    }
}

fn known_kind(word: &str) -> Result<&'static str, Problem> {
    // A filter of a kind that is misspelt would wait for ever.
    Event::KINDS.iter().copied().find(|kind| *kind == word).ok_or_else(|| {
        Problem::bad_request(format!(
            "there is no event of kind {word:?}; there are {}",
            Event::KINDS.join(", ")
        ))
    })
}

/// The member that an event is about, or that sent it.
fn subject(event: &Event) -> Option<&str> {
    let name = match event {
        Event::Broadcast { origin: name, .. } | Event::Message { from: Some(name), .. } => name,
        _ => event.subject()?,
    };
    Some(name.as_str())
}

/// A pattern that has to match the whole text.
fn anchored(pattern: &str) -> Result<Regex, Problem> {
    let wrong = |why: String| {
        Problem::bad_request(format!("the regular expression {pattern:?} is refused: {why}"))
    };
    if pattern.len() > PATTERN_SIZE_MAX {
        return Err(wrong(format!("it has more than {PATTERN_SIZE_MAX} bytes")));
    }
    let compiled = |pattern: &str| {
        let mut builder = RegexBuilder::new(pattern);
        let built = builder.size_limit(PATTERN_COMPILED_SIZE_MAX).build();
        built.map_err(|error| wrong(error.to_string()))
    };
    // By itself first: "a)|(b" would be one with the anchors around it.
    compiled(pattern)?;
    compiled(&format!("^(?:{pattern})$"))
}

fn states(word: &str) -> Result<Vec<State>, Problem> {
    const ALL: [State; 4] = [State::Alive, State::Suspect, State::Failed, State::Left];
    match word {
        "live" => Ok(vec![State::Alive, State::Suspect]),
        word => match ALL.into_iter().find(|state| state.as_str() == word) {
            Some(state) => Ok(vec![state]),
            None => Err(Problem::bad_request(format!(
                "{word:?} is no state: write alive, suspect, failed or left, or live for the first \
                 two"
            ))),
        },
    }
}

fn bound(parameters: &[(String, String)]) -> Result<(), Problem> {
    if parameters.len() > CONDITIONS_MAX {
        return Err(Problem::bad_request(format!("at most {CONDITIONS_MAX} filters are taken")));
    }
    Ok(())
}

/// A parameter that is none: a filter that is misspelt would match everything.
pub(crate) fn unknown(key: &str, known: &str) -> Problem {
    Problem::bad_request(format!("there is no parameter {key:?}; there are {known}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn member(name: &str, state: State, tags: &[(&str, &str)]) -> Member {
        let mut member = Member::new(name.parse().unwrap(), "10.0.0.1:1".parse().unwrap());
        member.state = state;
        member.meta = tags.iter().copied().collect::<Tags>().encode();
        member
    }

    fn filter(query: &str) -> Result<MemberFilter, Problem> {
        MemberFilter::parse(&crate::query::parameters(query).unwrap())
    }

    #[test]
    fn patterns_have_to_match_all_of_a_text() {
        let cache = member("cache-1", State::Alive, &[("role", "cache"), ("zone", "a")]);
        for (query, expected) in [
            ("", true),
            ("name=cache-.", true),
            ("name=cache", false),
            ("name=ache-1", false),
            ("name=x|cache-1", true),
            ("name=cache-1|x", true),
            ("tag=role=cache", true),
            ("tag=role=cach", false),
            ("tag=role=c.*&tag=zone=b", false),
            ("tag=rack=.*", false),
            ("state=alive", true),
            ("state=failed,live", true),
            ("state=failed", false),
        ] {
            assert_eq!(filter(query).unwrap().takes(&cache), expected, "{query}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let many = "name=a&".repeat(17);
        let long = format!("name={}", "a".repeat(257));
        for query in [
            "nam=a",
            "state=dead",
            "tag=role",
            "name=(",
            "name=a)|(b",
            "name=(a{100}){100}",
            &many,
            &long,
        ] {
            assert!(filter(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_kind_of_event_that_does_not_exist_is_refused() {
        let parse = |kind: &str| EventFilter::parse(&[("kind".into(), kind.into())]);
        assert!(Event::KINDS.iter().all(|kind| parse(kind).is_ok()));
        assert!(parse("join").is_err());
    }

    #[test]
    fn events_of_the_application_come_only_when_asked_for() {
        let parse =
            |query: &str| EventFilter::parse(&crate::query::parameters(query).unwrap()).unwrap();
        let message = Event::message("a".parse().unwrap(), vec![0; 9], true);
        let late = Event::late(Duration::from_secs(1));
        assert!(!parse("").takes(&message) && parse("").takes(&late));
        assert!(parse("kind=message,late").takes(&message));
        assert!(parse("kind=message&name=a").takes(&message));
        assert!(!parse("kind=message&name=b").takes(&message));
        assert!(!parse("name=a").takes(&late));
    }
}
