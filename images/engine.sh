#!/usr/bin/env bash
# Provides Docker, a BuildKit builder and the base image on machines that lack them.
#
#   images/engine.sh up      starts whatever is missing (as root on Debian)
#   images/engine.sh env     prints the exports that point docker and docker buildx to it
#   images/engine.sh down    stops everything it started, and keeps build results in the cache folder
#
# NDR_ENGINE_CACHE is the cache folder, NDR_ENGINE_REGISTRY the address of the local mirror of Docker Hub.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MIRROR=${NDR_ENGINE_REGISTRY:-127.0.0.1:5000}
BASE=library/python:3.11-slim-bookworm
BUILDER=ndr

# shellcheck source=images/engine/build.sh
source "$HERE/engine/build.sh"
EXPORTS=$RUN/exports
trap stop_ticker EXIT

running() { # running <program>: whether the program started by this script is alive
    local process
    [ -f "$RUN/$1.pid" ] && process=/proc/$(cat "$RUN/$1.pid") &&
        [ "$(cat "$process/comm" 2>/dev/null)" = "$1" ] && readlink "$process/exe" >/dev/null # a zombie has no executable
}

start() { # start <program> <argument ...>: runs it in the background, in a new session, with a log
    local program=$1
    shift
    PATH=$CACHE/bin:$PATH setsid nohup "$program" "$@" >"$RUN/$program.log" 2>&1 </dev/null &
    echo $! >"$RUN/$program.pid"
}

wait_for() { # wait_for <name> <command ...>: waits until the command succeeds, at most a minute
    local name=$1
    shift
    for _ in $(seq 240); do
        "$@" >/dev/null 2>&1 && return
        kill -0 "$(cat "$RUN/$name.pid")" 2>/dev/null || break
        sleep 0.25
    done
    tail -5 "$RUN/$name.log" >&2
    fail "$name did not start. See $RUN/$name.log"
}

has_docker() { docker info >/dev/null 2>&1; }
has_builder() { # whether buildx works with a BuildKit that supports named contexts
    printf 'FROM named\n' | docker buildx build --quiet --build-context "named=$HERE/engine" - >/dev/null 2>&1
}
has_hub() { [ "$(curl -so /dev/null -m 10 -w '%{http_code}' https://registry-1.docker.io/v2/)" = 401 ]; }

up() {
    if [ -f "$EXPORTS" ] && running buildkitd && running docker-registry && has_docker; then
        say "already running"
        return
    fi
    down
    local missing=()
    during "looking for Docker, buildx and Docker Hub" find_missing
    if [ ${#missing[@]} -eq 0 ]; then
        say "nothing to start: this machine has Docker, buildx and Docker Hub"
        return
    fi
    say "missing: ${missing[*]}; building from packages into $CACHE"
    mkdir -p "$RUN"
    make_parts "${missing[@]}"
    if [[ " ${missing[*]} " == *" docker "* ]]; then
        during "starting Docker" start_docker
        during "removing containers and images of earlier runs" tidy
    fi
    during "starting the mirror of Docker Hub" start_registry
    during "pushing the base image" push_base
    during "starting the builder" start_builder
    say "running after $SECONDS s; point docker to it with: eval \"\$(images/engine.sh env)\""
}

find_missing() { # adds what this machine lacks to `missing`
    has_docker || missing+=(docker)
    [ ${#missing[@]} -eq 0 ] && has_builder || missing+=(builder)
    has_hub || missing+=(hub)
}

make_parts() { # make_parts <missing part ...>: installs packages, and builds tools and base image in parallel
    local docker=()
    [[ " $* " != *" docker "* ]] || docker=(docker.io iptables)
    install_packages "${docker[@]}" docker-registry debootstrap curl ca-certificates
    during "building buildx, buildkitd and the base image" make_in_parallel
}

make_in_parallel() {
    build_tools &
    local tools=$!
    build_base_root "$CACHE/base.tar"
    wait $tools || fail "buildx and buildkitd could not be built. See $RUN/go.log"
}

start_docker() {
    mountpoint -q /sys/fs/cgroup || fail "/sys/fs/cgroup is not mounted, but containers need control groups. Mount it"
    start dockerd --data-root "$CACHE/docker" --exec-root "$RUN/docker" --pidfile "$RUN/docker.pid" \
        --host unix:///var/run/docker.sock
    wait_for dockerd docker info
}

tidy() { # removes containers and networks of earlier runs, and images of other versions of the source
    docker container prune --force >/dev/null
    docker images --filter dangling=false --format '{{.Repository}}:{{.Tag}}' |
        sed -e '/:latest$/d' -e "\\#^$MIRROR/#d" | xargs --no-run-if-empty docker rmi >/dev/null
    docker system prune --force >/dev/null
}

start_registry() {
    cat >"$RUN/registry.yml" <<YML
version: 0.1
storage: {filesystem: {rootdirectory: $CACHE/registry}, delete: {enabled: true}}
http: {addr: $MIRROR}
YML
    start docker-registry serve "$RUN/registry.yml"
    wait_for docker-registry curl -sf "http://$MIRROR/v2/"
}

push_base() { # pushes the base image to the mirror, under its name on Docker Hub
    local tag=$MIRROR/$BASE
    if ! docker image inspect "$tag" >/dev/null 2>&1; then
        docker import --change 'CMD ["python3"]' --change 'ENV LANG=C.UTF-8' "$CACHE/base.tar" "$tag" >/dev/null
    fi
    docker push --quiet "$tag" >/dev/null
}

start_builder() {
    cat >"$RUN/buildkitd.toml" <<TOML
root = "$CACHE/buildkit"
[grpc]
address = ["unix://$RUN/buildkitd.sock"]
[worker.oci]
gc = true
maxUsedSpace = "8GB"
[registry."docker.io"]
mirrors = ["$MIRROR"]
[registry."$MIRROR"]
http = true
TOML
    start buildkitd --config "$RUN/buildkitd.toml"
    export DOCKER_CONFIG=$CACHE/docker-config
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    ln -sf "$CACHE/bin/docker-buildx" "$DOCKER_CONFIG/cli-plugins/docker-buildx"
    wait_for buildkitd test -S "$RUN/buildkitd.sock"
    docker buildx inspect $BUILDER >/dev/null 2>&1 ||
        docker buildx create --name $BUILDER --driver remote "unix://$RUN/buildkitd.sock" >/dev/null
    wait_for buildkitd docker buildx inspect --bootstrap $BUILDER
    local digest
    digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$MIRROR/$BASE")
    cat >"$EXPORTS" <<SH
export DOCKER_CONFIG=$DOCKER_CONFIG
export BUILDX_BUILDER=$BUILDER
export PYTHON_DIGEST=${digest##*@}
SH
}

down() {
    # a killed dockerd leaves containers and mounts; starting it again cleans them up
    [ ! -d "$RUN/docker" ] || has_docker || during "starting Docker, to clean up" start_docker
    for name in buildkitd docker-registry dockerd; do
        running "$name" || continue
        kill "$(cat "$RUN/$name.pid")"
        during "stopping $name" wait_for_end "$name"
    done
    unmount_below "$CACHE" # Docker leaves mounts of its folder and of the host's network namespace
    rm -rf --one-file-system "$RUN"
}

wait_for_end() { # wait_for_end <program>: waits until it has ended, at most a minute
    for _ in $(seq 240); do running "$1" || return 0; sleep 0.25; done
    fail "$1 (process $(cat "$RUN/$1.pid")) does not stop. Kill it"
}

case "${1:-}" in
    up) up ;;
    down) down ;;
    env) [ ! -f "$EXPORTS" ] || cat "$EXPORTS" ;;
    *) fail "usage: images/engine.sh up|env|down" ;;
esac
