# Sourced by the checks here: the inputs, a scratch directory, and what is said of two results.
# shellcheck shell=bash disable=SC2034

# .ci/real builds the two programs, makes the inputs, and calls the checks.
: "${ENCLAIR:?run .ci/real}" "${ORACLE:?run .ci/real}" "${REAL:?run .ci/real}"

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
repository=$(realpath "$here/../..")
image=$REAL/image
wanted=$image/bundle/rootfs
init=$REAL/busybox/bin/busybox
scratch=$(mktemp -d -p "$REAL" "${0##*/}.XXXXXX")
# What another user has to reach: the checkout may be where only its owner can go.
public=$(mktemp -d)
chmod 755 "$public"
trap 'rm -rf "$scratch" "$public"' EXIT

kernel_of() {
    local kernels=("$REAL/kernel-$1"/boot/vmlinuz-*)
    printf '%s' "${kernels[0]}"
}
kernel=$(kernel_of amd64)

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Builds an image into the directory $1. The image has a program with file capabilities.
build() {
    local out=$1
    shift
    "$ENCLAIR" build --kernel "$kernel" --init "$init" --allow capability-dropped -o "$out" "$@"
}

# Runs a command as a user who owns nothing.
as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# Expects a command to be refused: status 2, and words in its message that say why.
refused() {
    local words=$1 status=0 message
    shift
    message=$("$@" 2>&1) || status=$?
    ((status == 2)) || fail "status $status instead of 2: $*: $message"
    grep -qF -- "$words" <<<"$message" || fail "expected a message with \"$words\": $message"
}

# The digest of a file, or of the image in a directory of results.
digest() {
    local file=$1
    [[ ! -d $file ]] || file=$file/enclave.eif
    sha256sum <"$file" | cut -d ' ' -f 1
}

# Expects the image $2 to have the digest $3; $1 says what was different in the making.
same() {
    local found
    found=$(digest "$2")
    [[ $found == "$3" ]] || fail "$1: another image: $found instead of $3"
    printf '= %s: identical\n' "$1"
}
