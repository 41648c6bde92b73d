//! Which requests there are.

use hyper::Method;

use crate::problem::Problem;
use crate::query::decoded;

/// A request that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Members,
    Member,
    Info,
    Join,
    Leave,
    Tags,
    SetTags,
    Ping,
    Rtt,
    Stats,
    Events,
    Forget,
    Metrics,
    Healthz,
    Readyz,
}

/// The last part of some paths.
const NAME: &str = "{name}";

/// Every request, in the words of `openapi.json`, which a test compares.
pub(crate) const ROUTES: [(Method, &str, Route); 15] = [
    (Method::GET, "/v1/members", Route::Members),
    (Method::GET, "/v1/members/{name}", Route::Member),
    (Method::GET, "/v1/info", Route::Info),
    (Method::POST, "/v1/join", Route::Join),
    (Method::POST, "/v1/leave", Route::Leave),
    (Method::GET, "/v1/tags", Route::Tags),
    (Method::PUT, "/v1/tags", Route::SetTags),
    (Method::POST, "/v1/ping/{name}", Route::Ping),
    (Method::GET, "/v1/rtt/{name}", Route::Rtt),
    (Method::GET, "/v1/stats", Route::Stats),
    (Method::GET, "/v1/events", Route::Events),
    (Method::POST, "/v1/forget/{name}", Route::Forget),
    (Method::GET, "/metrics", Route::Metrics),
    (Method::GET, "/healthz", Route::Healthz),
    (Method::GET, "/readyz", Route::Readyz),
];

impl Route {
    /// Whether the address of metrics has it, too, where anybody may ask.
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Route::Metrics | Route::Healthz | Route::Readyz)
    }

    /// Whether its request has a body.
    pub(crate) fn has_body(self) -> bool {
        matches!(self, Route::Join | Route::Leave | Route::SetTags)
    }

    /// The route of a request, and the name in its path; empty if it has none.
    pub(crate) fn find(
        method: &Method,
        path: &str,
        is_known: impl Fn(Route) -> bool,
    ) -> Result<(Route, String), Problem> {
        // A request for the headers alone; hyper leaves out the body.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let at_path: Vec<_> = ROUTES
            .iter()
            .filter(|(_, _, route)| is_known(*route))
            .filter_map(|(method, of, route)| name_in(of, path).map(|name| (method, *route, name)))
            .collect();
        match at_path.iter().find(|(of, _, _)| *of == method) {
            Some((_, route, name)) => Ok((*route, decoded(name)?)),
            None if at_path.is_empty() => Err(Problem::new(
                hyper::StatusCode::NOT_FOUND,
                "not found",
                "there is no such path here; docs/reference/control-api.md lists them",
            )),
            None => {
                let methods: Vec<&str> = at_path.iter().map(|(of, _, _)| of.as_str()).collect();
                Err(Problem::method(&methods.join(", ")))
            }
        }
    }
}

/// The name in a path, if the path is of that form.
fn name_in<'a>(form: &str, path: &'a str) -> Option<&'a str> {
    match form.strip_suffix(NAME) {
        Some(start) => {
            path.strip_prefix(start).filter(|name| !name.is_empty() && !name.contains('/'))
        }
        None => (form == path).then_some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_its_methods_and_perhaps_a_name() {
        let find = |method, path: &str| Route::find(&method, path, |_| true);
        assert_eq!(find(Method::GET, "/v1/tags"), Ok((Route::Tags, String::new())));
        assert_eq!(find(Method::HEAD, "/metrics"), Ok((Route::Metrics, String::new())));
        assert_eq!(find(Method::PUT, "/v1/tags"), Ok((Route::SetTags, String::new())));
        assert_eq!(find(Method::POST, "/v1/ping/a%2Fb"), Ok((Route::Ping, "a/b".to_string())));
        for (method, path, status) in [
            (Method::DELETE, "/v1/tags", 405),
            (Method::GET, "/v1/ping/a", 405),
            (Method::GET, "/v1/members/", 404),
            (Method::GET, "/v1/members/a/b", 404),
            (Method::GET, "/v1/members/%ff", 400),
            (Method::GET, "/", 404),
        ] {
            let problem = find(method, path).unwrap_err();
            assert_eq!(problem.status.as_u16(), status, "{path}");
        }
        let private = Route::find(&Method::GET, "/v1/info", Route::is_public).unwrap_err();
        assert_eq!(private.status.as_u16(), 404);
    }
}
