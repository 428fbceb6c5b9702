# Portcullis as a container image: built here, run by nobody in particular, with nothing else in it.
#   docker build -t portcullis .
#   docker run -p 8080:8080 -v "$PWD/config:/etc/portcullis:ro" -v "$PWD/swt.key:/run/secrets/swt.key:ro" portcullis
# A configuration for it listens on 0.0.0.0, and its upstream is not on the container's own 127.0.0.1.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
# The manifest names the benches and the examples, so they must be there; they are not built.
COPY benches benches
COPY loadtest loadtest
COPY README.md LICENSE ./
RUN cargo build --release --locked --bin portcullis
COPY config config
# The shipped configuration must hold. Its key is made for this check alone and stays in this stage.
RUN mkdir -p target/demo \
 && target/release/portcullis keys swt --out target/demo/swt.key \
 && PORTCULLIS_KEY_FILE=/src/target/demo/swt.key target/release/portcullis check --config config/portcullis.yaml

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/portcullis /usr/bin/portcullis
COPY --from=build /src/LICENSE /usr/share/doc/portcullis/LICENSE
# 65532 is the image's own `nonroot`; as a number, so that a cluster can see that it is not root.
USER 65532:65532
WORKDIR /etc/portcullis
ENV PORTCULLIS_KEY_FILE=/run/secrets/swt.key
# Drained by TERM, as `portcullis run` expects it; give the container longer than the configuration does.
STOPSIGNAL SIGTERM
EXPOSE 8080 8443
ENTRYPOINT ["/usr/bin/portcullis"]
CMD ["run", "--config", "/etc/portcullis/portcullis.yaml"]
