//! Challenges: what a registry's `WWW-Authenticate` asks for (RFC 9110 section 11.6.1;
//! distribution-spec, token authentication).

/// How a registry wants to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with each request.
    Basic,
    /// A token from a service.
    Bearer {
        /// URL of the service.
        realm: String,
        /// What the token is for.
        service: Option<String>,
    },
}

impl Challenge {
    /// The challenge of an answer's headers; Bearer before Basic; none if there is neither.
    pub(super) fn of<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let found = headers.into_iter().flat_map(parse);
        found.max_by_key(|challenge| matches!(challenge, Self::Bearer { .. }))
    }
}

/// The known challenges of one header.
fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut rest = header;
    while let Some((scheme, parameters, after)) = next_challenge(rest) {
        if scheme.eq_ignore_ascii_case("basic") {
            challenges.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer") {
            challenges.extend(bearer(&parameters));
        }
        rest = after;
    }
    challenges
}

type Parameters = Vec<(String, String)>;

fn bearer(parameters: &Parameters) -> Option<Challenge> {
    let get = |name: &str| {
        let found = parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    Some(Challenge::Bearer {
        realm: get("realm")?,
        service: get("service"),
    })
}

/// Scheme, parameters, and what follows them.
fn next_challenge(text: &str) -> Option<(&str, Parameters, &str)> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    let end = text.find([' ', ',']).unwrap_or(text.len());
    let (scheme, mut rest) = text.split_at(end);
    if scheme.is_empty() {
        return None;
    }
    let mut parameters = Vec::new();
    while let Some((key, value, after)) = next_parameter(rest) {
        parameters.push((key, value));
        rest = after;
    }
    Some((scheme, parameters, rest))
}

/// `, key=value` or `key="value"`; none if the next word is a scheme.
fn next_parameter(text: &str) -> Option<(String, String, &str)> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    let (key, rest) = text.split_once('=')?;
    if key.contains([' ', ',', '"']) {
        return None;
    }
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let end = rest.find([' ', ',']).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        }
    };
    Some((key.to_owned(), value, rest))
}

fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    loop {
        match characters.next()? {
            (at, '"') => return Some((value, &text[at + 1..])),
            (_, '\\') => value.push(characters.next()?.1),
            (_, other) => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        })
    }

    #[test]
    fn the_better_challenge_is_taken() {
        let of = |headers: &[&str]| Challenge::of(headers.iter().copied());
        assert_eq!(of(&["Basic realm=\"x\""]), Some(Challenge::Basic));
        let header =
            r#"Bearer realm="https://a/t?x=1,2",service="s \"q\"",scope="repository:a:pull,push""#;
        assert_eq!(of(&[header]), bearer("https://a/t?x=1,2", Some("s \"q\"")));
        assert_eq!(of(&["Basic realm=x, Bearer realm=y"]), bearer("y", None));
        assert_eq!(of(&["bearer realm=y", "Basic"]), bearer("y", None));
    }

    #[test]
    fn nonsense_is_no_challenge() {
        for header in [
            "",
            ",",
            "Negotiate",
            "Bearer",
            "Bearer realm=\"open",
            "Bearer service=x",
        ] {
            assert_eq!(Challenge::of([header]), None, "{header}");
        }
    }
}
