//! A Debian image of 20 layers: what `ls`, `cat`, `diff` and `blame` say, beside a mount, and beside
//! what skopeo, umoci and tar make of the exported image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::debian::{mirror, rootfs};
use crate::diff::{compared, told, without_mtime};
use crate::support::listing::{self, Listed};
use crate::support::{TestEnv, archive, tool};

const LAYERS: usize = 20;
const TEXT: &str = "FROM debian
RUN mkdir -p /look/deep/er /look/moved/in && echo 1 > /look/file && echo x > /look/deep/er/x && echo in > /look/moved/in/file
RUN echo 2 >> /look/file && ln -s file /look/link && ln /look/file /look/hard
RUN chmod 4755 /usr/bin/env && chown 7:8 /look/deep
RUN rm -r /usr/share/doc
COPY tree /look/tree
RUN mv /look/moved /look/elsewhere
RUN rm /look/link && mkdir /look/link && echo dir > /look/link/now
RUN rm -r /look/deep && mkdir /look/deep && echo 3 > /look/deep/new
RUN mkfifo /look/pipe && touch -d '2001-02-03 04:05:06' '/look/a b'
RUN echo more >> /etc/debian_version
RUN mv /usr/share/common-licenses /licences
ADD --chown=9:9 --chmod=600 tree/a.txt /look/added
RUN echo 'u:x:1:1::/:/bin/sh' >> /etc/passwd
RUN rm -r /look/tree/sub
COPY tree/sub /look/tree/sub
RUN cp -a /bin/true /look/true && chmod u+s /look/true
WORKDIR /look/made/by/workdir
RUN rm /look/hard && echo last > /look/file
RUN find /var/log -type f -delete; echo end > /look/end
";
/// Of the files of the base, one in so many is asked for by name.
const SAMPLE: usize = 500;

type Listing = BTreeMap<String, Listed>;

/// Builds `debian` and on it `look`, which goes into an archive.
fn built(mirror: &str) -> TestEnv {
    let env = TestEnv::new();
    let root = rootfs(mirror);
    let base = crate::support::Files::new(env.path("debian"));
    base.write("iEchorfile", "FROM scratch\nADD root.tar /\n");
    std::fs::hard_link(&root, base.path("root.tar"))
        .or_else(|_| std::fs::copy(&root, base.path("root.tar")).map(drop))
        .unwrap();
    let context = base.path("").display().to_string();
    env.run(["build", "-q", "-t", "debian", &context]).success();
    env.context()
        .write("tree/a.txt", "a")
        .write("tree/sub/b.txt", "b")
        .write("tree/sub/c.txt", "c");
    let output = format!(
        "type=oci,dest={},compression=uncompressed",
        env.path("look.oci").display()
    );
    env.build_text(TEXT, &["-t", "look", "-o", &output])
        .success();
    env
}

/// The image as skopeo copied it out of the archive.
fn layout(env: &TestEnv) -> PathBuf {
    let archive = format!("oci-archive:{}", env.path("look.oci").display());
    let layout = env.path("layout");
    let dest = format!("oci:{}:look", layout.display());
    tool::skopeo(&["copy", "-q", &archive, &dest]).success();
    layout
}

fn unpacked(env: &TestEnv, layout: &Path) -> Listing {
    let bundle = env.path("bundle");
    let image = format!("{}:look", layout.display());
    let args = ["unpack", "--image", &image, bundle.to_str().unwrap()];
    tool::run("umoci", args).success();
    listing::of(&bundle.join("rootfs"))
}

/// Times of directories change with what is put into them while they are unpacked.
fn comparable(listing: &Listing) -> Listing {
    let mut listing = listing.clone();
    for listed in listing
        .values_mut()
        .filter(|one| one.file_type == "directory")
    {
        listed.mtime = 0;
    }
    listing
}

#[track_caller]
fn same(one: &Listing, other: &Listing) {
    let differences = compared(&comparable(one), &comparable(other));
    assert_eq!(differences, BTreeMap::new());
}

/// For each path the last layer that has or deletes it, by the names in the layers' archives.
fn last_touched(layout: &Path, layers: &[String]) -> BTreeMap<String, usize> {
    let mut touched = BTreeMap::new();
    for (layer, digest) in (1..).zip(layers) {
        let blob = layout.join("blobs").join(digest.replace(':', "/"));
        let blob = blob.to_str().unwrap();
        let names = tool::run("tar", ["-tf", blob, "--quoting-style=literal"]).success();
        let files = names.stdout.lines().filter(|name| !name.ends_with('/'));
        touched.extend(files.map(|name| {
            let name = name.trim_start_matches("./").replace(".wh.", "");
            (format!("/{name}"), layer)
        }));
    }
    touched
}

/// What `blame` says of the newest deed: the layer, and what it did.
fn blamed(env: &TestEnv, path: &str) -> (usize, String) {
    let args = [
        "blame",
        "--all",
        &format!("look:{path}"),
        "--format",
        "json",
    ];
    let touches = tool::json(&env.run(args).success().stdout);
    let layer = touches[0]["layer"].as_u64().unwrap();
    let deed = touches[0]["deed"].as_str().unwrap().to_owned();
    (usize::try_from(layer).unwrap(), deed)
}

fn ls_agrees(env: &TestEnv, shown: &Listing) {
    let told = env.run(["ls", "-R", "look", "--format", "json"]).success();
    let told = tool::json(&told.stdout);
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), shown.len());
    for entry in told {
        let path = entry["path"].as_str().unwrap();
        let expected = &shown[path];
        let said = (
            entry["type"].as_str(),
            entry["size"].as_u64(),
            entry["mode"].as_str(),
        );
        let mode = format!("{:04o}", expected.mode);
        let seen = (
            Some(expected.file_type),
            Some(expected.size),
            Some(mode.as_str()),
        );
        assert_eq!(said, seen, "{path}");
        let owner = (entry["uid"].as_u64(), entry["gid"].as_u64());
        let (uid, gid) = expected.owner;
        assert_eq!(owner, (Some(uid.into()), Some(gid.into())), "{path}");
        assert_eq!(
            entry["target"].as_str(),
            expected.target.as_deref(),
            "{path}"
        );
    }
}

fn cat_agrees(env: &TestEnv, shown: &Listing) {
    let of_ours = shown.iter().filter(|(path, _)| path.starts_with("/look/"));
    let of_base = shown.iter().step_by(SAMPLE);
    for (path, listed) in of_ours.chain(of_base) {
        if let Some(contents) = &listed.contents {
            let printed = env.run(["cat", &format!("look:{path}")]).success().bytes;
            assert!(printed == *contents, "{path} has other contents");
        }
    }
}

fn blame_agrees(env: &TestEnv, layout: &Path, layers: &[String], shown: &Listing) {
    let touched = last_touched(layout, layers);
    let files = shown
        .iter()
        .filter(|(_, listed)| listed.file_type != "directory");
    let (ours, base): (Vec<_>, Vec<_>) = files
        .map(|(path, _)| path)
        .partition(|path| touched[*path] > 1);
    assert!(ours.len() > 20, "{ours:?}");
    for path in ours.into_iter().chain(base.into_iter().step_by(SAMPLE)) {
        assert_eq!(blamed(env, path).0, touched[path], "{path}");
    }
    for gone in ["/look/hard", "/look/moved", "/usr/share/doc"] {
        assert_eq!(
            blamed(env, gone),
            (touched[gone], "deleted".to_owned()),
            "{gone}"
        );
    }
}

#[test]
fn debian_in_twenty_layers_is_told_as_others_see_it() {
    let Some(mirror) = mirror() else {
        eprintln!("skipped: no Debian mirror answers from here");
        return;
    };
    let env = built(&mirror);
    let layout = layout(&env);
    let layers = archive::layers(&format!("oci:{}:look", layout.display()));
    assert_eq!(layers.len(), LAYERS);

    let mounted = env.run(["mount", "look"]).success().stdout;
    let mounted = listing::of(mounted.trim().as_ref());
    let unpacked = unpacked(&env, &layout);
    same(&mounted, &unpacked);
    ls_agrees(&env, &unpacked);
    cat_agrees(&env, &unpacked);

    let base = env.run(["mount", "debian"]).success().stdout;
    let base = listing::of(base.trim().as_ref());
    let expected = without_mtime(compared(&base, &unpacked));
    assert!(expected.len() > 100, "{}", expected.len());
    assert_eq!(without_mtime(told(&env, "debian", "look")), expected);

    blame_agrees(&env, &layout, &layers, &unpacked);
}
