# Sourced by the checks here: servers, a store of each check's own, and what is said of results.
# shellcheck shell=bash disable=SC2034

# .ci/supply builds the program, makes the images, and calls the checks.
: "${ENCLAIR:?run .ci/supply}" "${SUPPLY:?run .ci/supply}"
# What fails inside of `$(..)` fails.
shopt -s inherit_errexit

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
images=$SUPPLY/images
scratch=$(mktemp -d -p "$SUPPLY" "${0##*/}.XXXXXX")
. "$here/servers.sh"
trap 'stop_servers; rm -rf "$scratch"' EXIT

# Nothing of the user's: neither settings nor credentials nor a store decide anything here.
export HOME=$scratch/home ENCLAIR_STORE=$scratch/store
mkdir "$HOME"
unset CI SOURCE_DATE_EPOCH XDG_CACHE_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR
unset DOCKER_CONFIG REGISTRY_AUTH_FILE DOCKER_HOST ENCLAIR_CA_FILE
unset http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY all_proxy ALL_PROXY

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Starts a registry with all images, as "$registry". The data is a copy: a check may break it.
start_full_registry() {
    cp -r "$images/registry" "$scratch/data"
    start_registry "$scratch/registry" "$scratch/data"
}

# Where that registry keeps a blob; $1 is its digest in hexadecimal.
blob_in_registry() {
    printf '%s/docker/registry/v2/blobs/sha256/%s/%s/data' "$scratch/data" "${1:0:2}" "$1"
}

# Makes the project $1 of the image $2, reached without TLS; further arguments are lines.
make_project() {
    local project=$1 image=$2
    shift 2
    mkdir -p "$project"
    printf '%s\n' 'schema = 1' '[source]' "image = \"$image\"" "$@" >"$project/enclair.toml"
}

# A table of settings by which a host is reached without TLS.
insecure() {
    printf '[registry."%s"]\ninsecure = true\n' "$1"
}

# Runs the program, whose whole output is in $scratch/said. It must succeed.
enclair() {
    "$ENCLAIR" "$@" >"$scratch/said" 2>&1 || fail "status $?: enclair $*: $(cat "$scratch/said")"
}

# Expects the status $1, and afterwards `says` is for the message.
ends_with() {
    local wanted=$1 status=0
    shift
    "$ENCLAIR" "$@" >"$scratch/said" 2>&1 || status=$?
    ((status == wanted)) ||
        fail "status $status instead of $wanted: enclair $*: $(cat "$scratch/said")"
}

# Expects each of these texts in what the program said last.
says() {
    local text
    for text; do
        grep -qF -- "$text" "$scratch/said" ||
            fail "expected \"$text\" in the message: $(cat "$scratch/said")"
    done
}

# The digest of the image in a directory of results.
digest() {
    sha256sum <"$1/enclave.eif" | cut -d ' ' -f 1
}

# Expects the results $2 to be those in $3; $1 says what was different in the making.
same() {
    cmp -s "$2/enclave.pcrs" "$3/enclave.pcrs" ||
        fail "$1: other registers: expected $(cat "$3/enclave.pcrs"), found $(cat "$2/enclave.pcrs")"
    [[ $(digest "$2") == "$(digest "$3")" ]] ||
        fail "$1: the same registers in another image: $(digest "$2") instead of $(digest "$3")"
}

# What the image $1 of a layout gives, as the directory $2: no registry, store or lock is in it.
build_reference() {
    enclair build --image "oci:$images/$1:v1" -o "$2"
}

# A field of an entry of a lock, on a line each: the digests of its layers, say.
locked() {
    python3 - "$@" <<'END'
import sys
import tomllib

lock, what = tomllib.load(open(sys.argv[1], "rb")), sys.argv[2]
image = lock["source"]["image"]
print(*(blob["sha256"] for blob in (image["layers"] if what == "layers" else [image[what]])), sep="\n")
END
}

# Expects that everything in the store is what its name says.
store_is_clean() {
    enclair store verify
    grep -q '^[1-9][0-9]* blobs, .* are what they should be$' "$scratch/said" ||
        fail "expected blobs in the store, found: $(cat "$scratch/said")"
}
