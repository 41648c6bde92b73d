//! A member on a microcontroller. The program is only linked, to measure its size: a real board has
//! another network chip and another start.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod board;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("embedded: build it with --target thumbv7em-none-eabi --release");
    std::process::exit(2);
}
