//! Where a registry sends us, and what we take along.

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
