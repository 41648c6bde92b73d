//! The requests of clients and nodes: one per line.

use std::fmt;
use std::str::FromStr;

/// The longest key in bytes. It bounds the memory of a key.
const KEY_SIZE_MAX: usize = 250;

/// The longest value in bytes. With its key and a command it fits into a line.
const VALUE_SIZE_MAX: usize = 8 << 10;

/// A request from a client or another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Get {
        key: String,
    },
    Set {
        key: String,
        value: String,
    },
    Delete {
        key: String,
    },
    Where {
        key: String,
    },
    Stats,
    Quit,
    /// From a node to the owner of a key. It is not forwarded again.
    Forwarded(Box<Request>),
    /// From a node that hands a key over. The receiver keeps its own value if it has one.
    Take {
        key: String,
        value: String,
    },
}

impl Request {
    /// Returns the key, if only its owner can answer the request.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Request::Get { key } | Request::Set { key, .. } | Request::Delete { key } => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Get { key } => write!(f, "GET {key}"),
            Request::Set { key, value } => write!(f, "SET {key} {value}"),
            Request::Delete { key } => write!(f, "DEL {key}"),
            Request::Where { key } => write!(f, "WHERE {key}"),
            Request::Stats => f.write_str("STATS"),
            Request::Quit => f.write_str("QUIT"),
            Request::Forwarded(request) => write!(f, "FORWARDED {request}"),
            Request::Take { key, value } => write!(f, "TAKE {key} {value}"),
        }
    }
}

impl FromStr for Request {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        const USAGE: &str = "write GET KEY, SET KEY VALUE, DEL KEY, WHERE KEY, STATS or QUIT";
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let pair = || {
            let (key, value) = rest.split_once(' ').ok_or("write a key and a value")?;
            if value.len() > VALUE_SIZE_MAX {
                return Err("a value has at most 8192 bytes");
            }
            Ok::<_, &'static str>((checked(key)?, value.to_owned()))
        };
        Ok(match command {
            "GET" => Request::Get { key: checked(rest)? },
            "DEL" => Request::Delete { key: checked(rest)? },
            "WHERE" => Request::Where { key: checked(rest)? },
            "SET" => pair().map(|(key, value)| Request::Set { key, value })?,
            "TAKE" => pair().map(|(key, value)| Request::Take { key, value })?,
            "STATS" if rest.is_empty() => Request::Stats,
            "QUIT" if rest.is_empty() => Request::Quit,
            // At most one hop: a forwarded request cannot contain another one.
            "FORWARDED" if !rest.starts_with(command) => match rest.parse()? {
                request @ (Request::Get { .. } | Request::Set { .. } | Request::Delete { .. }) => {
                    Request::Forwarded(Box::new(request))
                }
                _ => return Err(USAGE),
            },
            _ => return Err(USAGE),
        })
    }
}

fn checked(key: &str) -> Result<String, &'static str> {
    if key.is_empty() || key.len() > KEY_SIZE_MAX {
        return Err("a key has 1 to 250 bytes");
    }
    if key.chars().any(|it| it.is_whitespace() || it.is_control()) {
        return Err("a key has no whitespace and no control characters");
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_back_as_it_was() {
        let (key, value) = ("k".to_owned(), " a  b".to_owned());
        let get = Request::Get { key: key.clone() };
        for request in [
            get.clone(),
            Request::Forwarded(Box::new(get)),
            Request::Set { key: key.clone(), value: value.clone() },
            Request::Set { key: key.clone(), value: String::new() },
            Request::Delete { key: key.clone() },
            Request::Where { key: key.clone() },
            Request::Take { key, value },
            Request::Stats,
            Request::Quit,
        ] {
            assert_eq!(request.to_string().parse(), Ok(request));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let deep = "FORWARDED ".repeat(400);
        for line in [
            "",
            "get k",
            "GET",
            "GET a b",
            "SET k",
            "STATS now",
            "FORWARDED",
            "FORWARDED STATS",
            "FORWARDED FORWARDED GET k",
            &deep,
        ] {
            assert!(line.parse::<Request>().is_err(), "{line:?}");
        }
        assert!(format!("GET {}", "x".repeat(251)).parse::<Request>().is_err());
    }
}
