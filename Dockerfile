# The emulator with PostgreSQL. docs/docker.md describes how to use the image.
#
#     docker build -t voucherify-emulator .
#
# A release replaces the stage `program` by the binaries of its archives, which are then not compiled again:
#
#     docker buildx build --build-context program=DIR .
#
# DIR contains a directory for each architecture (amd64, arm64) with what the archive has: bin/ and share/.

ARG RUST_IMAGE=docker.io/library/rust:1-slim-trixie
ARG DEBIAN_IMAGE=docker.io/library/debian:trixie-slim

FROM ${RUST_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
# The checked SQL statements are in .sqlx, so that the build needs no database. The cache is not part of the stage, so the
# binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    SQLX_OFFLINE=true cargo build --release --locked \
    && install -D target/release/voucherify-emulator "/out/${TARGETARCH}/bin/voucherify-emulator" \
    && install -D -m 644 LICENSE "/out/${TARGETARCH}/share/doc/voucherify-emulator/LICENSE"

FROM scratch AS program
COPY --from=build /out /

FROM ${DEBIAN_IMAGE}
ARG TARGETARCH
# The data of an emulator that is not ephemeral is in /data, also without --data-dir: the default data directory is a link to it.
# Group 0 has access, because OpenShift runs containers with any user id and that group.
RUN useradd --uid 10001 --gid 0 --home-dir /home/emulator --no-create-home --shell /usr/sbin/nologin emulator \
    && install -d -o 10001 -g 0 /home/emulator /home/emulator/.cache /home/emulator/.local /home/emulator/.local/share \
    && install -d -o 10001 -g 0 -m 770 /data \
    && ln -s /data /home/emulator/.local/share/voucherify-emulator
# Only the programs of PostgreSQL: no cluster is created, and the private key that ssl-cert makes is removed. The emulator turns
# off the JIT compiler, so LLVM, a third of the image, is removed too. libnss-unknown gives a name to every user id, without which
# initdb does not run: `docker run --user` and OpenShift choose ids that are not in /etc/passwd. It is installed last, because
# no user can be added afterwards. Versions are not pinned: Debian's mirrors keep only the newest one of a release.
# hadolint ignore=DL3008
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/none.conf \
    && export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install -y --no-install-recommends postgresql-17 \
    && apt-get install -y --no-install-recommends libnss-unknown \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt \
        /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem \
        /usr/lib/postgresql/17/lib/bitcode /usr/lib/postgresql/17/lib/llvmjit* \
        /usr/lib/*/libLLVM* /usr/lib/*/libz3.so* /usr/lib/llvm-*
COPY --from=program /${TARGETARCH}/ /usr/local/
# Make the template that ephemeral emulators are copied from, so that containers start faster. Every user id may read it.
# hadolint ignore=DL3001
RUN export XDG_CACHE_HOME=/tmp/cache \
    && { voucherify-emulator --ephemeral --listen 127.0.0.1:0 & } \
    && timeout 60 sh -c 'until ls /tmp/cache/voucherify-emulator/templates/template-* >/dev/null 2>&1; do sleep 0.1; done' \
    && kill $! && wait $! \
    && mkdir -p /usr/local/share/voucherify-emulator/templates \
    && cp -r /tmp/cache/voucherify-emulator/templates/template-* /usr/local/share/voucherify-emulator/templates/ \
    && chmod -R a+rX,go-w /usr/local/share/voucherify-emulator \
    && rm -rf /tmp/cache

ENV HOME=/home/emulator \
    # All addresses of the container. `docker run -p` decides who can reach them.
    VOUCHERIFY_EMULATOR_LISTEN=0.0.0.0:8682 \
    # Refuse pages whose host name was pointed at this machine (docs/security.md). Addresses and local names are always allowed.
    VOUCHERIFY_EMULATOR_ALLOWED_HOSTS=localhost
USER 10001

WORKDIR /home/emulator
VOLUME ["/data"]
EXPOSE 8682
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["voucherify-emulator", "health"]
# Arguments of `docker run` replace --ephemeral, for example by --data-dir /data.
ENTRYPOINT ["voucherify-emulator"]
CMD ["--ephemeral"]

LABEL org.opencontainers.image.title="voucherify-emulator" \
    org.opencontainers.image.description="A local emulator of Voucherify's customers API, with real state on PostgreSQL" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.base.name="docker.io/library/debian:trixie-slim"
