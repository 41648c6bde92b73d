//! Where the modules of a crate are.

/// The folder in which the files of a file's child modules lie.
pub(crate) fn folder_of_children(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
    }
}

/// The module of a file, from the root of its crate: `["wire", "half"]` of `wire/half.rs`. None for
/// the root itself, and for what is not below `root`.
pub(crate) fn module_of(path: &str, root: &str) -> Option<Vec<String>> {
    let below = path.strip_prefix(root)?.strip_prefix('/')?.strip_suffix(".rs")?;
    let mut module: Vec<String> = below.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    (module != ["lib"] && !module.is_empty()).then_some(module)
}
