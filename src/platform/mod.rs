//! A third-party platform (第三方平台): the provider's own app, to which merchants give authority over theirs.

pub mod push;
