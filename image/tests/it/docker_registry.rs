//! A real registry (Debian's `docker-registry`): what we push is pulled by skopeo and by ourselves.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use iechor_image::progress::silent;
use iechor_image::registry::RegistryOptions;
use iechor_image::{Compression, ImageRef, ImageSource, Registry};

use crate::export::{linux, sample_image};
use crate::store::store;
use crate::tool::{has, run};

/// A registry that runs until it is dropped.
struct Server {
    child: Child,
    host: String,
}

impl Server {
    fn start(dir: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = free.local_addr().unwrap().to_string();
        drop(free);
        let config = dir.join("registry.yml");
        let root = dir.join("registry");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
             http:\n  addr: {host}\n",
            root.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("docker-registry");
        command
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Self {
            child: command.spawn().unwrap(),
            host,
        };
        server.wait_until_it_listens();
        server
    }

    fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&self.host).is_err() {
            assert!(Instant::now() < deadline, "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn reference(&self, rest: &str) -> ImageRef {
        format!("{}/{rest}", self.host).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_pushed_is_pulled() {
    if !has("docker-registry") {
        return;
    }
    let store = store();
    let server = Server::start(store.dir());
    let registry = Registry::new(RegistryOptions::default());
    let image = sample_image(&store, Compression::Gzip);
    for name in ["team/app:v1", "team/app:v1", "other/app:v2"] {
        registry
            .push(&image, &server.reference(name), &silent)
            .unwrap();
    }

    let source = registry.image(&server.reference("team/app:v1"));
    let resolved = source.resolve(&linux()).unwrap();
    assert_eq!(resolved.manifest_bytes, image.manifest_bytes);
    assert_eq!(source.digest().unwrap(), image.manifest.digest);
    let fresh = crate::store::store();
    for layer in &resolved.layers {
        fresh.content.fetch_layer(&source, layer, &silent).unwrap();
    }
    let pinned = registry.image(&server.reference("other/app").pinned(image.manifest.digest));
    assert_eq!(
        pinned.resolve(&linux()).unwrap().config_bytes,
        image.config_bytes
    );

    let missing = registry
        .image(&server.reference("team/app:missing"))
        .resolve(&linux());
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .ends_with("team/app:missing is not in the registry")
    );
    if has("skopeo") {
        let location = format!("docker://{}/team/app:v1", server.host);
        let digest = run(
            "skopeo",
            &[
                "inspect",
                "--tls-verify=false",
                "--format={{.Digest}}",
                &location,
            ],
        );
        assert_eq!(digest.trim(), image.manifest.digest.to_string());
    }
}

#[test]
fn a_pulled_layer_is_mounted_into_another_repository() {
    if !has("docker-registry") {
        return;
    }
    let store = store();
    let server = Server::start(store.dir());
    let registry = Registry::new(RegistryOptions::default());
    let mut image = sample_image(&store, Compression::Gzip);
    let base = server.reference("base:v1");
    registry.push(&image, &base, &silent).unwrap();
    for layer in &mut image.layers {
        layer.origin = Some(base.clone());
        // A mounted layer is not read: without its file an upload would fail.
        std::fs::remove_file(&layer.path).unwrap();
    }
    registry
        .push(&image, &server.reference("derived:v1"), &silent)
        .unwrap();
    assert!(
        registry
            .image(&server.reference("derived:v1"))
            .resolve(&linux())
            .is_ok()
    );
}
