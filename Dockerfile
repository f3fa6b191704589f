# syntax=docker/dockerfile:1

# A static binary, the CA certificates and an empty data directory; no shell, no libc, no package manager.
# For a reproducible image give both bases by digest: --build-arg BUILD_IMAGE=rust:1.95.0-slim-bookworm@sha256:...
# Each architecture is built on its own platform, native or emulated: docker buildx build --platform linux/amd64,linux/arm64 .
ARG BUILD_IMAGE=rust:1.95.0-slim-bookworm
# Any base will do; the CA certificates come from the build.
ARG BASE_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates cmake g++ make musl-tools \
    && rm -rf /var/lib/apt/lists/*
# The base has the compiler of rust-toolchain.toml; without this, rustup would fetch its lint tools as well.
ENV RUSTUP_TOOLCHAIN=1.95.0
# Puts the list of dependencies into the binary, where scanners of images find it.
RUN cargo install cargo-auditable --locked --version 0.7.7 --root /usr/local
# Another target, with other flags, is for where the musl one cannot be had.
ARG TARGET=
ARG TARGET_RUSTFLAGS=
ENV RUSTFLAGS=${TARGET_RUSTFLAGS}
RUN echo "${TARGET:-$(uname -m)-unknown-linux-musl}" > /target && rustup target add "$(cat /target)"
WORKDIR /src

# The dependencies, in a layer that lasts until a manifest changes. The programs are empty here, but must be where the
# manifests say. The simulator belongs to the workspace, so cargo must see a package there.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY sim/Cargo.toml sim/
ARG PROFILE=dist
RUN mkdir -p src sim/src tests/integration tests/safety benches/passes \
    && for main in src/main.rs sim/src/main.rs tests/integration/main.rs tests/safety/main.rs benches/passes/main.rs; do \
        echo 'fn main() {}' > "$main"; done \
    && touch src/lib.rs sim/src/lib.rs \
    && cargo auditable build --locked --profile "$PROFILE" --target "$(cat /target)" --bin orgwatch

COPY . .
# The files come with the dates of the checkout, which may lie before the empty program above: without the touch,
# cargo would find nothing to do and the image would ship that one.
RUN touch src/main.rs src/lib.rs \
    && cargo auditable build --locked --profile "$PROFILE" --target "$(cat /target)" --bin orgwatch \
    && install -D "target/$(cat /target)/$PROFILE/orgwatch" /image/orgwatch \
    && install -D --mode 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install --directory --owner 65532 --group 65532 --mode 0750 /image/var/lib/orgwatch

# The same with the simulated organization, for `docker build --target demo`.
FROM build AS build-demo
# Not every builder hands it on from the stage that this one begins with.
ARG PROFILE=dist
RUN touch sim/src/lib.rs \
    && cargo auditable build --locked --profile "$PROFILE" --target "$(cat /target)" --bin orgwatch --features demo \
    && install "target/$(cat /target)/$PROFILE/orgwatch" /image/orgwatch

FROM ${BASE_IMAGE} AS demo
LABEL org.opencontainers.image.title="orgwatch demo" \
      org.opencontainers.image.description="orgwatch in a simulated AWS Organization" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-demo /image/ /
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/orgwatch", "health", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["/orgwatch"]
CMD ["demo", "--bind", "127.0.0.1:8080"]

# Last, so that it is what `docker build` makes.
FROM ${BASE_IMAGE} AS orgwatch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="orgwatch" \
      org.opencontainers.image.description="Installs IAM change alerting in every account of an AWS Organization and keeps it true" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
# By number, so that an orchestrator can check that it is not root.
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/orgwatch", "health"]
ENTRYPOINT ["/orgwatch"]
CMD ["serve"]
