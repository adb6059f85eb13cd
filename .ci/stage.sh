# Sourced by the scripts of .ci, tests/real and benches: where things are, and how a step is run.
# shellcheck shell=bash disable=SC2034

# The top of the checkout; every script works there, wherever it was called from.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

# Everything that is built or downloaded stays below here. Absolute, because cargo takes a
# relative one from the directory that it is called in.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR=$target

# Ends the script: what was asked for cannot be done, or does not hold.
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command or function, quietly: one line with its duration. Its output is shown if it fails;
# if not, then the lines that start with "= ", which say what was found.
stage() {
    local name=$1 start=$SECONDS status=0 log
    shift
    log=$(mktemp)
    # Not `if` and not `||`: in those bash would ignore `set -e` inside of a function.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1
    status=$?
    set -e
    if ((status == 0)); then
        printf 'ok    %4d s  %s\n' "$((SECONDS - start))" "$name"
        sed -n 's/^= /              /p' "$log"
    else
        printf 'FAIL  %4d s  %s\n' "$((SECONDS - start))" "$name"
        cat "$log"
    fi
    rm "$log"
    return "$status"
}

# Builds the product once; `$enclair` is its name from then on.
build_enclair() {
    stage 'build enclair' cargo build --quiet --locked --release -p enclair
    enclair=$target/release/enclair
}

# Builds the second implementation of the format, which has a workspace of its own.
build_oracle() {
    stage 'build the oracle' cargo build --quiet --locked --release \
        --manifest-path tests/oracle/Cargo.toml --target-dir "$target/oracle"
    oracle=$target/oracle/release/oracle
}
