#!/usr/bin/env bash
# Docker, a BuildKit builder and the base image, where the machine lacks them.
#
#   images/engine.sh up      starts what is missing (as root on Debian); on a machine that has all of it, nothing
#   images/engine.sh env     prints the exports that docker and docker buildx need to use what was started
#   images/engine.sh down    stops what was started; what was built is kept in the cache folder
#
# NDR_ENGINE_CACHE names the cache folder, NDR_ENGINE_REGISTRY the address of the local mirror of Docker Hub.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MIRROR=${NDR_ENGINE_REGISTRY:-127.0.0.1:5000}
BASE=library/python:3.11-slim-bookworm
BUILDER=ndr

# shellcheck source=images/engine/build.sh
source "$HERE/engine/build.sh"
EXPORTS=$RUN/exports

running() { # whether the program is alive that was started here under its name
    local process
    [ -f "$RUN/$1.pid" ] && process=/proc/$(cat "$RUN/$1.pid") &&
        [ "$(cat "$process/comm" 2>/dev/null)" = "$1" ] && readlink "$process/exe" >/dev/null # a dead one has no program
}

start() { # start <program> <argument ...>: in the background, in a session of its own, with a log
    local program=$1
    shift
    PATH=$CACHE/bin:$PATH setsid nohup "$program" "$@" >"$RUN/$program.log" 2>&1 </dev/null &
    echo $! >"$RUN/$program.pid"
}

wait_for() { # wait_for <name> <command ...>: until the command succeeds, a minute at most
    local name=$1
    shift
    for _ in $(seq 240); do
        "$@" >/dev/null 2>&1 && return
        kill -0 "$(cat "$RUN/$name.pid")" 2>/dev/null || break
        sleep 0.25
    done
    tail -5 "$RUN/$name.log" >&2
    fail "$name did not start; its log is $RUN/$name.log"
}

has_docker() { docker info >/dev/null 2>&1; }
has_builder() { # buildx, and a BuildKit behind it that knows named contexts
    printf 'FROM named\n' | docker buildx build --quiet --build-context "named=$HERE/engine" - >/dev/null 2>&1
}
has_hub() { [ "$(curl -so /dev/null -m 10 -w '%{http_code}' https://registry-1.docker.io/v2/)" = 401 ]; }

up() {
    if [ -f "$EXPORTS" ] && running buildkitd && running docker-registry && has_docker; then
        say "already up"
        return
    fi
    down
    local missing=()
    has_docker || missing+=(docker)
    [ ${#missing[@]} -eq 0 ] && has_builder || missing+=(builder)
    has_hub || missing+=(hub)
    if [ ${#missing[@]} -eq 0 ]; then
        say "this machine has Docker, buildx and Docker Hub: nothing to start"
        return
    fi
    say "missing: ${missing[*]}; made from packages and kept in $CACHE"
    mkdir -p "$RUN"
    make_parts "${missing[@]}"
    if [[ " ${missing[*]} " == *" docker "* ]]; then
        start_docker
        tidy
    fi
    start_registry
    push_base
    start_builder
    say "up; eval \"\$(images/engine.sh env)\" makes docker use it"
}

make_parts() { # the packages, tools and base image that the missing parts need; the slow ones side by side
    local docker=()
    [[ " $* " != *" docker "* ]] || docker=(docker.io iptables)
    install_packages "${docker[@]}" docker-registry debootstrap curl ca-certificates
    build_tools &
    local tools=$!
    build_base_root "$CACHE/base.tar"
    wait $tools || fail "buildx and buildkitd could not be built; the log is $RUN/go.log"
}

start_docker() {
    mountpoint -q /sys/fs/cgroup || fail "no control groups at /sys/fs/cgroup: containers cannot be limited here"
    start dockerd --data-root "$CACHE/docker" --exec-root "$RUN/docker" --pidfile "$RUN/docker.pid" \
        --host unix:///var/run/docker.sock
    wait_for dockerd docker info
}

tidy() { # removes what earlier runs left: their containers and networks, and images of other states of the source
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

push_base() { # the base image into the mirror, under the name that it has on Docker Hub
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
    # a dockerd that was killed left containers and mounts: started once more, it ends and removes them
    [ ! -d "$RUN/docker" ] || has_docker || start_docker
    for name in buildkitd docker-registry dockerd; do
        running "$name" || continue
        kill "$(cat "$RUN/$name.pid")"
        for _ in $(seq 240); do running "$name" || break; sleep 0.25; done
        ! running "$name" || fail "$name (process $(cat "$RUN/$name.pid")) does not stop"
        say "stopped $name"
    done
    unmount_below "$CACHE" # Docker leaves its own folder, and the network of the host for containers that use it
    rm -rf --one-file-system "$RUN"
}

case "${1:-}" in
    up) up ;;
    down) down ;;
    env) [ ! -f "$EXPORTS" ] || cat "$EXPORTS" ;;
    *) fail "usage: images/engine.sh up|env|down" ;;
esac
