//! Applications of drivers: their tasks, on virtual time, and their connections, over the network
//! of the world.
//!
//! What an application wants is put on its process's [`Desk`], and what has come for it is found
//! there; the [`Executor`] polls its tasks after each turn of the driver; `carrying.rs` is what the
//! world does with the one and the other.

mod carrying;
mod desk;
mod executor;
mod starting;
mod stream;
mod virtual_runtime;

pub(crate) use desk::{Desk, Ends, is_of_application};
pub(crate) use executor::{Executor, Program, Task};
pub(crate) use starting::Application;
pub(crate) use virtual_runtime::VirtualRuntime;
