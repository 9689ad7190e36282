# The suites: suite_NAME runs one on a kind of mount and fails if it does; tell_NAME sums its log up,
# and failures_NAME, where a suite has more than one way to fail, lists those that a log has.

# xfstests has the two programs of old.
if [[ -n ${XFSTESTS_DIR:-} ]]; then
    : "${FSX:=$XFSTESTS_DIR/ltp/fsx}" "${FSSTRESS:=$XFSTESTS_DIR/ltp/fsstress}"
fi

# Which suites there are, by the variables that are set.
chosen_suites() {
    [[ -z ${PJDFSTEST_DIR:-} ]] || echo pjdfstest
    [[ -z ${PJDFSTEST:-} ]] || echo pjdfstest_rs
    [[ -z ${FSX:-} ]] || echo fsx
    [[ -z ${FSSTRESS:-} ]] || echo fsstress
    [[ -z ${STRESS_NG:-} ]] || echo stress_ng
    [[ -z ${UNIONMOUNT_DIR:-} ]] || echo unionmount
}

pjdfstest_here() { (cd "$at/t" && prove -r "$PJDFSTEST_DIR/tests"); }
suite_pjdfstest() { on_mount "$1" pjdfstest_here; }
failures_pjdfstest() { grep -E '^not ok|Failed tests?:' "$1"; }
tell_pjdfstest() { grep -E '^(Files=|Result)' "$1" | tr '\n' ' '; }

pjdfstest_rs_here() {
    cat >"$scratch/pjdfstest.toml" <<END
[features]
posix_fallocate = {}
utime_now = {}
utimensat = {}
rename_ctime = {}
[settings]
naptime = 0.01
allow_remount = false
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
END
    (cd "$at/t" && "$PJDFSTEST" --configuration-file "$scratch/pjdfstest.toml" --path "$at/t")
}
suite_pjdfstest_rs() { on_mount "$1" pjdfstest_rs_here; }
failures_pjdfstest_rs() { sed -n 's/ *FAILED$//p' "$1"; }
tell_pjdfstest_rs() { sed -n 's/^Summary: //p' "$1"; }

# The two programs differ in how they want what is not said to them in a file.
FSX_OPERATIONS=${FSX_OPERATIONS:-1000000}
fsx_here() {
    local seed
    for seed in 1 2 3 4 5; do
        "$FSX" -q -N "$FSX_OPERATIONS" -S "$seed" -P "$scratch" "$at/t/file.$seed" || return 1
        echo "seed $seed: $FSX_OPERATIONS operations"
    done
}
suite_fsx() { on_mount "$1" fsx_here; }
tell_fsx() { grep -c '^seed' "$1" | sed "s/$/ of 5 seeds, $FSX_OPERATIONS operations each/"; }

fsstress_here() {
    local seed
    for seed in 42 43 44; do "$FSSTRESS" -d "$at/t" -p 4 -n 2000 -s "$seed" || return 1; done
    rm -rf "$at/t"/p*
}
suite_fsstress() { on_mount "$1" fsstress_here; }
tell_fsstress() { tail -n 1 "$1"; }

# Stressors of names, metadata and contents that check what they do (--verify).
STRESSORS="access chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dup fallocate fcntl fiemap file-ioctl \
filename flock getdent hdd inode-flags inotify io iomix lease link locka lockf lockofd mknod mmapfork open readahead rename \
seek sendfile splice symlink sync-file tee touch utime verity xattr"
stress_ng_here() {
    local stressor failed=0
    for stressor in $STRESSORS; do
        (cd "$at/t" && "$STRESS_NG" --temp-path "$at/t" --verify --timeout "${STRESS_SECONDS:-5}" --metrics-brief "--$stressor" 1) &&
            echo "passed: $stressor" || { echo "failed: $stressor" && failed=1; }
    done
    return "$failed"
}
suite_stress_ng() { on_mount "$1" stress_ng_here; }
failures_stress_ng() { sed -n 's/^failed: //p' "$1"; }
tell_stress_ng() {
    echo "$(grep -c '^passed' "$1") passed; failed: $(sed -n 's/^failed: //p' "$1" | tr '\n' ' ')"
}

# It mounts for itself, through mount(8), which looks for helpers in /sbin.
suite_unionmount() {
    local helper=/sbin/mount.fuse.iechor types=(--ov)
    [[ $1 != image ]] || { echo "not on an image: it mounts for itself" && return 0; }
    if [[ $1 == served ]]; then
        [[ ! -e $helper ]] || { echo "$helper is there already" && return 1; }
        types+=(--fuse=iechor)
        ln -s "$overlay_mount" "$helper"
    fi
    local outcome=0 depth
    for depth in --ov --ov=10; do
        types[0]=$depth
        (cd "$UNIONMOUNT_DIR" && UNIONMOUNT_BASEDIR="$scratch/union" ./run "${types[@]}") || outcome=1
    done
    [[ $1 != served ]] || rm -f "$helper"
    return "$outcome"
}
tell_unionmount() { grep -c '^TEST' "$1" | sed 's/$/ steps/'; }
