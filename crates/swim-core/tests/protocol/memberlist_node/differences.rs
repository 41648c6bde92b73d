//! Differences between this library and Go: found, and listed with a reason.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// Differences by case: the aspects, and how they differ.
#[derive(Default)]
pub struct Found {
    by_case: BTreeMap<String, Vec<(String, String)>>,
}

impl Found {
    /// Notes a case whose aspect differs.
    pub fn compare<T: PartialEq + Debug>(&mut self, case: &str, aspect: &str, ours: &T, go: &T) {
        if ours != go {
            let how = format!("here {ours:?}\n      in Go {go:?}");
            self.by_case.entry(case.to_owned()).or_default().push((aspect.to_owned(), how));
        }
    }

    /// Fails unless exactly the listed aspects differ: a case, its aspects separated by commas, and
    /// the reason.
    pub fn check(&self, listed: &[(&str, &str, &str)]) {
        let mut wrong = String::new();
        let mut expected: BTreeMap<&str, &str> = BTreeMap::new();
        for &(case, aspects, why) in listed {
            assert!(!why.is_empty() && expected.insert(case, aspects).is_none(), "{case}");
        }
        for (case, found) in &self.by_case {
            let aspects: Vec<&str> = found.iter().map(|(aspect, _)| aspect.as_str()).collect();
            let aspects = aspects.join(", ");
            let listed = expected.remove(case.as_str());
            if listed != Some(&aspects) {
                wrong += &format!("{case}: differs in {aspects:?}, listed {listed:?}\n");
                for (aspect, how) in found {
                    wrong += &format!("    {aspect}:\n      {how}\n");
                }
            }
        }
        for case in expected.keys() {
            wrong += &format!("{case}: listed, and does not differ\n");
        }
        assert!(wrong.is_empty(), "{wrong}");
    }
}
