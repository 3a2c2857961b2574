#!/usr/bin/env bash
# images/sbom.sh <folder> <image ...>: writes the bill of materials of each image (CycloneDX) to <folder>/<image>.cdx.json
#
# Uses syft; builds it from its module if it is not installed.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=images/engine/build.sh
source "$HERE/engine/build.sh"
SYFT=github.com/anchore/syft@v1.40.0

syft=$(command -v syft || true)
if [ -z "$syft" ]; then
    mkdir -p "$RUN"
    syft=$CACHE/bin/syft
    exec {lock}>"$CACHE/syft.lock" && flock "$lock" # if several runs start at once, the first one builds
    build_module $SYFT ./cmd/syft "$syft"
    remove_modules
    exec {lock}>&-
fi
folder=$1
shift
mkdir -p "$folder"
export SYFT_CHECK_FOR_APP_UPDATE=false SYFT_FILE_METADATA_SELECTION=none
printf '%s\n' "$@" | xargs --max-procs "$(nproc)" --replace=IMAGE \
    "$syft" scan --quiet --output "cyclonedx-json=$folder/IMAGE.cdx.json" docker:IMAGE
printf "%s.cdx.json\n" "${@/#/$folder/}"
