//! The addon: all of it is in `wxacode::node`, which registers itself with Node.js when it is loaded.

extern crate wxacode as _;
