use super::{ExpandError, Expander};
use crate::ast::Heredoc;
pub(super) enum Quotes {
    Removed,
}
pub(super) struct Words {
    pub(super) text: String,
    pub(super) words: Vec<String>,
}
pub(super) fn expand(_: &mut Expander<'_>, _: &str, _: Quotes) -> Result<Words, ExpandError> {
    todo!()
}
pub(super) fn expand_heredoc(_: &mut Expander<'_>, _: &Heredoc) -> Result<String, ExpandError> {
    todo!()
}
