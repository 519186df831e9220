# Shared by ./run and the scripts beside this file: what they say, their progress, and apt. To be sourced by bash.

say() { echo "${TOOL:-$(basename "$0")}: $*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Runs a command that may take a while: says what it does, shows the elapsed time, and its output where it fails. Of one that succeeds
# only apt's warnings are shown: a package list that could not be had is one.
# Usage: step "installing chromium" COMMAND [ARG...]
step() {
    local label=$1 log status=0 started=$SECONDS beat
    shift
    log=$(mktemp)
    say "$label"
    heartbeat "$label" $$ &
    beat=$!
    # In a shell of its own, so that a command that ends the script ends only this one, and its reason is shown.
    ("$@") >"$log" 2>&1 || status=$?
    kill "$beat" 2>/dev/null || true
    wait "$beat" 2>/dev/null || true
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
    if [[ $status -ne 0 ]]; then
        say "$label failed after $((SECONDS - started)) s (exit $status):"
        tail -n 40 "$log" >&2
    else
        grep -E '^(W|E|Err)[:0-9]' "$log" >&2 || true
    fi
    if [[ $status -eq 0 ]] && ((SECONDS - started >= 3)); then
        say "$label: done in $((SECONDS - started)) s"
    fi
    rm -f "$log"
    return "$status"
}

# On a terminal a line that counts the seconds, elsewhere a line every ten seconds; ends with the script that began it.
heartbeat() {
    local started=$SECONDS
    while sleep 1 && kill -0 "$2" 2>/dev/null; do
        if [[ -t 2 ]]; then
            printf '\r\033[K%s: %s, %d s' "${TOOL:-$(basename "$0")}" "$1" $((SECONDS - started)) >&2
        elif (((SECONDS - started) % 10 == 0)); then
            say "$1: $((SECONDS - started)) s"
        fi
    done
}

root() {
    if [[ $(id -u) == 0 ]]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        fail "needs root for: $*"
    fi
}

# Asks for sudo's password, where it wants one, before a step's progress would write over the question.
authorize() { [[ $(id -u) == 0 ]] || ! command -v sudo >/dev/null || sudo -n true 2>/dev/null || sudo -v; }

has_apt() { command -v apt-get >/dev/null; }

# Brings apt's package lists: a fresh machine has none, and those of an old one name files that are gone. Not again within half an hour.
# Usage: refresh [anyway]
refresh() {
    local stamp
    stamp=$(dirname "${BASH_SOURCE[0]}")/../.fer/package-lists
    if [[ -z ${1:-} && -n $(find "$stamp" -mmin -30 2>/dev/null) ]] && compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
        return
    fi
    authorize
    step "updating the package lists" root apt-get update -q -o DPkg::Lock::Timeout=120
    mkdir -p "$(dirname "$stamp")"
    touch "$stamp"
}

candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -qv '(none)'; }

# The first of the names that this release has; packages change theirs from one release to the next. A name that begins with ~ is a
# regular expression.
first_known() {
    local name
    for name in "$@"; do
        [[ $name != '~'* ]] || name=$(apt-cache search --names-only "${name#\~}" | cut -d ' ' -f 1 | sort -rV | head -n 1)
        if [[ -n $name ]] && candidate "$name"; then
            echo "$name"
            return
        fi
    done
    return 1
}

# As whoever asks: apt's own user may not be let into the folder.
download() { apt-get download -q -o APT::Sandbox::User=root "$1"; }

# Unpacks a package into a folder without installing it.
unpack() {
    local package=$1 folder=$2
    has_apt || fail "cannot download the package $package: this system has no apt-get."
    mkdir -p "$folder"
    candidate "$package" || refresh || return 1
    candidate "$package" || { say "the package $package is not in the package lists of this system." && return 1; }
    rm -f "$folder"/*.deb

    # The lists of an old machine name files that are gone: the second attempt has new ones.
    (cd "$folder" && step "downloading the package $package" download "$package") || {
        refresh anyway && (cd "$folder" && step "downloading the package $package" download "$package")
    } || return 1
    dpkg -x "$folder"/*.deb "$folder" && rm -f "$folder"/*.deb
}

# Names of the package that holds a library: Debian derives them from the soname, libfoo.so.1 from libfoo1, libfoo-2.so.0 from
# libfoo-2-0. With a time_t of 64 bits the name ends in t64. The exceptions are named here.
packages_of() {
    local soname=$1 stem version name
    case "$soname" in
        libglib-2.0.so.* | libgobject-2.0.so.* | libgio-2.0.so.* | libgmodule-2.0.so.* | libgthread-2.0.so.*) name=libglib2.0-0 ;;
        libgdk-3.so.*) name=libgtk-3-0 ;;
        libatk-1.0.so.*) name=libatk1.0-0 ;;
        libz.so.*) name=zlib1g ;;
        *.so.*)
            stem=${soname%%.so.*} version=${soname#*.so.}
            stem=${stem,,} stem=${stem//_/-}
            [[ $stem =~ [0-9]$ ]] && name=$stem-$version || name=$stem$version
            ;;
        *) return 0 ;;
    esac

    # The last one finds names with a suffix of their own, such as libharfbuzz0b.
    echo "${name}t64 $name ~^${name//./\\.}[a-z0-9]?\$"
}

# Runs a client of a node, which is a job of this shell. A node that ends before its client ends the client too, and its log says why,
# without the frames of stack traces, among which the sentence would not be found.
# Usage: beside PID LOG COMMAND [ARG...]
beside() {
    local node=$1 log=$2 client first status=0
    shift 2
    "$@" &
    client=$!
    wait -n -p first "$node" "$client" || status=$?
    if [[ $first == "$client" ]] && kill -0 "$node" 2>/dev/null; then
        return "$status"
    fi
    if [[ $first == "$client" ]]; then
        wait "$node" || status=$?
    else
        kill -TERM "$client" 2>/dev/null || true
        wait "$client" 2>/dev/null || true
    fi
    say "the node has ended (exit $status). The end of its log, $log:"
    grep -v '^   at ' "$log" | tail -n 20 >&2 || true
    [[ $status -ne 0 ]] || status=1
    return "$status"
}
