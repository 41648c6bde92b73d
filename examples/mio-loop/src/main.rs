//! A member in its own event loop, on mio: it sleeps until a socket is ready or a timer is due.
//! Unix only, since connections are registered by their descriptors.
//!
//! ```sh
//! cargo run -p mio-loop -- NAME BIND [SEED]...
//! ```

#[cfg(unix)]
mod member;
#[cfg(unix)]
mod registry;

fn main() -> std::process::ExitCode {
    #[cfg(unix)]
    let ran = member::run();
    #[cfg(not(unix))]
    let ran: Result<(), &str> = Err("this example needs Unix");
    match ran {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            std::process::ExitCode::FAILURE
        }
    }
}
