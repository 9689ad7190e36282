# The mounts that a suite runs on; each is at $at, and writable.

lower_tree() {
    rm -rf "$scratch/lower"
    mkdir -p "$scratch/lower/t" "$scratch"/{upper,work,at}
    chmod 755 "$scratch" "$scratch/lower"
    chmod 1777 "$scratch/lower/t"
}

# As our own overlays are mounted, on the same file system, without us.
mount_kernel() {
    mount -t overlay overlay -o "nodev,redirect_dir=on,metacopy=on,index=off,xino=on,volatile,lowerdir=$scratch/lower,upperdir=$scratch/upper,workdir=$scratch/work" "$at"
}

mount_served() {
    "$overlay_mount" suites "$at" -o "lowerdir=$scratch/lower,upperdir=$scratch/upper,workdir=$scratch/work"
}

mount_image() {
    printf 'FROM scratch\nCOPY . /\n' >"$scratch/iEchorfile"
    "$iechor" build --quiet --tag suites --file "$scratch/iEchorfile" "$scratch/lower" >/dev/null
    "$iechor" mount --rw suites "$at" >/dev/null
}

# Runs a command on a mount of that kind. What `before_COMMAND` leaves in $scratch/lower lies below.
on_mount() {
    local kind="$1" outcome=0
    shift
    lower_tree
    ! declare -F "before_$1" >/dev/null || "before_$1"
    "mount_$kind"
    "$@" || outcome=$?
    if [[ $kind == image ]]; then "$iechor" umount "$at" >/dev/null; else umount "$at"; fi
    rm -rf "$scratch"/{upper,work}
    return "$outcome"
}
