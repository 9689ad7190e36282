//! The files that all grounds show, as plain directories and as images of ours.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::ground::iechor;
use crate::shell::shell;

/// Files of the tree, and of the long chain together.
const FILES: usize = 20_000;
/// Files in each directory.
const IN_DIRECTORY: usize = 100;
/// Bytes of a file, on average: 300 MB in all.
const FILE_SIZE: usize = 15_000;
/// Layers of the long chain.
const LAYERS: usize = 100;
/// Translation units of the C project, and its headers.
const UNITS: usize = 150;
const HEADERS: usize = 40;
/// Packages for dpkg, and files in each.
const PACKAGES: usize = 5;
const PACKED: usize = 300;

/// Everything that the rows read.
pub(crate) struct Inputs {
    /// `$IN` of the rows: archives and packages.
    pub(crate) dir: PathBuf,
    /// One lower directory.
    pub(crate) tree: Lower,
    /// A hundred.
    pub(crate) chain: Lower,
}

/// Lower directories, and an image that shows the same.
pub(crate) struct Lower {
    /// Where the directories are.
    pub(crate) dir: PathBuf,
    /// Their names, topmost first, separated by colons.
    pub(crate) names: String,
    /// The image's name.
    pub(crate) image: &'static str,
    /// The state directory that has the image.
    pub(crate) state: PathBuf,
}

impl Inputs {
    pub(crate) fn make(place: &Path) -> Result<Self> {
        eprintln!("making {FILES} files, a repository, a C project, packages, two images");
        let dir = place.join("in");
        fs::create_dir(&dir)?;
        let tree = Lower::make(place, "tree", 1)?;
        let lower = tree.dir.join("0");
        write_files(&lower, 0..FILES)?;
        shell(TREE, &lower, &dir)?;
        write_project(&lower.join("project"))?;
        write_packages(&dir)?;
        tree.build()?;
        let chain = Lower::make(place, "chain", LAYERS)?;
        for layer in 0..LAYERS {
            let share = FILES / LAYERS;
            write_files(
                &chain.dir.join(layer.to_string()),
                layer * share..(layer + 1) * share,
            )?;
        }
        chain.build()?;
        Ok(Self { dir, tree, chain })
    }
}

/// A repository of 5,000 files, Python's library, what dpkg expects, a large file, an archive.
const TREE: &str = "
    tar -cf $IN/tree.tar tree
    mkdir repository; cp -r tree/1? tree/2? tree/3? tree/4? tree/5? repository
    cd repository; git init -q; git add .
    git -c user.name=bench -c user.email=bench@localhost commit -qm all; cd ..
    mkdir -p usr/lib
    tar -C $(python3 -c 'import os, sys; print(os.path.dirname(os.__file__) + \"/..\")') -c \
        --exclude site-packages --exclude test python$(python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])') |
        tar -C usr/lib -x
    mkdir -p var/lib/dpkg/info var/lib/dpkg/updates; touch var/lib/dpkg/status
    dd if=/dev/urandom of=lower-large bs=1M count=300 status=none
";

impl Lower {
    fn make(place: &Path, image: &'static str, layers: usize) -> Result<Self> {
        let dir = place.join(image);
        for layer in 0..layers {
            fs::create_dir_all(dir.join(layer.to_string()))?;
        }
        let topmost_first = (0..layers).rev().map(|layer| layer.to_string());
        Ok(Self {
            names: topmost_first.collect::<Vec<_>>().join(":"),
            image,
            state: place.join("state"),
            dir,
        })
    }

    /// Builds the image: one COPY a directory.
    fn build(&self) -> Result<()> {
        let layers = self.names.split(':').count();
        let copies = (0..layers).map(|layer| format!("COPY {layer} /\n"));
        let file = format!("FROM scratch\n{}", copies.collect::<String>());
        let script = format!(
            "printf '{file}' | {} build -q -t {} -f - .",
            iechor(&self.state),
            self.image
        );
        shell(&script, &self.dir, &self.dir).context("build the image of the same files")
    }
}

/// Files of text, each different, 100 in a directory.
fn write_files(root: &Path, numbers: std::ops::Range<usize>) -> Result<()> {
    for number in numbers {
        let dir = root.join(format!("tree/{}", number / IN_DIRECTORY));
        if number % IN_DIRECTORY == 0 {
            fs::create_dir_all(&dir)?;
        }
        let line = format!("line of file number {number}, of some length\n");
        let lines = FILE_SIZE / line.len() * (50 + number % 101) / 100;
        fs::write(dir.join(format!("file-{number}")), line.repeat(lines))?;
    }
    Ok(())
}

/// Units that include every header, and a Makefile.
fn write_project(dir: &Path) -> Result<()> {
    fs::create_dir(dir)?;
    let mut includes = "#include <stdio.h>\n#include <stdlib.h>\n".to_owned();
    for header in 0..HEADERS {
        let text = format!(
            "#pragma once\nstatic inline int h{header}(int x) {{ return x + {header}; }}\n"
        );
        fs::write(dir.join(format!("header-{header}.h")), text)?;
        writeln!(includes, "#include \"header-{header}.h\"")?;
    }
    for unit in 0..UNITS {
        let text = format!(
            "{includes}int unit_{unit}(int x) {{ return printf(\"%d\", h1(x) + {unit}); }}\n"
        );
        fs::write(dir.join(format!("unit-{unit}.c")), text)?;
    }
    let makefile = "OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))\nall: library.a\n\
                    library.a: $(OBJECTS)\n\tar rcs $@ $^\n";
    Ok(fs::write(dir.join("Makefile"), makefile)?)
}

fn write_packages(dir: &Path) -> Result<()> {
    for package in 0..PACKAGES {
        let root = dir.join(format!("package-{package}"));
        fs::create_dir_all(root.join("DEBIAN"))?;
        let control = format!(
            "Package: bench-{package}\nVersion: 1\nArchitecture: all\nMaintainer: bench\nDescription: bench\n"
        );
        fs::write(root.join("DEBIAN/control"), control)?;
        let files = root.join(format!("usr/share/bench-{package}"));
        fs::create_dir_all(&files)?;
        for file in 0..PACKED {
            fs::write(
                files.join(file.to_string()),
                format!("{file}\n").repeat(1000),
            )?;
        }
        let script = format!(
            "dpkg-deb --build -Znone package-{package} >/dev/null; rm -r package-{package}"
        );
        shell(&script, dir, dir)?;
    }
    Ok(())
}
