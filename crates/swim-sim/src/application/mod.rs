//! Applications of drivers: tasks on virtual time, connections over the network of the world.
//!
//! An application puts requests on its process's [`Desk`], and finds its input there. The
//! [`Executor`] polls its tasks after each turn of the driver. `carrying.rs` carries out the
//! requests and delivers the input.

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
