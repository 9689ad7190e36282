//! Passwords and tokens.

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
