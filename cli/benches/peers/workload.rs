//! What is measured, and how it is set up.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::measure::{Contender, Race, run};
use crate::peer::{buildah, buildah_build, iechor, iechor_build, shell};

/// A static shell: images are built from nothing, so that no registry is needed.
const BUSYBOX: &str = "/bin/busybox";

/// One row of the table.
pub struct Workload {
    pub name: &'static str,
    /// Directory name.
    pub slug: &'static str,
    /// Who it is measured against.
    pub peer: &'static str,
    /// What the time is divided by: 20 for the cost of one of 20 steps.
    pub parts: u32,
    /// What iechor is to reach.
    pub aim: &'static str,
    pub prepare: fn(&Path) -> Result<Race>,
}

/// All rows.
pub fn all() -> [Workload; 6] {
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
    builds(dir, &[])
}

fn cached_files(dir: &Path) -> Result<Race> {
    write_files(dir, 20_000)?;
    warm(dir)?;
    builds(dir, &[])
}

fn trivial_steps(dir: &Path) -> Result<Race> {
    write_steps(dir, 20)?;
    builds(dir, &["--no-cache"])
}

/// Cold for us means a state directory that has no blob yet.
fn copy_files(dir: &Path) -> Result<Race> {
    write_files(dir, 20_000)?;
    let mut race = builds(dir, &["--no-cache"])?;
    race.ours.before = vec![shell(format!("rm -rf {}", dir.join("iechor").display()))];
    Ok(race)
}

fn export(dir: &Path) -> Result<Race> {
    write_large_file(dir, 300)?;
    warm(dir)?;
    let (ours, theirs) = (dir.join("ours.tar"), dir.join("theirs.tar"));
    let remove = shell(format!("rm -f {} {}", ours.display(), theirs.display()));
    let output = format!("type=oci,dest={}", ours.display());
    let mut push = buildah(dir, &["push", "--signature-policy"])?;
    push.arg(dir.join("policy.json"))
        .arg("bench")
        .arg(format!("oci-archive:{}", theirs.display()));
    Ok(Race {
        ours: Contender {
            before: vec![remove],
            timed: iechor_build(dir, &["-o", &output]),
            after: Vec::new(),
        },
        peer: Contender::new(push),
    })
}

fn mount(dir: &Path) -> Result<Race> {
    write_steps(dir, 100)?;
    run(&mut iechor_build(dir, &[]))?;
    let (at, plain) = (dir.join("at"), dir.join("plain"));
    fs::create_dir(&at)?;
    fs::create_dir(&plain)?;
    let mut timed = iechor(dir);
    timed.arg("mount").arg("bench").arg(&at);
    let mut umount = iechor(dir);
    umount.arg("umount").arg(&at);
    Ok(Race {
        ours: Contender {
            before: Vec::new(),
            timed,
            after: vec![umount],
        },
        peer: Contender {
            before: Vec::new(),
            timed: overlay(dir, &plain, 100)?,
            after: vec![shell(format!("umount {}", plain.display()))],
        },
    })
}

/// `mount -t overlay` of as many directories; the options are relative, for their page is short.
fn overlay(dir: &Path, at: &Path, layers: usize) -> Result<Command> {
    let names: Vec<String> = (0..layers).map(|layer| format!("l{layer}")).collect();
    for name in &names {
        fs::create_dir(dir.join(name))?;
    }
    let mut command = Command::new("mount");
    command
        .current_dir(dir)
        .args(["-t", "overlay", "overlay", "-o"]);
    command
        .arg(format!("ro,lowerdir={}", names.join(":")))
        .arg(at);
    Ok(command)
}

fn builds(dir: &Path, extra: &[&str]) -> Result<Race> {
    Ok(Race {
        ours: Contender::new(iechor_build(dir, extra)),
        peer: Contender::new(buildah_build(dir, extra)?),
    })
}

fn warm(dir: &Path) -> Result<()> {
    run(&mut iechor_build(dir, &[]))?;
    run(&mut buildah_build(dir, &[])?)
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
        write!(file, "{:015x}\n", state & 0xffff_ffff)?;
    }
    Ok(file.flush()?)
}

fn context(dir: &Path) -> Result<std::path::PathBuf> {
    let context = dir.join("context");
    fs::create_dir(&context)?;
    Ok(context)
}
