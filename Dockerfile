# loupan in one image: `loupan serve`, `loupan worker`, `loupan migrate` and every other command.

FROM python:3.13.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
# The lock comes first: while it stays the same, so does this layer. Binaries alone, each compared with its hash.
COPY requirements.lock ./
RUN python -m pip wheel --require-hashes --only-binary :all: --wheel-dir wheels --requirement requirements.lock \
 && python -m venv backend \
 && backend/bin/python -m pip install --no-index --find-links wheels hatchling editables
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY schemas schemas
COPY maps maps
COPY agents agents
COPY streams streams
# From the wheels above only what loupan needs to run: the build backend stays behind, and so does pip.
RUN backend/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
 && python -m venv --without-pip /opt/loupan \
 && python -m pip --python /opt/loupan/bin/python install --no-index --find-links wheels loupan

FROM python:3.13.13-slim-trixie
RUN python -m pip uninstall --yes --root-user-action ignore pip \
 && groupadd --gid 10001 loupan \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/loupan --create-home --shell /usr/sbin/nologin loupan
COPY --from=build /opt/loupan /opt/loupan
COPY --chmod=0755 compose/entrypoint.sh /usr/local/bin/loupan-entrypoint
ENV PATH=/opt/loupan/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/loupan
EXPOSE 8460 8461
# The gateway's; docker-compose.yml has the worker's own. Not by urllib: it would ask a proxy that the engine hands in.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
  "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8460, timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["loupan-entrypoint"]
CMD ["loupan", "serve", "--host", "0.0.0.0"]
