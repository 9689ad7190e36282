//! Help and version.

use crate::support::TestEnv;

#[test]
fn help_names_every_command() {
    let env = TestEnv::new();
    let help = env.run(["--help"]).success().stdout;
    for command in [
        "build",
        "builder",
        "du",
        "prune",
        "why",
        "images",
        "rmi",
        "tag",
        "inspect",
        "pull",
        "push",
        "mount",
        "umount",
        "mounts",
        "logs",
        "doctor",
        "completion",
        "man",
        "version",
    ] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command} is missing:\n{help}"
        );
        env.run([command, "--help"]).success();
    }
    assert!(
        help.contains("IECHOR_ROOT") && help.contains("Exit codes"),
        "{help}"
    );
}

#[test]
fn the_version_is_told_in_both_ways() {
    let env = TestEnv::new();
    let version = format!("iechor {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(env.run(["version"]).success().stdout, version);
    assert_eq!(env.run(["--version"]).success().stdout, version);
}

#[test]
fn help_and_version_touch_no_state() {
    let env = TestEnv::new();
    env.run(["version"]).success();
    env.run(["build", "--help"]).success();
    assert!(!env.root().exists());
}
