//! The places of a crate's modules.

/// Returns the folder that holds the files of a file's child modules.
pub(crate) fn folder_of_children(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
    }
}

/// Returns the module of a file, from the root of its crate.
///
/// It is `["wire", "half"]` for `wire/half.rs`, and `None` for the root itself and for files not
/// below `root`.
pub(crate) fn module_of(path: &str, root: &str) -> Option<Vec<String>> {
    let below = path.strip_prefix(root)?.strip_prefix('/')?.strip_suffix(".rs")?;
    let mut module: Vec<String> = below.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    (module != ["lib"] && !module.is_empty()).then_some(module)
}
