# Sourced by the checks here: the inputs, a scratch directory, images of one program, real boots.
# shellcheck shell=bash disable=SC2034

# .ci/boot builds the program, finds QEMU, makes the inputs, and calls the checks.
: "${ENCLAIR:?run .ci/boot}" "${BOOT:?run .ci/boot}" "${KERNEL:?run .ci/boot}" "${INIT:?run .ci/boot}"
: "${QEMU:?run .ci/boot}"

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
busybox=$BOOT/busybox/bin/busybox
scratch=$(mktemp -d -p "$BOOT" "${0##*/}.XXXXXX")
# Where the program may put what it needs for a moment; a check may ask for it to be empty.
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
# By this every process that a check starts can be found again, whoever adopts it.
export ENCLAIR_CHECK=$scratch
trap 'rm -rf "$scratch"' EXIT
# No boot takes longer, so that a check that hangs fails.
limit=120

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Makes the docker archive $1 of a busybox and the JSON object $2, which is the image's `config`.
# Further arguments are given to tar and add to the root.
make_image() {
    local file=$1 config=$2 work
    shift 2
    work=$(mktemp -d -p "$scratch")
    mkdir -p "$work/root/bin" "$work/root/tmp"
    cp "$busybox" "$work/root/bin/busybox"
    local applet
    for applet in sh cat echo id kill ls sleep true; do
        ln "$work/root/bin/busybox" "$work/root/bin/$applet"
    done
    tar -C "$work/root" --owner=0 --group=0 -cf "$work/layer.tar" . "$@"
    printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$config" "$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)" >"$work/config.json"
    printf '[{"Config":"config.json","RepoTags":null,"Layers":["layer.tar"]}]' >"$work/manifest.json"
    tar -C "$work" -cf "$file" manifest.json config.json layer.tar
    rm -r "$work"
}

# Builds the EIF $1 of an image whose `config` is $2.
make_eif() {
    local eif=$1 config=$2
    shift 2
    make_image "$scratch/image.tar" "$config" "$@"
    build_eif "$eif" "$scratch/image.tar"
}

# Builds the EIF $1 of the docker archive $2; further arguments are those of `build`.
build_eif() {
    local eif=$1 image=$2
    shift 2
    "$ENCLAIR" build --image "docker-archive:$image" --kernel "$KERNEL" --init "$INIT" \
        -o "$scratch/built" "$@" >"$scratch/build.out" 2>&1 || fail "$(cat "$scratch/build.out")"
    mv "$scratch/built/enclave.eif" "$eif"
}

# A `config` whose program is a shell with the script $1.
script() {
    python3 -c 'import json, sys; print(json.dumps({"Cmd": ["/bin/sh", "-c", sys.argv[1]]}))' "$1"
}

# Boots the EIF $1. Status and output are in $status, $scratch/out and $scratch/err.
boot() {
    status=0
    # TCG, because asking whether KVM works takes time and the machine's answer decides nothing.
    timeout --kill-after=5 "$limit" "$ENCLAIR" run --accel tcg --qemu "$QEMU" "$@" \
        >"$scratch/out" 2>"$scratch/err" || status=$?
}

# Expects the last boot to have ended with the status $1; its console is shown if not.
ended() {
    ((status == $1)) ||
        fail "status $status instead of $1; the end of its console: $(tail -n 30 "$scratch/err")"
}

# Expects words in what the last boot said.
said() {
    grep -qF -- "$1" "$scratch/err" ||
        fail "\"$1\" is not on the console, whose end is: $(tail -n 30 "$scratch/err")"
}

# Expects that nothing is left of what this check started: no process but its own, no file.
nothing_left() {
    local environ id left
    for _ in {1..100}; do
        left=
        for environ in /proc/[0-9]*/environ; do
            id=${environ//[!0-9]/}
            grep -qzF "ENCLAIR_CHECK=$scratch" "$environ" 2>/dev/null || continue
            # What a shell starts to run these lines has the variable, too.
            [[ $(ps -o comm= -p "$id") == @(enclair|qemu-system*) ]] && left+=" $id"
        done
        [[ $left ]] || break
        sleep 0.05
    done
    [[ ! $left ]] || fail "$1: processes are left: $(ps -o pid=,stat=,args= -p "${left// /,}")"
    [[ -z $(ls -A "$TMPDIR") ]] || fail "$1: files are left: $(ls -lA "$TMPDIR")"
}
