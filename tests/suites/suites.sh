# The suites: suite_NAME runs one on a kind of mount and fails if it does; tell_NAME sums its log up,
# and failures_NAME, where a suite has more than one way to fail, lists those that a log has.

# xfstests has the two programs of old.
if [[ -x ${XFSTESTS_DIR:-}/ltp/fsx ]]; then : "${FSX:=$XFSTESTS_DIR/ltp/fsx}"; fi
if [[ -x ${XFSTESTS_DIR:-}/ltp/fsstress ]]; then : "${FSSTRESS:=$XFSTESTS_DIR/ltp/fsstress}"; fi

# Which suites there are, by the variables that are set.
chosen_suites() {
    [[ -z ${PJDFSTEST_DIR:-} ]] || echo pjdfstest
    [[ -z ${PJDFSTEST:-} ]] || echo pjdfstest_rs
    [[ -z ${FSX:-} ]] || echo fsx
    [[ -z ${FSSTRESS:-} ]] || echo fsstress
    [[ -z ${STRESS_NG:-} ]] || echo stress_ng
    [[ -z ${UNIONMOUNT_DIR:-} ]] || echo unionmount
    [[ -z ${XFSTESTS_DIR:-} ]] || echo xfstests
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
        "$FSX" -q ${FSX_CONFIG:+-f "$FSX_CONFIG"} -N "$FSX_OPERATIONS" -S "$seed" -P "$scratch" "$at/t/file.$seed" || return 1
        echo "seed $seed: $FSX_OPERATIONS operations"
    done
}
suite_fsx() { on_mount "$1" fsx_here; }
tell_fsx() { grep -c '^seed' "$1" | sed "s/$/ of 5 seeds, $FSX_OPERATIONS operations each/"; }

# Each process works in a directory of its own with a seed of its own, so what each operation said and
# what is left must be the same on every mount. (`sync` would be one of the whole machine.)
FSSTRESS_OPERATIONS=${FSSTRESS_OPERATIONS:-5000}
fsstress() { "$FSSTRESS" -c -p 4 -f sync=0 "$@"; }

# Below lies what another run left, under names that are used again. COPY gives it to root and knows no links.
before_fsstress_here() { fsstress -n 2000 -s 7 -f chown=0 -f mknod=0 -f link=0 -d "$scratch/lower/t"; }

fsstress_here() {
    local kind="$1" seed="$2" kept="$logs/fsstress.$1.$2"
    fsstress -v -n "$FSSTRESS_OPERATIONS" -s "$seed" -d "$at/t" | sort -t/ -k1,1n -k2,2n >"$kept.said"
    described "$at/t" >"$kept.left"
    [[ $kind != image ]] || committed_as "$kept.left" || return 1
    echo "seed $seed: $(wc -l <"$kept.said") operations, $(wc -l <"$kept.left") lines about what is left"
    [[ $kind == kernel || ! -e $logs/fsstress.kernel.$seed.left ]] && return
    diff -q "$logs/fsstress.kernel.$seed.said" "$kept.said" && diff -q "$logs/fsstress.kernel.$seed.left" "$kept.left"
}

# A tree but for times, and for what file systems say differently of directories.
described() {
    (cd "$1" &&
        find . -type d -printf '%p %y %#m %U:%G\n' -o -printf '%p %y %#m %U:%G %n %s %l\n' | sort &&
        find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# Whether an image of what was changed shows the same.
committed_as() {
    local outcome=0
    mkdir -p "$scratch/again"
    "$iechor" commit --tag again "$at" >/dev/null
    "$iechor" mount again "$scratch/again" >/dev/null
    diff -q "$1" <(described "$scratch/again/t") || outcome=$?
    "$iechor" umount "$scratch/again" >/dev/null
    return "$outcome"
}

suite_fsstress() {
    local seed
    for seed in 42 43 44 45 46; do on_mount "$1" fsstress_here "$1" "$seed" || return 1; done
}
tell_fsstress() {
    sed -n 's/^seed [0-9]*: \([0-9]*\) operations.*/\1/p' "$1" | awk '{ sum += $1 } END { print NR " of 5 seeds, " sum " operations" }'
}

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

# It mounts for itself, and so not on an image.
suite_unionmount() {
    local helper=()
    [[ $1 != image ]] || { echo "not on an image: it mounts for itself" && return 0; }
    [[ $1 != served ]] || helper=("$overlay_mount")
    mkdir -p "$scratch/union"
    # Some of its tests are another user.
    chmod 755 "$scratch"
    unshare --mount --propagation private ./unionmount.sh "$scratch/union" "${helper[@]}"
}
failures_unionmount() { sed -n 's/^failed: //p' "$1"; }
tell_unionmount() { echo "$(grep -ac '^TEST' "$1") steps; failed: $(grep -a '^failed' "$1" | cut -d' ' -f2- | tr '\n' ' ')"; }

# It mounts for itself, too, through programs that stand in for mount(8) and others.
suite_xfstests() {
    rm -rf --one-file-system "$scratch/xfstests"
    # Some of its tests are another user.
    chmod 755 "$scratch"
    ./xfstests.sh "$1" "$scratch/xfstests" "$logs/xfstests.$1"
}
failures_xfstests() { sed -n 's/^Failures: *//p' "$1" | tr -s ' ' '\n' | sort -u; }
tell_xfstests() {
    local names
    names=$(failures_xfstests "$1" | tr '\n' ' ')
    awk -v failed="${names:-none}" '/^Ran:/ { ran = NF - 1 } /^Not run:/ { not = NF - 2 }
        END { print ran " tests, " not + 0 " of them not run; failed: " failed }' "$1"
}
