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
RUN rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /src

# The dependencies, in a layer that lasts until a manifest changes.
# The simulator belongs to the workspace, so cargo must see a package there; it is not built into the image.
COPY Cargo.toml Cargo.lock ./
COPY sim/Cargo.toml sim/
RUN mkdir src sim/src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs sim/src/lib.rs \
    && cargo build --locked --profile dist --target "$(uname -m)-unknown-linux-musl" --bin orgwatch

COPY . .
# The files come with the dates of the checkout, which may lie before the empty program above: without the touch,
# cargo would find nothing to do and the image would ship that one.
RUN touch src/main.rs src/lib.rs \
    && cargo build --locked --profile dist --target "$(uname -m)-unknown-linux-musl" --bin orgwatch \
    && install -D "target/$(uname -m)-unknown-linux-musl/dist/orgwatch" /image/orgwatch \
    && install -D --mode 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install --directory --owner 65532 --group 65532 --mode 0750 /image/var/lib/orgwatch

FROM ${BASE_IMAGE}
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
ENTRYPOINT ["/orgwatch"]
CMD ["serve"]
