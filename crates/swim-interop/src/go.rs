//! Builds `go-peer`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::missing::Missing;

/// Go's usual place, besides the search path.
const GO_DEFAULT: &str = "/usr/local/go/bin/go";

/// Builds `go-peer` into `folder`. Go caches its results, so only the first build is slow.
pub(crate) fn build(folder: &Path) -> Result<PathBuf, Missing> {
    let go = ["go", GO_DEFAULT]
        .into_iter()
        .find(|go| Command::new(go).arg("version").output().is_ok())
        .ok_or_else(|| {
            Missing::new("Go", "Install it: https://go.dev/dl, or apt-get install golang")
        })?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop/go-peer");
    // Several test programs may build at once. Each builds its own file, and the last rename wins.
    let built = folder.join(format!("go-peer-{}", std::process::id()));
    let output = Command::new(go)
        .args(["build", "-o"])
        .arg(&built)
        .arg(".")
        .current_dir(&source)
        // Needs neither a C compiler nor git.
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false")
        .output()
        .map_err(|error| Missing::new(format!("a Go that runs ({error})"), "Reinstall it"))?;
    if !output.status.success() {
        return Err(Missing::new(
            "what go-peer is built of",
            format!(
                "`go build` in interop/go-peer said:\n{}",
                String::from_utf8_lossy(&output.stderr)
            ),
        ));
    }
    let program = folder.join("go-peer");
    std::fs::rename(&built, &program)
        .map_err(|error| Missing::new(format!("a place for go-peer ({error})"), "Make room"))?;
    Ok(program)
}
