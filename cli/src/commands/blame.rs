//! `iechor blame`.

use clap::Args;
use iechor_engine::blame::{self, Author, Deed, Touch};
use iechor_engine::files;

use crate::error::CliError;
use crate::session::Session;
use crate::stat;
use crate::table::{Line, ListArgs, Row};

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

    fn id(&self, line: &mut Line<'_>) {
        line.id(&self.snapshot);
    }

    fn cells(&self, line: &mut Line<'_>) {
        line.show(self.layer).word(deed(&self.deed));
        author(&self.author, line);
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
fn author<'a, 'b>(author: &Author, line: &'a mut Line<'b>) -> &'a mut Line<'b> {
    match author {
        Author::Step {
            text,
            place,
            record,
            created,
        } => line.text(text).word(place).ago(*created).id(record),
        Author::Image {
            image,
            text,
            created,
        } => line
            .text(text)
            .word(image)
            .word(created.as_deref().unwrap_or_default())
            .word(""),
        Author::Unknown => line.word("not known any more").word("").word("").word(""),
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
