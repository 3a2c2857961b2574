# shellcheck shell=bash
# Builds tools and the root file system of the base image from packages, once, into the cache folder.

# shellcheck source=images/engine/progress.sh
source "$(dirname "${BASH_SOURCE[0]}")/progress.sh"

CACHE=${NDR_ENGINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ndr-engine}
RUN=$CACHE/run
BUILDX=github.com/docker/buildx@v0.26.1
BUILDKIT=github.com/moby/buildkit@v0.25.1

install_packages() { # install_packages <package ...>: installs missing Debian packages
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q ' installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "missing packages: ${missing[*]}. Start Docker with buildx yourself, or run as root on Debian"
    fi
    during "installing ${missing[*]}" run_apt "${missing[@]}"
}

run_apt() { # run_apt <package ...>: installs the packages
    dpkg --configure -a >"$RUN/apt.log" 2>&1 # repairs an interrupted installation
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >"$RUN/apt.log" 2>&1 ||
        fail "apt-get install failed: $(tail -1 "$RUN/apt.log")"
}

build_tools() { # builds buildx and buildkitd from their modules, once
    build_module $BUILDX ./cmd/buildx "$CACHE/bin/docker-buildx"
    build_module $BUILDKIT ./cmd/buildkitd "$CACHE/bin/buildkitd"
    remove_modules
}

remove_modules() { # removes the sources of the built modules
    ! [ -e "$CACHE/go" ] || { chmod -R u+w "$CACHE/go" && rm -rf "$CACHE/go"; }
}

build_module() { # build_module <module@version> <package> <binary>
    local module=$1 package=$2 binary=$3 folder source
    [ ! -x "$binary" ] || return 0
    command -v go >/dev/null || fail "building $module needs Go 1.24 or later. Put it on the PATH"
    say "building $module"
    folder=$CACHE/go/$(basename "$binary")
    source=$(GOMODCACHE=$CACHE/go/mod GOPATH=$CACHE/go go mod download -json "$module" 2>>"$RUN/go.log" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
    [ -n "$source" ] || fail "module $module could not be downloaded. See $RUN/go.log"
    rm -rf "$folder" && cp -r "$source" "$folder" && chmod -R u+w "$folder" && rm -rf "$folder/vendor"
    mkdir -p "$(dirname "$binary")"
    (cd "$folder" && GOMODCACHE=$CACHE/go/mod GOPATH=$CACHE/go CGO_ENABLED=0 \
        go build -mod=mod -trimpath -ldflags '-s -w' -o "$binary.part" "$package") 2>>"$RUN/go.log"
    mv "$binary.part" "$binary"
}

build_base_root() { # build_base_root <tar>: builds Debian with Python, like the slim images, once
    [ ! -f "$1" ] || return 0
    say "building the base image with debootstrap"
    local root=$CACHE/base-root
    unmount_below "$root"
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" >"$RUN/debootstrap.log" ||
        fail "debootstrap failed: $(tail -1 "$RUN/debootstrap.log")"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    pip_settings >"$root/etc/pip.conf"
    find "$root"/usr/share/{doc,man,info,locale} -type f ! -name copyright -delete
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt
    ln -sf python3 "$root/usr/bin/python"
    tar --directory "$root" --create --file "$1.part" --exclude './dev/*' --exclude './proc/*' --exclude './sys/*' .
    mv "$1.part" "$1"
    rm -rf "$root"
}

unmount_below() { # unmount_below <folder>: removes mounts left by a killed run
    awk -v below="$1/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort --reverse | xargs --no-run-if-empty umount
}

pip_settings() { # prints this machine's pip settings, without addresses that contain a password
    echo "[global]"
    echo "cert = /etc/ssl/certs/ca-certificates.crt"
    python3 -m pip config list 2>/dev/null |
        sed -n "s/^global\.\(index-url\|extra-index-url\|timeout\)='\(.*\)'$/\1 = \2/p" | grep -v '://[^/]*@' || true
}
