//! (interface to come)
/// a reference
#[derive(Debug, Clone)] pub struct ImageRef;
