//! Push and pull, against Debian's docker-registry on the loopback interface.

use std::fs;
use std::path::Path;

use crate::support::registry::Registry;
use crate::support::tls::{Certificate, Proxy};
use crate::support::tool::skopeo;
use crate::support::{Output, TestEnv, archive};

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

/// A registry behind TLS, that only the proxy leads to.
struct Behind {
    /// Ends before its directory does.
    _registry: Registry,
    env: TestEnv,
    authority: Certificate,
    proxy: Proxy,
    image: String,
}

const HOST: &str = "team.example";

impl Behind {
    fn new() -> Self {
        Self::with(|server, _| server.served())
    }

    /// `http` tells how a certificate is served, that an authority has signed.
    fn with(http: impl FnOnce(&Certificate, &Certificate) -> String) -> Self {
        let env = TestEnv::with_base();
        let dir = env.path("tls");
        fs::create_dir_all(&dir).unwrap();
        let authority = Certificate::of_authority(&dir);
        let server = authority.sign(&dir, HOST);
        let registry = Registry::start_as(&dir, &http(&server, &authority));
        let image = format!("{HOST}/app:v1");
        env.build_text("FROM base\nLABEL v=1\n", &["-t", &image])
            .success();
        Self {
            proxy: Proxy::to(registry.port),
            _registry: registry,
            env,
            authority,
            image,
        }
    }

    /// Pushes with these certificates of authorities beside those that the host has.
    fn push(&self, variables: &[(&str, &Path)]) -> Output {
        let mut command = self.env.command(["push", &self.image]);
        command.env("HTTPS_PROXY", self.proxy.url());
        command.env("XDG_CONFIG_HOME", self.env.path("nothing"));
        command.envs(variables.iter().copied());
        Output::of(&mut command)
    }
}

#[test]
fn an_authority_of_ones_own_is_trusted_for_the_registry_that_it_is_kept_for() {
    let behind = Behind::new();
    let config = behind.env.path("config");
    let kept = |host: &str| config.join("containers/certs.d").join(host);
    fs::create_dir_all(kept("other.example")).unwrap();
    fs::copy(
        &behind.authority.certificate,
        kept("other.example").join("ca.crt"),
    )
    .unwrap();
    behind
        .push(&[("XDG_CONFIG_HOME", &config)])
        .code(4)
        .says("the certificate of the registry team.example is not trusted")
        .says("/etc/containers/certs.d/team.example/ca.crt");
    fs::rename(kept("other.example"), kept(HOST)).unwrap();
    behind.push(&[("XDG_CONFIG_HOME", &config)]).success();
    assert_eq!(behind.proxy.asked()[0], "team.example:443");
    fs::write(kept(HOST).join("broken.crt"), "nothing of the kind").unwrap();
    behind
        .push(&[("XDG_CONFIG_HOME", &config)])
        .code(4)
        .says("team.example/broken.crt is not a certificate in PEM form");
}

#[test]
fn a_registry_that_asks_who_we_are_gets_the_certificate_that_is_kept_for_it() {
    let behind = Behind::with(Certificate::served_to);
    let config = behind.env.path("config");
    let kept = config.join("containers/certs.d").join(HOST);
    fs::create_dir_all(&kept).unwrap();
    fs::copy(&behind.authority.certificate, kept.join("ca.crt")).unwrap();
    behind.push(&[("XDG_CONFIG_HOME", &config)]).code(4);
    let Certificate { certificate, key } = behind.authority.sign(&kept, "client.example");
    fs::rename(certificate, kept.join("client.cert")).unwrap();
    let client_key = kept.join("client.key");
    fs::rename(key, &client_key).unwrap();
    behind.push(&[("XDG_CONFIG_HOME", &config)]).success();
    fs::write(&client_key, "nothing of the kind").unwrap();
    behind
        .push(&[("XDG_CONFIG_HOME", &config)])
        .code(4)
        .says("client.key is not a private key in PEM form");
}

#[test]
fn a_file_of_authorities_stands_for_the_hosts() {
    let behind = Behind::new();
    let authority = &behind.authority.certificate;
    behind.push(&[("SSL_CERT_FILE", authority)]).success();
    behind
        .push(&[("SSL_CERT_FILE", Path::new("/nowhere.pem"))])
        .code(4)
        .says("cannot read /nowhere.pem");
}

#[test]
fn what_needs_no_proxy_is_reached_without() {
    let behind = Behind::new();
    let before = behind.proxy.asked().len();
    let without = [("NO_PROXY", Path::new("10.0.0.0/8,.example"))];
    behind.push(&without).code(4).says("cannot reach");
    assert_eq!(behind.proxy.asked().len(), before);
    behind
        .push(&[("HTTPS_PROXY", Path::new("not a url"))])
        .code(4)
        .says("\"not a url\" is not the URL of a proxy");
}

#[test]
fn a_registry_that_is_listed_as_insecure_is_spoken_to_in_plain() {
    let behind = Behind::new();
    let config = behind.env.path("config.json");
    fs::write(
        &config,
        format!("{{\"insecure-registries\": [\"{HOST}\"]}}"),
    )
    .unwrap();
    let proxy = behind.proxy.url();
    // The one behind the proxy speaks TLS only, and says so.
    behind
        .push(&[
            ("IECHOR_CONFIG", &config),
            ("HTTP_PROXY", Path::new(&proxy)),
        ])
        .code(4)
        .says("team.example answered 400");
    assert_eq!(behind.proxy.asked()[0], "team.example:80");
}
