//! What we write, others read: skopeo, umoci, podman, tar.

use crate::support::tool::{self, Podman, json, skopeo};
use crate::support::{Files, TestEnv, archive};

const TEXT: &str = "FROM base\n\
    COPY file /data/file\n\
    RUN rm /etc/group && mkdir /data/dir && echo made > /data/dir/made && chmod 4755 /bin/busybox\n\
    ENV A=b\n\
    LABEL l=m\n\
    USER app\n\
    CMD [\"cat\", \"/data/dir/made\"]\n";

fn written(env: &TestEnv, kind: &str) -> String {
    env.context().write("file", "file");
    env.iechorfile(TEXT);
    let dest = env.path("image.tar").display().to_string();
    env.build(&["-t", "app:v1", "-o", &format!("{kind},dest={dest}")])
        .success();
    dest
}

#[test]
fn skopeo_reads_our_oci_archive() {
    let env = TestEnv::with_base();
    for compression in ["gzip", "zstd", "uncompressed"] {
        let dest = written(&env, &format!("type=oci,compression={compression}"));
        let image = format!("oci-archive:{dest}");
        let config = archive::config(&image);
        assert_eq!(config["config"]["User"], "app");
        assert_eq!(config["config"]["Labels"]["l"], "m");
        let layers = archive::layers(&image);
        let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
        assert_eq!(layers.len(), diff_ids.len());
        let history = config["history"].as_array().unwrap();
        let filled = history
            .iter()
            .filter(|entry| entry["empty_layer"] != true)
            .count();
        assert_eq!(filled, layers.len(), "one history entry for each layer");
    }
}

#[test]
fn umoci_unpacks_our_oci_layout_to_the_same_files() {
    let env = TestEnv::with_base();
    let archive = written(&env, "type=oci");
    let layout = env.path("layout").display().to_string();
    skopeo(&[
        "copy",
        &format!("oci-archive:{archive}"),
        &format!("oci:{layout}:v1"),
    ])
    .success();
    let bundle = env.path("bundle").display().to_string();
    tool::run(
        "umoci",
        ["unpack", "--image", &format!("{layout}:v1"), &bundle],
    )
    .success();
    let files = Files::new(env.path("bundle/rootfs"));
    assert_eq!(files.read("data/file"), "file");
    assert_eq!(files.read("data/dir/made"), "made\n");
    assert!(
        !files.has("etc/group") && files.has("etc/passwd"),
        "the whiteout removes one file"
    );
    assert_eq!(files.mode("bin/busybox"), 0o4755);
    assert_eq!(files.mode("tmp"), 0o1777);
}

#[test]
fn podman_loads_and_runs_our_docker_archive() {
    let env = TestEnv::with_base();
    let archive = written(&env, "type=docker");
    let podman = Podman::new(&env.path(""));
    let loaded = podman.run(&["load", "-i", &archive]).success();
    assert!(loaded.stdout.contains("app:v1"), "{}", loaded.transcript());
    let run = [
        "run",
        "--rm",
        "--network=none",
        "--runtime=runc",
        "--ulimit=nofile=1024:1024",
        "--ulimit=nproc=1024:1024",
        "app:v1",
    ];
    let ran = podman.run(&run).success();
    assert_eq!(ran.stdout, "made\n");
}

#[test]
fn a_tar_archive_goes_to_standard_output() {
    let env = TestEnv::with_base();
    env.context().write("file", "file");
    env.iechorfile(TEXT);
    let built = env.build(&["-o", "-"]).success();
    std::fs::write(env.path("rootfs.tar"), &built.bytes).unwrap();
    let archive = env.path("rootfs.tar").display().to_string();
    let listed = tool::run("tar", ["-tvf", &archive]).success().stdout;
    assert!(
        listed.contains("data/dir/made") && !listed.contains("etc/group"),
        "{listed}"
    );
    assert!(listed.contains("-rwsr-xr-x"), "{listed}");
}

#[test]
fn a_layout_directory_is_written_in_place() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\n");
    let dest = env.path("layout/").display().to_string();
    env.build(&["-o", &format!("type=oci,dest={dest}")])
        .success();
    assert!(env.path("layout/oci-layout").exists() && env.path("layout/index.json").exists());
    assert!(!archive::layers(&format!("oci:{}", env.path("layout").display())).is_empty());
}

#[test]
fn what_we_write_we_read_as_a_base() {
    let env = TestEnv::with_base();
    let oci = written(&env, "type=oci");
    let docker = env.path("docker.tar").display().to_string();
    env.build(&["-o", &format!("type=docker,dest={docker}")])
        .success();
    for location in [
        format!("oci-archive://{oci}"),
        format!("docker-archive://{docker}"),
    ] {
        let named = format!("given={location}");
        let other = TestEnv::new();
        let text = "FROM given\nUSER 0\nRUN cat /data/dir/made > /copy\n";
        let out = other.export_text(text, &["--build-context", &named]);
        assert_eq!(out.read("copy"), "made\n");
        let direct = other.export_text(&text.replace("given", &location), &[]);
        assert_eq!(direct.read("copy"), "made\n");
    }
}

#[test]
fn one_layer_for_each_instruction_that_changed_files() {
    let env = TestEnv::with_base();
    let archive = written(&env, "type=oci");
    let image = format!("oci-archive:{archive}");
    assert_eq!(archive::layers(&image).len(), 3, "base, COPY, RUN");
    let history = archive::config(&image)["history"].clone();
    let created: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["created_by"].as_str())
        .collect();
    assert!(
        created
            .iter()
            .any(|text| text.contains("COPY file /data/file")),
        "{created:?}"
    );
    assert!(
        created.iter().any(|text| text.contains("rm /etc/group")),
        "{created:?}"
    );
}

#[test]
fn the_archive_is_the_same_every_time() {
    let env = TestEnv::with_base();
    let dest = written(&env, "type=oci");
    let first = std::fs::read(&dest).unwrap();
    let again = std::fs::read(written(&env, "type=oci")).unwrap();
    assert!(first == again, "two exports of one image differ");
}

#[test]
fn several_outputs_of_one_build_agree() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo x > /x\n");
    let oci = env.path("a.tar").display().to_string();
    let dir = env.path("dir").display().to_string();
    let metadata = env.path("metadata").display().to_string();
    let output = format!("type=oci,dest={oci}");
    env.build(&["-o", &output, "-o", &dir, "--metadata-file", &metadata])
        .success();
    assert_eq!(Files::new(env.path("dir")).read("x"), "x\n");
    let digest = json(&std::fs::read_to_string(metadata).unwrap())["containerimage.digest"].clone();
    let inspected = skopeo(&["inspect", &format!("oci-archive:{oci}")]).success();
    assert_eq!(json(&inspected.stdout)["Digest"], digest);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\n");
    let failed = env.build(&["-o", "type=oci,dest=/proc/no/such/place.tar"]);
    failed.says("/proc/no/such");
    assert!(
        !failed.stderr.contains("built sha256"),
        "{}",
        failed.transcript()
    );
}
