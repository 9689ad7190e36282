//! Paths and variables as the image configuration has them.

/// `path` made absolute against `workdir` and cleaned: no `.`, `..`, double or trailing slash.
pub(crate) fn absolute(workdir: &str, path: &str) -> String {
    let base = if path.starts_with('/') { "" } else { workdir };
    let mut names: Vec<&str> = Vec::new();
    for name in base.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

/// Sets a variable in a list of `NAME=value`, where it stood or at the end.
pub(crate) fn set_env(env: &mut Vec<String>, name: &str, value: &str) {
    let entry = format!("{name}={value}");
    match env
        .iter_mut()
        .find(|old| old.split_once('=').is_some_and(|(key, _)| key == name))
    {
        Some(old) => *old = entry,
        None => env.push(entry),
    }
}

/// A variable's value in a list of `NAME=value`.
pub(crate) fn get_env<'a>(env: &'a [String], name: &str) -> Option<&'a str> {
    env.iter()
        .filter_map(|entry| entry.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_stay_below_the_root() {
        for (workdir, path, expected) in [
            ("/", "a", "/a"),
            ("/app", "src/../lib/", "/app/lib"),
            ("/app", "/etc//x/.", "/etc/x"),
            ("", "..", "/"),
            ("/app", ".", "/app"),
        ] {
            assert_eq!(absolute(workdir, path), expected, "{workdir} {path}");
        }
    }

    #[test]
    fn a_variable_keeps_its_place_when_it_is_set_again() {
        let mut env = vec!["A=1".to_owned(), "B=2".to_owned()];
        set_env(&mut env, "A", "3=4");
        set_env(&mut env, "C", "");
        assert_eq!(env, ["A=3=4", "B=2", "C="]);
        assert_eq!(get_env(&env, "A"), Some("3=4"));
        assert_eq!(get_env(&env, "D"), None);
    }
}
