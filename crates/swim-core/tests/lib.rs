//! Tests of `swim-core`'s public API: `protocol`, `corpus` and `own_loop`.
//!
//! They are a package of their own, because everything compiled of one package is optimized alike.
//! `swim-core` has to be optimized, so that tests of large clusters take minutes and not hours. For
//! the tests themselves that would cost more than their runs gain.
