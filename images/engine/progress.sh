# shellcheck shell=bash
# What goes on and for how long: on a terminal a line that moves, in a log a line every half minute.

TICKER=
MOVES= # set if stderr is a terminal on which a line can be overwritten
! [ -t 2 ] || [[ "${TERM:-dumb}" = dumb ]] || MOVES=1

clear_line() { [ -z "$MOVES" ] || printf '\r\033[K' >&2; }
line() { printf '%s%s\n' "${MOVES:+$'\r\033[K'}" "$*" >&2; } # in one write: the ticker's line never comes between
say() { line "engine: $*"; }
fail() { line "error: $*"; exit 1; }

during() { # during <what> <command ...>: runs the command, and says what goes on meanwhile and how long it took
    local what=$1 began=$SECONDS
    shift
    [ -n "$MOVES" ] || say "$what ..."
    tick "$what" &
    TICKER=$!
    disown $TICKER # bash says nothing of its end
    "$@"
    stop_ticker
    say "$what: $((SECONDS - began)) s"
}

tick() { # tick <what>: says every second, in a log every half minute, how long it has been going on
    local began=$SECONDS
    while kill -0 $$ 2>/dev/null; do
        if [ -n "$MOVES" ]; then
            printf '\r\033[Kengine: %s, %d s' "$1" $((SECONDS - began)) >&2
        elif ((SECONDS > began && (SECONDS - began) % 30 == 0)); then
            echo "engine: $1, for $((SECONDS - began)) s so far" >&2
        fi
        sleep 1 >/dev/null 2>&1
    done
}

stop_ticker() {
    [ -n "$TICKER" ] || return 0
    kill -KILL "$TICKER" 2>/dev/null || true # at once, before it runs traps of this shell
    TICKER=
    clear_line
}
