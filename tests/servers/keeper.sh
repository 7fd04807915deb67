#!/usr/bin/env bash
# keeper.sh DIR: waits, in the background, until no process of a test run is left, and ends the servers below DIR.
#
# Each process of the run holds DIR/run by a shared flock, which the kernel lets go of however the process ends: so no
# server outlives its tests, not even after kill -9. A second keeper of the same DIR has nothing to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source-path=SCRIPTDIR source=common.sh
. ./common.sh

folder=${1:-}
[[ -e $folder/run ]] || fail "say of which run: DIR/run is what its processes hold"
if [[ ${2:-} != keep ]]; then
  setsid ./keeper.sh "$folder" keep >/dev/null 2>&1 </dev/null &
  exit 0
fi

exec 7>"$folder/keeper"
flock --nonblock 7 || exit 0
exec 8<"$folder/run"
flock 8
for one in "$folder"/*/; do
  ./kafka.sh stop "$one" 7>&- 8>&- || true
  ./postgres.sh stop "$one" 7>&- 8>&- || true
done
rm -rf "$folder"
