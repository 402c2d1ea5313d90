#!/bin/sh
# The video encoder: receives one message, keeps it hidden while it works, deletes it, counts it, and ends.
# Standard output is a line of JSON for each step; everything else goes to standard error.
# With --loop it takes message after message until a signal comes or one cannot be processed.
#
# QUEUE_URL             the queue
# AWS_REGION            its region
# AWS_ENDPOINT_URL      an AWS endpoint other than the region's own (optional)
# RESULT_ANALYZER_URL   the result analyzer (optional)
# PROCESS_SLEEP_TIME    seconds of work (30)
# VISIBILITY_TIMEOUT    seconds for which the message is hidden, extended at each third of it (60)
# IDLE_TIMEOUT          seconds to look for a message before ending (15)
# KEDACTL_JOB           the name under which it counts (the host's)
#
# It ends with 0 when a message was processed or none came, 1 when one could not be processed, 143 after SIGTERM.
set -u

: "${QUEUE_URL:?names no queue}" "${AWS_REGION:?names no region}"
work_seconds=${PROCESS_SLEEP_TIME:-30}
visibility=${VISIBILITY_TIMEOUT:-60}
idle_seconds=${IDLE_TIMEOUT:-15}
job=${KEDACTL_JOB:-$(uname -n)}
answer=$(mktemp) || exit 1
loops=${1:-}
message='' receipt='' stopped=''
trap 'rm -f "$answer"' EXIT
trap 'stopped=yes' TERM INT

# A command in the background, so that a signal is noticed at once; the signal ends the wait, not the command.
run() {
    "$@" &
    child=$!
    code=0
    wait "$child" || code=$?
    while kill -0 "$child" 2>/dev/null; do
        code=0
        wait "$child" || code=$?
    done
    return "$code"
}

sqs() {
    action=$1
    shift
    aws --region "$AWS_REGION" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} --cli-connect-timeout 5 --cli-read-timeout 20 \
        --output json sqs "$action" --queue-url "$QUEUE_URL" "$@"
}

# Up to three tries, with a pause between them.
persist() {
    for pause in 1 2 0; do
        run "$@" && return
        [ "$pause" -eq 0 ] || run sleep "$pause"
    done
    return 1
}

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }

# For jq: seconds since 1970 as the text of a time, with milliseconds.
stamp='def stamp: (floor | strftime("%Y-%m-%dT%H:%M:%S.")) + "\(. * 1000 % 1000 + 1000 | floor)"[1:] + "Z";'

# One event; further fields are given as --arg NAME VALUE (text) or --argjson NAME VALUE (anything else).
event() {
    name=$1
    shift
    jq -nc --arg event "$name" "$@" --arg job "$job" "$stamp {at: (now | stamp)} + \$ARGS.named" || say "$name $message"
}

# Tells the analyzer; nothing depends on it.
count() {
    [ -n "${RESULT_ANALYZER_URL:-}" ] || return 0
    body=$(jq -nc --arg message_id "$message" --arg job "$job" '{message_id: $message_id, job: $job}')
    if persist post "${RESULT_ANALYZER_URL%/}/$1/count" "$body"; then
        [ "$1" = kill ] || event counted --arg message_id "$message"
    else
        say "could not reach the analyzer: message $message was not counted"
    fi
}

post() {
    if command -v curl >/dev/null; then
        curl --silent --show-error --fail --max-time 3 --output /dev/null --header 'Content-Type: application/json' --data "$2" "$1"
    else
        wget -q -T 3 -O /dev/null --header 'Content-Type: application/json' --post-data "$2" "$1"
    fi
}

# Gives the message back, so that it is not hidden from the others until its time is over.
release() {
    if persist sqs change-message-visibility --receipt-handle "$receipt" --visibility-timeout 0; then
        event released-message --arg message_id "$message" --arg reason "$1"
    else
        say "message $message was not given back; it returns after its visibility timeout"
    fi
}

fail() {
    say "$1"
    release failure
    exit 1
}

end_on_signal() {
    if [ -n "$message" ]; then
        release signal
        count kill
    fi
    exit 143
}

# Looks for one message. A poll that is on its way is waited for: it may bring a message, which must go back.
receive() {
    until=$(($(date +%s) + idle_seconds))
    faults=0
    while [ -z "$stopped" ]; do
        left=$((until - $(date +%s)))
        [ "$left" -ge 0 ] || left=0
        wait_seconds=$((left < 10 ? left : 10))
        if run sqs receive-message --max-number-of-messages 1 --wait-time-seconds "$wait_seconds" --visibility-timeout "$visibility" \
            --attribute-names ApproximateReceiveCount SentTimestamp >"$answer"; then
            message=$(jq -r '.Messages[0].MessageId // empty' "$answer") || fail_to_read
            receipt=$(jq -r '.Messages[0].ReceiptHandle // empty' "$answer") || fail_to_read
            [ -z "$message" ] || return 0
            [ "$left" -gt 0 ] || return 0
        else
            faults=$((faults + 1))
            [ "$faults" -lt 3 ] || {
                say "could not receive from $QUEUE_URL"
                exit 1
            }
            run sleep 1
        fi
    done
}

fail_to_read() {
    say "could not read the answer of SQS"
    exit 1
}

# Hides the message for another while, at each third of the visibility timeout, until the work has ended.
keep_hidden() {
    extended=$(date +%s)
    while kill -0 "$work" 2>/dev/null; do
        [ -z "$stopped" ] || return 0
        pause 1
        [ $(($(date +%s) - extended)) -ge $((visibility / 3)) ] || continue
        extended=$(date +%s)
        kill -0 "$work" 2>/dev/null || return 0
        if run sqs change-message-visibility --receipt-handle "$receipt" --visibility-timeout "$visibility"; then
            event extended --arg message_id "$message" --argjson seconds "$visibility"
        else
            say "could not keep message $message hidden yet"
        fi
    done
}

# Waits, or less when a signal comes.
pause() {
    sleep "$1" &
    wait $! || :
}

# Receives one message and processes it; nothing when none came.
process() {
    message='' receipt=''
    receive
    [ -n "$message" ] || return 0
    event received --arg message_id "$message" \
        --argjson receive_count "$(jq '.Messages[0].Attributes.ApproximateReceiveCount // "1" | tonumber' "$answer")" \
        --argjson sent_at "$(jq "$stamp .Messages[0].Attributes.SentTimestamp | if . then tonumber / 1000 | stamp else . end" "$answer")"
    [ -z "$stopped" ] || end_on_signal

    # The work. Put an encoder in its place: one command in the background, whose exit code decides.
    begun=$(date +%s)
    sleep "$work_seconds" &
    work=$!
    keep_hidden
    if [ -n "$stopped" ]; then
        kill "$work" 2>/dev/null
        end_on_signal
    fi
    wait "$work" || fail "the work on message $message failed"
    event worked --arg message_id "$message" --argjson seconds $(($(date +%s) - begun))
    [ -z "$stopped" ] || end_on_signal

    persist sqs delete-message --receipt-handle "$receipt" || fail "could not delete message $message"
    event deleted --arg message_id "$message"
    count create
}

process
while [ "$loops" = --loop ] && [ -z "$stopped" ]; do
    process
done
[ -n "$message" ] || {
    [ -z "$stopped" ] || exit 143
    event idle
}
