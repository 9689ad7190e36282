//! Steps that cannot be started, and what is said about them.

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use iechor_executor::{Access, ExecError, MountSource, StepFault};

use crate::rootfs::Rootfs;
use crate::step::{bind, command, error, mount, shell};

crate::tests![
    a_program_that_is_not_in_the_path,
    a_program_that_does_not_exist,
    a_program_that_is_not_executable,
    a_directory_as_program,
    a_script_without_interpreter_line,
    a_script_whose_interpreter_is_missing,
    a_binary_whose_loader_is_missing,
    a_working_directory_that_is_missing,
    a_working_directory_by_descriptor_cve_2024_21626,
    a_rootfs_that_is_missing,
    a_rootfs_without_proc,
    a_mount_target_that_is_missing,
    a_mount_target_behind_a_link,
    a_mount_target_that_undoes_the_profile,
    a_mount_source_that_is_missing,
    a_directory_on_a_file,
    a_step_without_a_program,
];

/// An error, and the chain of its sources.
fn told(error: &ExecError) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    words
}

fn a_program_that_is_not_in_the_path() {
    let error = error(&command(&Rootfs::new(), &["frobnicate", "--now"]));
    assert_eq!(
        told(&error),
        "program \"frobnicate\" was not found in PATH (\"/usr/bin:/bin\")"
    );
    assert!(error.hint().unwrap().starts_with("install the program"));
}

fn a_program_that_does_not_exist() {
    let error = error(&command(&Rootfs::new(), &["/opt/tool"]));
    assert_eq!(
        told(&error),
        "program /opt/tool does not exist in the root file system"
    );
}

fn a_program_that_is_not_executable() {
    let rootfs = Rootfs::new();
    fs::write(rootfs.path("bin/data"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(rootfs.path("bin/data"), Permissions::from_mode(0o644)).unwrap();
    let error = error(&command(&rootfs, &["data"]));
    assert_eq!(told(&error), "program /bin/data is not executable");
    assert_eq!(
        error.hint(),
        Some("set its execute bit, for example COPY --chmod=755")
    );
}

fn a_directory_as_program() {
    let error = error(&command(&Rootfs::new(), &["/bin"]));
    assert_eq!(told(&error), "program /bin is not executable");
}

fn a_script_without_interpreter_line() {
    let rootfs = Rootfs::new();
    rootfs.script("bin/plain", "echo hello\n");
    let error = error(&command(&rootfs, &["plain"]));
    assert!(
        matches!(error, ExecError::Step(StepFault::WrongFormat { .. })),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("#!/bin/sh"));
}

fn a_script_whose_interpreter_is_missing() {
    let rootfs = Rootfs::new();
    rootfs.script("bin/snake", "#! /usr/bin/python3 -u\nprint()\n");
    assert_eq!(
        told(&error(&command(&rootfs, &["snake"]))),
        "interpreter /usr/bin/python3 of program /bin/snake does not exist in the root file system"
    );
}

fn a_binary_whose_loader_is_missing() {
    let rootfs = Rootfs::new();
    fs::copy("/usr/bin/env", rootfs.path("bin/foreign")).unwrap();
    let error = told(&error(&command(&rootfs, &["/bin/foreign"])));
    assert!(error.starts_with("interpreter /lib"), "{error}");
    assert!(
        error.contains(" of program /bin/foreign does not exist"),
        "{error}"
    );
}

fn a_working_directory_that_is_missing() {
    let rootfs = Rootfs::new();
    let mut step = shell(&rootfs, "true");
    step.cwd = "/srv/app".into();
    let error = error(&step);
    let expect = "cannot enter working directory /srv/app: No such file or directory (os error 2)";
    assert_eq!(told(&error), expect);
    assert_eq!(error.hint(), Some("make it with WORKDIR"));
}

fn a_working_directory_by_descriptor_cve_2024_21626() {
    let rootfs = Rootfs::new();
    for process in ["self", "1"] {
        for descriptor in 0..16 {
            let mut step = shell(&rootfs, "true");
            step.cwd = format!("/proc/{process}/fd/{descriptor}").into();
            let error = error(&step);
            let is_refused = matches!(error, ExecError::Step(StepFault::WorkingDirectory { .. }));
            assert!(is_refused, "{error:?}");
        }
    }
}

fn a_rootfs_that_is_missing() {
    let rootfs = Rootfs::new();
    let mut step = shell(&rootfs, "true");
    step.rootfs = "/no/such/place".into();
    let error = told(&error(&step));
    assert!(
        error.starts_with("cannot use /no/such/place as the root file system"),
        "{error}"
    );
}

fn a_rootfs_without_proc() {
    let rootfs = Rootfs::new();
    fs::remove_dir(rootfs.path("proc")).unwrap();
    let error = told(&error(&shell(&rootfs, "true")));
    assert_eq!(
        error,
        "mount target /proc does not exist in the root file system"
    );
}

fn a_mount_target_that_is_missing() {
    let rootfs = Rootfs::new();
    let mut step = shell(&rootfs, "true");
    step.mounts = vec![mount(
        "/srv/cache",
        MountSource::Tmpfs {
            size: None,
            mode: 0o755,
        },
    )];
    let error = error(&step);
    assert_eq!(
        told(&error),
        "mount target /srv/cache does not exist in the root file system"
    );
    assert!(error.hint().is_some());
    assert!(!rootfs.path("srv").exists());
}

fn a_mount_target_behind_a_link() {
    let rootfs = Rootfs::new();
    std::os::unix::fs::symlink("/etc", rootfs.path("escape")).unwrap();
    let mut step = shell(&rootfs, "true");
    step.mounts = vec![mount(
        "/escape",
        MountSource::Tmpfs {
            size: None,
            mode: 0o755,
        },
    )];
    let error = told(&error(&step));
    assert!(
        error.starts_with("cannot use /escape as a mount target: Too many levels"),
        "{error}"
    );
}

fn a_mount_target_that_undoes_the_profile() {
    let rootfs = Rootfs::new();
    for target in ["/", "/dev", "/proc", "/proc/sys", "/sys/fs", "/mnt/../proc"] {
        let mut step = shell(&rootfs, "true");
        step.mounts = vec![mount(
            target,
            MountSource::Tmpfs {
                size: None,
                mode: 0o755,
            },
        )];
        assert_eq!(
            told(&error(&step)),
            format!("nothing may be mounted on {target}")
        );
    }
}

fn a_mount_source_that_is_missing() {
    let rootfs = Rootfs::new();
    let mut step = shell(&rootfs, "true");
    step.mounts = vec![mount("/mnt/a", bind("/no/such/cache", Access::ReadWrite))];
    let error = told(&error(&step));
    assert!(
        error.starts_with("cannot mount /no/such/cache: No such file"),
        "{error}"
    );
}

fn a_directory_on_a_file() {
    let rootfs = Rootfs::new();
    let mut step = shell(&rootfs, "true");
    step.mounts = vec![mount(
        "/etc/hosts",
        MountSource::Tmpfs {
            size: None,
            mode: 0o755,
        },
    )];
    let error = told(&error(&step));
    assert!(
        error.starts_with("cannot mount tmpfs on /etc/hosts: Not a directory"),
        "{error}"
    );
}

fn a_step_without_a_program() {
    let error = error(&command(&Rootfs::new(), &[]));
    assert!(matches!(error, ExecError::NoProgram));
}
