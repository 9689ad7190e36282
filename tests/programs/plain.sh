# The other side: steps on overlays of the kernel alone, each on those before it.

# Unpacks the base, and runs the steps on it.
plain_steps() {
    local name="$1" build="$2" step number=0
    local side="$scratch/plain.$name"
    shift 2
    mkdir -p "$side/base" "$side/merged"
    tar -C "$side/base" --numeric-owner --xattrs --xattrs-include='*' -xf "$build/base.tar" || return
    mkdir -p "$side/base/programs"
    cp "$build"/steps/* "$build/packages.txt" "$side/base/programs/"
    echo "$side/base" >"$side/lowers"
    for step in "$@"; do
        number=$((number + 1))
        plain_step "$side" "$number" "$step" || return
    done
}

plain_step() {
    local side="$1" dir="$1/$2" step="$3"
    mkdir -p "$dir/upper" "$dir/work"
    chmod --reference="$side/base" "$dir/upper"
    export side dir step
    unshare --mount --pid --uts --ipc --net --fork --kill-child bash -eu -c '
        mount -t overlay overlay -o "index=off,redirect_dir=on,metacopy=on,xino=on,lowerdir=$(cat "$side/lowers"),upperdir=$dir/upper,workdir=$dir/work" "$side/merged"
        cd "$side/merged"
        mkdir -p proc sys dev
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t tmpfs -o mode=755 tmpfs dev
        for node in null zero full random urandom tty; do : >"dev/$node" && mount --bind "/dev/$node" "dev/$node"; done
        ln -s /proc/self/fd dev/fd
        ln -s /proc/self/fd/0 dev/stdin
        ln -s /proc/self/fd/1 dev/stdout
        ln -s /proc/self/fd/2 dev/stderr
        mkdir dev/shm dev/pts
        umask 022
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot . sh -eu "/programs/$step.sh" </dev/null
    ' || return
    echo "$dir/upper:$(cat "$side/lowers")" >"$side/lowers.next"
    mv "$side/lowers.next" "$side/lowers"
}

# Calls a function with the tree that the steps left.
on_plain() {
    local side="$scratch/plain.$1" outcome=0
    mount -t overlay overlay -o "ro,redirect_dir=on,metacopy=on,xino=on,lowerdir=$(cat "$side/lowers")" "$side/merged"
    "$2" "$side/merged" || outcome=$?
    umount "$side/merged"
    return "$outcome"
}
