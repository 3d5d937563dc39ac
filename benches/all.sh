#!/usr/bin/env bash
# All tables of docs/performance.md, in its order, of one commit and one machine; the better part of an hour with nothing
# beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
printf 'commit %s, %s, %s processors, %s\n' "$(git describe --always --dirty)" "$(date +%F)" "$(nproc)" "$(uname -sr)"
for bench in upload fleet makespan start; do
    printf '\n## %s\n\n' "$bench"
    cargo bench --quiet --bench "$bench"
done
printf '\n## instructions\n\n'
benches/instructions.sh
