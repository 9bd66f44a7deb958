#!/usr/bin/env bash
# Installs what `make run`, `make build` or `make test` needs and this machine lacks; does nothing, quickly, when nothing is missing.
#
#   scripts/setup.sh run|build|test
#
# It never starts a service, and never creates, starts or changes a database cluster: of PostgreSQL only the programs are wanted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=${1:-run}
case $purpose in run | build | test) ;; *)
  echo "usage: scripts/setup.sh run|build|test" >&2
  exit 2
  ;;
esac

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    fail "this needs root: $* (become root, or install sudo)"
  fi
}

# --- Debian packages -------------------------------------------------------------------------------------------------------------

policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
no_cluster=$clusters/reeve-setup.conf
undo=()
clean_up() {
  for path in "${undo[@]}"; do as_root rm -f "$path"; done
}
trap clean_up EXIT

# While this file says 101, no package may start a service. Somebody else's file is left alone.
forbid_services() {
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    undo+=("$policy")
  fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@"; }

# Installs packages, with fresh package lists if the ones at hand don't do.
install() {
  has apt-get || fail "please install these yourself (this is not Debian): $*"
  say "installing $*"
  forbid_services
  apt install --yes --no-install-recommends "$@" >/dev/null 2>&1 && return
  apt update || fail "the package lists could not be fetched"
  apt install --yes --no-install-recommends "$@" >/dev/null || fail "these packages could not be installed: $*"
}

# --- What each purpose needs -------------------------------------------------------------------------------------------------------

need_rust() {
  has cargo || fail "Rust 1.95 or newer is needed: install it with rustup"
  local version minor
  version=$(rustc --version | awk '{ print $2 }')
  minor=${version#1.}
  minor=${minor%%.*}
  [ "${version%%.*}" -gt 1 ] || [ "$minor" -ge 95 ] || fail "Rust 1.95 or newer is needed and this is $version: run \`rustup update stable\`"
  has cc || install gcc libc6-dev

  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
    has rustup || fail "Rust's wasm32-unknown-unknown target is missing, and there is no rustup to add it with"
    say "adding Rust's wasm32-unknown-unknown target"
    rustup --quiet target add wasm32-unknown-unknown
  fi
}

need_rust_linters() {
  local tool
  for tool in rustfmt clippy; do
    if ! cargo "${tool/rustfmt/fmt}" --version >/dev/null 2>&1; then
      say "adding $tool"
      rustup --quiet component add $tool
    fi
  done
}

# A server of a version that Reeve can run (13 to 18), on PATH or where distributions keep it; Reeve looks there too.
has_postgres() {
  local dirs dir major
  IFS=: read -ra dirs <<<"$PATH"
  for dir in "${dirs[@]}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/lib/postgresql*/bin /usr/local/pgsql/bin; do
    if [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ]; then
      major=$("$dir/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
      if [ "${major:-0}" -ge 13 ] && [ "$major" -le 18 ]; then return; fi
    fi
  done
  return 1
}

need_postgres() {
  if has_postgres; then return; fi
  # This part makes no cluster. It is there first, so that the server's package finds the setting below.
  install postgresql-common
  as_root mkdir -p $clusters
  echo "create_main_cluster = false" | as_root tee $no_cluster >/dev/null
  undo+=("$no_cluster")
  local setting
  setting=$(pg_conftool /etc/postgresql-common/createcluster.conf show -bs create_main_cluster 2>/dev/null || true)
  [ "$setting" = off ] || fail "PostgreSQL's package would create a cluster here (create_main_cluster is not off in /etc/postgresql-common/createcluster.conf); install a PostgreSQL server yourself, then try again"
  local package
  package=$(apt-cache depends postgresql | awk '/Depends: postgresql-[0-9]+$/ { print $2; exit }')
  install "${package:-postgresql-15}"
  has_postgres || fail "PostgreSQL was installed but its programs were not found"
}

# The npm packages of a folder are locked; what is installed is told by a copy of the lock.
npm_packages() {
  local folder=$1
  local lock=$folder/package-lock.json copy=$folder/node_modules/.installed-lock.json
  if cmp -s "$lock" "$copy"; then return; fi
  say "installing the npm packages of $folder"
  (cd "$folder" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) && cp "$lock" "$copy"
}

# wasm-opt halves what the browser loads; without Node the pages work all the same.
want_node() {
  if has node && has npm; then npm_packages end2end || say "the npm packages could not be installed; going on without wasm-opt"; fi
}

need_browser_tests() {
  local missing=()
  has node || missing+=(nodejs)
  has npm || missing+=(npm)
  has chromium || missing+=(chromium)
  # The letters of the pictures that pages are compared with, and the moment that they are taken at.
  [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
  has faketime || missing+=(faketime)
  # What the documents' own commands use.
  has curl || missing+=(curl)
  has jq || missing+=(jq)
  has psql || missing+=(postgresql-client)
  if [ ${#missing[@]} -gt 0 ]; then install "${missing[@]}"; fi
  local version
  version=$(node --version)
  version=${version#v}
  [ "${version%%.*}" -ge 18 ] || fail "the browser tests need Node 18 or newer, and this is $version"
  npm_packages end2end || fail "the npm packages of end2end could not be installed"
  # Servers of the other majors; without them their tests are skipped, loudly.
  npm_packages scripts/majors || say "the servers of other majors could not be fetched; going on without them"
}

# Debian has promtool only in the package that also starts a Prometheus server; so it is unpacked, not installed.
need_promtool() {
  local tools=target/tools
  if has promtool || [ -x $tools/bin/promtool ]; then return; fi
  has apt-get || fail "please install promtool (part of Prometheus) yourself"
  say "fetching promtool"
  local folder
  folder=$(mktemp -d)
  chmod 777 "$folder"
  (cd "$folder" && { apt-get -qq download prometheus 2>/dev/null || { apt update && apt-get -qq download prometheus; }; }) || fail "the package prometheus could not be fetched"
  dpkg -x "$folder"/prometheus_*.deb "$folder/unpacked"
  mkdir -p $tools/bin
  mv "$folder/unpacked/usr/bin/promtool" $tools/bin/promtool
  rm -rf "$folder"
}

# A second S3 server to prove backups against; a Python program, so it gets a home of its own.
need_moto() {
  local home=target/tools/moto
  if { has moto_server && moto_server --help >/dev/null 2>&1; } || [ -x $home/bin/moto_server ]; then return; fi
  has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || install python3 python3-venv
  say "fetching moto"
  rm -rf $home
  mkdir -p target/tools
  python3 -m venv $home && $home/bin/pip install --quiet --disable-pip-version-check "moto[s3,server]==5.2.5" || {
    rm -rf $home
    say "moto could not be fetched from the Python package index; its test will be skipped and counted"
  }
}

# Targets behind a pooler are tested with a real one.
need_pooler() {
  has pgbouncer || [ -x /usr/sbin/pgbouncer ] || install pgbouncer
}

need_rust
case $purpose in
  run)
    need_postgres
    want_node
    ;;
  build) want_node ;;
  test)
    need_rust_linters
    need_postgres
    need_browser_tests
    need_pooler
    need_promtool
    need_moto
    ;;
esac
