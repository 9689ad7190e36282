#!/usr/bin/env bash
# Builds the example: first its base from Debian's busybox-static, then the image itself. Needs no
# network. IECHOR names the program, IECHOR_ROOT the state directory.
set -euo pipefail
cd "$(dirname "$0")"
iechor=${IECHOR:-iechor}

busybox=$(readlink -f "$(command -v busybox)") || {
    echo "busybox is missing: make deps" >&2
    exit 1
}

"$iechor" build --progress plain -t hello-base --build-context "host=$(dirname "$busybox")" base
KEY=not-a-real-key "$iechor" build --progress plain -t hello --secret id=key,env=KEY --build-arg GREETING=Hello .
