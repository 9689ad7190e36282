//! Variables: what a name stands for at one place of the file (rules C12, C13).
//!
//! ENV wins over ARG. An ARG without a default takes the value of the global ARG of that name; the
//! platform arguments are such globals; the proxy arguments need no declaration.

use iechor_image::Platform;

/// Proxy arguments: usable without a declaration, and then in no key and no history.
const PROXIES: [&str; 5] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// Values from outside the file.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// `--build-arg`, later ones winning.
    args: Vec<(String, String)>,
    /// The caller's proxies.
    proxies: Vec<(String, String)>,
    /// `TARGETPLATFORM` and its like.
    platform: Vec<(String, String)>,
}

impl Given {
    /// `target` is what is built for, `build` where it is built.
    pub(crate) fn new(
        args: &[(String, String)],
        proxies: &[(String, String)],
        build: &Platform,
        target: &Platform,
    ) -> Self {
        let platform = [("BUILD", build), ("TARGET", target)]
            .into_iter()
            .flat_map(|(prefix, platform)| platform_args(prefix, platform))
            .collect();
        Self {
            args: args.to_vec(),
            proxies: proxies.to_vec(),
            platform,
        }
    }

    fn arg(&self, name: &str) -> Option<String> {
        last(&self.args, name)
    }

    /// What an ARG is given from outside; the caller's proxies are arguments, too, once declared.
    fn declared(&self, name: &str) -> Option<String> {
        self.arg(name).or_else(|| last(&self.proxies, name))
    }

    /// Names given on the command line.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.args.iter().map(|(name, _)| name.as_str())
    }
}

/// Whether a name is one of the proxy arguments, in either case.
pub(crate) fn is_proxy(name: &str) -> bool {
    PROXIES
        .iter()
        .any(|proxy| *proxy == name || proxy.to_lowercase() == name)
}

fn platform_args(prefix: &str, platform: &Platform) -> [(String, String); 4] {
    let variant = platform.variant.clone().unwrap_or_default();
    [
        (format!("{prefix}PLATFORM"), platform.to_string()),
        (format!("{prefix}OS"), platform.os.clone()),
        (format!("{prefix}ARCH"), platform.architecture.clone()),
        (format!("{prefix}VARIANT"), variant),
    ]
}

fn last(pairs: &[(String, String)], name: &str) -> Option<String> {
    pairs
        .iter()
        .rfind(|(key, _)| key == name)
        .map(|(_, value)| value.clone())
}

/// The ARGs before the first FROM: in scope of FROM lines, and what stages inherit by name.
#[derive(Debug, Clone)]
pub(crate) struct GlobalScope {
    given: Given,
    args: Vec<(String, String)>,
}

impl GlobalScope {
    /// A scope with no declarations yet.
    pub(crate) fn new(given: Given) -> Self {
        let args = given.platform.clone();
        Self { given, args }
    }

    /// Declares an ARG; a value on the command line wins over `default`.
    pub(crate) fn declare(&mut self, name: &str, default: Option<String>) {
        if let Some(value) = self.given.declared(name).or(default) {
            self.args.push((name.to_owned(), value));
        }
    }

    /// What a name stands for in a FROM line.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        last(&self.args, name)
    }

    /// Names given on the command line.
    pub(crate) fn given(&self) -> &Given {
        &self.given
    }
}

/// The ARGs of one stage.
#[derive(Debug, Clone)]
pub(crate) struct StageScope<'a> {
    global: &'a GlobalScope,
    args: Vec<(String, Option<String>)>,
    command: Command,
}

/// Whose CMD the configuration has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    /// The base's.
    Inherited,
    /// One that this stage has set.
    Own,
}

impl<'a> StageScope<'a> {
    /// The scope just after FROM.
    pub(crate) fn new(global: &'a GlobalScope) -> Self {
        Self {
            global,
            args: Vec::new(),
            command: Command::Inherited,
        }
    }

    /// Declares an ARG: the command line's value, else `default`, else the global ARG's.
    pub(crate) fn declare(&mut self, name: &str, default: Option<String>) {
        let given = self.global.given.declared(name);
        let value = given.or(default).or_else(|| self.global.get(name));
        self.args.retain(|(declared, _)| declared != name);
        self.args.push((name.to_owned(), value));
    }

    /// The declared ARGs that have a value, in order: they are in the environment of RUN and
    /// enter its key, used or not.
    pub(crate) fn args(&self) -> impl Iterator<Item = (&str, &str)> {
        self.args
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
    }

    /// Proxy arguments that were given and not declared: in the environment of RUN alone.
    pub(crate) fn proxies(&self) -> Vec<(String, String)> {
        let given = &self.global.given;
        let mut proxies = given.proxies.clone();
        proxies.extend(
            given
                .args
                .iter()
                .filter(|(name, _)| is_proxy(name))
                .cloned(),
        );
        proxies.retain(|(name, _)| !self.declares(name));
        proxies
    }

    /// What an ARG stands for.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        match self.args.iter().find(|(declared, _)| declared == name) {
            Some((_, value)) => value.clone(),
            None if is_proxy(name) => self
                .proxies()
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone()),
            None => None,
        }
    }

    /// Notes that the stage has set a CMD of its own.
    pub(crate) fn set_cmd(&mut self) {
        self.command = Command::Own;
    }

    /// Whether the stage has set a CMD of its own.
    pub(crate) fn has_cmd(&self) -> bool {
        self.command == Command::Own
    }

    fn declares(&self, name: &str) -> bool {
        self.args.iter().any(|(declared, _)| declared == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(args: &[(&str, &str)]) -> GlobalScope {
        let args: Vec<_> = args
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let platform = Platform::new("linux", "amd64", None);
        GlobalScope::new(Given::new(
            &args,
            &[("no_proxy".into(), "localhost".into())],
            &platform,
            &platform,
        ))
    }

    #[test]
    fn the_command_line_wins_over_the_default_and_the_default_over_the_global() {
        let mut global = global(&[("A", "given")]);
        global.declare("A", Some("global".into()));
        global.declare("B", Some("global".into()));
        let mut stage = StageScope::new(&global);
        stage.declare("A", Some("stage".into()));
        stage.declare("B", Some("stage".into()));
        assert_eq!(stage.get("A").as_deref(), Some("given"));
        assert_eq!(stage.get("B").as_deref(), Some("stage"));
    }

    #[test]
    fn a_global_is_seen_in_a_stage_only_once_it_is_declared_there() {
        let mut global = global(&[]);
        global.declare("V", Some("1".into()));
        let mut stage = StageScope::new(&global);
        assert_eq!(stage.get("V"), None);
        assert_eq!(stage.get("TARGETARCH"), None);
        stage.declare("V", None);
        stage.declare("TARGETARCH", None);
        assert_eq!(stage.get("V").as_deref(), Some("1"));
        assert_eq!(stage.get("TARGETARCH").as_deref(), Some("amd64"));
    }

    #[test]
    fn proxies_need_no_declaration_and_are_plain_args_once_declared() {
        let global = global(&[("HTTP_PROXY", "http://p")]);
        let mut stage = StageScope::new(&global);
        assert_eq!(stage.get("HTTP_PROXY").as_deref(), Some("http://p"));
        assert_eq!(stage.args().count(), 0);
        assert_eq!(stage.proxies().len(), 2);
        stage.declare("HTTP_PROXY", None);
        assert_eq!(
            stage.args().collect::<Vec<_>>(),
            [("HTTP_PROXY", "http://p")]
        );
        assert_eq!(stage.proxies().len(), 1);
        stage.declare("no_proxy", None);
        assert_eq!(stage.get("no_proxy").as_deref(), Some("localhost"));
        assert_eq!(stage.args().count(), 2);
    }
}
