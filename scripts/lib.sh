# Shared by ./run and the scripts beside this file: what they say, their progress, and apt. To be sourced by bash.

say() { echo "${TOOL:-$(basename "$0")}: $*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Runs a command that may take a while: says what it does, shows the elapsed time, and its output only where it fails.
# Usage: step "installing chromium" COMMAND [ARG...]
step() {
    local label=$1 log status=0 started=$SECONDS beat
    shift
    log=$(mktemp)
    say "$label"
    heartbeat "$label" $$ &
    beat=$!
    "$@" >"$log" 2>&1 || status=$?
    kill "$beat" 2>/dev/null
    wait "$beat" 2>/dev/null || true
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
    if [[ $status -ne 0 ]]; then
        say "$label failed after $((SECONDS - started)) s (exit $status):"
        tail -n 40 "$log" >&2
    elif ((SECONDS - started >= 3)); then
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

# Brings apt's package lists, once in a script: a fresh machine has none, and those of an old one name files that are gone.
refresh() {
    [[ -z "${refreshed:-}" ]] || return 0
    authorize
    step "updating the package lists" root apt-get update -q -o APT::Update::Error-Mode=any -o DPkg::Lock::Timeout=120
    refreshed=1
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

# Unpacks a package into a folder without installing it.
unpack() {
    local package=$1 folder=$2
    has_apt || fail "cannot download the package $package: this system has no apt-get."
    mkdir -p "$folder"
    candidate "$package" || refresh || return 1
    candidate "$package" || { say "the package $package is not in the package lists of this system." && return 1; }
    rm -f "$folder"/*.deb

    # The lists of an old machine name files that are gone: the second attempt has new ones.
    (cd "$folder" && step "downloading the package $package" apt-get download -q "$package") || {
        [[ -z "${refreshed:-}" ]] && refresh && (cd "$folder" && step "downloading the package $package" apt-get download -q "$package")
    } || return 1
    dpkg -x "$folder"/*.deb "$folder" && rm -f "$folder"/*.deb
}
