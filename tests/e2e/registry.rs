//! Push and pull, against Debian's docker-registry on the loopback interface.

use crate::support::registry::Registry;
use crate::support::tool::skopeo;
use crate::support::{TestEnv, archive};

#[test]
fn what_we_push_skopeo_pulls() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    let image = registry.image("team/app:v1");
    env.build_text("FROM base\nRUN echo pushed > /mark\n", &["-t", &image])
        .success();
    let digest = env.run(["push", "-q", &image]).success().stdout;
    let copy = env.path("copy").display().to_string();
    let source = format!("docker://{image}");
    skopeo(&[
        "copy",
        "--src-tls-verify=false",
        &source,
        &format!("oci:{copy}:v1"),
    ])
    .success();
    let inspected = skopeo(&["inspect", "--tls-verify=false", &source]).success();
    assert_eq!(
        crate::support::tool::json(&inspected.stdout)["Digest"],
        digest.trim()
    );
}

#[test]
fn what_we_push_we_build_upon_elsewhere() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    let image = registry.image("app:v1");
    env.build_text(
        "FROM base\nRUN echo pushed > /mark\nUSER 1000\n",
        &["-t", &image],
    )
    .success();
    env.run(["push", &image]).success().says("pushed");
    let other = TestEnv::new();
    let text = format!("FROM {image}\nUSER 0\nRUN cat /mark > /copy\n");
    assert_eq!(other.export_text(&text, &[]).read("copy"), "pushed\n");
    other.build(&[]).success().all_hits();
}

#[test]
fn a_pull_is_by_tag_or_by_digest() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    let image = registry.image("app:v1");
    env.build_text("FROM base\nLABEL v=1\n", &["-t", &image])
        .success();
    let digest = env.run(["push", "-q", &image]).success().stdout;
    let other = TestEnv::new();
    other.run(["pull", &image]).success().says("pulled");
    assert!(other.run(["images"]).success().stdout.contains("app"));
    let pinned = format!("{}@{}", registry.image("app"), digest.trim());
    other
        .build_text(&format!("FROM {pinned}\nRUN true\n"), &[])
        .success()
        .executes(&["RUN true"]);
    other
        .build_text(&format!("FROM {image}\nRUN true\n"), &[])
        .success()
        .all_hits();
}

#[test]
fn pull_asks_again_and_otherwise_the_list_is_enough() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    let image = registry.image("app:v1");
    env.build_text("FROM base\nRUN echo 1 > /v\n", &["-t", &image])
        .success();
    env.run(["push", &image]).success().says("pushed");
    let other = TestEnv::new();
    let text = format!("FROM {image}\nRUN cat /v\n");
    other
        .build_text(&text, &[])
        .success()
        .executes(&["RUN cat"]);
    env.build_text("FROM base\nRUN echo 2 > /v\n", &["-t", &image])
        .success();
    env.run(["push", &image]).success().says("pushed");
    other.build_text(&text, &[]).success().all_hits();
    other
        .build_text(&text, &["--pull"])
        .success()
        .executes(&["RUN cat"]);
}

#[test]
fn a_list_of_manifests_is_read_by_platform() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    for arch in ["amd64", "arm64"] {
        let image = registry.image(&format!("app:{arch}"));
        let text = format!("FROM scratch\nLABEL arch={arch}\nCOPY mark /{arch}\n");
        env.context().write("mark", arch);
        env.build_text(
            &text,
            &["-t", &image, "--platform", &format!("linux/{arch}")],
        )
        .success();
        env.run(["push", &image]).success().says("pushed");
    }
    let list = combine(&env, &registry);
    let text = format!("FROM {list}\n");
    for arch in ["amd64", "arm64"] {
        let other = TestEnv::new();
        let out = other.export_text(&text, &["--platform", &format!("linux/{arch}")]);
        assert!(out.has(arch), "the wrong platform");
    }
    let other = TestEnv::new();
    other
        .build_text(&text, &["--platform", "linux/s390x"])
        .code(4)
        .says("s390x");
}

/// Pushes an index of both images with podman, and gives its name.
fn combine(env: &TestEnv, registry: &Registry) -> String {
    let podman = crate::support::tool::Podman::new(&env.path(""));
    podman.run(&["manifest", "create", "both"]).success();
    for arch in ["amd64", "arm64"] {
        let image = format!("docker://{}", registry.image(&format!("app:{arch}")));
        podman
            .run(&["manifest", "add", "--tls-verify=false", "both", &image])
            .success();
    }
    let list = registry.image("app:both");
    let dest = format!("docker://{list}");
    podman
        .run(&[
            "manifest",
            "push",
            "--all",
            "--tls-verify=false",
            "both",
            &dest,
        ])
        .success();
    list
}

#[test]
fn a_push_of_what_is_there_already_sends_no_layer_twice() {
    let env = TestEnv::with_base();
    let registry = Registry::start(&env.path(""));
    let image = registry.image("app:v1");
    env.build_text("FROM base\nRUN echo x > /x\n", &["-t", &image])
        .success();
    let first = env.run(["push", "-q", &image]).success().stdout;
    let second = env.run(["push", "-q", &image]).success().stdout;
    assert_eq!(first, second);
    let renamed = registry.image("other/name:v2");
    env.run(["push", &image, &renamed]).success().says("pushed");
    let layers = |name: &str| archive::layers(&format!("docker://{name}"));
    assert_eq!(layers(&image), layers(&renamed));
}
