//! A diagnostic as text.

use super::Diagnostic;

pub(super) fn render(diagnostic: &Diagnostic, name: &str, source: &str) -> String {
    let _ = (diagnostic, name, source);
    todo!()
}
