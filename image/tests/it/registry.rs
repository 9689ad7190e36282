//! Pulling and pushing, from and to a registry that answers as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use iechor_image::config::ImageConfig;
use iechor_image::manifest::{Index, IndexEntry, Manifest};
use iechor_image::media_type::{
    DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_LAYER_GZIP, OCI_MANIFEST,
};
use iechor_image::progress::silent;
use iechor_image::registry::{
    Credential, CredentialError, Credentials, RegistryImage, RegistryOptions,
};
use iechor_image::{
    Compression, Descriptor, Image, ImageLayer, ImageRef, ImageSource, Platform, Registry,
};
use iechor_snapshotter::Digest;

use crate::mock::{Mock, Received, Reply, reply};
use crate::store::{Store, store};
use crate::tarball::tar;

/// Who we are in these tests.
#[derive(Debug, Clone)]
struct Known(Option<Credential>);

impl Credentials for Known {
    fn find(&self, _: &str, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(self.0.clone())
    }
}

fn basic() -> Option<Credential> {
    Some(Credential::Basic {
        username: "u".into(),
        password: "p".into(),
    })
}

/// "u:p" in base64.
const BASIC: &str = "Basic dTpw";

fn client_as(credential: Option<Credential>) -> Registry {
    Registry::new(RegistryOptions {
        credentials: Arc::new(Known(credential)),
        pause: Duration::from_millis(1),
        timeout: Duration::from_secs(5),
        ..RegistryOptions::default()
    })
}

fn reference(mock: &Mock, rest: &str) -> ImageRef {
    format!("{}/{rest}", mock.host).parse().unwrap()
}

fn image(mock: &Mock) -> RegistryImage {
    client_as(None).image(&reference(mock, "app:v1"))
}

fn linux() -> Platform {
    "linux/amd64".parse().unwrap()
}

fn resolve_error(mock: &Mock) -> String {
    let error = image(mock).resolve(&linux()).unwrap_err();
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// An image of one layer, as documents.
struct Sample {
    layer: Vec<u8>,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let layer = tar().file("hello", &"world ".repeat(2000)).end();
        let mut config = ImageConfig::scratch(&linux());
        config.rootfs.diff_ids.push(Digest::of(&layer).to_string());
        let config = config.to_bytes().unwrap();
        let manifest = Manifest::new(
            Descriptor::of(OCI_CONFIG, &config),
            vec![Descriptor::of(OCI_LAYER, &layer)],
        );
        Self {
            layer,
            config,
            manifest: serde_json::to_vec(&manifest).unwrap(),
        }
    }

    fn layer(&self) -> Descriptor {
        Descriptor::of(OCI_LAYER, &self.layer)
    }

    fn manifest_reply(&self) -> Reply {
        reply(200)
            .header("Content-Type", OCI_MANIFEST)
            .body(self.manifest.clone())
    }

    fn blob_line(bytes: &[u8]) -> String {
        format!("GET /v2/app/blobs/{}", Digest::of(bytes))
    }

    /// Has a registry serve the image as `app:v1`.
    fn serve(&self, mock: &Mock) {
        mock.on("GET /v2/app/manifests/v1", self.manifest_reply());
        let by_digest = format!("GET /v2/app/manifests/{}", Digest::of(&self.manifest));
        mock.on(&by_digest, self.manifest_reply());
        for bytes in [&self.config, &self.layer] {
            mock.on(&Self::blob_line(bytes), reply(200).body(bytes.clone()));
        }
    }
}

mod pull {
    use super::*;

    fn fetch(store: &Store, mock: &Mock, sample: &Sample) -> Result<Vec<u8>, String> {
        let path = store
            .content
            .fetch_layer(&image(mock), &sample.layer(), &silent);
        path.map(|path| std::fs::read(path).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_image_is_resolved_and_its_layer_fetched_once() {
        let (mock, sample, store) = (Mock::start(), Sample::new(), store());
        sample.serve(&mock);
        let resolved = image(&mock).resolve(&linux()).unwrap();
        assert_eq!(resolved.manifest_bytes, sample.manifest);
        assert_eq!(resolved.manifest.digest, Digest::of(&sample.manifest));
        assert_eq!(resolved.layers, [sample.layer()]);
        let bytes = AtomicU64::new(0);
        let progress = |more| {
            bytes.fetch_add(more, Ordering::Relaxed);
        };
        for _ in 0..2 {
            store
                .content
                .fetch_layer(&image(&mock), &resolved.layers[0], &progress)
                .unwrap();
        }
        assert_eq!(bytes.into_inner(), 2 * sample.layer.len() as u64);
        assert_eq!(mock.lines().len(), 3, "{:?}", mock.lines());
    }

    #[test]
    fn a_digest_is_asked_for_and_compared() {
        let (mock, sample) = (Mock::start(), Sample::new());
        sample.serve(&mock);
        let digest = Digest::of(&sample.manifest);
        let pinned = reference(&mock, &format!("app:other@{digest}"));
        assert!(client_as(None).image(&pinned).resolve(&linux()).is_ok());

        let wrong = Digest::of(b"other");
        mock.on(
            &format!("GET /v2/app/manifests/{wrong}"),
            sample.manifest_reply(),
        );
        let pinned = reference(&mock, &format!("app@{wrong}"));
        let error = client_as(None)
            .image(&pinned)
            .resolve(&linux())
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with(&format!("has digest {digest}, not {wrong}")),
            "{error}"
        );
    }

    #[test]
    fn the_platform_chooses_from_an_index() {
        let (mock, sample) = (Mock::start(), Sample::new());
        let entry = |platform: &str, digest: &[u8]| {
            let described = Descriptor::of(OCI_MANIFEST, digest);
            IndexEntry::new(&described, Some(platform.parse().unwrap()))
        };
        let index = Index::new(vec![
            entry("linux/arm64", b"other"),
            entry("linux/amd64", &sample.manifest),
        ]);
        let index = serde_json::to_vec(&index).unwrap();
        mock.on(
            "GET /v2/app/manifests/v1",
            reply(200).header("Content-Type", OCI_INDEX).body(index),
        );
        sample.serve(&mock);
        let resolved = image(&mock).resolve(&linux()).unwrap();
        assert_eq!(resolved.manifest.digest, Digest::of(&sample.manifest));
        let error = image(&mock)
            .resolve(&"linux/s390x".parse().unwrap())
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("has no manifest for linux/s390x: it has linux/arm64, linux/amd64"),
            "{error}"
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        let mock = Mock::start();
        let expected = format!("{}/app:v1 is not in the registry", mock.host);
        assert_eq!(resolve_error(&mock), expected);
    }

    #[test]
    fn an_unreachable_registry_is_named_with_its_cause() {
        // A port that was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        drop(listener);
        let reference = format!("{host}/app").parse().unwrap();
        let error = client_as(None)
            .image(&reference)
            .resolve(&linux())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot reach the registry {host}")
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            cause.to_lowercase().contains("connection refused"),
            "{cause}"
        );
    }

    #[test]
    fn passing_failures_are_tried_again() {
        let (mock, sample) = (Mock::start(), Sample::new());
        let busy = [
            reply(503),
            reply(500),
            reply(429).header("Retry-After", "0"),
            reply(502),
        ];
        mock.once("GET /v2/app/manifests/v1", busy);
        sample.serve(&mock);
        assert!(image(&mock).resolve(&linux()).is_ok());
    }

    #[test]
    fn lasting_failures_are_told() {
        let mock = Mock::start();
        let body = r#"{"errors":[{"code":"UNKNOWN","message":"out of\u0007 order"}]}"#;
        mock.on("GET", reply(500).body(body));
        let expected = format!(
            "registry {} answered 500 when asked to GET /v2/app/manifests/v1: out of order",
            mock.host
        );
        assert_eq!(resolve_error(&mock), expected);
        assert_eq!(mock.lines().len(), 5);
    }

    #[test]
    fn a_broken_off_layer_is_resumed() {
        let (mock, sample, store) = (Mock::start(), Sample::new(), store());
        let (head, tail) = sample.layer.split_at(5000);
        let line = Sample::blob_line(&sample.layer);
        mock.once(
            &line,
            [
                reply(200).body(head).cut_from(sample.layer.len()),
                reply(206).body(tail),
            ],
        );
        assert_eq!(fetch(&store, &mock, &sample).unwrap(), sample.layer);
        assert_eq!(mock.received()[1].header("range"), Some("bytes=5000-"));
    }

    #[test]
    fn a_registry_without_ranges_sends_all_again() {
        let (mock, sample, store) = (Mock::start(), Sample::new(), store());
        let line = Sample::blob_line(&sample.layer);
        let cut = reply(200)
            .body(&sample.layer[..5000])
            .cut_from(sample.layer.len());
        mock.once(&line, [cut, reply(200).body(sample.layer.clone())]);
        assert_eq!(fetch(&store, &mock, &sample).unwrap(), sample.layer);
    }

    #[test]
    fn a_truncated_layer_is_refused() {
        let (mock, sample, store) = (Mock::start(), Sample::new(), store());
        let line = Sample::blob_line(&sample.layer);
        mock.rule(move |request| {
            let from = if request.header("range").is_some() {
                5000
            } else {
                0
            };
            let status = if from == 0 { 200 } else { 206 };
            let body = vec![0; 5000 - from];
            request
                .line
                .starts_with(&line)
                .then(|| reply(status).body(body))
        });
        let error = fetch(&store, &mock, &sample).unwrap_err();
        let expected = format!("is truncated: 5000 bytes of {}", sample.layer.len());
        assert!(error.ends_with(&expected), "{error}");
        assert!(store.content.list().unwrap().is_empty());
    }

    #[test]
    fn a_layer_of_another_digest_is_refused() {
        let (mock, sample, store) = (Mock::start(), Sample::new(), store());
        let mut other = sample.layer.clone();
        other[0] ^= 1;
        mock.on(
            &Sample::blob_line(&sample.layer),
            reply(200).body(other.clone()),
        );
        let error = fetch(&store, &mock, &sample).unwrap_err();
        let (actual, expected) = (Digest::of(&other), Digest::of(&sample.layer));
        assert_eq!(
            error,
            format!("content has digest {actual}, not {expected}")
        );
        assert!(store.content.list().unwrap().is_empty());
    }

    #[test]
    fn a_configuration_of_another_digest_is_refused() {
        let (mock, sample) = (Mock::start(), Sample::new());
        let mut other = sample.config.clone();
        other[0] ^= 1;
        mock.on(&Sample::blob_line(&sample.config), reply(200).body(other));
        sample.serve(&mock);
        assert!(
            resolve_error(&mock).contains("configuration of"),
            "{}",
            resolve_error(&mock)
        );
    }

    #[test]
    fn documents_that_could_be_two_images_are_refused() {
        let sample = Sample::new();
        let text = String::from_utf8(sample.manifest.clone()).unwrap();
        let both = text.replacen('{', "{\"manifests\":[],", 1);
        let twice = text.replacen('{', "{\"layers\":[],", 1);
        let schema1 = r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned();
        let neither = r#"{"schemaVersion":2}"#.to_owned();
        for (document, media_type, reason) in [
            (both, OCI_MANIFEST, "two different images"),
            (twice, OCI_MANIFEST, "manifest is not valid"),
            (schema1, OCI_MANIFEST, "schema version 1"),
            (neither, OCI_MANIFEST, "neither layers nor manifests"),
            (text.clone(), OCI_INDEX, "announced as"),
            (text.clone(), DOCKER_MANIFEST, "announced as"),
            (" ".repeat((4 << 20) + 1), OCI_MANIFEST, "at most 4194304"),
            ("[]".to_owned(), OCI_MANIFEST, "not valid"),
        ] {
            let mock = Mock::start();
            let answer = reply(200).header("Content-Type", media_type).body(document);
            mock.on("GET /v2/app/manifests/v1", answer);
            let error = resolve_error(&mock);
            assert!(error.contains(reason), "{reason}: {error}");
        }
    }

    #[test]
    fn layers_and_diff_ids_must_be_as_many() {
        let (mock, mut sample) = (Mock::start(), Sample::new());
        sample.config = ImageConfig::scratch(&linux()).to_bytes().unwrap();
        let manifest = Manifest::new(
            Descriptor::of(OCI_CONFIG, &sample.config),
            vec![sample.layer()],
        );
        sample.manifest = serde_json::to_vec(&manifest).unwrap();
        sample.serve(&mock);
        assert!(resolve_error(&mock).ends_with("has 1 layers, its configuration 0 diff IDs"));
    }
}

mod redirects {
    use super::*;

    /// A registry that demands a password and keeps its blobs elsewhere.
    fn serve(mock: &Mock, elsewhere: &str, sample: &Sample) {
        mock.rule(|request| match request.header("authorization") {
            Some(BASIC) => None,
            _ => Some(reply(401).header("WWW-Authenticate", "Basic realm=\"x\"")),
        });
        let line = Sample::blob_line(&sample.layer);
        mock.on(
            &line,
            reply(307).header("Location", format!("{elsewhere}/blob?signed=1")),
        );
    }

    #[test]
    fn a_redirect_to_another_host_does_not_take_the_password_along() {
        let (mock, blobs, sample, store) = (Mock::start(), Mock::start(), Sample::new(), store());
        serve(&mock, &format!("http://{}", blobs.host), &sample);
        blobs.on("GET /blob", reply(200).body(sample.layer.clone()));
        let image = client_as(basic()).image(&reference(&mock, "app:v1"));
        store
            .content
            .fetch_layer(&image, &sample.layer(), &silent)
            .unwrap();
        assert_eq!(blobs.received()[0].header("authorization"), None);
        assert_eq!(
            mock.received().last().unwrap().header("authorization"),
            Some(BASIC)
        );
    }

    #[test]
    fn a_redirect_on_the_same_host_does() {
        let (mock, sample, store) = (Mock::start(), Sample::new(), store());
        serve(&mock, "", &sample);
        mock.on("GET /blob", reply(200).body(sample.layer.clone()));
        let image = client_as(basic()).image(&reference(&mock, "app:v1"));
        store
            .content
            .fetch_layer(&image, &sample.layer(), &silent)
            .unwrap();
        assert_eq!(
            mock.received().last().unwrap().header("authorization"),
            Some(BASIC)
        );
    }

    #[test]
    fn a_circle_ends() {
        let mock = Mock::start();
        mock.on("GET", reply(302).header("Location", "/again"));
        assert!(resolve_error(&mock).contains("which is not followed"));
        assert!(mock.lines().len() < 10);
    }
}

mod authorisation {
    use super::*;

    /// Has a registry demand a bearer token that its own token service sells.
    fn demand_token(mock: &Mock) {
        let host = mock.host.clone();
        mock.rule(move |request| {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"reg\"");
            let is_api = request.line.contains(" /v2/");
            let is_known = request.header("authorization") == Some("Bearer sold");
            (is_api && !is_known).then(|| reply(401).header("WWW-Authenticate", challenge))
        });
    }

    fn token_request(mock: &Mock) -> Received {
        let is_token = |request: &Received| request.line.contains("/token");
        mock.received().into_iter().find(is_token).unwrap()
    }

    fn resolve(mock: &Mock, credential: Option<Credential>) -> Result<(), String> {
        let image = client_as(credential).image(&reference(mock, "app:v1"));
        image
            .resolve(&linux())
            .map(drop)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_bought_with_a_password_and_used_again() {
        let (mock, sample) = (Mock::start(), Sample::new());
        demand_token(&mock);
        mock.on(
            "GET /token",
            reply(200).body(r#"{"token":"sold","expires_in":60}"#),
        );
        sample.serve(&mock);
        resolve(&mock, basic()).unwrap();
        let request = token_request(&mock);
        assert_eq!(
            request.line,
            "GET /token?service=reg&scope=repository%3Aapp%3Apull"
        );
        assert_eq!(request.header("authorization"), Some(BASIC));
        let tokens = mock
            .lines()
            .iter()
            .filter(|line| line.contains("/token"))
            .count();
        assert_eq!((tokens, mock.lines().len()), (1, 4));
    }

    #[test]
    fn a_token_is_given_to_anybody() {
        let (mock, sample) = (Mock::start(), Sample::new());
        demand_token(&mock);
        mock.on("GET /token", reply(200).body(r#"{"access_token":"sold"}"#));
        sample.serve(&mock);
        resolve(&mock, None).unwrap();
        assert_eq!(token_request(&mock).header("authorization"), None);
    }

    #[test]
    fn an_identity_token_buys_one_by_oauth() {
        let (mock, sample) = (Mock::start(), Sample::new());
        demand_token(&mock);
        mock.on("POST /token", reply(200).body(r#"{"access_token":"sold"}"#));
        sample.serve(&mock);
        resolve(&mock, Some(Credential::IdentityToken("a b".into()))).unwrap();
        let body = String::from_utf8(token_request(&mock).body).unwrap();
        let expected = "grant_type=refresh_token&client_id=iechor&refresh_token=a%20b\
                        &service=reg&scope=repository%3Aapp%3Apull";
        assert_eq!(body, expected);
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let mock = Mock::start();
        demand_token(&mock);
        mock.on("GET /token", reply(401));
        let host = &mock.host;
        let expected = |who: &str| {
            format!(
                "registry {host} does not let {who} pull from app: log in with `docker login \
                 {host}` or `podman login {host}`, or check the name"
            )
        };
        assert_eq!(
            resolve(&mock, None).unwrap_err(),
            expected("anonymous users")
        );
        assert_eq!(
            resolve(&mock, basic()).unwrap_err(),
            expected("the user given")
        );
    }

    #[test]
    fn a_wrong_password_is_a_refusal() {
        let mock = Mock::start();
        mock.on(
            "GET",
            reply(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        );
        assert!(
            resolve(&mock, basic())
                .unwrap_err()
                .contains("does not let the user given")
        );
        assert!(
            resolve(&mock, None)
                .unwrap_err()
                .contains("does not let anonymous users")
        );
    }

    #[test]
    fn an_unknown_scheme_is_told() {
        let mock = Mock::start();
        mock.on("GET", reply(401).header("WWW-Authenticate", "Negotiate"));
        assert!(
            resolve(&mock, None)
                .unwrap_err()
                .contains("neither Basic nor Bearer")
        );
    }

    #[test]
    fn a_token_service_without_a_token_is_told() {
        let mock = Mock::start();
        demand_token(&mock);
        mock.on("GET /token", reply(200).body("{}"));
        assert!(resolve(&mock, None).unwrap_err().contains("gave no token"));
    }
}

mod push {
    use super::*;

    fn sample_image(store: &Store) -> Image {
        let chain = store.layers(&[tar().file("a", &"text ".repeat(5000)).end()]);
        let blobs = store.snapshots.blobs();
        let layer = ImageLayer::generate(&chain, blobs, Compression::Gzip, &store.content, &silent)
            .unwrap();
        assert_eq!(layer.descriptor.media_type, OCI_LAYER_GZIP);
        Image::assemble(ImageConfig::scratch(&linux()), vec![layer]).unwrap()
    }

    /// Has a registry take everything.
    fn accept(mock: &Mock) {
        mock.on(
            "POST /v2/app/blobs/uploads/",
            reply(202).header("Location", "/upload/1?state=x"),
        );
        mock.on("PUT", reply(201));
    }

    #[test]
    fn blobs_go_before_the_manifest() {
        let (mock, store) = (Mock::start(), store());
        accept(&mock);
        let image = sample_image(&store);
        let bytes = AtomicU64::new(0);
        let progress = |more| {
            bytes.fetch_add(more, Ordering::Relaxed);
        };
        client_as(None)
            .push(&image, &reference(&mock, "app:v1"), &progress)
            .unwrap();
        let (layer, config) = (&image.layers[0].descriptor, &image.config);
        let encoded = |digest: &Digest| digest.to_string().replace(':', "%3A");
        assert_eq!(
            mock.lines(),
            [
                format!("HEAD /v2/app/blobs/{}", layer.digest),
                "POST /v2/app/blobs/uploads/".to_owned(),
                format!("PUT /upload/1?state=x&digest={}", encoded(&layer.digest)),
                format!("HEAD /v2/app/blobs/{}", config.digest),
                "POST /v2/app/blobs/uploads/".to_owned(),
                format!("PUT /upload/1?state=x&digest={}", encoded(&config.digest)),
                "PUT /v2/app/manifests/v1".to_owned(),
            ]
        );
        let received = mock.received();
        assert_eq!(Digest::of(&received[2].body), layer.digest);
        assert_eq!(received[6].body, image.manifest_bytes);
        assert_eq!(received[6].header("content-type"), Some(OCI_MANIFEST));
        assert_eq!(bytes.into_inner(), layer.size);
    }

    #[test]
    fn what_the_registry_has_is_not_sent() {
        let (mock, store) = (Mock::start(), store());
        mock.on("HEAD", reply(200));
        mock.on("PUT /v2/app/manifests/v1", reply(201));
        client_as(None)
            .push(&sample_image(&store), &reference(&mock, "app:v1"), &silent)
            .unwrap();
        assert_eq!(mock.lines().len(), 3, "{:?}", mock.lines());
    }

    #[test]
    fn a_layer_from_the_same_registry_is_mounted() {
        let (mock, store) = (Mock::start(), store());
        let mut image = sample_image(&store);
        image.layers[0].origin = Some(reference(&mock, "base:v1"));
        let digest = image.layers[0].descriptor.digest;
        let line = format!("POST /v2/app/blobs/uploads/?mount={digest}&from=base");
        mock.on(&line, reply(201));
        accept(&mock);
        client_as(None)
            .push(&image, &reference(&mock, "app:v1"), &silent)
            .unwrap();
        assert!(mock.lines().contains(&line));
        assert_eq!(
            mock.lines()
                .iter()
                .filter(|line| line.starts_with("PUT /upload"))
                .count(),
            1
        );
    }

    #[test]
    fn an_upload_elsewhere_does_not_get_the_password() {
        let (mock, blobs, store) = (Mock::start(), Mock::start(), store());
        mock.rule(|request| match request.header("authorization") {
            Some(BASIC) => None,
            _ => Some(reply(401).header("WWW-Authenticate", "Basic realm=\"x\"")),
        });
        let location = format!("http://{}/upload", blobs.host);
        mock.on("POST", reply(202).header("Location", location));
        mock.on("PUT", reply(201));
        blobs.on("PUT", reply(201));
        let image = sample_image(&store);
        client_as(basic())
            .push(&image, &reference(&mock, "app:v1"), &silent)
            .unwrap();
        assert_eq!(blobs.received().len(), 2);
        assert!(
            blobs
                .received()
                .iter()
                .all(|request| request.header("authorization").is_none())
        );
    }

    #[test]
    fn a_refused_layer_leaves_the_tag_alone() {
        let (mock, store) = (Mock::start(), store());
        mock.on("POST", reply(403));
        let image = sample_image(&store);
        let error = client_as(None)
            .push(&image, &reference(&mock, "app:v1"), &silent)
            .unwrap_err();
        assert!(error.to_string().contains("push to app"), "{error}");
        assert!(!mock.lines().iter().any(|line| line.contains("manifests")));
    }

    #[test]
    fn a_registry_that_makes_another_manifest_of_ours_is_found_out() {
        let (mock, store) = (Mock::start(), store());
        let other = Digest::of(b"other").to_string();
        let answer = reply(201).header("Docker-Content-Digest", other);
        mock.on("PUT /v2/app/manifests/v1", answer);
        accept(&mock);
        let image = sample_image(&store);
        let error = client_as(None)
            .push(&image, &reference(&mock, "app:v1"), &silent)
            .unwrap_err();
        assert!(error.to_string().contains("has digest"), "{error}");
    }
}
