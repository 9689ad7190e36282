#!/usr/bin/env bash
# xfstests on a kind of mount: xfstests.sh KIND WHERE RESULTS
#
# Its test and its scratch file system are overlays, `./check -overlay` with directories in place of
# partitions. It calls mount, umount, findmnt and df by name; xfstests/overlay stands in for them.
set -euo pipefail
export XFSTESTS_KIND="$1" XFSTESTS_AT="$2"
results="$3"

mkdir -p "$XFSTESTS_AT"/{bin,test,test.at,scratch,scratch.at} "$results"
for program in mount umount findmnt df; do
    ln -sf "$PWD/xfstests/overlay" "$XFSTESTS_AT/bin/$program"
done
cat >"$XFSTESTS_AT/config" <<END
export TEST_DEV=$XFSTESTS_AT/test TEST_DIR=$XFSTESTS_AT/test.at
export SCRATCH_DEV=$XFSTESTS_AT/scratch SCRATCH_MNT=$XFSTESTS_AT/scratch.at
export RESULT_BASE=$results
END

expunged=()
[[ $XFSTESTS_KIND != image && -z ${XFSTESTS_BELOW:-} ]] || expunged=(-E "$PWD/xfstests/expunged")

# Some of its tests are another user.
chmod 755 "$XFSTESTS_AT"
cd "$XFSTESTS_DIR"
export PATH="$XFSTESTS_AT/bin:$PATH" HOST_OPTIONS="$XFSTESTS_AT/config"
# shellcheck disable=SC2086 # names of tests, and options of check
./check -overlay "${expunged[@]}" ${XFSTESTS_TESTS:--g generic/quick}
