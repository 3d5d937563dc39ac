#!/bin/sh
# Instruction counts of two commands, as Markdown rows (docs/performance.md). They depend on compiler, flags and
# processor far less than times do, and not at all on what else the machine is busy with.
#
#   cargo build --release && benches/instructions.sh
#
# Wanted: valgrind.
set -eu
cd "$(dirname "$0")/.."
voyager=$PWD/target/release/voyager
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp examples/plan.xlsx "$folder/"

count() {
    what=$1
    shift
    (cd "$folder" && valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" >out.txt 2>err.txt) || {
        cat "$folder/out.txt" "$folder/err.txt" >&2
        exit 1
    }
    sed -n 's/^==[0-9]*== Collected : //p' "$folder/err.txt" | while read -r instructions; do
        echo "| $what | $(echo "$instructions" | awk '{printf "%.1f", $1 / 1e6}') |"
    done
}

echo "| command | million instructions |"
echo "|---|--:|"
count '`voyager --version`' "$voyager" --version
count '`plan check`' "$voyager" plan check plan.xlsx
count '`run --simulate`, every stage' "$voyager" run --simulate --speed 2000 --plan plan.xlsx --yes
