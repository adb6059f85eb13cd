#!/bin/sh
# Makes the fixtures of this directory with the programs whose output must be decoded. Run it here
# when a fixture is to be added; the results are committed, so tests need none of the programs.
# The content is a text that compresses, some bytes that do not, and a text again.
set -eu

{
    seq 1 200
    printf '%s' 0123456789abcdef | sha256sum
    seq 1000 1100
} > content

gzip -9 -n -c content > content.gz
gzip -1 -c content > name.gz
zstd -q -19 --check -c content > content.zst
zstd -q -3 --no-check --no-content-size -c content > unchecked.zst
xz --check=crc64 -c content > content.xz
xz --check=crc32 -c content > crc32.xz
xz --check=sha256 -c content > sha256.xz
xz --check=crc32 --x86 --lzma2=preset=6 -c content > x86.xz
xz --check=none -c content > unchecked.xz
xz --format=lzma -c content > content.lzma
bzip2 -9 -c content > content.bz2
lz4 -q -9 -c content > content.lz4
lz4 -q -BX -B4 -BD --content-size -c content > linked.lz4
lz4 -q -l -c content > content.lz4l

# Several blocks: the content 300 times.
for _ in $(seq 300); do cat content; done > large
gzip -9 -n -c large > large.gz
zstd -q -1 --check -B1KB -c large > large.zst
xz --block-size=100KiB --check=crc32 -c large > large.xz
xz --format=lzma -c large > large.lzma
bzip2 -1 -c large > large.bz2
lz4 -q -B4 -BD -9 -c large > large.lz4
lz4 -q -B4 -BI -9 -c large > independent.lz4
lz4 -q -l -9 -c large > large.lz4l
rm large

: | gzip -n -c > empty.gz
: | zstd -q -c > empty.zst
: | xz -c > empty.xz
: | xz --format=lzma -c > empty.lzma
: | bzip2 -c > empty.bz2
: | lz4 -q -c > empty.lz4
