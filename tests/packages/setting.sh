# Sourced by tests/packages/check-*: builds roots of packages, from the machine's own mirror.
# shellcheck shell=bash

. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/stage.sh"

: "${ENCLAIR:?run .ci/packages}" "${PACKAGES:?run .ci/packages}"
roots=$top/tests/packages/roots

# The store and the settings of these checks, apart from the user's.
export XDG_CONFIG_HOME=$PACKAGES/config
export ENCLAIR_STORE=$PACKAGES/store

# project NAME: a project with the recipe of that name, its lock made once
project() {
    local directory=$PACKAGES/project/$1
    mkdir -p "$directory"
    cp "$roots/$1.toml" "$directory/enclair.toml"
    [[ -e $directory/enclair.lock ]] || "$ENCLAIR" lock "$directory" >&2
    printf '%s\n' "$directory"
}

# digest FILE
digest() {
    sha256sum <"$1" | cut -d ' ' -f 1
}
