# A tree as text: a line an entry, with everything about it that does not depend on when it was made.

# Type, mode, owner, links, size, target, time if it is older than the run, attributes and digest.
list_tree() {
    local root="$1" begun
    begun=$(cat "$scratch/begun")
    (
        cd "$root"
        find . -xdev \( -type d -printf '%p\t%y %m %U:%G\n' \) -o \
            -printf "%p\t%y %m %U:%G %n %s '%l' %T@\n" |
            awk -F '\t' -v begun="$begun" '{ n = split($2, f, " "); if (f[n] + 0 >= begun + 0 && $2 !~ /^d/) sub(/[^ ]+$/, "now", $2); print $1 "\t" $2 }'
        find . -xdev -type f -print0 | xargs -0 -r sha256sum -z | tr '\0' '\n' | sed -E 's/^([0-9a-f]+)  (.*)$/\2\tsha256 \1/'
        getfattr -R -h -P -d -m - . 2>/dev/null | awk '/^# file: / { path = substr($0, 9); next } NF { print "./" path "\tattribute " $0 }'
    ) | LC_ALL=C sort
}

# A listing without what differs.txt expects to differ: a pattern of paths a line, then its reason.
without_expected() {
    sed -E '/^(#|$)/d; s/[[:space:]]+#.*$//' "$differs" >"$scratch/patterns"
    awk -F '\t' 'NR == FNR { patterns[$0]; next }
        { for (p in patterns) if ($1 ~ ("^\\./(" p ")$")) next; print }' "$scratch/patterns" "$1"
}
