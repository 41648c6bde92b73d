//! The result of an attack.

use serde_json::json;

/// Whether a limit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The effect is within the limit.
    Holds,
    /// The effect exceeds the limit.
    Broken,
    /// No limit is promised; the figure is for the record.
    Stated,
}

impl Verdict {
    pub(crate) fn of(holds: bool) -> Self {
        if holds { Verdict::Holds } else { Verdict::Broken }
    }

    fn as_str(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Broken => "broken",
            Verdict::Stated => "stated",
        }
    }
}

/// One case of an attack: the action, the effect and the limit.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The scenario, such as `S84`.
    pub(crate) attack: &'static str,
    /// The wire, whether there is a key, and the variant.
    pub(crate) case: String,
    /// The attacker's action.
    pub(crate) did: String,
    /// The effect on the members, in words.
    pub(crate) suffered: String,
    /// The effect as a number, in `unit`.
    pub(crate) figure: f64,
    pub(crate) unit: &'static str,
    /// The limit.
    pub(crate) limit: String,
    pub(crate) verdict: Verdict,
}

impl Finding {
    pub(crate) fn print(&self, as_json: bool, expected: Verdict) {
        let Finding { attack, case, did, suffered, figure, unit, limit, verdict } = self;
        if as_json {
            let line = json!({
                "attack": attack, "case": case, "did": did, "suffered": suffered,
                "figure": figure, "unit": unit, "limit": limit,
                "verdict": verdict.as_str(), "expected": expected.as_str(),
            });
            return println!("{line}");
        }
        let surprise = match (*verdict, expected) {
            (Verdict::Broken, Verdict::Holds) => " (EXPECTED TO HOLD)",
            (Verdict::Holds, Verdict::Broken) => " (fixed: remove it from expected.rs)",
            _ => "",
        };
        println!("{attack} {case}: {}{surprise}", verdict.as_str());
        println!("    did       {did}");
        println!("    suffered  {suffered} [{figure:.1} {unit}]");
        println!("    limit     {limit}\n");
    }
}
