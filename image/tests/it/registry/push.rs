//! Blobs and manifests on their way out.

use super::*;

fn sample_image(store: &Store) -> Image {
    let chain = store.layers(&[tar().file("a", &"text ".repeat(5000)).end()]);
    let blobs = store.snapshots.blobs();
    let layer =
        ImageLayer::generate(&chain, blobs, Compression::Gzip, &store.content, &silent).unwrap();
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
