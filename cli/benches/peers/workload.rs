//! What is measured, and how it is set up.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::measure::{Contender, Race, run};
use crate::peer::{buildah, buildah_build, iechor, iechor_build, shell, write_policy};

/// A static shell: images are built from nothing, so that no registry is needed.
const BUSYBOX: &str = "/bin/busybox";

/// The state directory of workloads that keep theirs.
const STATE: &str = "iechor";

/// One row of the table.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// Directory name.
    pub(crate) slug: &'static str,
    /// Who it is measured against.
    pub(crate) peer: &'static str,
    /// What the time is divided by: 20 for the cost of one of 20 steps.
    pub(crate) parts: u32,
    /// What iechor is to reach.
    pub(crate) aim: &'static str,
    pub(crate) prepare: fn(&Path) -> Result<Race>,
}

/// All rows.
pub(crate) fn all() -> [Workload; 6] {
    let row = |name, slug, peer, parts, aim, prepare| Workload {
        name,
        slug,
        peer,
        parts,
        aim,
        prepare,
    };
    [
        row(
            "cached rebuild of 20 steps",
            "cached",
            "buildah",
            1,
            "< 15 ms",
            cached_steps,
        ),
        row(
            "cached rebuild, 20,000 files",
            "cached-files",
            "buildah",
            1,
            "< 150 ms",
            cached_files,
        ),
        row(
            "trivial RUN step, cold",
            "trivial",
            "buildah",
            20,
            "< 15 ms",
            trivial_steps,
        ),
        row(
            "COPY of 20,000 files, cold",
            "copy",
            "buildah",
            1,
            "< 2000 ms",
            copy_files,
        ),
        row(
            "export of a 300 MB layer",
            "export",
            "buildah",
            1,
            "",
            export,
        ),
        row(
            "mount of a 100-layer chain",
            "mount",
            "overlayfs",
            1,
            "< 10 ms",
            mount,
        ),
    ]
}

fn cached_steps(dir: &Path) -> Result<Race> {
    write_steps(dir, 20)?;
    warm(dir)?;
    Ok(builds(dir, &[]))
}

fn cached_files(dir: &Path) -> Result<Race> {
    write_files(dir, 20_000)?;
    warm(dir)?;
    Ok(builds(dir, &[]))
}

fn trivial_steps(dir: &Path) -> Result<Race> {
    write_steps(dir, 20)?;
    Ok(builds(dir, &["--no-cache"]))
}

/// Cold for us means a state directory that has no blob yet. Nothing is removed in between: ext4
/// is slow to make files just after many were removed.
fn copy_files(dir: &Path) -> Result<Race> {
    write_files(dir, 20_000)?;
    let (ours, theirs) = (dir.to_owned(), dir.to_owned());
    Ok(Race {
        ours: Contender::new(move |turn| iechor_build(&ours, &format!("iechor-{turn}"), &[])),
        peer: Contender::new(move |_| buildah_build(&theirs, &["--no-cache"])),
    })
}

/// Both compress the layer each time: we would keep it, so every turn has a state directory that has
/// built the image and never exported it.
fn export(dir: &Path) -> Result<Race> {
    write_large_file(dir, 300)?;
    run(&mut buildah_build(dir, &[]))?;
    let (built, ours, theirs) = (dir.to_owned(), dir.to_owned(), dir.to_owned());
    let state = |turn: usize| format!("iechor-{turn}");
    Ok(Race {
        ours: Contender::new(move |turn| {
            let dest = ours.join(format!("ours-{turn}.tar"));
            let output = format!("type=oci,dest={}", dest.display());
            iechor_build(&ours, &state(turn), &["-o", &output])
        })
        .after(move |turn| iechor_build(&built, &state(turn), &[])),
        peer: Contender::new(move |turn| {
            let dest = theirs.join(format!("theirs-{turn}.tar"));
            let mut push = buildah(&theirs, &["push"]);
            push.arg("bench")
                .arg(format!("oci-archive:{}", dest.display()));
            push
        }),
    })
}

fn mount(dir: &Path) -> Result<Race> {
    write_steps(dir, 100)?;
    run(&mut iechor_build(dir, STATE, &[]))?;
    let (at, plain) = (dir.join("at"), dir.join("plain"));
    fs::create_dir(&at)?;
    fs::create_dir(&plain)?;
    let lowers = make_directories(dir, 100)?;
    let ours = |verb: &'static [&'static str], dir: &Path, at: &Path| {
        let (dir, at) = (dir.to_owned(), at.to_owned());
        move |_: usize| {
            let mut command = iechor(&dir, STATE);
            command.args(verb).arg(&at);
            command
        }
    };
    let unmount = format!("umount {}", plain.display());
    let theirs = dir.to_owned();
    Ok(Race {
        ours: Contender::new(ours(&["mount", "bench"], dir, &at)).then(ours(&["umount"], dir, &at)),
        peer: Contender::new(move |_| overlay(&theirs, &plain, &lowers))
            .then(move |_| shell(unmount.clone())),
    })
}

/// `mount -t overlay` of as many directories; the names are relative, for a page of options is short.
fn overlay(dir: &Path, at: &Path, lowers: &str) -> Command {
    let mut command = Command::new("mount");
    command
        .current_dir(dir)
        .args(["-t", "overlay", "overlay", "-o"]);
    command.arg(format!("ro,lowerdir={lowers}")).arg(at);
    command
}

fn make_directories(dir: &Path, count: usize) -> Result<String> {
    let names: Vec<String> = (0..count).map(|layer| format!("l{layer}")).collect();
    names
        .iter()
        .try_for_each(|name| fs::create_dir(dir.join(name)))?;
    Ok(names.join(":"))
}

fn builds(dir: &Path, extra: &'static [&'static str]) -> Race {
    let (ours, theirs) = (dir.to_owned(), dir.to_owned());
    Race {
        ours: Contender::new(move |_| iechor_build(&ours, STATE, extra)),
        peer: Contender::new(move |_| buildah_build(&theirs, extra)),
    }
}

fn warm(dir: &Path) -> Result<()> {
    run(&mut iechor_build(dir, STATE, &[]))?;
    run(&mut buildah_build(dir, &[]))
}

fn write_steps(dir: &Path, count: usize) -> Result<()> {
    let context = context(dir)?;
    fs::copy(BUSYBOX, context.join("busybox")).context("install busybox-static: make deps")?;
    let mut file = "FROM scratch\nCOPY busybox /bin/busybox\n".to_owned();
    for step in 0..count {
        writeln!(file, r#"RUN ["/bin/busybox", "touch", "/step-{step}"]"#)?;
    }
    Ok(fs::write(context.join("iEchorfile"), file)?)
}

fn write_files(dir: &Path, count: usize) -> Result<()> {
    let context = context(dir)?;
    fs::write(
        context.join("iEchorfile"),
        "FROM scratch\nCOPY tree /tree\n",
    )?;
    for number in 0..count {
        let folder = context.join(format!("tree/{}", number / 100));
        if number % 100 == 0 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(
            folder.join(format!("file-{number}")),
            format!("contents of {number}\n").repeat(50),
        )?;
    }
    Ok(())
}

/// Text that compresses to about a third, as programs do.
fn write_large_file(dir: &Path, megabytes: usize) -> Result<()> {
    let context = context(dir)?;
    fs::write(
        context.join("iEchorfile"),
        "FROM scratch\nCOPY large /large\n",
    )?;
    let mut file = std::io::BufWriter::new(fs::File::create(context.join("large"))?);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..megabytes * 1024 * 1024 / 16 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        writeln!(file, "{:015x}", state & 0xffff_ffff)?;
    }
    Ok(file.flush()?)
}

fn context(dir: &Path) -> Result<std::path::PathBuf> {
    write_policy(dir)?;
    let context = dir.join("context");
    fs::create_dir(&context)?;
    Ok(context)
}
