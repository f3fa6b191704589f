#!/usr/bin/env bash
# Builds the image from the Dockerfile without any registry of images, and looks at what came out of it.
#   tests/deploy/image.sh [TARGET...]     TARGET: orgwatch, demo; none: both
#
# The base images are made here, by debootstrap and from the toolchain of this machine, under the names that the
# Dockerfile uses; buildah builds on them in a chroot, so that neither a daemon nor privileges of the kernel are needed
# beyond root's. Needs Debian's buildah and debootstrap, a registry of crates and Debian's packages.
#
# The two share what they are built from; with LAYERS=true it is kept between them, in some 40 GB of disk, and not built twice.
# BUILD_PROFILE=release builds without the long link of `dist`. Where the toolchain has no musl target and none can be
# fetched, the binary is linked statically against glibc instead, and the last line says so.
set -euo pipefail
cd "$(dirname "$0")/../.."

TARGETS=${*:-orgwatch demo}
PROFILE=${BUILD_PROFILE:-dist}
WORK=${IMAGE_WORK:-$PWD/target/image}
SUITE=bookworm
LIMIT=$((25 * 1024 * 1024))
BASE=$(sed -n 's/^ARG BUILD_IMAGE=//p' Dockerfile)
CHANNEL=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
ARCH=$(uname -m)

export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
buildah=(buildah --root "$WORK/storage" --runroot "$WORK/run")
step() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
for program in buildah debootstrap; do
    command -v "$program" >/dev/null || fail "$program is not installed (Debian: apt-get install buildah debootstrap)"
done
mkdir -p "$WORK"

toolchain=$(rustc +"$CHANNEL" --print sysroot 2>/dev/null || rustc --print sysroot)
target=$ARCH-unknown-linux-musl
flags=
if [[ ! -d $toolchain/lib/rustlib/$target ]]; then
    rustup target add "$target" 2>/dev/null || {
        target=$ARCH-unknown-linux-gnu
        flags="-C target-feature=+crt-static"
    }
fi

step "base image $BASE"
if ! "${buildah[@]}" images --quiet "$BASE" >/dev/null 2>&1; then
    root=$WORK/base
    rm -rf "$root"
    # Either form of the list is there, or both.
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -n 's/^deb .*\(https\?:[^ ]*debian\)\/* '"$SUITE"' .*/\1/p; s/^URIs: *\([^ ]*debian\)\/*$/\1/p' |
        head -1) || true
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev "$SUITE" "$root" ${mirror:+"$mirror"} \
        > "$WORK/debootstrap.log" || { tail -20 "$WORK/debootstrap.log"; fail "debootstrap, see above"; }
    # Whatever lets this machine reach its registries.
    cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
    cp -a /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    # As in the image that has this name: cargo and rustup, and the toolchain without its documentation.
    mkdir -p "$root/usr/local/cargo/bin" "$root/usr/local/rustup/toolchains"
    cp -a "$(dirname "$(command -v rustup)")"/{cargo,rustc,rustup} "$root/usr/local/cargo/bin/"
    cp -a "$toolchain" "$root/usr/local/rustup/toolchains/"
    rm -rf "$root/usr/local/rustup/toolchains/$(basename "$toolchain")/share"
    container=$("${buildah[@]}" from scratch)
    "${buildah[@]}" add --quiet "$container" "$root" / >/dev/null
    "${buildah[@]}" config --env RUSTUP_HOME=/usr/local/rustup --env CARGO_HOME=/usr/local/cargo \
        --env PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    "${buildah[@]}" commit --quiet --rm "$container" "docker.io/library/$BASE" >/dev/null
    rm -rf "$root"
fi
"${buildah[@]}" images

for name in $TARGETS; do
    step "building $name, profile $PROFILE, $target"
    # Without layers: each would be a copy of everything, as this storage driver needs nothing of the kernel.
    "${buildah[@]}" bud --format docker --pull-never --layers="${LAYERS:-false}" --target "$name" --tag "$name:check" \
        --build-arg "PROFILE=$PROFILE" --build-arg "TARGET=$target" --build-arg "TARGET_RUSTFLAGS=$flags" \
        --volume "$HOME/.cargo/registry:/usr/local/cargo/registry" .

    step "looking at $name"
    container=$("${buildah[@]}" from --pull-never "localhost/$name:check")
    mounted=$("${buildah[@]}" mount "$container")
    size=$(du --summarize --bytes "$mounted" | cut -f1)
    echo "$name: $size bytes, of which the binary $(stat -c %s "$mounted/orgwatch")"
    [[ $name != orgwatch || $size -lt $LIMIT ]] || fail "$name has $size bytes, the limit is $LIMIT"
    file "$mounted/orgwatch" | grep -Eq 'statically linked|static-pie' || fail "the binary is not static"
    said=$("${buildah[@]}" inspect --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Labels}} {{.Docker.Config.Healthcheck}}' "$container")
    echo "$said"
    [[ $said == "65532:65532 [/orgwatch]"* ]] || fail "user or entry point: $said"
    [[ $said == *org.opencontainers.image.title* ]] || fail "no labels"
    [[ $said == *"/orgwatch health"* ]] || fail "no health check"
    for program in bin/sh usr/bin/sh bin/busybox; do
        [[ ! -e $mounted/$program ]] || fail "there is a shell in the image: $program"
    done
    [[ $(stat -c '%u:%g %a' "$mounted/var/lib/orgwatch") == "65532:65532 750" ]] || fail "the data directory is not the user's"
    [[ -s $mounted/etc/ssl/certs/ca-certificates.crt ]] || fail "no CA certificates"

    step "running $name as its user on a read-only root"
    tests/deploy/image_run.py "$mounted" "$name"
    "${buildah[@]}" rm "$container" >/dev/null
done

echo
[[ -z $flags ]] || echo "This toolchain has no musl target: what ran is linked statically against glibc, not the binary that is shipped."
echo "the image is as it should be: $TARGETS"
