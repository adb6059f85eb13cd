# Sourced by the checks that boot the images of make-image: variants of the images, and one boot
# with what the probe in it says, in place of the one of setting.sh.
# shellcheck shell=bash disable=SC2034

. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/setting.sh"

repository=$(realpath "$here/../..")
# What make-image has made.
image=$BOOT/images

# Makes the image $1 in the scratch directory: the image $2 (debian or small), configured by the
# other words: options of `umoci config` without their `--config.`, and `clear=OPTION`.
variant() {
    local name=$1 layout=$scratch/$2 option options=()
    [[ -d $layout ]] || cp -r "$image/$2" "$layout"
    for option in "${@:3}"; do
        case $option in
        clear=*) options+=(--clear "config.${option#*=}") ;;
        *) options+=("--config.$option") ;;
        esac
    done
    umoci config --image "$layout:v1" --tag "$name" "${options[@]}"
}

# Builds the image $1 of variant() into $scratch/$1, with more options of `enclair build`.
build() {
    local name=$1 layout
    shift
    for layout in debian small; do
        if umoci list --layout "$scratch/$layout" 2>/dev/null | grep -qxF -- "$name"; then
            "$ENCLAIR" build --image "oci:$scratch/$layout:$name" -o "$scratch/$name" "$@" \
                >"$scratch/$name.built" 2>&1 || fail "not built: $name: $(<"$scratch/$name.built")"
            return
        fi
    done
    fail "no image $name"
}

# Boots the file $2. Leaves its exit status in $status, what it said in the file $console, and the
# facts of the probe in the file $facts. $1 is what the boot is called, $3 its time limit in seconds;
# the other words are options of `run`.
#
# The facts are whole whatever was written between: the start is told in the middle of a line, and so
# is what the kernel has to say.
boot() {
    local name=$1 file=$2 seconds=${3:-120}
    shift "$(($# < 3 ? $# : 3))"
    console=$scratch/$name.console facts=$scratch/$name.facts status=0
    "$ENCLAIR" run --accel tcg --qemu "$QEMU" --timeout "$seconds" --json "$@" "$file" \
        >"$scratch/$name.json" 2>"$console" </dev/null || status=$?
    sed -E 's/\[ *[0-9]+\.[0-9]{6}\] .*$//; s/^application started after [0-9]+ ms\r?$//' "$console" | tr -d '\r\n' |
        grep -aoE '<probe [^>]*>' | sed -E 's/^<probe (.*)>$/\1/' >"$facts" || true
    ((status != 124)) || not_as_expected "not ended after $seconds seconds"
}

# Ends the check, with the console of the last boot behind the kernel's own lines.
not_as_expected() {
    grep -avE '^\[ *[0-9]+\.[0-9]+\]' "$console" | cut -c 1-300 | tail -n 60 >&2
    fail "$(basename "$console" .console): $*"
}

expect_status() {
    ((status == $1)) || not_as_expected "status $status instead of $1"
}

# Expects facts, each with exactly the value given: `NAME VALUE`, as they are printed.
expect() {
    local line
    for line in "$@"; do
        grep -qxF -- "$line" "$facts" ||
            not_as_expected "expected \"$line\", found \"$(grep -E "^${line%% *} " "$facts" || true)\""
    done
}

# The application never ran: neither init nor the host nor the application itself says so.
expect_not_started() {
    expect_status 125
    if grep -aqE '^(enclair-init: started|application started)|<probe ' "$console"; then
        not_as_expected 'the application was started'
    fi
}
