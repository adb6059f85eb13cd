# Sourced by the scripts here: the images that are measured, in the working directory, made once.
# shellcheck shell=bash disable=SC2154

# A layout $1 with one gzip layer of $2 bytes, in which are copies of a small Debian; the content of
# each file $3 times, if that is given.
make_layout() {
    local name=$1 bytes=$2 times=${3:-1} image=part-$1:v1
    [[ ! -e $name ]] || return 0
    rm -rf "part-$name"
    "$top/.ci/debian" root root.tar
    "$top/benches/make_layer.py" root.tar "$bytes" layer.tar "$times"
    umoci init --layout "part-$name"
    umoci new --image "$image"
    umoci config --image "$image" --architecture amd64 --os linux --config.cmd /bin/true
    umoci raw add-layer --image "$image" layer.tar
    rm layer.tar
    mv "part-$name" "$name"
}
