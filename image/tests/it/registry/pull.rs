//! Manifests, configurations and layers on their way in.

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
