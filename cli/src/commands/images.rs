//! `iechor images`.

use clap::Args;
use iechor_engine::ImageRef;
use iechor_engine::images::{self, ImageEntry};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{Line, ListArgs, Row};

/// What stands where a name or tag is missing, as in docker.
const NONE: &str = "<none>";

/// List the local images
#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for ImageEntry {
    const COLUMNS: &'static [&'static str] = &[
        "REPOSITORY",
        "TAG",
        "IMAGE ID",
        "PLATFORM",
        "CREATED",
        "SIZE",
    ];

    fn id(&self, line: &mut Line<'_>) {
        line.id(&self.id);
    }

    fn cells(&self, line: &mut Line<'_>) {
        let (repository, tag) = name_and_tag(self.name.as_deref());
        line.word(repository)
            .word(tag)
            .id(&self.id)
            .word(&self.platform)
            .ago(self.created)
            .size(self.size);
    }
}

/// The name as people write it, without the registry and namespace that go without saying.
fn name_and_tag(name: Option<&str>) -> (String, String) {
    let none = || NONE.to_owned();
    let Some(reference) = name.and_then(|name| name.parse::<ImageRef>().ok()) else {
        return (name.map_or_else(none, str::to_owned), none());
    };
    let tag = reference.tag().map_or_else(none, str::to_owned);
    let familiar = reference.familiar();
    let repository = familiar
        .strip_suffix(&format!(":{tag}"))
        .unwrap_or(&familiar);
    (repository.to_owned(), tag)
}

/// Lists them.
pub(crate) fn run(args: &ImagesArgs, session: &Session) -> Result<(), CliError> {
    let images = images::list(&session.engine()?)?;
    args.list.show(&images, session.now(), &session.ui)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_people_write_them() {
        let split = |name| name_and_tag(Some(name));
        assert_eq!(
            split("docker.io/library/app:latest"),
            ("app".into(), "latest".into())
        );
        let local = ("localhost:5000/team/app".into(), "v1".into());
        assert_eq!(split("localhost:5000/team/app:v1"), local);
        assert_eq!(name_and_tag(None), (NONE.into(), NONE.into()));
    }
}
