//! Circles in a directed graph.

use std::collections::{BTreeMap, BTreeSet};

/// The targets of each node.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// Returns the sets of nodes that reach each other, the largest first, without single nodes.
pub(crate) fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|from| (from.as_str(), reached(graph, from))).collect();
    let mut circles = Vec::new();
    let mut taken = BTreeSet::new();
    for (&from, reached) in &reach {
        let reaches_back = |to: &&&str| reach.get(**to).is_some_and(|back| back.contains(from));
        let circle: Vec<String> =
            reached.iter().filter(reaches_back).map(ToString::to_string).collect();
        if circle.len() > 1 && circle.iter().all(|node| taken.insert(node.clone())) {
            circles.push(circle);
        }
    }
    circles.sort_by_key(|circle| core::cmp::Reverse(circle.len()));
    circles
}

/// Returns the nodes that can be reached in one step or more.
fn reached<'a>(graph: &'a Graph, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = graph.get(from).into_iter().flatten().map(String::as_str).collect();
    while let Some(node) = next.pop() {
        if reached.insert(node) {
            next.extend(graph.get(node).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_and_what_hangs_on_them_is_not_in_them() {
        let edges = ["ab", "bc", "ca", "cd", "de", "ed", "ff", "xa"];
        let mut graph = Graph::new();
        for edge in edges {
            graph.entry(edge[..1].to_owned()).or_default().insert(edge[1..].to_owned());
        }
        assert_eq!(circles(&graph), [vec!["a", "b", "c"], vec!["d", "e"]]);
    }
}
