//! What a step can see and do of the host.

use std::fs;
use std::path::PathBuf;

use iechor_executor::{
    Access, CancelToken, Network, OutputSink, StepMount, StepOutcome, StepSpec, Stream, User,
};

use crate::rootfs::Rootfs;
use crate::step::{bind, command, groups_of, mount, run, sandbox, shell, text};

crate::tests![
    root_has_the_14_capabilities,
    another_user_has_none,
    a_user_has_its_ids_and_groups,
    only_the_standard_streams_are_open,
    privileged_calls_are_not_permitted,
    calls_that_filters_cannot_read_do_not_exist,
    sockets_to_kernel_crypto_are_refused,
    threads_and_processes_still_work,
    set_user_id_programs_work,
    masked_paths_are_empty,
    settings_of_the_host_are_read_only,
    devices_are_the_six,
    a_made_device_cannot_be_opened,
    terminals_are_the_steps_own,
    no_network_has_the_loopback_interface_alone,
    the_host_name_is_the_steps_own,
    no_process_of_the_host_is_seen,
    init_shows_nothing_of_itself,
    no_mount_of_the_host_is_seen,
    the_root_is_left_for_good,
    core_dumps_are_off,
    a_fork_bomb_ends,
    running_out_of_memory_is_told,
    signals_are_as_after_a_login,
];

fn status_line(status: &str, name: &str) -> String {
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

fn root_has_the_14_capabilities() {
    let status = text(&command(&Rootfs::new(), &["cat", "/proc/self/status"]));
    for set in ["CapPrm:", "CapEff:", "CapBnd:"] {
        assert_eq!(status_line(&status, set), "00000000a80425fb", "{set}");
    }
    for set in ["CapInh:", "CapAmb:"] {
        assert_eq!(status_line(&status, set), "0000000000000000", "{set}");
    }
    assert_eq!(status_line(&status, "NoNewPrivs:"), "0");
    assert_eq!(status_line(&status, "Seccomp_filters:"), "2");
}

fn as_user(mut step: StepSpec) -> StepSpec {
    step.user = User {
        uid: 1000,
        gid: 1001,
        groups: vec![1001, 27, 100],
    };
    step
}

fn another_user_has_none() {
    let status = text(&as_user(command(
        &Rootfs::new(),
        &["cat", "/proc/self/status"],
    )));
    for set in ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"] {
        assert_eq!(status_line(&status, set), "0000000000000000", "{set}");
    }
    assert_eq!(status_line(&status, "CapBnd:"), "00000000a80425fb");
}

fn a_user_has_its_ids_and_groups() {
    let rootfs = Rootfs::new();
    assert_eq!(
        text(&as_user(shell(&rootfs, "id -u; id -g; id -G"))),
        "1000\n1001\n1001 27 100"
    );
    assert_eq!(text(&shell(&rootfs, "id -u; id -g; id -G")), "0\n0\n0");
}

fn only_the_standard_streams_are_open() {
    let rootfs = Rootfs::new();
    // The listing itself has the directory open as 3.
    assert_eq!(
        text(&command(&rootfs, &["ls", "/proc/self/fd"])),
        "0\n1\n2\n3"
    );
    let open = text(&shell(
        &rootfs,
        "ls -l /proc/self/fd/[012] | sed 's/.*-> //'",
    ));
    let kinds: Vec<&str> = open
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(kinds, ["/dev/null", "pipe", "pipe"]);
}

/// A step that runs the probe of [`crate::sys`] with the host's C library.
fn probe(rootfs: &Rootfs, call: &str) -> String {
    fs::write(rootfs.path("bin/probe"), "").unwrap();
    let mut step = command(rootfs, &["/bin/probe", "--probe", call]);
    let program = std::env::current_exe().unwrap();
    step.mounts = host_libraries();
    step.mounts
        .push(mount("/bin/probe", bind(program, Access::ReadOnly)));
    text(&step)
}

/// For programs that are not static.
fn host_libraries() -> Vec<StepMount> {
    ["/usr/lib", "/usr/lib64"]
        .map(|path| mount(path, bind(path, Access::ReadOnly)))
        .into()
}

fn privileged_calls_are_not_permitted() {
    let rootfs = Rootfs::new();
    for call in [
        "unshare-user",
        "unshare-mount",
        "clone-user",
        "setns",
        "mount",
        "umount",
        "pivot_root",
        "keyctl",
        "add_key",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "io_uring_setup",
        "open_by_handle_at",
        "init_module",
        "reboot",
        "tiocsti",
        "tioclinux",
        "personality",
    ] {
        assert_eq!(probe(&rootfs, call), "EPERM", "{call}");
    }
}

fn calls_that_filters_cannot_read_do_not_exist() {
    let rootfs = Rootfs::new();
    for call in ["clone3", "unknown", "x32-getpid"] {
        assert_eq!(probe(&rootfs, call), "ENOSYS", "{call}");
    }
}

fn sockets_to_kernel_crypto_are_refused() {
    let rootfs = Rootfs::new();
    for call in ["socket-alg", "socket-vsock"] {
        assert_eq!(probe(&rootfs, call), "EPERM", "{call}");
    }
    assert_eq!(probe(&rootfs, "socket-inet"), "OK");
}

fn threads_and_processes_still_work() {
    let rootfs = Rootfs::new();
    for call in ["thread", "fork", "personality-query"] {
        assert_eq!(probe(&rootfs, call), "OK", "{call}");
    }
}

fn set_user_id_programs_work() {
    use std::os::unix::fs::PermissionsExt;
    let rootfs = Rootfs::new();
    fs::copy("/usr/bin/id", rootfs.path("usr/bin/id")).unwrap();
    fs::set_permissions(
        rootfs.path("usr/bin/id"),
        fs::Permissions::from_mode(0o4755),
    )
    .unwrap();
    let mut step = as_user(command(&rootfs, &["/usr/bin/id", "-u"]));
    step.mounts = host_libraries();
    assert_eq!(text(&step), "0");
}

fn masked_paths_are_empty() {
    let rootfs = Rootfs::new();
    let script = "for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts \
                  /proc/kallsyms /proc/kmsg; do [ -e $f ] && cat $f; done; \
                  for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware \
                  /sys/devices/virtual/powercap; do [ -e $d ] && ls -A $d; done; true";
    assert_eq!(text(&shell(&rootfs, script)), "");
    let (outcome, _) = run(&shell(&rootfs, "umount /proc/kcore || echo x > /proc/keys"));
    assert_ne!(outcome, StepOutcome::Exited(0));
}

fn settings_of_the_host_are_read_only() {
    let rootfs = Rootfs::new();
    let script = "for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname \
                  /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger /proc/irq/x /proc/bus/x \
                  /proc/fs/x /sys/kernel/x /sys/x; \
                  do (echo 1 >$f) 2>/dev/null && echo wrote $f; done; true";
    assert_eq!(text(&shell(&rootfs, script)), "");
}

fn devices_are_the_six() {
    let rootfs = Rootfs::new();
    assert_eq!(
        text(&shell(&rootfs, "ls /dev | tr '\\n' ' '")),
        "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"
    );
    let script = "echo gone >/dev/null; head -c 3 /dev/zero | tr '\\0' z; \
                  head -c 9 /dev/urandom | wc -c; (echo x >/dev/full) 2>/dev/null || echo full; \
                  echo shared >/dev/shm/a; cat /dev/shm/a; echo out >/dev/stdout";
    assert_eq!(text(&shell(&rootfs, script)), "zzz9\nfull\nshared\nout");
    assert_eq!(
        text(&as_user(shell(&rootfs, "echo x >/dev/null && echo ok"))),
        "ok"
    );
}

fn a_made_device_cannot_be_opened() {
    let rootfs = Rootfs::new();
    let script = "for dir in / /dev /tmp /dev/shm; do \
                  mknod $dir/mem c 1 1 && mknod $dir/zero2 c 1 5 && mknod $dir/fuse c 10 229 || exit 9; \
                  for node in mem zero2 fuse; do head -c 1 $dir/$node 2>/dev/null && echo opened $dir/$node; \
                  done; done; true";
    assert_eq!(text(&shell(&rootfs, script)), "");
}

fn terminals_are_the_steps_own() {
    let rootfs = Rootfs::new();
    assert_eq!(
        text(&shell(
            &rootfs,
            "ls /dev/pts; (: </dev/tty) 2>/dev/null || echo none"
        )),
        "ptmx\nnone"
    );
}

fn no_network_has_the_loopback_interface_alone() {
    let rootfs = Rootfs::new();
    let mut step = shell(
        &rootfs,
        "ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo up",
    );
    step.network = Network::None;
    assert_eq!(text(&step), "lo\nup");
    let host = fs::read_link("/proc/self/ns/net").unwrap();
    let seen = text(&shell(&rootfs, "readlink /proc/self/ns/net"));
    assert_eq!(seen, host.to_str().unwrap());
}

fn the_host_name_is_the_steps_own() {
    let rootfs = Rootfs::new();
    let host = rustix::system::uname().nodename().to_owned();
    let mut step = shell(&rootfs, "hostname; hostname other 2>/dev/null || echo kept");
    step.hostname = "builder-7".into();
    assert_eq!(text(&step), "builder-7\nkept");
    assert_eq!(rustix::system::uname().nodename(), host.as_c_str());
}

fn no_process_of_the_host_is_seen() {
    let rootfs = Rootfs::new();
    // Init, the shell, ls, wc.
    assert_eq!(
        text(&shell(
            &rootfs,
            "ls -d /proc/[0-9]* | wc -l; kill -0 1 && echo $$"
        )),
        "4\n2"
    );
}

fn init_shows_nothing_of_itself() {
    let rootfs = Rootfs::new();
    let script = "for f in exe root cwd fd/3 environ mem maps; do \
                  (cat /proc/1/$f || ls /proc/1/$f/) >/dev/null 2>&1 && echo $f; done; true";
    assert_eq!(text(&shell(&rootfs, script)), "");
    assert_eq!(text(&as_user(shell(&rootfs, script))), "");
}

fn no_mount_of_the_host_is_seen() {
    let mounts = text(&command(&Rootfs::new(), &["cat", "/proc/self/mountinfo"]));
    let point = |line: &str| line.split(' ').nth(4).unwrap().to_owned();
    for line in mounts.lines() {
        let point = point(line);
        let own = ["/proc", "/sys", "/dev"]
            .iter()
            .any(|own| point.starts_with(own));
        assert!(point == "/" || own, "{line}");
        assert!(
            !line.contains("shared:") && !line.contains("master:"),
            "{line}"
        );
    }
    assert_eq!(mounts.lines().filter(|line| point(line) == "/").count(), 1);
    let root = mounts.lines().find(|line| point(line) == "/").unwrap();
    assert!(root.contains("nodev") && !root.contains("nosuid"), "{root}");
}

fn the_root_is_left_for_good() {
    let rootfs = Rootfs::new();
    let script = "cd ../../../..; pwd; ls -d bin home /boot /lost+found 2>/dev/null; true";
    assert_eq!(text(&shell(&rootfs, script)), "/\nbin\nhome");
    let script = "mkdir /jail; cp /bin/busybox /jail/sh; chroot /jail /sh -c 'cd ../../..; echo *'";
    assert_eq!(text(&shell(&rootfs, script)), "sh");
}

fn core_dumps_are_off() {
    let rootfs = Rootfs::new();
    assert_eq!(
        text(&shell(&rootfs, "ulimit -c; ulimit -H -c; ulimit -n")),
        "0\n0\n1024"
    );
    run(&shell(&rootfs, "cd /tmp; kill -SEGV $$"));
    assert_eq!(fs::read_dir(rootfs.path("tmp")).unwrap().count(), 0);
}

fn a_fork_bomb_ends() {
    let rootfs = Rootfs::new();
    let script = "i=0; while [ $i -lt 5000 ]; do sleep 60 & i=$((i+1)); done; echo all";
    let (outcome, output) = run(&shell(&rootfs, script));
    assert!(
        outcome != StepOutcome::Exited(0),
        "{outcome:?} {}",
        output.text()
    );
    assert!(!output.text().contains("all"));
}

/// Limits the memory of a step from outside once it says "now".
struct LimitOnNow {
    /// Made when the limit holds.
    go: PathBuf,
}

impl OutputSink for LimitOnNow {
    fn output(&mut self, _: Stream, _: &[u8]) {
        let limits = groups_of(std::process::id());
        let limits = limits.iter().flat_map(|group| {
            [
                group.join("memory.limit_in_bytes"),
                group.join("memory.max"),
            ]
        });
        let limited = limits
            .filter(|limit| limit.exists())
            .map(|limit| fs::write(limit, "64M"));
        assert!(
            limited.fold(false, |_, written| written.is_ok()),
            "no memory controller"
        );
        fs::write(&self.go, "").unwrap();
    }
}

fn running_out_of_memory_is_told() {
    let rootfs = Rootfs::new();
    let step = shell(
        &rootfs,
        "echo now; until [ -e /go ]; do sleep 0.1; done; exec tail -c 262144000 /dev/zero",
    );
    let outcome = sandbox()
        .run(
            &step,
            &mut LimitOnNow {
                go: rootfs.path("go"),
            },
            &CancelToken::default(),
        )
        .unwrap();
    assert_eq!(
        outcome,
        StepOutcome::Signaled {
            signal: 9,
            out_of_memory: true
        }
    );
}

fn signals_are_as_after_a_login() {
    let status = text(&command(&Rootfs::new(), &["cat", "/proc/self/status"]));
    for set in ["SigBlk:", "SigIgn:"] {
        assert_eq!(status_line(&status, set), "0000000000000000", "{set}");
    }
}
