//! The drawing of the layers of `swim-core`, in `docs/explanation/architecture.md`.
//!
//! It is the first block named `text` below the heading "Layers of swim-core". Each line is a
//! layer, the highest first: its name, a bar, and its modules. A line that begins with the bar
//! continues the layer above. A module is a folder or a file of `crates/swim-core/src`.
//!
//! ```text
//! node    | node
//! owners  | detection  membership
//!         | dissemination
//! wire    | wire
//! ```

use std::collections::BTreeMap;

/// The page with the drawing.
pub const FILE: &str = "docs/explanation/architecture.md";

/// The heading above the drawing.
pub const HEADING: &str = "## Layers of swim-core";

/// The layers, and the layer of each module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The names of the layers, the highest first.
    pub names: Vec<String>,
    /// The number of each module's layer, and its line in the drawing.
    pub modules: BTreeMap<String, (usize, usize)>,
}

impl Layers {
    /// Reads the drawing from a page.
    ///
    /// # Errors
    /// If there is no drawing, or a module is drawn twice.
    pub fn parse(page: &str) -> Result<Self, String> {
        let mut lines = (1..).zip(page.lines());
        let missing = || format!("{FILE}: no drawing below {HEADING:?}");
        lines.find(|(_, line)| *line == HEADING).ok_or_else(missing)?;
        lines.find(|(_, line)| *line == "```text").ok_or_else(missing)?;
        let mut layers = Layers { names: Vec::new(), modules: BTreeMap::new() };
        for (number, line) in lines.take_while(|(_, line)| *line != "```") {
            let (name, modules) = line
                .split_once('|')
                .ok_or_else(|| format!("{FILE}:{number}: {line:?} is not \"LAYER | MODULES\""))?;
            if !name.trim().is_empty() {
                layers.names.push(name.trim().to_owned());
            }
            let layer = layers.names.len().checked_sub(1).ok_or_else(missing)?;
            for module in modules.split_whitespace() {
                if layers.modules.insert(module.to_owned(), (layer, number)).is_some() {
                    return Err(format!("{FILE}:{number}: {module} is drawn twice"));
                }
            }
        }
        if layers.modules.is_empty() { Err(missing()) } else { Ok(layers) }
    }

    /// Returns the number of a module's layer; the highest is 0.
    #[must_use]
    pub fn of(&self, module: &str) -> Option<usize> {
        self.modules.get(module).map(|&(layer, _)| layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_is_read_from_the_page() {
        let page = format!(
            "# A\n\n{HEADING}\n\nWhy.\n\n```text\na | b  c\n  | d\ne | f\n```\n| g | h |\n"
        );
        let layers = Layers::parse(&page).expect("it is one");
        assert_eq!(layers.names, ["a", "e"]);
        let of = ["b", "c", "d", "f", "g"].map(|module| layers.of(module));
        assert_eq!(of, [Some(0), Some(0), Some(0), Some(1), None]);
    }

    #[test]
    fn what_is_no_drawing_is_an_error() {
        let page = |drawing: &str| format!("{HEADING}\n```text\n{drawing}\n```\n");
        for (page, why) in [
            ("# A\n".to_owned(), "no drawing"),
            (page("a | b\nc | b"), "docs/explanation/architecture.md:4: b is drawn twice"),
            (page("a b"), "is not \"LAYER | MODULES\""),
        ] {
            let error = Layers::parse(&page).expect_err("it is none");
            assert!(error.contains(why), "{error}");
        }
    }
}
