//! The code of the fuzz targets.
//!
//! No target depends on the fuzzer: an ordinary test of swim-core includes these modules and
//! replays the interesting inputs.
//!
//! [`input::Input`] reads the inputs, not a crate that may read the same bytes differently in its
//! next version. So an input in the corpus keeps its meaning.

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
