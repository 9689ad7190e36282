//! `iechor builder diff-key`.

use clap::Args;
use iechor_engine::explain;
use serde_json::json;

use super::why::Form;
use crate::commands::build::explain::reasons;
use crate::error::CliError;
use crate::session::Session;
use crate::table;

/// Show what two cached steps differ in
#[derive(Debug, Args)]
pub(crate) struct DiffKeyArgs {
    /// The one: a step or a prefix of a cache key, as for `why`
    #[arg(value_name = "A")]
    old: String,
    /// The other
    #[arg(value_name = "B")]
    new: String,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// Shows it, a line for each difference.
pub(crate) fn run(args: &DiffKeyArgs, session: &Session) -> Result<(), CliError> {
    let differences = explain::diff_keys(&session.engine()?, &args.old, &args.new)?;
    match args.format {
        Form::Json => {
            let value = json!({ "differences": reasons(&differences) });
            session.ui.data(table::json(&value)?)
        }
        Form::Table if differences.is_empty() => {
            session.ui.status("nothing differs: the keys are equal");
            Ok(())
        }
        Form::Table => differences
            .iter()
            .try_for_each(|difference| session.ui.data(difference)),
    }
}
