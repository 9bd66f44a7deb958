#!/usr/bin/env bash
# The README's commands on a machine that has nothing but what the README asks for. Run by `cargo xtask fresh` inside a new root, as root;
# the checkout lies in /src, and Rust in the home directory.
#
#   fresh.sh run|test
set -euo pipefail
HOME=~root
export HOME PATH=$HOME/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

say() { echo "fresh: $* ($SECONDS s)"; }
fail() {
  echo "fresh: $*" >&2
  exit 1
}

# What the README says a fresh Debian needs, beside Rust.
apt-get -qq update
apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends git make gcc libc6-dev ca-certificates >/dev/null
# Authorities of this site, without which no registry would be trusted.
update-ca-certificates >/dev/null 2>&1
git clone --quiet /src "$HOME/reeve"
cd "$HOME/reeve"
say "the checkout is there, at $(git rev-parse --short HEAD)"

mkfifo /said
setsid make run >/said 2>&1 &
run=$!
ready=
while IFS= read -r line; do
  echo "  $line"
  if [[ $line == *"Reeve is ready at"* ]]; then
    ready=${line##*http://}
    say "make run is ready"
    exec 3<>"/dev/tcp/${ready%:*}/${ready##*:}"
    printf 'GET /ready HTTP/1.0\r\n\r\n' >&3
    IFS= read -r answer <&3
    [[ $answer == *" 200 "* ]] || fail "/ready answered: $answer"
    kill -INT -- "-$run"
  fi
done </said
# Ended by Ctrl-C, make may call that an error; that it never came up is one.
wait "$run" || true
[[ -n $ready ]] || fail "make run ended before it was ready"
say "Ctrl-C ended everything"

if [[ ${1:-run} == test ]]; then
  CI=true make test
  say "make test passed"
fi
