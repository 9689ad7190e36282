//! `iechor blame`.

use clap::Args;
use iechor_engine::blame::{self, Author, Deed, Touch};
use iechor_engine::files;

use crate::error::CliError;
use crate::session::Session;
use crate::stat;
use crate::table::{ListArgs, Row, Style};

/// Tell which step wrote a file, or deleted it
#[derive(Debug, Args)]
pub(crate) struct BlameArgs {
    /// An image, stage, step or snapshot, and a path in it
    #[arg(value_name = "REF:PATH")]
    location: String,
    /// Every layer that changed it, newest first, not only the last
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    list: ListArgs,
}

impl Row for Touch {
    const COLUMNS: &'static [&'static str] = &["LAYER", "DEED", "STEP", "PLACE", "WHEN", "RECORD"];

    fn id(&self, style: &Style) -> String {
        style.id(&self.snapshot)
    }

    fn cells(&self, style: &Style) -> Vec<String> {
        let mut cells = vec![self.layer.to_string(), deed(&self.deed)];
        cells.extend(author(&self.author, style));
        cells
    }
}

fn deed(deed: &Deed) -> String {
    match deed {
        Deed::Written => "written".to_owned(),
        Deed::Moved { from } => format!("moved from {}", stat::path(from)),
        Deed::Deleted => "deleted".to_owned(),
    }
}

/// Step, place, time and record.
fn author(author: &Author, style: &Style) -> [String; 4] {
    match author {
        Author::Step {
            text,
            place,
            record,
            created,
        } => [
            style.text(text),
            place.clone(),
            style.ago(*created),
            style.id(record),
        ],
        Author::Image {
            image,
            text,
            created,
        } => [
            style.text(text),
            image.clone(),
            created.clone().unwrap_or_default(),
            String::new(),
        ],
        Author::Unknown => [
            "not known any more".to_owned(),
            String::new(),
            String::new(),
            String::new(),
        ],
    }
}

/// Tells it.
pub(crate) fn run(args: &BlameArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let location = files::locate_path(&engine, &args.location)?;
    let blame = blame::blame(&engine, &location)?;
    let shown = if args.all { blame.touches.len() } else { 1 };
    let touches = blame.touches.get(..shown).unwrap_or_default();
    args.list.show(touches, session.now(), &session.ui)
}
