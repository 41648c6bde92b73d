//! What the fuzz targets do with their input. No target depends on the fuzzer: an ordinary test of
//! swim-core includes these modules and replays the inputs that were found interesting.
//!
//! Inputs are read by [`input::Input`], not by a crate that may read the same bytes in another way
//! in its next version: an input in the corpus keeps its meaning.

pub mod draft;
pub mod input;
pub mod memberlist_packet;
pub mod memberlist_roundtrip;
pub mod memberlist_stream;
pub mod node_ops;
pub mod packet;
pub mod replay;
pub mod roundtrip;
pub mod settings;
pub mod stream;
pub mod voice;
pub mod watched;
