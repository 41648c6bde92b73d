//! The tests of `swim-core`'s public face: `protocol`, `corpus` and `own_loop`.
//!
//! They are a package of their own, because all that is compiled of one package is optimized alike:
//! `swim-core` has to be, so that tests of large clusters take minutes and not hours, and for the
//! tests themselves it would cost more than their runs gain.
