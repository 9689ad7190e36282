#!/usr/bin/env bash
# unionmount-testsuite in a mount namespace of its own: unionmount.sh WHERE [HELPER]
#
# HELPER is the program behind `mount -t fuse.iechor`; without it the kernel's overlay is tested. Each
# test runs by itself, so that one which fails hides none.
set -euo pipefail
where="$1" helper="${2:-}"
export PYTHONDONTWRITEBYTECODE=1

# Layers and the helper's own files lie in memory.
mount -t tmpfs union "$where"
mkdir "$where"/{base,tmp,sbin}
export UNIONMOUNT_BASEDIR="$where/base" TMPDIR="$where/tmp"

# It empties the caches of the whole machine whenever it mounts again. A mount of ours has none then.
: >"$where/ignored"
mount --bind "$where/ignored" /proc/sys/vm/drop_caches

# mount(8) looks for helpers in /sbin alone.
type=()
if [[ -n $helper ]]; then
    sbin=$(readlink -f /sbin)
    ln -s "$helper" "$where/sbin/mount.fuse.iechor"
    mount -t overlay sbin -o "lowerdir=$where/sbin:$sbin" "$sbin"
    type=(--fuse=iechor)
fi

cd "$UNIONMOUNT_DIR"
failed=0
for depth in --ov --ov=10; do
    for file in tests/*.py; do
        name=$(basename "$file" .py)
        # That one goes with --xdev, in place of four others.
        [[ $name != rename-exdev ]] || continue
        ./run "$depth" "${type[@]}" "$name" || { failed=1 && echo "failed: $depth $name"; }
        ./run --clean-up >/dev/null
    done
done
exit "$failed"
