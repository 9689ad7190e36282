//! iechor
fn main() {}
