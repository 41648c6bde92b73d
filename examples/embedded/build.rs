//! Sets the memory layout of the program for a microcontroller.

fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        println!("cargo::rustc-link-arg-bins=-T{folder}/memory.x");
        println!("cargo::rustc-link-arg-bins=--gc-sections");
    }
}
